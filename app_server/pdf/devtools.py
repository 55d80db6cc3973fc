"""The Chrome DevTools Protocol over a pipe: JSON messages, each ended by a zero byte.

A pipe, not a port: nobody else on the machine can talk to the browser.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

MAX_MESSAGE_BYTES = 256 * 1024 * 1024
"""A printed page comes as one message, in base64."""

OnEvent = Callable[[str, dict[str, Any]], None]
ENDED = "ended"
"""An event of ours: the browser is gone."""


class BrowserError(Exception):
    """The browser refused something, or is gone."""


class DevTools:
    """One end of the pipe. ``on_event`` gets the name and the parameters of each event."""

    def __init__(self, on_event: OnEvent):
        self._on_event = on_event
        self._writer: asyncio.StreamWriter | None = None
        self._transport: asyncio.ReadTransport | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._count = 0
        self.session_id: str | None = None
        """Of the page that commands are for."""

    async def open(self, read_fd: int, write_fd: int) -> None:
        """Take over these file descriptors."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=MAX_MESSAGE_BYTES)
        self._transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_fd, "rb", 0)
        )
        transport, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(write_fd, "wb", 0)
        )
        self._writer = asyncio.StreamWriter(transport, protocol, None, loop)
        self._reading = asyncio.create_task(self._read(reader))

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None and not self._writer.transport.is_closing():
            self._writer.transport.abort()
        if self._transport is not None:
            self._transport.close()

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result. BrowserError where it is refused."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self.session_id is not None:
            message["sessionId"] = self.session_id
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        if self._reading is None or self._reading.done() or self._writer is None:
            raise BrowserError("the browser ended")
        self._waiting[self._count] = answer
        try:
            self._writer.write(json.dumps(message).encode() + b"\0")
            await self._writer.drain()
        except OSError as error:
            raise BrowserError("the browser ended") from error
        return await answer

    async def evaluate(self, expression: str) -> Any:
        """The value of JavaScript on the page; a promise is waited for."""
        answer = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"].get("text")))
        return answer["result"].get("value")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                self._receive(json.loads((await reader.readuntil(b"\0"))[:-1]))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
            pass
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(BrowserError("the browser ended"))
            self._on_event(ENDED, {})

    def _receive(self, message: dict[str, Any]) -> None:
        answer = self._waiting.pop(message.get("id", 0), None)
        if answer is None:
            if "method" in message:
                self._on_event(message["method"], message.get("params") or {})
        elif answer.done():
            return
        elif "error" in message:
            answer.set_exception(BrowserError(str(message["error"].get("message"))))
        else:
            answer.set_result(message["result"])
