"""What a broadcast consists of, and how a row becomes a dict."""

from __future__ import annotations

from typing import Any

from anvil.tables import app_tables

from ..server_emails.mail_blocks import EMPTY_CONTENT
from ..server_shared.errors import ConflictError, NotFoundError
from ..server_shared.validators import Text
from . import broadcast_recipients, ledger, subject_tests

DRAFT, SCHEDULED, PLANNING, SENDING = "draft", "scheduled", "planning", "sending"
PAUSED, SENT, CANCELLED = "paused", "sent", "cancelled"
STATUSES = (DRAFT, SCHEDULED, PLANNING, SENDING, PAUSED, SENT, CANCELLED)

BROADCAST_ID = Text("The broadcast", max_chars=40, required=True)


def find_broadcast(broadcast_id: str) -> Any:
    """The row of a broadcast. Raises :class:`NotFoundError`."""
    row = app_tables.email_broadcasts.get(broadcast_id=broadcast_id)
    if row is None:
        raise NotFoundError("There is no such broadcast.")
    return row


def source_of(row: Any) -> str:
    """By what the ledger of mails knows a broadcast."""
    return f"broadcast:{row['broadcast_id']}"


def list_item(row: Any, counts: dict[str, int]) -> dict[str, Any]:
    """What a list shows of a broadcast. One whose last mail is settled counts as sent, unless most
    wait for the better of two subjects (``is_trying``)."""
    is_trying = subject_tests.is_open(row) and row["started_at"] is not None
    is_through = row["status"] == SENDING and not counts["waiting"] and not is_trying
    return {
        "broadcast_id": row["broadcast_id"],
        "broadcast_name": row["broadcast_name"],
        "subject": (row["content"] or {}).get("subject", ""),
        "status": SENT if is_through else row["status"],
        "scheduled_at": row["scheduled_at"],
        "started_at": row["started_at"],
        "created_at": row["created_at"],
        "resend_of": row["resend_of"],
        "is_trying": is_trying,
        "counts": counts,
    }


def full_broadcast(row: Any) -> dict[str, Any]:
    """Everything of a broadcast."""
    recipients = broadcast_recipients.clean(row["recipients"])
    return {
        **list_item(row, ledger.counts(source_of(row))),
        "content": dict(row["content"] or EMPTY_CONTENT),
        "recipients": recipients,
        "subject_test": dict(row["subject_test"]) if row["subject_test"] else None,
        "subject_test_until": row["subject_test_until"],
        "recipients_text": broadcast_recipients.describe(recipients),
        "updated_at": row["updated_at"],
        "version": int(row["version"]),
    }


def find_in_status(broadcast_id: str, wanted: tuple[str, ...], refusal: str) -> Any:
    """The row of a broadcast in one of these states. Raises :class:`ConflictError`."""
    row = find_broadcast(broadcast_id)
    if row["status"] not in wanted:
        raise ConflictError(refusal, code="wrong_status")
    return row
