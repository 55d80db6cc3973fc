"""What is done about segments by the clock. Each may be killed anywhere, and run twice at once."""

from __future__ import annotations

from ..server_shared import schedule
from . import segment_filling
from .prebuilt_segments import make_prebuilt


@schedule.job(
    "segment_sweep",
    "Segments by time",
    schedule.HOURLY,
    "Moves contacts in and out of segments that go by days",
)
def sweep_segments(run: schedule.Run) -> dict[str, int]:
    """Move whom time has brought in or out; ``{"segments", "moved"}``."""
    return segment_filling.sweep(lambda moved: run.report(moved=moved))


@schedule.job(
    "segment_counts",
    "Segment counts",
    schedule.Daily(2, 30),  # after the lifecycle stages, which move people too
    "Goes over every segment, counts its contacts anew, and makes pre-built ones that are missing",
)
def update_segment_counts(run: schedule.Run) -> dict[str, int]:
    """Make what is missing and go over everything; ``{"segments", "moved"}``."""
    make_prebuilt()
    return segment_filling.go_over(lambda moved: run.report(moved=moved))
