"""Rules about birthdays: days of the year, whatever year somebody was born in.

A *span* is a first and a last day of the year, each as (month, day); a rule stands for some spans.
The 29th of February is kept on the 28th where a year has none, as campaigns do.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from anvil.tables import query as q

from .segment_fields import MONTHS

FIRST_YEAR = 1900  # of a birthday that is still someone's

DayOfYear = tuple[int, int]
Span = tuple[DayOfYear, DayOfYear]
_WHOLE_YEAR: Span = ((1, 1), (12, 31))


def spans_of(name: str, value: Any, now: datetime) -> list[Span]:
    """What ``is_any_of`` of months, or ``in_next_days`` (today and so many more), asks for."""
    if name == "is_any_of":
        numbers = sorted(MONTHS.index(month) + 1 for month in value)
        return [((number, 1), (number, 31)) for number in numbers]
    first = now.date()
    last = first + timedelta(days=value)
    if value >= 365:
        return [_WHOLE_YEAR]
    begin, end = (first.month, first.day), (last.month, last.day)
    if end == (2, 28) and not calendar.isleap(last.year):
        end = (2, 29)
    if first.year == last.year:
        return [(begin, end)]
    return [(_WHOLE_YEAR[0], end), (begin, _WHOLE_YEAR[1])]


def condition(spans: Sequence[Span], now: datetime) -> Any:
    """The condition on a column of dates that lie in one of these spans in whatever year."""
    terms = [q.between(first, last, True, True) for first, last in ranges(spans, now)]
    return q.all_of(q.not_(None), q.any_of(*terms))


def ranges(spans: Sequence[Span], now: datetime) -> list[tuple[date, date]]:
    """The dates of each year that lie in spans: the first and the last of each range."""
    return [
        (_first(year, begin), _last(year, end))
        for begin, end in spans
        for year in range(FIRST_YEAR, now.year + 1)
    ]


def holds(day: date | None, spans: Sequence[Span], now: datetime) -> bool:
    """Whether a birthday lies in one of these spans."""
    if day is None or not FIRST_YEAR <= day.year <= now.year:
        return False
    return any(begin <= (day.month, day.day) <= end for begin, end in spans)


def _first(year: int, day: DayOfYear) -> date:
    """That day, or the next one where this year has no 29th of February."""
    is_missing = day == (2, 29) and not calendar.isleap(year)
    return date(year, 3, 1) if is_missing else date(year, *day)


def _last(year: int, day: DayOfYear) -> date:
    """That day, or the last one of a month that is shorter in this year."""
    month, number = day
    return date(year, month, min(number, calendar.monthrange(year, month)[1]))
