"""The server under measurement: a real one on a free port, with the benchmark's app and a Postgres
of its own in a temporary folder."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg
from websockets.sync.client import ClientConnection, connect

from app_server import postgres

ROOT = Path(__file__).resolve().parent.parent.parent
APP = Path(__file__).resolve().parent / "app"
TRIVIAL = "/_/api/trivial"
ROWS = 10_000
CHUNK_BYTES = 60_000  # of a file on its way
START_SECONDS = 60


class BenchmarkError(Exception):
    """The server does not do what is to be measured."""


@dataclass
class BenchServer:
    """A running server. ``started_in`` is the seconds from its start to its first answer."""

    process: subprocess.Popen[bytes]
    port: int
    database_url: str
    folder: Path
    started_in: float

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def memory_mb(self) -> dict[str, float]:
        """Resident memory by role: the server and the workers together."""
        server = psutil.Process(self.process.pid)
        sizes = {"server": megabytes(server), "workers": 0.0}
        for child in server.children(recursive=True):
            sizes["workers"] += megabytes(child)
        return sizes

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def megabytes(process: psutil.Process) -> float:
    """What a process holds for itself: pages shared with others count by their share."""
    with contextlib.suppress(psutil.AccessDenied):
        return float(process.memory_full_info().pss) / 1e6
    return float(process.memory_info().rss) / 1e6


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a database of its own; fsync stays on, as in production."""
    # Below the system's temporary folder: as root, Postgres runs as a user who must get there.
    with tempfile.TemporaryDirectory(prefix="mybizz-bench-") as folder:
        server = postgres.start(Path(folder) / "postgres")
        try:
            with psycopg.connect(server.admin_url, autocommit=True) as admin:
                admin.execute("CREATE DATABASE bench")
            parts: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(server.admin_url)
            yield psycopg.conninfo.make_conninfo(**{**parts, "dbname": "bench"})
        finally:
            server.stop()


def start_server(database_url: str, folder: Path) -> BenchServer:
    """Start ``python -m app_server`` with the app and wait for its first answer."""
    app = folder / "bench"
    if not app.exists():
        shutil.copytree(APP, app)
    arguments = ["--app", str(app), "--data-dir", str(folder / "data"), "--database", database_url]
    arguments += ["--auto-migrate", "--requests-per-second", "0"]
    return launch(arguments, database_url, folder, "localhost")


def launch(
    arguments: list[str],
    database_url: str,
    folder: Path,
    host: str,
    path: str = TRIVIAL,
    *,
    seconds: float = START_SECONDS,
    cwd: Path | None = None,
) -> BenchServer:
    """Start a server and wait until ``host`` answers at ``path``. BenchmarkError with its log where
    it does not."""
    log = folder / "server.log"
    started = time.perf_counter()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "app_server", "--ip", "127.0.0.1", "--port", "0", *arguments],
            stdout=sink,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    server = BenchServer(process, 0, database_url, folder, 0.0)
    while time.perf_counter() - started < seconds and process.poll() is None:
        found = re.search(r"Listening on .* port (\d+)", log.read_text())
        if found:
            server.port = int(found[1])
            fetch_text(server.port, path, host)
            server.started_in = time.perf_counter() - started
            return server
        time.sleep(0.01)
    process.kill()
    raise BenchmarkError(f"The server does not start:\n{log.read_text()}")


@contextlib.contextmanager
def many_instances(server: BenchServer, count: int) -> Iterator[BenchServer]:
    """A server of ``count`` instances of the app, each with a database of its own beside that of
    ``server`` and a worker that has served a call."""
    names = [f"bench{number}" for number in range(count)]
    with tempfile.TemporaryDirectory(prefix="mybizz-bench-many-") as root:
        for name in names:
            folder = Path(root) / name
            (folder / "data").mkdir(parents=True)
            (folder / "bench").symlink_to(server.folder / "bench")
            parts: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(server.database_url)
            with psycopg.connect(server.database_url, autocommit=True) as admin:
                admin.execute(f"DROP DATABASE IF EXISTS {name}")
                admin.execute(f"CREATE DATABASE {name}")
            options = {"app": "bench", "data-dir": "data", "auto-migrate": True}
            options["database"] = url_of({**parts, "dbname": name})
            (folder / "instance.yaml").write_text(json.dumps(options))
        arguments = ["--instances", root]
        many = launch(arguments, server.database_url, Path(root), f"{names[0]}.localhost")
        try:
            for name in names:
                fetch_text(many.port, TRIVIAL, f"{name}.localhost")
            yield many
        finally:
            many.stop()


