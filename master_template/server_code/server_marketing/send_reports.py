"""Who got a mail, who did not, and why; and what a person decides where nobody can tell."""

from __future__ import annotations

from itertools import islice
from typing import Any

import anvil
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_auth.rbac import current_actor
from ..server_customers.contact_fields import display_name
from ..server_privacy.export_files import to_csv
from ..server_shared import audit, clock
from ..server_shared.audit import Reads
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import ConflictError, InvalidError, NotFoundError
from ..server_shared.formatting import format_day_and_time
from ..server_shared.validators import Choice, Int, Text, fold
from . import ledger, mail_tallies, quota
from .ledger import FAILED, PLANNED, SENDING, SENT, SKIPPED, UNKNOWN, finish
from .recipients import REASON_TEXTS

PAGE_ROWS = 50
MAX_EXPORT_ROWS = 50_000
MAX_MATCHES = 1_000  # Contacts that a search by name looks at.
SENT_IT, SEND_AGAIN, NOT_SENT = "sent", "send_again", "not_sent"

SOURCE = Text("The mail", max_chars=120, required=True)
# What a list of recipients can be narrowed to, beginning with the states.
OUTCOMES: dict[str, dict[str, Any]] = {
    "waiting": {"state": q.any_of(PLANNED, SENDING)},
    "sent": {"state": SENT},
    "skipped": {"state": SKIPPED},
    "failed": {"state": FAILED},
    "unknown": {"state": UNKNOWN},
    "delivered": {"delivered_at": q.not_(None)},
    "opened": {"opened_at": q.not_(None)},
    "clicked": {"clicked_at": q.not_(None)},
    "not_opened": {"state": SENT, "opened_at": None, "clicked_at": None, "bounced_at": None},
    "bounced": {"bounced_at": q.not_(None)},
    "complained": {"complained_at": q.not_(None)},
    "unsubscribed": {"unsubscribed_at": q.not_(None)},
}
_COUNTED = ("delivered", "opened", "clicked", "bounced", "complained", "unsubscribed")
_FILTER = {
    "source": SOURCE,
    "outcome": Choice("Outcome", tuple(OUTCOMES)),
    "reason": Choice("Reason", tuple(REASON_TEXTS)),
    "search": Text("Search", max_chars=100, default=""),
}
_STATE_TEXTS = {
    PLANNED: "Waiting",
    SENDING: "Being sent",
    SENT: "Sent",
    SKIPPED: "Not sent",
    FAILED: "Failed",
    UNKNOWN: "Nobody knows",
}
_TIMES = (
    "planned_at",
    "started_at",
    "settled_at",
    "delivered_at",
    "opened_at",
    "clicked_at",
    "bounced_at",
    "complained_at",
    "unsubscribed_at",
)
_EXPORTED = (
    "contact_id",
    "name",
    "email",
    "state",
    "reason",
    "detail",
    "provider",
    *_TIMES,
)


@server_callable(needs="marketing.view", takes={"source": SOURCE})
def get_send_report(source: str) -> dict[str, Any]:
    """What became of all mails of a source: ``{"source", "title", "is_held", "is_cancelled",
    "counts", "reasons", "outcomes"}``. ``counts`` and ``reasons`` as ``ledger`` gives them;
    ``outcomes`` counts what came of those that were sent. Raises :class:`NotFoundError`."""
    contents = list(app_tables.mail_contents.search(source=source))
    if not contents:
        raise NotFoundError("No mail of this has been planned yet.")
    newest = max(contents, key=lambda row: row["created_at"])
    return {
        "source": source,
        "title": newest["title"],
        "is_held": newest["held_at"] is not None,
        "is_cancelled": newest["cancelled_at"] is not None,
        "counts": ledger.counts(source),
        "reasons": ledger.reasons(source),
        "outcomes": {name: len(ledger.sends_of(source, **OUTCOMES[name])) for name in _COUNTED},
    }


