"""What a business did in the last weeks and will do in the next: for the sample data."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from anvil.tables import app_tables

from ..server_analytics.periods import day_of
from ..server_auth.rbac import CUSTOMER
from ..server_customers import lifecycle
from ..server_customers.contact_changes import change_contacts
from ..server_customers.timeline_service import event_columns
from ..server_products.product_fields import is_low_stock
from ..server_shared.config import Business
from ..server_shared.sequences import BOOKINGS, PAYMENTS, take_numbers
from .verticals.prices import local_price
from .verticals.shape import Product, Room, Task, Vertical

DAYS_BACK = 62  # Two months, so that this one can be compared with the last.
DAYS_AHEAD = 10
CHECK_IN, CHECK_OUT = time(14, 0), time(10, 0)
FAILURES = (
    ("card_declined", "The bank declined the card."),
    ("insufficient_funds", "There is not enough money on the card."),
    ("expired_card", "The card has expired."),
)


@dataclass(frozen=True)
class _Planned:
    """A booking to be made. One for a ``resource`` has it for itself; in a class there are
    places."""

    start: datetime
    end: datetime
    name: str
    cents: int
    contact: Any
    resource: str | None = None
    guests: int = 1


def add_business(
    vertical: Vertical,
    dice: random.Random,
    contacts: Sequence[Any],
    payments: Sequence[tuple[Any, datetime, int]],
    business: Business,
    now: datetime,
) -> None:
    """Bookings with their payments, products and tasks; ``payments`` are those that the timelines
    tell of: contact, when, how much. Call it inside the transaction that makes the contacts."""
    sample = _Sample(vertical, dice, business, now)
    colleagues = list(app_tables.users.search(role="staff"))
    regulars = [row for row in contacts if row["lifecycle_stage"] in ("active", "new")]
    bookings = sample.make_bookings(regulars or contacts, colleagues)
    rows = app_tables.bookings.add_rows(bookings)
    paid = [
        sample.payment(row["contact"], row, row["start_at"], int(row["total_cents"]))
        for row in rows
        if row["payment_status"] == "paid" and row["total_cents"]
    ]
    earlier = [sample.payment(contact, None, at, cents) for contact, at, cents in payments]
    failed = [
        sample.failed_payment(row)
        for row in rows
        if row["status"] in ("pending", "confirmed") and row["total_cents"]
    ][:3]
    made = sorted([*earlier, *paid, *failed], key=lambda payment: payment["created_at"])
    numbers = take_numbers(PAYMENTS, len(made))
    app_tables.payments.add_rows(
        {**payment, "number": number, "payment_number": f"P-{number}"}
        for number, payment in zip(numbers, made, strict=True)
    )
    _tell_timelines(vertical, rows, now)
    _count_for_contacts(paid)
    lifecycle.refresh_booking_dates(contacts)
    app_tables.products.add_rows(sample.product(product) for product in vertical.products)
    people = [row["contact"] for row in rows] or list(contacts)
    app_tables.tasks.add_rows(
        sample.task(task, contact) for task, contact in zip(vertical.tasks, people, strict=False)
    )


class _Sample:
    def __init__(
        self, vertical: Vertical, dice: random.Random, business: Business, now: datetime
    ) -> None:
        self.vertical = vertical
        self.dice = dice
        self.now = now
        self.zone = ZoneInfo(business.time_zone)
        self.zone_name = business.time_zone
        self.currency = business.currency
        self.today = day_of(now, self.zone)

    def make_bookings(
        self, people: Sequence[Any], colleagues: Sequence[Any]
    ) -> list[dict[str, Any]]:
        planned = [*self.plan_offers(people)]
        for room in self.vertical.rooms:
            planned += self.plan_stays(room, people)
        numbers = take_numbers(BOOKINGS, len(planned))
        return [
            self.booking(number, each, colleagues)
            for number, each in zip(numbers, planned, strict=True)
        ]

    def plan_offers(self, people: Sequence[Any]) -> Iterator[_Planned]:
        """What happens at a time of the day."""
        for offset in range(-DAYS_BACK, DAYS_AHEAD + 1):
            day = self.today + timedelta(days=offset)
            for offer in self.vertical.offers:
                if day.weekday() not in offer.weekdays:
                    continue
                start = self.moment(day, offer.starts)
                end = start + timedelta(minutes=offer.minutes)
                count = min(self.dice.randint(*offer.people), len(people))
                for one in self.dice.sample(people, count):
                    yield _Planned(start, end, offer.name, offer.price_cents, one, offer.resource)

    def plan_stays(self, room: Room, people: Sequence[Any]) -> Iterator[_Planned]:
        """Nights in a room, one party after the other."""
        day = self.today - timedelta(days=DAYS_BACK - self.dice.randrange(4))
        while day <= self.today + timedelta(days=DAYS_AHEAD * 3):
            nights = self.dice.choices([1, 2, 3, 4, 7], [3, 5, 4, 2, 1])[0]
            start = self.moment(day, CHECK_IN)
            day += timedelta(days=nights)
            yield _Planned(
                start,
                self.moment(day, CHECK_OUT),
                room.name,
                room.price_cents * nights,
                self.dice.choice(people),
                room.resource,
                self.dice.randint(1, room.guests),
            )
            day += timedelta(days=self.dice.choices([0, 1, 2, 4], [4, 3, 2, 1])[0])

    def moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, tzinfo=self.zone).astimezone(UTC)

    def status(self, planned: _Planned) -> str:
        if planned.end < self.now:
            return self.dice.choices(["completed", "no_show", "cancelled"], [90, 4, 6])[0]
        if planned.start < self.now:
            # Who is there has paid on arrival, or will on leaving.
            return "checked_in" if self.vertical.rooms else "confirmed"
        return self.dice.choices(["confirmed", "pending", "cancelled"], [82, 14, 4])[0]

    def booking(self, number: int, planned: _Planned, colleagues: Sequence[Any]) -> dict[str, Any]:
        start, end = planned.start, planned.end
        status = self.status(planned)
        cents = local_price(planned.cents, self.currency)
        booked_at = min(start, self.now) - timedelta(
            days=self.dice.randrange(6), minutes=self.dice.randrange(600)
        )
        cancelled_at = min(booked_at + timedelta(hours=1), self.now)
        return {
            "booking_number": f"B-{number}",
            "number": number,
            "contact": planned.contact,
            "resource_id": planned.resource,
            "assigned_to": self.dice.choice(colleagues) if colleagues else None,
            "service_snapshot": {
                "name": planned.name,
                "duration_minutes": (end - start) // timedelta(minutes=1),
                "price_cents": cents,
            },
            "start_at": start,
            "end_at": end,
            "time_zone": self.zone_name,
            "status": status,
            "payment_status": "paid" if status == "completed" else "unpaid",
            "attendee_count": planned.guests,
            "total_cents": cents,
            "deposit_cents": 0,
            "currency": self.currency,
            "cancelled_at": cancelled_at if status == "cancelled" else None,
            "created_at": booked_at,
            "updated_at": booked_at,
            "version": 1,
        }

    def payment(self, contact: Any, booking: Any, at: datetime, cents: int) -> dict[str, Any]:
        method = self.dice.choices(["card", "cash", "bank_transfer"], [7, 2, 1])[0]
        has_tip = booking is not None and self.dice.random() < 0.1
        return {
            "contact": contact,
            "booking": booking,
            "kind": "booking" if booking is not None else self.vertical.earlier_kind,
            "status": "captured",
            "method": method,
            "currency": self.currency,
            "amount_cents": cents,
            "tip_cents": cents // 20 if has_tip else 0,
            "tax_cents": 0,
            "fee_cents": cents * 3 // 100 if method == "card" else 0,
            "refunded_cents": 0,
            "provider": "stripe" if method == "card" else "manual",
            "provider_metadata": {},
            "captured_at": at,
            "created_at": at,
            "updated_at": at,
        }

    def failed_payment(self, booking: Any) -> dict[str, Any]:
        at = min(booking["created_at"], self.now)
        code, message = self.dice.choice(FAILURES)
        payment = self.payment(booking["contact"], booking, at, int(booking["total_cents"]))
        return {
            **payment,
            "status": "failed",
            "method": "card",
            "provider": "stripe",
            "tip_cents": 0,
            "fee_cents": 0,
            "captured_at": None,
            "failed_at": at,
            "failure_code": code,
            "failure_message": message,
        }

    def product(self, product: Product) -> dict[str, Any]:
        stock = {
            "status": "active",
            "track_inventory": True,
            "inventory_count": product.count,
            "reserved_count": 0,
            "low_stock_threshold": product.threshold,
        }
        return {
            "name": product.name,
            "slug": product.slug,
            "sku": product.slug.upper(),
            "description": product.description,
            "price_cents": local_price(product.price_cents, self.currency),
            "currency": self.currency,
            "images": [],
            "categories": list(product.categories),
            "tags": [],
            "variants": [],
            **stock,
            "is_low_stock": is_low_stock(stock),
            "created_at": self.now,
            "updated_at": self.now,
            "version": 1,
        }

    def task(self, task: Task, contact: Any) -> dict[str, Any]:
        due = self.today + timedelta(days=task.due_in_days)
        is_done = task.is_done
        return {
            "title": task.title.format(name=contact["first_name"]),
            "task_type": task.task_type,
            "contact": contact,
            "due_date": due,
            "status": "completed" if is_done else "pending",
            "completed_at": self.now - timedelta(days=1) if is_done else None,
            "is_auto_generated": task.task_type != "custom",
            "created_at": self.now - timedelta(days=7),
            "updated_at": self.now - timedelta(days=1),
        }


def _tell_timelines(vertical: Vertical, bookings: Sequence[Any], now: datetime) -> None:
    """Bookings that were made, and payments that came in, as events of their contacts."""
    events: list[dict[str, Any]] = []
    desk = [each.name for each in vertical.colleagues if each.role != CUSTOMER][-1]
    for row in bookings:
        name = row["service_snapshot"]["name"]
        contact, number = row["contact"], row["booking_number"]
        told: list[tuple[str, str, dict[str, Any], datetime, str]] = [
            ("booking", f"Booked {name}", {}, row["created_at"], vertical.booked_by)
        ]
        if row["payment_status"] == "paid" and row["total_cents"]:
            data = {"amount_cents": int(row["total_cents"])}
            told.append(("payment", f"Paid for {name}", data, row["start_at"], desk))
        for kind, text, data, at, author in told:
            event = event_columns(contact, kind, text, data, related_id=number, event_date=at)
            events.append({**event, "author_name": author})
    app_tables.contact_events.add_rows(event for event in events if event["event_date"] <= now)


def _count_for_contacts(paid: Sequence[dict[str, Any]]) -> None:
    """Their totals, and that they were there lately."""
    by_contact: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for payment in paid:
        by_contact[payment["contact"].get_id()].append(payment)
    changes = []
    for payments in by_contact.values():
        row = payments[0]["contact"]
        spent = int(row["total_spent_cents"]) + sum(one["amount_cents"] for one in payments)
        count = int(row["total_transactions"]) + len(payments)
        last = max(one["captured_at"] for one in payments)
        changed = {
            "status": "customer",
            "lifecycle_stage": "active",
            "total_spent_cents": spent,
            "total_transactions": count,
            "average_order_value_cents": spent // count,
            "last_contact_date": max(last, row["last_contact_date"]),
        }
        changes.append((row, changed))
    change_contacts(changes)
