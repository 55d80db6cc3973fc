"""What has to happen after a commit, and only then: a mail, later a message or a webhook.

``add`` writes a row in the transaction of the change it belongs to, so that there is both or
neither. A background task (``outbox_delivery``) does what the row says, at least once: it leases
rows for LEASE_SECONDS, does the work outside of any transaction, and then closes them. Killed
anywhere, its leases run out and the work is done again. What fails is tried again later and later,
and after MAX_ATTEMPTS, or where trying again cannot help, becomes a dead letter.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import anvil.server
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from . import clock
from .encryption import encrypt

WAITING, DEAD = "waiting", "dead"
TASK = "deliver_outbox"

MAX_ATTEMPTS = 10  # with the pauses below, over some two days
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=12)
# Longer than delivering a whole batch can take: BATCH_ROWS requests with their time-outs.
LEASE_SECONDS = 900
MAX_ERROR_CHARS = 500


log = logging.getLogger("mybizz.outbox")


@dataclass(frozen=True)
class Entry:
    """One thing to do. ``attempts`` counts this one too."""

    row: Any
    kind: str
    payload: dict[str, Any]
    attempts: int
    lease: str


@dataclass(frozen=True)
class Outcome:
    """How an attempt went. ``is_final``: it succeeded, or it will not be tried again."""

    is_done: bool
    is_final: bool
    at: datetime
    error: str = ""
    result: Any = None


@dataclass(frozen=True)
class Handler:
    """What one kind of entry needs.

    ``deliver(entry)`` does it, outside of a transaction, and may be called again for the same
    entry; ``settle(entry, outcome)`` writes down how it went, in the transaction that closes the
    entry.
    """

    deliver: Callable[[Entry], Any]
    settle: Callable[[Entry, Outcome], None]


# Filled while modules are imported, constant afterwards.
handlers: dict[str, Handler] = {}

# What is to be started once the call that runs now has ended.
_follow_ups: ContextVar[list[Callable[[], None]] | None] = ContextVar(
    "mybizz_outbox_follow_ups", default=None
)


def add(
    kind: str,
    payload: Mapping[str, Any],
    *,
    reference: str | None = None,
    recipient_email: str | None = None,
) -> None:
    """Have something done once the transaction that runs now is committed.

    ``payload`` is JSON for the kind's handler, kept encrypted. By ``reference`` it can be found
    again; ``recipient_email`` says which person it is about, for export and erasure.
    """
    if kind not in handlers:
        raise ValueError(f"Nobody delivers entries of the kind {kind!r}.")
    now = clock.now()
    app_tables.outbox.add_row(
        kind=kind,
        reference=reference,
        payload_encrypted=encrypt(json.dumps(dict(payload), ensure_ascii=False)),
        recipient_email=recipient_email,
        status=WAITING,
        attempts=0,
        due_at=now,
        created_at=now,
    )
    follow_up(launch_delivery)


def revive(kind: str, reference: str) -> bool:
    """Have a dead letter tried again, from its first attempt on; give whether there is one."""
    row = app_tables.outbox.get(kind=kind, reference=reference, status=DEAD)
    if row is None:
        return False
    row.update(status=WAITING, attempts=0, due_at=clock.now(), dead_at=None)
    follow_up(launch_delivery)
    return True


def follow_up(start: Callable[[], None]) -> None:
    """Have a task started once the call that runs now has ended and is committed. ``start`` raises
    nothing. Where no call runs, it is for the caller to start it."""
    noted = _follow_ups.get()
    if noted is not None and start not in noted:
        noted.append(start)


@contextmanager
def delivering_afterwards() -> Iterator[None]:
    """Whatever is added inside is delivered soon after this ends, which has to be after its
    commit. Where the block raises, nothing was added that stays."""
    noted: list[Callable[[], None]] = []
    token = _follow_ups.set(noted)
    try:
        yield
    finally:
        _follow_ups.reset(token)
    for start in noted:
        start()


def launch_delivery() -> None:
    """Start a task that delivers, unless one is at work that will look again when it is done.

    Where that fails nothing is lost: the scheduled task comes along.
    """
    try:
        if not _is_being_delivered():
            anvil.server.launch_background_task(TASK)
    except Exception:
        # What this call was about is committed; its caller must not hear that it failed.
        log.exception("the outbox's delivery could not be started")


def _is_being_delivered() -> bool:
    at_work = app_tables.outbox.search(
        q.fetch_only("status"),
        q.page_size(1),
        status=WAITING,
        lease=q.not_(None),
        due_at=q.greater_than(clock.now()),
    )
    return next(iter(at_work), None) is not None


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts: doubled each time, with a fifth of chance so that
    what failed together does not come back together."""
    pause = min(FIRST_PAUSE * 2.0 ** max(0, attempts - 1), LONGEST_PAUSE)
    return pause * random.uniform(0.9, 1.1)


def count_entries() -> dict[str, int]:
    """``due`` (may be delivered now), ``leased`` (someone is at it), ``later`` and ``dead``."""
    now = clock.now()
    waiting = {"status": WAITING}
    future = {"due_at": q.greater_than(now)}
    return {
        "due": len(app_tables.outbox.search(**waiting, due_at=q.less_than_or_equal_to(now))),
        "leased": len(app_tables.outbox.search(**waiting, **future, lease=q.not_(None))),
        "later": len(app_tables.outbox.search(**waiting, **future, lease=None)),
        "dead": len(app_tables.outbox.search(status=DEAD)),
    }


def due_rows(limit: int) -> list[Any]:
    """The rows that wait longest of those that may be delivered now. Call it in a transaction."""
    found = app_tables.outbox.search(
        tables.order_by("due_at"),
        q.page_size(limit),
        status=WAITING,
        due_at=q.less_than_or_equal_to(clock.now()),
    )
    return list(found[:limit])
