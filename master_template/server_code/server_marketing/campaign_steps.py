"""Sends what is due: goes through the enrolments whose next mail's time has come.

Each batch is one transaction in which mails are put into the ledger and enrolments go on, so that
it may be killed anywhere and run twice at once, and every mail is still planned once.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from anvil.tables import TransactionConflict, app_tables

from ..server_shared import clock, schedule
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.errors import NotFoundError
from ..server_shared.transactions import in_transaction
from . import enrolments, ledger
from .campaign_fields import ACTIVE

BATCH_ENROLMENTS = 100
# How long an enrolment waits whose mail could not be planned for a fault of ours.
FAULT_PAUSE = timedelta(hours=6)

log = logging.getLogger("mybizz.campaigns")


@schedule.job(
    "campaigns", "Campaign mails", schedule.EveryMinutes(15), "Plans each campaign mail that is due"
)
def process_campaigns(run: Any = None) -> dict[str, int]:
    """Plan each mail of a campaign that is due: ``{"enrolments", "planned"}``. Safe to run twice
    and at once."""
    totals = {"enrolments": 0, "planned": 0}
    while True:
        try:
            seen, planned = _process_batch(BATCH_ENROLMENTS)
        except Exception:
            # One enrolment may be the fault; the others must not wait for it.
            log.exception("a batch of enrolments failed, so each is taken alone")
            seen, planned = _process_singly()
        totals["enrolments"] += seen
        totals["planned"] += planned
        if seen < BATCH_ENROLMENTS:
            break
        if run is not None:
            run.report(**totals)
    if totals["planned"]:
        ledger.launch_sending()
    return totals


@server_callable(needs=TRUSTED_ONLY)
def process_campaigns_now() -> dict[str, Any]:
    """Plan what is due here and now, for scripts: ``{"enrolments", "planned"}``."""
    return dict(process_campaigns())


@in_transaction
def _process_batch(limit: int) -> tuple[int, int]:
    rows = _due(limit)
    return len(rows), sum(enrolments.advance(row, row["contact"], row["campaign"]) for row in rows)


def _due(limit: int) -> list[Any]:
    running = list(app_tables.email_campaigns.search(status=ACTIVE))
    return enrolments.due_rows(running, {}, limit) if running else []


def _process_singly() -> tuple[int, int]:
    planned = 0
    rows = _due(BATCH_ENROLMENTS)
    for row in rows:
        try:
            planned += _process_one(row)
        except TransactionConflict:
            log.info("the enrolment %s is in other hands; the next run looks again", row.get_id())
        except Exception:
            log.exception("the enrolment %s failed and waits", row["enrollment_id"])
            _postpone(row)
    return len(rows), planned


@in_transaction
def _process_one(row: Any) -> int:
    fresh = app_tables.contact_campaigns.get_by_id(row.get_id())
    return 0 if fresh is None else enrolments.advance(fresh, fresh["contact"], fresh["campaign"])


@in_transaction
def _postpone(row: Any) -> None:
    fresh = app_tables.contact_campaigns.get_by_id(row.get_id())
    if fresh is not None and fresh["status"] == enrolments.ACTIVE:
        fresh["next_at"] = clock.now() + FAULT_PAUSE


@in_transaction
def send_campaign_email(contact: Any, campaign: Any, sequence_day: int) -> bool:
    """Plan the mail of a step (from 1) for a contact that is in the campaign, once however often it
    is asked; give whether it will go out. Raises :class:`NotFoundError` where there is no such step
    or enrolment."""
    row = app_tables.contact_campaigns.search(contact=contact, campaign=campaign)
    open_rows = [one for one in row if one["status"] in enrolments.OPEN]
    if not open_rows or not 1 <= sequence_day <= len(campaign["steps"] or []):
        raise NotFoundError("There is no such mail for this contact in this campaign.")
    send = enrolments.plan_step(open_rows[0], contact, campaign, sequence_day - 1)
    return bool(send["state"] != "skipped")
