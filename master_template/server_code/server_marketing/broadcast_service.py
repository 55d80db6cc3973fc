"""Broadcasts, one mail to many: make, read, change and copy them. ``broadcast_running`` sends."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_emails.mail_blocks import EMPTY_CONTENT, MailContent
from ..server_shared import clock
from ..server_shared.callables import server_callable
from ..server_shared.errors import ConflictError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Int, Record, Rule, Text
from . import broadcast_recipients, ledger, mailings, subject_tests
from .broadcast_fields import (
    BROADCAST_ID,
    DRAFT,
    SCHEDULED,
    SENDING,
    SENT,
    STATUSES,
    find_broadcast,
    find_in_status,
    full_broadcast,
    list_item,
    source_of,
)
from .broadcast_recipients import RECIPIENTS
from .broadcast_running import as_given, check_ready
from .campaign_fields import contains

MAX_PAGE = 100


def _rules() -> dict[str, Rule]:
    return {
        "broadcast_name": Text("Name", max_chars=100, required=True),
        "content": MailContent("Mail", is_draft=True),
        "recipients": RECIPIENTS,
        "subject_test": subject_tests.RULE,
    }


@server_callable(
    needs="marketing.view",
    takes={
        "search": Text("Search", max_chars=100, default=""),
        "status": Choice("Status", STATUSES),
        "offset": Int("Offset", minimum=0, maximum=100_000, default=0),
        "page_size": Int("Page size", minimum=1, maximum=MAX_PAGE, default=25),
    },
)
def list_broadcasts(
    search: str = "", status: str | None = None, offset: int = 0, page_size: int = 25
) -> dict[str, Any]:
    """``broadcasts``, the newest first, each with the ``counts`` of its mails, and ``total``."""
    query: dict[str, Any] = {}
    if status:
        query["status"] = q.any_of(SENDING, SENT) if status in (SENDING, SENT) else status
    if search:
        query["broadcast_name"] = contains(search)
    newest = tables.order_by("created_at", ascending=False)
    rows, total = mailings.read_page(app_tables.email_broadcasts, newest, query, offset, page_size)
    counts = ledger.counts_by_source([source_of(row) for row in rows])
    items = [list_item(row, counts[source_of(row)]) for row in rows]
    return {"broadcasts": items, "total": total}


@server_callable(needs="marketing.view", takes={"broadcast_id": BROADCAST_ID})
def get_broadcast(broadcast_id: str) -> dict[str, Any]:
    """``{"broadcast": {...}}`` with its mail, recipients, ``counts`` and ``version``."""
    return {"broadcast": full_broadcast(find_broadcast(broadcast_id))}


@server_callable(
    needs="marketing.manage",
    takes={"broadcast_data": Record("The broadcast", _rules(), required=True)},
    audit="broadcast.create",
)
def create_broadcast(broadcast_data: dict[str, Any]) -> dict[str, Any]:
    """Make a draft; ``broadcast_id`` and ``broadcast``."""
    row = add_broadcast(**broadcast_data)
    return {"broadcast_id": row["broadcast_id"], "broadcast": full_broadcast(row)}


@in_transaction
def add_broadcast(
    broadcast_name: str,
    content: dict[str, Any] | None,
    recipients: dict[str, Any],
    subject_test: dict[str, Any] | None = None,
    resend_of: str | None = None,
) -> Any:
    now = clock.now()
    row = app_tables.email_broadcasts.add_row(
        broadcast_id=secrets.token_hex(6),
        broadcast_name=broadcast_name,
        content=content or dict(EMPTY_CONTENT),
        recipients=recipients,
        subject_test=subject_test,
        status=DRAFT,
        resend_of=resend_of,
        created_by=current_actor().row,
        created_at=now,
        updated_at=now,
        version=1,
    )
    return mailings.record_created("broadcast", row)


@server_callable(
    needs="marketing.manage",
    takes={
        "broadcast_id": BROADCAST_ID,
        "changes": Record("The changes", _rules(), partial=True, required=True),
        "version": Int("The version", minimum=1, required=True),
    },
    audit="broadcast.update",
)
def update_broadcast(broadcast_id: str, changes: dict[str, Any], version: int) -> dict[str, Any]:
    """Change a draft, or one that waits for its time, that the caller has read as ``version``.

    Raises :class:`EditedMeanwhileError`, and :class:`ConflictError` (``wrong_status``) for one that
    has begun to go out: what people got stays what it was.
    """
    return {"broadcast": full_broadcast(_update(broadcast_id, changes, version))}


@in_transaction
def _update(broadcast_id: str, changes: dict[str, Any], version: int) -> Any:
    row = find_broadcast(broadcast_id)

    def check(changed: Mapping[str, Any]) -> None:
        if row["status"] not in (DRAFT, SCHEDULED) and set(changed) != {"broadcast_name"}:
            raise ConflictError(
                "This broadcast has begun to go out, so only its name can change.",
                code="wrong_status",
            )
        if row["status"] == SCHEDULED:
            check_ready({**as_given(row), **changed})

    return mailings.change("broadcast", row, changes, version, check=check, shorten=_in_short)


def _in_short(value: Any) -> Any:
    """A mail as the audit log shows it: by its subject."""
    return value["subject"] if isinstance(value, dict) and "subject" in value else value


@server_callable(
    needs="marketing.manage", takes={"broadcast_id": BROADCAST_ID}, audit="broadcast.delete"
)
def delete_broadcast(broadcast_id: str) -> dict[str, Any]:
    """Delete a draft. Raises :class:`ConflictError` (``has_history``) for one that went out."""
    _delete(broadcast_id)
    return {"broadcast_id": broadcast_id}


@in_transaction
def _delete(broadcast_id: str) -> None:
    row = find_broadcast(broadcast_id)
    mailings.delete(
        "broadcast",
        row,
        has_history=row["status"] not in (DRAFT, SCHEDULED),
        refusal="What has gone out is kept, with who got it.",
    )


@server_callable(
    needs="marketing.manage", takes={"broadcast_id": BROADCAST_ID}, audit="broadcast.create"
)
def duplicate_broadcast(broadcast_id: str) -> dict[str, Any]:
    """A draft with the same mail and recipients: ``broadcast_id`` and ``broadcast``."""
    row = _copy(broadcast_id)
    return {"broadcast_id": row["broadcast_id"], "broadcast": full_broadcast(row)}


@in_transaction
def _copy(broadcast_id: str) -> Any:
    row = find_broadcast(broadcast_id)
    name = mailings.copied_name(row["broadcast_name"])
    recipients = broadcast_recipients.clean(row["recipients"])
    trial = dict(row["subject_test"]) if row["subject_test"] else None
    return add_broadcast(name, dict(row["content"]), recipients, trial)


@server_callable(
    needs="marketing.manage",
    takes={
        "broadcast_id": BROADCAST_ID,
        "subject": Text("Subject", max_chars=150, required=True),
    },
    audit="broadcast.create",
)
def resend_to_unopened(broadcast_id: str, subject: str) -> dict[str, Any]:
    """A draft with another subject, for those who got this broadcast and have not opened it by the
    time when it is sent: ``broadcast_id`` and ``broadcast``. A machine that opened it for them does
    not count. Raises :class:`ConflictError` (``wrong_status``) for one that has not gone out."""
    row = _resend(broadcast_id, subject)
    return {"broadcast_id": row["broadcast_id"], "broadcast": full_broadcast(row)}


@in_transaction
def _resend(broadcast_id: str, subject: str) -> Any:
    row = find_in_status(broadcast_id, (SENDING, SENT), "This broadcast has not gone out yet.")
    content = {**row["content"], "subject": subject}
    name = f"{row['broadcast_name']}, again"[:100]
    recipients = broadcast_recipients.clean(row["recipients"])
    return add_broadcast(name, content, recipients, resend_of=broadcast_id)
