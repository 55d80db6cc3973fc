"""Hosts every instance of a folder, and follows what is added, changed or removed there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from pathlib import Path

from app_server.config import INSTANCE_FILE, InstanceConfig, read_instance_config
from app_server.errors import StartupError
from app_server.hosting import Hosting
from app_server.instance import Instance
from app_server.workers import Workers

logger = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
RETRY_SECONDS = 5.0
STARTS_AT_ONCE = 4

Stamp = tuple[int, int]
"""Time of change (ns) and size of an instance.yaml."""


@dataclass(slots=True)
class Entry:
    """What was made of one folder. ``instance`` is None where it could not be started."""

    stamp: Stamp
    instance: Instance | None = None
    host_name: str = ""
    complaint: str = ""
    retry_at: float = 0.0


class InstancesFolder:
    """Starts an instance for each sub-folder with an ``instance.yaml``.

    One that cannot be started is complained of once, answers 503, and is tried again from time to
    time; the others are not affected.
    """

    def __init__(self, folder: Path, port: int, hosting: Hosting, workers: Workers):
        self._folder = folder
        self._port = port
        self._hosting = hosting
        self._workers = workers
        self._entries: dict[str, Entry] = {}
        self._opening: set[str] = set()
        self._wake = asyncio.Event()

    def check_now(self) -> None:
        self._wake.set()

    async def watch(self) -> None:
        """Check again and again, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), CHECK_SECONDS)
            self._wake.clear()
            try:
                await self.check()
            except Exception:
                # The others have to be followed all the same.
                logger.exception("The folder %s could not be checked", self._folder)

    async def check(self) -> None:
        """Bring what runs in line with the folder."""
        found = await asyncio.to_thread(find_instances, self._folder)
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
        if entry is not None and entry.stamp != stamp:
            logger.info("[%s] %s changed", name, INSTANCE_FILE)
            await self._drop(name)
            entry = None
        now = asyncio.get_running_loop().time()
        if entry is None or (entry.instance is None and now >= entry.retry_at):
            await self._start(name, stamp, entry.complaint if entry else "")

    async def _start(self, name: str, stamp: Stamp, known_complaint: str) -> None:
        entry = self._entries[name] = Entry(stamp, complaint=known_complaint)
        try:
            config = await asyncio.to_thread(read_instance_config, self._folder / name, self._port)
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
        other = self._hosting.find(config.host_name)
        if other is not None or config.host_name in self._opening:
            name = other.name if other is not None else "another instance"
            raise StartupError(
                f"Its origin {config.origin} has the host name of {name}. Give it another."
            )
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
        if entry.instance is not None:
            self._hosting.remove(entry.instance)
            await entry.instance.stop()


def find_instances(folder: Path) -> dict[str, Stamp]:
    """Names of the sub-folders that hold an instance, with the stamps of their files."""
    found: dict[str, Stamp] = {}
    for path in sorted(folder.iterdir()):
        try:
            status = (path / INSTANCE_FILE).stat()
        except OSError:
            continue
        found[path.name] = (status.st_mtime_ns, status.st_size)
    return found
