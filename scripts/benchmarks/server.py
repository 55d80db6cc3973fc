"""The server on its own: endpoints, calls, start and memory."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from scripts.benchmarks.figures import Figure, median_ms
from scripts.benchmarks.load import requests_per_second
from scripts.benchmarks.running import (
    TRIVIAL,
    BenchServer,
    Caller,
    many_instances,
    start_server,
)

MORE_INSTANCES = 10


def measure(server: BenchServer) -> Iterator[Figure]:
    """Figures of a server that was just started and has served its first requests."""
    yield Figure(
        "trivial endpoint, 8 clients",
        requests_per_second(server.port, TRIVIAL),
        "1/s",
        goal=1200,
        anvil=(220, 570),
    )
    health = requests_per_second(server.port, "/_/manifest.json", rounds=3)
    yield Figure("address without server code, 8 clients", health, "1/s")
    with Caller(server.port) as caller:
        yield Figure(
            "call from an open socket, median", median_ms(lambda: caller.call("echo", 1), 300), "ms"
        )
    yield from measure_start(server)


def measure_start(server: BenchServer) -> Iterator[Figure]:
    """Start it again on the migrated database, three times, then see what it holds when idle."""
    started = []
    for _ in range(3):
        server.stop()
        again = start_server(server.database_url, server.folder)
        server.process, server.port = again.process, again.port
        started.append(again.started_in)
    yield Figure(
        "start to first answer, migrated database",
        statistics.median(started),
        "s",
        goal=1.5,
        anvil=(5.2, 5.2),
    )
    yield from measure_memory(server)


def measure_memory(server: BenchServer) -> Iterator[Figure]:
    """What a server holds with one instance and with eleven, each with a worker that is idle."""
    held = {}
    for count in (1, 1 + MORE_INSTANCES):
        with many_instances(server, count) as many:
            memory = many.memory_mb()
            held[count] = memory["server"] + memory["workers"]
    each = (held[1 + MORE_INSTANCES] - held[1]) / MORE_INSTANCES
    yield Figure(
        "memory of an idle instance, its worker included", each, "MB", goal=30, anvil=(330, 330)
    )
    yield Figure("memory of a server with one instance, all processes", held[1], "MB")
