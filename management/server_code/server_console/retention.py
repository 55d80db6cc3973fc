"""What the console keeps, and for how long: old alerts, jobs and commands go."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import Any

import anvil.server
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_shared import clock
from master_template.server_shared.transactions import in_transaction

from .callables import TRUSTED_ONLY, server_callable

KEPT = timedelta(days=400)
# The column that says when a row was over; one without it is not over, and stays.
OVER_AT = {"alerts": "ended_at", "operator_jobs": "ended_at", "operator_commands": "ran_at"}
BATCH_ROWS = 200
MAX_BATCHES = 50


@anvil.server.background_task  # type: ignore[untyped-decorator]
def drop_old_records() -> dict[str, int]:
    """Delete what is older than KEPT; how many rows of each table."""
    return _drop_all()


@server_callable(needs=TRUSTED_ONLY)
def drop_old_records_now() -> dict[str, Any]:
    """The same here and now, for scripts: ``{"dropped": {table: rows}}``."""
    return {"dropped": _drop_all()}


def _drop_all() -> dict[str, int]:
    dropped = dict.fromkeys(OVER_AT, 0)
    for name in OVER_AT:
        for _ in range(MAX_BATCHES):
            rows = _drop_batch(name)
            dropped[name] += rows
            if rows < BATCH_ROWS:
                break
    return dropped


@in_transaction
def _drop_batch(name: str) -> int:
    column = OVER_AT[name]
    limit = clock.now() - KEPT
    found = getattr(app_tables, name).search(
        tables.order_by(column), q.page_size(BATCH_ROWS), **{column: q.less_than(limit)}
    )
    rows = list(islice(found, BATCH_ROWS))
    for row in rows:
        row.delete()
    return len(rows)
