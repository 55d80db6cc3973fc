"""Who ran which command: a line when it starts and one when it ends, kept for good.

``<data>/commands/2026-11.jsonl``, a file a month, readable by its owner only. A line that starts
and has no end is a command that was killed, or that still runs.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from scripts.operations.home import Home, OperationError

# The password of an address such as postgresql://name:password@host, and of password=... in one.
SECRETS = re.compile(r"(?<=://)([^:/@\s]*):[^@\s]*@|(password=)[^&\s]+", re.IGNORECASE)

ENDS = ("exit_code", "seconds", "error")


def read_operator() -> str:
    """Who is at the terminal: the account, and for root the person behind ``sudo``. Others can't
    say that they are somebody else."""
    behind = os.environ.get("SUDO_USER") if os.getuid() == 0 else None
    try:
        return behind or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # A container may run as an account that nobody made.
        return str(os.getuid())


def read_words() -> list[str]:
    """The command line of one of ``scripts``, as somebody typed it."""
    return [f"scripts/{Path(sys.argv[0]).stem}", *sys.argv[1:]]


def without_secrets(word: str) -> str:
    """A word of a command line as it may be kept."""
    return SECRETS.sub(lambda found: found[2] + "***" if found[2] else f"{found[1]}:***@", word)


@dataclass
class Outcome:
    """How a command ended; whoever runs it writes here."""

    code: int = 1
    error: str = ""


@contextmanager
def recorded(home: Home, words: Sequence[str]) -> Iterator[Outcome]:
    """Note that a command is run, by whom, and how it ended. Raises ``OperationError`` before
    anything is done where that cannot be kept."""
    started, outcome = time.monotonic(), Outcome()
    facts = {"id": secrets.token_hex(6), "by": read_operator(), "pid": os.getpid()}
    _append(home, {**facts, "event": "start", "command": [without_secrets(w) for w in words]})
    try:
        yield outcome
    finally:
        seconds = round(time.monotonic() - started, 3)
        end = {"event": "end", "exit_code": outcome.code, "seconds": seconds}
        told = {"error": without_secrets(outcome.error)[:500]} if outcome.error else {}
        _append(home, {**facts, **end, **told})


def _append(home: Home, entry: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    path = _folder(home) / f"{now:%Y-%m}.jsonl"
    line = json.dumps({"at": now.isoformat(timespec="milliseconds"), **entry}) + "\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # One write to a file opened for appending: lines of commands run at once do not mix.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise OperationError(
            f"The command is not run, since it can't be noted in {path}: {error.strerror}."
        ) from error


def _folder(home: Home) -> Path:
    return home.data / "commands"


def read_log(home: Home, limit: int) -> list[dict[str, Any]]:
    """The newest commands, oldest first: ``at``, ``by``, ``command`` (its words), ``state``
    (``done``, ``failed``, ``running`` or ``killed``) and, once ended, ``exit_code``, ``seconds``
    and perhaps ``error``."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(_folder(home).glob("*.jsonl")):
        for entry in _read_lines(path):
            if entry.get("event") == "start":
                found[entry["id"]] = entry
            elif entry["id"] in found:
                found[entry["id"]].update({name: entry[name] for name in ENDS if name in entry})
    return [_told(entry) for entry in list(found.values())[-limit:]]


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            # The machine went down while this line was written.
            continue
        if isinstance(entry, dict) and "id" in entry:
            yield entry


def _told(entry: dict[str, Any]) -> dict[str, Any]:
    kept = ("at", "by", "command", *ENDS)
    return {**{key: entry[key] for key in kept if key in entry}, "state": _state_of(entry)}


def _state_of(entry: dict[str, Any]) -> str:
    if "exit_code" in entry:
        return "failed" if entry["exit_code"] else "done"
    return "running" if psutil.pid_exists(int(entry["pid"])) else "killed"
