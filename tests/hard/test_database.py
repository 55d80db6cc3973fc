"""Postgres killed, restarted and stopped while it is used: calls fail clearly, then go on, and
nothing is half written."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app_server import postgres
from app_server.postgres import EmbeddedPostgres
from app_server.tables import pool as pool_module
from app_server.tables.errors import DATABASE_FULL
from app_server.tables.pool import ConnectionPool
from tests.app_server.running import ANVIL_YAML, Browser, CallFailed, RunningServer, serve_app

CALLERS = 6
UNAVAILABLE = "anvil.server.RuntimeUnavailableError"
SERVER = """
import os
import anvil.server
import anvil.tables
from anvil.tables import app_tables

@anvil.server.callable
def book(key):
    with anvil.tables.Transaction():
        app_tables.entries.add_row(key=key, side="from")
        app_tables.entries.add_row(key=key, side="to")
    return key

@anvil.server.callable
def book_in_one(key):
    app_tables.entries.add_rows([{"key": key, "side": "from"}, {"key": key, "side": "to"}])
    return key

@anvil.server.callable
@anvil.tables.in_transaction
def book_decorated(key):
    app_tables.entries.add_row(key=key, side="from")
    app_tables.entries.add_row(key=key, side="to")
    return key

@anvil.server.callable
def hoard(key, megabytes):
    # Text that cannot be made smaller.
    with anvil.tables.Transaction():
        app_tables.entries.add_row(key=key, side="from")
        app_tables.entries.add_row(key=key, side=os.urandom(megabytes << 19).hex())

@anvil.server.callable
def answer():
    return 42
"""
SCHEMA = """
db_schema:
  entries:
    client: none
    server: full
    columns: [{name: key, type: string}, {name: side, type: string}]
