"""The language of segments: what it takes, and that both ways of asking agree."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from master_template.server_customers import segment_birthdays, segment_language
from master_template.server_customers.contact_fields import (
    CHANNELS,
    LIFECYCLE_STAGES,
    SOURCES,
    STATUSES,
)
from master_template.server_customers.segment_criteria import clean, describe
from master_template.server_customers.segment_fields import FIELDS, KINDS
from master_template.server_shared.config import Business
from master_template.server_shared.errors import InvalidError
from tests.product.studio import BUSINESS, Caller, Studio

ZONE = ZoneInfo(BUSINESS["time_zone"])
NAMES = ["Ana", "ana maria", "ÉLODIE", "José", "O'Brien", "50%_off", "Back\\slash", "", None]
TOWNS = ["Cape Town", "Durban", "cape town", "", None]
TAGS = ["VIP", "yoga", "late payer", "50%"]
BORN = ["1899-12-31", "1900-01-01", "1904-02-29", "1990-02-28", "2001-03-01", "1988-12-31"]
DAYS = [0.3, 1.4, 6.7, 29.5, 30.5, 89.4, 91.2, 179.6, 181.3, 400.1]


def _moment(dice: random.Random, now: datetime) -> datetime | None:
    if dice.random() < 0.2:
        return None
    days = dice.choice(DAYS)
    return now + timedelta(days=days if dice.random() < 0.3 else -days)


def _birthday(dice: random.Random, now: datetime) -> date | None:
    if dice.random() < 0.3:
        return date.fromisoformat(dice.choice(BORN))
    near = (now - timedelta(days=365 * 30 - dice.randint(-40, 40))).date()
    return dice.choice([None, near])


def _contact(dice: random.Random, now: datetime, number: int) -> dict[str, Any]:
    """The columns of somebody with gaps in every place."""
    spent = dice.choice([None, 0, 1, 99_999, 500_000, 500_001, 10**9])
    address: dict[str, Any] | None = {"city": dice.choice(TOWNS), "country": "South Africa"}
    preferences: dict[str, Any] | None = {
        "marketing_opt_in": dice.choice([True, False]),
        "channel": dice.choice(CHANNELS),
    }
    return {
        "contact_id": f"C-{number}",
        "number": number,
        "first_name": dice.choice(NAMES),
        "last_name": dice.choice(NAMES),
        "email": dice.choice([None, f"someone{number}@example.com", f"Ana{number}@Shop.Example"]),
        "phone": dice.choice([None, "+27 82 555 0101"]),
        "company": dice.choice(NAMES),
        "address": dice.choice([address, {}, None]),
        "status": dice.choice(STATUSES),
        "source": dice.choice(SOURCES),
        "lifecycle_stage": dice.choice(LIFECYCLE_STAGES),
        "tags": dice.choice([None, [], *([tag, dice.choice(TAGS)] for tag in TAGS)]),
        "preferences": dice.choice([preferences, {}, None]),
        "total_spent_cents": spent,
        "average_order_value_cents": dice.choice([None, 0, 12_345]),
        "total_transactions": dice.choice([None, 0, 1, 2, 3]),
        "bookings_count": dice.choice([None, 0, 1, 5]),
        "orders_count": dice.choice([None, 0, 2]),
        "birthday": _birthday(dice, now),
        "date_added": _moment(dice, now),
        "last_contact_date": _moment(dice, now),
        "last_booking_at": _moment(dice, now),
        "next_booking_at": _moment(dice, now),
        "last_order_at": _moment(dice, now),
        "account": None,
        "deleted_at": None,
    }


def insert_contacts(studio: Studio, contacts: list[dict[str, Any]]) -> None:
    """Put rows into the database behind the product's back."""
    columns = [name for name in contacts[0] if name != "account"]
    marks = ", ".join("%s" for _ in columns)
    for contact in contacts:
        values = [
            json.dumps(contact[name]) if isinstance(contact[name], dict | list) else contact[name]
            for name in columns
        ]
        studio.query(f"INSERT INTO app.contacts ({', '.join(columns)}) VALUES ({marks})", *values)


