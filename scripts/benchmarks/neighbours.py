"""What an instance that goes astray costs its neighbours on the same server.

People work in some businesses, once while nothing is wrong and once while one other instance loops,
takes all the memory it gets, crashes or is flooded with calls; in turns, so that whatever else
happens on the machine meets both alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from scripts.benchmarks.figures import Figure
from scripts.benchmarks.fleet_load import Times, work
from scripts.benchmarks.fleet_making import Fleet, make_fleet
from scripts.benchmarks.misbehaving import KINDS, SERVER
from scripts.benchmarks.running import ROOT, BenchServer

CONTACTS = 10_000
NEIGHBOURS = 4
ROUNDS = 4
THINK_SECONDS = 0.5
NOTICE_SECONDS = 4.0
"""The server has so long to notice; only then it is measured."""
TOLERANCE = 1.2


def measure(seconds: float, say: Callable[[str], None]) -> Iterator[Figure]:
    """Each round of each kind takes ``seconds`` twice."""
    with make_fleet(1 + NEIGHBOURS, CONTACTS, say) as fleet:
        wild = fleet.instances[0]
        code = wild.path / wild.package_name / "server_code"
        code.mkdir()
        (code / "misbehaving.py").write_text(SERVER)
        server = fleet.serve()
        try:
            _work(fleet, server, 10.0, Times(), 0)  # everybody's server code is there
            for kind in KINDS:
                say(f"{kind} ...")
                yield from _measure_kind(fleet, server, kind, seconds)
        finally:
            server.stop()


def _measure_kind(fleet: Fleet, server: BenchServer, kind: str, seconds: float) -> Iterator[Figure]:
    quiet, beside = Times(), Times()
    for number in range(ROUNDS):
        _work(fleet, server, seconds, quiet, number)
        with _misbehaving(fleet, server, kind):
            time.sleep(NOTICE_SECONDS)
            _work(fleet, server, seconds, beside, number)
        time.sleep(NOTICE_SECONDS)
    for name, told in (("warm", "log-in plus dashboard"), ("search", "search")):
        for part in (0.5, 0.95):
            base = quiet.percentile(name, part) * 1000
            yield Figure(
                f"neighbours: {told} beside {kind}, p{part * 100:.0f} "
                f"of {len(beside.seconds[name])}",
                beside.percentile(name, part) * 1000,
                "ms",
                goal=TOLERANCE * base,
                baseline=base,
                baseline_name="without it",
            )
    yield Figure(f"neighbours: failures beside {kind}", len(beside.failures), "", goal=0)


def _work(fleet: Fleet, server: BenchServer, seconds: float, times: Times, seed: int) -> None:
    """Add what people experience. Equal seeds let them do the same."""
    found = asyncio.run(
        work(fleet.names[1:], server.port, seconds, think_seconds=THINK_SECONDS, seed=seed)
    )
    for name, taken in found.seconds.items():
        kind = "warm" if name == "cold" else name
        times.seconds[kind] += taken
    times.failures += found.failures


@contextlib.contextmanager
def _misbehaving(fleet: Fleet, server: BenchServer, kind: str) -> Iterator[None]:
    command = [sys.executable, "-m", "scripts.benchmarks.misbehaving"]
    child = subprocess.Popen(
        [*command, kind, fleet.names[0], str(server.port)], cwd=ROOT, start_new_session=True
    )
    try:
        yield
    finally:
        child.kill()
        child.wait()