"""


@pytest.fixture(scope="module")
def database() -> Iterator[EmbeddedPostgres]:
    """A server of our own, which the tests may kill."""
    with tempfile.TemporaryDirectory(prefix="mybizz-hard-pg-") as folder:
        server = postgres.start(Path(folder) / "postgres")
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def url(database: EmbeddedPostgres, request: pytest.FixtureRequest) -> str:
    name = f"hard_{abs(hash(request.node.name))}"
    with psycopg.connect(database.admin_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    return psycopg.conninfo.make_conninfo(database.admin_url, dbname=name)


@pytest.fixture
def server(tmp_path: Path, url: str) -> Iterator[RunningServer]:
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    yaml = ANVIL_YAML + SCHEMA
    with serve_app(tmp_path, files, "--auto-migrate", database_url=url, anvil_yaml=yaml) as running:
        yield running


class Load:
    """Callers that write without a pause, each under keys of its own. Counts what they got."""

    def __init__(self, server: RunningServer):
        self._server = server
        self._done = threading.Event()
        self.succeeded: list[str] = []
        self.failed: list[tuple[str, CallFailed]] = []
        self._threads = [threading.Thread(target=self._work, args=(n,)) for n in range(CALLERS)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _work(self, caller: int) -> None:
        function = ("book", "book_in_one", "book_decorated")[caller % 3]
        with self._server.browser() as browser:
            for number in range(1_000_000):
                if self._done.is_set():
                    return
                key = f"{caller}-{number}"
                try:
                    browser.call(function, key)
                except CallFailed as failure:
                    self.failed.append((key, failure))
                    time.sleep(0.02)
                else:
                    self.succeeded.append(key)

    def more(self, successes: int) -> None:
        """Wait until so many more calls have succeeded."""
        wanted = len(self.succeeded) + successes
        until(lambda: len(self.succeeded) >= wanted)

    def check(self, url: str) -> None:
        """Each call that succeeded wrote both rows, each that failed both or none."""
        sides = read_keys(url)
        assert {sides[key] for key in self.succeeded} == {2}, "nothing that was told is lost"
        assert set(sides.values()) == {2}, "nothing is half written"
        assert set(sides) - set(self.succeeded) <= {key for key, _ in self.failed}
        kinds = {failure.type for _, failure in self.failed}
        assert kinds <= {UNAVAILABLE, "anvil.tables.TransactionConflict"}, self.failed[:3]
        assert all(failure.message for _, failure in self.failed)


def read_keys(url: str) -> Counter[str]:
    """How many rows there are of each key."""
    with psycopg.connect(url) as connection:
        schema = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_name = 'entries'"
        ).fetchone()
        assert schema is not None
        rows = connection.execute(f'SELECT key FROM "{schema[0]}"."{schema[1]}"')
        return Counter(key for (key,) in rows.fetchall())


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def postmaster(database: EmbeddedPostgres) -> psutil.Process:
    for path in database.folder.rglob("postmaster.pid"):
        return psutil.Process(int(path.read_text().split()[0]))
    raise AssertionError("it does not run")


def kill(database: EmbeddedPostgres) -> None:
    """As when the power fails, but for the disk."""
    main = postmaster(database)
    family = [main, *main.children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, 10)


def stop_fast(database: EmbeddedPostgres) -> None:
    main = postmaster(database)
    main.send_signal(signal.SIGINT)
    until(lambda: not main.is_running() or main.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("end", [kill, stop_fast])
def test_a_database_that_goes_and_comes_back(
    server: RunningServer,
    database: EmbeddedPostgres,
    url: str,
    end: Callable[[EmbeddedPostgres], None],
    record_figure: Callable[[str, object], None],
):
    with Load(server) as load:
        load.more(60)
        for _ in range(2):
            end(database)
            failed = len(load.failed)
            until(lambda failed=failed: len(load.failed) > failed + CALLERS)  # type: ignore[misc]
            assert server.get("/_/health").status_code == 503
            with server.browser() as browser:
                assert browser.call("answer") == 42, "what needs no database goes on"
            postgres.start(database.folder)
            started = time.monotonic()
            load.more(60)
            record_figure(
                "seconds to 60 calls after its return", round(time.monotonic() - started, 2)
            )
    load.check(url)
    assert server.get("/_/health").status_code == 200
    assert "Internal server error" not in "".join(server.log), "said in a line, not in a trace"


def test_connections_that_an_operator_ends(
    server: RunningServer, database: EmbeddedPostgres, url: str
):
    with Load(server) as load, psycopg.connect(database.admin_url, autocommit=True) as admin:
        for _ in range(10):
            load.more(20)
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = %s AND pid <> pg_backend_pid()",
                [psycopg.conninfo.conninfo_to_dict(url)["dbname"]],
            )
        load.more(60)
    load.check(url)


def test_a_database_that_hangs_for_a_moment(
    server: RunningServer, database: EmbeddedPostgres, url: str
):
    with Load(server) as load:
        load.more(30)
        main = postmaster(database)
        family = [main, *main.children(recursive=True)]
        for process in family:
            process.suspend()
        with server.browser() as browser:
            assert browser.call("answer") == 42
        for process in family:
            process.resume()
        load.more(60)
    load.check(url)
    assert not load.failed


async def test_a_database_that_hangs_is_not_waited_for(
    database: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pool_module, "ANSWER_SECONDS", 0.5)
    pool = ConnectionPool(database.admin_url, 2)
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT pg_backend_pid()")
        row = await cursor.fetchone()
        assert row is not None
        backend = row[0]
        os.kill(backend, signal.SIGSTOP)
        try:
            async with asyncio.timeout(30):
                with pytest.raises(psycopg.OperationalError, match="did not answer"):
                    await connection.execute("SELECT 1")
        finally:
            os.kill(backend, signal.SIGCONT)
        assert connection.closed
    async with pool.connection() as connection:
        await connection.execute("SELECT 1")
    assert pool.statistics["in_use"] == 0
    await pool.close()


@contextlib.contextmanager
def small_files(size: int) -> Iterator[None]:
    """What is started meanwhile may write no larger file: it grows as little as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_of_and_costs_nothing(
    server: RunningServer, database: EmbeddedPostgres, url: str
):
    with server.browser() as browser:
        browser.call("book", "before")
        stop_fast(database)
        # Larger than a file of its log, which Postgres cannot do without.
        with small_files(24 * 1024 * 1024):
            postgres.start(database.folder)
        until(lambda: succeeds(browser, "book", "while it is full"))
        failures, written = [], 0
        for number in range(20):
            try:
                browser.call("hoard", f"hoard-{number}", 4)
            except CallFailed as failure:
                failures.append(failure)
            else:
                written += 1
        assert 1 <= written <= 10
        for failure in failures:
            assert (failure.type, failure.message) == (UNAVAILABLE, DATABASE_FULL)
        assert browser.call("answer") == 42
        stop_fast(database)
        postgres.start(database.folder)
        until(lambda: succeeds(browser, "hoard", "after", 4))
    assert "File too large" in "".join(server.log), "the operator reads what Postgres said"
    keys = read_keys(url)
    assert set(keys.values()) == {2}, "nothing is half written"
    assert len(keys) == written + 3, keys


def succeeds(browser: Browser, function: str, *args: object) -> bool:
    try:
        browser.call(function, *args)
    except CallFailed:
        return False
    return True
