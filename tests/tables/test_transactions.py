"""Transactions: isolation, conflicts and retries, abort, expiry, and a pool that never starves."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from app_server.tables import TableStore, pool, transactions

from .conftest import STUDIO
from .library import Library


@pytest.fixture(autouse=True)
def one_call(library: Library) -> Iterator[None]:
    """Each test is one call of server code."""
    with library.server():
        yield


def in_call(library: Library, work: Any) -> Any:
    """A function for a thread of its own, which is a call of its own."""

    def run(*args: Any) -> Any:
        with library.server():
            return work(*args)

    return run


def test_commits_at_the_end_and_shows_nothing_before(app_tables: Any, library: Library) -> None:
    import anvil.tables

    def count_elsewhere() -> int:
        with concurrent.futures.ThreadPoolExecutor() as threads:
            return threads.submit(
                in_call(library, lambda: len(app_tables.counters.search()))
            ).result()

    with anvil.tables.Transaction():
        app_tables.counters.add_row(value=1)
        assert len(app_tables.counters.search()) == 1
        assert count_elsewhere() == 0
    assert count_elsewhere() == 1


def test_an_error_or_an_abort_rolls_back(app_tables: Any) -> None:
    import anvil.tables

    with pytest.raises(ZeroDivisionError), anvil.tables.Transaction():
        app_tables.counters.add_row(value=1)
        1 / 0  # noqa: B018
    with anvil.tables.Transaction() as transaction:
        app_tables.counters.add_row(value=2)
        transaction.abort()
    assert len(app_tables.counters.search()) == 0


def test_there_is_one_transaction_in_a_call(app_tables: Any) -> None:
    import anvil.tables

    with anvil.tables.Transaction():
        with pytest.raises(anvil.tables.TableError, match="You already have a transaction open"):
            anvil.tables.Transaction().__enter__()
        app_tables.counters.add_row(value=1)
    assert len(app_tables.counters.search()) == 1
    with pytest.raises(Exception, match="No transaction currently running"):
        anvil.tables.Transaction().__exit__(None, None, None)


def test_a_refused_value_does_not_spoil_the_transaction(app_tables: Any) -> None:
    import anvil.tables

    gone = app_tables.people.add_row()
    app_tables.people.get_by_id(gone.get_id()).delete()
    with anvil.tables.Transaction():
        app_tables.counters.add_row(value=1)
        with pytest.raises(anvil.tables.TableError):
            app_tables.counters.add_row(value="one")
        with pytest.raises(anvil.tables.RowDeleted):  # refused by the database itself
            app_tables.people.add_row(friend=gone)
        app_tables.counters.add_row(value=2)
    assert len(app_tables.counters.search()) == 2


def test_a_spoilt_transaction_does_not_pretend_to_commit(app_tables: Any, q: Any) -> None:
    import anvil.tables

    with (
        pytest.raises(anvil.tables.TableError, match="was rolled back because of an error"),
        anvil.tables.Transaction(),
    ):
        app_tables.counters.add_row(value=1)
        with pytest.raises(anvil.tables.TableError):
            app_tables.counters.search(name=q.full_text_match("& |", raw=True))
    assert len(app_tables.counters.search()) == 0


@pytest.mark.parametrize("relaxed", [False, True])
def test_eight_threads_count_without_losing_one(
    app_tables: Any, library: Library, relaxed: bool
) -> None:
    import anvil.tables

    row = app_tables.counters.add_row(value=0)
    attempts = []

    @anvil.tables.in_transaction(relaxed=relaxed)
    def increment() -> None:
        attempts.append(1)
        fresh = app_tables.counters.get_by_id(row.get_id())
        fresh["value"] += 1

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(in_call(library, increment)) for _ in range(40)]:
            done.result(60)
    assert app_tables.counters.get()["value"] == 40
    assert len(attempts) > 40, "no conflict happened, so the test showed nothing"


def test_without_a_transaction_increments_are_lost(app_tables: Any, library: Library) -> None:
    """The negative control of the test before: both read before either writes."""
    row = app_tables.counters.add_row(value=0)
    both_read = threading.Barrier(2)

    def increment() -> None:
        fresh = app_tables.counters.get_by_id(row.get_id())
        value = fresh["value"]
        both_read.wait(10)
        fresh["value"] = value + 1

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(in_call(library, increment)) for _ in range(2)]:
            done.result(30)
    assert app_tables.counters.get()["value"] == 1


def test_a_rule_across_rows_holds_only_when_serialisable(app_tables: Any, library: Library) -> None:
    """Write skew: two doctors go off call, each seeing the other on call."""
    import anvil.tables

    def go_off_call(name: str, relaxed: bool, both_read: threading.Barrier) -> bool:
        try:
            with anvil.tables.Transaction(relaxed=relaxed):
                on_call = [row["name"] for row in app_tables.counters.search(value=1)]
                both_read.wait(10)
                if len(on_call) > 1:
                    app_tables.counters.get(name=name)["value"] = 0
            return True
        except anvil.tables.TransactionConflict:
            return False

    def try_both(relaxed: bool) -> tuple[int, int]:
        app_tables.counters.delete_all_rows()
        app_tables.counters.add_rows([{"name": "a", "value": 1}, {"name": "b", "value": 1}])
        barrier = threading.Barrier(2)
        with concurrent.futures.ThreadPoolExecutor(2) as threads:
            work = in_call(library, go_off_call)
            done = [threads.submit(work, name, relaxed, barrier) for name in "ab"]
            succeeded = sum(each.result(30) for each in done)
        return succeeded, len(app_tables.counters.search(value=1))

    assert try_both(relaxed=False) == (1, 1)
    assert try_both(relaxed=True) == (2, 0)


def test_an_idle_transaction_ends_and_frees_its_connection(
    app_tables: Any, store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import anvil.tables

    monkeypatch.setattr(transactions, "IDLE_SECONDS", 0.2)
    before = store.pool.statistics["in_use"]
    with pytest.raises(Exception, match="This transaction has expired"), anvil.tables.Transaction():
        app_tables.counters.add_row(value=1)
        assert store.pool.statistics["in_use"] == before + 1
        wait_until(lambda: store.pool.statistics["in_use"] == before)
        with pytest.raises(Exception, match="This transaction has expired"):
            app_tables.counters.search()
    assert len(app_tables.counters.search()) == 0


def wait_until(is_true: Any) -> None:
    """Poll for what happens on the server's own clock."""
    event, until = threading.Event(), 200
    while not is_true():
        until -= 1
        assert until, "it did not happen within 10 s"
        event.wait(0.05)


