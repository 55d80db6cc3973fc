"""Data Tables: what server code and a browser wait for, beside the same SQL run directly."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from app_server.tables import TableStore
from app_server.tables.fetch import FetchPlan
from app_server.tables.names import ID
from app_server.tables.query import Parser, Sql, compile_condition
from app_server.tables.views import Access, View
from scripts.benchmarks.figures import Figure, median_ms
from scripts.benchmarks.load import requests_per_second
from scripts.benchmarks.running import BenchmarkError, BenchServer, Caller, fetch_text

SEARCH = "/_/api/search"
INCREMENT = "/_/api/increment"
CLIENTS = 8
FOUND = 50
DIRECT = "the same SQL run directly"
INSERT = (
    "INSERT INTO app.items (number, name, category, price_cents, is_open, day, notes)"
    " VALUES (1, 'a', 'b', 2, true, '2026-01-01', 'c') RETURNING _id"
)


def measure(server: BenchServer) -> Iterator[Figure]:
    """Figures of a server with ten thousand rows in ``items``."""
    found = int(fetch_text(server.port, SEARCH))
    if found != FOUND:
        raise BenchmarkError(f"The search finds {found} rows, not {FOUND}.")
    yield from _measure_search(server)
    yield from _measure_add_row(server)
    with Caller(server.port) as caller:
        yield Figure(
            "50 rows to an open socket, median", median_ms(lambda: caller.call("get_50"), 100), "ms"
        )
    yield from _measure_transactions(server)


def _measure_search(server: BenchServer) -> Iterator[Figure]:
    text, values = asyncio.run(_search_sql(server.database_url))
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        direct = median_ms(lambda: connection.execute(text.encode(), values).fetchall(), 300)
    with Caller(server.port) as caller:
        taken = caller.call("time_search", 200)
    yield Figure(
        "search of 50 of 10,000 rows, median",
        statistics.median(taken),
        "ms",
        goal=7,
        baseline=direct,
        baseline_name=DIRECT,
        anvil=(20, 28),
    )
    yield Figure(
        "search of 50 of 10,000 rows, 8 clients",
        requests_per_second(server.port, SEARCH, clients=CLIENTS),
        "1/s",
        goal=350,
        baseline=_queries_per_second(server.database_url, text, values),
        baseline_name=DIRECT,
        anvil=(80, 120),
    )


async def _search_sql(database_url: str) -> Sql:
    """The statement that the search of the benchmark's app becomes."""
    store = await TableStore.open(database_url, None)
    try:
        access, table = Access(store.schema, is_client=False), store.table("items")
        condition = Parser(access, table, set(table.columns)).parse([], {"category": "category 7"})
        where, values = compile_condition(condition, table)
        order = f"t.{table.columns['name'].sql} ASC NULLS FIRST, t.{ID}"
        source = f"FROM {table.sql} AS t WHERE {where} ORDER BY {order} LIMIT 101"
        return FetchPlan(access, View(table.id), None).sql((source, values))
    finally:
        await store.close()


def _queries_per_second(database_url: str, text: str, values: list[Any]) -> float:
    """How often the statement runs a second on as many connections as there are clients."""
    end = time.perf_counter() + 2

    def run() -> int:
        done = 0
        with psycopg.connect(database_url, autocommit=True) as connection:
            while time.perf_counter() < end:
                connection.execute(text.encode(), values).fetchall()
                done += 1
        return done

    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as threads:
        total = sum(work.result() for work in [threads.submit(run) for _ in range(CLIENTS)])
    return total / (time.perf_counter() - started)


def _measure_add_row(server: BenchServer) -> Iterator[Figure]:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        direct = median_ms(lambda: connection.execute(INSERT.encode()).fetchall(), 100)
        connection.execute("DELETE FROM app.items WHERE name = 'a'")
    with Caller(server.port) as caller:
        taken = caller.call("time_add_row", 100)
        many = caller.call("time_add_rows", 1000)
    yield Figure(
        "add_row, median",
        statistics.median(taken),
        "ms",
        goal=5,
        baseline=direct,
        baseline_name="an INSERT run directly",
        anvil=(12, 24),
    )
    yield Figure("add_rows, rows a second", 1000 / (many / 1000), "1/s")


def _measure_transactions(server: BenchServer) -> Iterator[Figure]:
    """Eight clients that each add one to the same counter five times, in a transaction."""
    failed, lock = 0, threading.Lock()

    def increment() -> None:
        nonlocal failed
        for _ in range(5):
            try:
                fetch_text(server.port, INCREMENT)
            except BenchmarkError:
                with lock:
                    failed += 1

    with Caller(server.port) as caller:
        before = caller.call("read_counter")
        started = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as threads:
            for done in [threads.submit(increment) for _ in range(CLIENTS)]:
                done.result()
        taken = time.perf_counter() - started
        counted = caller.call("read_counter") - before
    if counted != 5 * CLIENTS - failed:
        raise BenchmarkError(f"{5 * CLIENTS - failed} increments succeeded, {counted} are there.")
    yield Figure(
        "in_transaction on one row, 8 clients: failed of 40", failed, "", goal=0, anvil=(37, 37)
    )
    yield Figure("in_transaction on one row, 8 clients", counted / taken, "1/s")
