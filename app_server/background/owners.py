"""Which server process looks after a background task, and whether that process still is there.

Two processes may serve one database for a while, as when one takes over from the other. What one of
them runs must not seem lost to the other.
"""

from __future__ import annotations

import os
import secrets
import socket

import psutil

_mine: set[str] = set()


def register_owner() -> str:
    """A name for tasks that this process looks after from now on: ``host pid start token``."""
    process = psutil.Process()
    owner = f"{socket.gethostname()} {process.pid} {process.create_time():.2f} {_token()}"
    _mine.add(owner)
    return owner


def forget_owner(owner: str) -> None:
    """This process does not look after its tasks any more."""
    _mine.discard(owner)


def is_alive(owner: str | None) -> bool:
    """Whether somebody still looks after an owner's tasks. Of other machines nobody knows: their
    tasks count as lost, as those of a machine do that a database was moved away from."""
    host, pid, start, _ = (owner or "").split(" ") if owner and owner.count(" ") == 3 else [""] * 4
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return owner in _mine
    try:
        # Another process may have got the number since.
        return f"{psutil.Process(int(pid)).create_time():.2f}" == start
    except psutil.Error:
        return False


def _token() -> str:
    return secrets.token_hex(6)