def test_a_call_that_ends_in_a_transaction_rolls_it_back(
    app_tables: Any, library: Library, store: TableStore
) -> None:
    import anvil.tables

    before = store.pool.statistics["in_use"]
    with library.server():
        anvil.tables.Transaction().__enter__()
        app_tables.counters.add_row(value=1)
    assert len(app_tables.counters.search()) == 0
    assert store.pool.statistics["in_use"] == before


def test_threads_of_one_call_share_its_transaction(app_tables: Any, library: Library) -> None:
    import anvil.tables

    caller = library.caller

    def add(n: int) -> None:
        with_caller(library, caller, lambda: app_tables.counters.add_row(value=n))

    with anvil.tables.Transaction() as transaction:
        with concurrent.futures.ThreadPoolExecutor(6) as threads:
            for done in [threads.submit(add, n) for n in range(30)]:
                done.result(30)
        assert len(app_tables.counters.search()) == 30
        transaction.abort()
    assert len(app_tables.counters.search()) == 0


def with_caller(library: Library, caller: Any, work: Any) -> None:
    library._local.caller = caller
    try:
        work()
    finally:
        library._local.caller = None


def test_transactions_never_take_the_last_connections(
    app_tables: Any, library: Library, store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import anvil.tables

    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.3)
    limit = pool.MAX_CONNECTIONS - pool.KEPT_FOR_SHORT_WORK
    all_open, finished = threading.Barrier(limit + 1), threading.Event()

    def hold() -> None:
        with anvil.tables.Transaction():
            all_open.wait(20)
            finished.wait(20)

    with concurrent.futures.ThreadPoolExecutor(limit) as threads:
        holding = [threads.submit(in_call(library, hold)) for _ in range(limit)]
        all_open.wait(20)
        try:
            with pytest.raises(
                anvil.tables.TableError, match="Too many transactions already in progress"
            ):
                anvil.tables.Transaction().__enter__()
            assert len(app_tables.counters.search()) == 0  # short work goes on
        finally:
            finished.set()
        for each in holding:
            each.result(20)
    with anvil.tables.Transaction():
        app_tables.counters.add_row(value=1)
    assert len(app_tables.counters.search()) == 1


