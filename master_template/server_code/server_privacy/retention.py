"""How long things are kept: the one register, and the nightly work that deletes what is older.

A table is in KEPT or is kept for as long as the business likes. The work goes in batches, each
one transaction with its entry in the audit log: it may be killed anywhere, run twice at once, or
left out for a month, and the next run does the rest.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared import audit, clock, schedule
from ..server_shared.transactions import in_transaction

BATCH_ROWS = 500
DAYS_A_YEAR = 366  # Not one day too early, whatever years there are.

log = logging.getLogger("mybizz.retention")


@dataclass(frozen=True)
class Kept:
    """Rows of a table are kept for ``days`` from the moment in ``column``. A row without that
    moment (a task that is not done yet) stays."""

    table: str
    column: str
    days: int


# Transactions for as long as tax law may ask for them; scope A8.
KEPT = (
    Kept("audit_log", "logged_at", days=2 * DAYS_A_YEAR),
    Kept("bulk_change_rows", "changed_at", days=30),
    Kept("bulk_changes", "created_at", days=90),
    Kept("bookings", "end_at", days=7 * DAYS_A_YEAR),
    Kept("callable_metrics", "period_start", days=90),
    Kept("contact_campaigns", "completed_at", days=3 * DAYS_A_YEAR),
    # Files of people who may since have been erased: long enough to put refused rows right.
    Kept("contact_exports", "expires_at", days=1),
    Kept("contact_import_batches", "recorded_at", days=30),
    Kept("contact_imports", "created_at", days=30),
    Kept("dashboard_cache", "computed_at", days=7),
    Kept("email_log", "queued_at", days=90),
    Kept("invitations", "expires_at", days=90),
    Kept("mail_conversions", "converted_at", days=7 * DAYS_A_YEAR),
    Kept("mail_events", "occurred_at", days=90),  # the ledger keeps when first
    Kept("mail_sends", "settled_at", days=2 * DAYS_A_YEAR),
    Kept("mail_tallies", "day", days=3 * DAYS_A_YEAR),  # sums of a whole source stay
    Kept("outbox", "dead_at", days=90),
    Kept("payments", "created_at", days=7 * DAYS_A_YEAR),
    Kept("scheduled_runs", "due_at", days=90),
    Kept("lead_submissions", "expires_at", days=7),  # never confirmed
    Kept("rate_counters", "window_start", days=1),
    Kept("referrals", "expires_at", days=7),
    Kept("tasks", "completed_at", days=90),
    Kept("upgrade_requests", "finished_at", days=2 * DAYS_A_YEAR),
)


@schedule.job(
    "retention",
    "Deleting what is old",
    schedule.Daily(4, 30),
    "Deletes what the business no longer needs, or may no longer keep",
)
def apply_retention(run: schedule.Run) -> dict[str, int]:
    """Delete what is older than KEPT says; give how many rows of each table went."""
    return {kept.table: _delete_old(kept, run) for kept in KEPT}


def _delete_old(kept: Kept, run: schedule.Run) -> int:
    before = clock.now() - timedelta(days=kept.days)
    total = 0
    while True:
        deleted: int = _delete_batch(kept, before)
        total += deleted
        if deleted < BATCH_ROWS:
            break
        run.report(**{kept.table: total})
    log.info("deleted %d rows of %s from before %s", total, kept.table, before.date())
    return total


@in_transaction
def _delete_batch(kept: Kept, before: datetime) -> int:
    """Delete the oldest rows, at most BATCH_ROWS; give how many."""
    query: dict[str, Any] = {kept.column: q.less_than(before)}
    found = app_tables[kept.table].search(
        tables.order_by(kept.column),
        q.fetch_only(kept.column),
        q.page_size(BATCH_ROWS),
        **query,
    )
    rows = list(islice(found, BATCH_ROWS))
    if not rows:
        return 0
    with tables.batch_delete:
        for row in rows:
            row.delete()
    details = {"deleted": len(rows), "before": before.date()}
    audit.record("retention", kept.table, "", details=details)
    return len(rows)
