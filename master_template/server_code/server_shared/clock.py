"""The time, in one place, so that a test can stand it still."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """This moment, in UTC, with zone. Microseconds are kept, so that events keep their order."""
    return datetime.now(UTC)
