"""Faults of disks, processes and files: what they touch fails, all else goes on."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from app_server import instances
from app_server.config import InstanceConfig
from app_server.errors import StartupError
from app_server.hosting import Hosting
from app_server.instance import Instance
from app_server.instances import InstancesFolder
from app_server.keys import InstanceKeys
from app_server.sessions import SessionStore
from app_server.stack import CallStack
from app_server.tables.pool import ConnectionPool
from app_server.tables.transactions import Transactions
from app_server.workers import Workers
from tests.app_server.running import ANVIL_YAML, write_files

Patch = pytest.MonkeyPatch
Log = pytest.LogCaptureFixture


def make_instance(folder: Path) -> Instance:
    app = write_files(folder / "shop", {"anvil.yaml": ANVIL_YAML})
    data = folder / "data"
    data.mkdir()
    config = InstanceConfig("shop", app, data, "http://localhost:1", database="none")
    return Instance(config, Workers())


def test_sessions_wait_for_a_disk_that_refuses(tmp_path: Path, caplog: Log):
    keys = InstanceKeys.load(tmp_path)
    store = SessionStore(tmp_path, keys)
    other = sqlite3.connect(tmp_path / "sessions.sqlite3")
    other.execute("ALTER TABLE sessions RENAME TO away")
    session = store.create()
    session.state["user"] = 7
    store.flush()
    assert caplog.text.count("cannot be written") == 1, "said once"
    other.execute("ALTER TABLE away RENAME TO sessions")
    other.close()
    store.close()
    found = SessionStore(tmp_path, keys).find_by_id(session.id)
    assert found is not None and found.state["user"] == 7


def test_a_session_that_cannot_be_kept_does_not_keep_others_back(tmp_path: Path):
    keys = InstanceKeys.load(tmp_path)
    store = SessionStore(tmp_path, keys)
    store.wants_flush = lambda: None
    bad, good = store.create(), store.create()
    bad.state["x"] = object()
    good.state["x"] = 1
    store.close()
    assert SessionStore(tmp_path, keys).find_by_id(good.id) is not None


def test_a_damaged_session_counts_as_expired(tmp_path: Path):
    keys = InstanceKeys.load(tmp_path)
    store = SessionStore(tmp_path, keys)
    session = store.create()
    session.save()
    store.close()
    with sqlite3.connect(tmp_path / "sessions.sqlite3") as database:
        database.execute("UPDATE sessions SET data = '{half'")
    assert SessionStore(tmp_path, keys).find(store.make_cookie(session)) is None


@pytest.mark.parametrize("content", ["", "abc", "zz" * 32, "ab" * 31])
def test_a_damaged_key_is_named(tmp_path: Path, content: str):
    (tmp_path / "secret.key").write_text(content)
    with pytest.raises(StartupError, match=r"secret\.key is damaged"):
        InstanceKeys.load(tmp_path)


def test_a_key_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: Patch):
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StartupError, match="No space left"):
        InstanceKeys.load(tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    key = InstanceKeys.load(tmp_path).derive("a")
    assert InstanceKeys.load(tmp_path).derive("a") == key
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


async def test_stopping_goes_on_after_a_step_that_fails(tmp_path: Path, caplog: Log):
    class BrokenBackground:
        async def stop(self) -> None:
            raise RuntimeError("the database is gone")

    instance = make_instance(tmp_path)
    await instance.start()
    instance.background = BrokenBackground()
    session = instance.sessions.create()
    session.save()
    await instance.stop()
    assert "Stopping was not clean" in caplog.text
    again = SessionStore(tmp_path / "data", instance.keys)
    assert again.find_by_id(session.id) is not None


async def test_an_instance_with_a_fault_of_ours_keeps_no_other_down(
    tmp_path: Path, monkeypatch: Patch, caplog: Log
):
    for name in ("anna", "bert"):
        content = "app: shop\ndatabase: none\n"
        write_files(tmp_path / name, {"instance.yaml": content, "shop/anvil.yaml": ANVIL_YAML})
    start = Instance.start

    async def fail_for_anna(self: Instance) -> None:
        if self.name == "anna":
            raise ZeroDivisionError("oops")
        await start(self)

    monkeypatch.setattr(Instance, "start", fail_for_anna)
    hosting = Hosting()
    folder = InstancesFolder(tmp_path, 1, hosting, Workers())
    await folder.check()
    assert "[anna] cannot be started" in caplog.text
    assert hosting.find("bert.localhost") is not None and "anna.localhost" in hosting.down
    for instance in hosting.instances:
        await instance.stop()


async def test_a_folder_that_cannot_be_read_is_looked_at_again(
    tmp_path: Path, monkeypatch: Patch, caplog: Log
):
    looked = asyncio.Queue[None]()
    loop = asyncio.get_running_loop()

    def fail(_folder: Path) -> Any:
        loop.call_soon_threadsafe(looked.put_nowait, None)
        raise OSError("stale file handle")

    monkeypatch.setattr(instances, "find_instances", fail)
    monkeypatch.setattr(instances, "CHECK_SECONDS", 0.01)
    watching = asyncio.create_task(InstancesFolder(tmp_path, 1, Hosting(), Workers()).watch())
    async with asyncio.timeout(20):
        await looked.get()
        await looked.get()
    watching.cancel()
    assert "stale file handle" in caplog.text


async def test_a_transaction_that_opens_after_its_call_has_ended_is_rolled_back(database_url: str):
    pool = ConnectionPool(database_url, 1)
    transactions, stack = Transactions(pool), CallStack()
    async with pool.connection():  # so that the opening has to wait
        opening = asyncio.create_task(transactions.open(stack, None))
        await asyncio.sleep(0)
        await stack.close(False)
    with pytest.raises(Exception, match="has expired"):
        await opening
    assert pool.statistics["in_use"] == 0
    await pool.close()
