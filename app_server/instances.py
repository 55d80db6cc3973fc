"""Hosts every instance of a folder, and follows what is added, changed or removed there."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app_server.config import INSTANCE_FILE, InstanceConfig, read_instance_config
from app_server.errors import StartupError
from app_server.hosting import Hosting
from app_server.instance import Instance
from app_server.pauses import PAUSE_FILE, Closed, Pause, read_pause
from app_server.replacement import change_instance, end_instance
from app_server.workers import Workers

logger = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
RETRY_SECONDS = 5.0
STARTS_AT_ONCE = 4

Stamp = tuple[int, int, int, int]
"""Time of change (ns) and size of an instance.yaml, and of the file that says it is paused."""
UNKNOWN: Stamp = (0, 0, 0, 0)


@dataclass(slots=True)
class Entry:
    """What was made of one folder. ``instance`` is None where it could not be started, or where
    it is paused: then ``closed`` stands in its place."""

    stamp: Stamp
    instance: Instance | None = None
    closed: Closed | None = None
    host_name: str = ""
    complaint: str = ""
    retry_at: float = 0.0

    def is_to_be_tried(self, now: float) -> bool:
        return self.instance is None and self.closed is None and now >= self.retry_at


class InstancesFolder:
    """Starts an instance for each sub-folder with an ``instance.yaml``.

    One that cannot be started is complained of once, answers 503, and is tried again from time to
    time; the others are not affected.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        hosting: Hosting,
        workers: Workers,
        shared: dict[str, Any] | None = None,
    ):
        self._folder = folder
        self._port = port
        self._hosting = hosting
        self._workers = workers
        self._entries: dict[str, Entry] = {}
        self._opening: set[str] = set()
        self._shared = shared or {}
        self._is_missing = False
        self._lock = asyncio.Lock()

    async def reload(self, shared: dict[str, Any]) -> None:
        """Read all that may have changed, also what shows no sign of it."""
        self._shared = shared
        for entry in self._entries.values():
            entry.stamp = UNKNOWN
        await self.check()

    async def watch(self) -> None:
        """Check again and again, until cancelled."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self.check()
            except Exception:
                # The others have to be followed all the same.
                logger.exception("The folder %s could not be checked", self._folder)

    async def check(self) -> None:
        """Bring what runs in line with the folder."""
        async with self._lock:
            await self._check()

    async def _check(self) -> None:
        try:
            found = await asyncio.to_thread(find_instances, self._folder)
        except OSError as error:
            if not self._is_missing:
                logger.error(
                    "%s cannot be read; what runs goes on: %s",
                    self._folder,
                    error.strerror or error,
                )
            self._is_missing = True
            return
        self._is_missing = False
        for name in [name for name in self._entries if name not in found]:
            logger.info("[%s] The instance was removed", name)
            await self._drop(name)
        places = asyncio.Semaphore(STARTS_AT_ONCE)

        async def update(name: str, stamp: Stamp) -> None:
            async with places:
                await self._update(name, stamp)

        await asyncio.gather(*(update(name, stamp) for name, stamp in found.items()))

    async def _update(self, name: str, stamp: Stamp) -> None:
        entry = self._entries.get(name)
        if entry is None:
            await self._begin(name, stamp, None)
        elif entry.stamp != stamp:
            logger.info("[%s] %s is read anew", name, INSTANCE_FILE)
            entry.stamp = stamp
            await self._begin(name, stamp, entry)
        elif entry.is_to_be_tried(asyncio.get_running_loop().time()):
            await self._start(name, stamp, entry)

    async def _begin(self, name: str, stamp: Stamp, entry: Entry | None) -> None:
        """Follow what the folder says now."""
        pause = await asyncio.to_thread(read_pause, self._folder / name)
        if pause is not None:
            await self._pause(name, entry or self._entries.setdefault(name, Entry(stamp)), pause)
        elif entry is not None and entry.instance is not None:
            await self._change(name, entry, entry.instance)
        else:
            if entry is not None:
                self._hosting.down.discard(entry.host_name)
                entry.complaint = ""
            await self._start(name, stamp, entry)

    async def _pause(self, name: str, entry: Entry, pause: Pause) -> None:
        """Let nobody in, and let go of what runs. Visitors hear of it at once, or wait."""
        if entry.closed is not None:
            entry.closed.turn_to(pause)
            return
        closed = entry.closed = Closed(name, pause)
        try:
            entry.host_name = entry.host_name or await self._read_host_name(name)
        except (StartupError, OSError) as error:
            logger.error("[%s] is paused, and its configuration is wrong: %s", name, error)
            return
        self._hosting.away[entry.host_name] = closed
        self._hosting.down.discard(entry.host_name)
        if entry.instance is not None:
            instance, entry.instance = entry.instance, None
            await end_instance(instance)
            self._hosting.remove(instance)
        closed.is_released = True
        logger.info("[%s] is %s and not served: %s", name, pause.mode.value, pause.reason)

    async def _read_host_name(self, name: str) -> str:
        config = await asyncio.to_thread(
            read_instance_config, self._folder / name, self._port, self._shared
        )
        return config.host_name

    def _end_pause(self, entry: Entry, closed: Closed) -> None:
        """Whoever waited goes to what is there now."""
        if self._hosting.away.get(entry.host_name) is closed:
            del self._hosting.away[entry.host_name]
        closed.end(self._hosting.serve)

    async def _change(self, name: str, entry: Entry, old: Instance) -> None:
        """Another configuration for an instance that runs. Where that is broken, or another one has
        its host name, it goes on as it was."""

        def host(instance: Instance) -> None:
            self._hosting.remove(entry.instance or old)
            self._hosting.remove(instance)
            self._hosting.add(instance)
            entry.instance, entry.host_name = instance, instance.config.host_name

        try:
            config = await asyncio.to_thread(
                read_instance_config, self._folder / name, self._port, self._shared
            )
            self._check_host_name(config)
            await change_instance(old, config, self._workers, host)
        except (StartupError, OSError) as error:
            logger.error("[%s] What was before goes on: %s", name, error)
        except Exception:
            # The others have to be followed all the same.
            logger.exception("[%s] What was before goes on", name)
        else:
            if old.origin != config.origin:
                logger.info("%s is at %s", name, config.origin)

    def _check_host_name(self, config: InstanceConfig) -> None:
        other = self._hosting.find(config.host_name)
        paused = self._hosting.away.get(config.host_name)
        others = {x.name for x in (other, paused) if x is not None} - {config.name}
        if others or config.host_name in self._opening:
            name = others.pop() if others else "another instance"
            raise StartupError(
                f"Its origin {config.origin} has the host name of {name}. Give it another."
            )

    async def _start(self, name: str, stamp: Stamp, known: Entry | None) -> None:
        known_complaint = known.complaint if known else ""
        entry = self._entries[name] = Entry(stamp, complaint=known_complaint)
        await self._start_entry(name, entry, known_complaint)
        if known is not None and known.closed is not None:
            self._end_pause(known, known.closed)

    async def _start_entry(self, name: str, entry: Entry, known_complaint: str) -> None:
        try:
            config = await asyncio.to_thread(
                read_instance_config, self._folder / name, self._port, self._shared
            )
            entry.host_name = config.host_name
            entry.instance = await self._open(config)
        except Exception as error:
            entry.retry_at = asyncio.get_running_loop().time() + RETRY_SECONDS
            complaint = str(error) or repr(error)
            if complaint != known_complaint:
                is_expected = isinstance(error, StartupError | OSError)
                logger.error(
                    "[%s] cannot be started: %s",
                    name,
                    complaint if is_expected else repr(error),
                    exc_info=None if is_expected else error,
                )
            entry.complaint = complaint
            if entry.host_name and self._hosting.find(entry.host_name) is None:
                self._hosting.down.add(entry.host_name)
            return
        self._hosting.down.discard(entry.host_name)
        logger.info("%s is at %s", name, config.origin)

    async def _open(self, config: InstanceConfig) -> Instance:
        self._check_host_name(config)
        self._opening.add(config.host_name)
        try:
            instance = await asyncio.to_thread(Instance, config, self._workers)
            await instance.start()
            self._hosting.add(instance)
        finally:
            self._opening.discard(config.host_name)
        return instance

    async def _drop(self, name: str) -> None:
        entry = self._entries.pop(name)
        self._hosting.down.discard(entry.host_name)
        if entry.closed is not None:
            self._end_pause(entry, entry.closed)
        if entry.instance is not None:
            self._hosting.remove(entry.instance)
            await entry.instance.stop()


def find_instances(folder: Path) -> dict[str, Stamp]:
    """Names of the sub-folders that hold an instance, with the stamps of their files. Hidden ones
    are still being made, or being removed."""
    found: dict[str, Stamp] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        try:
            status = (path / INSTANCE_FILE).stat()
        except OSError:
            continue
        found[path.name] = (status.st_mtime_ns, status.st_size, *_stamp_pause(path))
    return found


def _stamp_pause(folder: Path) -> tuple[int, int]:
    try:
        status = (folder / PAUSE_FILE).stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size
