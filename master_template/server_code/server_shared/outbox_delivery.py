"""Delivers what the outbox holds: a background task, started after a call and every 15 minutes."""

from __future__ import annotations

import json
import logging
import secrets
from datetime import timedelta
from typing import Any

import anvil.server
from anvil.tables import app_tables

from . import clock, outbox
from .callables import TRUSTED_ONLY, server_callable
from .encryption import EncryptionError, decrypt
from .errors import AppError
from .outbox import DEAD, LEASE_SECONDS, MAX_ATTEMPTS, MAX_ERROR_CHARS, Entry, Outcome
from .transactions import in_transaction

BATCH_ROWS = 10

log = logging.getLogger("mybizz.outbox")


@anvil.server.background_task  # type: ignore[untyped-decorator]
def deliver_outbox() -> dict[str, int]:
    """Deliver all that is due; ``{"delivered", "postponed", "dead"}``. Several may run at once."""
    counts = {"delivered": 0, "postponed": 0, "dead": 0}
    while True:
        lease = secrets.token_hex(8)
        entries = _lease_batch(lease)
        if not entries:
            return counts
        for entry in entries:
            counts[_attempt(entry)] += 1


@server_callable(needs=TRUSTED_ONLY)
def deliver_outbox_now() -> dict[str, Any]:
    """Deliver what is due here and now, for scripts; with ``due``, ``leased``, ``later`` and
    ``dead``: how many entries there are after it."""
    return {**deliver_outbox(), "entries": outbox.count_entries()}


@in_transaction
def _lease_batch(lease: str) -> list[Entry]:
    """Take entries for this run alone. An attempt counts from here, so that one which kills the
    worker is not tried for ever."""
    until = clock.now() + timedelta(seconds=LEASE_SECONDS)
    entries = []
    for row in outbox.due_rows(BATCH_ROWS):
        attempts = int(row["attempts"] or 0) + 1
        row.update(lease=lease, due_at=until, attempts=attempts)
        entries.append(Entry(row, row["kind"], {}, attempts, lease))
    return entries


def _attempt(entry: Entry) -> str:
    """Deliver one entry and write down how it went: ``delivered``, ``postponed`` or ``dead``."""
    result, error, is_permanent = None, "", False
    try:
        payload = json.loads(decrypt(entry.row["payload_encrypted"]))
        entry = Entry(entry.row, entry.kind, payload, entry.attempts, entry.lease)
        handler = outbox.handlers.get(entry.kind)
        if handler is None:
            raise AppError(f"This version delivers nothing of the kind {entry.kind}.")
        result = handler.deliver(entry)
    except EncryptionError as failure:
        error = failure.message  # The operator may put the key back.
    except AppError as failure:
        error, is_permanent = failure.message, failure.permanent
    except Exception as failure:
        # The edge of the task: one entry that fails strangely must not hold up the others.
        log.exception("an entry of the kind %s failed", entry.kind)
        error = f"It failed unexpectedly ({type(failure).__name__})."
    is_final = not error or is_permanent or entry.attempts >= MAX_ATTEMPTS
    outcome = Outcome(not error, is_final, clock.now(), error[:MAX_ERROR_CHARS], result)
    _close(entry, outcome)
    return "delivered" if outcome.is_done else "dead" if is_final else "postponed"


@in_transaction
def _close(entry: Entry, outcome: Outcome) -> None:
    row = app_tables.outbox.get_by_id(entry.row.get_id())
    if row is None or row["lease"] != entry.lease:
        return  # Erased meanwhile; or the lease ran out and it is someone else's now.
    handler = outbox.handlers.get(entry.kind)
    if handler is not None and entry.payload:
        handler.settle(entry, outcome)
    if outcome.is_done:
        row.delete()
    elif outcome.is_final:
        row.update(status=DEAD, lease=None, last_error=outcome.error, dead_at=outcome.at)
    else:
        pause = outbox.pause_after(entry.attempts)
        row.update(lease=None, last_error=outcome.error, due_at=outcome.at + pause)
