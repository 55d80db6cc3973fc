"""Thousands of browsers: each is served, none costs much, and nothing stays behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.app_server.running import RunningServer, serve_app
from tests.hard.crowd import Tab, size_of, together, until_settled

SOCKETS = size_of("SOCKETS", 2000)
HANDSHAKES = size_of("HANDSHAKES", 3000)
KILOBYTE = 1024
AT_ONCE = 1000
"""Calls; an instance serves MAX_CALLS_PER_INSTANCE at once."""
Record = Callable[[str, object], None]
SERVER = """
import anvil.server

@anvil.server.callable
def echo(value):
    return value
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    with serve_app(tmp_path, files, "--requests-per-second=0") as running:
        yield running


async def open_all(server: RunningServer, number: int) -> list[Tab]:
    tabs = await together(Tab(server.port).open() for _ in range(number))
    assert {tab.status for tab in tabs} == {101}
    return tabs


async def test_two_thousand_open_browsers(server: RunningServer, record_figure: Record):
    process = psutil.Process(server.process.pid)
    files, memory = process.num_fds(), process.memory_info().rss
    started = time.monotonic()
    tabs = await open_all(server, SOCKETS)
    await together(tab.call("anvil.private.reset_session") for tab in tabs)
    record_figure("seconds to open", round(time.monotonic() - started, 1))
    each = (process.memory_info().rss - memory) / SOCKETS / KILOBYTE
    record_figure("KB of memory for each open browser", round(each))
    assert each < 100
    started = time.monotonic()
    answers = []
    for start in range(0, SOCKETS, AT_ONCE):
        some = tabs[start : start + AT_ONCE]
        answers += await together(
            tab.call("anvil.private.echo", start + n) for n, tab in enumerate(some)
        )
    record_figure("seconds for an answer to all", round(time.monotonic() - started, 1))
    assert [answer["response"] for answer in answers] == list(range(SOCKETS))
    answers = await together(tab.call("echo", n) for n, tab in enumerate(tabs[:200]))
    assert [answer.get("response") for answer in answers] == list(range(200)), "by server code"
    await together(tab.close() for tab in tabs)
    await until_settled(process, files + 30)
    assert (await together([Tab(server.port).open()]))[0].status == 101


async def test_browsers_that_go_without_a_word(server: RunningServer):
    process = psutil.Process(server.process.pid)
    before, files = len(server.log), process.num_fds()
    for _ in range(3):
        tabs = await open_all(server, SOCKETS // 4)
        for tab in tabs:
            tab.send_text(
                '{"type": "CALL", "id": "c", "command": "anvil.private.echo", "args": [1]}'
            )
            tab.drop()
    await until_settled(process, files + 30)
    assert "Traceback" not in "".join(server.log[before:])


async def test_handshakes_all_at_once(server: RunningServer, record_figure: Record):
    process = psutil.Process(server.process.pid)
    files, memory = process.num_fds(), process.memory_info().rss
    started = time.monotonic()
    tabs = await open_all(server, HANDSHAKES)
    record_figure("handshakes a second", round(HANDSHAKES / (time.monotonic() - started)))
    for tab in tabs:
        tab.drop()
    await until_settled(process, files + 30)
    grown = (process.memory_info().rss - memory) / HANDSHAKES / KILOBYTE
    record_figure("KB that stay for each session that was begun", round(grown))
    assert grown < 60


async def test_more_than_the_system_has_files_for(tmp_path: Path):
    """They are turned away; who is there already is served, and so is who comes later."""
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    program = ("tests.hard.with_limits", "MAX_CONNECTIONS=300", "--")
    with serve_app(tmp_path, files, "--requests-per-second=0", program=program) as server:
        tabs = [await Tab(server.port).open() for _ in range(300)]
        await together(tab.call("anvil.private.reset_session") for tab in tabs)
        turned_away = await together(Tab(server.port).open() for _ in range(200))
        assert {tab.status for tab in turned_away} == {503}
        assert (await tabs[0].call("echo", 1))["response"] == 1
        await together(tab.close() for tab in tabs)
        await until_settled(psutil.Process(server.process.pid), 100)
        assert (await Tab(server.port).open()).status == 101


async def test_a_restart_closes_all_sockets_in_time(server: RunningServer, record_figure: Record):
    tabs = await open_all(server, SOCKETS // 2)
    await together(tab.call("anvil.private.reset_session") for tab in tabs)
    started = time.monotonic()
    code = await asyncio.to_thread(server.stop)
    record_figure("seconds to stop", round(time.monotonic() - started, 1))
    assert code == 0

    async def end_of(tab: Tab) -> int | None:
        with pytest.raises(ConnectionError):
            while True:
                await tab.receive()
        return tab.close_code

    codes = set(await together(end_of(tab) for tab in tabs))
    assert codes <= {1012, 1001}, "so that browsers come back by themselves"
