"""What an instance counts while it serves. Plain numbers: counting takes a microsecond, and what
turns them into Prometheus's format is loaded when somebody asks (``http/metrics.py``)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from app_server.limits import MAX_COUNTED_FUNCTIONS

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds: 50 ms is a good page, 30 s is when a call is cut off."""

OTHER_FUNCTIONS = "(other)"
NO_FUNCTION = "(unknown)"


@dataclass(slots=True)
class Durations:
    """A histogram. ``counts`` has one more than there are bounds: what took longer."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total_seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total_seconds += seconds


@dataclass(slots=True)
class InstanceMetrics:
    """``requests`` by kind, method and status; ``calls`` by function and outcome (``ok``, or the
    error's type); ``call_seconds`` by origin, as Anvil names it; ``worker_ends`` by why a process
    of server code ended (``workers.endings.EndReason``); ``paced_calls``, those that waited so that
    the neighbours go on."""

    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    request_seconds: dict[str, Durations] = field(default_factory=dict)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    call_seconds: dict[str, Durations] = field(default_factory=dict)
    function_seconds: Counter[str] = field(default_factory=Counter)
    worker_ends: Counter[str] = field(default_factory=Counter)
    worker_cpu_seconds: float = 0.0
    paced_calls: int = 0

    def knows(self, function: str) -> bool:
        return function in self.function_seconds

    def add_request(self, kind: str, method: str, status: int, seconds: float) -> None:
        self.requests[kind, method, status] += 1
        self.request_seconds.setdefault(kind, Durations()).add(seconds)

    def add_call(self, function: str, origin: str, outcome: str, seconds: float) -> None:
        if not self.knows(function) and len(self.function_seconds) >= MAX_COUNTED_FUNCTIONS:
            function = OTHER_FUNCTIONS
        self.calls[function, outcome] += 1
        self.function_seconds[function] += seconds  # type: ignore[assignment]
        self.call_seconds.setdefault(origin, Durations()).add(seconds)


def request_kind(path: str) -> str:
    """What sort of address it is; few, so that few series come of it."""
    if not path.startswith("/_/"):
        return "page"
    if path.startswith("/_/api/"):
        return "api"
    if path.startswith(("/_/theme/", "/_/runtime/", "/_/app/", "/_/lm/")):
        return "asset"
    return "system"
