"""Putting people into a campaign by hand, taking them out, and seeing who is in it."""

from __future__ import annotations

from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_customers.contact_fields import CONTACT_ID, display_name
from ..server_customers.contact_service import find_row as find_contact
from ..server_shared import audit
from ..server_shared.callables import server_callable
from ..server_shared.errors import ConflictError, NotFoundError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool, Choice, Int
from . import enrolments
from .campaign_fields import CAMPAIGN_ID
from .campaign_running import find_campaign

MAX_PAGE = 100


@server_callable(
    needs="marketing.manage",
    takes={"contact_id": CONTACT_ID, "campaign_id": CAMPAIGN_ID},
    audit="campaign.enroll",
)
def enroll_contact_in_campaign(contact_id: str, campaign_id: str) -> dict[str, Any]:
    """Put a contact into a campaign by hand; ``{"enrollment_id": ...}``.

    Raises :class:`ConflictError` with the reason as its code (a word of
    ``enrolments.REFUSALS``) where the campaign does not take them."""
    return {"enrollment_id": _enroll(contact_id, campaign_id)["enrollment_id"]}


@in_transaction
def _enroll(contact_id: str, campaign_id: str) -> Any:
    contact, campaign = find_contact(contact_id), find_campaign(campaign_id)
    reason = enrolments.refusal(contact, campaign, None)
    if reason is not None:
        raise ConflictError(enrolments.REFUSALS[reason], code=reason)
    row = enrolments.enrol(contact, campaign)
    audit.record("enroll", "campaign", campaign_id, details={"contact": contact_id})
    return row


@server_callable(
    needs="marketing.manage",
    takes={"contact_id": CONTACT_ID, "campaign_id": CAMPAIGN_ID},
    audit="campaign.unenroll",
)
def unenroll_contact(contact_id: str, campaign_id: str) -> dict[str, Any]:
    """Take a contact out of a campaign; what waits for them there is not sent. ``is_changed`` says
    whether they were in it. It is no unsubscribing: other mail goes on."""
    return {"is_changed": _unenroll(contact_id, campaign_id)}


@in_transaction
def _unenroll(contact_id: str, campaign_id: str) -> bool:
    row = _open_enrolment(contact_id, campaign_id)
    if row is None:
        audit.unchanged()
        return False
    enrolments.end(row, enrolments.CANCELLED, "removed")
    audit.record("unenroll", "campaign", campaign_id, details={"contact": contact_id})
    return True


def _open_enrolment(contact_id: str, campaign_id: str) -> Any:
    contact, campaign = find_contact(contact_id), find_campaign(campaign_id)
    return app_tables.contact_campaigns.get(
        contact=contact, campaign=campaign, status=q.any_of(*enrolments.OPEN)
    )


@server_callable(
    needs="marketing.manage",
    takes={
        "contact_id": CONTACT_ID,
        "campaign_id": CAMPAIGN_ID,
        "is_paused": Bool("Paused", required=True),
    },
    audit="campaign.pause_enrollment",
)
def pause_enrollment(contact_id: str, campaign_id: str, is_paused: bool) -> dict[str, Any]:
    """Hold one contact in a campaign where they are, or let them go on."""
    _pause_enrollment(contact_id, campaign_id, is_paused)
    return {"is_paused": is_paused}


@in_transaction
def _pause_enrollment(contact_id: str, campaign_id: str, is_paused: bool) -> None:
    row = _open_enrolment(contact_id, campaign_id)
    if row is None:
        raise NotFoundError("This contact is not in this campaign.")
    wanted = enrolments.PAUSED if is_paused else enrolments.ACTIVE
    if row["status"] == wanted:
        audit.unchanged()
        return
    before = row["status"]
    enrolments.set_paused(row, is_paused)
    audit.record(
        "pause_enrollment",
        "campaign",
        campaign_id,
        {"status": [before, wanted]},
        {"contact": contact_id},
    )


@server_callable(
    needs="marketing.view",
    takes={
        "campaign_id": CAMPAIGN_ID,
        "status": Choice("Status", enrolments.STATUSES),
        "offset": Int("Offset", minimum=0, maximum=1_000_000, default=0),
        "page_size": Int("Page size", minimum=1, maximum=MAX_PAGE, default=25),
    },
)
def list_enrollments(
    campaign_id: str, status: str | None = None, offset: int = 0, page_size: int = 25
) -> dict[str, Any]:
    """Who is or was in a campaign, the newest first, among the contacts that the caller sees:
    ``enrollments`` and ``total``."""
    campaign = find_campaign(campaign_id)
    query: dict[str, Any] = {"campaign": campaign}
    if status:
        query["status"] = status
    found = app_tables.contact_campaigns.search(
        tables.order_by("enrolled_at", ascending=False),
        q.fetch_only(
            "enrollment_id",
            "status",
            "sequence_day",
            "next_at",
            "exit_reason",
            "enrolled_at",
            "last_email_sent_at",
            "completed_at",
            contact=q.fetch_only("contact_id", "first_name", "last_name", "email"),
        ),
        q.page_size(offset + page_size),
        *scopes.linked_terms(),
        **query,
    )
    rows = islice(found, offset, offset + page_size)
    return {"enrollments": [enrollment_dict(row) for row in rows], "total": len(found)}


def enrollment_dict(row: Any) -> dict[str, Any]:
    """An enrolment as a caller sees it."""
    contact = row["contact"]
    return {
        "enrollment_id": row["enrollment_id"],
        "contact_id": contact["contact_id"] if contact else None,
        "contact_name": display_name(contact) if contact else "",
        "status": row["status"],
        "sequence_day": int(row["sequence_day"]),
        "next_at": row["next_at"],
        "exit_reason": enrolments.EXIT_REASONS.get(row["exit_reason"] or "", ""),
        "enrolled_at": row["enrolled_at"],
        "last_email_sent_at": row["last_email_sent_at"],
        "completed_at": row["completed_at"],
    }
