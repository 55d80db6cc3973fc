"""The list of addresses that get no marketing: reading it, adding by hand, and taking back."""

from __future__ import annotations

from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_auth.rbac import current_actor
from ..server_shared import audit
from ..server_shared.callables import server_callable
from ..server_shared.encryption import EMAIL, search_hash
from ..server_shared.errors import ConflictError, NotFoundError
from ..server_shared.validators import Choice, Email, Int, Text
from . import suppression
from .suppression import BY_PERSON, KINDS

PAGE_ROWS = 50
MAX_SCOPED = 5_000
ADDRESS = Email("E-mail", required=True)


@server_callable(
    needs="marketing.view",
    takes={
        "kind": Choice("Kind", KINDS),
        "search": Text("Search", max_chars=100, default=""),
        "offset": Int("Offset", minimum=0, maximum=10_000_000, default=0),
        "page_size": Int("Page size", minimum=1, maximum=200, default=PAGE_ROWS),
    },
)
def list_suppressions(
    kind: str | None = None, search: str = "", offset: int = 0, page_size: int = PAGE_ROWS
) -> dict[str, Any]:
    """One page of addresses that get no marketing, the newest first: ``{"suppressions": [...],
    "total"}``. Each has ``email`` ('' once erased), ``kind``, ``source``, ``detail``, ``given_by``,
    ``recorded_at`` and ``can_be_lifted``."""
    query: dict[str, Any] = {"lifted_at": None}
    if kind:
        query["kind"] = kind
    conditions = []
    if search:
        pattern = search.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        conditions.append(q.all_of(email=q.ilike(f"%{pattern}%")))
    if scopes.current_scope() is not None:
        conditions.append(q.all_of(email=q.any_of("", *_emails_in_scope())))
    rows = app_tables.mail_suppressions.search(
        tables.order_by("recorded_at", ascending=False),
        q.page_size(PAGE_ROWS),
        *conditions,
        **query,
    )
    shown = [_shown(row) for row in rows[offset : offset + page_size]]
    return {"suppressions": shown, "total": len(rows)}


@server_callable(
    needs="marketing.manage",
    takes={"email": ADDRESS, "detail": Text("Why", max_chars=300, default="")},
    audit="suppression.add",
)
def add_suppression(email: str, detail: str = "") -> dict[str, Any]:
    """Send an address no marketing any more, whoever it belongs to: ``{"email"}``."""
    who = current_actor().author_name
    if not suppression.suppress(email, "manual", source=f"by:{who}"[:120], detail=detail):
        audit.unchanged()
    return {"email": email}


@server_callable(
    needs="marketing.manage",
    takes={
        "email": ADDRESS,
        "kind": Choice("Kind", KINDS, required=True),
        "reason": Text("How you know", max_chars=300, required=True),
    },
    audit="suppression.lift",
)
def lift_suppression(email: str, kind: str, reason: str) -> dict[str, Any]:
    """Let an address get marketing again, where a provider or somebody here has ruled it out:
    ``{"email"}``. Raises :class:`NotFoundError`, and :class:`ConflictError` (``by_person``) for
    what only the person can take back."""
    if kind in BY_PERSON:
        raise ConflictError(
            f"{email} has asked not to get any more mails. Only the person can change that: in "
            "their account, or by confirming a sign-up form.",
            code="by_person",
            field="email",
        )
    row = app_tables.mail_suppressions.get(
        address_hash=search_hash(EMAIL, email), kind=kind, lifted_at=None
    )
    if row is None:
        raise NotFoundError(f"{email} is not on this list.")
    suppression.lift_row(row, reason, current_actor().author_name)
    return {"email": email}


def _emails_in_scope() -> list[str]:
    """The addresses of the contacts that the caller may see."""
    found = app_tables.contacts.search(
        q.fetch_only("email"),
        q.page_size(1_000),
        *scopes.contact_terms(),
        email=q.not_(None),
    )
    return [row["email"] for row in islice(found, MAX_SCOPED)]


def _shown(row: Any) -> dict[str, Any]:
    return {
        "email": row["email"] or "",
        "kind": row["kind"],
        "source": row["source"] or "",
        "detail": row["detail"] or "",
        "given_by": row["given_by"] or "",
        "recorded_at": row["recorded_at"],
        "can_be_lifted": row["kind"] not in BY_PERSON and bool(row["email"]),
    }
