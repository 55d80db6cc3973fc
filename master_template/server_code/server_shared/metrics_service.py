"""Reading the metrics of callables, and the nightly work that keeps their table small."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from . import clock, metrics, schedule
from .callables import TRUSTED_ONLY, server_callable
from .transactions import in_transaction
from .validators import Int

MAX_HOURS = 24 * 90


@server_callable(
    needs=TRUSTED_ONLY,
    takes={"hours": Int("Hours", minimum=1, maximum=MAX_HOURS, default=24)},
)
def get_callable_metrics(hours: int = 24) -> dict[str, Any]:
    """What was called in the hours before now (whole hours, and whole days where it is long ago).

    Gives ``since`` and ``callables``, a list of those that were called, the most called first:
    ``name``, ``calls``, ``failures`` (``{code: count}``), ``errors`` (those on our side),
    ``error_percent``, ``p50_ms``, ``p95_ms``, ``p99_ms``, ``mean_ms`` and ``max_ms``. Calls of
    other workers of the last ``metrics.FLUSH_SECONDS`` may be missing.
    """
    metrics.meter.flush()
    now = clock.now()
    since = metrics.hour_of(now) - timedelta(hours=hours - 1)
    sums = metrics.read_sums(since, now)
    ordered = sorted(sums.items(), key=lambda item: (-item[1].calls, item[0]))
    return {"since": since, "callables": [_summary(name, each) for name, each in ordered]}


def _summary(name: str, sums: metrics.Sums) -> dict[str, Any]:
    errors = sums.failures[metrics.FAILED_ON_OUR_SIDE]
    return {
        "name": name,
        "calls": sums.calls,
        "failures": dict(sums.failures),
        "errors": errors,
        "error_percent": round(100 * errors / sums.calls, 2),
        "p50_ms": sums.percentile_ms(50),
        "p95_ms": sums.percentile_ms(95),
        "p99_ms": sums.percentile_ms(99),
        "mean_ms": round(sums.total_ms / sums.calls, 1),
        "max_ms": round(sums.max_ms, 1),
    }


@schedule.job(
    "metrics",
    "Figures of the server",
    schedule.Daily(1),
    "Puts together what was counted of calls and errors, by the hour and by the day",
)
def compact_metrics(run: schedule.Run) -> dict[str, int]:
    """Put parts together that are over; ``{"periods", "rows"}``: how many hours and days, and by
    how many rows the table is smaller."""
    periods = rows = 0
    while (found := metrics.next_to_compact(clock.now())) is not None:
        rows += in_transaction(metrics.compact_period)(*found)
        periods += 1
        run.report(periods=periods, rows=rows)
    return {"periods": periods, "rows": rows}
