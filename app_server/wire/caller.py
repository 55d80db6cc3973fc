"""A peer that runs functions: calls that it was sent, and what it calls in turn."""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass, field
from typing import Any

from app_server.app_log import log_output
from app_server.call_observing import resumed
from app_server.errors import AnvilError
from app_server.limits import MAX_NAME_CHARS, MAX_OUTPUT_LINE_CHARS
from app_server.request import Origin, Reply, Request
from app_server.session_data import merge_user_data
from app_server.wire.payload import (
    CALL_MEMBERS,
    REPLY_MEMBERS,
    Payload,
    WireError,
    take_payload,
)
from app_server.wire.peer import Peer, PeerClosedError, SendFrame

logger = logging.getLogger(__name__)

MALFORMED = (TypeError, AttributeError, LookupError, ValueError, RecursionError)
"""What reading an answer raises whose members are of the wrong types."""

LIVE_OBJECT_KEYS = ("id", "backend", "permissions", "mac")


@dataclass(slots=True)
class PendingCall:
    """A call that was sent and has no answer yet. ``is_lost``: there will be none, because the
    peer has gone. ``is_killed``: somebody asked for the end of the background task."""

    id: str
    request: Request
    answer: asyncio.Future[Reply] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    output: str = ""
    is_lost: bool = False
    is_killed: bool = False

    def take_output(self, text: str) -> list[str]:
        """Add what was printed; gives the lines that are complete, very long ones in parts."""
        *lines, self.output = (self.output + text).split("\n")
        if len(self.output) > MAX_OUTPUT_LINE_CHARS:
            lines.append(self.output)
            self.output = ""
        return lines

    def finish(self, reply: Reply) -> None:
        if not self.answer.done():
            self.answer.set_result(reply)


