"""How moments, spans and lists of businesses read in an alert."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

NAMED = 8


def tell_span(seconds: float) -> str:
    """``90 s``, ``25 minutes``, ``3 hours``, ``9 days``: one number, rounded down."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def tell_time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def tell_since(moment: datetime, now: datetime) -> str:
    """``since 2026-11-21 13:05 UTC (25 minutes)``."""
    return f"since {tell_time(moment)} ({tell_span((now - moment).total_seconds())})"


def tell_names(names: Sequence[str]) -> str:
    """``inn, spa and 3 more``."""
    shown = list(names[:NAMED])
    if len(names) > NAMED:
        return f"{', '.join(shown)} and {len(names) - NAMED} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def shorten(text: object, limit: int = 200) -> str:
    """One line of text from elsewhere."""
    line = " ".join(str(text or "").split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
