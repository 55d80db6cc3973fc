"""Days and months of a business, in every zone and around each change of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master_template.server_analytics import periods

ZONES = (
    "Africa/Cairo",
    "Africa/Johannesburg",
    "America/Havana",
    "America/New_York",
    "America/Santiago",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "UTC",
)
moments = st.datetimes(
    min_value=datetime(2010, 1, 1), max_value=datetime(2035, 12, 31), timezones=st.just(UTC)
)
zones = st.sampled_from(ZONES).map(ZoneInfo)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@given(moments, zones)
def test_every_moment_lies_in_its_day(moment: datetime, zone: ZoneInfo) -> None:
    today = periods.days(periods.day_of(moment, zone), 1, zone)
    assert today.start <= moment < today.end


@given(st.dates(date(2010, 1, 1), date(2035, 12, 31)), zones)
def test_days_follow_each_other_without_a_gap(day: date, zone: ZoneInfo) -> None:
    """Only Apia ever left a day out, when it moved across the date line."""
    start = periods.day_start(day, zone)
    if periods.day_of(start, zone) != day:
        assert (zone.key, day) == ("Pacific/Apia", date(2011, 12, 30))
        return
    assert periods.day_of(start - timedelta(microseconds=1), zone) < day
    assert periods.days(day, 1, zone).end == periods.day_start(day + timedelta(days=1), zone)


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        ("Africa/Johannesburg", "2026-03-29", "2026-03-28T22:00:00+00:00", 24),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00+00:00", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00+00:00", 25),
        # The clocks skip midnight: the day begins at 01:00.
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00+00:00", 23),
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00:00+00:00", 23),
        # Midnight comes twice: the day begins with the first one.
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00+00:00", 25),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00+00:00", 23.5),
    ],
)
def test_a_day_when_the_clocks_change(zone: str, day: str, start: str, hours: float) -> None:
    found = periods.days(date.fromisoformat(day), 1, ZoneInfo(zone))
    assert found.start == at(start)
    assert found.end - found.start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        # The same time of the same day, in Berlin, on both sides of a change of the clocks.
        ("2026-04-14T10:30:00+02:00", "2026-03-01T00:00:00+01:00", "2026-03-14T10:30:00+01:00"),
        ("2026-01-05T08:00:00+01:00", "2025-12-01T00:00:00+01:00", "2025-12-05T08:00:00+01:00"),
        # Days that last month did not have: all of it.
        ("2026-03-29T12:00:00+02:00", "2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00"),
        ("2026-05-31T23:59:00+02:00", "2026-04-01T00:00:00+02:00", "2026-05-01T00:00:00+02:00"),
        ("2028-03-29T12:00:00+02:00", "2028-02-01T00:00:00+01:00", "2028-02-29T12:00:00+01:00"),
        # In UTC it is still the month before.
        ("2026-05-01T00:30:00+02:00", "2026-04-01T00:00:00+02:00", "2026-04-01T00:30:00+02:00"),
    ],
)
def test_compares_with_the_same_part_of_last_month(now: str, start: str, end: str) -> None:
    found = periods.same_part_of_last_month(at(now), ZoneInfo("Europe/Berlin"))
    assert found == periods.Period(at(start), at(end))


@given(moments, zones)
def test_last_month_ends_where_this_one_begins_at_the_latest(now: datetime, zone: ZoneInfo) -> None:
    this, last = periods.month_so_far(now, zone), periods.same_part_of_last_month(now, zone)
    assert last.start < this.start <= this.end == now
    assert last.start <= last.end <= this.start
    assert periods.day_of(last.start, zone).day == periods.day_of(this.start, zone).day == 1
