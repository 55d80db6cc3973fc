"""What became of mails, in figures: of one campaign or broadcast, or of a span of time.

Opens and clicks are those of people; what machines opened or followed (mail scanners, pre-loading
by a mail program) is counted beside them. A rate is None where there is nothing to divide by. All
come from ``mail_tallies``: a query for each of these functions, however much there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import ledger, mail_tallies

_BOUGHT = ("conversions", "revenue_cents")
NAMES = ("sent", *mail_tallies.MOMENTS, *_BOUGHT)


@dataclass(frozen=True)
class DayFigures:
    """What a source's mails of one day came to; ``day`` is the moment at which it began."""

    source: str
    day: datetime
    figures: Mapping[str, int]


def of_source(source: str) -> dict[str, Any]:
    """The figures of a source: ``planned``, ``waiting``, ``sent``, ``skipped``, ``failed`` and
    ``unknown``, those of NAMES, and the rates."""
    tallied = mail_tallies.read_totals([source])[source]
    return with_rates({**complete(tallied), **ledger.counted(tallied)})


def read_days(start: datetime, end: datetime) -> list[DayFigures]:
    """What the mails that were sent from ``start`` until before ``end`` came to, by source and day,
    and what was bought after a mail in that time. Both are beginnings of days."""
    return [DayFigures(*found) for found in mail_tallies.read_days(start, end)]


def of_days(days: Iterable[DayFigures]) -> dict[str, Any]:
    """The figures of all these days together, those of NAMES, and the rates."""
    return with_rates(total(days))


def total(days: Iterable[DayFigures]) -> dict[str, int]:
    """The sums of these days, those of NAMES."""
    tallied: Counter[str] = Counter()
    for each in days:
        tallied.update(each.figures)
    return complete(tallied)


def complete(tallied: Mapping[str, int]) -> dict[str, int]:
    """All of NAMES, 0 where nothing was counted."""
    return {name: tallied.get(name, 0) for name in NAMES}


def with_rates(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures with their rates, as shares of one: of the mails that were delivered, or, where the
    provider does not tell, of those that were sent."""
    reached = (figures["sent"] or 0) - (figures["bounces"] or 0)
    return {
        **figures,
        "reached": reached,
        "open_rate": _share(figures["opens"], reached),
        "click_rate": _share(figures["clicks"], reached),
        "bounce_rate": _share(figures["bounces"], figures["sent"]),
        "unsubscribe_rate": _share(figures["unsubscribes"], reached),
        "conversion_rate": _share(figures["conversions"], reached),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None
