"""All worker processes of a server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import psutil

from app_server.errors import AnvilError
from app_server.limits import MAX_WORKER_MEMORY_BYTES, MAX_WORKERS, WORKER_MEMORY_PART
from app_server.workers.endings import TERMINATED
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


def machine_memory() -> int:
    """Bytes that this machine, or the container that we are in, has."""
    total = int(psutil.virtual_memory().total)
    for path in CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError), open(path) as file:
            total = min(total, int(file.read()))
    return total


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
        self.memory_limit = min(MAX_WORKER_MEMORY_BYTES, machine_memory() * WORKER_MEMORY_PART)
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
        return self._start_worker()

    def may_grow(self) -> bool:
        """Whether an instance that has a worker may have another."""
        return len(self._alive) < MAX_WORKERS

    @property
    def count(self) -> int:
        return len(self._alive)

    def _start_worker(self) -> Worker:
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
            self._spare = self._start_worker()
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
            for worker in list(self._alive):
                self._check_memory(worker)

    def _check_memory(self, worker: Worker) -> None:
        used = worker.process.resident_bytes()
        if used <= self.memory_limit:
            return
        message = (
            f"Server code used {used // MEGABYTE} MB of memory and was ended. It may use "
            f"{self.memory_limit // MEGABYTE:.0f} MB."
        )
        logger.warning("%r: %s", worker, message)
        worker.kill(AnvilError(message, TERMINATED).to_json())
