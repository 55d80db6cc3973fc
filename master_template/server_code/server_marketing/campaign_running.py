"""Campaigns run, are paused and are put away: what each takes, and what follows from it."""

from __future__ import annotations

from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_emails import mail_blocks
from ..server_shared import audit, clock, outbox
from ..server_shared.callables import server_callable
from ..server_shared.errors import ConflictError, InvalidError, NotFoundError
from ..server_shared.outbox import Entry, Outcome
from ..server_shared.transactions import in_transaction
from . import enrolments, ledger
from .campaign_fields import (
    ACTIVE,
    ARCHIVED,
    CAMPAIGN_ID,
    DRAFT,
    PAUSED,
    full_campaign,
    source_of,
)

END_BATCH = 200
END_KIND = "campaign_end"  # of an entry in the outbox: everybody leaves a campaign


def find_campaign(campaign_id: str) -> Any:
    """The row of a campaign. Raises :class:`NotFoundError`."""
    row = app_tables.email_campaigns.get(campaign_id=campaign_id)
    if row is None:
        raise NotFoundError("There is no such campaign.")
    return row


def check_ready(campaign: dict[str, Any]) -> None:
    """Raise :class:`InvalidError`, by field, unless a campaign can run."""
    faults: dict[str, str] = {}
    settings = campaign["campaign_settings"]
    for needed, triggers, text in (
        ("segment_id", ("segment_entered", "segment_left"), "Please choose the segment."),
        ("changed_field", ("contact_changed",), "Please choose what changes."),
        ("changed_value", ("contact_changed",), "Please say what it becomes."),
        ("date_field", ("date",), "Please choose the date."),
    ):
        if campaign["campaign_type"] in triggers and not settings[needed]:
            faults[f"campaign_settings.{needed}"] = text
    if not campaign["steps"]:
        faults["steps"] = "A campaign needs at least one mail."
    for place, step in enumerate(campaign["steps"]):
        try:
            mail_blocks.check_ready(step["content"], f"steps.{place}.content")
        except InvalidError as error:
            faults.update(error.fields or {f"steps.{place}.content": error.message})
    if faults:
        raise InvalidError(" ".join(faults.values()), fields=faults)


@server_callable(
    needs="marketing.manage", takes={"campaign_id": CAMPAIGN_ID}, audit="campaign.resume"
)
def resume_campaign(campaign_id: str) -> dict[str, Any]:
    """Start a draft, or let a paused campaign go on: what became due meanwhile goes out now.

    Raises :class:`InvalidError` unless it is complete."""
    return {"campaign": full_campaign(_set_status(campaign_id, ACTIVE, "resume"))}


@server_callable(
    needs="marketing.manage", takes={"campaign_id": CAMPAIGN_ID}, audit="campaign.pause"
)
def pause_campaign(campaign_id: str) -> dict[str, Any]:
    """Hold a campaign: nobody enters it, nobody goes on, and no mail of it goes out."""
    return {"campaign": full_campaign(_set_status(campaign_id, PAUSED, "pause"))}


@server_callable(
    needs="marketing.manage", takes={"campaign_id": CAMPAIGN_ID}, audit="campaign.archive"
)
def archive_campaign(campaign_id: str) -> dict[str, Any]:
    """End a campaign for everybody who is in it and take it out of the list; its figures stay."""
    return {"campaign": full_campaign(_set_status(campaign_id, ARCHIVED, "archive"))}


_FROM = {ACTIVE: (DRAFT, PAUSED), PAUSED: (ACTIVE,), ARCHIVED: (DRAFT, ACTIVE, PAUSED)}
_REFUSED = {
    ACTIVE: "An archived campaign cannot be started again; make a copy of it.",
    PAUSED: "Only a campaign that runs can be paused.",
    ARCHIVED: "",
}


@in_transaction
def _set_status(campaign_id: str, status: str, verb: str) -> Any:
    row = find_campaign(campaign_id)
    before = row["status"]
    if before == status:
        audit.unchanged()
        return row
    if before not in _FROM[status]:
        raise ConflictError(_REFUSED[status], code="wrong_status")
    if status == ACTIVE:
        check_ready(full_campaign(row))
        row["activated_at"] = row["activated_at"] or clock.now()
        ledger.release(source_of(row))
    elif status == PAUSED:
        ledger.hold(source_of(row))
    else:
        ledger.cancel(source_of(row))
        outbox.add(END_KIND, {"campaign_id": campaign_id}, reference=campaign_id)
    row.update(status=status, updated_at=clock.now())
    audit.record(verb, "campaign", campaign_id, {"status": [before, status]})
    return row


def _end_everybody(entry: Entry) -> None:
    """End the open enrolments of an archived campaign, a batch at a time."""
    while _end_batch(entry.payload["campaign_id"]) == END_BATCH:
        pass


@in_transaction
def _end_batch(campaign_id: str) -> int:
    row = app_tables.email_campaigns.get(campaign_id=campaign_id)
    found = app_tables.contact_campaigns.search(
        q.page_size(END_BATCH), campaign=row, status=q.any_of(*enrolments.OPEN)
    )
    rows = list(islice(found, END_BATCH)) if row is not None else []
    now = clock.now()
    with tables.batch_update:
        for one in rows:
            one.update(
                status=enrolments.CANCELLED, exit_reason="archived", completed_at=now, next_at=None
            )
    return len(rows)


def _nothing_to_settle(entry: Entry, outcome: Outcome) -> None:
    """The enrolments say themselves how far it came."""


outbox.handlers[END_KIND] = outbox.Handler(_end_everybody, _nothing_to_settle)
