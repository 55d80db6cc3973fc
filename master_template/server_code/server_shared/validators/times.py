"""Rules of days, moments and time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from .rules import Rule

FARTHEST_YEARS = 130


class Day(Rule):
    """A date, or text like ``2026-03-14``; with ``is_past`` one that has been, and within the last
    FARTHEST_YEARS."""

    def __init__(self, label: str, *, is_past: bool = False, required: bool = False) -> None:
        super().__init__(label, required=required)
        self.is_past = is_past

    def check(self, value: Any) -> date:
        day = self._read(value)
        # Somewhere on Earth it is tomorrow already.
        latest = datetime.now(UTC).date() + timedelta(days=1)
        if self.is_past and not 0 <= (latest - day).days <= FARTHEST_YEARS * 366:
            raise self.refuse(f"a day of the last {FARTHEST_YEARS} years", value)
        return day

    def _read(self, value: Any) -> date:
        if isinstance(value, datetime):
            raise self.refuse("a date without a time", value)
        if isinstance(value, date):
            return value
        if isinstance(value, str):
            try:
                return date.fromisoformat(value.strip())
            except ValueError as error:
                raise self.refuse("a date like 2026-03-14", value) from error
        raise self.refuse("a date", value)


class Moment(Rule):
    """A point in time with its zone."""

    def check(self, value: Any) -> datetime:
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError as error:
                raise self.refuse("a time like 2026-03-14T09:30:00+02:00", value) from error
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise self.refuse("a time with its zone", value)
        return value


class TimeZone(Rule):
    """The name of a zone in the IANA time zone database, ``Region/City`` or ``UTC``.

    Its other names (``Factory``, ``localtime``, ``EST``) are not known to every browser.
    """

    def check(self, value: Any) -> str:
        is_place = isinstance(value, str) and ("/" in value or value == "UTC")
        if not is_place or value not in available_timezones():
            raise self.refuse("a time zone like Africa/Johannesburg", value)
        return str(value)
