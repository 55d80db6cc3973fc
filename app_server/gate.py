"""What goes into an instance: held for a moment while it is replaced, counted until it is done.

A reload that cannot be made in place closes the gate, lets what is inside finish, starts the new
instance and sends those who waited there: nobody is refused. When the whole server leaves, each
answer tells its connection to close, so that a kept-alive one is not cut in the middle of the next
request.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOLD_SECONDS = 25.0
"""How long a request may have to wait at a closed gate. Then it is told to come again."""


class GateClosedError(Exception):
    """The gate did not open in time."""


class Gate:
    """One instance's. ``is_leaving``: nothing is to come after what is inside."""

    def __init__(self) -> None:
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._inside = 0
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self.successor: ASGIApp | None = None
        self.is_leaving = False

    def hold(self) -> None:
        """Let nobody in for now."""
        self._is_open.clear()

    def release(self, successor: ASGIApp | None = None) -> None:
        """Let those who wait in, or send them, and all who come later, to ``successor``."""
        self.successor = successor
        self._is_open.set()

    async def enter(self) -> ASGIApp | None:
        """Wait until it is open. The successor, where there is one; else ``leave`` has to follow.
        GateClosedError where it stays closed."""
        if not self._is_open.is_set():
            try:
                await asyncio.wait_for(self._is_open.wait(), HOLD_SECONDS)
            except TimeoutError as error:
                raise GateClosedError from error
        if self.successor is None:
            self._inside += 1
            self._is_empty.clear()
        return self.successor

    def leave(self) -> None:
        self._inside -= 1
        if self._inside == 0:
            self._is_empty.set()

    async def wait_until_empty(self) -> None:
        await self._is_empty.wait()


class Gated:
    """An instance's router behind its gate. WebSockets wait there too, but are not counted: what
    they do is among the instance's calls."""

    def __init__(self, gate: Gate, router: ASGIApp, closed: ASGIApp):
        self._gate = gate
        self._router = router
        self._closed = closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            successor = await self._gate.enter()
        except GateClosedError:
            await self._closed(scope, receive, send)
            return
        if successor is not None:
            await successor(scope, receive, send)
        elif scope["type"] == "http":
            try:
                await self._router(scope, receive, self._with_farewell(send))
            finally:
                self._gate.leave()
        else:
            self._gate.leave()
            await self._router(scope, receive, send)

    def _with_farewell(self, send: Send) -> Send:
        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start" and self._gate.is_leaving:
                headers: list[Any] = list(message.get("headers") or [])
                message = {**message, "headers": [*headers, (b"connection", b"close")]}
            await send(message)

        return send_last
