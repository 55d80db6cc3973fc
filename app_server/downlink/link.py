"""One connected process host (``anvil_downlink_host``)."""

from __future__ import annotations

import logging
from typing import Any

from app_server.apps.provide import to_downlink
from app_server.dispatch import dispatch
from app_server.errors import AnvilError
from app_server.request import Reply
from app_server.wire.caller import CallingPeer, PendingCall
from app_server.wire.payload import WireError

logger = logging.getLogger(__name__)

KEEP_ALIVE = "anvil.private.echo"


class DownlinkLink(CallingPeer):
    """Sends the apps' calls to the process host and serves what server code calls in turn.

    Source: anvil.executors.downlink, anvil.executors.ws-server, and ``anvil_downlink_host``.
    """

    name = "Downlink"
    is_draining = False

    def describe(self, call: PendingCall) -> dict[str, Any]:
        app = call.request.instance.app
        is_persistent = bool(app.runtime_options.get("server_persist"))
        return {
            **super().describe(call),
            "app-version": app.version,
            "persist-key": "default" if is_persistent else None,
            "stale-uplink?": call.request.instance.uplinks.was_served(call.request.command),
        }

    async def receive(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if kind == "CALL":
            self.spawn(self._serve(message))
        elif kind == "GET_APP":
            await self._provide_app(message)
        elif kind == "DRAIN":
            self.is_draining = True
        elif kind == "NOTIFY_TASK_KILLED":
            self.receive_task_killed(message)
        elif kind is None and ("response" in message or "error" in message):
            self._receive_answer(message)
        elif kind is None and "output" in message:
            self.receive_output(message)
        elif kind not in ("STATS", "SPANS", None):
            logger.warning("The process host sent an unknown message: %s", kind)

    def _receive_answer(self, message: dict[str, Any]) -> None:
        try:
            self.receive_reply(message)
        except AnvilError as error:
            call = self.pending.pop(str(message.get("id")), None)
            if call is not None:
                call.finish(Reply.from_error(error))

    async def _serve(self, message: dict[str, Any]) -> None:
        call_id = str(message.get("id"))
        parent = self.pending.get(str(message.get("call-stack-id")))
        if parent is None:
            await self._serve_without_context(call_id, message)
            return
        request = parent.request
        try:
            reply = await dispatch(self.make_child(message, request))
        except AnvilError as error:
            reply = Reply.from_error(error)
        await self.send_reply(call_id, reply, request.instance.server_key)

    async def _serve_without_context(self, call_id: str, message: dict[str, Any]) -> None:
        if message.get("command") == KEEP_ALIVE:
            await self.send({"id": call_id, "response": (message.get("args") or [None])[0]})
        else:
            error = AnvilError("Call from invalid context: the call that made it has ended.")
            await self.send({"id": call_id, "error": error.to_json()})

    async def _provide_app(self, message: dict[str, Any]) -> None:
        """Send an app's code. The version asked for may be older than the newest, when the app was
        changed meanwhile; it is the one that the call was sent with."""
        call = self.pending.get(str(message.get("originating-call")))
        if call is None:
            logger.info("The app of a call that has ended was asked for.")
            return
        app = call.request.instance.find_version(str(message.get("app-version")))
        answer = {
            "type": "PROVIDE_APP",
            "id": message.get("id"),
            "app-id": message.get("app-id"),
            "app-version": message.get("app-version"),
            "app": to_downlink(app),
        }
        try:
            await self.send(answer)
        except WireError:
            call.finish(
                Reply.failed(
                    "anvil.server.RuntimeUnavailableError",
                    "The app's code is too large to be run (more than 16 MB).",
                )
            )
