"""Any schema, with any rows, to any other: no value is lost unless allowed, and it is then done.

A model keeps what a person would expect: values by row and column, and the schema they were written
under. After each migration the real rows are compared with it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app_server.errors import StartupError
from app_server.tables import TableStore
from app_server.tables.migration import make_plan, plan_migration, read_migration
from app_server.tables.migration_plan import Kind
from app_server.tables.migration_renames import Rename
from app_server.tables.pool import connect

from .migrating import sql

NAMES = ["a", "b", "A", "c d"]
TABLES = ["t", "u"]
PLAIN = ["string", "number", "bool", "date", "datetime", "simpleObject", "media"]

texts = st.sampled_from(
    ["", "5", "5.0", "007", "abc", "true", "no", "2024-02-29", "{}", '["x"]', "ü"]
)
numbers = st.one_of(st.integers(-2, 2), st.sampled_from([0.5, 1.0, 10**20]))
days = st.dates(dt.date(1, 1, 2), dt.date(9999, 12, 30))
zones = st.sampled_from(
    [dt.UTC, dt.timezone(dt.timedelta(hours=2)), dt.timezone(-dt.timedelta(minutes=210))]
)
times = st.one_of(
    st.datetimes(dt.datetime(1, 1, 3), dt.datetime(9999, 12, 29), timezones=zones),
    days.map(lambda day: dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)),
)
objects = st.recursive(
    st.one_of(texts, numbers, st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(texts, inner, max_size=2)),
    max_leaves=3,
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": texts,
    "number": numbers,
    "bool": st.booleans(),
    "date": days,
    "datetime": times,
    "simpleObject": objects,
}

column_types = st.sampled_from([*PLAIN, "link_single", "link_multiple"])


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    tables = draw(st.lists(st.sampled_from(TABLES), unique=True, min_size=1))
    wanted: dict[str, Any] = {}
    for table in tables:
        columns = []
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3)):
            kind = draw(column_types)
            target = draw(st.sampled_from(tables)) if kind.startswith("link") else None
            columns.append({"name": name, "type": kind, "target": target})
        indexes = [
            {"type": "b_tree", "columns": [column["name"]]}
            for column in columns
            if column["type"] in ("string", "number", "date") and draw(st.booleans())
        ]
        wanted[table] = {"server": "full", "columns": columns, "indexes": indexes}
    return wanted


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[dict[str, Any], list[dict[str, Any]], Rename | None]]:
    """Schemas one after the other, each with rows that are added then, and a rename on the way."""
    story = []
    for number in range(draw(st.integers(2, 4))):
        wanted = draw(schemas())
        rows = []
        for table, spec in wanted.items():
            for _ in range(draw(st.integers(0, 2))):
                row = {
                    column["name"]: draw(st.none() | VALUES[column["type"]])
                    for column in spec["columns"]
                    if column["type"] in VALUES
                }
                rows.append({"table": table, "row": row})
        names = draw(
            st.none()
            | st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NAMES), max_size=2).filter(
                lambda names: len(set(names.values())) == len(names)
            )
        )
        columns = {old: new for old, new in (names or {}).items() if old != new}
        table = draw(st.sampled_from(TABLES))
        rename = Rename("shop", str(number), {}, {table: columns}) if columns else None
        story.append((wanted, rows, rename))
    return story


@pytest.fixture(scope="module")
def one_database(postgres_url: str) -> Iterator[str]:
    """A database that all examples share; each begins by emptying it."""
    name = f"stories_{os.getpid()}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"'.encode())
    yield psycopg.conninfo.make_conninfo(postgres_url, dbname=name)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def empty(url: str) -> str:
    for (name,) in sql(
        url, r"SELECT nspname FROM pg_namespace WHERE nspname = 'app' OR nspname LIKE '\_mybizz%'"
    ):
        sql(url, f'DROP SCHEMA "{name}" CASCADE')
    return url


async def read_all(store: TableStore) -> dict[tuple[str, int], dict[str, Any]]:
    return {
        (table, row["_id"]): {name: value for name, value in row.items() if name != "_id"}
        for table in store.schema.by_name
        for row in await store.find_rows(table)
    }


def everything(url: str) -> set[tuple[str, str]]:
    """All values in the database as texts with their type, those that are aside included."""
    found = set()
    for schema, table, column, kind in sql(
        url,
        "SELECT table_schema, table_name, column_name, udt_name FROM information_schema.columns"
        " WHERE table_schema = 'app' OR table_schema LIKE '\\_mybizz\\_removed%'",
    ):
        if column.startswith("_") and not column.startswith("_removed"):
            continue
        for (value,) in sql(url, f'SELECT "{column}"::text FROM "{schema}"."{table}"'):
            if value is not None:
                found.add((kind, value))
    return found


async def open_store(
    url: str, wanted: dict[str, Any], renames: list[Rename], *, leave: bool
) -> TableStore:
    return await TableStore.open(
        url, wanted, auto_migrate=True, renames=renames, allow_data_loss=leave
    )


async def live_through(url: str, story: Any) -> None:
    renames: list[Rename] = []
    rows_before: dict[tuple[str, int], dict[str, Any]] = {}
    for number, (wanted, rows, rename) in enumerate(story):
        renames += [rename] if rename else []
        values_before = everything(url) if number else set()
        async with await connect(url) as connection:
            migration = read_migration(wanted, renames=renames)
            plan = await plan_migration(connection, migration)
        refusal = plan.refusal(allow_data_loss=False)
        try:
            store = await open_store(url, wanted, renames, leave=False)
        except StartupError as error:
            assert plan.losses, error
            assert refusal
            assert everything(url) == values_before, "refused, so nothing is changed"
            store = await open_store(url, wanted, renames, leave=True)
        else:
            assert not plan.losses and not refusal
        try:
            done = [(change.text, change.kind, change.failing) for change in store.plan.changes]
            if number:
                assert done == [(c.text, c.kind, c.failing) for c in plan.changes]
            assert everything(url) >= values_before, "whatever was there is there, if only aside"
            rows_after = await read_all(store)
            check_rows(rows_before, rows_after, plan, rename)
            for each in rows:
                await store.insert_row(each["table"], each["row"])
            rows_before = await read_all(store)
        finally:
            await store.close()
        again = await open_store(url, wanted, renames, leave=False)
        assert not again.plan
        assert await read_all(again) == rows_before
        await again.close()


def check_rows(
    before: dict[tuple[str, int], dict[str, Any]],
    after: dict[tuple[str, int], dict[str, Any]],
    plan: Any,
    rename: Rename | None,
) -> None:
    """Values that the plan does not touch are as they were, under their own or their new name."""
    touched = {(c.table, c.column) for c in plan.changes if c.column and c.kind is not Kind.SAFE}
    filled = ("Bring", "Add", "Convert", "Fill")
    touched |= {(c.table, c.column) for c in plan.changes if c.text.startswith(filled)}
    gone = {c.table for c in plan.changes if c.text.startswith("Set table")}
    tables = {
        c.text.split("'")[1]: c.text.split("'")[3]
        for c in plan.changes
        if c.text.startswith("Rename table")
    }
    columns = {
        (c.table, c.text.split("'")[1]): c.text.split("'")[5]
        for c in plan.changes
        if c.text.startswith("Rename column")
    }
    for (table, row_id), row in before.items():
        new_table = tables.get(table, table)
        if table in gone and table not in tables:
            continue
        for name, value in row.items():
            new_name = columns.get((new_table, name), name)
            if {(new_table, name), (new_table, new_name), (table, name)} & touched:
                continue
            found = after[new_table, row_id][new_name]
            assert found == value and type(found) is type(value), (table, name, value)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(story=stories())
def test_no_value_is_lost_on_the_way_through_any_schemas(one_database: str, story: Any) -> None:
    asyncio.run(live_through(empty(one_database), story))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(list(VALUES)),
    other=st.sampled_from(PLAIN),
    data=st.data(),
)
def test_a_type_that_is_changed_back_brings_every_value_back(
    one_database: str, kind: str, other: str, data: st.DataObject
) -> None:
    values = data.draw(st.lists(st.none() | VALUES[kind], max_size=5))

    def wanted(kind: str) -> dict[str, Any]:
        return {"t": {"server": "full", "columns": [{"name": "x", "type": kind}]}}

    async def there_and_back() -> None:
        url = empty(one_database)
        store = await open_store(url, wanted(kind), [], leave=False)
        for value in values:
            await store.insert_row("t", {"x": value})
        await store.close()
        for each in (other, kind):
            store = await open_store(url, wanted(each), [], leave=True)
            found = [row["x"] for row in await store.find_rows("t")]
            await store.close()
        assert found == values
        assert [type(value) for value in found] == [type(value) for value in values]
        if kind == "datetime":
            assert [v and v.utcoffset() for v in found] == [v and v.utcoffset() for v in values]

    asyncio.run(there_and_back())


def test_the_plan_for_what_is_there_is_empty_without_a_database() -> None:
    from app_server.tables.metadata import Stored
    from app_server.tables.schema import Schema

    assert not make_plan(Stored(Schema()), {}, [])
