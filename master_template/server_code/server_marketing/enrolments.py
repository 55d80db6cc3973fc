"""Who is in which campaign: enrolling, going on step by step, and ending.

Each function here belongs inside a transaction. A contact is in a campaign once at a time, and one
reason (a booking, a birthday) enrols it once ever; the database keeps both. An enrolment goes on by
its ``step_id``, so that a campaign may be edited while people are in it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_customers import timeline_service
from ..server_shared import clock
from ..server_shared.config import read_business
from ..server_shared.transactions import once
from . import ledger
from .campaign_fields import ACTIVE as CAMPAIGN_ACTIVE
from .campaign_fields import AFTER_END, settings_of, source_of
from .campaign_timing import due_at

ACTIVE, PAUSED = "active", "paused"
COMPLETED, EXITED, UNSUBSCRIBED, CANCELLED = "completed", "exited", "unsubscribed", "cancelled"
OPEN = (ACTIVE, PAUSED)
STATUSES = (ACTIVE, PAUSED, COMPLETED, EXITED, UNSUBSCRIBED, CANCELLED)

# Why someone was not enrolled, in words.
REFUSALS = {
    "not_active": "The campaign is not running.",
    "no_steps": "The campaign has no mails.",
    "deleted": "The contact has been deleted.",
    "open": "The contact is in this campaign already.",
    "repeated": "This has enrolled the contact already.",
    "only_once": "The contact has been in this campaign, and it takes nobody twice.",
    "too_soon": "The contact was in this campaign too short a time ago.",
}
EXIT_REASONS = {
    "bought": "Bought something",
    "booked": "Booked something",
    "left_segment": "Left the segment",
    "deleted": "The contact was deleted",
    "unsubscribed": "Unsubscribed",
    "removed": "Taken out by hand",
    "archived": "The campaign was archived",
    "bounced": "The address does not work",
    "merged": "Became one with a contact that was in it already",
}

log = logging.getLogger("mybizz.campaigns")


def refusal(
    contact: Any, campaign: Any, trigger_reference: str | None, *, is_new: bool = False
) -> str | None:
    """Why a contact cannot be enrolled (a word of REFUSALS), or None where it can. ``is_new``: the
    contact was made just now, so that there is nothing to look for."""
    if campaign["status"] != CAMPAIGN_ACTIVE:
        return "not_active"
    if not campaign["steps"]:
        return "no_steps"
    if contact["deleted_at"] is not None:
        return "deleted"
    return None if is_new else earlier_refusal(contact, campaign, trigger_reference)


def earlier_refusal(contact: Any, campaign: Any, trigger_reference: str | None) -> str | None:
    """Why a contact cannot be enrolled because it is, or was, in this campaign; or None."""
    earlier = list(
        app_tables.contact_campaigns.search(
            q.fetch_only("status", "trigger_reference", "completed_at"),
            contact=contact,
            campaign=campaign,
        )
    )
    if any(row["status"] in OPEN for row in earlier):
        return "open"
    if trigger_reference and any(row["trigger_reference"] == trigger_reference for row in earlier):
        return "repeated"
    settings = settings_of(campaign)
    if earlier and settings["reenrolment"] != AFTER_END:
        return "only_once"
    pause = timedelta(days=settings["reenrolment_days"])
    if any(row["completed_at"] + pause > clock.now() for row in earlier if row["completed_at"]):
        return "too_soon"
    return None


def enrol(
    contact: Any, campaign: Any, trigger_reference: str | None = None, *, is_new: bool = False
) -> Any:
    """Enrol a contact and plan what is due at once; give the enrolment's row, or None where the
    campaign does not take it (see :func:`refusal`)."""
    if refusal(contact, campaign, trigger_reference, is_new=is_new) is not None:
        return None
    now = clock.now()
    steps = campaign["steps"]
    row = app_tables.contact_campaigns.add_row(
        enrollment_id=secrets.token_hex(8),
        contact=contact,
        campaign=campaign,
        status=ACTIVE,
        sequence_day=1,
        step_id=steps[0]["step_id"],
        next_at=due_at(steps[0], now, _time_zone()),
        trigger_reference=trigger_reference,
        enrolled_at=now,
        version=int(campaign["version"]),
        created_by=current_actor().row,
    )
    advance(row, contact, campaign)
    return row


def advance(row: Any, contact: Any, campaign: Any) -> int:
    """Plan each mail of an enrolment that is due by now, and set when the next one is; give how
    many were planned. Does nothing where the enrolment, or its campaign, does not run."""
    planned = 0
    now = clock.now()
    while row["status"] == ACTIVE and campaign["status"] == CAMPAIGN_ACTIVE:
        if contact is None or contact["deleted_at"] is not None:
            end(row, EXITED, "deleted")
            break
        if row["next_at"] > now:
            break
        place = find_place(campaign["steps"], row["step_id"], int(row["sequence_day"]))
        if place is None:
            end(row, COMPLETED)
            break
        plan_step(row, contact, campaign, place)
        planned += 1
        _go_on(row, campaign["steps"], place, now)
    return planned


def find_place(steps: Any, step_id: str | None, sequence_day: int) -> int | None:
    """The place of the step that comes next: by its id, or, where it was taken out meanwhile, of
    the one that came into its place; None where nothing is left."""
    for place, step in enumerate(steps or []):
        if step["step_id"] == step_id:
            return place
    place = sequence_day - 1
    # The id None is of someone who waits behind the last step, for one to be added.
    return place if step_id is not None and place < len(steps or []) else None


def plan_step(row: Any, contact: Any, campaign: Any, place: int) -> Any:
    """Put the mail of one step into the ledger, once however often it is asked; give its row."""
    step = campaign["steps"][place]
    return ledger.plan_one(
        contact,
        source_of(campaign),
        mail_key(step["step_id"], row["enrollment_id"]),
        dict(step["content"]),
        title=f"{campaign['campaign_name']}, mail {place + 1}",
    )


def mail_key(step_id: str, enrollment_id: str) -> str:
    """By what the ledger knows one mail of one enrolment."""
    return f"{step_id}:{enrollment_id}"


def _go_on(row: Any, steps: Any, place: int, now: datetime) -> None:
    row.update(sequence_day=place + 2, last_email_sent_at=now)
    if place + 1 >= len(steps):
        end(row, COMPLETED)
        return
    following = steps[place + 1]
    row.update(step_id=following["step_id"], next_at=due_at(following, now, _time_zone()))


def end(row: Any, status: str, reason: str | None = None) -> None:
    """End an enrolment; what waits in the ledger for it does not go out."""
    campaign = row["campaign"]
    row.update(status=status, exit_reason=reason, completed_at=clock.now(), next_at=None)
    if status != COMPLETED:
        for step in campaign["steps"] or []:
            ledger.cancel(source_of(campaign), mail_key(step["step_id"], row["enrollment_id"]))
    if status == UNSUBSCRIBED and row["contact"] is not None:
        timeline_service.add_event(
            row["contact"],
            "campaign_left",
            f"Left the campaign {campaign['campaign_name']}",
            {"campaign_name": campaign["campaign_name"], "reason": reason},
            related_id=campaign["campaign_id"],
            user_visible=False,
        )


def set_paused(row: Any, paused: bool) -> None:
    """Hold one enrolment, or let it go on: what became due meanwhile is due then, not lost."""
    row.update(status=PAUSED if paused else ACTIVE, next_at=row["next_at"] or clock.now())


def open_of(contact: Any) -> list[Any]:
    """The open enrolments of a contact, with their campaigns."""
    found = app_tables.contact_campaigns.search(
        contact=contact, status=q.any_of(*OPEN), campaign=q.not_(None)
    )
    return list(found)


def due_rows(campaigns: list[Any], before: Mapping[str, Any], limit: int) -> list[Any]:
    """The enrolments of these campaigns that wait longest of those that are due."""
    found = app_tables.contact_campaigns.search(
        tables.order_by("next_at"),
        q.page_size(limit),
        campaign=q.any_of(*campaigns),
        status=ACTIVE,
        next_at=q.less_than_or_equal_to(clock.now()),
        **before,
    )
    return list(islice(found, limit))


def _time_zone() -> str:
    return once("business", read_business).time_zone
