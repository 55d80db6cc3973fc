"""Server code that loops, leaks, hangs, forks, dies or writes rubbish takes only itself down."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.app_server.running import ANVIL_YAML, CallFailed, RunningServer, serve_app
from tests.hard.crowd import size_of

TIMEOUT = 4
MEGABYTE = 1024 * 1024
OUTPUT_MEGABYTES = size_of("OUTPUT_MEGABYTES", 40)
TERMINATED = "anvil.server.ExecutionTerminatedError"
SERVER = """
import ctypes, json, os, struct, subprocess, sys, time
import anvil.server
from anvil import _threaded_server

kept = []

def begin(path):
    with open(path + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(path + ".new", path)

@anvil.server.callable
def pid():
    return os.getpid()

@anvil.server.callable
def wait_for(path):
    begin(path + ".begun")
    while not os.path.exists(path):
        time.sleep(0.02)
    return "seen"

@anvil.server.callable
def loop(path):
    begin(path)
    while True:
        pass

@anvil.server.callable
def hold_the_interpreter(path):
    begin(path)
    ctypes.PyDLL(None).sleep(60)

@anvil.server.callable
def leak(path, megabytes):
    begin(path)
    for _ in range(megabytes):
        kept.append(os.urandom(1024) * 1024)
    time.sleep(60)

@anvil.server.callable
def leave_children(path):
    child = subprocess.Popen(["sleep", "600"])
    twin = os.fork()
    if twin == 0:
        time.sleep(600)
        os._exit(0)
    with open(path + ".new", "w") as file:
        file.write(f"{os.getpid()} {child.pid} {twin}")
    os.rename(path + ".new", path)
    time.sleep(60)

@anvil.server.callable
def die(path, how):
    begin(path)
    if how == "exit":
        os._exit(3)
    elif how == "kill":
        os.kill(os.getpid(), 9)
    elif how == "crash":
        ctypes.string_at(0)
    time.sleep(60)

def send(text, size=None):
    data = struct.pack("=?I", False, len(text) if size is None else size) + text
    for fd in range(3, 50):
        try:
            if os.readlink(f"/proc/self/fd/{fd}").startswith(("socket", "pipe")):
                break
        except OSError:
            pass
    while data:
        try:
            data = data[os.write(fd, data):]
        except BlockingIOError:
            time.sleep(0.001)

@anvil.server.callable
def write_rubbish(path, kind):
    begin(path)
    if kind == "bytes":
        send(b"x" * 1000, 2000000000)
    elif kind == "length":
        send(b"{}", 2 ** 32 - 1)
    elif kind == "list":
        send(b"[1, 2]")
    elif kind == "text":
        send(b"what?")
    time.sleep(60)

@anvil.server.callable
def answer_rubbish(kind):
    message = {"id": _threaded_server.call_info.call_id, "response": None}
    if kind == "objects":
        message["objects"] = 5
    elif kind == "object":
        message["objects"] = [{"type": ["Capability"], "path": [[]], "scope": 7}]
    elif kind == "session":
        message["sessionData"] = {"session": 5, "objects": {"a": 1}}
    elif kind == "error":
        message = {"id": message["id"], "error": [1, 2]}
    text = json.dumps(message)
    if kind == "deep":
        text = text.replace("null", "[" * 980 + "]" * 980)
    elif kind == "numbers":
        text = text.replace("null", "[NaN, 1e999, -0, 1" + "0" * 5000 + "]")
    send(text.encode())
    time.sleep(60)

@anvil.server.callable
def print_much(megabytes, line):
    text = "x" * line
    for _ in range(megabytes * 1024 * 1024 // line):
        sys.stdout.write(text)
    print()
    print("the end")
    return "done"

@anvil.server.callable
def give(size):
    return "x" * size

@anvil.server.callable
def take(value):
    return len(value)
"""


def limited(**limits: float) -> tuple[str, ...]:
    """For ``serve_app``: the server with other limits. Crashes are what is tested here: none is one
    too many (see test_neighbours.py)."""
    limits = {"CRASHES_FORGIVEN": 1000, **limits}
    words = [f"{name}={number}" for name, number in limits.items()]
    return ("tests.hard.with_limits", *words, "--")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("workers")
    program = limited(CALL_TIMEOUT_SECONDS=TIMEOUT, MAX_WORKER_MEMORY_BYTES=400 * MEGABYTE)
    with serve_app(folder, {"server_code/main.py": SERVER}, program=program) as running:
        yield running


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the usual time-outs, for what is a lot of work."""
    folder = tmp_path_factory.mktemp("patient")
    with serve_app(folder, {"server_code/main.py": SERVER}, program=limited()) as running:
        yield running


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose calls share one worker process, as they do when there may be no more."""
    folder = tmp_path_factory.mktemp("narrow")
    program = limited(CALL_TIMEOUT_SECONDS=TIMEOUT, MAX_WORKERS_PER_INSTANCE=1)
    with serve_app(folder, {"server_code/main.py": SERVER}, program=program) as running:
        yield running


def call(server: RunningServer, function: str, *args: Any) -> Any:
    with server.browser() as browser:
        return browser.call(function, *args)


def call_beside(pool: ThreadPoolExecutor, server: RunningServer, *call_: Any) -> Future[Any]:
    return pool.submit(call, server, *call_)


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def begun(path: Path) -> int:
    """The id of the process in which a function began that was given this path."""
    until(path.exists)
    return int(path.read_text().split()[0])


def refused(future: Future[Any]) -> CallFailed:
    error = future.exception(60)
    assert isinstance(error, CallFailed), error
    return error


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as made:
        yield made


@pytest.fixture
def beside(server: RunningServer, pool: ThreadPoolExecutor, tmp_path: Path) -> Iterator[Path]:
    """A call that goes on during the test and ends well after it. Gives the path that it waits
    for."""
    path = tmp_path / "go"
    waiting = call_beside(pool, server, "wait_for", str(path))
    until(Path(f"{path}.begun").exists)
    yield path
    path.touch()
    assert waiting.result(20) == "seen"


def gone(process: int, seconds: float = 5) -> None:
    """The process with this id ends in time."""
    until(lambda: not is_alive(process), seconds)


def is_alive(process: int) -> bool:
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("function", ["loop", "hold_the_interpreter"])
def test_what_does_not_end_is_ended_alone(
    server: RunningServer, pool: ThreadPoolExecutor, tmp_path: Path, beside: Path, function: str
):
    looping = call_beside(pool, server, function, str(tmp_path / "begun"))
    process = begun(tmp_path / "begun")
    assert call(server, "pid") != process, "others are served meanwhile"
    beside.touch()
    assert refused(looping).type == "anvil.server.TimeoutError"
    gone(process)


def test_calls_that_share_a_process_with_a_loop_finish(
    narrow: RunningServer, pool: ThreadPoolExecutor, tmp_path: Path
):
    looping = call_beside(pool, narrow, "loop", str(tmp_path / "begun"))
    process = begun(tmp_path / "begun")
    assert call(narrow, "pid") == process, "as a thread, where there may be no other process"
    until(lambda: time.time() - (tmp_path / "begun").stat().st_mtime > TIMEOUT / 2)
    later = call_beside(pool, narrow, "wait_for", str(tmp_path / "go"))
    assert begun(tmp_path / "go.begun") == process
    assert refused(looping).type == "anvil.server.TimeoutError"
    assert call(narrow, "pid") != process, "new calls go to a fresh one"
    assert is_alive(process) and not later.done()
    (tmp_path / "go").touch()
    assert later.result(20) == "seen"
    gone(process)


def test_calls_in_a_process_that_dies_fail_at_once(
    narrow: RunningServer, pool: ThreadPoolExecutor, tmp_path: Path
):
    sharing = call_beside(pool, narrow, "wait_for", str(tmp_path / "never"))
    process = begun(tmp_path / "never.begun")
    dying = call_beside(pool, narrow, "die", str(tmp_path / "begun"), "exit")
    assert begun(tmp_path / "begun") == process
    started = time.monotonic()
    assert {refused(sharing).type, refused(dying).type} == {TERMINATED}
    assert time.monotonic() - started < TIMEOUT / 2
    assert call(narrow, "pid") != process


def test_a_stopped_process_holds_nobody_up(
    server: RunningServer, pool: ThreadPoolExecutor, tmp_path: Path, beside: Path
):
    """What is sent to it waits for it alone."""
    stopped = call(server, "pid")
    os.kill(stopped, signal.SIGSTOP)
    beside.touch()
    data = "x" * (8 * MEGABYTE)
    sent = [call_beside(pool, server, "take", data) for _ in range(3)]
    results = [future.exception(60) for future in sent]
    late = [error for error in results if error is not None]
    assert all(getattr(error, "type", None) == "anvil.server.TimeoutError" for error in late)
    assert len(late) == 1, "those that went elsewhere were served"
    gone(stopped)
    assert call(server, "take", data) == len(data)


@pytest.mark.parametrize("how", ["exit", "kill", "crash"])
def test_a_process_that_dies_fails_its_call_at_once(
    server: RunningServer, pool: ThreadPoolExecutor, tmp_path: Path, beside: Path, how: str
):
    started = time.monotonic()
    dying = call_beside(pool, server, "die", str(tmp_path / "begun"), how)
    process = begun(tmp_path / "begun")
    assert refused(dying).type == TERMINATED
    assert time.monotonic() - started < TIMEOUT / 2
    gone(process)
    assert call(server, "pid") != process


@pytest.mark.parametrize("kind", ["bytes", "length", "list", "text"])
def test_a_process_that_writes_rubbish_is_ended(
    server: RunningServer, pool: ThreadPoolExecutor, tmp_path: Path, beside: Path, kind: str
):
    writing = call_beside(pool, server, "write_rubbish", str(tmp_path / "begun"), kind)
    process = begun(tmp_path / "begun")
    assert refused(writing).type == TERMINATED
    gone(process)


@pytest.mark.parametrize("kind", ["objects", "object", "session", "error", "deep", "numbers"])
def test_an_answer_that_is_rubbish_fails_its_call_clearly(
    server: RunningServer, beside: Path, kind: str
):
    started = time.monotonic()
    try:
        call(server, "answer_rubbish", kind)
    except CallFailed as failure:
        assert failure.type != "anvil.server.InternalError" and failure.message
    else:
        assert kind in ("session", "numbers")
    assert time.monotonic() - started < TIMEOUT / 2
    assert "Internal server error" not in "".join(server.log)


def test_a_process_that_leaks_is_ended(
    server: RunningServer, pool: ThreadPoolExecutor, tmp_path: Path, beside: Path
):
    leaking = call_beside(pool, server, "leak", str(tmp_path / "begun"), 600)
    process = begun(tmp_path / "begun")
    failure = refused(leaking)
    assert failure.type == TERMINATED
    assert "MB of memory" in str(failure.message) and "400 MB" in str(failure.message)
    gone(process)


def test_what_a_process_started_ends_with_it(
    server: RunningServer, pool: ThreadPoolExecutor, tmp_path: Path, beside: Path
):
    path = tmp_path / "pids"
    leaving = call_beside(pool, server, "leave_children", str(path))
    process = begun(path)
    children = [int(word) for word in path.read_text().split()[1:]]
    os.kill(process, signal.SIGKILL)
    started = time.monotonic()
    assert refused(leaving).type == TERMINATED, "though a child has its end of the pipe"
    assert time.monotonic() - started < TIMEOUT / 2
    for child in children:
        gone(child)


@pytest.mark.parametrize("line", [100, 10_000, 20 * MEGABYTE])
def test_megabytes_of_output_harm_nobody(
    patient: RunningServer,
    pool: ThreadPoolExecutor,
    line: int,
    record_figure: Callable[[str, object], None],
):
    server = patient
    megabytes = OUTPUT_MEGABYTES if line > 1000 else OUTPUT_MEGABYTES // 10
    before = len(server.log)
    memory = psutil.Process(server.process.pid).memory_info().rss
    printing = call_beside(pool, server, "print_much", megabytes, line)
    slowest = 0.0
    with server.browser() as browser:
        while not printing.done():
            started = time.monotonic()
            browser.call("anvil.private.echo", 1)
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(0.02)  # as many calls as one browser may make
    assert printing.result() == "done"
    record_figure(f"slowest other call, lines of {line}", round(slowest, 3))
    logged = sum(len(text) for text in server.log[before:])
    assert 0 < logged < 2 * MEGABYTE
    if line == 100:
        assert any("prints more than the log takes" in text for text in server.log[before:])
    assert slowest < 2
    assert psutil.Process(server.process.pid).memory_info().rss - memory < 150 * MEGABYTE


def test_too_large_an_answer_is_refused(patient: RunningServer):
    with pytest.raises(CallFailed, match="too much data"):
        call(patient, "give", 30 * MEGABYTE)


def test_without_persistent_processes_each_call_has_its_own(
    tmp_path: Path, pool: ThreadPoolExecutor
):
    yaml = ANVIL_YAML.replace("server_persist: true", "server_persist: false")
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    program = limited(CALL_TIMEOUT_SECONDS=TIMEOUT)
    with serve_app(tmp_path, files, anvil_yaml=yaml, program=program) as server:
        waiting = call_beside(pool, server, "wait_for", str(tmp_path / "go"))
        looping = call_beside(pool, server, "loop", str(tmp_path / "begun"))
        looped = begun(tmp_path / "begun")
        with pytest.raises(CallFailed):
            call(server, "die", str(tmp_path / "died"), "kill")
        (tmp_path / "go").touch()
        assert waiting.result(20) == "seen"
        assert refused(looping).type == "anvil.server.TimeoutError"
        for process in (looped, begun(tmp_path / "died"), begun(tmp_path / "go.begun")):
            gone(process)
