"""What goes away comes back: workers, the process host, the database."""

from __future__ import annotations

import contextlib
import os
import signal
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


def host_of(server: RunningServer) -> psutil.Process:
    (host,) = psutil.Process(server.process.pid).children()
    return host


def test_a_worker_that_dies_fails_its_own_calls_only(server: RunningServer):
    with server.browser() as browser, server.browser() as other:
        with ThreadPoolExecutor() as pool:
            slow = pool.submit(other.call, "sleep", 30)
            first = browser.call("pid")
            with pytest.raises(CallFailed) as failure:
                browser.call("die")
            assert failure.value.type == "anvil.server.ExecutionTerminatedError"
            with pytest.raises(CallFailed) as failure:
                slow.result()
            assert failure.value.type == "anvil.server.ExecutionTerminatedError"
        assert browser.call("anvil.private.echo", 1) == 1
        assert browser.call("pid") != first


def test_a_process_host_that_dies_is_started_again(server: RunningServer):
    with server.browser() as browser, server.browser() as other:
        first = browser.call("pid")
        host = host_of(server)
        with ThreadPoolExecutor() as pool:
            slow = pool.submit(other.call, "sleep", 29)
            wait_for(lambda: any("sleeping 29" in line for line in server.log))
            os.kill(host.pid, signal.SIGKILL)
            with pytest.raises(CallFailed) as failure:
                slow.result()
        assert failure.value.type == "anvil.server.RuntimeUnavailableError"
        assert browser.call("pid") != first, "the call waits until the new host is there"
        assert host_of(server).pid != host.pid


def test_workers_end_with_their_host(server: RunningServer):
    with server.browser() as browser:
        worker = psutil.Process(browser.call("pid"))
        os.kill(host_of(server).pid, signal.SIGKILL)
        worker.wait(10)
        assert browser.call("pid") != worker.pid


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
