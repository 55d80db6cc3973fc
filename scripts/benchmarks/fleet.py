"""Many businesses on one machine: start, memory, processor time at rest, and how quick it is while
some of them are in use. Takes minutes and some gigabytes of disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from scripts.benchmarks.figures import Figure
from scripts.benchmarks.fleet_load import Times, work
from scripts.benchmarks.fleet_making import Fleet, count_connections, make_fleet
from scripts.benchmarks.running import BenchServer, fetch_text, megabytes
from scripts.operations.fleet.status import read_fleet

REST_SECONDS = 20.0
SETTLE_SECONDS = 120.0
QUIET_PART = 0.05


def measure(
    instances: int,
    contacts: int,
    in_use: int,
    seconds: float,
    say: Callable[[str], None],
) -> Iterator[Figure]:
    """``in_use`` of the instances have a person at work for ``seconds``."""
    with make_fleet(instances, contacts, say) as fleet:
        say("Starting the server ...")
        server = fleet.serve()
        try:
            yield from _measure_start(fleet, server)
            say("Waiting until it is at rest ...")
            yield from _measure_rest(fleet, server)
            say(f"{in_use} are in use for {seconds:.0f} s ...")
            yield from _measure_use(fleet, server, in_use, seconds)
        finally:
            server.stop()


def _measure_start(fleet: Fleet, server: BenchServer) -> Iterator[Figure]:
    for name in fleet.names:
        fetch_text(server.port, "/_/health", f"{name}.localhost")
    yield Figure(f"fleet: start of {len(fleet.names)} instances", server.started_in, "s")


def _measure_rest(fleet: Fleet, server: BenchServer) -> Iterator[Figure]:
    """After the browsers' code has been made ready for all, nobody is there."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while _busy_part(fleet, server, 2.0) > QUIET_PART and time.monotonic() < deadline:
        pass
    yield Figure("fleet: processor at rest", 100 * _busy_part(fleet, server, REST_SECONDS), "%")
    yield from _measure_memory(fleet, server, "at rest")


def _measure_use(
    fleet: Fleet, server: BenchServer, in_use: int, seconds: float
) -> Iterator[Figure]:
    before, began = _cpu_seconds(fleet, server), time.monotonic()
    times = asyncio.run(work(fleet.names[:in_use], server.port, seconds))
    used = (_cpu_seconds(fleet, server) - before) / (time.monotonic() - began)
    yield Figure("fleet: processor in use", 100 * used, "%")
    yield from describe(times)
    yield from _measure_memory(fleet, server, "in use")
    for failure in times.failures[:3]:
        yield Figure(f"fleet: {failure}", 1, "")
    started = time.perf_counter()
    found = read_fleet(fleet.home, fleet.database)
    yield Figure("fleet: status of all", time.perf_counter() - started, "s")
    yield Figure("fleet: that are well", sum(each.health == "well" for each in found), "")


def describe(times: Times) -> Iterator[Figure]:
    yield Figure("fleet: log-ins with a dashboard", len(times.seconds["warm"]), "")
    yield Figure("fleet: failures", len(times.failures), "", goal=0)
    for name, told in (
        ("warm", "log-in plus dashboard"),
        ("log-in", "of that the log-in"),
        ("dashboard", "of that the dashboard"),
        ("search", "search among the contacts"),
        ("page", "page of the app"),
        ("cold", "first page, log-in and dashboard"),
    ):
        for part in (0.5, 0.95):
            taken = times.percentile(name, part) * 1000
            yield Figure(f"fleet: {told}, p{part * 100:.0f}", taken, "ms")


def _measure_memory(fleet: Fleet, server: BenchServer, when: str) -> Iterator[Figure]:
    held = server.memory_mb()
    database = sum(megabytes(process) for process in _postgres(fleet))
    yield Figure(f"fleet: memory of the server {when}", held["server"], "MB")
    yield Figure(f"fleet: memory of server code {when}", held["workers"], "MB")
    yield Figure(f"fleet: memory of Postgres {when}", database, "MB")
    whole = held["server"] + held["workers"] + database
    yield Figure(f"fleet: memory of all {when}", whole, "MB")
    yield Figure(f"fleet: database connections {when}", count_connections(fleet.database), "")


def _postgres(fleet: Fleet) -> list[psutil.Process]:
    pid = int((fleet.home.postgres / "data" / "postmaster.pid").read_text().split()[0])
    main = psutil.Process(pid)
    return [main, *main.children()]


def _busy_part(fleet: Fleet, server: BenchServer, seconds: float) -> float:
    """Processors' worth that server, server code and Postgres keep busy: 1.0 is one of them."""
    before, began = _cpu_seconds(fleet, server), time.monotonic()
    time.sleep(seconds)
    return (_cpu_seconds(fleet, server) - before) / (time.monotonic() - began)


def _cpu_seconds(fleet: Fleet, server: BenchServer) -> float:
    """Also of the children that have ended, as far as their parents have waited for them."""
    main = psutil.Process(server.process.pid)
    total = 0.0
    for process in [main, *main.children(recursive=True), *_postgres(fleet)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def tell_machine() -> str:
    """What it was measured on, and how busy that was with other things before."""
    memory = psutil.virtual_memory().total / 1e9
    disk = psutil.disk_usage(str(Path.cwd())).total / 1e9
    load = os.getloadavg()[0]
    cores = os.cpu_count()
    return f"{cores} cores, {memory:.0f} GB memory, {disk:.0f} GB disk, load {load:.1f} before"
