"""The segments that every business begins with, by what it does. Each is a segment like others,
whose criteria and name stay as they are here; an owner can switch it off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared import audit, clock
from ..server_shared.config import Business, read_business
from ..server_shared.errors import NotFoundError
from ..server_shared.sequences import SEGMENTS, take_numbers
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import fold
from ..shared.currencies import minor_digits
from . import segment_filling, segment_language
from .segment_language import Criteria
from .segment_members import FILLING, PREBUILT, READY, members

HIGH_VALUE = 5_000  # whole units of the business's currency


def _all(*rules: tuple[Any, ...] | Criteria, match: str = "all") -> Criteria:
    """Criteria of rules written as (field, operator, value) or (field, operator), and of groups."""
    names = ("field", "operator", "value")
    return {
        "match": match,
        "rules": [
            rule if isinstance(rule, dict) else dict(zip(names, rule, strict=False))
            for rule in rules
        ],
    }


def _high_value(business: Business) -> Criteria:
    cents = HIGH_VALUE * 10 ** minor_digits(business.currency)
    return _all(("total_spent", "at_least", cents))


@dataclass(frozen=True)
class Prebuilt:
    """``feature`` is what has to be switched on for a business to get it, '' for every one."""

    name: str
    description: str
    criteria: Criteria | Callable[[Business], Criteria]
    feature: str = ""

    def criteria_for(self, business: Business) -> Criteria:
        """The criteria in the business's money."""
        return self.criteria(business) if callable(self.criteria) else self.criteria


_CUSTOMER = ("status", "is_any_of", ["customer"])

SEGMENTS_BY_KEY: dict[str, Prebuilt] = {
    "newsletter": Prebuilt(
        "Newsletter readers",
        "Everyone with an address who allows marketing by e-mail.",
        _all(("marketing_opt_in", "is_true"), ("email", "is_not_empty")),
    ),
    "new_contacts": Prebuilt(
        "New contacts",
        "Added in the last 30 days.",
        _all(("date_added", "in_last_days", 30)),
    ),
    "open_leads": Prebuilt(
        "Open leads",
        "Leads who have been in touch in the last 90 days.",
        _all(("status", "is_any_of", ["lead"]), ("last_contact_date", "in_last_days", 90)),
    ),
    "at_risk_customers": Prebuilt(
        "Customers at risk",
        "Customers you have not heard of for three to six months.",
        _all(_CUSTOMER, ("lifecycle_stage", "is_any_of", ["at_risk"])),
    ),
    "lost_customers": Prebuilt(
        "Lost customers",
        "Customers you have not heard of for more than six months.",
        _all(_CUSTOMER, ("last_contact_date", "more_than_days_ago", 180)),
    ),
    "vip_guests": Prebuilt(
        "VIP guests",
        "Guests with three bookings or more.",
        _all(("total_transactions", "at_least", 3)),
        "hospitality",
    ),
    "repeat_guests": Prebuilt(
        "Repeat guests",
        "Guests with two bookings or more.",
        _all(("total_transactions", "at_least", 2)),
        "hospitality",
    ),
    "lost_guests": Prebuilt(
        "Lost guests",
        "No contact for more than 180 days.",
        _all(("last_contact_date", "more_than_days_ago", 180)),
        "hospitality",
    ),
    "arriving_guests": Prebuilt(
        "Arriving this week",
        "Guests with a stay that begins in the next seven days.",
        _all(("next_booking_at", "in_next_days", 7)),
        "hospitality",
    ),
    "high_value_customers": Prebuilt(
        "High-value customers",
        "Customers who have spent 5,000 or more.",
        _high_value,
        "ecommerce",
    ),
    "repeat_buyers": Prebuilt(
        "Repeat buyers",
        "Customers with two orders or more.",
        _all(("total_transactions", "at_least", 2)),
        "ecommerce",
    ),
    "lapsed_buyers": Prebuilt(
        "Lapsed buyers",
        "Bought before, but not in the last 90 days.",
        _all(("last_order_at", "more_than_days_ago", 90)),
        "ecommerce",
    ),
    "regular_clients": Prebuilt(
        "Regular clients",
        "Clients with three bookings or more.",
        _all(("bookings_count", "at_least", 3)),
        "bookings",
    ),
    "first_time_clients": Prebuilt(
        "First-time clients",
        "Clients who have booked once so far.",
        _all(("bookings_count", "is", 1)),
        "bookings",
    ),
    "nothing_booked": Prebuilt(
        "Nothing booked",
        "Customers who have booked before, with nothing to come.",
        _all(
            ("bookings_count", "at_least", 1),
            # By time, not by an empty column: a booking that is over is nothing to come.
            _all(("next_booking_at", "in_next_days", 3_650), match="none"),
        ),
        "bookings",
    ),
}


