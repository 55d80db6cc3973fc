"""Stopping, reloading and restarting under load: nobody's request fails."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from app_server.server import DRAIN_SECONDS
from tests.app_server.running import ANVIL_YAML, RunningServer, start_server, write_files
from tests.app_server.test_instances import at

SERVER = """
import anvil.secrets, anvil.server, os, time

@anvil.server.route("/quick")
def quick():
    return "VERSION"

@anvil.server.route("/secret")
def secret():
    return anvil.secrets.get_secret("word")

@anvil.server.route("/slow/:seconds")
def slow(seconds):
    time.sleep(float(seconds))
    return "done"

@anvil.server.callable
def nap(seconds):
    time.sleep(seconds)
    return "rested"

@anvil.server.callable
def quickly():
    return "VERSION"

@anvil.server.callable
def keep(value):
    anvil.server.session["value"] = value

@anvil.server.callable
def recall():
    return anvil.server.session.get("value")
"""
SECONDS = 100


class Load:
    """Visitors who ask without a pause, over connections that they keep."""

    def __init__(self, url: str, headers: dict[str, str] | None = None, visitors: int = 2):
        self.url = url
        self.headers = headers or {}
        self.answers: Counter[str] = Counter()
        self.slowest = 0.0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._visit) for _ in range(visitors)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        self.waits_for(20)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _visit(self) -> None:
        with httpx.Client(base_url=self.url, headers=self.headers, timeout=60) as client:
            while not self._stop.is_set():
                began = time.monotonic()
                try:
                    answer = client.get("/quick")
                    self.answers[f"{answer.status_code} {answer.text[:40]}"] += 1
                except httpx.HTTPError as error:
                    self.answers[repr(error)] += 1
                self.slowest = max(self.slowest, time.monotonic() - began)
                self._stop.wait(0.005)

    def waits_for(self, count: int, kind: str = "200") -> None:
        """Until so many more of such answers have come."""
        enough = self._count(kind) + count
        wait_for(lambda: self._count(kind) >= enough)

    def _count(self, kind: str) -> int:
        return sum(n for answer, n in self.answers.items() if answer.startswith(kind))

    @property
    def failures(self) -> dict[str, int]:
        return {answer: n for answer, n in self.answers.items() if not answer.startswith("200 ")}


def wait_for(condition: Callable[[], bool], server: RunningServer | None = None) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        log = "".join(server.log) if server is not None else ""
        assert time.monotonic() < end, f"it did not happen in time\n{log}"
        time.sleep(0.05)


def write_app(folder: Path, version: str = "one") -> Path:
    code = SERVER.replace("VERSION", version)
    return write_files(folder, {"anvil.yaml": ANVIL_YAML, "server_code/main.py": code})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_app(tmp_path / "shop")
    (tmp_path / "data").mkdir()
    path = tmp_path / "config.yaml"
    write_config(path, word="first")
    return path


def write_config(path: Path, word: str, **options: object) -> None:
    base = path.parent
    content = {
        "app": str(base / "shop"),
        "data-dir": str(base / "data"),
        "database": "none",
        "requests-per-second": 0,
        "secret": {"word": word},
        **options,
    }
    path.write_text(yaml.safe_dump(content))


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[RunningServer]:
    server = start_server(list(arguments))
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def in_background(work: Callable[[], object]) -> Callable[[], object]:
    """Start it; the result of what is given back is its result."""
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()

    def join() -> object:
        thread.join(SECONDS)
        return results[0] if results else None

    return join


def test_what_runs_may_end_before_the_server_stops(config: Path):
    with serving("--config-file", str(config)) as server, server.browser() as browser:
        slow = in_background(lambda: server.get("/slow/1.5").text)
        browser.socket.send(
            json.dumps({"type": "CALL", "id": "n", "command": "nap", "args": [1.5], "kwargs": {}})
        )
        time.sleep(0.5)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        farewell = json.loads(browser.socket.recv(timeout=10))
        assert farewell == {"type": "RECONNECT"} and time.monotonic() - began < 0.5
        assert browser.wait("n") == "rested"
        assert slow() == "done"
        assert server.process.wait(10) == 0
        assert time.monotonic() - began < DRAIN_SECONDS
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", server.port), timeout=5)


def test_a_second_signal_does_not_wait(config: Path):
    with serving("--config-file", str(config)) as server:
        slow = in_background(lambda: server.client.get("/slow/30"))
        time.sleep(0.5)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: connection_refused(server.port))
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(10)
        assert time.monotonic() - began < DRAIN_SECONDS - 1
        slow()


def connection_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return True
    return False


def test_a_changed_configuration_is_taken_over_under_load(config: Path):
    with serving("--config-file", str(config)) as server, Load(server.url) as load:
        assert server.get("/secret").text == "first"
        write_config(config, word="second")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: server.get("/secret").text == "second")
        load.waits_for(20)
        config.write_text("nonsense: 1")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: any("What was before goes on" in line for line in server.log))
        load.waits_for(20)
    assert not load.failures, load.failures
    assert server.get("/secret").text == "second" if server.process.poll() is None else True


def test_changed_code_is_taken_over_under_load(config: Path):
    with serving("--config-file", str(config)) as server, Load(server.url) as load:
        for version in ("two", "three", "four"):
            write_app(config.parent / "shop", version)
            load.waits_for(20, f"200 {version}")
    assert not load.failures, load.failures


def test_another_instance_takes_over_under_load(config: Path):
    """A limit of transactions cannot change in place, so that the instance is replaced."""
    with serving("--config-file", str(config)) as server, server.browser() as browser:
        browser.call("keep", "basket")
        with Load(server.url) as load:
            write_config(config, word="second", **{"data-table-txn-timeout": 5})
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: any("took over" in line for line in server.log))
            load.waits_for(40)
        assert not load.failures, load.failures
        assert server.get("/secret").text == "second"
        with server.browser() as again:
            assert again.call("recall") == "basket"


def test_the_whole_server_is_started_anew_under_load(config: Path):
    with serving("--config-file", str(config)) as server, server.browser() as browser:
        browser.call("keep", "basket")
        process = psutil.Process(server.process.pid)
        workers = process.children(recursive=True)
        with Load(server.url) as load:
            server.process.send_signal(signal.SIGUSR2)
            wait_for(lambda: sum("Listening on" in line for line in server.log) == 2)
            load.waits_for(40)
        assert not load.failures, load.failures
        assert server.process.poll() is None, "it is the same process"
        gone, _ = psutil.wait_procs(workers, timeout=5)
        assert len(gone) == len(workers)
        with server.browser() as again:
            assert again.call("recall") == "basket"


def test_no_restart_into_nothing(config: Path):
    with serving("--config-file", str(config)) as server:
        config.write_text("nonsense: 1")
        server.process.send_signal(signal.SIGUSR2)
        wait_for(lambda: any("No restart" in line for line in server.log))
        assert server.get("/quick").text == "one"


def test_a_socket_that_was_handed_over_is_used(config: Path):
    """As systemd does it: visitors may knock before the server is there."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    waiting = socket.create_connection(("127.0.0.1", port))
    waiting.sendall(b"GET /quick HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    code = (
        "import os, sys; os.dup2(int(sys.argv[1]), 3); "
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); "
        "os.execv(sys.executable, [sys.executable, '-m', 'app_server', *sys.argv[2:]])"
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(listener.fileno()), "--config-file", str(config)],
        pass_fds=[listener.fileno()],
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    try:
        waiting.settimeout(SECONDS)
        answer = b""
        while chunk := waiting.recv(4096):
            answer += chunk
        assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"one")
    finally:
        process.terminate()
        assert process.wait(15) == 0
        waiting.close()
        listener.close()


