"""When a scheduled task runs next. All times are UTC.

A ``time_spec`` of anvil.yaml is ``{"every": "minute" | "hour" | "day" | "week" | "month", "n": int,
"at": {"day", "hour", "minute"}}``; ``n`` is 1 if left out. For a week ``day`` is 1 (Sunday) to 7,
for a month the day of the month. Source: ``AgentScheduledTaskTimeSpec`` of Anvil's published
types, and anvil.runtime.cron.
"""

from __future__ import annotations

import calendar
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app_server.errors import AnvilError

PERIODS = ("minute", "hour", "day", "week", "month")
_RANGES = {"day": (1, 31), "hour": (0, 23), "minute": (0, 59)}
SPREAD_MINUTES = 30
"""A daily, weekly or monthly task without a minute runs at one in the first half of its hour that
depends on the instance and the job, so that not all of a server's jobs start together."""


@dataclass(frozen=True, slots=True)
class TimeSpec:
    """Every ``n`` periods. What is None is as it was at the last run, or as it is now."""

    every: str
    n: int = 1
    day: int | None = None
    hour: int | None = None
    minute: int | None = None

    def next_run(self, last: datetime | None, now: datetime) -> datetime:
        """The first time after ``now``, counted from the run that was due at ``last``. After a
        longer stop, counting starts again."""
        time = self._place(last or now, is_first=last is None)
        if time <= now:
            time = self._place(self._add_periods(time), is_first=False)
        if time <= now and last is not None:
            return self.next_run(None, now)
        return time

    def is_too_far(self, time: datetime, now: datetime) -> bool:
        """Whether a next run lies further ahead than any can: the clock was put back since."""
        return time > self._add_periods(self.next_run(None, now))

    def _place(self, base: datetime, *, is_first: bool) -> datetime:
        """``base`` with the parts that ``at`` names, within the same period."""
        if self.every == "minute":
            return base
        time = base.replace(microsecond=0, second=0 if is_first else base.second)
        if self.minute is not None:
            time = time.replace(minute=self.minute, second=0)
        if self.every == "hour":
            return time
        if self.hour is not None:
            time = time.replace(hour=self.hour)
        if self.every == "week" and self.day is not None:
            # 1 is Sunday, which begins the week; Python counts from Monday as 1.
            return time + timedelta(days=self.day - 1 - time.isoweekday() % 7)
        if self.every == "month":
            return _with_day(time, self.day or (1 if is_first else time.day))
        return time

    def _add_periods(self, time: datetime) -> datetime:
        if self.every != "month":
            return time + timedelta(**{f"{self.every}s": self.n})
        years, month = divmod(time.month - 1 + self.n, 12)
        first = time.replace(year=time.year + years, month=month + 1, day=1)
        return _with_day(first, self.day or time.day)


def _with_day(time: datetime, day: int) -> datetime:
    """That day of the month, or the month's last if it has no such day (Anvil's server goes on
    into the next month there)."""
    return time.replace(day=min(day, calendar.monthrange(time.year, time.month)[1]))


def read_time_spec(spec: Any, job_id: str, instance: str = "") -> TimeSpec:
    """Check the ``time_spec`` of an instance's job. AnvilError says what is wrong with it."""
    if not isinstance(spec, dict) or spec.get("every") not in PERIODS:
        raise AnvilError(f"`every` has to be one of {', '.join(PERIODS)}")
    every, n = str(spec["every"]), spec.get("n", 1)
    if not _is_int(n) or not 1 <= n <= 1000:
        raise AnvilError(f"`n` has to be a number from 1 to 1000, not {n!r}")
    at = spec.get("at") or {}
    if not isinstance(at, dict) or not set(at) <= set(_RANGES):
        raise AnvilError(f"`at` may have {', '.join(_RANGES)}, not {at!r}")
    for name, value in at.items():
        low, high = _RANGES[name]
        high = 7 if (name, every) == ("day", "week") else high
        if value is not None and (not _is_int(value) or not low <= value <= high):
            raise AnvilError(f"`{name}` has to be a number from {low} to {high}, not {value!r}")
    minute = at.get("minute")
    if minute is None and every in ("day", "week", "month"):
        minute = hashlib.sha256(f"{instance}{job_id}".encode()).digest()[0] % SPREAD_MINUTES
    return TimeSpec(every, n, at.get("day"), at.get("hour"), minute)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
