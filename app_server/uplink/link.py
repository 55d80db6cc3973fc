"""One connected uplink."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from app_server.dispatch import dispatch
from app_server.errors import AnvilError
from app_server.limits import (
    MAX_CALLS_PER_SOCKET,
    MAX_NAME_CHARS,
    MAX_UNREAD_MEDIA_BYTES,
    MAX_UNSENT_PER_SOCKET,
    MAX_UPLINK_STACKS,
)
from app_server.request import Origin, Reply, Request
from app_server.stack import CallStack
from app_server.wire.caller import CallingPeer, PendingCall, call_target, take_live_object
from app_server.wire.payload import CALL_MEMBERS, WireError, take_payload
from app_server.wire.peer import SendFrame
from app_server.wire.streams import VISITORS, MediaBudget

if TYPE_CHECKING:
    from app_server.instance import Instance

logger = logging.getLogger(__name__)

IDLE_CHECK_SECONDS = 0.02


class UplinkRefusedError(AnvilError):
    """The uplink did what it may not; its connection is closed with this message."""


class UplinkLink(CallingPeer):
    """Serves the calls of an uplink, and sends it calls to the functions it registered.

    Source: anvil.executors.uplink. A server uplink is trusted like server code. A client uplink is
    trusted like a browser: it registers nothing, and its capabilities are checked.
    """

    name = "Uplink"
    closed_error = "anvil.server.UplinkDisconnectedError"

    def __init__(
        self,
        send_frame: SendFrame,
        instance: Instance,
        *,
        is_trusted: bool,
        protocol_version: int,
        ip: str,
    ):
        super().__init__(send_frame)
        self.instance = instance
        self.is_trusted = is_trusted
        self._frame = {
            "type": "uplink" if is_trusted else "client_uplink",
            "protocol-version": protocol_version,
        }
        kind = "uplink" if is_trusted else "client_uplink"
        self._client = {"type": kind, "ip": ip, "location": None}
        self.session = instance.sessions.create()
        self._key = instance.server_key if is_trusted else self.session.client_key
        self._stacks: OrderedDict[str, CallStack] = OrderedDict()
        self._prefix = f"uplink-outbound-{secrets.token_hex(8)}-"
        self._running = 0
        if not is_trusted:
            self._budget = MediaBudget(MAX_UNREAD_MEDIA_BYTES, VISITORS)

    def describe(self, call: PendingCall) -> dict[str, Any]:
        return {**super().describe(call), "app-version": call.request.instance.app.version}

    async def receive(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "CALL":
            self._receive_call(message)
        elif kind == "REGISTER":
            self._register(message)
        elif kind == "REGISTER_LIVE_OBJECT_BACKEND":
            raise UplinkRefusedError("Cannot register live-object backends on the uplink.")
        elif kind == "NOTIFY_TASK_KILLED" and self.is_trusted:
            self.receive_task_killed(message)
        elif kind is None and self.is_trusted and ("response" in message or "error" in message):
            self._receive_answer(message)
        elif kind is None and self.is_trusted and "output" in message:
            self.receive_output(message)

    def _receive_answer(self, message: dict[str, Any]) -> None:
        try:
            self.receive_reply(message)
        except AnvilError as error:
            call = self.pending.pop(str(message.get("id")), None)
            if call is not None:
                call.finish(Reply.from_error(error))

    def _register(self, message: dict[str, Any]) -> None:
        if not self.is_trusted:
            raise UplinkRefusedError(
                "Cannot register @anvil.server.callable functions from an unprivileged "
                "(client) uplink."
            )
        try:
            self.instance.uplinks.register(self, str(message.get("name")))
        except re.error as error:
            raise UplinkRefusedError("Invalid function name specification") from error
        logger.info("[%s] An uplink serves %s", self.instance.name, message.get("name"))

    def _receive_call(self, message: dict[str, Any]) -> None:
        call_id = message.get("id")
        if not isinstance(call_id, str) or len(call_id) > MAX_NAME_CHARS:
            raise WireError(f"A call needs an id of at most {MAX_NAME_CHARS} characters.")
        if len(self._tasks) > MAX_UNSENT_PER_SOCKET:
            raise WireError("Too many answers wait to be read.")
        if self._running >= MAX_CALLS_PER_SOCKET:
            error = AnvilError("Too many calls at once.", "anvil.server.QuotaExceededError")
            self.spawn(self.send_reply(call_id, Reply.from_error(error), self._key))
            return
        try:
            request = self._make_request(message)
        except AnvilError as error:
            self.discard_media(call_id, None)
            self.spawn(self.send_reply(call_id, Reply.from_error(error), self._key))
            return
        self._running += 1
        self.spawn(self._serve(call_id, request))

    def _make_request(self, message: dict[str, Any]) -> Request:
        stack_id = str(message.get("call-stack-id"))
        parent = self.pending.get(stack_id)
        if parent is not None and self.is_trusted:
            request = self.make_child(message, parent.request)
            request.origin = Origin.UPLINK
            request.frames = (self._frame, *parent.request.frames)
            return request
        return Request(
            instance=self.instance,
            session=self.session,
            stack=self._find_stack(stack_id),
            command=call_target(message),
            payload=take_payload(
                message,
                CALL_MEMBERS,
                self._key,
                self.stream_opener(str(message["id"])),
                is_trusted=self.is_trusted,
            ),
            origin=Origin.UPLINK if self.is_trusted else Origin.CLIENT,
            frames=(self._frame,),
            client=self._client,
            live_object=take_live_object(message, self._key),
        )

    async def _serve(self, call_id: str, request: Request) -> None:
        def pass_on(update: dict[str, Any]) -> None:
            if "output" in update:
                self.spawn(self.send({**update, "id": call_id}))

        if request.parent is None:
            request.on_update = pass_on
        try:
            reply = await dispatch(request)
            self.discard_media(call_id, request.payload)
            if request.parent is None:
                self._release_stack(request.stack)
            await self.send_reply(call_id, reply, self._key)
        finally:
            self._running -= 1

    def _find_stack(self, stack_id: str) -> CallStack:
        """The stack of one of the uplink's threads. It lives on between calls while it holds
        something, such as a transaction that was opened in one call and is used in the next."""
        stack = self._stacks.get(stack_id)
        if stack is None:
            if len(self._stacks) >= MAX_UPLINK_STACKS:
                raise AnvilError(
                    "This uplink has too many open call stacks.", "anvil.server.QuotaExceededError"
                )
            stack = self._stacks[stack_id] = CallStack(self._prefix + stack_id)
        return stack

    def _release_stack(self, stack: CallStack) -> None:
        if not stack.resources:
            self._stacks.pop(stack.id.removeprefix(self._prefix), None)

    async def wait_until_idle(self) -> None:
        while self._running:
            await asyncio.sleep(IDLE_CHECK_SECONDS)

    async def end(self) -> None:
        """The connection is gone: roll back what its call stacks hold."""
        for stack in list(self._stacks.values()):
            await stack.close(False)
        self._stacks.clear()
