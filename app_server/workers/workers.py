"""All worker processes of a server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from app_server.background.turns import Turns
from app_server.errors import AnvilError
from app_server.limits import (
    MAX_INSTANCE_MEMORY_BYTES,
    MAX_WORKER_MEMORY_BYTES,
    MAX_WORKERS,
    MIN_FREE_MEMORY_PART,
    WORKER_MEMORY_PART,
)
from app_server.workers.endings import TERMINATED, EndReason
from app_server.workers.state import WorkerState
from app_server.workers.worker import Worker

if TYPE_CHECKING:
    from app_server.workers.pool import WorkerPool

logger = logging.getLogger(__name__)

SPARE_DELAY_SECONDS = 0.5
"""After the spare was taken: who took it wants the processor now."""
LONGEST_PAUSE_SECONDS = 10.0
LOOK_SECONDS = 1.0
MEGABYTE = 1024 * 1024


CGROUP_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)
CGROUP_USES = (
    ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "inactive_file"),
    (
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
        "total_inactive_file",
    ),
)
"""What a container uses, and which of that is files kept in memory while nobody else wants it."""


def machine_memory() -> int:
    """Bytes that this machine, or the container that we are in, has."""
    total = int(psutil.virtual_memory().total)
    for path in CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError), open(path) as file:
            total = min(total, int(file.read()))
    return total


def free_memory_part() -> float:
    """Of this machine's memory, or of the container's that we are in."""
    memory = psutil.virtual_memory()
    total = machine_memory()
    if total >= memory.total:
        return float(memory.available / memory.total)
    for path, statistics, kept in CGROUP_USES:
        with contextlib.suppress(OSError, ValueError, KeyError):
            entries = dict(line.split() for line in Path(statistics).read_text().splitlines())
            return 1 - (int(Path(path).read_text()) - int(entries[kept])) / total
    return 1.0


def _tell(count: float) -> str:
    return f"{count // MEGABYTE:.0f} MB"


class Workers:
    """Starts workers for all instances, keeps a spare one ready, and watches time and memory.

    The spare has Anvil's libraries imported and no app, so that an instance that wakes up, or an
    app without ``server_persist``, does not wait for a process to start.
    """

    def __init__(self) -> None:
        self.pools: set[WorkerPool] = set()
        self._alive: set[Worker] = set()
        self._spare: Worker | None = None
        self._next_spare: asyncio.TimerHandle | None = None
        self._pause = SPARE_DELAY_SECONDS
        self._watching: asyncio.Task[None] | None = None
        self._endings: set[asyncio.Task[None]] = set()
        self.machine_bytes = machine_memory()
        part = self.machine_bytes * WORKER_MEMORY_PART
        self.memory_limit = min(MAX_WORKER_MEMORY_BYTES, part)
        self.instance_memory_limit = min(MAX_INSTANCE_MEMORY_BYTES, part)
        self.turns = Turns()
        """Of the scheduled tasks of all instances."""
        self.is_well = True
        """Whether the last process that was started ran."""

    def start(self) -> None:
        self._make_spare()
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """End all workers that still are there."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None
        if self._next_spare is not None:
            self._next_spare.cancel()
        workers = list(self._alive)
        for worker in workers:
            worker.kill(None)
        await asyncio.gather(*(worker.wait_ended() for worker in workers))

    def take(self) -> Worker:
        """A worker that works for nobody yet: the spare, or a new one that is starting."""
        spare, self._spare = self._spare, None
        if spare is not None and spare.is_alive:
            self._make_spare_later()
            return spare
        return self.start_new()

    def may_grow(self) -> bool:
        """Whether an instance that has a worker may have another."""
        return len(self._alive) < MAX_WORKERS

    @property
    def count(self) -> int:
        return len(self._alive)

    def start_new(self) -> Worker:
        """One that works for nobody yet, and leaves the spare to others."""
        worker = Worker()
        worker.start()
        self._alive.add(worker)
        ending = asyncio.create_task(self._forget_at_end(worker))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        return worker

    async def _forget_at_end(self, worker: Worker) -> None:
        await worker.wait_ended()
        self._alive.discard(worker)

    def _make_spare(self) -> None:
        self._next_spare = None
        if self._spare is None:
            self._spare = self.start_new()
            self._spare.on_change = self._spare_changed

    def _make_spare_later(self) -> None:
        if self._watching is not None and self._next_spare is None:
            loop = asyncio.get_running_loop()
            self._next_spare = loop.call_later(self._pause, self._make_spare)

    def _spare_changed(self, worker: Worker) -> None:
        self.is_well = not worker.never_ran
        if worker.state is WorkerState.READY:
            self._pause = SPARE_DELAY_SECONDS
        elif worker.state is WorkerState.ENDED:
            self._spare = None
            if self._watching is None:
                return  # stopped: it was we who ended it
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
            logger.error(
                "A process for server code ended before anybody used it; another one is started "
                "in %.1f s.",
                self._pause,
            )
            self._make_spare_later()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = asyncio.get_running_loop().time()
            for pool in list(self.pools):
                pool.look_after(now)
                pool.yield_processors(now)
            self.check_memory(free_memory_part())

    def check_memory(self, free_part: float) -> None:
        """End what takes too much: a worker, an instance, or whoever took most of a machine that
        has but so much left."""
        sizes = {worker: worker.process.resident_bytes() for worker in self._alive}
        for worker, used in sizes.items():
            if used > self.memory_limit:
                self._end_for_memory(worker, used, f"It may use {_tell(self.memory_limit)}.")
                sizes[worker] = 0
        held = {
            pool: sum(sizes.get(worker, 0) for worker in pool.workers) for pool in list(self.pools)
        }
        for pool, used in held.items():
            pool.memory_bytes = used
            if used > self.instance_memory_limit:
                limit = f"All processes of an app may use {_tell(self.instance_memory_limit)}."
                self._end_largest(pool, sizes, limit)
        if free_part >= MIN_FREE_MEMORY_PART or not held:
            return
        most = max(held, key=lambda pool: held[pool])
        # Where something else took it, ending what holds little would only do harm.
        if held[most] > MIN_FREE_MEMORY_PART * self.machine_bytes:
            self._end_largest(most, sizes, "The machine has no more, and this app took most of it.")

    def _end_largest(self, pool: WorkerPool, sizes: dict[Worker, int], why: str) -> None:
        worker = max(pool.workers, key=lambda worker: sizes.get(worker, 0), default=None)
        if worker is not None and sizes.get(worker):
            self._end_for_memory(worker, sizes[worker], why)

    def _end_for_memory(self, worker: Worker, used: int, why: str) -> None:
        message = f"Server code used {_tell(used)} of memory and was ended. {why}"
        logger.warning("%r: %s", worker, message)
        # Giving gigabytes back takes the system a while, which counts as the process's own time.
        worker.priority.lower()
        worker.kill(AnvilError(message, TERMINATED).to_json(), EndReason.MEMORY)
