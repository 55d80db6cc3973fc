"""The listening socket: made here, or handed over by whoever started this process.

systemd (``Sockets=``) and a restart of our own pass it as descriptor 3, as sd_listen_fds(3) says.
While one process ends and the next one starts, visitors then wait in the socket's queue and nobody
is refused.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Sequence

from app_server.errors import StartupError

BACKLOG = 1024
FIRST_PASSED = 3
"""SD_LISTEN_FDS_START of systemd."""


def listen(ip: str, port: int) -> socket.socket:
    """A listening socket: the one that was handed over, else a new one. StartupError says why there
    can be none."""
    passed = take_passed_socket()
    if passed is not None:
        return passed
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ip, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise StartupError(_explain_bind(ip, port, error)) from error
    listener.setblocking(False)
    return listener


def take_passed_socket() -> socket.socket | None:
    """Source: sd_listen_fds(3). What is meant for another process is left alone."""
    if os.environ.pop("LISTEN_PID", None) != str(os.getpid()):
        return None
    count = os.environ.pop("LISTEN_FDS", "0")
    os.environ.pop("LISTEN_FDNAMES", None)
    if count != "1":
        raise StartupError(f"One listening socket was to be handed over, but {count} were.")
    try:
        listener = socket.socket(fileno=FIRST_PASSED)
        is_listening = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise StartupError(f"What was handed over is no socket: {error.strerror}.") from error
    if not is_listening or listener.family not in (socket.AF_INET, socket.AF_INET6):
        raise StartupError("The socket that was handed over does not listen for TCP.")
    listener.setblocking(False)
    os.set_inheritable(FIRST_PASSED, False)
    return listener


def become_new_process(listener: socket.socket, arguments: Sequence[str]) -> None:
    """Run this program anew in this very process, with new code and options, and give it the
    listening socket. Does not come back."""
    if listener.fileno() == FIRST_PASSED:
        os.set_inheritable(FIRST_PASSED, True)
    else:
        os.dup2(listener.fileno(), FIRST_PASSED, inheritable=True)
    environment = {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *arguments], environment)


def _explain_bind(ip: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {ip} is taken by another program. Stop that, or give --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{ip} is not an address of this machine. Give another with --ip."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used by this user. Give one above 1023 with --port."
    return f"Cannot listen on {ip} port {port}: {error.strerror}."
