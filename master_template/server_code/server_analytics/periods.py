"""Days and months as the business counts them: from midnight to midnight where it is.

A day is not always 24 hours long, and where the clocks change at midnight it begins at 01:00.
Every bound is a moment in UTC; a period holds its start and not its end.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Period:
    """From ``start`` to right before ``end``."""

    start: datetime
    end: datetime


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The day that it is at this moment in a zone."""
    return moment.astimezone(zone).date()


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day.

    A midnight that the clocks skip stands, by PEP 495, for the moment at which they are put
    forward; of a midnight that comes twice the first one counts.
    """
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def days(first: date, count: int, zone: ZoneInfo) -> Period:
    """``count`` days from ``first`` on."""
    return Period(day_start(first, zone), day_start(first + timedelta(days=count), zone))


def month_start(day: date) -> date:
    """The first of the month."""
    return day.replace(day=1)


def previous_month(day: date) -> date:
    """The first of the month before."""
    return month_start(month_start(day) - timedelta(days=1))


def days_in_month(day: date) -> int:
    """28 to 31."""
    return monthrange(day.year, day.month)[1]


def month_so_far(now: datetime, zone: ZoneInfo) -> Period:
    """This month up to now."""
    return Period(day_start(month_start(day_of(now, zone)), zone), now)


def same_part_of_last_month(now: datetime, zone: ZoneInfo) -> Period:
    """Last month up to the same time on the same day of the month, to compare this one with.

    On a day that last month did not have (the 31st of May, the 29th of March) it is all of it.
    """
    local = now.astimezone(zone)
    first = previous_month(local.date())
    start = day_start(first, zone)
    if local.day > days_in_month(first):
        return Period(start, day_start(month_start(local.date()), zone))
    same_day = datetime.combine(first.replace(day=local.day), local.time(), tzinfo=zone)
    return Period(start, same_day.replace(fold=local.fold).astimezone(UTC))
