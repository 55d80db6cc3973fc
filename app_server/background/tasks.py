"""Background tasks of one instance: launched, watched, asked and killed.

Source: anvil.dispatcher.background-tasks and anvil.executors.ws-server.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg

from app_server.app_log import log_error
from app_server.background.owners import forget_owner, is_alive, register_owner
from app_server.background.records import Records, TaskRecord, TaskStatus
from app_server.background.turns import Turns
from app_server.call_observing import log_task, task_at_work
from app_server.errors import AnvilError
from app_server.media import resign_media
from app_server.request import Origin, Reply, Request
from app_server.stack import CallStack
from app_server.wire.caller import CallingPeer, PendingCall
from app_server.wire.codec import encode
from app_server.wire.payload import Payload

if TYPE_CHECKING:
    from app_server.instance import Instance

logger = logging.getLogger("app_server.background")

MAX_RUNNING_TASKS = 50
"""Of one instance at the same time; each is a process of its own."""

FRAMES: tuple[dict[str, Any], ...] = ({"type": "background_task"},)
"""The call stack of a task. It does not hold its launcher's, so that a task may launch the next of
a chain without end."""

KILLED = "anvil.server.BackgroundTaskKilled"
HAS_ENDED = ("anvil.server.NotRunningTask", "anvil.server.RuntimeUnavailableError")
"""What a question for a task's state hears that comes too late: from its process, or because that
is gone."""


def task_error(message: str) -> AnvilError:
    return AnvilError(message, "anvil.server.BackgroundTaskError")


def task_not_found(task_id: str) -> AnvilError:
    return AnvilError(
        f"Background Task not found: {task_id}", "anvil.server.BackgroundTaskNotFound"
    )


@dataclass(slots=True)
class RunningTask:
    """A task whose process has not answered yet."""

    call: PendingCall
    peer: CallingPeer
    watcher: asyncio.Task[None]


class BackgroundTasks:
    """Tasks run in worker processes of their own, or in an uplink that registered the function."""

    def __init__(
        self, instance: Instance, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ):
        self.instance = instance
        self.clock = clock
        self.records = Records(instance.tables)
        self._running: dict[str, RunningTask] = {}
        self.owner: str | None = None

    async def start(self) -> None:
        """Open the records. What still ran when the server stopped is missing now."""
        self.owner = register_owner()
        await self.records.prepare()
        missing = await self.records.mark_missing(self.clock(), is_alive)
        if missing:
            logger.warning(
                "[%s] %d background tasks were interrupted when the server stopped",
                self.instance.name,
                missing,
            )

    async def stop(self) -> None:
        """Stop watching: the processes end with the instance."""
        running, self._running = self._running, {}
        for task in running.values():
            task.watcher.cancel()
        for task_id in running:
            self.turns.end(task_id)
        await asyncio.gather(*(task.watcher for task in running.values()), return_exceptions=True)
        if self.owner is not None:
            forget_owner(self.owner)
        for task_id in running:
            await self.records.finish(task_id, TaskStatus.MISSING, self.clock())

    async def launch(
        self,
        name: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        vt_global: dict[str, Any] | None = None,
        job_id: str | None = None,
    ) -> str:
        """Start the background task ``name``; its id.

        It has a session of its own. Whether there is such a function shows in its end only.
        ``vt_global`` is the shared data of portable values among the arguments.
        """
        if len(self._running) >= MAX_RUNNING_TASKS:
            raise task_error(
                f"{MAX_RUNNING_TASKS} background tasks are running: no more may start now."
            )
        task_id = base64.b32encode(secrets.token_bytes(15)).decode().lower()
        request = self._make_request(task_id, name)
        with task_at_work(request):
            await self._launch(task_id, request, args, kwargs, vt_global, job_id)
        return task_id

    async def _launch(
        self,
        task_id: str,
        request: Request,
        args: Sequence[Any],
        kwargs: Mapping[str, Any] | None,
        vt_global: dict[str, Any] | None,
        job_id: str | None,
    ) -> None:
        name = request.command.removeprefix("task:")
        body = resign_media(request, {"args": list(args), "kwargs": dict(kwargs or {})})
        request.payload = encode(body, vt_global)
        peer: CallingPeer | None = self.instance.uplinks.choose(request.command)
        if peer is None:
            peer = self.instance.workers.take_for_task(is_waited_for=job_id is None)
        await self.records.add(task_id, name, request.session.id, job_id, self.clock(), self.owner)
        try:
            call = await peer.start_call(request, "LAUNCH_BACKGROUND")
        except AnvilError as error:
            await self.records.finish(
                task_id, TaskStatus.FAILED, self.clock(), error=error.to_json()
            )
            raise
        if job_id is not None:
            self.turns.begin(task_id)
        watcher = asyncio.create_task(self._watch(task_id, name, call, job_id))
        self._running[task_id] = RunningTask(call, peer, watcher)

    def _make_request(self, task_id: str, name: str) -> Request:
        return Request(
            instance=self.instance,
            session=self.instance.sessions.create(),
            stack=CallStack(),
            command=f"task:{name}",
            payload=Payload(),
            origin=Origin.SERVER,
            frames=FRAMES,
            client={
                "type": "background_task",
                "ip": None,
                "location": None,
                "background-task-id": task_id,
            },
        )

    async def _watch(self, task_id: str, name: str, call: PendingCall, job_id: str | None) -> None:
        started, ended = time.perf_counter(), TaskStatus.MISSING
        try:
            ended = await self._wait_for_end(task_id, name, call)
        finally:
            log_task(name, task_id, job_id, ended.value, time.perf_counter() - started)

    async def _wait_for_end(self, task_id: str, name: str, call: PendingCall) -> TaskStatus:
        reply = await call.answer
        status = TaskStatus.MISSING
        try:
            await call.request.stack.close(reply.error is None)
            status, error = _read_end(reply, is_lost=call.is_lost)
            if status is TaskStatus.FAILED and error is not None:
                log_error(self.instance, f"background task {name}", error)
            outcome = None if reply.payload.media else reply.payload
            await self.records.finish(task_id, status, self.clock(), outcome, error)
        except (AnvilError, psycopg.Error, OSError) as error:
            logger.error("[%s] The end of %s is not recorded: %s", self.instance.name, name, error)
        finally:
            self._running.pop(task_id, None)
            self.turns.end(task_id)
        return status

    @property
    def turns(self) -> Turns:
        """Of the scheduled tasks of all instances of the server."""
        return self.instance.workers.all.turns

    def is_running(self, task_id: str) -> bool:
        """Whether its process is being watched, here."""
        return task_id in self._running

    async def is_running_somewhere(self, task_id: str) -> bool:
        """Whether it runs here, or another server looks after it."""
        if self.is_running(task_id):
            return True
        record = await self.find(task_id)
        return record is not None and record.status is None

    async def find(self, task_id: str) -> TaskRecord | None:
        """The record, which says how the task ended if it did."""
        record = await self.records.find(task_id)
        if record is None or record.status is not None or self.is_running(task_id):
            return record
        if record.owner != self.owner and is_alive(record.owner):
            return record
        # It ended between the look-up and now, or its process went without a word.
        await self.records.finish(task_id, TaskStatus.MISSING, self.clock())
        return await self.records.find(task_id)

    async def get_state(self, task_id: str) -> tuple[Payload, str]:
        """``anvil.server.task_state`` in wire form, and which member of the payload it is."""
        running = self._running.get(task_id)
        if running is not None:
            try:
                reply = await running.peer.get_task_state(running.call)
            except AnvilError as error:
                reply = Reply(error=error.to_json())
            if reply.error is None:
                return reply.payload, "response"
            has_ended = reply.error.get("type") in HAS_ENDED or running.call.answer.done()
            if not has_ended and task_id in self._running:
                raise _to_exception(reply.error)
            # It has just ended: its watcher knows how.
            await asyncio.wait([running.watcher])
        record = await self.find(task_id)
        return record.outcome if record else Payload(), "taskState"

    async def kill(self, task_id: str) -> None:
        """Ask for the end of a task. It counts as killed once its process says so."""
        running = self._running.get(task_id)
        if running is not None:
            await running.peer.kill_task(running.call)
        elif await self.is_running_somewhere(task_id):
            raise task_error("This background task runs in another server, which can kill it.")


def _read_end(reply: Reply, *, is_lost: bool) -> tuple[TaskStatus, dict[str, Any] | None]:
    if reply.error is None:
        if not reply.payload.media:
            return TaskStatus.COMPLETED, None
        error = AnvilError(
            "The task's state or return value holds a Media object, which cannot be kept. "
            "Store it in a data table and return the row.",
            "anvil.server.SerializationError",
        )
        return TaskStatus.FAILED, error.to_json()
    kind = reply.error.get("type")
    if kind == KILLED:
        return TaskStatus.KILLED, None
    if is_lost:
        return TaskStatus.MISSING, None
    return TaskStatus.FAILED, reply.error


def _to_exception(error: dict[str, Any]) -> AnvilError:
    extra = {key: value for key, value in error.items() if key not in ("type", "message")}
    return AnvilError(
        str(error.get("message")), str(error.get("type") or "anvil.server.InternalError"), **extra
    )


def raise_error(error: dict[str, Any]) -> None:
    """Raise an error that a task ended with, its trace included."""
    raise _to_exception(error)