@in_transaction
def make_prebuilt(business: Business | None = None) -> int:
    """Make the pre-built segments that the business should have and has not; give how many. Part of
    setting an instance up, of switching a feature on, and of every night."""
    business = business or read_business()
    known = list(app_tables.segments.search())
    present = {row["prebuilt_name"] for row in known}
    names = {row["name_folded"] for row in known}
    missing = [
        (key, each)
        for key, each in SEGMENTS_BY_KEY.items()
        if key not in present and (not each.feature or business.has_feature(each.feature))
    ]
    if not missing:
        return 0
    # Where there is nobody yet there is nothing to fill.
    anyone = next(iter(app_tables.contacts.search(q.fetch_only(), q.page_size(1))), None)
    state = READY if anyone is None else FILLING
    columns = []
    for number, (key, each) in zip(take_numbers(SEGMENTS, len(missing)), missing, strict=True):
        name = each.name if fold(each.name) not in names else f"{each.name} (pre-built)"
        criteria = each.criteria_for(business)
        more = {"prebuilt_name": key, "state": state}
        columns.append(segment_columns(number, name, each.description, PREBUILT, criteria, **more))
    for row in app_tables.segments.add_rows(columns):
        if state == FILLING:
            segment_filling.begin(row)
    keys = [key for key, _ in missing]
    audit.record("make_prebuilt", "segment", "", details={"segments": keys})
    return len(missing)


def segment_columns(
    number: int,
    name: str,
    description: str,
    segment_type: str,
    criteria: Criteria | None,
    **more: Any,
) -> dict[str, Any]:
    """All columns of a segment to be, which is still to be filled."""
    now = clock.now()
    return {
        "segment_id": f"S-{number}",
        "number": number,
        "segment_name": name,
        "name_folded": fold(name),
        "description": description,
        "segment_type": segment_type,
        "filter_criteria": criteria,
        "by_time": criteria is not None and segment_language.depends_on_time(criteria),
        "is_active": True,
        "state": FILLING,
        "contact_count": 0,
        "created_at": now,
        "updated_at": now,
        "version": 1,
        **more,
    }


def count_prebuilt(key: str) -> int:
    """How many contacts are in a pre-built segment. Raises :class:`NotFoundError` where the
    business has not got it."""
    row = app_tables.segments.get(prebuilt_name=key)
    if row is None:
        raise NotFoundError(f"There is no pre-built segment {key}.")
    return len(app_tables.contacts.search(members(row)))


def get_vip_guests() -> int:
    """How many guests have three bookings or more."""
    return count_prebuilt("vip_guests")


def get_repeat_guests() -> int:
    """How many guests have two bookings or more."""
    return count_prebuilt("repeat_guests")


def get_lost_guests() -> int:
    """How many have not been in contact for more than 180 days."""
    return count_prebuilt("lost_guests")


def get_high_value_customers() -> int:
    """How many customers have spent HIGH_VALUE or more."""
    return count_prebuilt("high_value_customers")


def get_repeat_buyers() -> int:
    """How many customers have two orders or more."""
    return count_prebuilt("repeat_buyers")
