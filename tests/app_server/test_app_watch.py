"""Changed files are told of, whoever changes them and however."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app_server import app_watch
from app_server.app_watch import FolderWatch
from tests.app_server.running import write_files

SECONDS = 15


class Listener:
    def __init__(self) -> None:
        self.count = 0
        self._news = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self._news.set()

    async def hears(self) -> None:
        await asyncio.wait_for(self._news.wait(), SECONDS)
        self._news.clear()


@pytest.fixture
async def watch() -> AsyncIterator[FolderWatch]:
    watch = FolderWatch()
    yield watch
    for owner in list(watch._followers):
        watch.forget(owner)
    if watch._task is not None:
        await asyncio.wait_for(watch._task, SECONDS)


async def settled(watch: FolderWatch, probe: Path, listener: Listener) -> None:
    """The watch runs: it has told of a file that is written until it does."""
    end = time.monotonic() + SECONDS
    while listener.count < 2:  # once at the beginning, then of the probe
        assert time.monotonic() < end
        probe.write_text(str(time.monotonic()))
        await asyncio.sleep(0.05)
    while True:  # what it still has to tell of the probe
        before = listener.count
        await asyncio.sleep(0.4)
        if listener.count == before:
            listener._news.clear()
            return


async def test_tells_of_each_kind_of_change(watch: FolderWatch, tmp_path: Path):
    folder = write_files(tmp_path / "app", {"a.py": "1", "deep/er/b.py": "1"})
    heard = Listener()
    watch.follow("me", [folder], heard)
    await settled(watch, folder / "a.py", heard)
    (folder / "deep/er/b.py").write_text("2")
    await heard.hears()
    (folder / "new").mkdir()
    (folder / "new/c.py").write_text("1")
    await heard.hears()
    os.replace(folder / "a.py", folder / "d.py")
    await heard.hears()
    (folder / "d.py").unlink()
    await heard.hears()
    assert not watch.is_polling


async def test_only_those_concerned_are_told(watch: FolderWatch, tmp_path: Path):
    one = write_files(tmp_path / "one", {"a.py": "1"})
    other = write_files(tmp_path / "other", {"a.py": "1"})
    (tmp_path / "link").symlink_to(one)
    first, second, linked = Listener(), Listener(), Listener()
    watch.follow(1, [one], first)
    watch.follow(2, [other], second)
    watch.follow(3, [tmp_path / "link"], linked)
    await settled(watch, one / "a.py", first)
    assert linked.count >= 2 and second.count == 1, "once at the beginning, to be sure"
    second._news.clear()
    write_files(other, {"__pycache__/x.pyc": "1", ".a.py.swp": "1"})
    (other / "b.py").write_text("1")
    await second.hears()
    watch.forget(2)
    before = second.count
    (one / "c.py").write_text("1")
    await first.hears()
    assert second.count == before


async def test_a_link_that_leads_elsewhere_is_a_change(
    watch: FolderWatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(app_watch, "LOOK_SECONDS", 0.05)
    one = write_files(tmp_path / "v1", {"a.py": "1"})
    two = write_files(tmp_path / "v2", {"a.py": "2"})
    link = tmp_path / "app"
    link.symlink_to(one)
    heard = Listener()
    watch.follow("me", [link], heard)
    (tmp_path / "next").symlink_to(two)
    os.replace(tmp_path / "next", link)
    await heard.hears()
    heard.count = 0
    await settled(watch, two / "a.py", heard)


async def test_looks_by_itself_where_the_system_tells_nothing(
    watch: FolderWatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_arguments: object) -> None:
        raise OSError("no space left on device about inotify watches")

    monkeypatch.setattr(app_watch, "RustNotify", refuse)
    monkeypatch.setattr(app_watch, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(app_watch, "POLL_SECONDS", 0.05)
    heard = Listener()
    watch.follow("me", [tmp_path], heard)
    await heard.hears()
    await heard.hears()
    assert watch.is_polling


async def test_a_hundred_idle_folders_cost_next_to_nothing(watch: FolderWatch, tmp_path: Path):
    """Each instance follows its own folder and two that all share, as with releases."""
    shared = [write_files(tmp_path / n, {f"f{i}.py": "1" for i in range(50)}) for n in "mt"]
    heard = Listener()
    for number in range(100):
        own = write_files(tmp_path / f"i{number}", {"anvil.yaml": "", "theme/a.css": ""})
        watch.follow(number, [own, *shared], heard)
    await settled(watch, shared[0] / "f0.py", heard)
    before, began = time.process_time(), time.monotonic()
    await asyncio.sleep(3)
    used = (time.process_time() - before) / (time.monotonic() - began)
    assert used < 0.02, f"{used:.1%} of a processor"
