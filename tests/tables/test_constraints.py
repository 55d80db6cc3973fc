"""Rules that the database enforces: what they say when broken, and how they change."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from app_server.errors import AnvilError, StartupError
from app_server.tables import TableStore

from .test_migration import opened, plan_of

RULES = {
    "bookings": {
        "unique": [
            {
                "name": "bookings_code",
                "columns": ["lower(code)"],
                "where": "NOT cancelled",
                "message": "This code is taken.",
            },
            ["staff", "code"],
        ],
        "check": {"seats_positive": "seats > 0"},
        "exclude": {
            "no_overlap": {
                "elements": "staff WITH =, tstzrange(starts_at, ends_at) WITH &&",
                "where": "NOT cancelled",
                "message": "This time is taken.",
            }
        },
    }
}
BOOKINGS = {
    "bookings": {
        "server": "full",
        "columns": [
            {"name": n, "type": t}
            for n, t in [
                ("code", "string"),
                ("staff", "string"),
                ("seats", "number"),
                ("cancelled", "bool"),
                ("starts_at", "datetime"),
                ("ends_at", "datetime"),
            ]
        ],
    }
}


async def test_rules_of_the_database_speak_to_people(database_url: str) -> None:
    def at(hour: int) -> dt.datetime:
        return dt.datetime(2024, 1, 1, hour, tzinfo=dt.UTC)

    good = {
        "code": "A",
        "staff": "sam",
        "seats": 1,
        "cancelled": False,
        "starts_at": at(9),
        "ends_at": at(10),
    }
    cases = [
        ({"code": "a", "staff": "mia"}, "This code is taken."),
        (
            {"code": "B", "seats": 0, "staff": "mia"},
            "This row breaks the rule 'seats_positive' of 'bookings'.",
        ),
        ({"code": "B"}, "This time is taken."),
        ({"cancelled": True}, "Another row of 'bookings' has the same staff and code."),
    ]
    async with opened(database_url, BOOKINGS, constraints=RULES) as store:
        await store.insert_row("bookings", good)
        for change, message in cases:
            with pytest.raises(AnvilError) as raised:
                await store.insert_row("bookings", good | change)
            assert (raised.value.message, raised.value.type_name) == (
                message,
                "anvil.tables.TableError",
            )
        await store.insert_row("bookings", good | {"code": "a", "staff": "mia", "cancelled": True})
        assert len(await store.find_rows("bookings")) == 2


async def test_rules_change_with_their_declaration(database_url: str) -> None:
    async with opened(database_url, BOOKINGS, constraints=RULES):
        pass
    fewer = {
        "bookings": {
            "check": {
                "seats_positive": {"expression": "seats > 0", "message": "One seat at least."}
            }
        }
    }
    assert await plan_of(database_url, BOOKINGS, constraints=fewer) == [
        "Drop rule 'bookings_code' of table 'bookings'",
        "Drop rule 'bookings_staff_code_unique' of table 'bookings'",
        "Reword rule 'seats_positive'",
        "Drop rule 'no_overlap' of table 'bookings'",
    ]
    assert await plan_of(database_url, BOOKINGS, constraints=fewer) == []
    other = {"bookings": {"check": {"seats_positive": "seats > 1"}}}
    assert await plan_of(database_url, BOOKINGS, constraints=other) == [
        "Drop rule 'seats_positive' of table 'bookings'",
        "Add check rule 'seats_positive' to table 'bookings'",
    ]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"ghosts": {}}, "there is no table 'ghosts'"),
        (
            {"bookings": {"uniqe": []}},
            "table 'bookings' has uniqe; rules are unique, check, exclude and append_only",
        ),
        ({"bookings": {"unique": [[]]}}, "names no columns"),
        ({"bookings": {"check": {"a": {}}}}, "check 'a' of 'bookings' has no expression"),
        ({"bookings": {"exclude": {"a": "staff"}}}, "exclusion 'a' of 'bookings' has no elements"),
        (["bookings"], "must be a mapping"),
    ],
)
async def test_wrong_rules_are_told(database_url: str, rules: Any, message: str) -> None:
    with pytest.raises(StartupError, match=message):
        await TableStore.open(database_url, BOOKINGS, constraints=rules)
