"""How often somebody may ask: token buckets (a steady rate with a burst)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable


class RateLimit:
    """One caller: ``per_second`` on average, ``burst`` at once."""

    __slots__ = ("_burst", "_clock", "_per_second", "_refilled_at", "_tokens")

    def __init__(
        self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ):
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._refilled_at = clock()

    def allows(self, cost: float = 1) -> bool:
        """Count one request, or one that counts for several; False where it is too many."""
        now = self._clock()
        earned = (now - self._refilled_at) * self._per_second
        self._tokens = min(self._burst, self._tokens + earned)
        self._refilled_at = now
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True

    def give_back(self) -> None:
        """One request that was counted does not count after all."""
        self._tokens = min(self._burst, self._tokens + 1)


class Pace:
    """Gives turns: ``burst`` of them at once, ``per_second`` on average; whoever comes too early is
    told for how long to wait."""

    __slots__ = ("_clock", "_lead", "_next", "_step")

    def __init__(
        self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ):
        self._step = 1 / per_second
        self._lead = burst * self._step
        self._clock = clock
        self._next = clock() - self._lead

    def wait_seconds(self, longest: float) -> float | None:
        """Take a turn and give the seconds until it; None, and none is taken, where that would be
        longer than ``longest``."""
        now = self._clock()
        turn = max(self._next, now - self._lead)
        seconds = max(0.0, turn - now)
        if seconds > longest:
            return None
        self._next = turn + self._step
        return seconds


class RateLimits:
    """Many callers by a key, of whom only the latest ``size`` are remembered. With 0 ``per_second``
    there is no limit."""

    def __init__(
        self,
        per_second: float,
        burst: float,
        size: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._per_second = per_second
        self._burst = burst
        self._size = size
        self._clock = clock
        self._limits: OrderedDict[str, RateLimit] = OrderedDict()

    def allows(self, key: str) -> bool:
        if not self._per_second:
            return True
        limit = self._limits.get(key)
        if limit is None:
            limit = self._limits[key] = RateLimit(self._per_second, self._burst, self._clock)
            if len(self._limits) > self._size:
                self._limits.popitem(last=False)
        else:
            self._limits.move_to_end(key)
        return limit.allows()

    def give_back(self, key: str) -> None:
        """One request of this caller that was counted does not count after all."""
        if key in self._limits:
            self._limits[key].give_back()
