"""What runs of sending have left behind, put in order by the next: leases that have run out, and
rows of mails that were cancelled meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_emails import mail_senders
from ..server_shared import clock
from ..server_shared.transactions import in_transaction
from . import mail_tallies
from .ledger import PLANNED, SENDING, SKIPPED, UNKNOWN, finish

SWEEP_ROWS = 200
# How long the rows of a cancelled mail are looked for.
CANCELLED_DAYS = 60


def sweep() -> None:
    """Put in order what earlier runs have left behind."""
    mail_tallies.fold()
    while _sweep_interrupted() == SWEEP_ROWS:
        pass
    while _sweep_cancelled() == SWEEP_ROWS:
        pass


@in_transaction
def _sweep_interrupted() -> int:
    """Decide about mails whose lease has run out; give how many these were."""
    now = clock.now()
    found = app_tables.mail_sends.search(
        q.page_size(SWEEP_ROWS), state=SENDING, leased_until=q.less_than(now)
    )
    rows = list(islice(found, SWEEP_ROWS))
    with mail_tallies.gathering():
        for row in rows:
            let_go(row, "interrupted", now)
    return len(rows)


def let_go(row: Any, reason: str, due_at: datetime, detail: str = "") -> None:
    """End a turn that nobody knows the end of: back to the others where nothing has gone out or the
    provider can tell, else UNKNOWN."""
    started_at = row["started_at"]
    if started_at is None or mail_senders.resolves_unknown(row["provider"], started_at):
        put_back(row, due_at, detail)
    else:
        finish(row, UNKNOWN, reason, detail=detail)


def put_back(row: Any, due_at: datetime, detail: str = "") -> None:
    row.update(
        state=PLANNED, lease=None, leased_until=None, due_at=due_at, detail=detail or row["detail"]
    )


@in_transaction
def _sweep_cancelled() -> int:
    """Write into rows that their mail is cancelled; give how many these were."""
    since = clock.now() - timedelta(days=CANCELLED_DAYS)
    contents = list(app_tables.mail_contents.search(cancelled_at=q.greater_than(since)))
    if not contents:
        return 0
    found = app_tables.mail_sends.search(
        q.page_size(SWEEP_ROWS), state=PLANNED, content=q.any_of(*contents), started_at=None
    )
    rows = list(islice(found, SWEEP_ROWS))
    with mail_tallies.gathering(), tables.batch_update:
        for row in rows:
            finish(row, SKIPPED, "cancelled")
    return len(rows)
