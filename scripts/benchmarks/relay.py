"""A TCP relay before a server, which notes what browsers ask for and how much goes through."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class Relay:
    """``asked`` are request lines without the version ("GET /x"), ``sent`` the bytes that the
    server sent. While ``is_cut`` is set nobody gets through."""

    def __init__(self, port: int):
        self.asked: list[str] = []
        self.sent = 0
        self.is_cut = False
        self._target = port
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self) -> None:
        self.asked.clear()
        self.sent = 0

    def cut(self) -> None:
        """Lose the connection."""
        self.is_cut = True
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                browser, _ = self._listener.accept()
            except OSError:
                return
            if self.is_cut:
                browser.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._target))
            self._open |= {browser, server}
            for source, to, is_request in ((browser, server, True), (server, browser, False)):
                work = threading.Thread(target=self._relay, args=(source, to, is_request))
                work.daemon = True
                work.start()

    def _relay(self, source: socket.socket, to: socket.socket, is_request: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not is_request:
                    self.sent += len(data)
                elif data[:5] in (b"GET /", b"POST ", b"HEAD "):
                    self.asked.append(b" ".join(data.split(b" ", 2)[:2]).decode())
                to.sendall(data)
        for one in (source, to):
            self._open.discard(one)
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def relay(port: int) -> Iterator[Relay]:
    """A relay to a port of this machine, until the block ends."""
    between = Relay(port)
    try:
        yield between
    finally:
        between.close()
