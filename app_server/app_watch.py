"""Tells when something changes below folders. One watch serves all instances of a server.

The system reports changes (inotify and its kin, by ``watchfiles``), so that a hundred idle
instances cost nothing. What it does not report, a folder that was replaced or a link that leads
elsewhere now, shows in the folder's inode, which is looked at every LOOK_SECONDS. Where the system
reports nothing (too many watches, some network drives; ``WATCHFILES_FORCE_POLLING`` says so)
everybody is told to look for themselves every POLL_SECONDS.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from watchfiles._rust_notify import RustNotify

from app_server.apps.loader import IGNORED_FOLDERS

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
POLL_SECONDS = 2.0
STEP_MS = 100
"""Changes that come one after the other within this time are told together..."""
DEBOUNCE_MS = 1000
"""...but after this time at the latest."""

TURN_MS = 200
"""How often the watching thread sees whether it is to end."""

Identity = tuple[int, int] | None
"""Device and inode of a folder; None where there is none."""


@dataclass(slots=True)
class _Follower:
    changed: Callable[[], None]
    folders: dict[Path, Identity]
    roots: tuple[str, ...]
    is_watched: bool = False


class _Watching:
    """A thread that waits for the system's word."""

    def __init__(self, notify: RustNotify, tell: Callable[[list[str]], None]):
        self._notify = notify
        self._tell = tell
        self._stop = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "file-watch")
        self._ended = self._loop.run_in_executor(self._thread, self._watch)

    def _watch(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._stop.is_set()
            # Its own event for stopping would drop what it has gathered.
            changes = self._notify.watch(DEBOUNCE_MS, STEP_MS, 1 if is_last else TURN_MS, None)
            paths = (
                [path for _, path in changes if counts(path)] if isinstance(changes, set) else []
            )
            if paths:
                self._loop.call_soon_threadsafe(self._tell, paths)

    async def stop(self) -> None:
        self._stop.set()
        await self._ended
        self._thread.shutdown(wait=False)
        self._notify.close()


class FolderWatch:
    """Runs while somebody follows a folder."""

    def __init__(self) -> None:
        self._followers: dict[object, _Follower] = {}
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.is_polling = bool(os.environ.get("WATCHFILES_FORCE_POLLING"))

    def follow(self, owner: object, folders: Iterable[Path], changed: Callable[[], None]) -> None:
        """Call ``changed`` after each change below the folders, in place of what ``owner`` followed
        before."""
        found = {Path(folder): identify(folder) for folder in folders}
        roots = tuple(sorted({os.path.realpath(folder) for folder in found}))
        known = self._followers.get(owner)
        self._followers[owner] = _Follower(changed, found, roots)
        if known is None or known.roots != roots:
            self._news.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def forget(self, owner: object) -> None:
        self._followers.pop(owner, None)
        self._news.set()

    async def _run(self) -> None:
        """Watch for as long as there is a follower. A new watch is there before the old one ends,
        so that nothing goes unseen between them."""
        running: _Watching | None = None
        while self._followers:
            self._news.clear()
            roots = sorted({root for f in self._followers.values() for root in f.roots})
            after = None if self.is_polling else await self._start_watching(roots)
            if running is not None:
                await running.stop()
            running = after
            for follower in self._followers.values():
                if not follower.is_watched:
                    follower.is_watched = True
                    follower.changed()  # perhaps before the watch was there
            await self._look_until_news()
        if running is not None:
            await running.stop()
        self._task = None

    async def _look_until_news(self) -> None:
        """Look for folders that were replaced, until there are others to watch."""
        while True:
            try:
                pause = POLL_SECONDS if self.is_polling else LOOK_SECONDS
                await asyncio.wait_for(self._news.wait(), pause)
                return
            except TimeoutError:
                for follower in list(self._followers.values()):
                    if self.is_polling:
                        follower.changed()
                    elif self._is_elsewhere(follower):
                        self._news.set()
                        follower.changed()

    @staticmethod
    def _is_elsewhere(follower: _Follower) -> bool:
        now = {folder: identify(folder) for folder in follower.folders}
        if now == follower.folders:
            return False
        follower.folders = now
        follower.roots = tuple(sorted({os.path.realpath(folder) for folder in now}))
        return True

    async def _start_watching(self, roots: list[str]) -> _Watching | None:
        roots = [root for root in roots if os.path.isdir(root)]
        try:
            notify = await asyncio.to_thread(RustNotify, roots, False, False, 0, True, True)
        except OSError as error:
            self._begin_polling(error)
            return None
        return _Watching(notify, self._tell)

    def _begin_polling(self, error: OSError) -> None:
        logger.warning(
            "The system does not tell of changed files (%s); they are looked at every %g s. "
            "Raising fs.inotify.max_user_watches may help.",
            error,
            POLL_SECONDS,
        )
        self.is_polling = True

    def _tell(self, paths: list[str]) -> None:
        for follower in list(self._followers.values()):
            if any(is_below(path, root) for path in paths for root in follower.roots):
                follower.changed()


def identify(folder: Path | str) -> Identity:
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root + os.sep)


def counts(path: str) -> bool:
    """Whether a changed file may be one of an app's (``app_files`` of the loader)."""
    parts = path.split(os.sep)
    is_hidden = parts[-1].startswith(".") or any(part in IGNORED_FOLDERS for part in parts)
    return not (is_hidden or path.endswith(".pyc") or f"{os.sep}.git{os.sep}" in path)


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, FolderWatch] = WeakKeyDictionary()


def shared_watch() -> FolderWatch:
    """The watch of the running server."""
    loop = asyncio.get_running_loop()
    if loop not in _watches:
        _watches[loop] = FolderWatch()
    return _watches[loop]
