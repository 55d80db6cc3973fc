"""Connections that are slow, half open or too many cost little and end in time.

uvicorn ends idle keep-alive connections and WebSockets that answer no ping. It waits for ever for
the rest of a request (slow loris), for a reader that takes nothing, and for a peer that has gone
without a word while something was still to be sent to it; and it takes a head of any size. These
are its protocol classes with bounds. One task looks at all connections each second, so that a
request pays for no timers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app_server import limits

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
RESERVED_FILES = 200
"""File descriptors that are not for visitors: databases, the process host, files that are read."""
MAX_FILES = 65_536
MAX_FRAGMENTS = 10_000
"""Of one WebSocket message. Empty ones cost a sender next to nothing."""
MAX_UNREAD_PONGS_BYTES = 64 * 1024
NOT_UTF8 = 1007
TOO_BIG = 1009
TEXT_431 = b"The head of this request is too large."
TEXT_503 = b"This server has too many connections. Please try again in a moment."


class WriteWatch:
    """Sees whether a peer takes what is sent to it: at least SLOWEST_BYTES_PER_SECOND over
    READ_SECONDS."""

    __slots__ = ("_left", "_since")

    def __init__(self) -> None:
        self._since: float | None = None
        self._left = 0

    def progressed(self) -> None:
        self._since = None

    def is_stuck(self, left: int, now: float) -> bool:
        """``left`` bytes have not been taken yet."""
        if left == 0:
            self._since = None
        elif self._since is None:
            self._since, self._left = now, left
        elif now - self._since >= limits.READ_SECONDS:
            least = limits.READ_SECONDS * limits.SLOWEST_BYTES_PER_SECOND
            if self._left - left < least:
                return True
            self._since, self._left = now, left
        return False


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1. ``check`` is called each second."""

    _clock = staticmethod(time.monotonic)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_since: float | None = self._clock()
        self._head_bytes = 0
        self._body_since = 0.0
        self._body_bytes = 0
        self._beside_bytes = 0
        self._unwanted_bytes = 0
        self._is_in_body = False
        self._writes = WriteWatch()
        if has_too_many(self.connections, self.client):
            self._refuse(503, "Service Unavailable", TEXT_503)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        is_head = self._head_since is not None
        if not is_head and self._is_between_requests():
            self._head_since, is_head = self._clock(), True
        if not is_head:
            self._beside_bytes += len(data)
        super().data_received(data)
        if self._head_since is not None:
            self._head_bytes += len(data)
            if self._head_bytes > limits.MAX_HEAD_BYTES:
                self._refuse(431, "Request Header Fields Too Large", TEXT_431)
        elif self._beside_bytes > limits.MAX_HEAD_BYTES + 8 * self._body_bytes:
            # Trailers and the marks between chunks.
            self._refuse(431, "Request Header Fields Too Large", TEXT_431)

    def on_message_begin(self) -> None:
        if self._head_since is None:
            self._head_since = self._clock()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > limits.MAX_HEADERS:
            raise ValueError("too many headers")  # answered with 400

    def on_headers_complete(self) -> None:
        self._head_since = None
        self._head_bytes = 0
        self._body_since = self._clock()
        self._body_bytes = self._beside_bytes = self._unwanted_bytes = 0
        self._is_in_body = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        self._beside_bytes -= len(body)
        if self.cycle is not None and self.cycle.response_complete:
            # Whoever is still sending should be able to read that it was refused, which many do
            # only when all is sent: also what is a little too large.
            self._unwanted_bytes += len(body)
            if self._unwanted_bytes > 2 * limits.MAX_BODY_BYTES:
                self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_body = False
        super().on_message_complete()

    def resume_writing(self) -> None:
        self._writes.progressed()
        super().resume_writing()

    def _is_between_requests(self) -> bool:
        return not self._is_in_body and (self.cycle is None or self.cycle.response_complete)

    def _refuse(self, status: int, phrase: str, text: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            head = f"HTTP/1.1 {status} {phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
            head += f"content-length: {len(text)}\r\nretry-after: 5\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode() + text)
        self.transport.close()

    @property
    def held_bytes(self) -> int:
        """What was received and has not been handed on."""
        return self._head_bytes + (len(self.cycle.body) if self.cycle is not None else 0)

    def check(self, now: float) -> None:
        """End the connection where the peer is too slow."""
        if self._writes.is_stuck(self.transport.get_write_buffer_size(), now):
            logger.info("A visitor does not read its answer; the connection is ended.")
            self.transport.abort()
        elif self._head_since is not None:
            if now - self._head_since > limits.HEAD_SECONDS:
                self._refuse(408, "Request Timeout", b"The request did not come in time.")
        elif self._is_in_body and not self.flow.read_paused:
            allowed = limits.BODY_SECONDS + self._body_bytes / limits.SLOWEST_BYTES_PER_SECOND
            if now - self._body_since > allowed:
                self._refuse(408, "Request Timeout", b"The request did not come in time.")


class BoundedSocket(WebSocketsSansIOProtocol):
    """A WebSocket. ``check`` is called each second."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self._writes = WriteWatch()

    def resume_writing(self) -> None:
        self._writes.progressed()
        super().resume_writing()

    def handle_cont(self, event: Any) -> None:
        if len(self.frames) >= MAX_FRAGMENTS:
            self.conn.fail(TOO_BIG, "Too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_text(self.frames):
            # uvicorn would log it with a trace.
            self.frames = []
            self.conn.fail(NOT_UTF8, "A text is not UTF-8")
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        if self.transport.get_write_buffer_size() > MAX_UNREAD_PONGS_BYTES:
            self.conn.data_to_send()  # not sent: the peer does not read
            return
        super().handle_ping()

    @property
    def held_bytes(self) -> int:
        """What was received of a message that is not complete yet."""
        return len(self.conn.reader.buffer) + sum(len(frame) for frame in self.frames)

    def check(self, now: float) -> None:
        """End the connection where the peer does not read."""
        if self._writes.is_stuck(self.transport.get_write_buffer_size(), now):
            logger.info("A browser or uplink does not read; its socket is closed.")
            self.transport.abort()


def _is_text(frames: list[bytes]) -> bool:
    try:
        b"".join(frames).decode()
    except UnicodeDecodeError:
        return False
    return True


def has_too_many(connections: Collection[Any], client: tuple[str, int] | None) -> bool:
    """Whether one more than allowed is open, of all or of this address. Connections from this
    machine are a proxy's, which speaks for many."""
    if len(connections) > max_connections():
        return True
    if client is None or client[0].startswith("127.") or client[0] == "::1":
        return False
    if len(connections) <= limits.MAX_CONNECTIONS_PER_ADDRESS:
        return False
    same = sum(1 for c in connections if c.client is not None and c.client[0] == client[0])
    return same > limits.MAX_CONNECTIONS_PER_ADDRESS


def max_connections() -> int:
    """MAX_CONNECTIONS, or as many as the system lets this process have open."""
    if resource is None:
        return limits.MAX_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return limits.MAX_CONNECTIONS
    return min(limits.MAX_CONNECTIONS, max(soft - RESERVED_FILES, 1))


def raise_file_limit() -> None:
    """Have as many files open as the system allows; many systems begin with 1,024."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if max_connections() < limits.MAX_CONNECTIONS:
        logger.warning(
            "The system lets this process open few files: %d connections at once, not %d. "
            "Raise the limit of open files (ulimit -n, or LimitNOFILE of a service).",
            max_connections(),
            limits.MAX_CONNECTIONS,
        )


def end_largest(connections: Iterable[Any]) -> None:
    """Messages that are not complete take so much memory together; the largest have to go."""
    held = Counter({connection: connection.held_bytes for connection in connections})
    excess = held.total() - limits.MAX_PARTIAL_BYTES
    for connection, size in held.most_common():
        if excess <= 0:
            return
        logger.warning("A connection that sent %d bytes of one message is ended.", size)
        connection.transport.abort()
        excess -= size


async def watch_connections(connections: set[Any]) -> None:
    """Look after the connections of a server, until cancelled."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        now = time.monotonic()
        for connection in list(connections):
            try:
                connection.check(now)
            except Exception:
                logger.exception("A connection could not be looked after")
        end_largest(list(connections))
