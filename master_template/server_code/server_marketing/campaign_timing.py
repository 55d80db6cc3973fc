"""When the next mail of a campaign is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .campaign_fields import DAYS, MINUTES

WEEK_DAYS = 7


def due_at(step: Mapping[str, Any], after: datetime, time_zone: str) -> datetime:
    """When a step is due that follows what happened at ``after``; in UTC.

    First the delay passes: days by the calendar of the business, so that a mail of 09:00 is
    followed by one of 09:00 also where the clocks change in between. Then comes the first moment
    that has the step's hour and weekday. An hour that the clocks leave out is the one after it.
    """
    zone = ZoneInfo(time_zone)
    delay = int(step["delay"])
    if step["unit"] == DAYS:
        local = after.astimezone(zone)
        earliest = _moment(local.date() + timedelta(days=delay), local.time(), zone)
        if step["hour"] is not None and delay:
            # "Two days later at nine" is that day's nine, be it less than 48 hours away.
            earliest = _moment(local.date() + timedelta(days=delay), time(0), zone)
    else:
        unit = timedelta(minutes=1) if step["unit"] == MINUTES else timedelta(hours=1)
        earliest = after + delay * unit
    return max(_first_allowed(step, earliest, zone), after.astimezone(UTC))


def _first_allowed(step: Mapping[str, Any], earliest: datetime, zone: ZoneInfo) -> datetime:
    weekdays = step["weekdays"] or range(WEEK_DAYS)
    local = earliest.astimezone(zone)
    for days in range(WEEK_DAYS + 1):
        day = local.date() + timedelta(days=days)
        if day.weekday() not in weekdays:
            continue
        if step["hour"] is not None:
            found = _moment(day, time(int(step["hour"])), zone)
        else:
            found = earliest.astimezone(UTC) if not days else _moment(day, time(0), zone)
        if found >= earliest:
            return found
    # Only where the clocks took the one hour of the one weekday away.
    return earliest.astimezone(UTC)


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at.replace(tzinfo=None), tzinfo=zone).astimezone(UTC)
