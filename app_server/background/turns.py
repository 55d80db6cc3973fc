"""Whose turn it is: scheduled tasks of all instances run a few at a time."""

from __future__ import annotations

import time
from collections.abc import Callable

from app_server.limits import MAX_SCHEDULED_AT_ONCE, SCHEDULED_TURN_SECONDS


class Turns:
    """A task that takes long, or never ends, keeps the others waiting only for a while."""

    def __init__(
        self, most: int = MAX_SCHEDULED_AT_ONCE, clock: Callable[[], float] = time.monotonic
    ):
        self._most = most
        self._clock = clock
        self._begun: dict[str, float] = {}

    @property
    def is_free(self) -> bool:
        """Whether another task may begin."""
        recently = self._clock() - SCHEDULED_TURN_SECONDS
        return sum(begun > recently for begun in self._begun.values()) < self._most

    def begin(self, task_id: str) -> None:
        self._begun[task_id] = self._clock()

    def end(self, task_id: str) -> None:
        """Also of one that has none."""
        self._begun.pop(task_id, None)
