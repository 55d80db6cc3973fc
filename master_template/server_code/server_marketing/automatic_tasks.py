"""Makes the tasks that nobody should have to think of, each of them once.

At 03:00 every night it looks at the bookings and contacts that a rule of ``task_automation`` is
about. A task's ``automation_key`` names its reason, and is unique: a second run, or one after it
was finished or deleted, makes no other. Batches are transactions of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import anvil.tables as tables
from anvil.tables import TableError, TransactionConflict, app_tables
from anvil.tables import query as q

from ..server_analytics.periods import day_of, day_start
from ..server_auth.rbac import current_actor
from ..server_customers import lifecycle
from ..server_customers.contact_fields import display_name
from ..server_shared import audit, clock, schedule
from ..server_shared.config import Business, read_business
from ..server_shared.formatting import format_day
from ..server_shared.happenings import listen
from ..server_shared.scheduled_runs import business_zone
from ..server_shared.transactions import in_transaction
from .task_automation import TaskRule, read_rules
from .task_fields import DISMISSED, PENDING

BATCH_ROWS = 200
# How far back a night looks, so that some nights may be missed.
BACK_DAYS = 14
MIN_DAYS_BETWEEN_REVIEWS = 90
KEY_CONSTRAINT = "tasks_automation_key_unique"
COMING = ("confirmed",)
CAME = ("confirmed", "checked_in", "completed")


@dataclass(frozen=True)
class Night:
    """What one run goes by."""

    business: Business
    zone: ZoneInfo
    now: datetime
    today: date


@dataclass(frozen=True)
class Wanted:
    """A task that there should be."""

    key: str
    title: str
    due_date: date
    contact: Any
    booking: Any = None


@schedule.job(
    "automatic_tasks",
    "Automatic tasks",
    schedule.Daily(3),
    "Makes the tasks that your rules ask for: arrival instructions, follow-ups and so on",
)
def create_automated_tasks(run: schedule.Run) -> dict[str, int]:
    """Make what is missing; how many tasks of each kind."""
    night = _tonight()
    made: dict[str, int] = {}
    for rule in read_rules(night.business).values():
        if not rule.is_enabled:
            continue
        made[rule.name] = 0
        for rows in _batches(SEARCHES[rule.name](rule, night)):
            made[rule.name] += _make(rule, rows, night)
            run.report(**made)
    return made


def _tonight() -> Night:
    zone, now = business_zone(), clock.now()
    return Night(read_business(), zone, now, day_of(now, zone))


def _batches(found: Any) -> Iterator[list[Any]]:
    rows = iter(found)
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch


def _search_coming(rule: TaskRule, night: Night) -> Any:
    until = day_start(night.today + timedelta(days=rule.days + 1), night.zone)
    return _search_bookings(
        start_at=q.between(night.now, until, max_inclusive=False), status=q.any_of(*COMING)
    )


def _search_past(rule: TaskRule, night: Night) -> Any:
    since = day_start(night.today - timedelta(days=BACK_DAYS), night.zone)
    return _search_bookings(
        end_at=q.between(since, night.now, max_inclusive=False), status=q.any_of(*CAME)
    )


def _search_bookings(**query: Any) -> Any:
    return app_tables.bookings.search(
        tables.order_by("start_at"), q.page_size(BATCH_ROWS), contact=q.not_(None), **query
    )


def _search_lost(rule: TaskRule, night: Night) -> Any:
    """Those who have become lost lately; not all of those whom an import brings."""
    until = day_start(night.today - timedelta(days=lifecycle.LOST_DAYS), night.zone)
    return app_tables.contacts.search(
        q.page_size(BATCH_ROWS),
        deleted_at=None,
        lifecycle_stage=lifecycle.LOST,
        total_transactions=q.greater_than(0),
        last_contact_date=q.between(until - timedelta(days=BACK_DAYS), until, max_inclusive=False),
    )


SEARCHES: dict[str, Callable[[TaskRule, Night], Any]] = {
    "arrival_instructions": _search_coming,
    "follow_up": _search_past,
    "review_request": _search_past,
    "win_back": _search_lost,
}


def _wanted(rule: TaskRule, row: Any, night: Night) -> Wanted | None:
    """The task that a rule asks for about a booking, or of win-backs about a contact."""
    if rule.name == "win_back":
        lost = day_of(row["last_contact_date"], night.zone)
        key = f"win_back:{row['contact_id']}:{lost}"
        due = night.today + timedelta(days=rule.days)
        return Wanted(key, rule.fill(display_name(row)), due, row)
    contact = row["contact"]
    if contact is None or contact["deleted_at"] is not None:
        return None
    begins, ends = day_of(row["start_at"], night.zone), day_of(row["end_at"], night.zone)
    before = rule.name == "arrival_instructions"
    due = begins - timedelta(days=rule.days) if before else ends + timedelta(days=rule.days)
    title = rule.fill(
        display_name(contact),
        format_day(begins, night.business),
        str((row["service_snapshot"] or {}).get("name") or ""),
    )
    key = f"{rule.name}:{row['booking_number']}"
    return Wanted(key, title, max(due, night.today), contact, row)


@in_transaction
def _make(rule: TaskRule, rows: Sequence[Any], night: Night) -> int:
    """Make the tasks about these rows that are missing; how many."""
    asked = [_wanted(rule, row, night) for row in rows]
    wanted = {each.key: each for each in asked if each is not None}
    if not wanted:
        return 0
    found = app_tables.tasks.search(
        q.fetch_only("automation_key"), automation_key=q.any_of(*wanted)
    )
    known = {row["automation_key"] for row in found}
    missing = [each for key, each in wanted.items() if key not in known]
    if rule.name == "review_request":
        missing = _not_asked_lately(missing, night)
    if not missing:
        return 0
    try:
        app_tables.tasks.add_rows([_columns(rule, each, night) for each in missing])
    except TableError as error:
        if KEY_CONSTRAINT in str(error):
            raise TransactionConflict(str(error)) from error  # Another run was faster.
        raise
    audit.record("create", "tasks", "", details={"rule": rule.name, "made": len(missing)})
    return len(missing)


def _not_asked_lately(missing: Sequence[Wanted], night: Night) -> list[Wanted]:
    """Of these one for each contact who was not asked for a review lately."""
    if not missing:
        return []
    since = night.now - timedelta(days=MIN_DAYS_BETWEEN_REVIEWS)
    found = app_tables.tasks.search(
        q.fetch_only("task_type", contact=q.fetch_only()),
        task_type="review_request",
        contact=q.any_of(*(each.contact for each in missing)),
        created_at=q.greater_than(since),
    )
    asked = {row["contact"].get_id() for row in found}
    kept = []
    for each in missing:
        if each.contact.get_id() not in asked:
            asked.add(each.contact.get_id())
            kept.append(each)
    return kept


def _columns(rule: TaskRule, wanted: Wanted, night: Night) -> dict[str, Any]:
    return {
        "title": wanted.title,
        "task_type": rule.name,
        "contact": wanted.contact,
        "booking": wanted.booking,
        "assigned_to": rule.assigned_to or (wanted.booking and wanted.booking["assigned_to"]),
        "due_date": wanted.due_date,
        "status": PENDING,
        "notes": "",
        "is_auto_generated": True,
        "automation_key": wanted.key,
        "created_by": current_actor().row,
        "created_at": night.now,
        "updated_at": night.now,
        "version": 1,
    }


@listen("booking_created")
def _hear_of_booking(contact: Any, booking: Any) -> None:
    """Somebody who comes soon gets instructions now, not after the next night."""
    night = _tonight()
    rule = read_rules(night.business)["arrival_instructions"]
    until = day_start(night.today + timedelta(days=rule.days + 1), night.zone)
    is_soon = night.now <= booking["start_at"] < until
    if rule.is_enabled and is_soon and booking["status"] in COMING:
        _make(rule, [booking], night)


@listen("booking_cancelled")
def _hear_of_cancellation(contact: Any, booking: Any) -> None:
    """Nobody need see to a booking that does not take place."""
    now = clock.now()
    for row in app_tables.tasks.search(booking=booking, is_auto_generated=True, status=PENDING):
        row.update(status=DISMISSED, completed_at=now, updated_at=now)
        audit.record("dismiss", "task", row.get_id(), {"status": [PENDING, DISMISSED]})
