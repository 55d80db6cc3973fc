"""Metrics of callables: counted without a write for each call, and put together without a loss."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from master_template.server_shared import metrics
from tests.product.conftest import fresh_database
from tests.product.studio import (
    ROOT,
    UPLINK_KEY,
    Refused,
    Studio,
    copy_template,
    open_studio,
)

METRICS = "server_code/server_shared/metrics.py"
HOUR = datetime(2026, 3, 14, 9, tzinfo=UTC)


class FakeTable:
    """Takes rows, or refuses to."""

    def __init__(self) -> None:
        self.writes: list[list[dict[str, Any]]] = []
        self.is_down = False

    def add_rows(self, rows: Iterator[dict[str, Any]]) -> None:
        if self.is_down:
            raise RuntimeError("the database is down")
        self.writes.append(list(rows))


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> FakeTable:
    fake = FakeTable()
    monkeypatch.setattr(metrics, "app_tables", SimpleNamespace(callable_metrics=fake))
    return fake


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the clock to so many seconds after nine."""

    def set_to(seconds: float) -> None:
        time = SimpleNamespace(monotonic=lambda: 1000 + seconds)
        monkeypatch.setattr(metrics, "time", time)
        clock = SimpleNamespace(now=lambda: HOUR + timedelta(seconds=seconds))
        monkeypatch.setattr(metrics, "clock", clock)

    set_to(0)
    return set_to


def count(meter: metrics.Meter, name: str = "get_thing", code: str = "", ms: float = 7.0) -> None:
    if meter.count(name, code, ms):
        meter.flush()


def test_a_burst_is_written_once(table: FakeTable, at: Callable[[float], None]) -> None:
    meter = metrics.Meter()
    for number in range(1000):
        at(number * 0.02)
        count(meter, f"get_{number % 3}")
    assert [len(rows) for rows in table.writes] == [1]  # the first call after the start
    at(30)
    count(meter)
    assert [len(rows) for rows in table.writes] == [1, 4]
    assert sum(row["calls"] for rows in table.writes for row in rows) == 1001


def test_a_fault_of_ours_is_written_at_once(table: FakeTable, at: Callable[[float], None]) -> None:
    meter = metrics.Meter()
    count(meter)
    count(meter)
    count(meter, code="not_found")
    assert len(table.writes) == 1
    count(meter, code="internal")
    assert table.writes[1][0]["failures"] == {"not_found": 1, "internal": 1}


def test_hours_are_counted_apart(table: FakeTable, at: Callable[[float], None]) -> None:
    meter = metrics.Meter()
    count(meter)
    at(3599)
    meter.count("get_thing", "", 1)
    at(3601)
    meter.count("get_thing", "", 1)
    meter.flush()
    assert [row["period_start"].hour for row in table.writes[-1]] == [9, 10]


def test_nothing_is_lost_while_the_database_is_down(
    table: FakeTable, at: Callable[[float], None]
) -> None:
    meter = metrics.Meter()
    table.is_down = True
    for number in range(5):
        at(number * 40)
        count(meter)
    table.is_down = False
    at(300)
    count(meter)
    assert [[row["calls"] for row in rows] for rows in table.writes] == [[6]]


def test_threads_lose_nothing(table: FakeTable) -> None:
    meter = metrics.Meter()
    barrier = threading.Barrier(8)

    def work(_: int) -> None:
        barrier.wait()
        for number in range(500):
            count(meter, code="internal" if number % 100 == 0 else "")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    meter.flush()
    assert sum(row["calls"] for rows in table.writes for row in rows) == 4000


def test_percentiles_are_right_to_within_a_bucket() -> None:
    sums = metrics.Sums()
    assert sums.percentile_ms(95) == 0
    for number in range(1, 1001):
        sums.add("", number)
    for percent, exact in ((50, 500), (95, 950), (99, 990), (100, 1000)):
        assert sums.percentile_ms(percent) == pytest.approx(exact, rel=0.1)
    slow = metrics.Sums()
    slow.add("", 90_000)
    assert slow.percentile_ms(50) <= slow.max_ms == 90_000


def test_sums_come_back_from_their_row_as_they_were() -> None:
    sums = metrics.Sums()
    for code, ms in (("", 3.5), ("invalid", 70), ("internal", 70_000)):
        sums.add(code, ms)
    stored = json.loads(json.dumps(sums.to_columns()))
    assert metrics.Sums.from_row(stored) == sums


