"""Work that goes on beside a call: a fault in it is told, and is not the end of the rest."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app_server.background import scheduler as scheduling
from app_server.background.scheduler import Scheduler
from app_server.users import mail, reset
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
