"""The history of each instance: read for charts, and made coarser as it grows old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import anvil.server
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_shared import clock
from master_template.server_shared.transactions import in_transaction
from master_template.server_shared.validators import Choice

from ..server_console.callables import TRUSTED_ONLY, server_callable
from .fleet_fields import INSTANCE_NAME
from .fleet_reports import REPORT
from .fleet_service import find_instance

HOUR, DAY = "hour", "day"
# Each kind of sample is kept so long; then it becomes a part of the next one.
KEPT = {
    REPORT: timedelta(days=2),
    HOUR: timedelta(days=35),
    DAY: timedelta(days=400),
}
NEXT = {REPORT: HOUR, HOUR: DAY}
SPANS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=31)}
MAX_POINTS = 200
# So much at once that the task neither holds a transaction for long nor runs for ever.
BATCH_ROWS = 500
MAX_BATCHES = 40
LAST = ("contacts", "bookings", "database_bytes")  # a stock: the last one counts
MEAN = ("memory_bytes", "latency_ms")
SUM = ("requests", "requests_failed")


@server_callable(
    needs="fleet.view",
    takes={"name": INSTANCE_NAME, "span": Choice("Span", tuple(SPANS), default="day")},
)
def get_instance_history(name: str, span: str = "day") -> dict[str, Any]:
    """How one instance was: ``points``, oldest first, at most MAX_POINTS: ``at`` (beginning),
    ``memory_bytes``, ``latency_ms``, ``requests``, ``requests_failed``, ``contacts``,
    ``database_bytes``, ``is_well``; what is not known is None."""
    find_instance(name)
    since = clock.now() - SPANS[span]
    rows = list(
        app_tables.fleet_samples.search(
            tables.order_by("taken_at"),
            q.page_size(1_000),
            instance=name,
            taken_at=q.greater_than_or_equal_to(since),
        )
    )
    size = max(1, -(-len(rows) // MAX_POINTS))
    groups = [rows[start : start + size] for start in range(0, len(rows), size)]
    return {"points": [{"at": group[0]["taken_at"], **put_together(group)} for group in groups]}


def put_together(rows: Sequence[Any]) -> dict[str, Any]:
    """Several samples of one instance, oldest first, as one."""
    together: dict[str, Any] = {"is_well": all(row["is_well"] is not False for row in rows)}
    for name in (*LAST, *MEAN, *SUM):
        values = [row[name] for row in rows if row[name] is not None]
        if not values:
            together[name] = None
        elif name in SUM:
            together[name] = sum(values)
        else:
            together[name] = values[-1] if name in LAST else round(sum(values) / len(values))
    return together


@anvil.server.background_task  # type: ignore[untyped-decorator]
def compact_samples() -> dict[str, int]:
    """Make old samples coarser and drop the oldest; ``{"rows": by how many there are fewer}``."""
    return {"rows": _compact()}


@server_callable(needs=TRUSTED_ONLY)
def compact_samples_now() -> dict[str, Any]:
    """The same here and now, for scripts."""
    return {"rows": _compact()}


def _compact() -> int:
    now = clock.now()
    fewer = 0
    for period in KEPT:
        for _ in range(MAX_BATCHES):
            changed = _compact_batch(period, now)
            fewer += changed
            if not changed:
                break
    return fewer


@in_transaction
def _compact_batch(period: str, now: datetime) -> int:
    """Take the oldest hours or days that are over, each whole and for one instance."""
    limit = now - KEPT[period]
    wanted = NEXT.get(period)
    if wanted is not None:
        limit = begin_of(wanted, limit)
    found = app_tables.fleet_samples.search(
        tables.order_by("taken_at"),
        q.page_size(BATCH_ROWS),
        period=period,
        taken_at=q.less_than(limit),
    )
    rows = list(islice(found, BATCH_ROWS))
    if wanted is None:
        for row in rows:
            row.delete()
        return len(rows)
    return _merge(rows, period, wanted, is_all=len(rows) < BATCH_ROWS)


def _merge(rows: Sequence[Any], period: str, wanted: str, *, is_all: bool) -> int:
    begins = {begin_of(wanted, row["taken_at"]) for row in rows}
    if not is_all and len(begins) > 1:
        begins.discard(max(begins))  # it may go on in the next batch
    fewer = 0
    for begin in sorted(begins):
        of_begin: dict[str, list[Any]] = {}
        # Asked again: a batch may have ended in the middle of this hour.
        for row in app_tables.fleet_samples.search(
            tables.order_by("taken_at"),
            q.page_size(1_000),
            period=period,
            taken_at=q.between(begin, end_of(wanted, begin), min_inclusive=True),
        ):
            of_begin.setdefault(row["instance"], []).append(row)
        for instance, parts in of_begin.items():
            _write(instance, wanted, begin, parts)
            fewer += len(parts) - 1
    return max(fewer, len(begins))


def _write(instance: str, period: str, begin: datetime, parts: Sequence[Any]) -> None:
    before = app_tables.fleet_samples.get(instance=instance, period=period, taken_at=begin)
    together = put_together([*([before] if before is not None else []), *parts])
    if before is None:
        app_tables.fleet_samples.add_row(
            instance=instance, period=period, taken_at=begin, **together
        )
    else:
        before.update(**together)
    for row in parts:
        row.delete()


def begin_of(period: str, moment: datetime) -> datetime:
    """The beginning of the hour or day (UTC) in which a moment is."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour.replace(hour=0) if period == DAY else hour


def end_of(period: str, begin: datetime) -> datetime:
    """The end of the period that begins then."""
    return begin + (timedelta(days=1) if period == DAY else timedelta(hours=1))
