"""An instance that goes astray: what is done so that its neighbours go on as before.

By how much they are slowed is measured by `scripts/bench neighbours`; here the means are tested.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from app_server.limits import CRASHES_FORGIVEN
from app_server.rates import Pace
from app_server.workers.endings import EndReason
from app_server.workers.fairness import CrashPause, ProcessorShare
from app_server.workers.priority import LOW_PRIORITY
from app_server.workers.workers import Workers
from tests.app_server.running import CallFailed, RunningServer, start_server, write_files
from tests.hard.test_workers import begun, until

MEGABYTE = 1024 * 1024
SERVER = """
import os, time
import anvil.server

kept = []

@anvil.server.callable
def pid():
    return os.getpid()

@anvil.server.callable
def loop(path):
    with open(path + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(path + ".new", path)
    while not os.path.exists(path + ".end"):
        pass
    return "ended"

@anvil.server.callable
def hold(megabytes, path):
    with open(path + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(path + ".new", path)
    kept.append(os.urandom(1024) * 1024 * megabytes)
    while not os.path.exists(path + ".end"):
        time.sleep(0.02)
    kept.clear()
    return "held"

@anvil.server.callable
def die():
    os._exit(3)
"""
ANVIL_YAML = "package_name: client\nruntime_options: {version: 3, server_persist: true}\n"
LIMITS = {
    # A looping process may get little of a busy machine.
    "GREEDY_PROCESSOR_PART": 0.04,
    "MODEST_PROCESSOR_PART": 0.03,
    "MAX_INSTANCE_MEMORY_BYTES": 420 * MEGABYTE,
    "CRASH_PAUSE_SECONDS": 25,
    "PACED_CALLS_PER_SECOND": 50,
    "PACED_CALL_BURST": 60,
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server of two instances, `wild` and `quiet`."""
    folder = tmp_path_factory.mktemp("neighbours")
    for name in ("wild", "quiet"):
        options = {"app": "client", "data-dir": "data", "database": "none"}
        options |= {"origin": f"http://{name}.localhost:3030"}
        write_files(
            folder,
            {
                f"{name}/client/anvil.yaml": ANVIL_YAML,
                f"{name}/client/server_code/main.py": SERVER,
                f"{name}/data/.keep": "",
                f"{name}/instance.yaml": yaml.safe_dump(options),
            },
        )
    words = [f"{name}={number}" for name, number in LIMITS.items()]
    program = ("tests.hard.with_limits", *words, "--")
    running = start_server(["--instances", str(folder)], cwd=folder, program=program)
    yield running.port
    running.stop()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def call(port: int, name: str, function: str, *args: Any) -> Any:
    # Each caller has a session of its own.
    server = RunningServer(None, port, f"{name}.localhost")  # type: ignore[arg-type]
    with server.client, server.browser() as browser:
        return browser.call(function, *args)


def priority(process: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, process)


def read_metric(port: int, name: str, metric: str) -> float:
    server = RunningServer(None, port, f"{name}.localhost")  # type: ignore[arg-type]
    with server.client:
        text = server.client.get(
            f"http://127.0.0.1:{port}/_/metrics", headers={"Host": f"{name}.localhost"}
        ).text
    found = re.search(rf"^{re.escape(metric)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_server_code_that_loops_lets_its_neighbours_go_first(
    port: int, pool: ThreadPoolExecutor, tmp_path: Path
):
    neighbour = call(port, "quiet", "pid")
    path = tmp_path / "loop"
    looping = pool.submit(call, port, "wild", "loop", str(path))
    process = begun(path)
    until(lambda: priority(process) == LOW_PRIORITY)
    # By these limits its own start may have been a lot.
    until(lambda: priority(neighbour) == 0)
    assert read_metric(port, "wild", "mybizz_worker_yields") == 1
    assert read_metric(port, "quiet", "mybizz_worker_yields") == 0
    second = pool.submit(call, port, "wild", "loop", str(path.with_name("loop2")))
    until(lambda: priority(begun(path.with_name("loop2"))) == LOW_PRIORITY)
    for one in (path, path.with_name("loop2")):
        one.with_name(f"{one.name}.end").touch()
    assert {looping.result(30), second.result(30)} == {"ended"}
    until(lambda: read_metric(port, "wild", "mybizz_worker_yields") == 0)
    until(lambda: priority(call(port, "wild", "pid")) == 0)
    assert read_metric(port, "wild", "mybizz_worker_cpu_seconds_total") > 0


def test_a_flood_is_paced_while_there_are_neighbours(port: int):
    call(port, "quiet", "pid")
    server = RunningServer(None, port, "wild.localhost")  # type: ignore[arg-type]
    with server.client, server.browser() as browser:
        ids = [f"flood-{number}" for number in range(LIMITS["PACED_CALL_BURST"] + 20)]
        for call_id in ids:
            message = {"type": "CALL", "id": call_id, "v": 1, "command": "pid", "args": []}
            browser.socket.send(json.dumps({**message, "kwargs": {}, "objects": []}))
        waiting = set(ids)
        while waiting:
            answer = json.loads(browser.socket.recv(timeout=60))
            assert "response" in answer, answer
            waiting.remove(answer["id"])
    assert read_metric(port, "wild", "mybizz_calls_paced_total") > 0
    assert read_metric(port, "quiet", "mybizz_calls_paced_total") == 0


def test_processes_of_an_instance_share_one_limit_of_memory(
    port: int, pool: ThreadPoolExecutor, tmp_path: Path
):
    """Two that hold 180 and 230 MB are too much together: the larger one is ended."""
    first = pool.submit(call, port, "wild", "hold", 180, str(tmp_path / "first"))
    survivor = begun(tmp_path / "first")
    with pytest.raises(CallFailed, match="All processes of an app may use 420 MB"):
        call(port, "wild", "hold", 230, str(tmp_path / "second"))
    assert begun(tmp_path / "second") != survivor
    until(lambda: priority(survivor) == LOW_PRIORITY)
    assert read_metric(port, "wild", "mybizz_worker_yields") == 1
    (tmp_path / "first.end").touch()
    assert first.result(30) == "held"
    assert read_metric(port, "wild", 'mybizz_worker_ends_total{reason="memory"}') == 1


def test_code_that_crashes_again_and_again_is_started_more_slowly(port: int):
    """After the test before, one end is remembered already."""
    neighbour = call(port, "quiet", "pid")
    messages = []
    for _ in range(CRASHES_FORGIVEN + 2):
        with pytest.raises(CallFailed) as failed:
            call(port, "wild", "die")
        messages.append(str(failed.value))
    assert re.search(r"ended unexpectedly \d times in the last minute", messages[-1])
    assert "started again in" in messages[-1]
    ends = read_metric(port, "wild", 'mybizz_worker_ends_total{reason="crash"}')
    with pytest.raises(CallFailed, match="ended unexpectedly"):
        call(port, "wild", "die")
    assert read_metric(port, "wild", 'mybizz_worker_ends_total{reason="crash"}') == ends
    assert read_metric(port, "wild", "mybizz_worker_pause_seconds") > 0
    assert call(port, "quiet", "pid") == neighbour
    assert read_metric(port, "quiet", "mybizz_worker_pause_seconds") == 0


@pytest.mark.parametrize(
    ("used", "is_greedy"),
    [
        pytest.param([1.2], False, id="a second, as for the import of an app"),
        pytest.param([2.0, 2.0, 2.0], True, id="two processors for three seconds"),
        pytest.param([0.5] * 20, False, id="half a processor of two for long"),
        pytest.param([2.0] * 3 + [0.5], True, id="a little less for a second"),
        pytest.param([2.0] * 3 + [0.0] * 10, False, id="at rest again"),
    ],
)
def test_judges_by_what_is_used_for_some_seconds(used: list[float], is_greedy: bool):
    share = ProcessorShare(processors=2)
    for seconds in used:
        share.take(seconds, 1.0)
    assert share.is_greedy is is_greedy


def test_one_that_yields_and_waits_is_not_taken_for_modest():
    """It gets next to nothing beside others, and would take all again."""
    share = ProcessorShare(processors=2)
    for _ in range(3):
        share.take(2.0, 1.0)
    for _ in range(30):
        share.take(0.02, 1.0, waited_seconds=3.0)
        assert share.is_greedy
    for _ in range(10):
        share.take(0.02, 1.0, waited_seconds=0.0)
    assert not share.is_greedy
    for _ in range(30):
        share.take(0.2, 1.0, waited_seconds=3.0)
    assert not share.is_greedy, "who only waits for others takes nothing from them"


def test_calls_beyond_the_pace_wait_for_their_turn():
    now = [100.0]
    pace = Pace(per_second=10, burst=3, clock=lambda: now[0])
    waits = [pace.wait_seconds(longest=0.25) for _ in range(7)]
    assert waits == pytest.approx([0, 0, 0, 0, 0.1, 0.2, None])
    now[0] += 0.3
    assert pace.wait_seconds(0.25) == pytest.approx(0), "what was refused took no turn"
    now[0] += 60
    assert [pace.wait_seconds(0.25) for _ in range(5)] == pytest.approx([0, 0, 0, 0, 0.1])


def test_the_pause_after_crashes_doubles_and_ends():
    pauses = CrashPause()
    for _ in range(CRASHES_FORGIVEN):
        pauses.note(100.0)
    assert pauses.left(100.0) == 0
    waited = []
    for second in range(101, 111):
        pauses.note(float(second))
        waited.append(pauses.left(float(second)))
    assert waited == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    assert pauses.left(200.0) == 0
    pauses.note(200.0)
    assert pauses.left(200.0) == 0, "what lies a minute back is forgotten"


def test_who_lost_a_process_to_memory_is_on_probation_for_a_minute():
    pauses = CrashPause()
    pauses.note(100.0)
    assert not pauses.is_on_probation(100.0), "one crash is forgiven"
    pauses.note(101.0, took_memory=True)
    assert pauses.is_on_probation(160.0) and not pauses.is_on_probation(162.0)
    for second in range(CRASHES_FORGIVEN):
        pauses.note(200.0 + second)
        assert not pauses.is_on_probation(200.0 + second)
    pauses.note(210.0)
    assert pauses.is_on_probation(210.0), "crashes again and again"


class Hog:
    """A worker that holds so much memory."""

    def __init__(self, megabytes: int):
        self.process = SimpleNamespace(resident_bytes=lambda: megabytes * MEGABYTE)
        self.priority = SimpleNamespace(lower=lambda: None)
        self.ended: EndReason | None = None

    def kill(self, _error: object, reason: EndReason) -> None:
        self.ended = reason


@dataclass(eq=False)
class Herd:
    """The workers of an instance."""

    workers: list[Hog]
    memory_bytes: int = 0


@pytest.mark.parametrize(
    ("free_part", "machine", "ended"),
    [
        pytest.param(0.5, 5000, [], id="enough is left"),
        pytest.param(0.01, 5000, [300], id="none is left"),
        pytest.param(0.01, 50_000, [], id="none is left, and others took it"),
    ],
)
def test_a_machine_without_memory_ends_the_largest_of_who_took_most(
    free_part: float, machine: int, ended: list[int]
):
    """Not the largest process of all: its instance took less."""
    hogs = {size: Hog(size) for size in (350, 300, 299, 10)}
    workers: Any = Workers()
    workers.machine_bytes = machine * MEGABYTE
    workers._alive = set(hogs.values())
    workers.pools = {Herd([hogs[350], hogs[10]]), Herd([hogs[300], hogs[299]])}
    workers.check_memory(free_part)
    assert [size for size, hog in hogs.items() if hog.ended is EndReason.MEMORY] == ended
