"""Run a command that kills itself at one of its steps: `python -m tests.scripts.dying N WORDS...`.

A step is a change of a file below ``--data-dir``, the start of a process, or an SQL statement
(before it, and after it). At the Nth the process is gone as by `kill -9`. With N = 0 it lives, and
tells in the file named by ``STEPS_FILE`` how many there were.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.symlink", "os.chmod", "os.link"}
STEPS_FILE = "DYING_STEPS_FILE"


class Steps:
    """Counts, and dies at ``last``."""

    def __init__(self, last: int, base: str):
        self.last = last
        self.count = 0
        self.base = base
        self.own = os.getpid()

    def take(self) -> None:
        # A child between fork and exec is not the command.
        if os.getpid() != self.own:
            return
        self.count += 1
        if self.count == self.last:
            os.kill(self.own, signal.SIGKILL)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook (PEP 578)."""
        is_change = event in CHANGES or (event == "open" and is_writing(arguments))
        is_ours = any(str(each).startswith(self.base) for each in arguments[:2])
        if event == "subprocess.Popen" or (is_change and is_ours):
            self.take()


def is_writing(arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2]
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def count_statements(steps: Steps) -> None:
    real: Callable[..., Any] = psycopg.Connection.execute

    def execute(self: Any, *arguments: Any, **options: Any) -> Any:
        steps.take()
        done = real(self, *arguments, **options)
        steps.take()
        return done

    psycopg.Connection.execute = execute  # type: ignore[method-assign]


def main() -> None:
    last, words = int(sys.argv[1]), sys.argv[2:]
    base = str(Path(words[words.index("--data-dir") + 1]).resolve())
    from scripts.commands.mybizz.application import mybizz

    steps = Steps(last, base)
    count_statements(steps)
    sys.addaudithook(steps.hear)
    try:
        mybizz(words, prog_name="scripts/mybizz")
    finally:
        if STEPS_FILE in os.environ:
            Path(os.environ[STEPS_FILE]).write_text(str(steps.count))


if __name__ == "__main__":
    main()
