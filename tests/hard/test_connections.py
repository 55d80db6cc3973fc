"""Slow, half open, flooding and too many connections: they end in time and hold nobody up."""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from typing import Any

import pytest

from app_server import limits
from app_server.http import connections
from app_server.http.connections import WriteWatch, end_largest, has_too_many, max_connections
from tests.hard.serving import Served, served

Patch = pytest.MonkeyPatch
HUGE = 64 * 1024 * 1024
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: Patch) -> None:
    monkeypatch.setattr(connections, "SWEEP_SECONDS", 0.05)
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "READ_SECONDS"):
        monkeypatch.setattr(limits, name, 0.5)


class App:
    """Answers ``/huge`` with HUGE bytes, reads the body of everything else, and floods whoever
    opens a WebSocket."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self.sent = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            if scope["type"] == "websocket":
                await self._flood(receive, send)
            elif scope["type"] == "http":
                await self._answer(scope, receive, send)
        finally:
            self.lost.set()

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size += len(message["body"])
            if not message.get("more_body"):
                break
        body = b"x" * HUGE if scope["path"] == "/huge" else str(size).encode()
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})

    async def _flood(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            if (await receive())["type"] == "websocket.disconnect":
                return
            while self.sent < HUGE:
                await send({"type": "websocket.send", "bytes": bytes(65536)})
                self.sent += 65536


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    data = b""
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionResetError):
            while piece := await reader.read(65536):
                data += piece
    return data


async def trickle(writer: Any, data: bytes, pause: float) -> None:
    """One byte after the other, until the other end has had enough."""
    with contextlib.suppress(ConnectionError):
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(pause)


async def get(server: Served, path: str = "/") -> bytes:
    reader, writer = await server.connect()
    writer.write(b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path.encode())
    data = await read_to_end(reader)
    writer.close()
    return data


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HT",
        b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nX-A: b",
    ],
)
async def test_a_request_comes_in_time_or_not_at_all(beginning: bytes):
    async with served(App()) as server:
        slow = [await server.connect() for _ in range(50)]
        writing = []
        for _, writer in slow:
            writer.write(beginning)
            writing.append(asyncio.create_task(trickle(writer, b"\r" * 100, 0.05)))
        assert (await get(server)).endswith(b"\r\n\r\n0"), "others are served meanwhile"
        for reader, _ in slow:
            # Who goes on sending may miss the 408.
            assert (await read_to_end(reader)).count(b"HTTP/1.1 200") < 2
        await wait_until_gone(server)
        for task in writing:
            task.cancel()
        await asyncio.gather(*writing, return_exceptions=True)


async def test_a_body_comes_in_time_or_not_at_all():
    app = App()
    async with served(app) as server:
        reader, writer = await server.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        writing = asyncio.create_task(trickle(writer, b"x" * 1000, 0.05))
        assert b"408" in await read_to_end(reader)
        await asyncio.wait_for(app.lost.wait(), 20)
        writing.cancel()


async def test_a_body_that_is_slow_but_steady_arrives(monkeypatch: Patch):
    monkeypatch.setattr(limits, "SLOWEST_BYTES_PER_SECOND", 10)
    async with served(App()) as server:
        reader, writer = await server.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n")
        await trickle(writer, b"x" * 40, 0.02)
        async with asyncio.timeout(20):
            assert (await reader.readuntil(b"40")).startswith(b"HTTP/1.1 200")
        writer.close()


async def wait_until_gone(server: Served) -> None:
    async with asyncio.timeout(20):
        while server.connections:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("taken", [0, 1])
async def test_who_does_not_read_is_cut_off(taken: int):
    """``taken`` bytes every 50 ms are too few."""
    app = App()
    async with served(app) as server:
        reader, writer = await server.connect(buffer=4096)
        writer.write(b"GET /huge HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.transport.pause_reading()

        async def sip() -> None:
            while True:
                with contextlib.suppress(ConnectionError):
                    await reader.read(taken)
                await asyncio.sleep(0.05)

        sipping = asyncio.create_task(sip())
        await asyncio.wait_for(app.lost.wait(), 20)
        await wait_until_gone(server)
        sipping.cancel()
        writer.close()


async def test_who_reads_slowly_but_steadily_gets_all(monkeypatch: Patch):
    monkeypatch.setattr(limits, "SLOWEST_BYTES_PER_SECOND", 1_000_000)
    async with served(App()) as server:
        reader, writer = await server.connect(buffer=1024 * 1024)
        writer.write(b"GET /huge HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = 0
        while piece := await reader.read(2 * 1024 * 1024):
            got += len(piece)
            await asyncio.sleep(0.02)
        assert got > HUGE
        writer.close()


async def open_websocket(server: Served, buffer: int | None = None) -> tuple[Any, Any]:
    reader, writer = await server.connect(buffer=buffer)
    writer.write(HANDSHAKE)
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def frame(opcode: int, data: bytes, *, last: bool = True) -> bytes:
    """A masked WebSocket frame (RFC 6455, section 5.2) with a mask of zeros."""
    head = bytes([opcode | (0x80 if last else 0)])
    if len(data) < 126:
        head += bytes([0x80 | len(data)])
    else:
        head += b"\xff" + struct.pack("!Q", len(data))
    return head + bytes(4) + data


async def test_a_browser_that_does_not_read_is_cut_off():
    app = App()
    async with served(app) as server:
        _, writer = await open_websocket(server, buffer=4096)
        writer.transport.pause_reading()
        writer.write(frame(1, b"flood"))
        await asyncio.wait_for(app.lost.wait(), 20)
        await wait_until_gone(server)
        assert app.sent < HUGE / 4, "no more was sent than the network took"
        writer.close()


async def test_a_flood_of_pings_fills_no_memory():
    async with served(App()) as server:
        _, writer = await open_websocket(server, buffer=4096)
        writer.transport.pause_reading()
        ping = frame(9, b"x" * 125) * 1000
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                writer.write(ping)
                await writer.drain()
                for connection in server.connections:
                    left = connection.transport.get_write_buffer_size()
                    assert left < 1024 * 1024, "what one read brings, no more"
        writer.close()


async def read_close_code(reader: asyncio.StreamReader) -> int:
    async with asyncio.timeout(20):
        while True:
            opcode, size = await reader.readexactly(2)
            data = await reader.readexactly(size)
            if opcode & 15 == 8:
                return int(struct.unpack("!H", data[:2])[0])


async def test_a_message_has_so_many_fragments(monkeypatch: Patch):
    monkeypatch.setattr(connections, "MAX_FRAGMENTS", 1000)
    async with served(App()) as server:
        reader, writer = await open_websocket(server)
        writer.write(frame(1, b"", last=False) + frame(0, b"", last=False) * 2000)
        assert await read_close_code(reader) == 1009
        writer.close()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * limits.MAX_HEAD_BYTES,
        b"GET / HTTP/1.1\r\nX-A: " + b"a" * limits.MAX_HEAD_BYTES,
        b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * (limits.MAX_HEADERS + 1) + b"\r\n",
    ],
)
async def test_a_head_has_so_many_bytes_and_lines(head: bytes):
    async with served(App()) as server:
        reader, writer = await server.connect()
        writer.write(head)
        answer = await read_to_end(reader)
        assert answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
        writer.close()


@pytest.mark.parametrize("beside", [b"X-A: " + b"a" * 200_000, b"1;" + b"a" * 200_000])
async def test_what_stands_beside_a_body_is_bounded(beside: bytes):
    async with served(App()) as server:
        reader, writer = await server.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"1\r\nx\r\n" + (b"0\r\n" if beside[:1] == b"X" else b"") + beside)
        assert b"HTTP/1.1 431" in await read_to_end(reader)
        writer.close()


async def test_a_body_of_tiny_chunks_arrives():
    async with served(App()) as server:
        reader, writer = await server.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")
        async with asyncio.timeout(20):
            assert b"200 OK" in await reader.readuntil(b"50000")
        writer.close()


async def test_too_many_connections_are_told_so(monkeypatch: Patch):
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 20)
    async with served(App()) as server:
        held = [await server.connect() for _ in range(20)]
        assert b"HTTP/1.1 503" in await get(server)
        for _, writer in held:
            writer.close()
        await wait_until_gone(server)
        assert b"HTTP/1.1 200" in await get(server)


class AConnection:
    def __init__(self, address: str, held_bytes: int = 0):
        self.client = (address, 1)
        self.held_bytes = held_bytes
        self.is_ended = False
        self.transport = self

    def abort(self) -> None:
        self.is_ended = True


def test_one_address_has_only_a_part_of_all_connections():
    many = {AConnection("1.2.3.4") for _ in range(limits.MAX_CONNECTIONS_PER_ADDRESS + 1)}
    assert has_too_many(many, ("1.2.3.4", 5))
    assert not has_too_many(many, ("5.6.7.8", 5))
    proxied = {AConnection("127.0.0.1") for _ in many}
    assert not has_too_many(proxied, ("127.0.0.1", 5))


def test_the_system_may_allow_fewer(monkeypatch: Patch):
    few = connections.RESERVED_FILES + 50
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _kind: (few, few))
    assert max_connections() == 50


def test_the_largest_of_the_messages_that_hang_go_first():
    part = limits.MAX_PARTIAL_BYTES // 4
    all_of_them = [AConnection("1.2.3.4", size) for size in (part, 3 * part, 10, part)]
    end_largest(all_of_them)
    assert [connection.is_ended for connection in all_of_them] == [False, True, False, False]
    end_largest([connection for connection in all_of_them if not connection.is_ended])
    assert sum(connection.is_ended for connection in all_of_them) == 1


def test_a_watch_begins_anew_with_each_step_forward(monkeypatch: Patch):
    monkeypatch.setattr(limits, "READ_SECONDS", 60.0)
    watch = WriteWatch()
    assert not watch.is_stuck(1_000_000, 0)
    assert not watch.is_stuck(1_000_000 - 60 * limits.SLOWEST_BYTES_PER_SECOND, 60)
    assert not watch.is_stuck(900_000, 119)
    assert watch.is_stuck(900_000, 120)
    watch.progressed()
    assert not watch.is_stuck(900_000, 500)
    assert not watch.is_stuck(0, 900) and not watch.is_stuck(5, 901)


def test_this_machine_gives_enough_files_for_the_tests():
    assert max_connections() > 3000, f"ulimit -n is too low ({os.sysconf('SC_OPEN_MAX')})"
