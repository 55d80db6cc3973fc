"""The app changes and SIGHUP comes again and again while the server is used in every way: nobody's
call fails, and nothing piles up."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.app_server.running import ANVIL_YAML, CallFailed, RunningServer, serve_app, write_files
from tests.hard.crowd import size_of
from tests.hard.test_database import until

SIGNALS = size_of("SIGNALS", 6)
SERVER = """
import anvil.server
import anvil.tables
from anvil.tables import app_tables

@anvil.server.callable
def version():
    return VERSION

@anvil.server.callable
@anvil.tables.in_transaction
def book(key):
    app_tables.entries.add_row(key=key)
    return len(app_tables.entries.search(key=key))

@anvil.server.http_endpoint("/version")
def version_by_http():
    return VERSION
"""
SCHEMA = """
db_schema:
  entries:
    client: none
    server: full
    columns: [{name: key, type: string}]
"""


class Users:
    """A browser that calls, one that writes, one that comes anew each time, and an HTTP client.
    ``done`` counts what each got, ``failures`` tells what went wrong."""

    def __init__(self, server: RunningServer):
        self._server = server
        self._stop = threading.Event()
        self.done = [0, 0, 0, 0]
        self.failures: list[str] = []
        works = (self._call, self._write, self._come_anew, self._ask)
        self._threads = [
            threading.Thread(target=self._repeat, args=(index, work))
            for index, work in enumerate(works)
        ]

    def __enter__(self) -> Users:
        for thread in self._threads:
            thread.start()
        self.more(3)
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def more(self, number: int) -> None:
        """Wait until each got so many answers more."""
        wanted = [count + number for count in self.done]
        until(lambda: all(a >= b for a, b in zip(self.done, wanted, strict=True)))

    def _repeat(self, index: int, work: Callable[[Callable[[], bool]], None]) -> None:
        def counted() -> bool:
            self.done[index] += 1
            return not self._stop.is_set()

        while not self._stop.is_set():
            try:
                work(counted)
            except Exception as error:  # noqa: BLE001  told below
                self.failures.append(f"{work.__name__}: {error!r}")

    def _call(self, counted: Callable[[], bool]) -> None:
        self._use_socket("version", lambda: [], counted)

    def _write(self, counted: Callable[[], bool]) -> None:
        keys = iter(range(1_000_000))
        self._use_socket("book", lambda: [f"{id(keys)}-{next(keys)}"], counted)

    def _use_socket(
        self, function: str, arguments: Callable[[], list[Any]], counted: Callable[[], bool]
    ) -> None:
        """As the page does it: a socket that is told to go on elsewhere is left."""
        with self._server.browser() as browser:
            while True:
                answer = browser.call(function, *arguments())
                assert answer >= 1
                if not counted():
                    return
                if any(update.get("type") == "RECONNECT" for update in browser.updates):
                    return

    def _come_anew(self, counted: Callable[[], bool]) -> None:
        with self._server.browser() as browser:
            assert browser.call("version") >= 1
        counted()

    def _ask(self, counted: Callable[[], bool]) -> None:
        with httpx.Client(base_url=self._server.url, timeout=60) as client:
            going = True
            while going:
                response = client.get("/_/api/version")
                assert response.status_code == 200, response.text
                assert json.loads(response.text) >= 1
                going = counted()


def test_an_app_that_changes_all_the_time(tmp_path: Path, database_url: str):
    def code(version: int) -> dict[str, str | bytes]:
        return {"server_code/main.py": SERVER.replace("VERSION", str(version))}

    options: dict[str, Any] = {"database_url": database_url, "anvil_yaml": ANVIL_YAML + SCHEMA}
    rates = ("--auto-migrate", "--requests-per-second=0")
    with serve_app(tmp_path, code(1), *rates, **options) as server:
        process = psutil.Process(server.process.pid)
        with Users(server) as users:
            for version in range(2, SIGNALS + 2):
                write_files(tmp_path / "shop", code(version))
                server.process.send_signal(signal.SIGHUP)
                if version % 2:
                    server.process.send_signal(signal.SIGHUP)
                users.more(4)
        assert not users.failures, users.failures[:5]
        with server.browser() as browser:
            until(lambda: browser.call("version") == SIGNALS + 1)
        # A worker for each of the old versions would be many.
        until(lambda: len(process.children()) <= 10)
        assert "Internal server error" not in "".join(server.log)


def test_failures_would_be_seen(tmp_path: Path):
    """What the test above counts on: a function that fails is a failure."""
    broken = SERVER.replace("return VERSION", "raise ValueError(VERSION)").replace("VERSION", "1")
    broken = broken.replace("import anvil.tables\nfrom anvil.tables import app_tables", "")
    broken = broken.replace("@anvil.tables.in_transaction\n", "")
    with serve_app(tmp_path, {"server_code/main.py": broken}) as server:
        users = Users(server)
        try:
            users._call(lambda: False)
        except CallFailed as failure:
            assert failure.type == "ValueError"
        else:
            raise AssertionError("it did not fail")
