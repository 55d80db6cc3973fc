"""Scheduled tasks and what is remembered of them over a restart."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from app_server.background import BackgroundTasks, Scheduler
from app_server.background.records import MAX_ENDED_TASKS, Records, TaskStatus
from app_server.background.scheduler import TURN_SECONDS
from app_server.background.turns import Turns
from app_server.errors import AnvilError
from app_server.limits import SCHEDULED_TURN_SECONDS
from app_server.tables import TableStore
from tests.services.doubles import Clock

NIGHTLY = {
    "job_id": "NIGHT",
    "task_name": "recount",
    "time_spec": {"every": "day", "at": {"hour": 2, "minute": 0}},
}
OFTEN = {
    "job_id": "OFTEN",
    "task_name": "send",
    "time_spec": {"every": "minute", "n": 10, "at": {}},
}


class Tasks(BackgroundTasks):
    """Background tasks whose processes are only noted."""

    def __init__(self, instance: Any, clock: Clock):
        super().__init__(instance, clock)
        self.launched: list[str] = []
        self.going: set[str] = set()
        self.refusal: AnvilError | None = None

    async def launch(self, name: str, *args: Any, job_id: str | None = None, **kw: Any) -> str:
        if self.refusal:
            raise self.refusal
        self.launched.append(name)
        return f"{name}-{len(self.launched)}"

    async def is_running_somewhere(self, task_id: str) -> bool:
        return task_id in self.going or await super().is_running_somewhere(task_id)


class Server:
    """One server that is started and stopped while its database and clock go on."""

    def __init__(self, store: TableStore):
        self.clock = Clock()
        self.app = SimpleNamespace(version="v1", scheduled_tasks=[NIGHTLY, OFTEN])
        self.turns = Turns(1, lambda: self.clock().timestamp())
        workers = SimpleNamespace(all=SimpleNamespace(turns=self.turns))
        self.instance: Any = SimpleNamespace(
            name="studio", tables=store, app=self.app, workers=workers
        )
        self.tasks: Tasks | None = None

    async def start(self) -> tuple[Tasks, Scheduler]:
        """The one before, if any, is stopped."""
        if self.tasks is not None:
            await self.tasks.stop()
        return await self.start_another()

    async def start_another(self) -> tuple[Tasks, Scheduler]:
        """Beside one that runs."""
        self.tasks = tasks = Tasks(self.instance, self.clock)
        await tasks.start()
        return tasks, Scheduler(tasks)


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator[Server]:
    store = await TableStore.open(database_url, {}, data_dir=tmp_path)
    yield Server(store)
    await store.close()


async def test_runs_each_job_when_it_is_due(server: Server) -> None:
    tasks, scheduler = await server.start()
    await scheduler.run_due()
    assert tasks.launched == []
    for _ in range(14 * 6):
        server.clock.advance(minutes=10)
        await scheduler.run_due()
    assert tasks.launched.count("send") == 14 * 6
    assert tasks.launched.count("recount") == 1


async def test_sleeps_no_longer_than_until_the_next_run(server: Server) -> None:
    _, scheduler = await server.start()
    await scheduler.run_due()
    server.clock.advance(minutes=9, seconds=55)
    assert await scheduler.run_due() == 5
    server.clock.advance(minutes=-5)
    assert await scheduler.run_due() == 15


async def test_runs_missed_by_a_stop_are_made_up_once(server: Server) -> None:
    _, scheduler = await server.start()
    await scheduler.run_due()
    server.clock.advance(days=3)
    tasks, scheduler = await server.start()
    await scheduler.run_due()
    assert sorted(tasks.launched) == ["recount", "send"]
    await scheduler.run_due()
    assert len(tasks.launched) == 2


async def test_waits_its_turn_while_other_instances_tasks_run(server: Server) -> None:
    tasks, scheduler = await server.start()
    await scheduler.run_due()
    server.turns.begin("of-a-neighbour")
    server.clock.advance(minutes=10)
    server.turns.begin("of-another")
    assert await scheduler.run_due() == TURN_SECONDS
    assert tasks.launched == []
    server.turns.end("of-another")
    await scheduler.run_due()
    assert tasks.launched == ["send"]


async def test_a_task_that_never_ends_keeps_no_neighbour_waiting(server: Server) -> None:
    tasks, scheduler = await server.start()
    await scheduler.run_due()
    server.clock.advance(minutes=9, seconds=55)
    server.turns.begin("endless")
    server.clock.advance(seconds=10)
    assert await scheduler.run_due() == TURN_SECONDS
    server.clock.advance(seconds=SCHEDULED_TURN_SECONDS)
    await scheduler.run_due()
    assert tasks.launched == ["send"]


async def test_a_restart_does_not_repeat_a_run(server: Server) -> None:
    _, scheduler = await server.start()
    await scheduler.run_due()
    server.clock.advance(minutes=10)
    await scheduler.run_due()
    tasks, scheduler = await server.start()
    server.clock.advance(minutes=9)
    await scheduler.run_due()
    assert tasks.launched == []
    server.clock.advance(minutes=1)
    await scheduler.run_due()
    assert tasks.launched == ["send"]


async def test_a_job_runs_once_at_a_time(server: Server) -> None:
    tasks, scheduler = await server.start()
    await scheduler.run_due()
    tasks.going.add("send-1")
    for _ in range(3):
        server.clock.advance(minutes=10)
        await scheduler.run_due()
    assert tasks.launched == ["send"]
    tasks.going.clear()
    server.clock.advance(minutes=10)
    await scheduler.run_due()
    assert tasks.launched == ["send", "send"]


async def test_a_job_that_cannot_start_is_tried_again(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    tasks, scheduler = await server.start()
    await scheduler.run_due()
    server.clock.advance(minutes=10)
    tasks.refusal = AnvilError("no process host", "anvil.server.RuntimeUnavailableError")
    await scheduler.run_due()
    assert "send could not be started" in caplog.text
    tasks.refusal = None
    server.clock.advance(seconds=15)
    await scheduler.run_due()
    assert tasks.launched == ["send"]


async def test_of_two_servers_one_runs_a_job(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def race() -> list[str]:
        servers = [await server.start_another() for _ in range(3)]
        await asyncio.gather(*(scheduler.run_due() for _, scheduler in servers))
        launched = []
        for _ in range(6):
            server.clock.advance(minutes=10)
            await asyncio.gather(*(scheduler.run_due() for _, scheduler in servers))
            launched += [name for tasks, _ in servers for name in tasks.launched]
            for tasks, _ in servers:
                tasks.launched.clear()
        return launched

    assert await race() == ["send"] * 6

    # The control: where nobody has to claim, each of them runs it.
    async def claim(self: Records, job: Any, next_run_at: Any) -> bool:
        return True

    monkeypatch.setattr(Records, "claim_job", claim)
    assert len(await race()) > 6


async def test_a_server_that_comes_late_repeats_nothing(server: Server) -> None:
    first, scheduler = await server.start()
    await scheduler.run_due()
    _, late = await server.start_another()
    await late.run_due()
    server.clock.advance(minutes=10)
    await scheduler.run_due()
    # Its app changes, so that it writes down all jobs anew.
    second, other = await server.start_another()
    server.app.version = "v2"
    for one in (late, other):
        await one.run_due()
    assert (first.launched, second.launched) == (["send"], [])


async def test_a_clock_that_was_put_back(server: Server) -> None:
    """A run that is due in years is one of a clock that was wrong."""
    tasks, scheduler = await server.start()
    server.clock.advance(days=3000)
    await scheduler.run_due()
    server.clock.advance(days=-3000)
    await scheduler.run_due()
    assert tasks.launched == []
    for _ in range(6):
        server.clock.advance(minutes=10)
        await scheduler.run_due()
    assert tasks.launched == ["send"] * 6
    server.clock.advance(minutes=-5)  # a small step repeats nothing
    await scheduler.run_due()
    assert len(tasks.launched) == 6


async def test_a_clock_that_was_put_forward(server: Server) -> None:
    tasks, scheduler = await server.start()
    await scheduler.run_due()
    server.clock.advance(days=3000)
    for _ in range(3):
        await scheduler.run_due()
    assert sorted(tasks.launched) == ["recount", "send"]


async def test_follows_the_app(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    tasks, scheduler = await server.start()
    await scheduler.run_due()
    server.clock.advance(minutes=5)
    wrong = {"job_id": "WRONG", "task_name": "yearly", "time_spec": {"every": "year"}}
    more = {"job_id": "MORE", "task_name": "count", "time_spec": {"every": "minute", "n": 2}}
    server.app.version, server.app.scheduled_tasks = "v2", [OFTEN, wrong, more, more]
    await scheduler.run_due()
    assert "yearly never runs: `every`" in caplog.text
    assert "count never runs: `job_id`" in caplog.text
    server.clock.advance(minutes=5)
    await scheduler.run_due()
    assert sorted(tasks.launched) == ["count", "send"]
    server.app.version, server.app.scheduled_tasks = "v3", []
    server.clock.advance(days=2)
    await scheduler.run_due()
    assert len(tasks.launched) == 2
    assert await tasks.records.load_jobs() == []


# ---- records of background tasks


async def test_what_ran_when_the_server_stopped_is_missing(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    tasks, _ = await server.start()
    await tasks.records.add("a", "import", "s", None, server.clock())
    await tasks.records.add("b", "import", "s", None, server.clock())
    await tasks.records.finish("b", TaskStatus.COMPLETED, server.clock())
    again, _ = await server.start()
    found = {task_id: await again.find(task_id) for task_id in "abc"}
    assert [found[i] and found[i].status for i in "abc"] == ["missing", "completed", None]  # type: ignore[union-attr]
    assert "1 background tasks were interrupted" in caplog.text


async def test_what_another_server_runs_is_not_missing(server: Server) -> None:
    first, _ = await server.start()
    await first.records.add("a", "import", "s", None, server.clock(), first.owner)
    sleeper = await asyncio.create_subprocess_exec("sleep", "60")
    start = psutil.Process(sleeper.pid).create_time()
    elsewhere = f"{socket.gethostname()} {sleeper.pid} {start:.2f} x"
    await first.records.add("b", "import", "s", None, server.clock(), elsewhere)
    recycled = f"{socket.gethostname()} {sleeper.pid} {start - 9:.2f} x"
    await first.records.add("c", "import", "s", None, server.clock(), recycled)
    await first.records.add("d", "import", "s", None, server.clock(), "other-machine 1 1.00 x")
    second, _ = await server.start_another()

    async def statuses() -> list[str | None]:
        return [record and record.status for record in [await second.find(i) for i in "abcd"]]

    assert await statuses() == [None, None, "missing", "missing"]
    with pytest.raises(AnvilError, match="runs in another server"):
        await second.kill("b")
    sleeper.kill()
    await sleeper.wait()
    await first.stop()
    assert await statuses() == ["missing"] * 4


async def test_only_the_first_end_of_a_task_counts(server: Server) -> None:
    tasks, _ = await server.start()
    await tasks.records.add("a", "import", "s", None, server.clock())
    assert await tasks.records.finish("a", TaskStatus.KILLED, server.clock())
    assert not await tasks.records.finish("a", TaskStatus.FAILED, server.clock(), error={"a": 1})
    record = await tasks.find("a")
    assert record is not None
    assert (record.status, record.error) == ("killed", None)


async def test_the_oldest_ended_tasks_are_forgotten(server: Server) -> None:
    tasks, _ = await server.start()
    start = server.clock()
    async with server.instance.tables.connection() as db:
        await db.execute(
            "INSERT INTO _mybizz.background_tasks (id, name, session_id, status, started_at, "
            "ended_at) SELECT 'old' || n, 'x', 's', 'completed', %s, "
            "%s::timestamptz + n * interval '1 second' FROM generate_series(1, %s) AS n",
            [start, start, MAX_ENDED_TASKS + 5],
        )
    await tasks.records.add("running", "x", "s", None, start - timedelta(days=1))
    ids = set(await tasks.records.list_ids())
    assert len(ids) == MAX_ENDED_TASKS + 1
    assert {"running", "old6"} <= ids
    assert "old5" not in ids