@pytest.fixture(scope="module")
def people(empty_studio: Studio) -> list[dict[str, Any]]:
    """All contacts of an instance, 150 of every sort."""
    dice, now = random.Random(6), datetime.now(UTC)
    contacts = [_contact(dice, now, number) for number in range(1, 151)]
    insert_contacts(empty_studio, contacts)
    return contacts


@pytest.fixture(scope="module")
def mia(empty_studio: Studio) -> Iterator[Caller]:
    with empty_studio.person("mia") as caller:
        yield caller


def _value(field: str, kind: str) -> st.SearchStrategy[Any]:
    """What a rule of this field can be compared with."""
    amount = st.sampled_from([0, 1, 2, 3, 5, 12_345, 500_000])
    day = st.integers(-400, 400).map(
        lambda days: (datetime.now(ZONE) + timedelta(days=days)).date().isoformat()
    )
    words = {
        "tags": st.sampled_from(TAGS),
        "place": st.sampled_from(["Cape Town", "Durban", "South Africa", "x"]),
    }.get(FIELDS[field].kind, st.sampled_from(FIELDS[field].options or ("x",)))
    return {
        "words": st.lists(words, min_size=1, max_size=3, unique=True),
        "text": st.sampled_from(["ana", "É", "jos", "%", "_", "\\", "B", "example.com", "an"]),
        "number": amount,
        "money": amount,
        "numbers": st.tuples(amount, amount).map(sorted),
        "amounts": st.tuples(amount, amount).map(sorted),
        "days": st.sampled_from([1, 7, 30, 90, 180, 365]),
        "day": day,
        "period": st.tuples(day, day).map(sorted),
        "none": st.none(),
    }[kind]


@st.composite
def _rules(draw: st.DrawFn) -> dict[str, Any]:
    field = draw(st.sampled_from(sorted(FIELDS)))
    operators = KINDS[FIELDS[field].kind]
    name = draw(st.sampled_from(sorted(operators)))
    rule = {"field": field, "operator": name}
    if operators[name].value != "none":
        rule["value"] = draw(_value(field, operators[name].value))
    return rule


def _groups(rules: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "match": st.sampled_from(["all", "any", "none"]),
            "rules": st.lists(rules, min_size=1, max_size=3),
        }
    )


@given(criteria=_groups(st.one_of(_rules(), _groups(_rules()))))
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_database_and_python_agree(
    people: list[dict[str, Any]], mia: Caller, criteria: dict[str, Any]
) -> None:
    now = datetime.now(ZONE)
    cleaned = clean(criteria)
    expected = [row for row in people if segment_language.matches(cleaned, row, now)]
    answer = mia.call("preview_segment", criteria)
    assert answer["count"] == len(expected)
    newest = [row["contact_id"] for row in reversed(expected)][:5]
    assert [row["contact_id"] for row in answer["sample"]] == newest


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_operator_of_a_field_agrees(
    name: str, people: list[dict[str, Any]], mia: Caller
) -> None:
    now, wrong = datetime.now(ZONE), []
    values = {
        "words": list(FIELDS[name].options[:2]) or ["VIP", "Durban"],
        "text": "an",
        "number": 1,
        "money": 500_000,
        "numbers": [1, 3],
        "amounts": [1, 500_000],
        "days": 90,
        "day": now.date().isoformat(),
        "period": [(now - timedelta(days=90)).date().isoformat(), now.date().isoformat()],
        "none": None,
    }
    for key, operator in KINDS[FIELDS[name].kind].items():
        rule = {"field": name, "operator": key, "value": values[operator.value]}
        criteria = clean({"match": "all", "rules": [rule]})
        expected = sum(segment_language.matches(criteria, row, now) for row in people)
        if mia.call("preview_segment", criteria)["count"] != expected:
            wrong.append(key)
    assert wrong == []


