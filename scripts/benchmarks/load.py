"""A load of keep-alive HTTP requests from a few clients, cheap enough to leave the machine to the
server: raw sockets, one thread, one request at a time for each client."""

from __future__ import annotations

import selectors
import socket
import statistics
import time
from dataclasses import dataclass, field

HEADER_END = b"\r\n\r\n"


class LoadError(Exception):
    """An answer that is not 200, or none."""


@dataclass
class Client:
    """One connection, with the answer that it is reading."""

    socket: socket.socket
    received: bytearray = field(default_factory=bytearray)
    expected: int | None = None
    """Bytes of the whole answer, once its headers are there."""

    def take(self, data: bytes) -> bool:
        """Whether the answer is complete with ``data``."""
        if not data:
            raise LoadError("The server closed a connection.")
        self.received += data
        if self.expected is None:
            end = self.received.find(HEADER_END)
            if end < 0:
                return False
            head = bytes(self.received[:end]).lower()
            if not head.startswith(b"http/1.1 200"):
                raise LoadError(head.split(b"\r\n", 1)[0].decode())
            length = head.split(b"content-length:", 1)
            if len(length) < 2:
                raise LoadError("The answer has no Content-Length.")
            self.expected = end + len(HEADER_END) + int(length[1].split(b"\r\n", 1)[0])
        if len(self.received) < self.expected:
            return False
        self.received.clear()
        self.expected = None
        return True


def requests_per_second(
    port: int, path: str, *, clients: int = 8, seconds: float = 1.0, rounds: int = 5
) -> float:
    """How many requests a second are answered while ``clients`` ask without pause: the median of
    ``rounds`` that follow each other, so that a moment's noise does not decide. LoadError where
    one fails."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
    selector = selectors.DefaultSelector()
    opened = []
    for _ in range(clients):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(connection)
        opened.append(client)
        selector.register(connection, selectors.EVENT_READ, client)
        connection.sendall(request)
    try:
        return statistics.median(_round(selector, request, seconds) for _ in range(rounds))
    finally:
        for client in opened:
            client.socket.close()
        selector.close()


def _round(selector: selectors.BaseSelector, request: bytes, seconds: float) -> float:
    """The rate of the answers of so many seconds, each followed by the next question."""
    answered = 0
    started = time.perf_counter()
    end = started + seconds
    while time.perf_counter() < end:
        for key, _ in selector.select(1):
            client = key.data
            if client.take(client.socket.recv(65536)):
                answered += 1
                client.socket.sendall(request)
    return answered / (time.perf_counter() - started)
