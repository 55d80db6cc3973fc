"""The figures of the dashboard: what each one counts, and who gets to see it.

Each function reads the tables anew and gives plain values, so that they can be kept in a row. None
asks the database more often than a fixed number of times, however many rows there are, and none
says anything about a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import Actor
from ..server_shared.config import Business
from . import periods
from .dashboard_scope import DashboardScope
from .periods import Period
from .storage_usage import measure_storage

RECENT_DAYS = 30
BOOKING_DAYS_BEFORE = 6
BOOKING_DAYS_AFTER = 7
SHOWN_PRODUCTS = 3
# Many rows of few columns in one answer; the largest page that an App Server gives.
PAGE_ROWS = 10_000

# A booking that takes place, or has; the others freed their time.
BOOKED = ("pending", "confirmed", "checked_in", "completed")

Figures = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """For whom and for when the figures are: the business, this moment, and the rows that count."""

    business: Business
    now: datetime
    scope: DashboardScope

    @property
    def zone(self) -> ZoneInfo:
        """Where the business is."""
        return ZoneInfo(self.business.time_zone)

    @property
    def today(self) -> date:
        """The day that it is there."""
        return periods.day_of(self.now, self.zone)

    def search(self, table: str, *terms: Any, **query: Any) -> Any:
        """Rows of a table that match and that the scope lets one see."""
        return app_tables[table].search(*terms, *self.scope.search_terms(table), **query)

    def count(self, table: str, **query: Any) -> int:
        """How many there are of them, counted by the database."""
        return len(self.search(table, q.fetch_only(), q.page_size(1), **query))


@dataclass(frozen=True)
class Metric:
    """A figure: the permission that it needs, the features of which one has to be switched on (or
    none), and how it is worked out. One that ``is_of_everything`` cannot be narrowed to a scope, so
    that only people without one see it."""

    name: str
    permission: str
    features: tuple[str, ...]
    compute: Callable[[Question], Figures]
    is_of_everything: bool = False

    def is_for(self, actor: Actor, business: Business) -> bool:
        """Whether this person gets to see it in this business."""
        on = not self.features or any(business.has_feature(name) for name in self.features)
        return on and actor.may(self.permission)


def within(period: Period) -> Any:
    """The condition that a moment lies in a period."""
    return q.all_of(q.greater_than_or_equal_to(period.start), q.less_than(period.end))


def count_bookings(question: Question) -> Figures:
    """``today``, ``unconfirmed`` (of these), and ``days``: ``[day, bookings]`` from six days ago to
    a week ahead."""
    first = question.today - timedelta(days=BOOKING_DAYS_BEFORE)
    length = BOOKING_DAYS_BEFORE + 1 + BOOKING_DAYS_AFTER
    counts = {first + timedelta(days=offset): 0 for offset in range(length)}
    unconfirmed = 0
    for row in question.search(
        "bookings",
        q.fetch_only("start_at", "status"),
        q.page_size(PAGE_ROWS),
        start_at=within(periods.days(first, length, question.zone)),
        status=q.any_of(*BOOKED),
    ):
        day = periods.day_of(row["start_at"], question.zone)
        counts[day] += 1
        unconfirmed += day == question.today and row["status"] == "pending"
    return {
        "today": counts[question.today],
        "unconfirmed": unconfirmed,
        "days": [[day.isoformat(), count] for day, count in counts.items()],
    }


def sum_revenue(question: Question) -> Figures:
    """What came in this month, refunds taken off, and last month; each currency for itself.

    ``currencies``: the business's own first, then by code; each has ``currency``, ``cents``,
    ``last_cents`` (up to the same time on the same day of last month), and the running totals
    ``days`` (to today) and ``last_days`` (the whole of last month), by day of the month.
    """
    now, zone, today = question.now, question.zone, question.today
    this = periods.month_so_far(now, zone)
    last = periods.same_part_of_last_month(now, zone)
    own = question.business.currency
    sums = {own: _Revenue(today, periods.previous_month(today))}
    for row in question.search(
        "payments",
        q.fetch_only("captured_at", "currency", "amount_cents", "refunded_cents"),
        q.page_size(PAGE_ROWS),
        captured_at=within(Period(last.start, now)),
    ):
        revenue = sums.setdefault(row["currency"], _Revenue(today, periods.previous_month(today)))
        moment = row["captured_at"]
        revenue.add(
            int(row["amount_cents"]) - int(row["refunded_cents"]),
            periods.day_of(moment, zone),
            is_this_month=moment >= this.start,
            counts=moment >= this.start or moment < last.end,
        )
    others = sorted(currency for currency in sums if currency != own)
    return {
        "currencies": [
            {"currency": currency, **sums[currency].to_dict()} for currency in (own, *others)
        ],
        "last_month": periods.previous_month(today).isoformat(),
    }


class _Revenue:
    """The sums of one currency."""

    def __init__(self, today: date, last_month: date) -> None:
        self.cents = 0
        self.last_cents = 0
        self.by_day = [0] * today.day
        self.last_by_day = [0] * periods.days_in_month(last_month)

    def add(self, cents: int, day: date, *, is_this_month: bool, counts: bool) -> None:
        if is_this_month:
            self.cents += cents
            self.by_day[day.day - 1] += cents
        else:
            self.last_cents += cents if counts else 0
            self.last_by_day[day.day - 1] += cents

    def to_dict(self) -> Figures:
        return {
            "cents": self.cents,
            "last_cents": self.last_cents,
            "days": _running(self.by_day),
            "last_days": _running(self.last_by_day),
        }


def _running(amounts: Iterable[int]) -> list[int]:
    total = 0
    totals = []
    for amount in amounts:
        total += amount
        totals.append(total)
    return totals


def count_contacts(question: Question) -> Figures:
    """``new`` in the last 30 days, today being one of them, ``new_before`` in the 30 days before
    these, and ``total``."""
    zone = question.zone
    first = question.today - timedelta(days=RECENT_DAYS - 1)
    recent = Period(periods.day_start(first, zone), question.now)
    before = periods.days(first - timedelta(days=RECENT_DAYS), RECENT_DAYS, zone)
    return {
        "new": question.count("contacts", deleted_at=None, date_added=within(recent)),
        "new_before": question.count("contacts", deleted_at=None, date_added=within(before)),
        "total": question.count("contacts", deleted_at=None),
    }


def count_tasks(question: Question) -> Figures:
    """Tasks that wait: those ``due`` today, and those ``overdue``."""
    today = question.today
    return {
        "due": question.count("tasks", status="pending", due_date=today),
        "overdue": question.count("tasks", status="pending", due_date=q.less_than(today)),
    }


def find_low_stock(question: Question) -> Figures:
    """``low``: how many products are at or below their threshold, the sold out ones included;
    ``sold_out``: how many of these; ``products``: the names of those with the least left."""
    rows = question.search(
        "products",
        tables.order_by("inventory_count"),
        tables.order_by("name"),
        q.fetch_only("name"),
        q.page_size(SHOWN_PRODUCTS),
        is_low_stock=True,
    )
    return {
        "products": [row["name"] for row in islice(rows, SHOWN_PRODUCTS)],
        "low": len(rows),
        "sold_out": question.count("products", is_low_stock=True, inventory_count=0),
    }


def count_failed_payments(question: Question) -> Figures:
    """``failed`` in the last 30 days, today being one of them."""
    first = question.today - timedelta(days=RECENT_DAYS - 1)
    recent = Period(periods.day_start(first, question.zone), question.now)
    return {"failed": question.count("payments", status="failed", failed_at=within(recent))}


METRICS = (
    Metric("bookings", "bookings.view", ("bookings", "services", "hospitality"), count_bookings),
    Metric("revenue", "finance.view", (), sum_revenue),
    Metric("contacts", "customers.view", (), count_contacts),
    Metric("tasks", "customers.view", ("marketing",), count_tasks),
    Metric("low_stock", "products.view", ("ecommerce",), find_low_stock),
    Metric("failed_payments", "finance.view", (), count_failed_payments),
    Metric(
        "storage",
        "settings.view",
        (),
        lambda question: measure_storage(),
        is_of_everything=True,
    ),
)
