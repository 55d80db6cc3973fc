"""Tables that change while they are in use: by this server, by another one, by one that dies."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from app_server.errors import AnvilError, StartupError
from app_server.stack import CallStack
from app_server.tables import TableStore, migration
from app_server.tables.migration import Options
from app_server.tables.migration_renames import Rename

from .migrating import opened, schema, sql, values_of

LEAVE = Options(auto_migrate=True)


def swap(table: str, number: int) -> Rename:
    return Rename("shop", f"{table} {number}", {}, {table: {"a": "b", "b": "a"}})


@asynccontextmanager
async def two_servers(
    url: str, wanted: dict[str, Any]
) -> AsyncIterator[tuple[TableStore, TableStore]]:
    async with opened(url, wanted) as one, opened(url, wanted) as other:
        yield one, other


async def until(condition: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.02)


def is_waiting(url: str, words: str) -> Callable[[], Awaitable[bool]]:
    """Whether a statement with these words waits for a lock."""

    async def look() -> bool:
        return bool(
            await asyncio.to_thread(
                sql,
                url,
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                f" AND datname = current_database() AND query LIKE '%{words}%'",
            )
        )

    return look


async def test_calls_go_on_while_another_server_changes_everything(database_url: str) -> None:
    plain = schema(t={"a": "string", "b": "string", "x": "string", "n": "number"})
    other_type = schema(t={"a": "string", "b": "string", "x": "simpleObject", "n": "number"})
    async with two_servers(database_url, plain) as (one, other):
        stop = asyncio.Event()
        done = 0

        async def work(number: int) -> None:
            nonlocal done
            for step in itertools.count():
                if stop.is_set():
                    return
                row = await one.insert_row("t", {"a": "a", "b": "b", "x": "x", "n": number})
                await one.update_row("t", row, {"n": step})
                found = await one.find_rows("t", n=step, limit=5)
                assert found
                done += 1

        workers = [asyncio.create_task(work(number)) for number in range(6)]
        renames: list[Rename] = []
        await until(lambda: asyncio.sleep(0, done > 0))
        for wanted in (other_type, plain) * 3:
            renames.append(swap("t", len(renames)))
            await other.migrate(wanted, renames=renames, options=LEAVE)
            before = done

            async def has_gone_on(before: int = before) -> bool:
                return done > before + 6 or any(worker.done() for worker in workers)

            await until(has_gone_on)
        stop.set()
        await asyncio.gather(*workers)
        rows = await one.find_rows("t")
        assert {row["x"] for row in rows} == {"x"}
        turned = [row["a"] for row in rows]
        turns = sum(x != y for x, y in itertools.pairwise(turned))
        assert turns == len(renames), "each row was written by the names of its time"


@pytest.mark.parametrize("is_guarded", [True, False])
async def test_a_statement_of_before_that_waits_writes_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch, is_guarded: bool
) -> None:
    """It would note the time zone with the column that had the name before."""
    wanted = schema(t={"a": "datetime", "b": "datetime"})
    async with two_servers(database_url, wanted) as (one, other):
        await one.find_rows("t")
        close_others = migration._close_others

        async def close_later(connection: Any) -> None:
            await until(is_waiting(database_url, "INSERT INTO"))
            if is_guarded:
                await close_others(connection)

        monkeypatch.setattr(migration, "_close_others", close_later)
        changing = asyncio.create_task(other.migrate(wanted, renames=[swap("t", 1)], options=LEAVE))
        await until(lambda: has_locked(database_url))
        zone = dt.timezone(dt.timedelta(hours=2))
        await one.insert_row("t", {"a": dt.datetime(2024, 1, 1, tzinfo=zone)})
        await changing
        [at] = await values_of(one, "t", "a")
        assert at.utcoffset() == dt.timedelta(hours=2 if is_guarded else 0)


async def has_locked(url: str) -> bool:
    # Of this database: others are at work in theirs.
    found = await asyncio.to_thread(
        sql,
        url,
        "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1",
    )
    return bool(found)


async def test_another_server_notices_what_is_new(database_url: str) -> None:
    async with two_servers(database_url, schema(t={"a": "string"})) as (one, other):
        await one.insert_row("t", {"a": "x"})
        await other.migrate(schema(t={"a": "string", "b": "number"}, u={}), options=LEAVE)
        await one.insert_row("t", {"a": "y", "b": 5})
        assert await values_of(one, "t", "b") == [None, 5]
        await other.migrate(schema(t={"a": "string", "b": "string"}), options=LEAVE)
        await one.insert_row("t", {"b": "text"})
        assert await values_of(one, "t", "b") == [None, "5", "text"]
        assert set(one.schema.by_name) == {"t"}
        await other.ensure_columns("t", {"c": "bool"})
        await one.insert_row("t", {"c": True})


async def test_prepared_statements_survive_another_type(database_url: str) -> None:
    async with two_servers(database_url, schema(t={"a": "string"})) as (one, other):
        for _ in range(12):
            await one.insert_row("t", {"a": "5"})
            await one.find_rows("t", a="5")
        await other.migrate(schema(t={"a": "number"}), options=LEAVE)
        assert len(await one.find_rows("t", a=5)) == 12


async def test_a_transaction_of_before_has_to_begin_anew(database_url: str) -> None:
    """Its snapshot is older than the new column: it would find None everywhere."""
    wanted = schema(t={"a": "string"}, u={"n": "number"})
    async with two_servers(database_url, wanted) as (one, other):
        await one.insert_row("t", {"a": "5"})
        stack = CallStack()
        await one.transactions.open(stack, None)
        async with one.transactions.database(stack) as db:
            await one.find_rows("u", connection=db)
        await other.migrate(schema(t={"a": "number"}, u={"n": "number"}), options=LEAVE)
        with pytest.raises(AnvilError) as raised:
            async with one.transactions.database(stack) as db:
                await one.find_rows("t", connection=db)
        assert raised.value.type_name == "anvil.tables.TransactionConflict"
        await stack.close(False)
        assert await values_of(one, "t", "a") == [5]


async def test_a_transaction_at_its_end_has_to_begin_anew(database_url: str) -> None:
    wanted = schema(t={"a": "string"}, u={"n": "number"})
    async with two_servers(database_url, wanted) as (one, other):
        stack = CallStack()
        await one.transactions.open(stack, None)
        async with one.transactions.database(stack) as db:
            await one.insert_row("u", {"n": 1}, connection=db)
        await other.migrate(schema(t={"a": "number"}, u={"n": "number"}), options=LEAVE)
        with pytest.raises(AnvilError) as raised:
            await one.transactions.close(stack, rollback=False)
        assert raised.value.type_name == "anvil.tables.TransactionConflict"
        await stack.close(False)
        assert await one.find_rows("u") == []


async def test_a_transaction_begins_though_its_connection_is_closed_just_then(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database_url, schema(t={"a": "string"})) as store:
        acquire = store.pool.acquire
        closed = []

        async def acquire_and_close(**options: Any) -> Any:
            connection = await acquire(**options)
            if not closed:
                closed.append(connection.info.backend_pid)
                sql(database_url, f"SELECT pg_terminate_backend({closed[0]}, 5000)")
            return connection

        monkeypatch.setattr(store.pool, "acquire", acquire_and_close)
        stack = CallStack()
        await store.transactions.open(stack, None)
        async with store.transactions.database(stack) as db:
            await store.insert_row("t", {"a": "x"}, connection=db)
        await store.transactions.close(stack, rollback=False)
        assert closed
        assert await values_of(store, "t", "a") == ["x"]


async def test_new_columns_and_indexes_disturb_no_transaction(database_url: str) -> None:
    wanted = schema(t={"a": "string"}, u={"n": "number"})
    more = schema(t={"a": "string", "b": "string"}, u={"n": "number"})
    more["t"]["indexes"] = [{"type": "b_tree", "columns": ["a"]}]
    async with two_servers(database_url, wanted) as (one, other):
        stack = CallStack()
        await one.transactions.open(stack, None)
        async with one.transactions.database(stack) as db:
            await one.insert_row("u", {"n": 1}, connection=db)
        await other.migrate(more, options=LEAVE)
        async with one.transactions.database(stack) as db:
            await one.insert_row("u", {"n": 2}, connection=db)
        await one.transactions.close(stack, rollback=False)
        assert await values_of(one, "u", "n") == [1, 2]


async def test_a_table_in_use_holds_nobody_up_for_long(database_url: str) -> None:
    wanted = schema(t={"a": "string", "b": "string"})
    async with two_servers(database_url, schema(t={"a": "string"})) as (one, other):
        await one.insert_row("t", {"a": "x"})
        with psycopg.connect(database_url) as user:
            user.execute("SELECT * FROM app.t")
            changing = asyncio.create_task(other.migrate(wanted, options=LEAVE))
            await until(is_waiting(database_url, "LOCK TABLE"))
            started = time.monotonic()
            await one.find_rows("t")
            assert time.monotonic() - started < migration.LOCK_SECONDS + 2
            assert not changing.done()
        await changing
        assert other.table("t").columns["b"]


async def test_a_value_that_comes_at_the_last_moment_is_seen(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two_servers(database_url, schema(t={"a": "string"})) as (one, other):
        await one.insert_row("t", {"a": "1"})
        lock_tables = migration._lock_tables

        async def write_then_lock(*arguments: Any) -> None:
            await one.insert_row("t", {"a": "no number"})
            await lock_tables(*arguments)

        monkeypatch.setattr(migration, "_lock_tables", write_then_lock)
        with pytest.raises(StartupError, match="'no number' \\(row 2\\)"):
            await other.migrate(schema(t={"a": "number"}), options=LEAVE)
        assert await values_of(one, "t", "a") == ["1", "no number"]


async def test_a_table_that_is_never_free_is_told_with_its_user(database_url: str) -> None:
    async with opened(database_url, schema(t={"a": "string"})) as store:
        with psycopg.connect(database_url, application_name="reporting") as user:
            user.execute("SELECT 'the long report' FROM app.t")
            with pytest.raises(StartupError) as raised:
                await store.migrate(
                    schema(t={"b": "string"}),
                    options=Options(auto_migrate=True, patience_seconds=1.5),
                )
            assert "in use all the time; nothing was" in str(raised.value)
            assert "(reporting), idle in transaction" in str(raised.value)
            assert "the long report" in str(raised.value)
        await store.insert_row("t", {"a": "x"})


KILLED = """
import asyncio, sys
from app_server.tables import TableStore
from app_server.tables.migration_renames import Rename
from tests.tables.migrating import schema
swap = Rename("shop", "1", {}, {"t": {"a": "b", "b": "a"}})
wanted = schema(t={"a": "number", "b": "string", "new": "string"}, u={})
asyncio.run(TableStore.open(sys.argv[1], wanted, auto_migrate=True, renames=[swap]))
"""


async def test_a_server_killed_in_the_middle_leaves_all_as_it_was(database_url: str) -> None:
    async with opened(database_url, schema(t={"a": "string", "b": "string"}, gone={})) as store:
        await store.insert_row("t", {"a": "text", "b": "7"})
        with psycopg.connect(database_url, autocommit=True) as gatekeeper:
            # All is done but for the commit when it comes here.
            gatekeeper.execute(f"SELECT pg_advisory_lock({migration.GATE})".encode())
            killed = subprocess.Popen([sys.executable, "-c", KILLED, database_url])
            try:
                await until(is_waiting(database_url, f"lock({migration.GATE})"))
            finally:
                os.kill(killed.pid, signal.SIGKILL)
                killed.wait()
            assert sql(database_url, "SELECT count(*) FROM _mybizz.renames") == [(0,)]
        [row] = await store.find_rows("t")
        assert row == {"_id": 1, "a": "text", "b": "7"}
        assert set(store.schema.by_name) == {"t", "gone"}
    subprocess.run([sys.executable, "-c", KILLED, database_url], check=True)
    assert sql(database_url, "SELECT a, b, new FROM app.t") == [(7, "text", None)]


async def test_servers_that_start_at_once_convert_and_rename_once(database_url: str) -> None:
    async with opened(database_url, schema(t={"a": "string", "b": "string"})) as store:
        await store.insert_row("t", {"a": "text", "b": "7"})
    wanted = schema(t={"a": "number", "b": "string"})
    stores = await asyncio.gather(
        *(
            TableStore.open(database_url, wanted, auto_migrate=True, renames=[swap("t", 1)])
            for _ in range(4)
        )
    )
    assert sum(bool(store.plan) for store in stores) == 1
    for store in stores:
        assert await store.find_rows("t") == [{"_id": 1, "a": 7, "b": "text"}]
        await store.close()
