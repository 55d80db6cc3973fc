"""One worker process and the calls that it serves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app_server.app_log import log_output
from app_server.apps.provide import to_downlink
from app_server.dispatch import dispatch
from app_server.errors import AnvilError
from app_server.limits import TASK_STATE_SECONDS
from app_server.request import Reply, Request
from app_server.wire.caller import PendingCall
from app_server.wire.payload import Payload
from app_server.wire.text import write_json_bytes
from app_server.workers.endings import (
    TERMINATED,
    EndReason,
    as_task_state,
    describe_end,
    make_error,
    timed_out,
)
from app_server.workers.frames import pack
from app_server.workers.output import OutputLimit
from app_server.workers.pipe import PipePeer
from app_server.workers.priority import Priority
from app_server.workers.state import WorkerState
from app_server.workers.temporary import find_code_folder

if TYPE_CHECKING:
    from app_server.apps import App
    from app_server.instance import Instance

logger = logging.getLogger(__name__)

STATE_SECONDS = 30.0
"""How long a background task may take to tell its state, as on Anvil's server."""


class Worker(PipePeer):
    """Sends calls to a worker process, and serves what server code calls in turn.

    It works for one instance and one version of its app, from the first call on (``take_on``).
    ``on_change`` is called when it becomes ready, free of calls, or ends.
    Source: anvil.executors.downlink, and ``anvil_downlink_host/full_python/worker.py``.
    """

    name = "Server code"

    def __init__(self) -> None:
        super().__init__()
        self.state = WorkerState.STARTING
        self.on_change: Callable[[Worker], None] = _ignore
        self.instance: Instance | None = None
        self.app: App | None = None
        self.deadlines: dict[str, float] = {}
        """When each call that it is serving has to be done, in the loop's time."""
        self.free_since = asyncio.get_running_loop().time()
        self.is_single_use = False
        self.is_for_task = False
        self.has_served = False
        self.never_ran = False
        """Whether it ended before it was ready."""
        self.reason = EndReason.DONE
        """Why it was ended, or has ended."""
        self.priority = Priority(self.process)
        self._reserved = 0
        self._output = OutputLimit()
        self._end: dict[str, Any] | None = None
        self._is_killed = False
        self._ended = asyncio.Event()
        self._starting: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        owner = self.instance.name if self.instance else None
        return f"<Worker {self.process.pid} of {owner}, {self.state.value}>"

    @property
    def is_alive(self) -> bool:
        return self.state in (WorkerState.STARTING, WorkerState.READY)

    @property
    def version(self) -> str | None:
        """Of the app that it runs."""
        return self.app.version if self.app is not None else None

    @property
    def load(self) -> int:
        """How many calls it has, those included that are about to be sent to it."""
        return len(self.deadlines) + self._reserved

    @property
    def is_free(self) -> bool:
        return self.state is WorkerState.READY and not self.load

    def start(self) -> None:
        """Start the process; calls may be given to it at once."""
        self._starting = asyncio.create_task(self._start())

    async def _start(self) -> None:
        try:
            await self.process.start()
        except OSError as error:
            logger.error("A process for server code cannot be started: %s", error)
            self._pipe_closed()
        else:
            self.priority.apply()

    def reserve(self) -> None:
        """The next ``start_call`` is promised to somebody."""
        self._reserved += 1

    def cancel_reservation(self) -> None:
        self._reserved -= 1
        self._become_free()

    def take_on(self, instance: Instance, on_change: Callable[[Worker], None]) -> None:
        """From now on it works for this instance, as its app is now."""
        self.instance, self.app, self.on_change = instance, instance.app, on_change
        self.process.name = instance.name
        self.priority.forget_use()  # as a spare, for nobody
        assignment = {
            "type": "ASSIGN",
            "temporary-folder": str(instance.temporary_folder),
            "code-folder": find_code_folder(),
        }
        self.process.write_first(pack(write_json_bytes(assignment)))

    # Calls to the worker

    async def start_call(
        self, request: Request, kind: str = "CALL", extra: dict[str, Any] | None = None
    ) -> PendingCall:
        """Of a worker that was reserved."""
        request.worker = self
        try:
            call = await super().start_call(request, kind, extra)
        except BaseException:
            self.cancel_reservation()
            raise
        self._reserved -= 1
        self.has_served = True
        seconds = request.instance.config.call_seconds if kind == "CALL" else float("inf")
        self.deadlines[call.id] = asyncio.get_running_loop().time() + seconds
        return call

    def describe(self, call: PendingCall) -> dict[str, Any]:
        assert self.app is not None
        return {
            **super().describe(call),
            "app-version": self.app.version,
            "stale-uplink?": call.request.instance.uplinks.was_served(call.request.command),
        }

    def give_up(self, call_id: str) -> None:
        """A call took too long. No thread can be ended from outside, so its process is; other calls
        in it may end first."""
        if self.deadlines.pop(call_id, None) is not None:
            self._end = timed_out()
            self.reason = EndReason.TIME
            self.retire()

    def retire(self) -> None:
        """No more calls; it ends when those that it has are done."""
        if self.state is WorkerState.ENDED:
            return
        self.state = WorkerState.RETIRING
        if not self.load:
            self.kill(None)

    def kill(self, error: dict[str, Any] | None, reason: EndReason | None = None) -> None:
        """End the process now. Calls that it is serving get ``error``."""
        self._end = self._end or error
        self._is_killed = True
        self.reason = reason or self.reason
        if self.state is not WorkerState.ENDED:
            self.never_ran = self.never_ran or self.state is WorkerState.STARTING
            self.state = WorkerState.RETIRING
        self.process.kill()

    async def wait_ended(self) -> None:
        await self._ended.wait()

    def restore_priority(self) -> None:
        """Where the system does not let us, it makes room for a process that was never lowered."""
        if not self.priority.restore():
            self.retire()

    async def kill_task(self, call: PendingCall) -> None:
        """End a background task, with its last ``task_state`` if it still tells that."""
        if call.is_killed:
            return
        call.is_killed = True
        self.spawn(self._kill_task(call))

    async def _kill_task(self, call: PendingCall) -> None:
        payload = Payload()
        try:
            async with asyncio.timeout(TASK_STATE_SECONDS):
                state = await super().get_task_state(call)
        except (TimeoutError, AnvilError):
            logger.info("A background task that is killed did not tell its state.")
        else:
            if state.error is None and not state.payload.media:
                payload = as_task_state(state.payload)
        error = AnvilError("Background task killed", "anvil.server.BackgroundTaskKilled")
        call.finish(Reply(payload=payload, error=error.to_json()))
        self.pending.pop(call.id, None)
        self.kill(None)

    async def get_task_state(self, call: PendingCall) -> Reply:
        """TimeoutError of Anvil's where the process does not answer; the task is ended then."""
        try:
            async with asyncio.timeout(STATE_SECONDS):
                return await super().get_task_state(call)
        except TimeoutError:
            message = "Timeout getting task state, terminating task"
            error = AnvilError(message, "anvil.server.TimeoutError").to_json()
            self.kill(error)
            return Reply(error=error)

    # Messages from the process

    def _break_off(self) -> None:
        self.kill(make_error(TERMINATED, "The server code's process sent a damaged message."))

    def _take(self, message: dict[str, Any], data: bytes | None) -> None:
        kind = message.get("type")
        if kind == "CALL":
            self._take_call(message)
        elif kind == "CHUNK_HEADER":
            self._take_chunk(message, data or b"")
        elif kind == "GET_APP":
            self.spawn(self._provide_app(message))
        elif kind == "MEDIA_ERROR":
            self.receive_media_error(message)
            self._finish_served(str(message.get("requestId")))
        elif kind == "READY":
            self._become_ready()
        elif "response" in message or "error" in message:
            self._take_answer(message)
        elif "output" in message:
            self._take_output(message)
        elif kind != "SPANS":
            logger.warning("%r sent an unknown message: %.100r", self, kind)

    def _become_ready(self) -> None:
        if self.state is WorkerState.STARTING:
            self.state = WorkerState.READY
            self.free_since = asyncio.get_running_loop().time()
            self.on_change(self)

    def _take_answer(self, message: dict[str, Any]) -> None:
        call_id = str(message.get("id"))
        try:
            self.receive_reply(message)
        except AnvilError as error:
            call = self.pending.pop(call_id, None)
            if call is not None:
                call.finish(Reply.from_error(error))
        self._finish_served(call_id)

    def _take_chunk(self, header: dict[str, Any], data: bytes) -> None:
        self.receive_chunk(header, data)
        if header.get("lastChunk"):
            self._finish_served(str(header.get("requestId")))

    def _finish_served(self, call_id: str) -> None:
        """A call is done when its answer and all media of that are here."""
        if call_id not in self.deadlines or call_id in self.pending or self.is_receiving(call_id):
            return
        del self.deadlines[call_id]
        self._become_free()

    def _become_free(self) -> None:
        if self.load:
            return
        self.free_since = asyncio.get_running_loop().time()
        if self.state is WorkerState.RETIRING:
            self.kill(None)
        else:
            self.on_change(self)

    def _take_output(self, message: dict[str, Any]) -> None:
        whose = self.instance.name if self.instance is not None else ""
        text = self._output.take(str(message["output"]), whose)
        if not text:
            return
        if message.get("id") in self.pending:
            self.receive_output({**message, "output": text})
        elif self.instance is not None:
            # Printed by a thread of its own, which belongs to no call.
            log_output(self.instance.name, text.split("\n"))

    # Calls from the worker

    def _take_call(self, message: dict[str, Any]) -> None:
        """Its media may come right behind it, so they are expected before anything else is done."""
        call_id = str(message.get("id"))
        parent = self.pending.get(str(message.get("call-stack-id")))
        try:
            if parent is None:
                raise AnvilError("Call from invalid context: the call that made it has ended.")
            request = self.make_child(message, parent.request)
        except AnvilError as error:
            self.spawn(self.send({"id": call_id, "error": error.to_json()}))
        else:
            self.spawn(self._serve(call_id, request))

    async def _serve(self, call_id: str, request: Request) -> None:
        reply = await dispatch(request)
        await self.send_reply(call_id, reply, request.instance.server_key)

    async def _provide_app(self, message: dict[str, Any]) -> None:
        assert self.app is not None
        await self.send(
            {
                "type": "PROVIDE_APP",
                "id": message.get("id"),
                "app-id": message.get("app-id"),
                "app-version": self.app.version,
                "app": to_downlink(self.app),
            }
        )

    # Its end

    def _pipe_closed(self) -> None:
        if self._ending is None:
            self._ending = asyncio.create_task(self._come_to_end())

    async def _come_to_end(self) -> None:
        self.never_ran = self.never_ran or self.state is WorkerState.STARTING
        if not self._is_killed:
            self.reason = EndReason.CRASH
        self.state = WorkerState.RETIRING
        self.is_closed = True
        self.process.kill()
        code = await self.process.wait()
        error = self._end or describe_end(code)
        if self.deadlines or self.never_ran:
            logger.warning("%r ended: %s", self, error["message"])
        self.state = WorkerState.ENDED
        self.close(error)
        self.deadlines.clear()
        self._ended.set()
        self.on_change(self)

    def close(self, cause: dict[str, Any]) -> None:
        """Calls get the cause as their answer; who asks for a task's state hears that it ended."""
        for call in self.pending.values():
            error = cause
            if call.id.startswith(self.STATE_QUERY):
                error = make_error("anvil.server.NotRunningTask", "No such task running")
            call.finish(Reply(error={**error, "trace": [["<rpc>", 0]]}))
        self.pending.clear()
        super().close(cause)


def _ignore(_worker: Worker) -> None:
    pass
