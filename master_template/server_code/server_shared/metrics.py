"""How often each callable is called, how it ends, and how long it takes.

Every call is counted in the memory of its worker, and the worker writes its sums down at most every
FLUSH_SECONDS: no call writes a row of its own, except after a pause. One that failed on our side is
written down at once. What a worker has not written when it is killed is lost: the calls of the last
FLUSH_SECONDS at most, and none of them a fault of ours.

The table holds these parts until a nightly task makes one row of them for each callable and hour,
and after HOURS_KEPT for each day. There is no state but the table: the task may be killed anywhere
and run twice.
"""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from . import clock

FLUSH_SECONDS = 30.0
HOURS_KEPT = 48
PART, HOUR, DAY = "part", "hour", "day"

# Upper ends of the buckets of durations; a percentile is right to within one of them.
BUCKETS_MS = (
    *(2, 5, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750),
    *(1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000, 30_000, 60_000),
)
FAILED_ON_OUR_SIDE = "internal"

log = logging.getLogger("mybizz.metrics")


@dataclass
class Sums:
    """Of one callable over some time. ``failures`` by error code; ``durations`` by the number of
    the bucket, where the last has no end."""

    calls: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    durations: Counter[int] = field(default_factory=Counter)
    total_ms: float = 0.0
    max_ms: float = 0.0

    def add(self, code: str, milliseconds: float) -> None:
        """Count a call that ended with this error code, '' for none."""
        self.calls += 1
        if code:
            self.failures[code] += 1
        self.durations[bisect_left(BUCKETS_MS, milliseconds)] += 1
        self.total_ms += milliseconds
        self.max_ms = max(self.max_ms, milliseconds)

    def merge(self, other: Sums) -> None:
        """Add what another one has counted."""
        self.calls += other.calls
        self.failures += other.failures
        self.durations += other.durations
        self.total_ms += other.total_ms
        self.max_ms = max(self.max_ms, other.max_ms)

    def percentile_ms(self, percent: float) -> float:
        """The duration that so many percent of the calls did not exceed, by even spread within its
        bucket; 0 where there were none."""
        wanted = self.calls * percent / 100
        before = 0
        for bucket in sorted(self.durations):
            count = self.durations[bucket]
            if before + count >= wanted:
                low = BUCKETS_MS[bucket - 1] if bucket else 0
                high = BUCKETS_MS[bucket] if bucket < len(BUCKETS_MS) else self.max_ms
                high = min(high, self.max_ms)
                return round(min(low, high) + max(0, high - low) * (wanted - before) / count, 1)
            before += count
        return 0.0

    def to_columns(self) -> dict[str, Any]:
        """As a row holds it."""
        return {
            "calls": self.calls,
            "failures": dict(self.failures),
            "durations": {str(bucket): count for bucket, count in self.durations.items()},
            "total_ms": self.total_ms,
            "max_ms": self.max_ms,
        }

    @classmethod
    def from_row(cls, row: Any) -> Sums:
        """What a row holds."""
        return cls(
            int(row["calls"]),
            Counter({code: int(count) for code, count in dict(row["failures"] or {}).items()}),
            Counter({int(at): int(count) for at, count in dict(row["durations"] or {}).items()}),
            float(row["total_ms"]),
            float(row["max_ms"]),
        )


class Meter:
    """What one worker has counted and not written down yet. Its threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[tuple[str, datetime], Sums] = {}
        self._flushed_at: float | None = None

    def count(self, name: str, code: str, milliseconds: float) -> bool:
        """Count a call; whether it is time to flush."""
        hour = hour_of(clock.now())
        now = time.monotonic()
        with self._lock:
            self._sums.setdefault((name, hour), Sums()).add(code, milliseconds)
            is_due = self._flushed_at is None or now - self._flushed_at >= FLUSH_SECONDS
            if is_due or code == FAILED_ON_OUR_SIDE:
                # Now, so that threads which come meanwhile do not flush as well.
                self._flushed_at = now
                return True
            return False

    def flush(self) -> None:
        """Write everything down, in one request. What cannot be written waits for the next time."""
        with self._lock:
            taken, self._sums = self._sums, {}
        if not taken:
            return
        try:
            app_tables.callable_metrics.add_rows(
                {"name": name, "period_start": hour, "period": PART, **sums.to_columns()}
                for (name, hour), sums in taken.items()
            )
        except Exception:
            # Whoever called must not hear that counting it failed.
            log.exception("the metrics of %d calls wait", sum(s.calls for s in taken.values()))
            with self._lock:
                for key, sums in taken.items():
                    self._sums.setdefault(key, Sums()).merge(sums)


# The one thing that a worker remembers between calls.
meter = Meter()


def count(name: str, code: str, seconds: float) -> None:
    """Count a call that has ended, with its error code or ''."""
    if meter.count(name, code, seconds * 1000):
        meter.flush()


def hour_of(moment: datetime) -> datetime:
    """When its hour began."""
    return moment.replace(minute=0, second=0, microsecond=0)


def read_sums(start: datetime, end: datetime) -> dict[str, Sums]:
    """What was written down of each callable, of the hours and days that began in this time."""
    found = app_tables.callable_metrics.search(
        q.page_size(500),
        period_start=q.all_of(q.greater_than_or_equal_to(start), q.less_than(end)),
    )
    return sum_rows(found)


def sum_rows(rows: Iterable[Any]) -> dict[str, Sums]:
    """The sums of rows by the name of the callable."""
    sums: dict[str, Sums] = {}
    for row in rows:
        sums.setdefault(row["name"], Sums()).merge(Sums.from_row(row))
    return sums


def next_to_compact(now: datetime) -> tuple[datetime, timedelta] | None:
    """The oldest hour or day that has rows to be put together, and how long it is."""
    last_hours = hour_of(now) - timedelta(hours=HOURS_KEPT)
    oldest_day = last_hours.replace(hour=0)
    old = app_tables.callable_metrics.search(
        tables.order_by("period_start"),
        q.page_size(1),
        period=q.any_of(PART, HOUR),
        period_start=q.less_than(oldest_day),
    )
    for row in old:
        return row["period_start"].replace(hour=0), timedelta(days=1)
    parts = app_tables.callable_metrics.search(
        tables.order_by("period_start"),
        q.page_size(1),
        period=PART,
        period_start=q.less_than(hour_of(now)),
    )
    for row in parts:
        return row["period_start"], timedelta(hours=1)
    return None


def compact_period(start: datetime, length: timedelta) -> int:
    """Make one row for each callable of those of an hour or day; how many rows went. Call it inside
    a transaction."""
    rows = list(
        app_tables.callable_metrics.search(
            q.page_size(500),
            period_start=q.all_of(q.greater_than_or_equal_to(start), q.less_than(start + length)),
        )
    )
    period = DAY if length >= timedelta(days=1) else HOUR
    sums = sum_rows(rows)
    with tables.batch_delete:
        for row in rows:
            row.delete()
    app_tables.callable_metrics.add_rows(
        {"name": name, "period_start": start, "period": period, **each.to_columns()}
        for name, each in sums.items()
    )
    return len(rows) - len(sums)
