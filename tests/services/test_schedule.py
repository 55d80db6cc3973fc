"""When scheduled tasks run next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_server.background.schedule import PERIODS, read_time_spec
from app_server.errors import AnvilError


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def upcoming(spec: dict[str, Any], last: str | None, now: str, runs: int = 4) -> list[str]:
    """The next runs, each followed by the next one right when it is due."""
    time_spec = read_time_spec(spec, "JOB")
    previous, moment, found = at(last) if last else None, at(now), []
    for _ in range(runs):
        previous = moment = time_spec.next_run(previous, moment)
        found.append(f"{previous:%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        # 2026-03-04 is a Wednesday.
        (
            {"every": "minute", "n": 10, "at": {}},
            ["2026-03-04 10:35", "2026-03-04 10:45", "2026-03-04 10:55", "2026-03-04 11:05"],
        ),
        (
            {"every": "hour", "at": {"minute": 30}},
            ["2026-03-04 10:30", "2026-03-04 11:30", "2026-03-04 12:30", "2026-03-04 13:30"],
        ),
        (
            {"every": "hour", "n": 6, "at": {"minute": 5}},
            ["2026-03-04 16:05", "2026-03-04 22:05", "2026-03-05 04:05", "2026-03-05 10:05"],
        ),
        (
            {"every": "day", "at": {"hour": 2, "minute": 0}},
            ["2026-03-05 02:00", "2026-03-06 02:00", "2026-03-07 02:00", "2026-03-08 02:00"],
        ),
        (
            {"n": 5, "every": "day", "at": {"hour": 13, "minute": 0}},
            ["2026-03-04 13:00", "2026-03-09 13:00", "2026-03-14 13:00", "2026-03-19 13:00"],
        ),
        (
            {"every": "week", "at": {"day": 1, "hour": 8, "minute": 0}},
            ["2026-03-08 08:00", "2026-03-15 08:00", "2026-03-22 08:00", "2026-03-29 08:00"],
        ),
        (
            {"every": "week", "n": 2, "at": {"day": 7, "hour": 8, "minute": 0}},
            ["2026-03-07 08:00", "2026-03-21 08:00", "2026-04-04 08:00", "2026-04-18 08:00"],
        ),
        (
            {"every": "month", "at": {"hour": 10, "minute": 0, "day": 21}},
            ["2026-03-21 10:00", "2026-04-21 10:00", "2026-05-21 10:00", "2026-06-21 10:00"],
        ),
        (
            {"every": "month", "at": {"hour": 0, "minute": 0, "day": 31}},
            ["2026-03-31 00:00", "2026-04-30 00:00", "2026-05-31 00:00", "2026-06-30 00:00"],
        ),
        (
            {"every": "month", "n": 12, "at": {"hour": 1, "minute": 0}},
            ["2027-03-01 01:00", "2028-03-01 01:00", "2029-03-01 01:00", "2030-03-01 01:00"],
        ),
    ],
)
def test_runs_on_time(spec: dict[str, Any], expected: list[str]) -> None:
    assert upcoming(spec, None, "2026-03-04 10:25") == expected


@pytest.mark.parametrize("day", range(1, 8))
def test_weeks_begin_on_sunday(day: int) -> None:
    spec = read_time_spec({"every": "week", "at": {"day": day, "hour": 0, "minute": 0}}, "JOB")
    run = spec.next_run(None, at("2026-03-01 12:00"))
    assert run.isoweekday() % 7 + 1 == day
    assert timedelta(0) < run - at("2026-03-01 12:00") <= timedelta(days=7)


def test_after_a_stop_it_goes_on_from_now() -> None:
    spec = read_time_spec({"every": "day", "at": {"hour": 2, "minute": 0}}, "JOB")
    assert spec.next_run(at("2026-03-01 02:00"), at("2026-03-20 09:00")) == at("2026-03-21 02:00")
    often = read_time_spec({"every": "minute", "n": 10}, "JOB")
    assert often.next_run(at("2026-03-01 02:00"), at("2026-03-01 02:04")) == at("2026-03-01 02:10")
    assert often.next_run(at("2026-03-01 02:00"), at("2026-03-01 09:00")) == at("2026-03-01 09:10")


def test_jobs_without_a_minute_are_spread_over_half_an_hour() -> None:
    minutes = set()
    for number in range(100):
        spec = read_time_spec({"every": "day", "at": {"hour": 3}}, f"JOB{number}")
        run = spec.next_run(None, at("2026-03-01 12:00"))
        assert (run.hour, run.day) == (3, 2)
        minutes.add(run.minute)
    assert minutes <= set(range(30))
    assert len(minutes) > 10


@pytest.mark.parametrize(
    "spec",
    [
        None,
        {},
        {"every": "year"},
        {"every": "day", "n": 0},
        {"every": "day", "n": "2"},
        {"every": "day", "n": True},
        {"every": "day", "at": {"hour": 24}},
        {"every": "hour", "at": {"minute": 60}},
        {"every": "week", "at": {"day": 8}},
        {"every": "month", "at": {"day": 0}},
        {"every": "day", "at": {"second": 3}},
        {"every": "day", "at": [3]},
    ],
)
def test_says_what_is_wrong_with_a_time(spec: Any) -> None:
    with pytest.raises(AnvilError, match="`(every|n|at|hour|minute|day)`"):
        read_time_spec(spec, "JOB")


moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
specs = st.fixed_dictionaries(
    {
        "every": st.sampled_from(PERIODS),
        "n": st.integers(1, 40),
        "at": st.fixed_dictionaries(
            {},
            optional={
                "day": st.integers(1, 7),
                "hour": st.integers(0, 23),
                "minute": st.integers(0, 59),
            },
        ),
    }
)


@given(specs, st.none() | moments, moments)
def test_the_next_run_is_always_ahead(
    spec: dict[str, Any], last: datetime | None, now: datetime
) -> None:
    run = read_time_spec(spec, "JOB").next_run(last, now)
    assert run > now
    assert run.tzinfo is UTC
    longest = {"minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400, "month": 31 * 86400}
    if last is None or last <= now:
        assert run - now <= timedelta(seconds=longest[spec["every"]] * (spec["n"] + 1))