def test_a_queue_that_is_full_refuses(
    library: Library, store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MAX_WAITING", 3)
    monkeypatch.setattr(pool, "WAIT_SECONDS", 5.0)

    async def crowd() -> list[Any]:
        small = pool.ConnectionPool(store.pool.url, 1)
        release = asyncio.Event()

        async def use() -> str:
            async with small.connection():
                await release.wait()
            return "used"

        first = asyncio.create_task(use())
        await asyncio.sleep(0.1)
        others = [asyncio.create_task(use()) for _ in range(5)]
        await asyncio.sleep(0.1)
        release.set()
        results = await asyncio.gather(first, *others, return_exceptions=True)
        await small.close()
        return results

    results = library.run(crowd())
    assert results.count("used") == 4
    refused = [result for result in results if result != "used"]
    assert len(refused) == 2
    assert all("is busy" in str(result) for result in refused)


def test_a_quiet_pool_holds_no_connection(
    library: Library, store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.1)

    async def use_and_wait() -> tuple[int, int]:
        quiet = pool.ConnectionPool(store.pool.url)

        async def use() -> None:
            async with quiet.connection() as connection:
                await connection.execute("SELECT pg_sleep(0.05)")

        await asyncio.gather(*(use() for _ in range(4)))
        before = quiet.statistics["idle"]
        assert quiet._reaping is not None
        await asyncio.wait_for(quiet._reaping, 10)
        after = quiet.statistics["idle"]
        await quiet.close()
        return before, after

    assert library.run(use_and_wait()) == (4, 0)


def test_a_transaction_does_not_wait_for_a_connection_in_vain_when_the_caller_gives_up(
    library: Library, store: TableStore
) -> None:
    """Cancelled waits give their place back."""

    async def give_up() -> dict[str, int]:
        small = pool.ConnectionPool(store.pool.url, 1)
        async with small.connection():
            waiting = [asyncio.create_task(small.acquire(transaction=True)) for _ in range(3)]
            await asyncio.sleep(0.05)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        connection = await small.acquire(transaction=True)
        await small.release(connection, transaction=True)
        statistics = small.statistics
        await small.close()
        return statistics

    assert library.run(give_up()) == {"size": 1, "in_use": 0, "idle": 1, "waiting": 0}


def test_how_long_a_transaction_may_be_idle_can_be_set(library: Library, database_url: str) -> None:
    import anvil.tables
    from anvil.tables import app_tables

    library.open(database_url, STUDIO, transaction_seconds=0.2)
    try:
        expired = pytest.raises(Exception, match="transaction has expired")
        with library.server(), expired, anvil.tables.Transaction():
            app_tables.counters.add_row(value=1)
            wait_until(lambda: library.instance.tables.pool.statistics["in_use"] == 0)
            app_tables.counters.add_row(value=2)
        assert len(app_tables.counters.search()) == 0
    finally:
        library.close()