def test_is_not_is_the_contrary_of_is(mia: Caller) -> None:
    for field in FIELDS:
        for name, operator in KINDS[FIELDS[field].kind].items():
            if not operator.negates:
                continue
            value = {"words": list(FIELDS[field].options[:1]) or ["VIP"], "text": "ana"}
            given = value.get(operator.value, 30)
            answers = [
                mia.call(
                    "preview_segment",
                    {"rules": [{"field": field, "operator": each, "value": given}]},
                )
                for each in (name, operator.negates)
            ]
            assert sum(answer["count"] for answer in answers) == answers[0]["total"], field


PLAIN = {
    "status": ["customer"],
    "lifecycle_stage": ["lost", "at_risk"],
    "total_spent_min": 5000,
    "days_since_contact": 180,
}


def test_takes_the_plain_form(mia: Caller, people: list[dict[str, Any]]) -> None:
    answer = mia.call("preview_segment", PLAIN)
    long_ago = datetime.now(UTC) - timedelta(days=180)
    expected = [
        row
        for row in people
        if row["status"] == "customer"
        and row["lifecycle_stage"] in ("lost", "at_risk")
        and (row["total_spent_cents"] or 0) > 500_000
        and row["last_contact_date"]
        and row["last_contact_date"] < long_ago
    ]
    assert answer["count"] == len(expected)
    assert answer["summary"].startswith("Status is customer and Lifecycle is lost or at risk and ")


