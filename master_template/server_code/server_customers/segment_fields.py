"""What a segment can ask of a contact: the fields, and the operators that each kind of field has.

A *kind* says how a field is compared; a form builds its inputs from ``value`` of an operator:
``none``, ``text``, ``words`` (several texts), ``number``, ``money`` (cents), ``days`` (a whole
number of days), ``day`` (``2026-03-14``), or two of them (``numbers``, ``amounts``, ``period``).
"""

from __future__ import annotations

from dataclasses import dataclass

from .contact_fields import CHANNELS, LIFECYCLE_STAGES, SOURCES, STATUSES


@dataclass(frozen=True)
class Operator:
    """How a field is compared. ``negates`` names the operator that this is the contrary of;
    ``by_time``: whether the answer can change by time going on alone."""

    label: str
    value: str
    negates: str = ""
    by_time: bool = False


@dataclass(frozen=True)
class Field:
    """``column`` of the contact; ``key`` where it is one of a dict's; ``options`` of a choice."""

    label: str
    group: str
    kind: str
    column: str
    key: str = ""
    options: tuple[str, ...] = ()


MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_EMPTY = {
    "is_empty": Operator("is empty", "none"),
    "is_not_empty": Operator("is filled in", "none", negates="is_empty"),
}
_ONE_OF = {
    "is_any_of": Operator("is", "words"),
    "is_none_of": Operator("is not", "words", negates="is_any_of"),
}


def _amounts(one: str, two: str) -> dict[str, Operator]:
    return {
        "at_least": Operator("is at least", one),
        "at_most": Operator("is at most", one),
        "more_than": Operator("is more than", one),
        "less_than": Operator("is less than", one),
        "is": Operator("is exactly", one),
        "is_not": Operator("is not", one, negates="is"),
        "between": Operator("is between", two),
    }


KINDS: dict[str, dict[str, Operator]] = {
    "choice": _ONE_OF,
    "place": _ONE_OF,
    "tags": {
        "has_any_of": Operator("include any of", "words"),
        "has_all_of": Operator("include all of", "words"),
        "has_none_of": Operator("include none of", "words", negates="has_any_of"),
    },
    "text": {
        "contains": Operator("contains", "text"),
        "does_not_contain": Operator("does not contain", "text", negates="contains"),
        "is": Operator("is", "text"),
        "is_not": Operator("is not", "text", negates="is"),
        "starts_with": Operator("starts with", "text"),
        "ends_with": Operator("ends with", "text"),
        **_EMPTY,
    },
    "yes_no": {
        "is_true": Operator("yes", "none"),
        "is_false": Operator("no", "none", negates="is_true"),
    },
    "number": _amounts("number", "numbers"),
    "money": _amounts("money", "amounts"),
    "date": {
        "in_last_days": Operator("was in the last", "days", by_time=True),
        "not_in_last_days": Operator(
            "was not in the last", "days", negates="in_last_days", by_time=True
        ),
        "more_than_days_ago": Operator("was more than", "days", by_time=True),
        "in_next_days": Operator("is in the next", "days", by_time=True),
        "on_or_after": Operator("is on or after", "day"),
        "before": Operator("is before", "day"),
        "between": Operator("is between", "period"),
        **_EMPTY,
    },
    "birthday": {
        "is_any_of": Operator("is in", "words"),
        "is_none_of": Operator("is not in", "words", negates="is_any_of"),
        "in_next_days": Operator("is today or in the next", "days", by_time=True),
        **_EMPTY,
    },
}

FIELDS: dict[str, Field] = {
    "status": Field("Status", "About them", "choice", "status", options=STATUSES),
    "lifecycle_stage": Field(
        "Lifecycle", "About them", "choice", "lifecycle_stage", options=LIFECYCLE_STAGES
    ),
    "source": Field("Source", "About them", "choice", "source", options=SOURCES),
    "tags": Field("Tags", "About them", "tags", "tags"),
    "first_name": Field("First name", "About them", "text", "first_name"),
    "last_name": Field("Last name", "About them", "text", "last_name"),
    "email": Field("E-mail", "How to reach them", "text", "email"),
    "phone": Field("Phone", "How to reach them", "text", "phone"),
    "company": Field("Company", "About them", "text", "company"),
    "birthday": Field("Birthday", "About them", "birthday", "birthday", options=MONTHS),
    "marketing_opt_in": Field(
        "Marketing by e-mail allowed",
        "How to reach them",
        "yes_no",
        "preferences",
        key="marketing_opt_in",
    ),
    "channel": Field(
        "Preferred channel", "How to reach them", "choice", "preferences", "channel", CHANNELS
    ),
    "has_account": Field("Has an account", "How to reach them", "yes_no", "account"),
    "city": Field("Town", "Where they live", "place", "address", key="city"),
    "region": Field("Province or state", "Where they live", "place", "address", key="region"),
    "postal_code": Field("Postal code", "Where they live", "place", "address", key="postal_code"),
    "country": Field("Country", "Where they live", "place", "address", key="country"),
    "date_added": Field("Date added", "Dates", "date", "date_added"),
    "last_contact_date": Field("Last contact", "Dates", "date", "last_contact_date"),
    "total_spent": Field("Total spent", "Buying", "money", "total_spent_cents"),
    "average_order_value": Field("Average spent", "Buying", "money", "average_order_value_cents"),
    "total_transactions": Field("Purchases", "Buying", "number", "total_transactions"),
    "orders_count": Field("Orders", "Buying", "number", "orders_count"),
    "last_order_at": Field("Last order", "Buying", "date", "last_order_at"),
    "bookings_count": Field("Bookings", "Bookings", "number", "bookings_count"),
    "last_booking_at": Field("Last booking", "Bookings", "date", "last_booking_at"),
    "next_booking_at": Field("Next booking", "Bookings", "date", "next_booking_at"),
}


def operators_of(field: str) -> dict[str, Operator]:
    """The operators that a field has, by name, in the order a form offers them."""
    return KINDS[FIELDS[field].kind]
