"""The workers of one instance."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app_server.dispatch import call_peer
from app_server.errors import AnvilError
from app_server.limits import (
    EXTRA_WORKER_IDLE_SECONDS,
    LONGEST_CRASH_WAIT_SECONDS,
    MAX_CALLS_PER_WORKER,
    MAX_WAITING_CALLS,
    MAX_WORKERS_OF_GREEDY,
    MAX_WORKERS_PER_INSTANCE,
    WORKER_IDLE_SECONDS,
)
from app_server.request import Reply, Request
from app_server.wire.peer import PeerClosedError
from app_server.workers.endings import UNAVAILABLE, EndReason
from app_server.workers.fairness import CrashPause, ProcessorShare
from app_server.workers.state import WorkerState
from app_server.workers.worker import Worker

if TYPE_CHECKING:
    from app_server.instance import Instance
    from app_server.workers.workers import Workers

logger = logging.getLogger(__name__)

GROW_SECONDS = 0.05
"""How long a call waits for a worker to become free before another one is started. Short calls of
several people are served one after the other by one process, which costs less than starting one or
than threads that fight for one interpreter."""
PATIENCE_SECONDS = 0.5
"""The same where there are ENOUGH_WORKERS and calls are handed out all the time: more processes
would get no more done then, and each would find less in the processors' caches."""
ENOUGH_WORKERS = 2 * (os.cpu_count() or 1)
"""One of two waits for the database or for the router while the other one computes."""


@dataclass(slots=True, eq=False)
class _Waiter:
    """A call that waits for a worker, since a moment in the loop's time."""

    since: float
    worker: asyncio.Future[Worker]