@server_callable(
    needs="marketing.view",
    takes={
        **_FILTER,
        "offset": Int("Offset", minimum=0, maximum=10_000_000, default=0),
        "page_size": Int("Page size", minimum=1, maximum=200, default=PAGE_ROWS),
    },
)
def list_sends(
    source: str,
    outcome: str | None = None,
    reason: str | None = None,
    search: str = "",
    offset: int = 0,
    page_size: int = PAGE_ROWS,
) -> dict[str, Any]:
    """One page of recipients: ``{"sends": [...], "total"}``.

    Each has ``send_key``, ``contact_id``, ``name``, ``email``, ``subject``, ``state``,
    ``state_text``, ``reason``, ``reason_text``, ``detail``, ``attempts``, ``provider``,
    ``decided_by``, ``due_at`` and the times of what happened. Whoever sees only some customers sees
    only theirs.
    """
    rows = _search(source, outcome, reason, search)
    shown = [_shown(row) for row in rows[offset : offset + page_size]]
    return {"sends": shown, "total": len(rows)}


@server_callable(
    needs="marketing.view",
    takes=_FILTER,
    audit=Reads("mail_send.export", of="source", noting=("outcome", "reason")),
    atomic=False,
)
def export_sends(
    source: str, outcome: str | None = None, reason: str | None = None, search: str = ""
) -> dict[str, Any]:
    """The same recipients as a CSV: ``{"file", "rows"}``. Raises :class:`InvalidError` where there
    are more than MAX_EXPORT_ROWS."""
    rows = _search(source, outcome, reason, search, page_rows=1_000)
    if len(rows) > MAX_EXPORT_ROWS:
        raise InvalidError(
            f"A file has at most {MAX_EXPORT_ROWS:,} rows, not {len(rows):,}. Choose an outcome."
        )
    business = read_business()
    table = []
    for row in rows:
        item = _shown(row)
        shown = {**item, "state": item["state_text"], "reason": item["reason_text"]}
        for name in _TIMES:
            shown[name] = format_day_and_time(item[name], business) if item[name] else ""
        table.append(shown)
    audit.add_details(rows=len(table))
    name = source.replace(":", "-") + "-recipients.csv"
    file = anvil.BlobMedia("text/csv", to_csv(list(_EXPORTED), table), name=name)
    return {"file": file, "rows": len(table)}


@server_callable(
    needs="marketing.manage",
    takes={
        "send_key": Text("The mail", max_chars=40, required=True),
        "decision": Choice("Decision", (SENT_IT, SEND_AGAIN, NOT_SENT), required=True),
    },
    audit="mail_send.decide",
)
def decide_send(send_key: str, decision: str) -> dict[str, Any]:
    """Say what became of a mail of which nobody knows, or have it sent again: ``{"send": ...}``.

    Raises :class:`NotFoundError`, and :class:`ConflictError` (``not_unknown``).
    """
    row = app_tables.mail_sends.get(send_key=send_key)
    if row is None or not _is_inside(row):
        raise NotFoundError("There is no such mail any more.")
    if row["state"] != UNKNOWN:
        raise ConflictError(
            "It is known what became of this mail, so there is nothing to decide.",
            code="not_unknown",
        )
    who = current_actor().author_name
    if decision == SENT_IT:
        finish(row, SENT, None, decided_by=who)
    elif decision == NOT_SENT:
        finish(row, FAILED, "not_sent", decided_by=who)
    else:
        mail_tallies.change(
            row,
            state=PLANNED,
            reason=None,
            detail=None,
            started_at=None,
            settled_at=None,
            settled_day=None,
            attempts=0,
            due_at=clock.now(),
            decided_by=who,
        )
        ledger.start_sending_afterwards()
    audit.record("decide", "mail_send", send_key, {"state": [UNKNOWN, row["state"]]})
    return {"send": _shown(row)}


