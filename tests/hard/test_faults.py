"""Clocks that jump and disks that are full: what they touch is told, all else goes on."""

from __future__ import annotations

import logging
import resource
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from app_server.keys import InstanceKeys
from app_server.sessions import SessionStore
from tests.app_server.running import RunningServer, serve_app

DAY = 86400
SERVER = """
import time
import anvil.server

@anvil.server.callable
def keep(value):
    anvil.server.session["value"] = value

@anvil.server.callable
def recall():
    return anvil.server.session.get("value")

@anvil.server.callable
def nap(seconds):
    time.sleep(seconds)
    return "rested"

@anvil.server.http_endpoint("/word")
def word():
    return "word"
"""


@pytest.mark.parametrize("jump", [DAY, -DAY, 400 * DAY])
def test_a_clock_that_jumps_ends_nothing(tmp_path: Path, jump: int):
    clock = tmp_path / "clock"
    clock.write_text("0")
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    program = ("tests.hard.with_clock", str(clock), "--")
    with (
        serve_app(tmp_path, files, program=program) as server,
        server.browser() as browser,
        server.browser() as other,
        ThreadPoolExecutor() as pool,
    ):
        browser.call("keep", 7)
        other.call("recall")
        napping = pool.submit(other.call, "nap", 1.5)
        clock.write_text(str(jump))
        assert browser.call("recall") == 7
        assert napping.result(20) == "rested", "a time-out is no time of day"
        with server.browser() as again:
            assert again.call("recall") == 7, "nor has the session expired"
        assert server.get("/_/api/word").text == "word"
        clock.write_text("0")
        assert browser.call("recall") == 7
        assert "Internal server error" not in "".join(server.log)


def test_sessions_know_no_time_of_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = SessionStore(tmp_path, InstanceKeys.load(tmp_path))
    session = store.create()
    session.save()
    store.flush()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 10 * DAY)
    store.sweep()
    assert store.find(store.make_cookie(session)) is session
    monkeypatch.undo()
    real_monotonic = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real_monotonic() + DAY)
    assert store.find(store.make_cookie(session)) is None, "real hours do count"
    store.close()


def limit_files(server: RunningServer, size: int) -> None:
    """From now on no file of the server may grow beyond ``size``: as if the disk were full. (The
    system then fails the write; the signal that goes with it is ignored by Python.)"""
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def wait_for_line(server: RunningServer, words: str) -> None:
    end = time.monotonic() + 30
    while not any(words in line for line in server.log):
        assert time.monotonic() < end, "".join(server.log[-10:])
        time.sleep(0.02)


def test_a_full_disk_costs_no_visitor(tmp_path: Path):
    """Sessions go on in memory, and reach the disk when there is room again."""
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    with serve_app(tmp_path, files) as server:
        with server.browser() as browser:
            browser.call("keep", "before")
            limit_files(server, 0)
            browser.call("keep", "while it was full")
            wait_for_line(server, "Sessions cannot be written")
            assert browser.call("recall") == "while it was full"
            assert server.get("/_/api/word").text == "word"
            with server.browser() as again:
                assert again.call("recall") == "while it was full"
            limit_files(server, resource.RLIM_INFINITY)
            browser.call("keep", "after")
        cookies = dict(server.client.cookies)
        assert server.stop() == 0
        assert sum("Sessions cannot be written" in line for line in server.log) == 1
    with serve_app(tmp_path, files) as server:
        server.client.cookies.update(cookies)
        with server.browser(with_session=False) as browser:
            assert browser.call("recall") == "after"


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path):
    """Standard error on a full disk (``/dev/full``)."""
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    program = ("tests.hard.with_full_log", "--")
    with serve_app(tmp_path, files, program=program) as server, server.browser() as browser:
        for number in range(20):
            browser.call("keep", number)
            browser.socket.send('{"type": "LOG", "warning": "something for the log"}')
        assert browser.call("recall") == 19
        assert psutil.Process(server.process.pid).is_running()
        assert server.stop() == 0


@pytest.fixture
def full_folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    folder.mkdir()
    yield folder


@pytest.mark.parametrize("error", ["database or disk is full", "disk I/O error"])
def test_sessions_of_a_disk_that_recovers(
    full_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: str
):
    caplog.set_level(logging.INFO)
    store = SessionStore(full_folder, InstanceKeys.load(full_folder))
    session = store.create()

    def fail(_rows: Any) -> None:
        raise sqlite3.OperationalError(error)

    with monkeypatch.context() as broken:
        broken.setattr(store._file, "write", fail)
        session.state["x"] = 1
        store.flush()
        store.flush()
    assert caplog.text.count(error) == 1
    store.close()
    again = SessionStore(full_folder, InstanceKeys.load(full_folder))
    found = again.find_by_id(session.id)
    assert found is not None and found.state["x"] == 1
    again.close()


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path):
    # Root may write anywhere, so a folder stands where the file should be.
    data = tmp_path / "data"
    data.mkdir()
    (data / "sessions.sqlite3").mkdir()
    refused = pytest.raises(RuntimeError, match=r"Cannot keep sessions in .*sessions\.sqlite3")
    with refused, serve_app(tmp_path, {"server_code/main.py": SERVER}):
        pass
