"""Checks on looks that are made by hand: what cannot be brought about in a test's time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scripts.operations.observing.asking import Answer, Counters, Reach, read_counters
from scripts.operations.observing.checks_machine import check_machine
from scripts.operations.observing.checks_serving import check_serving
from scripts.operations.observing.checks_work import check_work
from scripts.operations.observing.database_look import DatabaseLook
from scripts.operations.observing.folder_look import FolderLook
from scripts.operations.observing.looking import (
    Eyes,
    InstanceLook,
    Look,
    Memory,
    _measure_jump,
    remember_counters,
)
from scripts.operations.observing.machine_look import DiskLook, MachineLook
from scripts.operations.observing.rules import Finding
from scripts.operations.observing.settings import Settings

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
AT = NOW.timestamp()
Check = Callable[[Look], Iterator[Finding]]


def instance(answer: Answer, database: DatabaseLook | None = None, **folder: Any) -> InstanceLook:
    config = {"app": "inn", "origin": "http://inn.localhost:3030"}
    return InstanceLook(
        FolderLook("inn", Path("inn"), config=config, **folder),
        3030,
        answer=answer,
        database=database,
    )


def look_at(*instances: InstanceLook, memory: Memory | None = None, **machine: Any) -> Look:
    seen = MachineLook(**{"disks": (), "free_memory_percent": 50.0, **machine})
    return Look(NOW, Settings(), seen, instances, memory or Memory())


def rules(check: Check, seen: Look) -> list[str]:
    return [found.rule.name for found in check(seen)]


def well(**counted: Any) -> Answer:
    return Answer(Reach.WELL, counters=Counters(at=AT, started_at=AT - 9000, **counted))


def after(earlier: Answer, later: Answer, minutes: float = 2) -> Look:
    """A look at what was counted, with what an earlier one saw in mind."""
    memory = Memory()
    seen = look_at(instance(earlier), memory=memory)
    remember_counters(seen)
    memory.counters["inn"][0]["at"] = AT - 60 * minutes
    return look_at(instance(later), memory=memory)


def test_server_code_that_cannot_be_run():
    answer = Answer(Reach.ILL, reasons=("Server code cannot be run.",))
    assert rules(check_serving, look_at(instance(answer))) == ["server_code_down"]


def test_a_server_that_is_being_stopped_is_no_fault_of_its_own():
    answer = Answer(Reach.ILL, reasons=("The server is being stopped.",))
    assert rules(check_serving, look_at(instance(answer))) == []


def test_server_code_that_was_ended_for_its_memory():
    assert rules(check_serving, after(well(), well(ends={"memory": 1}))) == ["memory_hog"]
    # What lies before the window, or before the server's start, is over.
    assert rules(check_serving, after(well(ends={"memory": 1}), well(ends={"memory": 1}))) == []
    assert rules(check_serving, after(well(), well(ends={"memory": 1}), minutes=6)) == []


@pytest.mark.parametrize(
    ("failed", "total", "is_told"), [(4, 4, False), (5, 100, True), (5, 101, False), (50, 60, True)]
)
def test_an_error_now_and_then_is_none_to_tell_of(failed: int, total: int, is_told: bool):
    seen = after(well(requests=1000), well(requests=1000 + total, requests_failed=failed))
    assert rules(check_serving, seen) == (["error_rate"] if is_told else [])


def test_one_failure_is_not_counted_twice():
    """An HTTP endpoint that fails is a request, a call, and one in the app's own count."""
    seen = after(well(), well(requests=4, requests_failed=4, calls=4, calls_failed=4))
    assert rules(check_serving, seen) == []


@pytest.mark.parametrize(("slow", "is_told"), [(5, False), (6, True)])
def test_speed_is_what_95_of_100_get(slow: int, is_told: bool):
    durations = {"0.5": 100 - slow, "2.5": 100, "+Inf": 100}
    seen = after(well(), well(calls=100, durations=durations))
    assert rules(check_serving, seen) == (["latency"] if is_told else [])


def test_an_instance_that_starts_again_and_again_in_a_server_that_goes_on():
    memory = Memory()
    for minutes in (9, 6, 3):
        start = Counters(at=AT, started_at=AT - 60 * minutes, server_started_at=AT - 9000)
        answer = Answer(Reach.WELL, counters=start)
        seen = look_at(instance(answer), memory=memory)
        assert rules(check_serving, seen) == (["instance_restarts"] if minutes == 3 else [])
        remember_counters(seen)


def test_a_scheduler_that_hangs_is_known_by_its_own_clock():
    database = DatabaseLook("127.0.0.1", 5432)
    assert rules(check_work, look_at(instance(well(scheduler_seconds=40), database))) == []
    seen = look_at(instance(well(scheduler_seconds=200), database))
    assert rules(check_work, seen) == ["scheduler_stopped"]


def test_a_disk_without_places_for_files_is_full():
    free = {"path": Path("/data"), "total_bytes": 10**12, "free_bytes": 6 * 10**11}
    disk = DiskLook(**free, inodes_percent=97, used_by=("the data",))
    (found,) = check_machine(look_at(instance(well()), disks=(disk,)))
    assert "out of places for files: 97 % are taken" in found.text


def test_an_archive_that_does_not_grow_names_the_businesses():
    said = "Nothing was archived since 2026-11-21 11:00 UTC"
    (found,) = check_machine(look_at(instance(well()), archive_problem=said))
    assert found.rule.name == "wal_archive_failing" and "inn" in found.text and said in found.text


def test_a_clock_that_is_set_is_known_by_one_that_nobody_sets():
    memory, wall, steady = Memory(), [AT], [500.0]
    eyes = Eyes(clock=lambda: wall[0], steady=lambda: steady[0])
    assert _measure_jump(memory, eyes) == 0
    wall[0], steady[0] = AT + 30, 530.0
    assert _measure_jump(memory, eyes) == 0
    wall[0], steady[0] = AT + 60 + 3600, 560.0
    assert _measure_jump(memory, eyes) == 3600
    # The machine was started anew.
    wall[0], steady[0] = AT + 9000, 5.0
    assert _measure_jump(memory, eyes) == 0


def test_counts_no_fault_of_a_caller_as_ours():
    counters = read_counters(
        """
mybizz_calls_total{function="a",outcome="ok"} 90
mybizz_calls_total{function="(unknown)",outcome="anvil.server.NoServerFunctionError"} 8
mybizz_calls_total{function="a",outcome="anvil.users.AuthenticationFailed"} 4
mybizz_calls_total{function="a",outcome="ValueError"} 2
mybizz_calls_total{function="a",outcome="anvil.server.TimeoutError"} 1
mybizz_http_requests_total{kind="page",method="GET",status="404"} 7
mybizz_http_requests_total{kind="page",method="GET",status="502"} 1
mybizz_scheduler_age_seconds 3
"""
    )
    assert (counters.calls, counters.calls_failed, counters.cut_off) == (105, 3, 1)
    assert (counters.requests, counters.requests_failed) == (8, 1)
    assert counters.scheduler_seconds == 3


def test_what_is_away_on_purpose_or_half_made_is_not_judged():
    half_made = FolderLook("inn", Path("inn"), config={"app": "inn"})
    seen = InstanceLook(half_made, 3030)
    assert seen.is_meant_to_be_served
    since = NOW - timedelta(minutes=1)
    begun = FolderLook("inn", Path("inn"), config={"app": "inn"}, unfinished_since=since)
    assert not InstanceLook(begun, 3030).is_meant_to_be_served