class CallingPeer(Peer):
    """Sends CALL and LAUNCH_BACKGROUND and matches the answers.

    ``closed_error`` is the type of error that waiting callers get when the peer goes away.
    """

    STATE_QUERY = "bgquery-"
    """What the ids of questions about a background task begin with."""

    name = "Peer"
    closed_error = "anvil.server.RuntimeUnavailableError"

    def __init__(self, send_frame: SendFrame):
        super().__init__(send_frame)
        self.pending: dict[str, PendingCall] = {}

    async def start_call(
        self, request: Request, kind: str = "CALL", extra: dict[str, Any] | None = None
    ) -> PendingCall:
        """Send a request. Its ``answer`` comes with the reply. WireError where it cannot be sent;
        AnvilError where the peer is gone."""
        if self.is_closed:
            raise self.make_closed_error()
        prefix = "client-" if request.is_client else "server-"
        call = PendingCall(prefix + secrets.token_hex(8), request)
        request.sent_user_data = request.session.user_data
        self.pending[call.id] = call
        message = {"type": kind, **self.describe(call), **(extra or {})}
        try:
            await self.send_payload(message, request.payload, request.instance.server_key)
        except PeerClosedError:
            self.is_closed = True
            self.pending.pop(call.id, None)
            raise
        except BaseException:
            self.pending.pop(call.id, None)
            raise
        return call

    def describe(self, call: PendingCall) -> dict[str, Any]:
        """The members of a CALL beside its values."""
        request = call.request
        message: dict[str, Any] = {
            "id": call.id,
            "call-stack-id": call.id,
            "call-stack": list(request.frames),
            "client": request.client,
            "session-id": request.session.id,
            "sessionData": request.session.user_data,
            "app-id": request.instance.name,
            "app-info": request.instance.app_info,
            "args": [],
            "kwargs": {},
        }
        if request.live_object is None:
            message["command"] = request.command
        else:
            message["liveObjectCall"] = {**request.live_object, "method": request.command}
        return message

    def receive_reply(self, message: dict[str, Any]) -> None:
        call = self.pending.pop(str(message.get("id")), None)
        if call is None:
            return
        with resumed(call.request):
            log_output(call.request.instance.name, [call.output])
        try:
            reply = self._take_reply(message, call)
        except AnvilError as error:
            reply = Reply.from_error(error)
        except MALFORMED as error:
            logger.warning("%s answered with what is no answer: %r", self.name, error)
            reply = Reply.from_error(WireError("The answer of this function makes no sense."))
        call.finish(reply)

    def _take_reply(self, message: dict[str, Any], call: PendingCall) -> Reply:
        request = call.request
        if isinstance(message.get("sessionData"), dict):
            merge_user_data(request.session, request.sent_user_data, message["sessionData"])
        if message.get("error") is not None:
            error = take_error(message["error"])
            return Reply(payload=self._take_task_state(message, request), error=error)
        payload = take_payload(
            message,
            REPLY_MEMBERS,
            request.instance.server_key,
            self.stream_opener(call.id),
            is_trusted=True,
        )
        return Reply(payload)

    def _take_task_state(self, message: dict[str, Any], request: Request) -> Payload:
        opener = self.stream_opener(str(message.get("id")))
        key = request.instance.server_key
        return take_payload(message, ("taskState",), key, opener, is_trusted=True)

    def receive_output(self, message: dict[str, Any]) -> None:
        call = self.pending.get(str(message.get("id")))
        if call is not None:
            with resumed(call.request):
                log_output(call.request.instance.name, call.take_output(str(message["output"])))
            call.request.root.on_update({"output": message["output"]})

    def make_child(self, message: dict[str, Any], parent: Request) -> Request:
        """The request of a call that the peer makes while serving ``parent``."""
        instance = parent.instance
        payload = take_payload(
            message,
            CALL_MEMBERS,
            instance.server_key,
            self.stream_opener(str(message["id"])),
            is_trusted=True,
        )
        live_object = take_live_object(message, instance.server_key)
        return Request(
            instance=instance,
            session=parent.session,
            stack=parent.stack,
            command=call_target(message),
            payload=payload,
            origin=Origin.SERVER,
            frames=({"type": "server_module"}, *parent.frames),
            client=parent.client,
            live_object=live_object,
            parent=parent,
        )

    # Background tasks

    async def kill_task(self, call: PendingCall) -> None:
        """Ask for the end of a background task; its ``answer`` then tells that it was killed."""
        await self.send({"type": "KILL_TASK", "task": call.id})

    async def get_task_state(self, call: PendingCall) -> Reply:
        """The ``anvil.server.task_state`` of a running background task, as ``response``."""
        query = PendingCall(self.STATE_QUERY + secrets.token_hex(8), call.request)
        self.pending[query.id] = query
        await self.send({"type": "GET_TASK_STATE", "id": query.id, "task": call.id})
        return await query.answer

    def receive_task_killed(self, message: dict[str, Any]) -> None:
        """A background task was ended, and may have told its state before."""
        call = self.pending.pop(str(message.get("id")), None)
        if call is None:
            return
        error = AnvilError("Background task killed", "anvil.server.BackgroundTaskKilled")
        state = self._take_task_state(message, call.request)
        call.finish(Reply(payload=state, error=error.to_json()))

    def give_up(self, call_id: str) -> None:
        """A call was not answered in time, and nobody waits for it any more."""

    def make_closed_error(self) -> Exception:
        return PeerClosedError(f"{self.name} disconnected", self.closed_error)

    def close(self, cause: dict[str, Any]) -> None:
        super().close(cause)
        pending, self.pending = self.pending, {}
        for call in pending.values():
            call.is_lost = True
            call.finish(Reply(error={**cause, "trace": [["<rpc>", 0]]}))


def take_error(error: Any) -> dict[str, Any]:
    """What a peer says went wrong: ``{"type", "message", "trace": [[path, line], ...], ...}``, each
    of its kind. WireError where it is nothing of that sort."""
    if not isinstance(error, dict):
        raise WireError("A function failed, and why makes no sense.")
    taken = {**error, "message": str(error.get("message", ""))}
    if "type" in error:
        taken["type"] = str(error["type"])
    if "trace" in error:
        frames = error["trace"] if isinstance(error["trace"], list) else []
        taken["trace"] = [x for x in frames if isinstance(x, list) and len(x) == 2]
    return taken


def call_target(message: dict[str, Any]) -> str:
    """The name of the function or method that a CALL is for. WireError where it is none."""
    live_object = message.get("liveObjectCall")
    target = live_object.get("method") if isinstance(live_object, dict) else message.get("command")
    if not isinstance(target, str) or len(target) > MAX_NAME_CHARS:
        raise WireError(f"A function's name is text of at most {MAX_NAME_CHARS} characters.")
    return target


def take_live_object(message: dict[str, Any], key: Any) -> dict[str, Any] | None:
    """The live object whose method a CALL is for, its MAC checked."""
    spec = message.get("liveObjectCall")
    if not isinstance(spec, dict):
        return None
    key.check_live_object(spec)
    return {k: spec.get(k) for k in LIVE_OBJECT_KEYS if k != "mac"}
