"""A mail server that answers one step of the dialogue as it is told, and all others well.

Plain and single-threaded: what is looked at is what clients make of its answers.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Besides an answer: close the connection, or say nothing until the client has had enough.
DROP, HANG = "drop", "hang"
STEPS = {
    "greeting": "220 mail.example ready",
    "EHLO": "250-mail.example\r\n250-SIZE 1000000\r\n250 AUTH PLAIN LOGIN",
    "HELO": "250 mail.example",
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go ahead",
    "message": "250 2.0.0 queued",
    "RSET": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}


class ScriptedMailServer:
    """Listens at ``port``; ``received`` counts the messages that were taken."""

    def __init__(self, **answers: str):
        self.answers = {**STEPS, **answers}
        self.received = 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listening.getsockname()[1]

    def serve(self) -> None:
        """Until the socket is closed."""
        with suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                with connection, suppress(OSError):
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        if not self._answer(connection, "greeting"):
            return
        while line := lines.readline():
            step = line[:4].decode().strip().upper()
            if not self._answer(connection, step):
                return
            if step == "DATA" and self.answers["DATA"].startswith("354"):
                while lines.readline() not in (b".\r\n", b""):
                    pass
                # What is not refused may be delivered, whatever the sender hears of it.
                self.received += self.answers["message"][:1] not in "45"
                if not self._answer(connection, "message"):
                    return

    def _answer(self, connection: socket.socket, step: str) -> bool:
        """Answer; give whether there is more to say."""
        answer = self.answers[step]
        if answer == HANG:
            connection.recv(1)  # until the client hangs up
        if answer in (DROP, HANG):
            return False
        connection.sendall(answer.encode() + b"\r\n")
        return not answer.startswith(("221", "421"))


@contextmanager
def serve(**answers: str) -> Iterator[ScriptedMailServer]:
    server = ScriptedMailServer(**answers)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.listening.shutdown(socket.SHUT_RDWR)
        server.listening.close()
        thread.join(10)