def _rule(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


WRONG: list[tuple[str, Any, str, str]] = [
    ("no rules", {"match": "all", "rules": []}, "rules", "at least one rule"),
    ("unknown match", {"match": "some", "rules": [_rule("email", "is_empty")]}, "match", "some"),
    ("unknown field", {"rules": [_rule("shoe_size", "is", 3)]}, "rules.0.field", "shoe_size"),
    ("no operator", {"rules": [_rule("status", "contains", "x")]}, "rules.0.operator", "contains"),
    ("unknown word", {"rules": [_rule("status", "is_any_of", ["x"])]}, "rules.0.value", "lead"),
    ("no word", {"rules": [_rule("tags", "has_any_of", [])]}, "rules.0.value", "at least one"),
    ("no text", {"rules": [_rule("email", "contains", " ")]}, "rules.0.value", "required"),
    ("text as amount", {"rules": [_rule("orders_count", "is", "x")]}, "rules.0.value", "whole"),
    ("less than 0", {"rules": [_rule("total_spent", "is", -1)]}, "rules.0.value", "from 0"),
    ("no such day", {"rules": [_rule("date_added", "before", "30 Feb")]}, "rules.0.value", "date"),
    (
        "ends too early",
        {"rules": [_rule("date_added", "between", ["2026-03-02", "2026-03-01"])]},
        "rules.0.value",
        "ends before",
    ),
    (
        "too deep",
        {"rules": [{"rules": [{"rules": [_rule("email", "is_empty")]}]}]},
        "rules.0.rules.0.field",
        "no further",
    ),
    (
        "fault in a group",
        {"rules": [_rule("email", "is_empty"), {"rules": [_rule("phone", "is")]}]},
        "rules.1.rules.0.value",
        "required",
    ),
    ("too many", {"rules": [_rule("email", "is_empty")] * 31}, "rules", "at most 30"),
    ("plain, too much", {"total_spent_min": 10**400}, "rules.0.value", "from 0"),
    ("both forms", {"status": ["lead"], "shoe_size": 3}, "rules", "shoe_size"),
]


@pytest.mark.parametrize(
    ("criteria", "field", "words"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_a_fault_is_told_at_its_place(criteria: Any, field: str, words: str, mia: Caller) -> None:
    answer = mia.answer("preview_segment", criteria)
    assert answer["code"] == "invalid"
    assert words in answer["fields"][field]


NO_NUMBERS = [{"total_spent_min": value} for value in (float("inf"), float("nan"), True, "x")]


@pytest.mark.parametrize(
    "value", [None, 3, "x", [], ["x"], {"rules": 3}, {"rules": [None]}, *NO_NUMBERS]
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(InvalidError):
        clean(value)


def test_days_begin_where_the_business_is() -> None:
    criteria = clean({"rules": [_rule("date_added", "on_or_after", "2026-03-14")]})
    now = datetime(2026, 3, 20, tzinfo=ZONE)
    evening_before = datetime(2026, 3, 13, 21, 59, tzinfo=UTC)
    midnight = datetime(2026, 3, 13, 22, 0, tzinfo=UTC)
    assert not segment_language.matches(criteria, {"date_added": evening_before}, now)
    assert segment_language.matches(criteria, {"date_added": midnight}, now)


@pytest.mark.parametrize(
    ("today", "days", "born", "is_near"),
    [
        ("2027-02-20", 8, "2000-02-29", True),  # kept on the 28th
        ("2027-02-20", 7, "2000-02-29", False),
        ("2027-03-01", 7, "2000-02-29", False),
        ("2028-02-20", 8, "2000-02-29", False),
        ("2028-02-20", 9, "2000-02-29", True),
        ("2026-12-30", 3, "1990-01-02", True),
        ("2026-12-30", 3, "1990-01-03", False),
        ("2026-12-30", 3, "1990-12-29", False),
        ("2026-06-01", 365, "1990-05-31", True),
    ],
)
def test_a_birthday_is_near_across_the_years(
    today: str, days: int, born: str, is_near: bool
) -> None:
    criteria = clean({"rules": [_rule("birthday", "in_next_days", days)]})
    now = datetime.fromisoformat(today).replace(tzinfo=ZONE)
    contact = {"birthday": date.fromisoformat(born)}
    assert segment_language.matches(criteria, contact, now) is is_near


@pytest.mark.parametrize("today", ["2027-02-27", "2028-02-27", "2028-02-29", "2028-12-30"])
def test_the_ranges_of_birthdays_are_what_one_birthday_is_held_against(today: str) -> None:
    now = datetime.fromisoformat(today).replace(tzinfo=ZONE)
    for days in (1, 2, 4):
        spans = segment_birthdays.spans_of("in_next_days", days, now)
        ranges = segment_birthdays.ranges(spans, now)
        for number in range(4 * 366):
            born = date(1999, 1, 1) + timedelta(days=number)
            in_range = any(first <= born <= last for first, last in ranges)
            assert in_range == segment_birthdays.holds(born, spans, now), (born, days)


def test_birthdays_in_every_month_are_those_that_are_known(
    mia: Caller, people: list[dict[str, Any]]
) -> None:
    known = [row["birthday"] for row in people if row["birthday"] and row["birthday"].year >= 1900]
    rule = _rule("birthday", "is_any_of", ["december", *FIELDS["birthday"].options[:11]])
    answer = mia.call("preview_segment", {"rules": [rule]})
    assert answer["count"] == len(known)
    assert answer["summary"].startswith("Birthday is in December or January or")


def test_tells_criteria_in_words() -> None:
    criteria = clean(
        {
            "match": "all",
            "rules": [
                _rule("total_spent", "at_least", 500_000),
                _rule("last_contact_date", "more_than_days_ago", 1),
                {"match": "any", "rules": [_rule("tags", "has_any_of", ["VIP", "yoga"])]},
            ],
        }
    )
    told = describe(criteria, Business("Sunrise", currency="ZAR", locale="en-US"))
    assert told == (
        "Total spent is at least ZAR5,000.00 and Last contact was more than 1 day ago "
        "and (Tags include any of VIP or yoga)"
    )
