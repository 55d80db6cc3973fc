"""Many browsers at once: the browser's socket with as little as possible around it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
from collections.abc import Coroutine, Iterable
from typing import Any

import psutil

HANDSHAKE = (
    "GET {} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n{}\r\n"
)
SECONDS = 60


def size_of(name: str, usual: int) -> int:
    """How many of something a test takes: MYBIZZ_HARD_<NAME> for a larger run by hand."""
    return int(os.environ.get(f"MYBIZZ_HARD_{name}", usual))


class Tab:
    """One browser tab's socket."""

    def __init__(self, port: int):
        self._port = port
        self.path = "/_/ws"
        self.cookie = ""
        """What the server gave as the session's."""
        self.status = 0
        self.close_code: int | None = None

    async def open(self, cookie: str = "") -> Tab:
        """Connect; ``status`` is 101 where the socket was opened."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        self.writer.write(
            HANDSHAKE.format(self.path, f"Cookie: {cookie}\r\n" if cookie else "").encode()
        )
        head = await self.reader.readuntil(b"\r\n\r\n")
        for line in head.decode("latin-1").split("\r\n"):
            if line.lower().startswith("set-cookie:"):
                self.cookie = line.partition(":")[2].partition(";")[0].strip()
        self.status = int(head.split()[1])
        return self

    async def call(self, command: str, *args: Any) -> dict[str, Any]:
        """The whole answer."""
        message = {"type": "CALL", "id": "c", "v": 1, "command": command, "args": list(args)}
        self.send_text(json.dumps(message))
        while True:
            answer: dict[str, Any] = json.loads(await self.receive())
            if answer.get("id") == "c":
                return answer

    def send_text(self, text: str) -> None:
        self.writer.write(frame(1, text.encode()))

    async def receive(self) -> bytes:
        """The data of the next frame; pings are answered. ConnectionError at the end."""
        while True:
            try:
                opcode, size = await self.reader.readexactly(2)
                if size == 126:
                    (size,) = struct.unpack("!H", await self.reader.readexactly(2))
                elif size == 127:
                    (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
                data = await self.reader.readexactly(size)
            except asyncio.IncompleteReadError as error:
                raise ConnectionError("The server closed the connection.") from error
            if opcode & 15 == 9:
                self.writer.write(frame(10, data))
            elif opcode & 15 == 8:
                self.close_code = struct.unpack("!H", data[:2])[0] if data else None
                raise ConnectionError(f"The server closed the socket: {self.close_code}")
            else:
                return data

    async def close(self) -> None:
        """As a browser does: with a close frame, answered by the server."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(frame(8, struct.pack("!H", 1000)))
            while True:
                await self.receive()

    def drop(self) -> None:
        """Without a word."""
        self.writer.transport.abort()


def frame(opcode: int, data: bytes) -> bytes:
    """A masked WebSocket frame with a mask of zeros (RFC 6455, section 5.2)."""
    size = len(data)
    if size < 126:
        head = bytes([0x80 | opcode, 0x80 | size])
    elif size < 65536:
        head = bytes([0x80 | opcode, 0xFE]) + struct.pack("!H", size)
    else:
        head = bytes([0x80 | opcode, 0xFF]) + struct.pack("!Q", size)
    return head + bytes(4) + data


async def together(works: Iterable[Coroutine[Any, Any, Any]]) -> list[Any]:
    """What all give, done at the same time."""
    async with asyncio.timeout(SECONDS):
        return list(await asyncio.gather(*works))


async def until_settled(process: psutil.Process, files: int) -> None:
    """Until a process has no more than so many files open."""
    async with asyncio.timeout(SECONDS):
        while process.num_fds() > files:
            await asyncio.sleep(0.05)