class WorkerPool:
    """Finds each call a worker.

    A worker serves one call at a time, so that one that loops, leaks or dies takes only its own
    call. Only when there are as many workers as there may be and all are busy do calls share one,
    as threads. A call that was made by server code goes to the process that made it, which waits
    for it anyway. Without the app's ``server_persist``, each call gets a process of its own.
    """

    def __init__(self, instance: Instance, workers: Workers):
        self._instance = instance
        self._all = workers
        self._workers: list[Worker] = []
        self._waiting: deque[_Waiter] = deque()
        self._given_at = 0.0
        self._growing: asyncio.TimerHandle | None = None
        self._is_stopped = False
        self._processors = ProcessorShare()
        self._crashes = CrashPause()
        self._looked_at: float | None = None
        self._yielded = False
        self.memory_bytes = 0
        """Of all its processes, as of the last look."""

    @property
    def workers(self) -> list[Worker]:
        """Those that have not ended."""
        return list(self._workers)

    @property
    def is_well(self) -> bool:
        """Whether server code can be run, as far as is known."""
        return self._all.is_well

    async def call(self, request: Request) -> Reply:
        """Have server code answer."""
        try:
            return await self._call(request)
        except PeerClosedError:
            # It never got there, so it may be sent again, to another process.
            return await self._call(request)

    async def _call(self, request: Request) -> Reply:
        seconds = self._instance.config.call_seconds
        try:
            async with asyncio.timeout(seconds):
                worker = await self._acquire(request)
        except TimeoutError:
            return Reply.failed(
                "anvil.server.TimeoutError",
                f"Server code took too long: {request.description} waited {seconds:.0f} seconds "
                "for others to end.",
            )
        return await call_peer(worker, request, seconds)

    def take_for_task(self, *, is_waited_for: bool = True) -> Worker:
        """A worker for one background task, which ends with it. What nobody waits for lets all
        others go first."""
        worker = self._add(is_single_use=True)
        worker.is_for_task = True
        worker.reserve()
        if not is_waited_for:
            worker.priority.lower()
        return worker

    @property
    def has_neighbours(self) -> bool:
        """Whether other instances of this server are at work as well."""
        return len(self._all.pools - {self}) > 0

    @property
    def all(self) -> Workers:
        """Those of the whole server."""
        return self._all

    async def stop(self) -> None:
        """End all workers, and tell who waits for one."""
        self._is_stopped = True
        self._all.pools.discard(self)
        if self._growing is not None:
            self._growing.cancel()
        self._fail_waiting("The app is being stopped.")
        workers = list(self._workers)
        for worker in workers:
            worker.kill(None)
        await asyncio.gather(*(worker.wait_ended() for worker in workers))

    def look_after(self, now: float) -> None:
        """End what is outdated, past its time or idle. Called each second."""
        self._retire_outdated()
        for worker in list(self._workers):
            for call_id, deadline in list(worker.deadlines.items()):
                # Who asked may have gone; otherwise the call has been given up already.
                if deadline + 1 < now:
                    worker.give_up(call_id)
        alive = [worker for worker in self._workers if worker.is_alive]
        for index, worker in enumerate(alive):
            longest = EXTRA_WORKER_IDLE_SECONDS if index else WORKER_IDLE_SECONDS
            if worker.is_free and now - worker.free_since > longest:
                worker.retire()

    @property
    def yields(self) -> bool:
        """Whether its processes let all others go first: it keeps the processors busy, or takes so
        much memory, or crashes so often, that the next process is expected to do the same."""
        return self._processors.is_greedy or self._crashes.is_on_probation(time.monotonic())

    @property
    def crash_pause_seconds(self) -> float:
        """How long no process is started, because several have ended by themselves."""
        return self._crashes.left(time.monotonic())

    def yield_processors(self, now: float) -> None:
        """See who keeps the processors busy, and let the others go first. Called each second."""
        used = sum(worker.priority.take_used_seconds() for worker in self._workers)
        self._instance.metrics.worker_cpu_seconds += used
        elapsed = now - self._looked_at if self._looked_at is not None else 0.0
        self._looked_at = now
        waited = 0.0
        if self._yielded:
            waited = sum(worker.priority.take_waited_seconds() for worker in self._workers)
        self._processors.take(used, elapsed, waited)
        if self.yields == self._yielded:
            return
        self._yielded = self.yields
        for worker in list(self._workers):
            if self._yielded:
                worker.priority.lower()
            elif not worker.is_for_task:
                worker.restore_priority()
        logger.info(
            "[%s] Server code %s",
            self._instance.name,
            "lets all others go first" if self._yielded else "is modest again",
        )

    # Finding a worker

    async def _acquire(self, request: Request) -> Worker:
        """A worker that is reserved for this call."""
        worker: Worker | None
        if self._is_persistent:
            worker = self._find_caller(request) or (None if self._waiting else self._find_free())
        elif self._may_add() or request.parent is not None:
            self._refuse_after_crashes()
            worker = self._add(is_single_use=True)
        else:
            worker = None
        if worker is None:
            return await self._wait()
        worker.reserve()
        return worker

    @property
    def _is_persistent(self) -> bool:
        return bool(self._instance.app.runtime_options.get("server_persist"))

    def _find_caller(self, request: Request) -> Worker | None:
        """The worker whose server code made this call, through whatever it was made."""
        parent = request.parent
        while parent is not None:
            worker = parent.worker
            if isinstance(worker, Worker) and worker in self._workers and not worker.is_closed:
                return worker
            parent = parent.parent
        return None

    def _find_free(self) -> Worker | None:
        version = self._instance.app.version
        for worker in self._workers:
            if worker.is_free and worker.version == version and not worker.is_single_use:
                return worker
        return None

    async def _wait(self) -> Worker:
        if len(self._waiting) >= MAX_WAITING_CALLS:
            raise AnvilError(
                f"This app is too busy: {MAX_WAITING_CALLS} calls are waiting. Please try again.",
                UNAVAILABLE,
            )
        loop = asyncio.get_running_loop()
        self._retire_outdated()
        is_without = not any(worker.is_alive for worker in self._shareable())
        if self._is_persistent and is_without:
            self._refuse_after_crashes()
        waiter = _Waiter(loop.time(), loop.create_future())
        self._waiting.append(waiter)
        if self._is_persistent and is_without and not self.crash_pause_seconds:
            self._add(is_single_use=False)
        self._grow_later()
        try:
            return await waiter.worker
        except asyncio.CancelledError:
            given = waiter.worker
            if given.done() and not given.cancelled() and given.exception() is None:
                given.result().cancel_reservation()
            raise
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def _hand_out(self) -> None:
        """Give free workers to those who wait longest."""
        while self._waiting:
            if self._is_persistent:
                worker = self._find_free()
            elif self._may_add():
                worker = self._add(is_single_use=True)
            else:
                worker = None
            if worker is None:
                return
            self._give(worker)

    def _give(self, worker: Worker) -> None:
        waiter = self._waiting.popleft().worker
        if not waiter.done():
            worker.reserve()
            waiter.set_result(worker)
            self._given_at = asyncio.get_running_loop().time()

    def _grow_later(self) -> None:
        if self._growing is None and not self._is_stopped:
            loop = asyncio.get_running_loop()
            self._growing = loop.call_later(GROW_SECONDS, self._grow)

    def _grow(self) -> None:
        """Somebody has waited for a while: start another worker, or have the others shared."""
        self._growing = None
        self._hand_out()
        if not self._waiting:
            return
        shareable = self._shareable()
        if not self._is_time_to_grow(shareable) or self._waits_after_crashes():
            self._grow_later()
            return
        if self._is_persistent and not any(w.state is WorkerState.STARTING for w in shareable):
            alive = sum(worker.is_alive for worker in shareable)
            if self._may_grow(alive):
                self._add(is_single_use=False)
            else:
                self._share()
        self._grow_later()

    def _may_grow(self, alive: int) -> bool:
        if self.crash_pause_seconds:
            return False
        most = MAX_WORKERS_PER_INSTANCE
        if self.yields:
            most = min(most, MAX_WORKERS_OF_GREEDY)
        return alive == 0 or (alive < most and self._all.may_grow())

    def _waits_after_crashes(self) -> bool:
        """A call would rather have a process of its own a little later than share one."""
        waited = asyncio.get_running_loop().time() - self._waiting[0].since
        return self.crash_pause_seconds > 0 and waited < LONGEST_CRASH_WAIT_SECONDS

    def _refuse_after_crashes(self) -> None:
        """Say so at once where a call would wait long for a process."""
        seconds = self.crash_pause_seconds
        if seconds > LONGEST_CRASH_WAIT_SECONDS:
            count = self._crashes.count(time.monotonic())
            raise AnvilError(
                f"Server code has ended unexpectedly {count} times in the last minute. It is "
                f"started again in {seconds:.0f} seconds.",
                UNAVAILABLE,
            )

    def _is_time_to_grow(self, workers: list[Worker]) -> bool:
        now = asyncio.get_running_loop().time()
        is_moving = now - self._given_at < GROW_SECONDS
        is_busy = is_moving and sum(worker.is_alive for worker in workers) >= ENOUGH_WORKERS
        return not is_busy or now - self._waiting[0].since >= PATIENCE_SECONDS

    def _may_add(self) -> bool:
        """Whether a call may have a process of its own. Background tasks have a limit apart."""
        return sum(not worker.is_for_task for worker in self._workers) < MAX_WORKERS_PER_INSTANCE

    def _shareable(self) -> list[Worker]:
        return [worker for worker in self._workers if not worker.is_single_use]

    def _share(self) -> None:
        """Every worker is busy and there may be no more: they take further calls as threads."""
        ready = [worker for worker in self._shareable() if worker.state is WorkerState.READY]
        while self._waiting and ready:
            least = min(ready, key=lambda worker: worker.load)
            if least.load >= MAX_CALLS_PER_WORKER:
                return
            self._give(least)

    def _add(self, *, is_single_use: bool) -> Worker:
        self._all.pools.add(self)
        # The spare is for the others, and has begun at their priority.
        worker = self._all.start_new() if self.yields else self._all.take()
        worker.is_single_use = is_single_use
        worker.take_on(self._instance, self._worker_changed)
        self._workers.append(worker)
        if self.yields:
            worker.priority.lower()
        if worker.is_free and not is_single_use:
            self._hand_out()
        return worker

    def _worker_changed(self, worker: Worker) -> None:
        if worker.state is WorkerState.ENDED:
            if worker in self._workers:
                self._workers.remove(worker)
            self._note_end(worker)
            if worker.never_ran and not self._shareable():
                self._fail_waiting(
                    "Server code cannot be run at the moment: its process does not start."
                )
        elif worker.is_single_use and worker.is_free:
            # Its call is over, or it could not be sent.
            worker.kill(None)
            return
        if not self._is_stopped:
            self._hand_out()

    def _note_end(self, worker: Worker) -> None:
        self._instance.metrics.worker_ends[worker.reason.value] += 1
        if worker.reason in (EndReason.CRASH, EndReason.MEMORY) and not self._is_stopped:
            now = time.monotonic()
            self._crashes.note(now, took_memory=worker.reason is EndReason.MEMORY)
            pause = self._crashes.left(now)
            if pause:
                logger.error(
                    "[%s] Server code has ended unexpectedly %d times in the last minute: the next "
                    "process waits %.1f s",
                    self._instance.name,
                    self._crashes.count(now),
                    pause,
                )

    def _retire_outdated(self) -> None:
        version = self._instance.app.version
        for worker in self._shareable():
            if worker.version != version:
                worker.retire()

    def _fail_waiting(self, message: str) -> None:
        while self._waiting:
            waiter = self._waiting.popleft().worker
            if not waiter.done():
                waiter.set_exception(AnvilError(message, UNAVAILABLE))
