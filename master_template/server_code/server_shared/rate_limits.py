"""Limits of what anybody may do from outside: so many times within so long.

A counter belongs to a kind, a key (an address, a form) and a window of time. The key is kept as a
keyed hash, so that no address of a visitor is kept; a day later the counter is deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from anvil.tables import app_tables

from . import clock
from .encryption import keyed_digest
from .errors import AppError
from .transactions import in_transaction


class TooManyError(AppError):
    """The limit is reached; ``retry_seconds`` says when it no longer is."""

    code = "too_many"
    permanent = False

    def __init__(self, retry_seconds: int) -> None:
        super().__init__("That was too often. Please try again later.")
        self.retry_seconds = retry_seconds


@dataclass(frozen=True)
class Limit:
    """At most ``count`` times within each window of ``seconds``."""

    kind: str
    count: int
    seconds: int


@in_transaction
def take(limit: Limit, key: str) -> None:
    """Count one more. Raises :class:`TooManyError` where there may be no more in this window."""
    now = int(clock.now().timestamp())
    start = now - now % limit.seconds
    window = {
        "kind": limit.kind,
        "key_hash": keyed_digest(f"rate limit\0{limit.kind}\0{key}")[:32],
        "window_start": datetime.fromtimestamp(start, UTC),
    }
    row = app_tables.rate_counters.get(**window)
    if row is None:
        app_tables.rate_counters.add_row(**window, count=1)
    elif row["count"] >= limit.count:
        raise TooManyError(start + limit.seconds - now)
    else:
        row["count"] += 1


def is_taken(limit: Limit, key: str) -> bool:
    """As :func:`take`, but says whether there was room."""
    try:
        take(limit, key)
    except TooManyError:
        return False
    return True
