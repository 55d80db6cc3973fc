"""How a contact stands to the business as time goes by: stages, and what was booked when.

A stage goes by the business's days since the last contact: *lost* after more than LOST_DAYS,
*at_risk* after more than RISK_DAYS, else *active* for who has bought something and *new* for who
has not. Recording a transaction sets it at once; time passing does so at night, by queries for
those alone who are in another stage than they should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_analytics.periods import day_of, day_start
from ..server_shared import audit, clock, schedule
from ..server_shared.happenings import listen
from ..server_shared.scheduled_runs import business_zone
from ..server_shared.transactions import in_transaction
from . import contact_changes, timeline_service

NEW, ACTIVE, AT_RISK, LOST = "new", "active", "at_risk", "lost"
RISK_DAYS = 90
LOST_DAYS = 180
BATCH_ROWS = 200

STAGE_TEXTS = {
    NEW: "Is new again",
    ACTIVE: "Is active again",
    AT_RISK: f"Was not seen for {RISK_DAYS} days",
    LOST: f"Was not seen for {LOST_DAYS} days",
}
# Bookings that nobody comes for do not count.
NOT_COMING = ("cancelled", "no_show")


def stage_of(last_contact: datetime, transactions: int, today: date, zone: ZoneInfo) -> str:
    """The stage of a contact on a day of the business."""
    days = (today - day_of(last_contact, zone)).days
    if days > LOST_DAYS:
        return LOST
    if days > RISK_DAYS:
        return AT_RISK
    return ACTIVE if transactions else NEW


@schedule.job(
    "lifecycle",
    "Lifecycle stages",
    schedule.Daily(2),
    "Finds who has become active, at risk or lost since yesterday",
)
def update_lifecycle_stages(run: schedule.Run) -> dict[str, int]:
    """Put every contact into the stage that it should be in; how many came into each."""
    zone = business_zone()
    today = day_of(clock.now(), zone)
    moved = {stage: 0 for stage in STAGE_TEXTS}
    for stage in STAGE_TEXTS:
        while count := _move_batch(stage, today, zone):
            moved[stage] += count
            run.report(**moved)
    return moved


def _misplaced(stage: str, today: date, zone: ZoneInfo) -> dict[str, Any]:
    """The condition of those who should be in a stage and are not."""
    risk = day_start(today - timedelta(days=RISK_DAYS), zone)
    lost = day_start(today - timedelta(days=LOST_DAYS), zone)
    columns: dict[str, Any] = {"deleted_at": None, "lifecycle_stage": q.not_(stage)}
    if stage == LOST:
        columns["last_contact_date"] = q.less_than(lost)
    elif stage == AT_RISK:
        columns["last_contact_date"] = q.between(lost, risk)
    else:
        has_bought = q.greater_than(0)
        columns["last_contact_date"] = q.greater_than_or_equal_to(risk)
        columns["total_transactions"] = (
            has_bought if stage == ACTIVE else q.less_than_or_equal_to(0)
        )
    return columns


@in_transaction
def _move_batch(stage: str, today: date, zone: ZoneInfo) -> int:
    found = app_tables.contacts.search(q.page_size(BATCH_ROWS), **_misplaced(stage, today, zone))
    rows = list(islice(found, BATCH_ROWS))
    if not rows:
        return 0
    events = [
        timeline_service.event_columns(
            row,
            "lifecycle_changed",
            STAGE_TEXTS[stage],
            {"from": row["lifecycle_stage"], "to": stage},
            user_visible=False,
        )
        for row in rows
    ]
    contact_changes.change_contacts([(row, {"lifecycle_stage": stage}) for row in rows])
    app_tables.contact_events.add_rows(events)
    audit.record("lifecycle", "contacts", "", details={"stage": stage, "moved": len(rows)})
    return len(rows)


@schedule.job(
    "booking_dates",
    "Last and next bookings",
    schedule.HOURLY,
    "Notes on contacts that a booking of theirs has begun",
)
def update_booking_dates(run: schedule.Run) -> dict[str, int]:
    """Bring the contacts up to date whose next booking has begun; how many."""
    total = 0
    while count := _refresh_begun():
        total += count
        run.report(contacts=total)
    return {"contacts": total}


@in_transaction
def _refresh_begun() -> int:
    found = app_tables.contacts.search(
        q.page_size(BATCH_ROWS), next_booking_at=q.less_than_or_equal_to(clock.now())
    )
    rows = list(islice(found, BATCH_ROWS))
    refresh_booking_dates(rows)
    return len(rows)


def refresh_booking_dates(contacts: Sequence[Any]) -> None:
    """Write how often contacts have booked, when last and when next. Call it in a transaction."""
    if not contacts:
        return
    wanted = booking_columns(contacts)
    changes = []
    for contact in contacts:
        columns = wanted[contact.get_id()]
        changed = {name: value for name, value in columns.items() if contact[name] != value}
        if changed:
            changes.append((contact, changed))
    if changes:
        contact_changes.change_contacts(changes)


def booking_columns(contacts: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """``bookings_count``, ``last_booking_at`` and ``next_booking_at`` of each, by the row's id.

    What was recorded as booked counts where there are fewer bookings, as of a business that takes
    them somewhere else.
    """
    now = clock.now()
    starts: dict[str, list[datetime]] = {contact.get_id(): [] for contact in contacts}
    bookings = app_tables.bookings.search(
        q.fetch_only("start_at", contact=q.fetch_only()),
        contact=q.any_of(*contacts),
        status=q.none_of(*NOT_COMING),
    )
    for booking in bookings:
        starts[booking["contact"].get_id()].append(booking["start_at"])
    recorded: dict[str, list[datetime]] = {contact.get_id(): [] for contact in contacts}
    transactions = app_tables.contact_transactions.search(
        q.fetch_only("happened_at", contact=q.fetch_only()),
        contact=q.any_of(*contacts),
        transaction_type="booking",
    )
    for transaction in transactions:
        recorded[transaction["contact"].get_id()].append(transaction["happened_at"])
    return {
        key: {
            "bookings_count": max(len(starts[key]), len(recorded[key])),
            "last_booking_at": max(
                (at for at in starts[key] or recorded[key] if at <= now), default=None
            ),
            "next_booking_at": min((at for at in starts[key] if at > now), default=None),
        }
        for key in starts
    }


@listen("booking_created")
@listen("booking_completed")
@listen("booking_cancelled")
def _hear_of_booking(contact: Any, booking: Any) -> None:
    if contact is not None:
        refresh_booking_dates([contact])
