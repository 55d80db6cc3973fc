"""The socket between a browser and its instance: ``/_/ws``."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app_server.app_log import log_client_message
from app_server.dispatch import dispatch_outermost
from app_server.errors import AnvilError
from app_server.limits import (
    CALL_BURST,
    LONGEST_PACE_SECONDS,
    MAX_CALLS_PER_INSTANCE,
    MAX_CALLS_PER_SECOND,
    MAX_CALLS_PER_SOCKET,
    MAX_NAME_CHARS,
    MAX_UNREAD_MEDIA_BYTES,
    MAX_UNSENT_PER_SOCKET,
)
from app_server.rates import RateLimit
from app_server.request import Origin, Reply, Request
from app_server.stack import CallStack
from app_server.wire.caller import call_target, take_live_object
from app_server.wire.codec import encode
from app_server.wire.payload import CALL_MEMBERS, WireError, give_objects, take_payload
from app_server.wire.peer import Peer, SendFrame
from app_server.wire.streams import VISITORS, MediaBudget

if TYPE_CHECKING:
    from app_server.instance import Instance
    from app_server.sessions import Session

logger = logging.getLogger(__name__)

RESET_SESSION = "anvil.private.reset_session"
FAREWELL_SECONDS = 1.0
IDLE_CHECK_SECONDS = 0.02


class BrowserLink(Peer):
    """Serves the calls of one browser tab. Source: anvil.runtime.browser-ws.

    A browser whose session has expired gets SessionExpiredError until it calls ``reset_session``.
    ``read_cookies`` takes the browser's own cookies into the session anew.
    """

    def __init__(
        self,
        send_frame: SendFrame,
        instance: Instance,
        session: Session,
        ip: str,
        read_cookies: Callable[[], None],
    ):
        super().__init__(send_frame)
        self._instance = instance
        self._session = session
        self._client = {"type": "browser", "ip": ip, "location": None}
        self._read_cookies = read_cookies
        self._running = 0
        self._budget = MediaBudget(MAX_UNREAD_MEDIA_BYTES, VISITORS)
        self._rate = RateLimit(MAX_CALLS_PER_SECOND, CALL_BURST)
        self._is_retired = False
        self._is_leaving = False
        session.sockets.add(self)

    async def receive(self, message: dict[str, Any]) -> None:
        kind = message.get("type")
        if self._is_retired:
            await self.shut_down()
            return
        self._session.touch()
        if len(self._tasks) > MAX_UNSENT_PER_SOCKET:
            raise WireError("Too many answers wait to be read.")
        if kind == "CALL":
            self._receive_call(message)
        elif kind == "LOG":
            if self._rate.allows():
                log_client_message(self._instance, message)
        else:
            raise WireError(f"A browser cannot send {kind!r}.")

    def _receive_call(self, message: dict[str, Any]) -> None:
        call_id = message.get("id")
        if not isinstance(call_id, str) or not 0 < len(call_id) <= MAX_NAME_CHARS:
            raise WireError(f"A call needs an id of at most {MAX_NAME_CHARS} characters.")
        try:
            self._check_rate()
            if message.get("command") == RESET_SESSION:
                self._reset_session()
                self._answer(call_id, Reply(encode({"response": ""})))
                return
            self._check_session()
            request = self._make_request(message, call_id)
            pause = self._take_turn()
        except AnvilError as error:
            self.discard_media(call_id, None)
            self._answer(call_id, Reply.from_error(error))
            return
        self._running += 1
        self.spawn(self._serve(call_id, request, pause))

    def _check_rate(self) -> None:
        if not self._rate.allows() or self._running >= MAX_CALLS_PER_SOCKET:
            raise AnvilError(
                "Too many calls to the server at once. Please wait a moment.",
                "anvil.server.QuotaExceededError",
            )
        if len(self._instance.calls) >= MAX_CALLS_PER_INSTANCE:
            raise AnvilError(
                "The server is very busy. Please try again in a moment.",
                "anvil.server.QuotaExceededError",
            )

    def _take_turn(self) -> float:
        """The seconds for which a call waits, so that an instance that is flooded leaves the
        neighbours something of the router that they share."""
        if not self._instance.workers.has_neighbours:
            return 0.0
        pause = self._instance.pace.wait_seconds(LONGEST_PACE_SECONDS)
        if pause is None:
            raise AnvilError(
                "This app gets too many calls at once. Please try again in a moment.",
                "anvil.server.QuotaExceededError",
            )
        if pause:
            self._instance.metrics.paced_calls += 1
        return pause

    def _check_session(self) -> None:
        if self._session.is_replacement or self._session.is_deleted:
            raise AnvilError("Session expired", "anvil.server.SessionExpiredError")

    def _reset_session(self) -> None:
        if self._session.is_deleted:
            raise AnvilError(
                "This session has ended. Please reload the page.",
                "anvil.server.SessionExpiredError",
            )
        self._read_cookies()
        if not self._session.is_replacement:
            self._session.invalidate_client_objects()
        self._session.is_replacement = False
        self._session.save()

    def _make_request(self, message: dict[str, Any], call_id: str) -> Request:
        key = self._session.client_key
        frame = {"type": "browser", "protocol-version": message.get("v")}

        def pass_on(update: dict[str, Any]) -> None:
            if "output" not in update:
                self.spawn(self.send({**update, "id": call_id}))

        return Request(
            instance=self._instance,
            session=self._session,
            stack=CallStack(),
            command=call_target(message),
            payload=take_payload(
                message, CALL_MEMBERS, key, self.stream_opener(call_id), is_trusted=False
            ),
            origin=Origin.CLIENT,
            frames=(frame,),
            client=self._client,
            live_object=take_live_object(message, key),
            on_update=pass_on,
            socket=self,
        )

    async def _serve(self, call_id: str, request: Request, pause: float) -> None:
        """Server code runs to its end also when the browser goes away meanwhile, as on Anvil's
        server: what it had begun would be left half done."""
        try:
            if pause:
                await asyncio.sleep(pause)
            reply = await asyncio.shield(self._instance.run_call(dispatch_outermost(request)))
            self.discard_media(call_id, request.payload)
            await self.send_reply(call_id, reply, self._session.client_key)
        finally:
            self._running -= 1
            if self._is_retired and not self._running:
                await self.shut_down()

    def leave(self) -> None:
        """Tell the page to go on over a new socket. It closes this one when the last call is
        answered; if it does not, we do, after a moment in which it may still send a call."""

        async def say_farewell() -> None:
            await self.send({"type": "RECONNECT"})
            await self.wait_until_idle()
            await self.shut_down()

        self._is_leaving = True
        self.spawn(say_farewell())

    async def wait_until_idle(self) -> None:
        until = time.monotonic() + (FAREWELL_SECONDS if self._is_leaving else 0.0)
        while self._running or (time.monotonic() < until and not self.is_closed):
            await asyncio.sleep(IDLE_CHECK_SECONDS)

    def retire(self) -> None:
        """The session has a new cookie, and this socket was opened with one before: take no more
        calls. The browser's own page comes back with the new cookie."""
        self._is_retired = True
        self._session.sockets.discard(self)
        if not self._running:
            self.spawn(self.shut_down())

    def _answer(self, call_id: str, reply: Reply) -> None:
        self.spawn(self.send_reply(call_id, reply, self._session.client_key))

    def send_event(self, event: dict[str, Any]) -> None:
        """``{"name", "payload"}`` of ``anvil.server.raise_event``."""
        payload = encode({"event": event})
        message = {"id": "evt" + secrets.token_hex(8), **payload.body}
        message["objects"] = give_objects(payload, self._session.client_key)
        self.spawn(self.send(message))

    def close(self, cause: dict[str, Any]) -> None:
        self._session.sockets.discard(self)
        super().close(cause)
