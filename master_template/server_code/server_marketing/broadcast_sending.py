"""Puts the mails of a broadcast into the ledger, batch by batch, and starts those whose time comes.

A batch and how far it came are one transaction: killed anywhere, it goes on behind the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_auth.rbac import acting_as
from ..server_shared import clock, outbox, schedule
from ..server_shared.errors import NotFoundError
from ..server_shared.outbox import Entry, Outcome
from ..server_shared.transactions import in_transaction
from . import broadcast_recipients, ledger, subject_tests

KIND = "broadcast"  # of an entry in the outbox: plan it
KEY = "mail"  # of the one mail of a broadcast
BATCH = 500


def plan_broadcast(broadcast_id: str) -> int:
    """Plan what is left of a broadcast, until it is through, held or stopped; give for how many
    people. May be killed anywhere and run again, and twice at once."""
    planned = 0
    while (batch := _plan_batch(broadcast_id)) is not None:
        planned += batch
        # The first ones go out while the others are still being planned.
        ledger.launch_sending()
    return planned


@in_transaction
def _plan_batch(broadcast_id: str) -> int | None:
    row = app_tables.email_broadcasts.get(broadcast_id=broadcast_id)
    if row is None or row["status"] != "planning" or row["plan_after"] is None:
        return None
    with acting_as(broadcast_recipients.sender(row)):
        try:
            planned = _plan_unopened(row) if row["resend_of"] else _plan_chosen(row)
        except NotFoundError:
            # A segment is gone that it was to go to; nobody can say any more who was meant.
            row.update(status="paused")
            return None
    row["plan_after"] = planned.after
    if planned.after is None:
        row["status"] = "sending"
    return planned.count


def _plan_chosen(row: Any) -> ledger.Planned:
    chosen = broadcast_recipients.condition(broadcast_recipients.clean(row["recipients"]))
    after = int(row["plan_after"])
    if subject_tests.is_open(row):
        return _plan_trial(row, chosen, after)
    return _plan(row, chosen, subject_tests.content_of_rest(row), after=after)


def _plan_trial(row: Any, chosen: Any, after: int) -> ledger.Planned:
    """The next of those who try one of the two subjects."""
    groups, last = subject_tests.next_groups(row, chosen, after, BATCH)
    contents = subject_tests.contents(row)
    planned = [_plan(row, groups[name], contents[name]) for name in groups if groups[name]]
    counts = (sum(each.count for each in planned), sum(each.waiting for each in planned))
    return ledger.Planned(*counts, last)


def _plan_unopened(row: Any) -> ledger.Planned:
    """The next of those who got the earlier broadcast and have not opened it."""
    after = int(row["plan_after"])
    found = ledger.sends_of(
        f"broadcast:{row['resend_of']}",
        tables.order_by("contact_number"),
        q.fetch_only("contact_number"),
        q.page_size(BATCH),
        *scopes.linked_terms(),
        key=KEY,
        state=ledger.SENT,
        opened_at=None,
        clicked_at=None,
        contact=q.not_(None),
        contact_number=q.greater_than(after),
    )
    numbers = [int(send["contact_number"]) for send in islice(found, BATCH)]
    if not numbers:
        return ledger.Planned(0, 0, None)
    contacts = list(app_tables.contacts.search(number=q.any_of(*numbers), deleted_at=None))
    planned = _plan(row, contacts, row["content"])
    more = len(numbers) == BATCH
    return ledger.Planned(planned.count, planned.waiting, numbers[-1] if more else None)


def _plan(row: Any, contacts: Any, content: Mapping[str, Any], after: int = 0) -> ledger.Planned:
    return ledger.plan(
        contacts,
        f"broadcast:{row['broadcast_id']}",
        KEY,
        dict(content),
        title=row["broadcast_name"],
        after=after,
        limit=BATCH,
    )


@schedule.job(
    "broadcasts",
    "Broadcasts",
    schedule.EveryMinutes(15),
    "Starts broadcasts at their time, and goes on with what was interrupted",
)
def run_broadcasts(run: Any = None) -> dict[str, int]:
    """Start what is due, decide which subject was better, go on with what was interrupted, and
    close what is through: ``{"started", "decided", "planned", "finished"}``."""
    started = sum(_start_due(row) for row in _search(status="scheduled"))
    decided = sum(_decide(row) for row in _search(status="sending", subject_winner=None))
    planned = sum(plan_broadcast(row["broadcast_id"]) for row in _search(status="planning"))
    finished = sum(_finish(row) for row in _search(status="sending"))
    return {"started": started, "decided": decided, "planned": planned, "finished": finished}


def _search(**query: Any) -> list[Any]:
    return list(app_tables.email_broadcasts.search(**query))


@in_transaction
def _start_due(found: Any) -> int:
    row = app_tables.email_broadcasts.get_by_id(found.get_id())
    if row is None or row["status"] != "scheduled" or row["scheduled_at"] > clock.now():
        return 0
    row.update(status="planning", started_at=clock.now(), plan_after=0)
    return 1


@in_transaction
def _decide(found: Any) -> int:
    """Let the rest of a broadcast go out with the better of two subjects, once it is known."""
    row = app_tables.email_broadcasts.get_by_id(found.get_id())
    if row is None or row["status"] != "sending" or not subject_tests.is_open(row):
        return 0
    if not subject_tests.go_on(row, f"broadcast:{row['broadcast_id']}"):
        return 0
    row.update(status="planning", plan_after=0)
    return 1


@in_transaction
def _finish(found: Any) -> int:
    row = app_tables.email_broadcasts.get_by_id(found.get_id())
    source = f"broadcast:{row['broadcast_id']}" if row is not None else ""
    if row is None or row["status"] != "sending" or subject_tests.is_open(row):
        return 0
    if ledger.counts(source)["waiting"]:
        return 0
    row.update(status="sent", finished_at=clock.now())
    return 1


def _deliver(entry: Entry) -> int:
    return plan_broadcast(entry.payload["broadcast_id"])


def _settle(entry: Entry, outcome: Outcome) -> None:
    """The broadcast's row says itself how far it came."""


outbox.handlers[KIND] = outbox.Handler(_deliver, _settle)