def test_an_instance_of_a_folder_changes_without_a_pause(tmp_path: Path):
    folder = tmp_path / "instances"
    for name in ("yoga", "bakery"):
        write_app(folder / name / "client")
        write_files(folder / name, {"data/.keep": "", "instance.yaml": instance_yaml("first")})
    with serving("--instances", str(folder)) as server:
        yoga, bakery = at(server, "yoga"), at(server, "bakery")
        headers = {"Host": f"yoga.localhost:{server.port}"}
        with Load(f"http://127.0.0.1:{server.port}", headers) as load:
            write_files(folder / "yoga", {"instance.yaml": instance_yaml("second")})
            wait_for(lambda: yoga.get("/secret").text == "second")
            write_files(folder / "yoga", {"instance.yaml": "app: ["})
            wait_for(lambda: any("[yoga] What was before goes on" in line for line in server.log))
            load.waits_for(20)
        assert not load.failures, load.failures
        assert bakery.get("/secret").text == "first"


def instance_yaml(word: str) -> str:
    return (
        f"app: client\ndata-dir: data\ndatabase: none\nrequests-per-second: 0\n"
        f"secret: {{word: {word}}}\n"
    )


def test_a_folder_that_is_gone_is_told_once(tmp_path: Path):
    folder = tmp_path / "instances"
    write_app(folder / "yoga" / "client")
    write_files(folder / "yoga", {"data/.keep": "", "instance.yaml": instance_yaml("first")})
    with serving("--instances", str(folder)) as server:
        folder.rename(tmp_path / "away")
        wait_for(lambda: any("cannot be read; what runs goes on" in line for line in server.log))
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: any("Reading the configuration" in line for line in server.log))
        assert at(server, "yoga").get("/quick").text == "one"
        assert sum("cannot be read" in line for line in server.log) == 1
        (tmp_path / "away").rename(folder)


def test_a_restart_brings_the_database_of_its_own_back(tmp_path: Path):
    code = """
import anvil.server
from anvil.tables import app_tables

@anvil.server.route("/add/:text")
def add(text):
    app_tables.notes.add_row(text=text)
    return str(len(app_tables.notes.search()))
"""
    schema = (
        "services: [{source: /runtime/services/tables.yml}]\n"
        "db_schema: {notes: {client: none, server: full, columns: [{name: text, type: string}]}}\n"
    )
    files = {"anvil.yaml": ANVIL_YAML + schema, "server_code/main.py": code}
    write_files(tmp_path / "shop", files)
    (tmp_path / "data").mkdir()
    arguments = ["--app", str(tmp_path / "shop"), "--data-dir", str(tmp_path / "data")]
    with serving(*arguments, "--auto-migrate") as server:
        assert server.get("/add/one").text == "1"
        server.process.send_signal(signal.SIGUSR2)
        wait_for(lambda: sum("Listening on" in line for line in server.log) == 2, server)
        assert server.get("/add/two").text == "2"
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: any("configuration was read anew" in line for line in server.log))
        assert server.get("/add/three").text == "3"
