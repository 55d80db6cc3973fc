"""What keeps an instance that goes astray from holding its neighbours up.

An instance whose server code keeps the processors busy yields them to all others: its processes
run at a lower priority, which costs it nothing while nobody else wants them. One that takes more
memory than an instance may, or that takes the machine's last, loses its largest process. One whose
processes end again and again by themselves gets new ones more and more slowly.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque

from app_server.limits import (
    CRASH_PAUSE_SECONDS,
    CRASHES_FORGIVEN,
    CRASHES_REMEMBERED_SECONDS,
    GREEDY_PROCESSOR_PART,
    LONGEST_CRASH_PAUSE_SECONDS,
    MODEST_PROCESSOR_PART,
)

LOW_PRIORITY = 19
"""A process of this "nice" gets a seventieth of what an ordinary one gets, if both want it
(sched(7))."""

USUAL_PRIORITY = 0
SMOOTHING = 0.35
"""How much of what is told is what was used since the last look: a second's import of an app is no
reason, three seconds of nothing else are."""

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PROCESSORS = os.cpu_count() or 1


class ProcessorShare:
    """Judges an instance by how much of the machine's processors it uses, look by look."""

    def __init__(self, processors: int = PROCESSORS) -> None:
        self._processors = processors
        self.part = 0.0
        """Of all processors, smoothed."""
        self.is_greedy = False

    def take(
        self, used_seconds: float, elapsed_seconds: float, waited_seconds: float = 0.0
    ) -> bool:
        """Note what was used since the last look, and for how long its processes could have gone on
        had others not gone first; whether the judgement has changed. The waiting counts for one
        that yields only: else it would be modest as soon as it does, and greedy again."""
        if elapsed_seconds <= 0:
            return False
        wanted = used_seconds + (waited_seconds if self.is_greedy else 0.0)
        part = min(1.0, wanted / elapsed_seconds / self._processors)
        self.part += SMOOTHING * (part - self.part)
        bound = MODEST_PROCESSOR_PART if self.is_greedy else GREEDY_PROCESSOR_PART
        before, self.is_greedy = self.is_greedy, self.part > bound
        return before != self.is_greedy


class CrashPause:
    """How long to wait with the next process after some have ended by themselves. It doubles with
    each beyond those that are forgiven, and what lies long back is forgotten."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque()
        self._until = 0.0

    def note(self, now: float) -> None:
        """A process has ended by itself."""
        self._ends.append(now)
        self._forget(now)
        over = len(self._ends) - CRASHES_FORGIVEN
        if over > 0:
            pause = min(CRASH_PAUSE_SECONDS * 2.0 ** (over - 1), LONGEST_CRASH_PAUSE_SECONDS)
            self._until = now + pause

    def count(self, now: float) -> int:
        self._forget(now)
        return len(self._ends)

    def left(self, now: float) -> float:
        """Seconds; 0 where one may be started."""
        return max(0.0, self._until - now)

    def _forget(self, now: float) -> None:
        while self._ends and self._ends[0] < now - CRASHES_REMEMBERED_SECONDS:
            self._ends.popleft()


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
