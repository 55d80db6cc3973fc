"""Asking customers for a review: once for each booking or order, some days after it.

A request is planned in the transaction of what it is about, and mailed by the schedule when it is
due. Everybody who bought is asked alike, whatever they may think: asking only the happy ones
("review gating") is against the rules of the review platforms and, in many countries, the law.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_customers.contact_fields import CONTACT_ID
from ..server_customers.contact_service import find_row
from ..server_emails.mail_service import queue_mail
from ..server_shared import audit, clock, schedule, signed_tokens
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import ConflictError
from ..server_shared.happenings import listen
from ..server_shared.outbox import delivering_afterwards
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Text
from . import suppression
from .lead_fields import new_id
from .lead_intake import origin
from .review_settings import read_settings

PLANNED, SENT, SKIPPED, ANSWERED = "planned", "sent", "skipped", "answered"
# Who comes every week is not asked every week.
PAUSE_DAYS = 30
BATCH = 50
# Why nobody was asked, as people read it.
REASONS = {
    "no_address": "There is no e-mail address",
    "deleted": "The contact was deleted",
    "suppressed": "They want no such mails, or the address does not work",
    "asked_lately": "They were asked less than 30 days ago",
}


@in_transaction
def request_review(
    contact: Any, subject_kind: str, subject_id: str, title: str, *, due_at: datetime | None = None
) -> Any:
    """Plan to ask a contact about a ``booking``, an ``order`` or what a person chose (``manual``);
    give the row, also where that was planned before."""
    row = app_tables.review_requests.get(subject_kind=subject_kind, subject_id=subject_id)
    if row is not None:
        return row
    now = clock.now()
    return app_tables.review_requests.add_row(
        request_id=new_id("q"),
        contact=contact,
        subject_kind=subject_kind,
        subject_id=subject_id,
        subject_title=title[:200],
        status=PLANNED,
        due_at=due_at or now + timedelta(days=read_settings().delay_days),
        created_at=now,
        created_by=current_actor().row,
    )


def _is_automatic() -> bool:
    return read_settings().is_automatic and read_business().has_feature("reviews")


@listen("booking_completed")
def _after_booking(contact: Any, booking: Any) -> None:
    if contact is not None and _is_automatic():
        name = (booking["service_snapshot"] or {}).get("name") or "your visit"
        request_review(contact, "booking", booking["booking_number"], name)


@listen("transaction_recorded")
def _after_order(
    contact: Any, transaction_type: str, transaction_id: str, amount_cents: int
) -> None:
    """Bookings are asked about when they are over, not when they are paid."""
    if transaction_type == "order" and amount_cents > 0 and _is_automatic():
        request_review(contact, "order", transaction_id, f"your order {transaction_id}")


@server_callable(
    needs="marketing.manage",
    takes={
        "contact_id": CONTACT_ID,
        "title": Text("What it is about", max_chars=120, required=True),
    },
    audit="review_request.create",
)
def send_review_request(contact_id: str, title: str) -> dict[str, Any]:
    """Ask a contact for a review now: ``{"request_id"}``.

    Raises :class:`ConflictError` (``not_asked``) where they cannot be asked, with the reason.
    """
    contact = find_row(contact_id)
    reason = _reason_not_to_ask(contact)
    if reason:
        raise ConflictError(f"{REASONS[reason]}, so nothing was sent.", code="not_asked")
    row = request_review(contact, "manual", new_id("m"), title, due_at=clock.now())
    _mail(row)
    audit.record("create", "review_request", row["request_id"], {"contact": [None, contact_id]})
    return {"request_id": row["request_id"]}


@schedule.job(
    "review_requests",
    "Review requests",
    schedule.HOURLY,
    "Asks customers for a review some days after a booking or an order",
)
def send_due_requests(run: schedule.Run) -> dict[str, int]:
    """Mail what is due; each request in a transaction of its own."""
    figures = {SENT: 0, SKIPPED: 0}
    with delivering_afterwards():
        while True:
            rows = _due_requests()
            for row in rows:
                state = _settle(row)
                if state in figures:
                    figures[state] += 1
            if len(rows) < BATCH:
                return figures
            run.report(**figures)


def _due_requests() -> list[Any]:
    found = app_tables.review_requests.search(
        tables.order_by("due_at"),
        q.page_size(BATCH),
        status=PLANNED,
        due_at=q.less_than_or_equal_to(clock.now()),
    )
    return list(found[:BATCH])


@in_transaction
def _settle(planned: Any) -> str:
    """Ask, or note why not; give what became of it."""
    row = app_tables.review_requests.get_by_id(planned.get_id())
    if row is None or row["status"] != PLANNED:
        return ""  # Someone else was faster, or the person was erased.
    reason = _reason_not_to_ask(row["contact"], but=row["request_id"])
    if reason:
        row.update(status=SKIPPED, reason=reason)
    else:
        _mail(row)
    return str(row["status"])


def _reason_not_to_ask(contact: Any, but: str = "") -> str:
    """A key of REASONS, or '' where this contact may be asked."""
    if contact is None or contact["deleted_at"] is not None:
        return "deleted"
    if not contact["email"]:
        return "no_address"
    if suppression.is_suppressed(contact["email"]):
        return "suppressed"
    since = q.greater_than(clock.now() - timedelta(days=PAUSE_DAYS))
    lately = app_tables.review_requests.search(contact=contact, sent_at=since)
    return "asked_lately" if any(row["request_id"] != but for row in lately) else ""


def _mail(row: Any) -> None:
    """Queue the mail of a request, in the transaction that says it is sent."""
    contact = row["contact"]
    variables = {
        "link": review_link(row["request_id"]),
        "subject_title": row["subject_title"],
        "person_name": contact["first_name"] or "",
    }
    mail_id = queue_mail("review_request", contact["email"], variables)
    row.update(status=SENT, sent_at=clock.now(), mail_id=mail_id)


def review_link(request_id: str) -> str:
    """The address at which a review is written: whoever has it is the one who was asked."""
    return f"{origin()}/review/{signed_tokens.sign('review', request_id)}"


def find_request(token: object) -> Any:
    """The request of a link, or None."""
    request_id = signed_tokens.read("review", token)
    return None if request_id is None else app_tables.review_requests.get(request_id=request_id)
