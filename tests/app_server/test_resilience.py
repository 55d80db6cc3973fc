"""What goes away comes back: workers, the database."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.app_server.running import ANVIL_YAML, CallFailed, RunningServer, serve_app

SERVER = """
import os, time
import anvil.server

@anvil.server.callable
def pid():
    return os.getpid()

@anvil.server.callable
def sleep(seconds):
    print("sleeping", seconds)
    time.sleep(seconds)
    return seconds

@anvil.server.callable
def die():
    os._exit(3)
"""
TABLES = """
from anvil.tables import app_tables

@anvil.server.callable
def note(text):
    app_tables.notes.add_row(text=text)
    return len(app_tables.notes.search())
"""
SCHEMA = """
db_schema:
  notes:
    client: none
    server: full
    columns: [{name: text, type: string}]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("resilience")
    with serve_app(folder, {"server_code/main.py": SERVER}) as running:
        yield running


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_worker_that_dies_fails_its_own_call_only(server: RunningServer):
    with server.browser() as browser, server.browser() as other:
        with ThreadPoolExecutor() as pool:
            slow = pool.submit(other.call, "sleep", 3)
            wait_for(lambda: any("sleeping 3" in line for line in server.log))
            with pytest.raises(CallFailed) as failure:
                browser.call("die")
            assert failure.value.type == "anvil.server.ExecutionTerminatedError"
            assert slow.result() == 3
        assert browser.call("anvil.private.echo", 1) == 1
        assert browser.call("pid")


def test_workers_end_with_a_server_that_is_killed(tmp_path: Path):
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    with serve_app(tmp_path, files) as server, server.browser() as browser:
        browser.call("pid")
        workers = psutil.Process(server.process.pid).children(recursive=True)
        browser.socket.send('{"type": "CALL", "id": "s", "command": "sleep", "args": [60]}')
        wait_for(lambda: any("sleeping 60" in line for line in server.log))
        server.process.kill()
        server.process.wait(10)
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert workers and not alive


class Gate:
    """A TCP port before Postgres that can be shut."""

    def __init__(self, url: str):
        self.target = psycopg.conninfo.conninfo_to_dict(url)
        self.is_open = True
        self._pairs: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return psycopg.conninfo.make_conninfo(
            **{**self.target, "host": "127.0.0.1", "port": self.port}
        )

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self.is_open:
                near.close()
                continue
            far = self._connect()
            self._pairs += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = str(self.target["host"]), int(self.target.get("port") or 5432)
        if host.startswith("/"):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(f"{host}/.s.PGSQL.{port}")
            return connection
        return socket.create_connection((host, port))

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            end.close()

    def shut(self) -> None:
        self.is_open = False
        for end in self._pairs:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def open(self) -> None:
        self.is_open = True

    def remove(self) -> None:
        self.shut()
        self._listener.close()


@pytest.fixture
def gate(database_url: str) -> Iterator[Gate]:
    made = Gate(database_url)
    yield made
    made.remove()


def test_a_database_that_goes_away_is_told_of_and_used_again(tmp_path: Path, gate: Gate):
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER + TABLES}
    yaml = ANVIL_YAML + SCHEMA
    options = {"database_url": gate.url, "anvil_yaml": yaml}
    with serve_app(tmp_path, files, "--auto-migrate", **options) as server:
        with server.browser() as browser:
            assert browser.call("note", "before") == 1
            assert server.get("/_/health").status_code == 200
            gate.shut()
            with pytest.raises(CallFailed) as failure:
                browser.call("note", "lost")
            assert failure.value.type == "anvil.server.RuntimeUnavailableError"
            assert "database" in str(failure.value.message)
            health = server.get("/_/health")
            assert health.status_code == 503
            assert health.json()["ok"] is False and health.json()["message"]
            assert browser.call("sleep", 0) == 0, "what needs no database goes on"
            gate.open()
            assert browser.call("note", "after") == 2
            assert server.get("/_/health").status_code == 200
        assert server.stop() == 0
