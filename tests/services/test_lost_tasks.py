"""Work that goes on beside a call: a fault in it is told, and is not the end of the rest."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app_server.background import scheduler as scheduling
from app_server.background.scheduler import Scheduler
from app_server.background.tasks import BackgroundTasks, RunningTask
from app_server.errors import AnvilError
from app_server.request import Reply
from app_server.users import mail, reset
from app_server.wire.payload import Payload
from tests.services.studio import Studio


async def test_a_fault_of_ours_does_not_end_the_scheduler(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    tasks: Any = SimpleNamespace(records=None, instance=SimpleNamespace(name="studio"))
    scheduler = Scheduler(tasks)
    looks = 0
    looked_again = asyncio.Event()

    async def run_due() -> float:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise ZeroDivisionError("a fault of ours")
        looked_again.set()
        return 60.0

    monkeypatch.setattr(scheduler, "run_due", run_due)
    monkeypatch.setattr(scheduling, "LOOK_SECONDS", 0.0)
    scheduler.start()
    async with asyncio.timeout(20):
        await looked_again.wait()
    await scheduler.stop()
    assert "a fault of ours" in caplog.text


async def test_a_reset_link_that_cannot_be_sent_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def fail(*_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reset, "find_enabled_user", fail)
    request = Studio(tmp_path).browser().request()
    await reset.send_password_reset_email(request, "mia@example.com")
    await mail.finish_sending()
    assert "No space left on device" in caplog.text
    assert "mia@example.com" not in caplog.text


@pytest.mark.parametrize("is_raised", [True, False])
async def test_the_state_of_a_task_that_ends_while_it_is_asked(is_raised: bool):
    """Its process is gone, its end not yet recorded: whoever asks waits for the record."""
    gone = AnvilError("Its process has ended.", "anvil.server.RuntimeUnavailableError")
    is_asked = asyncio.Event()

    class Peer:
        async def get_task_state(self, _call: Any) -> Reply:
            is_asked.set()
            if is_raised:
                raise gone
            return Reply(error=gone.to_json())

    instance: Any = SimpleNamespace(name="studio", tables=None)
    tasks = BackgroundTasks(instance)
    outcome = Payload({"taskState": {"size": 3}})

    async def record_the_end() -> None:
        await is_asked.wait()
        await asyncio.sleep(0)
        del tasks._running["t"]

    async def find(_task_id: str) -> Any:
        assert "t" not in tasks._running
        return SimpleNamespace(outcome=outcome)

    tasks.find = find  # type: ignore[method-assign]
    call: Any = SimpleNamespace(answer=asyncio.get_running_loop().create_future())
    peer: Any = Peer()
    tasks._running["t"] = RunningTask(call, peer, asyncio.create_task(record_the_end()))
    async with asyncio.timeout(20):
        assert await tasks.get_state("t") == (outcome, "taskState")
