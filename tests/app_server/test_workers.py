"""Worker processes: a call has one to itself, and takes only itself down with it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app_server.workers import pool, process
from app_server.workers.frames import FrameError, FrameReader, pack
from app_server.workers.priority import LOW_PRIORITY
from tests.app_server.worker_app import NOT_PERSISTENT, SERVER, Open, until

Patch = pytest.MonkeyPatch


@asynccontextmanager
async def running(*calls: Awaitable[Any]) -> AsyncIterator[list[asyncio.Future[Any]]]:
    tasks = [asyncio.ensure_future(call) for call in calls]
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_short_calls_share_a_process(open_app: Open, monkeypatch: Patch):
    monkeypatch.setattr(pool, "GROW_SECONDS", 60)
    app = await open_app()
    assert len(set(await asyncio.gather(*(app.call("pid") for _ in range(20))))) == 1


async def test_a_queue_that_moves_starts_no_more_processes_than_enough(
    open_app: Open, monkeypatch: Patch
):
    """More of them would get no more done."""
    monkeypatch.setattr(pool, "ENOUGH_WORKERS", 1)
    monkeypatch.setattr(pool, "GROW_SECONDS", 0.5)
    monkeypatch.setattr(pool, "PATIENCE_SECONDS", 60)
    app = await open_app()
    pids = set()
    end = asyncio.get_running_loop().time() + 1.2

    async def ask() -> None:
        while asyncio.get_running_loop().time() < end:
            pids.add(await app.call("pid"))

    await asyncio.gather(*(ask() for _ in range(6)))
    assert len(pids) == 1


async def test_calls_that_take_long_have_a_process_each(open_app: Open):
    app = await open_app()
    names = [f"call{number}" for number in range(3)]
    async with running(*(app.call("wait_for_go", str(app.folder), n) for n in names)) as calls:
        pids = {await app.started(name) for name in names}
        assert len(pids) == 3
        app.go()
        assert set(await asyncio.gather(*calls)) == pids


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
async def test_a_process_that_is_killed_takes_its_own_call_only(
    open_app: Open, number: signal.Signals
):
    app = await open_app()
    names = ("one", "two")
    async with running(*(app.reply("wait_for_go", str(app.folder), n) for n in names)) as calls:
        one, _two = [await app.started(name) for name in names]
        os.kill(one, number)
        lost = (await calls[0]).error
        assert lost["type"] == "anvil.server.ExecutionTerminatedError"
        assert "killed" in lost["message"]
        app.go()
        assert (await calls[1]).error is None


async def test_server_code_that_exits_fails_its_call(open_app: Open):
    app = await open_app()
    kind, message = await app.error("die")
    assert kind == "anvil.server.ExecutionTerminatedError" and "exit code 3" in message
    assert await app.call("pid")


async def test_a_call_that_loops_is_ended_and_no_other(open_app: Open):
    app = await open_app()
    await app.call("pid")
    async with running(app.reply("wait_for_go", str(app.folder), "good")) as good:
        await app.started("good")
        app.limit_calls(2.0)
        async with running(app.reply("loop", str(app.folder), "bad")) as bad:
            looping = psutil.Process(await app.started("bad"))
            error = (await bad[0]).error
            assert error["type"] == "anvil.server.TimeoutError"
            await asyncio.to_thread(looping.wait, 20)
        app.go()
        assert (await good[0]).error is None


async def test_a_call_whose_caller_has_gone_ends_too(open_app: Open):
    app = await open_app()
    app.limit_calls(1.0)
    async with running(app.reply("loop", str(app.folder), "bad")):
        looping = psutil.Process(await app.started("bad"))
    await asyncio.to_thread(looping.wait, 20)


async def test_calls_share_a_process_when_there_may_be_no_more(open_app: Open, monkeypatch: Patch):
    monkeypatch.setattr(pool, "MAX_WORKERS_PER_INSTANCE", 1)
    app = await open_app()
    async with running(app.reply("wait_for_go", str(app.folder), "good")) as good:
        pid = await app.started("good")
        app.limit_calls(2.0)
        async with running(app.reply("loop", str(app.folder), "bad")) as bad:
            assert await app.started("bad") == pid
            assert (await bad[0]).error["type"] == "anvil.server.TimeoutError"
        app.limit_calls(30.0)
        app.go()
        assert (await good[0]).error is None, "it may end before its process is"
        assert await app.call("pid") != pid


async def test_memory_is_bounded(open_app: Open, monkeypatch: Patch):
    app = await open_app()
    app.workers.memory_limit = 200 * 1024 * 1024
    kind, message = await app.error("hoard", str(app.folder))
    assert kind == "anvil.server.ExecutionTerminatedError"
    assert "MB of memory" in message and "It may use 200 MB" in message
    # The next one is not the spare, which has the usual priority, and lets others go first at once.
    spare = app.workers._spare
    process = await app.call("pid")
    assert os.getpriority(os.PRIO_PROCESS, process) == LOW_PRIORITY
    assert spare is not None and app.workers._spare is spare and spare.process.pid != process


async def test_one_whose_processes_crash_once_is_no_suspect(open_app: Open):
    app = await open_app()
    first = await app.call("pid")
    os.kill(first, signal.SIGKILL)
    await until(lambda: not app.instance.workers.workers)
    second = await app.call("pid")
    assert second != first and os.getpriority(os.PRIO_PROCESS, second) == 0


async def test_a_call_that_ends_as_it_is_given_up_costs_no_process(open_app: Open):
    app = await open_app()
    process = await app.call("pid")
    [worker] = app.instance.workers.workers
    worker.give_up("c1")
    assert await app.call("pid") == process


async def test_a_nested_call_stays_in_its_process(open_app: Open):
    app = await open_app()
    outer, inner = await app.call("nested")
    assert outer == inner


async def test_without_persistence_each_call_has_a_fresh_process(open_app: Open):
    app = await open_app(NOT_PERSISTENT)
    outer, inner = await app.call("nested")
    assert len({outer, inner, await app.call("pid")}) == 3
    await until(lambda: not app.instance.workers.workers)
    assert not psutil.pid_exists(outer)


async def test_without_persistence_calls_wait_for_their_turn(open_app: Open, monkeypatch: Patch):
    monkeypatch.setattr(pool, "MAX_WORKERS_PER_INSTANCE", 2)
    app = await open_app(NOT_PERSISTENT)
    pids = await asyncio.gather(*(app.call("pid") for _ in range(5)))
    assert len(set(pids)) == 5


async def test_background_tasks_keep_no_call_waiting(open_app: Open, monkeypatch: Patch):
    monkeypatch.setattr(pool, "MAX_WORKERS_PER_INSTANCE", 1)
    app = await open_app(NOT_PERSISTENT)
    for _ in range(2):
        app.instance.workers.take_for_task()
    assert await app.call("pid")


async def test_changed_code_runs_in_a_new_process(open_app: Open):
    app = await open_app()
    old = psutil.Process(await app.call("pid"))
    code = app.folder / "shop" / "server_code" / "main.py"
    code.write_text(SERVER.replace("return os.getpid()", "return 'new'"))
    from app_server.apps import load_app

    app.instance.app = load_app(app.folder / "shop", {})
    assert await app.call("pid") == "new"
    await asyncio.to_thread(old.wait, 20)


async def test_no_more_wait_than_may(open_app: Open, monkeypatch: Patch):
    monkeypatch.setattr(pool, "MAX_WAITING_CALLS", 0)
    app = await open_app()
    from app_server.errors import AnvilError

    with pytest.raises(AnvilError, match="too busy"):
        await app.call("pid")


async def test_a_process_that_does_not_start_is_told_of(
    open_app: Open, tmp_path: Path, monkeypatch: Patch
):
    (tmp_path / "broken.py").write_text("raise SystemExit('no libraries')")
    monkeypatch.setattr(process, "LAUNCH", tmp_path / "broken.py")
    app = await open_app()
    from app_server.errors import AnvilError

    with pytest.raises(AnvilError, match="does not start"):
        await app.call("pid")
    await until(lambda: not app.instance.workers.is_well)
    monkeypatch.undo()
    assert await app.call("pid")


async def test_a_child_left_behind_keeps_no_call_waiting(open_app: Open):
    app = await open_app()
    kind, message = await app.error("fork_and_die", str(app.folder))
    assert kind == "anvil.server.ExecutionTerminatedError" and "exit code 3" in message
    child = int((app.folder / "child").read_text())
    await until(lambda: not psutil.pid_exists(child))


@pytest.mark.parametrize(
    "rubbish",
    ["\x07rubbish", "\x00\xff\xff\xff\xff", "\x00\x02\x00\x00\x00[]", "\x00\x01\x00\x00\x00{"],
    ids=["no head", "too long", "no object", "no JSON"],
)
async def test_rubbish_on_the_pipe_fails_the_calls_of_that_process(open_app: Open, rubbish: str):
    app = await open_app()
    async with running(app.reply("wait_for_go", str(app.folder), "good")) as good:
        await app.started("good")
        kind, _ = await app.error("write_rubbish", rubbish)
        assert kind == "anvil.server.ExecutionTerminatedError"
        app.go()
        assert (await good[0]).error is None


messages = st.lists(st.tuples(st.binary(max_size=300), st.none() | st.binary(max_size=300)))


@given(messages, st.integers(1, 50))
def test_frames_come_out_as_they_went_in(sent: list[tuple[bytes, bytes | None]], size: int):
    stream = b"".join(pack(text, data) for text, data in sent)
    reader = FrameReader()
    got = [
        frame
        for start in range(0, len(stream), size)
        for frame in reader.feed(stream[start : start + size])
    ]
    assert got == sent


@given(st.binary())
def test_any_bytes_are_messages_or_refused(received: bytes):
    reader = FrameReader()
    try:
        frames = list(reader.feed(received))
    except FrameError:
        return
    assert sum(len(text) + len(data or b"") for text, data in frames) <= len(received)
