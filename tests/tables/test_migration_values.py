"""Values of a column whose type changes: what they become, what is refused, what comes back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from app_server.errors import StartupError
from app_server.tables.migration_plan import Kind

from .migrating import opened, schema, sql, values_of

PLUS_TWO = dt.timezone(dt.timedelta(hours=2))
NOON = dt.datetime(2024, 2, 29, 12, 30, 15, 250000, tzinfo=PLUS_TWO)
MIDNIGHT = dt.datetime(2024, 2, 29, tzinfo=dt.UTC)
DAY = dt.date(2024, 2, 29)


def things(kind: str) -> dict[str, Any]:
    return schema(things={"x": kind})


CLEAN: list[tuple[str, str, list[Any], list[Any]]] = [
    (
        "string",
        "number",
        ["7", " -0.50\n", "1e3", "007", "", "  ", None, ".5", "10000000000000000001"],
        [7, -0.5, 1000, 7, None, None, None, 0.5, 10000000000000000001],
    ),
    (
        "string",
        "bool",
        ["True", "no", " ON ", "0", "", None],
        [True, False, True, False, None, None],
    ),
    ("string", "date", ["2024-02-29", " 0001-01-01", ""], [DAY, dt.date(1, 1, 1), None]),
    (
        "string",
        "datetime",
        ["2024-02-29", "2024-02-29T12:30:15.25+02:00", "2024-02-29 00:00Z", "2024-02-29 00:00"],
        [MIDNIGHT, NOON, MIDNIGHT, MIDNIGHT],
    ),
    (
        "string",
        "simpleObject",
        ['{"a": [1, 2.5]}', "[1]", "[1", "5", "Ünï", "", '{"a": "\\u0000"}', None],
        [{"a": [1, 2.5]}, [1], "[1", "5", "Ünï", "", '{"a": "\\u0000"}', None],
    ),
    ("number", "string", [7, -0.5, 10**25, 5.0, None], ["7", "-0.5", "1" + "0" * 25, "5.0", None]),
    ("number", "simpleObject", [7, -0.5], [7, -0.5]),
    ("number", "bool", [1, 0, 1.0, None], [True, False, True, None]),
    ("bool", "number", [True, False, None], [1, 0, None]),
    ("bool", "string", [True, False, None], ["True", "False", None]),
    ("bool", "simpleObject", [True, False, None], [True, False, None]),
    ("date", "string", [DAY, None], ["2024-02-29", None]),
    ("date", "datetime", [DAY, None], [MIDNIGHT, None]),
    (
        "datetime",
        "date",
        [MIDNIGHT, NOON.replace(hour=0, minute=0, second=0, microsecond=0)],
        [DAY] * 2,
    ),
    (
        "datetime",
        "string",
        [NOON, MIDNIGHT, MIDNIGHT.replace(tzinfo=dt.timezone(-dt.timedelta(minutes=210)))],
        [
            "2024-02-29T12:30:15.250000+02:00",
            "2024-02-29T00:00:00+00:00",
            "2024-02-29T00:00:00-03:30",
        ],
    ),
    (
        "simpleObject",
        "string",
        [{"a": [1, "ü"]}, [1], "text", 5, True, None],
        ['{"a": [1, "ü"]}', "[1]", "text", "5", "true", None],
    ),
    ("simpleObject", "number", [5, -0.5, None], [5, -0.5, None]),
    ("simpleObject", "bool", [True, False, None], [True, False, None]),
]


@pytest.mark.parametrize(
    ("kind", "wanted", "before", "after"), CLEAN, ids=[f"{c[0]}-{c[1]}" for c in CLEAN]
)
async def test_values_are_converted_where_that_is_safe(
    database_url: str, kind: str, wanted: str, before: list[Any], after: list[Any]
) -> None:
    async with opened(database_url, things(kind)) as store:
        for value in before:
            await store.insert_row("things", {"x": value})
    async with opened(database_url, things(wanted)) as store:
        assert [change.kind for change in store.plan.changes] == [Kind.CONVERTS]
        found = await values_of(store, "things", "x")
        assert found == after
        assert [type(value) for value in found] == [type(value) for value in after]
        if wanted == "datetime":
            assert [v and v.utcoffset() for v in found] == [v and v.utcoffset() for v in after]
    async with opened(database_url, things(wanted)) as store:
        assert not store.plan
    async with opened(database_url, things(kind)) as store:
        assert await values_of(store, "things", "x") == before, "they come back as they were"


async def test_an_int_stays_one_and_a_float_too(database_url: str) -> None:
    async with opened(database_url, things("string")) as store:
        for value in ("5", "5.0"):
            await store.insert_row("things", {"x": value})
    async with opened(database_url, things("number")) as store:
        assert [repr(value) for value in await values_of(store, "things", "x")] == ["5", "5.0"]


UNCLEAN: list[tuple[str, str, list[Any], str]] = [
    (
        "string",
        "number",
        ["1", "abc", "1,5", "0x1f", "NaN", "1 000"],
        "5 are no numbers: 'abc' (row 2), '1,5' (row 3)",
    ),
    ("string", "number", ["1e999", "٣", "1" * 201], "3 are no numbers"),
    ("string", "bool", ["maybe", "yes"], "1 are neither true nor false: 'maybe' (row 1)"),
    (
        "string",
        "date",
        ["2024-02-30", "29.2.2024", "2024-02-29T10:00", "0000-01-01"],
        "4 are no dates",
    ),
    ("string", "datetime", ["now", "infinity", "2024-02-29 25:00", "10:00"], "4 are no times"),
    ("number", "bool", [2, 1], "1 are neither 1 nor 0: 2 (row 1)"),
    ("datetime", "date", [NOON, MIDNIGHT], "1 have a time of day"),
    ("simpleObject", "number", [{"a": 1}, "5", True], "3 are no numbers"),
    ("number", "datetime", [5], "1 cannot become a datetime: 5 (row 1)"),
    ("bool", "date", [True], "1 cannot become a date: true (row 1)"),
    ("string", "media", ["bytes"], "1 cannot become a media: 'bytes' (row 1)"),
]


@pytest.mark.parametrize(
    ("kind", "wanted", "before", "message"), UNCLEAN, ids=[f"{c[0]}-{c[1]}" for c in UNCLEAN]
)
async def test_values_that_do_not_fit_are_named_and_nothing_is_done(
    database_url: str, kind: str, wanted: str, before: list[Any], message: str
) -> None:
    async with opened(database_url, things(kind)) as store:
        for value in before:
            await store.insert_row("things", {"x": value})
    with pytest.raises(StartupError) as raised:
        async with opened(database_url, things(wanted)):
            pass
    assert message in str(raised.value)
    assert "--allow-data-loss" in str(raised.value)
    async with opened(database_url, things(kind)) as store:
        assert not store.plan
        assert await values_of(store, "things", "x") == before


async def test_with_leave_they_become_none_and_come_back_with_the_type(database_url: str) -> None:
    async with opened(database_url, things("string")) as store:
        for value in ("1", "abc", "3", "four"):
            await store.insert_row("things", {"x": value})
    async with opened(database_url, things("number"), allow_data_loss=True) as store:
        assert await values_of(store, "things", "x") == [1, None, 3, None]
        assert "2 of 4 values convert; 2 are no numbers: 'abc' (row 2), 'four' (row 4)" in str(
            store.plan
        )
        await store.update_row("things", 3, {"x": 33})
        await store.update_row("things", 4, {"x": 4})
        await store.insert_row("things", {"x": 5})
    async with opened(database_url, things("string")) as store:
        assert await values_of(store, "things", "x") == ["1", "abc", "33", "4", "5"]


async def test_many_changes_of_a_type_lose_nothing(database_url: str) -> None:
    at = MIDNIGHT.replace(tzinfo=PLUS_TWO)
    async with opened(database_url, things("datetime")) as store:
        await store.insert_row("things", {"x": at})
    for kind in ("string", "datetime", "date", "datetime", "string", "simpleObject", "string"):
        async with opened(database_url, things(kind)) as store:
            pass
    async with opened(database_url, things("datetime")) as store:
        [found] = await values_of(store, "things", "x")
        assert (found, found.utcoffset()) == (at, at.utcoffset())


async def test_an_empty_column_takes_any_type(database_url: str) -> None:
    async with opened(database_url, things("number")) as store:
        await store.insert_row("things", {"x": None})
    async with opened(database_url, things("media")) as store:
        assert [change.kind for change in store.plan.changes] == [Kind.SAFE]


async def test_one_link_becomes_a_list_of_links_and_back(database_url: str) -> None:
    one = schema(people={"friends": "link_single people"}, tags={})
    many = schema(people={"friends": "link_multiple people"}, tags={})
    async with opened(database_url, one) as store:
        first = await store.insert_row("people", {})
        await store.insert_row("people", {"friends": first})
    async with opened(database_url, many) as store:
        assert await values_of(store, "people", "friends") == [None, [first]]
        third = await store.insert_row("people", {"friends": []})
        await store.update_row("people", third, {"friends": [first, 2]})
    with pytest.raises(StartupError, match=r"1 link to more than one row: \{1,2\} \(row 3\)"):
        async with opened(database_url, one):
            pass
    async with opened(database_url, many) as store:
        await store.update_row("people", third, {"friends": [2]})
        await store.delete_row("people", first)
        assert await values_of(store, "people", "friends") == [[], [2]]
    async with opened(database_url, one) as store:
        assert await values_of(store, "people", "friends") == [None, 2]
        await store.delete_row("people", 2)
        assert await values_of(store, "people", "friends") == [None]


async def test_a_link_to_another_table_is_no_conversion(database_url: str) -> None:
    before = schema(people={"x": "link_single people"}, tags={})
    async with opened(database_url, before) as store:
        first = await store.insert_row("people", {})
        await store.insert_row("people", {"x": first})
    after = schema(people={"x": "link_single tags"}, tags={})
    with pytest.raises(StartupError, match=r"1 cannot become a link_single: 1 \(row 2\)"):
        async with opened(database_url, after):
            pass
    async with opened(database_url, after, allow_data_loss=True) as store:
        assert await values_of(store, "people", "x") == [None, None]
    async with opened(database_url, before) as store:
        assert await values_of(store, "people", "x") == [None, first]


async def test_indexes_and_rules_follow_a_converted_column(database_url: str) -> None:
    def items(kind: str) -> dict[str, Any]:
        wanted = schema(items={"code": kind, "n": "number"})
        wanted["items"]["indexes"] = [
            {"type": "b_tree", "columns": ["code"]},
            {"type": "b_tree", "columns": ["n", "code"]},
            {"type": "b_tree", "columns": ["code", "n"]},
        ]
        return wanted

    rules = {"items": {"unique": [["code"]], "check": {"small": "n < 10"}}}
    async with opened(database_url, items("string"), constraints=rules) as store:
        await store.insert_row("items", {"code": "1", "n": 1})
    async with opened(database_url, items("number"), constraints=rules) as store:
        texts = [change.text for change in store.plan.changes]
        assert "Make unique rule 'items_code_unique' of table 'items' anew" in texts
        assert not [text for text in texts if "small" in text]
        with pytest.raises(Exception, match="Another row of 'items' has the same code"):
            await store.insert_row("items", {"code": 1})
    async with opened(database_url, items("number"), constraints=rules) as store:
        assert not store.plan
    found = sql(
        database_url,
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'app' AND indexname LIKE '%b_tree'",
    )
    assert len(found) == 3
    assert not [row for row in found if "_removed_" in row[0]]


async def test_conversion_is_judged_by_rules_before_anything_is_done(database_url: str) -> None:
    async with opened(database_url, schema(items={"code": "string"})) as store:
        for code in ("1", "01", "2"):
            await store.insert_row("items", {"code": code})
    rules = {"items": {"unique": [["code"]]}}
    with pytest.raises(StartupError) as raised:
        async with opened(database_url, schema(items={"code": "number"}), constraints=rules):
            pass
    assert "2 rows have the same as another row: 1 (row 1), 1 (row 2)" in str(raised.value)
    async with opened(database_url, schema(items={"code": "string"}), constraints=rules) as store:
        assert await values_of(store, "items", "code") == ["1", "01", "2"]


async def test_rows_that_break_a_new_rule_are_named(database_url: str) -> None:
    wanted = schema(items={"n": "number", "first": "number", "last": "number"})
    async with opened(database_url, wanted) as store:
        for n, start, end in ((1, 0, 5), (-1, 4, 9), (-2, 10, 12)):
            await store.insert_row("items", {"n": n, "first": start, "last": end})
    broken = {
        "check": ({"positive": "n > 0"}, "2 rows break it: row 2, row 3"),
        "exclude": (
            {"apart": {"elements": "numrange(first, last) WITH &&"}},
            "2 rows overlap another row: row 1, row 2",
        ),
    }
    for kind, (rule, message) in broken.items():
        for leave in (False, True):
            with pytest.raises(StartupError) as raised:
                rules = {"items": {kind: rule}}
                async with opened(database_url, wanted, constraints=rules, allow_data_loss=leave):
                    pass
            assert message in str(raised.value)
            assert "[cannot be done]" in str(raised.value)