@server_callable(needs="marketing.view")
def get_sending_status() -> dict[str, Any]:
    """How sending goes on: ``hourly_limit`` and the most that it can be (``ceiling``), ``used`` in
    the last hour, how many mails are ``waiting`` and ``unknown``, ``next_at`` (when the hour has
    room again, or None), and ``paused_until`` with ``pause_reason``."""
    now = clock.now()
    row = quota.read_row()
    ceiling = quota.read_ceiling()
    limit = quota.limit_of(row, ceiling)
    paused = quota.is_paused(row, now)
    return {
        "hourly_limit": limit,
        "ceiling": ceiling,
        "used": quota.used_of(row, now),
        "waiting": len(app_tables.mail_sends.search(state=q.any_of(PLANNED, SENDING))),
        "unknown": len(app_tables.mail_sends.search(state=UNKNOWN)),
        "next_at": quota.free_at(row, limit, now),
        "paused_until": row["paused_until"] if paused else None,
        "pause_reason": row["pause_reason"] if paused else "",
    }


@server_callable(
    needs="marketing.manage",
    takes={"hourly_limit": Int("Mails an hour", minimum=0, maximum=100_000, required=True)},
    audit="mail_sending.update",
)
def update_sending_limit(hourly_limit: int) -> dict[str, Any]:
    """Set how many marketing mails go out in an hour; 0 lets none go. Raises
    :class:`InvalidError`."""
    quota.change_limit(hourly_limit)
    ledger.start_sending_afterwards()
    return {"hourly_limit": hourly_limit}


@server_callable(needs="marketing.manage", audit="mail_sending.resume")
def resume_sending() -> dict[str, Any]:
    """Send at once what waits because something was wrong: it has been put right."""
    row = quota.read_row()
    if row is None or row["paused_until"] is None:
        audit.unchanged()
    else:
        audit.record("resume", "mail_sending", "", {"paused_until": [row["paused_until"], None]})
        quota.resume(row)
    ledger.start_sending_afterwards()
    return {}


def _search(
    source: str, outcome: str | None, reason: str | None, search: str, page_rows: int = PAGE_ROWS
) -> Any:
    query = dict(OUTCOMES[outcome]) if outcome else {}
    if reason:
        query["reason"] = reason
    conditions = list(scopes.linked_terms())
    if search:
        conditions.append(_matches(search))
    return ledger.sends_of(
        source,
        tables.order_by("contact_number"),
        tables.order_by("planned_at"),
        q.page_size(page_rows),
        q.fetch_only(
            *_COLUMNS,
            contact=q.fetch_only("contact_id", "first_name", "last_name", "email"),
            content=q.fetch_only("subject"),
        ),
        *conditions,
        **query,
    )


def _matches(search: str) -> Any:
    """That a recipient's address, name or number has these words."""
    pattern = search.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    found = app_tables.contacts.search(
        q.fetch_only("contact_id"),
        q.page_size(MAX_MATCHES),
        *(q.all_of(search_text=q.ilike(f"%{fold(word)}%")) for word in pattern.split()),
    )
    contacts = list(islice(found, MAX_MATCHES))
    by_name = [q.all_of(contact=q.any_of(*contacts))] if contacts else []
    return q.any_of(q.all_of(recipient_email=q.ilike(f"%{pattern}%")), *by_name)


_COLUMNS = (
    "send_key",
    "contact_number",
    "recipient_email",
    "state",
    "reason",
    "detail",
    "attempts",
    "provider",
    "decided_by",
    "due_at",
    *_TIMES,
)


def _is_inside(row: Any) -> bool:
    return row["contact"] is None or scopes.is_inside(row["contact"])


def _shown(row: Any) -> dict[str, Any]:
    contact, content = row["contact"], row["content"]
    return {
        "send_key": row["send_key"],
        "contact_id": contact["contact_id"] if contact else "",
        "name": display_name(contact) if contact else "Erased contact",
        "email": row["recipient_email"] or "",
        "subject": content["subject"] if content else "",
        "state": "waiting" if row["state"] in (PLANNED, SENDING) else row["state"],
        "state_text": _STATE_TEXTS[row["state"]],
        "reason": row["reason"] or "",
        "reason_text": REASON_TEXTS.get(row["reason"] or "", ""),
        "detail": row["detail"] or "",
        "attempts": int(row["attempts"] or 0),
        "provider": row["provider"] or "",
        "decided_by": row["decided_by"] or "",
        "due_at": row["due_at"],
        **{name: row[name] for name in _TIMES},
    }