def url_of(parts: dict[str, Any]) -> str:
    """The address of a database as an URL."""
    user, password = quote(str(parts["user"]), safe=""), quote(str(parts.get("password") or ""))
    place = f"{parts.get('host', '127.0.0.1')}:{parts.get('port', 5432)}"
    return f"postgresql://{user}:{password}@{place}/{parts['dbname']}"


def fetch_text(port: int, path: str, host: str = "localhost") -> str:
    """A small answer over a connection of its own. BenchmarkError where it is not 200."""

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Host": f"{host}:{port}"})
        response = connection.getresponse()
        body = response.read().decode()
    finally:
        connection.close()
    if response.status != 200:
        raise BenchmarkError(f"{path} answered {response.status}: {body[:500]}")
    return body


@contextlib.contextmanager
def bench_server(*, rows: int = ROWS) -> Iterator[BenchServer]:
    """A server whose ``items`` table holds ``rows`` rows, stopped at the end of the block."""
    with (
        postgres_server() as database_url,
        tempfile.TemporaryDirectory(prefix="mybizz-bench-app-") as name,
    ):
        folder = Path(name)
        (folder / "data").mkdir()
        server = start_server(database_url, folder)
        try:
            if rows:
                with Caller(server.port) as caller:
                    caller.call("fill", rows)
                with psycopg.connect(database_url, autocommit=True) as connection:
                    connection.execute("VACUUM ANALYZE")
            yield server
        finally:
            server.stop()


class Caller:
    """A browser's socket, without a browser: ``call`` gives the JSON of the response."""

    def __init__(self, port: int):
        self._port = port
        self._ids = itertools.count(1)

    def __enter__(self) -> Caller:
        self._socket: ClientConnection = connect(
            f"ws://localhost:{self._port}/_/ws", max_size=None, compression=None
        )
        self.call("anvil.private.reset_session")
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def call(self, function: str, *args: Any, **kwargs: Any) -> Any:
        """BenchmarkError where the call fails."""
        return self._wait(function, self._send(function, list(args), kwargs, []))

    def call_with_file(self, function: str, file_name: str, data: bytes) -> Any:
        """The same of a function whose one argument is a file."""
        file = {"path": ["args", 0], "type": ["DataMedia"], "id": "file", "name": file_name}
        call_id = self._send(function, [None], {}, [{**file, "mime-type": "text/csv"}])
        chunks = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
        for index, chunk in enumerate(chunks):
            header = {"type": "CHUNK_HEADER", "requestId": call_id, "mediaId": "file"}
            is_last = index == len(chunks) - 1
            self._socket.send(json.dumps({**header, "chunkIndex": index, "lastChunk": is_last}))
            self._socket.send(chunk)
        return self._wait(function, call_id)

    def _send(
        self, function: str, args: list[Any], kwargs: dict[str, Any], objects: list[Any]
    ) -> str:
        call_id = f"b{next(self._ids)}"
        message = {"type": "CALL", "id": call_id, "v": 1, "command": function}
        self._socket.send(
            json.dumps({**message, "args": args, "kwargs": kwargs, "objects": objects})
        )
        return call_id

    def _wait(self, function: str, call_id: str) -> Any:
        while True:
            answer = json.loads(self._socket.recv(timeout=120))
            if answer.get("id") == call_id and "error" in answer:
                raise BenchmarkError(f"{function}: {answer['error']}")
            if answer.get("id") == call_id and "response" in answer:
                return answer["response"]
