"""How many mails an hour has room for: whenever the hour begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from master_template.server_marketing import quota

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 14, 9, 30, 20, tzinfo=UTC)
# Seconds between one wish to send and the next.
waits = st.lists(st.integers(0, 900), max_size=60)


@given(waits=waits, limit=st.integers(0, 12))
def test_no_hour_has_more_than_the_limit(waits: list[int], limit: int) -> None:
    row: dict[str, Any] = {"starts": {}}
    now, started = START, []
    for wait in waits:
        now += timedelta(seconds=wait)
        if quota.take(row, limit, now):
            started.append(now)
        assert quota.used_of(row, now) <= limit
        assert len(row["starts"]) <= 61
    for first in started:
        assert sum(first <= each < first + HOUR for each in started) <= limit


@given(waits=waits, limit=st.integers(1, 12))
def test_it_says_when_there_is_room_again(waits: list[int], limit: int) -> None:
    row: dict[str, Any] = {"starts": {}}
    now = START
    for wait in waits:
        now += timedelta(seconds=wait)
        if quota.take(row, limit, now):
            continue
        free_at = quota.free_at(row, limit, now)
        assert free_at is not None and now < free_at <= now + HOUR + timedelta(minutes=1)
        assert not quota.take(row, limit, free_at - timedelta(seconds=1))
        assert quota.take(dict(row), limit, free_at)
