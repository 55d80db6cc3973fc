"""What keeps an instance that goes astray from holding its neighbours up.

An instance whose server code keeps the processors busy yields them to all others: its processes
run at a lower priority, which costs it nothing while nobody else wants them. One that takes more
memory than an instance may, or that takes the machine's last, loses its largest process. One whose
processes end again and again by themselves gets new ones more and more slowly, and those let all
others go first from their beginning.
"""

from __future__ import annotations

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

SMOOTHING = 0.35
"""How much of what is told is what was used since the last look: a second's import of an app is no
reason, three seconds of nothing else are."""

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
    ) -> None:
        """Note what was used since the last look, and for how long its processes could have gone on
        had others not gone first. The waiting counts for one that yields only: else it would be
        modest as soon as it does, and greedy again."""
        if elapsed_seconds <= 0:
            return
        wanted = used_seconds + (waited_seconds if self.is_greedy else 0.0)
        part = min(1.0, wanted / elapsed_seconds / self._processors)
        self.part += SMOOTHING * (part - self.part)
        bound = MODEST_PROCESSOR_PART if self.is_greedy else GREEDY_PROCESSOR_PART
        self.is_greedy = self.part > bound


class CrashPause:
    """How long to wait with the next process after some have ended by themselves. It doubles with
    each beyond those that are forgiven, and what lies long back is forgotten."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque()
        self._until = 0.0
        self._probation_until = 0.0

    def note(self, now: float, *, took_memory: bool = False) -> None:
        """A process has ended by itself, or had to be because of the memory it took: that is not
        forgiven, for what the next one takes in its first second others feel already."""
        self._ends.append(now)
        if took_memory or len(self._ends) > CRASHES_FORGIVEN:
            self._probation_until = now + CRASHES_REMEMBERED_SECONDS
        self._forget(now)
        over = len(self._ends) - CRASHES_FORGIVEN
        if over > 0:
            pause = min(CRASH_PAUSE_SECONDS * 2.0 ** (over - 1), LONGEST_CRASH_PAUSE_SECONDS)
            self._until = now + pause

    def count(self, now: float) -> int:
        self._forget(now)
        return len(self._ends)

    def is_on_probation(self, now: float) -> bool:
        """Whether the next process is likely to end like those before."""
        return now < self._probation_until

    def left(self, now: float) -> float:
        """Seconds; 0 where one may be started."""
        return max(0.0, self._until - now)

    def _forget(self, now: float) -> None:
        while self._ends and self._ends[0] < now - CRASHES_REMEMBERED_SECONDS:
            self._ends.popleft()
