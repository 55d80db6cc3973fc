"""Work that recurs by the business's own clock, and what an area has to say to have some done.

    @schedule.job("lifecycle", "Lifecycle stages", schedule.Daily(2), "Moves contacts ...")
    def update_stages(run: schedule.Run) -> dict[str, int]: ...

has the function run every day at 02:00 in the business's time zone, whatever its clocks do.
``scheduled_runs`` starts what is due and keeps a record of each run: what it returns, or has given
to ``run.report``, are the figures that people see there. A function runs outside of a transaction,
may be killed anywhere and is then run again, and two may overlap: it makes its own transactions, in
batches that are safe to repeat. It raises :class:`AppError` to say in words why it failed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

Figures = Mapping[str, int]


@dataclass(frozen=True)
class Due:
    """A moment (UTC) at which something is due; ``key`` is the same whoever works it out."""

    at: datetime
    key: str


class Rhythm(Protocol):
    """When something recurs."""

    def latest(self, now: datetime, zone: ZoneInfo) -> Due:
        """The last time that it was due."""

    def following(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The next time that it is due."""

    def tell(self) -> str:
        """In words, as ``Every day at 02:00``."""


@dataclass(frozen=True)
class Daily:
    """Once on each day of the business, at a time of its clocks.

    A time that the clocks skip stands, by PEP 495, for as long after midnight as on other days
    (02:30 for 03:30); of one that comes twice the first counts.
    """

    hour: int
    minute: int = 0

    def latest(self, now: datetime, zone: ZoneInfo) -> Due:
        today = now.astimezone(zone).date()
        for day in (today, today - timedelta(days=1)):
            due = Due(self._moment(day, zone), day.isoformat())
            if due.at <= now:
                break
        return due

    def following(self, now: datetime, zone: ZoneInfo) -> datetime:
        day = now.astimezone(zone).date()
        while (at := self._moment(day, zone)) <= now:
            day += timedelta(days=1)
        return at

    def tell(self) -> str:
        return f"Every day at {self.hour:02}:{self.minute:02}"

    def _moment(self, day: date, zone: ZoneInfo) -> datetime:
        return datetime.combine(day, time(self.hour, self.minute), tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True)
class EveryMinutes:
    """Every ``minutes``, counted from a whole hour in UTC. The scheduled task that looks for what
    is due comes every 15 minutes, so less than that is no use."""

    minutes: int

    def latest(self, now: datetime, zone: ZoneInfo) -> Due:
        step = self.minutes * 60
        at = datetime.fromtimestamp(int(now.timestamp()) // step * step, UTC)
        return Due(at, at.strftime("%Y-%m-%dT%H:%MZ"))

    def following(self, now: datetime, zone: ZoneInfo) -> datetime:
        return self.latest(now, zone).at + timedelta(minutes=self.minutes)

    def tell(self) -> str:
        return "Every hour" if self.minutes == 60 else f"Every {self.minutes} minutes"


HOURLY = EveryMinutes(60)


class Run(Protocol):
    """One run of a job, as its function sees it."""

    def report(self, **figures: int) -> None:
        """Show how far it has come, and keep others from taking it for dead. Raises
        ``scheduled_runs.TakenOverError`` where somebody has taken it over already."""


Work = Callable[[Run], Figures | None]
Registered = TypeVar("Registered", bound=Work)


@dataclass(frozen=True)
class Job:
    """``about`` says in a sentence what it does."""

    name: str
    title: str
    rhythm: Rhythm
    work: Work
    about: str


# Filled while modules are imported, constant afterwards.
jobs: dict[str, Job] = {}


def job(name: str, title: str, rhythm: Rhythm, about: str) -> Callable[[Registered], Registered]:
    """Have a function run in this rhythm. Raises ValueError for a name that is taken."""
    if not re.fullmatch(r"[a-z][a-z_]{1,38}", name):
        raise ValueError(f"A job's name is written as segment_counts, not {name!r}.")

    def register(work: Registered) -> Registered:
        known = jobs.get(name)
        if known is not None and known.work.__module__ != work.__module__:
            raise ValueError(f"There are two jobs called {name!r}.")
        jobs[name] = Job(name, title, rhythm, work, about)
        return work

    return register
