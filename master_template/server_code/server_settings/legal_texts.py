"""The privacy policy and the terms: standard texts, the owner's own, and all their versions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import anvil.server
import anvil.tables.query as q
from anvil.tables import TableError, app_tables, order_by

from ..server_auth.rbac import current_actor
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.config import Business, read_business
from ..server_shared.errors import ConflictError, InvalidError, NotFoundError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Int, Text
from .legal_markup import check_variables, to_html
from .legal_standard import PRIVACY_POLICY, STANDARD_VERSION, TERMS
from .policies import describe, read_policies
from .profile_choices import ENGLISH, country_name

PRIVACY, CONDITIONS = "privacy_policy", "terms"
TITLES = {PRIVACY: "Privacy policy", CONDITIONS: "Terms and conditions"}
PATHS = {PRIVACY: "/privacy", CONDITIONS: "/terms"}
_STANDARD = {PRIVACY: PRIVACY_POLICY, CONDITIONS: TERMS}
MAX_SOURCE_CHARS = 60_000
MAX_PAGE_BYTES = 80_000  # of the 100 KB that a public page may have
MAX_LISTED = 50

KIND = Choice("The text", tuple(TITLES), required=True)
SOURCE = Text("The text", max_chars=MAX_SOURCE_CHARS, multiline=True, required=True)


@dataclass(frozen=True)
class LegalText:
    """One version. ``number`` is 0 for the standard text, which nobody has published."""

    kind: str
    number: int
    source: str
    published_at: datetime | None = None
    author_name: str = ""

    @property
    def version(self) -> str:
        """What a record of consent calls it."""
        return str(self.number) if self.number else STANDARD_VERSION


def current_text(kind: str) -> LegalText:
    """The version in force."""
    return _newest(kind) or LegalText(kind, 0, _STANDARD[kind])


def current_versions() -> dict[str, str]:
    """The version in force of each kind, as a record of consent names it."""
    return {kind: current_text(kind).version for kind in TITLES}


def _newest(kind: str) -> LegalText | None:
    rows = app_tables.legal_texts.search(order_by("number", ascending=False), kind=kind)
    return _from_row(rows[0]) if len(rows) else None


def _from_row(row: Any) -> LegalText:
    return LegalText(
        row["kind"],
        int(row["number"]),
        row["source"],
        row["published_at"],
        row["author_name"] or "",
    )


def variable_values(business: Business) -> dict[str, str]:
    """What each variable stands for now."""
    address = business.address
    town = " ".join(part for part in (address.get("postal_code"), address.get("city")) if part)
    parts = [address.get("line1"), address.get("line2"), town, address.get("region")]
    words = {heading: text for heading, text in describe(read_policies())}
    return {
        "business_name": business.business_name,
        "email": business.email,
        "phone": business.phone,
        "address": ", ".join(part for part in (*parts, address.get("country")) if part),
        "country": country_name(business.country),
        "currency": str(ENGLISH.currencies.get(business.currency, business.currency)),
        "website": (anvil.server.get_app_origin() or "").rstrip("/"),
        "cancellation_policy": words["Cancelling"],
        "no_show_policy": words["Not coming"],
        "rescheduling_policy": words["Moving a booking"],
        "refund_policy": words["Refunds"],
    }


def body_of(text: LegalText, business: Business) -> str:
    """The text as harmless HTML."""
    return to_html(text.source, variable_values(business))


@server_callable(needs="settings.view")
def get_legal_texts() -> dict[str, Any]:
    """``{"texts": {kind: {title, path, version, number, source, published_at, versions}},
    "variables": {name: value}}``; ``versions`` are the newest, newest first, without the source."""
    return {
        "texts": {kind: _for_editor(kind) for kind in TITLES},
        "variables": variable_values(read_business()),
    }


def _for_editor(kind: str) -> dict[str, Any]:
    text = current_text(kind)
    rows = app_tables.legal_texts.search(
        order_by("number", ascending=False),
        q.fetch_only("kind", "number", "published_at", "author_name"),
        kind=kind,
    )
    return {
        "title": TITLES[kind],
        "path": PATHS[kind],
        "version": text.version,
        "number": text.number,
        "source": text.source,
        "published_at": text.published_at,
        "versions": [
            {
                "number": int(row["number"]),
                "published_at": row["published_at"],
                "author_name": row["author_name"] or "",
            }
            for row in rows[:MAX_LISTED]
        ],
    }


@server_callable(
    needs="settings.view", takes={"kind": KIND, "number": Int("The version", minimum=0)}
)
def get_legal_source(kind: str, number: int | None = None) -> dict[str, Any]:
    """``{"source"}`` of a version; 0 is the standard text."""
    if not number:
        return {"source": _STANDARD[kind]}
    row = app_tables.legal_texts.get(kind=kind, number=number)
    if row is None:
        raise NotFoundError(f"There is no version {number} of this text.")
    return {"source": row["source"]}


@server_callable(
    needs="settings.manage",
    takes={"kind": KIND, "source": SOURCE, "number": Int("The version", minimum=0, required=True)},
    audit="legal_text.publish",
)
def publish_legal_text(kind: str, source: str, number: int) -> dict[str, Any]:
    """Put a text in force in place of version ``number``, which the caller has read."""
    business = read_business()
    check_text(source, business)
    _publish(kind, source, number)
    return {"text": _for_editor(kind)}


def check_text(source: str, business: Business) -> None:
    """Raise :class:`InvalidError` where a text cannot be shown."""
    values = variable_values(business)
    check_variables(source, values)
    page = to_html(source, values)
    if len(page.encode()) > MAX_PAGE_BYTES:
        raise InvalidError(
            f"The text is too long for a page: at most {MAX_PAGE_BYTES // 1000} KB.",
            field="source",
        )
    if not page.strip():
        raise InvalidError("Nothing of this text could be shown.", field="source")


@in_transaction
def _publish(kind: str, source: str, number: int) -> None:
    newest = current_text(kind)
    if newest.source == source:
        audit.unchanged()
        return
    if newest.number != number:
        raise _conflict()
    try:
        app_tables.legal_texts.add_row(
            kind=kind,
            number=number + 1,
            source=source,
            published_at=clock.now(),
            author_name=current_actor().name,
        )
    except TableError as error:
        if "legal_texts_kind_number_unique" in str(error):
            raise _conflict() from error
        raise
    audit.record("publish", "legal_text", kind, {"version": [newest.version, str(number + 1)]})


def _conflict() -> ConflictError:
    return ConflictError(
        "Someone else published a version while you were writing. Nothing has been published yet; "
        "what you typed is still here.",
        code="edited_meanwhile",
    )
