"""What becomes of a worker."""

from __future__ import annotations

import enum


class WorkerState(enum.Enum):
    STARTING = "starting"
    READY = "ready"
    RETIRING = "retiring"
    """It gets no more calls, and ends when those that it has are done."""
    ENDED = "ended"