@pytest.fixture(scope="module")
def eager(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    """The product with workers that write at once, so that several of them can be added up."""
    folder = tmp_path_factory.mktemp("eager")
    template = copy_template(folder, {METRICS: [("FLUSH_SECONDS = 30.0", "FLUSH_SECONDS = 0.0")]})
    with (
        fresh_database(postgres_url) as database_url,
        open_studio(folder / "instance", database_url, template=template) as running,
    ):
        yield running


def measured(studio: Studio, name: str, hours: int = 24) -> dict[str, Any]:
    with studio.uplink() as script:
        found = script.call("get_callable_metrics", hours)["callables"]
    return next((each for each in found if each["name"] == name), {"calls": 0, "failures": {}})


def test_counts_every_call_of_every_worker(eager: Studio) -> None:
    before = measured(eager, "get_contact")
    with ExitStack() as stack:
        people = [stack.enter_context(eager.uplink()) for _ in range(4)]

        def work(person: Any) -> None:
            for number in range(25):
                code = person.answer("get_contact", "C-999" if number % 5 else "nonsense")["code"]
                assert code == ("not_found" if number % 5 else "invalid")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, people))
    found = measured(eager, "get_contact")
    assert found["calls"] - before["calls"] == 100
    assert found["failures"] == {"not_found": 80, "invalid": 20}
    assert found["errors"] == 0
    assert 0 < found["p50_ms"] <= found["p95_ms"] <= found["p99_ms"] <= found["max_ms"]


def show(studio: Studio, *options: str) -> subprocess.CompletedProcess[str]:
    """What the command prints, run as an operator does."""
    command = [sys.executable, str(ROOT / "scripts" / "uplink" / "show_metrics.py"), *options]
    target = ["--url", studio.uplink_url, "--key", UPLINK_KEY]
    return subprocess.run([*command, *target], capture_output=True, text=True, timeout=60)


def test_an_operator_sees_them(eager: Studio) -> None:
    with eager.uplink() as script:
        script.answer("get_contact", "C-998")
    shown = show(eager)
    assert shown.returncode == 0, shown.stderr
    [line] = [line for line in shown.stdout.splitlines() if line.startswith("get_contact ")]
    assert "not_found" in line
    found = json.loads(show(eager, "--json").stdout)["callables"]
    assert {"get_contact", "set_up_instance"} <= {each["name"] for each in found}
    assert show(eager, "--hours", "0").returncode == 2


def test_a_fault_shows_in_the_exit_code(eager: Studio) -> None:
    eager.query(
        "INSERT INTO app.callable_metrics (name, period_start, period, calls, failures, durations,"
        " total_ms, max_ms) VALUES ('broken', date_trunc('hour', now()), 'part', 4,"
        """ '{"internal": 1}', '{"3": 4}', 50, 12)"""
    )
    shown = show(eager)
    assert shown.returncode == 1
    [line] = [line for line in shown.stdout.splitlines() if line.startswith("broken")]
    assert "1 (25 %)" in line
    eager.query("DELETE FROM app.callable_metrics WHERE name = 'broken'")


def test_a_refusal_is_counted_too(eager: Studio) -> None:
    with eager.person() as nobody, pytest.raises(Refused):
        nobody.call("list_contacts")
    assert measured(eager, "list_contacts")["failures"] == {"not_authenticated": 1}


def add_parts(studio: Studio, age: str, count: int) -> None:
    """``count`` parts of each of two callables, in one hour so long ago."""
    studio.query(
        "INSERT INTO app.callable_metrics (name, period_start, period, calls, failures, durations,"
        " total_ms, max_ms) SELECT name, date_trunc('hour', now()) - %s::interval, 'part', 2,"
        """ '{"invalid": 1}', '{"3": 1, "7": 1}', 50, n"""
        " FROM generate_series(1, %s) n, unnest(ARRAY['old_one', 'old_two']) name",
        age,
        count,
    )


def stored(studio: Studio) -> list[tuple[Any, ...]]:
    return studio.query(
        "SELECT name, period, count(*)::int, sum(calls)::int, max(max_ms)::int,"
        " sum((failures->>'invalid')::int)::int FROM app.callable_metrics"
        " WHERE name LIKE 'old%' GROUP BY name, period ORDER BY name, period"
    )


def compact(studio: Studio) -> None:
    assert studio.do_job("metrics")["state"] == "done"


def test_parts_are_put_together_and_nothing_is_lost(eager: Studio) -> None:
    eager.query("DELETE FROM app.callable_metrics")
    for age in ("2 hours", "5 hours", "96 hours", "97 hours"):
        add_parts(eager, age, 30)
    # Of an hour that is not over, and will not be while this runs.
    add_parts(eager, "-2 hours", 4)
    [(days,)] = eager.query(
        "SELECT count(DISTINCT (period_start AT TIME ZONE 'UTC')::date)::int"
        " FROM app.callable_metrics WHERE period_start < now() - interval '3 days'"
    )
    compact(eager)
    expected = []
    for name in ("old_one", "old_two"):
        expected += [
            (name, "day", days, 120, 30, 60),
            (name, "hour", 2, 120, 30, 60),
            (name, "part", 4, 8, 4, 4),
        ]
    assert stored(eager) == expected
    compact(eager)
    assert stored(eager) == expected
    found = measured(eager, "old_one", hours=24 * 7)
    assert (found["calls"], found["failures"], found["mean_ms"]) == (240, {"invalid": 120}, 25.0)
