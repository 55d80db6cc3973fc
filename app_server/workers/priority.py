"""Which process goes first when several want a processor, and what each has used."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app_server.workers.process import WorkerProcess

LOW_PRIORITY = 19
"""A process of this "nice" gets a seventieth of what an ordinary one gets, if both want it
(sched(7))."""

USUAL_PRIORITY = 0
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Priority:
    """Whether a worker's process goes before others or after them, and what it has used and waited
    for. It may be told before there is a process."""

    def __init__(self, process: WorkerProcess) -> None:
        self._process = process
        self._is_wanted_low = False
        self._used_seconds = 0.0
        self._waited_seconds = 0.0
        self.is_low = False
        """Whether the process is known to go last."""

    def forget_use(self) -> None:
        """What it has used so far was for nobody."""
        self._used_seconds = processor_seconds(self._process.pid)

    def take_used_seconds(self) -> float:
        """Of a processor, since the last time that this was asked."""
        used = processor_seconds(self._process.pid)
        since, self._used_seconds = used - self._used_seconds, max(used, self._used_seconds)
        return max(0.0, since)

    def take_waited_seconds(self) -> float:
        """For how long it was ready and others went first, since the last time."""
        waited = waiting_seconds(self._process.pid)
        since, self._waited_seconds = waited - self._waited_seconds, waited
        return max(0.0, since)

    def lower(self) -> None:
        """Let all others go first."""
        self._waited_seconds = waiting_seconds(self._process.pid)
        self._is_wanted_low = True
        self.apply()

    def restore(self) -> bool:
        """Back to the usual. False where the system does not let us."""
        self._is_wanted_low = False
        pid = self._process.pid
        if pid is not None and self.is_low:
            self.is_low = not set_priority(pid, USUAL_PRIORITY)
        return not self.is_low

    def apply(self) -> None:
        """Now that there is a process, if there is."""
        pid = self._process.pid
        if self._is_wanted_low and pid is not None and not self.is_low:
            self.is_low = set_priority(pid, LOW_PRIORITY)


def set_priority(pid: int, priority: int) -> bool:
    """For a process, its threads and what it started, which are a session of their own. False where
    the system does not let us: only an administrator may raise what was lowered."""
    try:
        os.setpriority(os.PRIO_PGRP, pid, priority)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    # Where Linux weighs sessions against each other, "nice" counts within one only (sched(7),
    # "The autogroup feature").
    with contextlib.suppress(OSError), open(f"/proc/{pid}/autogroup", "w") as file:
        file.write(str(priority))
    return True


def waiting_seconds(pid: int | None) -> float:
    """For how long the threads of a process were ready and did not run; 0 where the system does not
    tell (the second number of ``schedstat``, in nanoseconds: Documentation/scheduler/
    sched-stats.rst of Linux)."""
    waited = 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        for thread in os.scandir(f"/proc/{pid}/task"):
            with open(f"{thread.path}/schedstat", "rb") as file:
                waited += int(file.read().split()[1])
    return waited / 1e9


def processor_seconds(pid: int | None) -> float:
    """What a process has used so far, with its children that have ended; 0 where the system does
    not tell (proc_pid_stat(5))."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS_PER_SECOND
    except (OSError, ValueError):
        return 0.0
