"""Changes of many contacts at once, in the background where they are many, and how to undo them.

A change goes through the contacts it means in the order of their numbers, in slices. A slice is one
transaction: it changes the contacts, writes down what it did to each, and moves the change's
``cursor``. So it may be killed anywhere, and goes on where it was; two at once get out of each
other's way; nobody is changed twice, and whoever came after the start is not meant. Undoing goes
through what was written down in the same way.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import anvil.server
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import acting_as, actor_of, current_actor
from ..server_shared import audit, clock, outbox, schedule
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.errors import AppError, ConflictError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Items, Record, Text
from .bulk_change_views import (
    CHANGE_ID,
    CHANGED,
    DONE,
    FAILED,
    KEPT,
    RUNNING,
    STOPPED,
    UNDO_DAYS,
    UNDOING,
    UNDONE,
    change_dict,
    find_change,
    is_undoable,
)
from .bulk_effects import KINDS
from .contact_fields import TAG
from .contact_query import SELECTION, count, selection_condition
from .contact_service import remember_tags

SLICE = 250
STALLED_AFTER = timedelta(seconds=60)
MAX_NAMED = 20  # Contacts that an answer names as not undone.
TASK = "run_bulk_changes"
OUTBOX_KIND = "bulk_change"

log = logging.getLogger("mybizz.bulk_changes")


@server_callable(
    needs="customers.manage",
    takes={
        "kind": Choice("What to do", tuple(KINDS), required=True),
        "selection": SELECTION,
        "choices": Record(
            "The choices",
            {
                "tags": Items("Tags", TAG, max_items=10, default=[]),
                "segment_id": Text("Segment", max_chars=60),
            },
            default={"tags": [], "segment_id": None},
        ),
    },
    audit="bulk_change.start",
)
def start_bulk_change(
    kind: str, selection: dict[str, Any], choices: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Change all contacts of a selection (see ``contact_query.Selection``).

    ``kind`` is one of KINDS; ``choices`` has ``tags`` or ``segment_id``. Gives ``{"change":
    {...}}`` as :func:`get_bulk_change`: done already where they are few, else running.
    """
    given = {name: value for name, value in (choices or {}).items() if value}
    KINDS[kind].check(given)
    matching = selection_condition(selection)
    newest = next(
        iter(
            app_tables.contacts.search(
                tables.order_by("number", ascending=False),
                q.fetch_only("number"),
                q.page_size(1),
                matching,
            )
        ),
        None,
    )
    now = clock.now()
    change = app_tables.bulk_changes.add_row(
        change_id=secrets.token_hex(8),
        kind=kind,
        choices=given,
        selection=selection,
        state=RUNNING,
        total=count(matching),
        changed_count=0,
        skipped_count=0,
        undone_count=0,
        kept_count=0,
        cursor=0,
        last_number=int(newest["number"]) if newest else 0,
        created_by=current_actor().row,
        created_at=now,
        progress_at=now,
    )
    if kind == "add_tags":
        remember_tags(given["tags"])
    details = {"kind": kind, "contacts": change["total"], **given}
    audit.record("start", "bulk_change", change["change_id"], details=details)
    return {"change": change_dict(_go_on(change))}


@server_callable(needs="customers.manage", takes={"change_id": CHANGE_ID}, audit="bulk_change.undo")
def undo_bulk_change(change_id: str) -> dict[str, Any]:
    """Take back what a bulk change did, contact by contact; give ``{"change": {...}}``.

    Whom somebody has changed in the same way since stays so, and is named. Raises
    :class:`ConflictError` (``not_undoable``) where it is still running, undone, or too old.
    """
    change = find_change(change_id)
    if not is_undoable(change):
        raise ConflictError(
            f"This can be undone once it is done, for {UNDO_DAYS} days, and only once.",
            code="not_undoable",
        )
    change.update(state=UNDOING, cursor=0, finished_at=None, progress_at=clock.now(), error=None)
    details = {"contacts": change["changed_count"]}
    audit.record("undo", "bulk_change", change_id, details=details)
    return {"change": change_dict(_go_on(change))}


@server_callable(needs="customers.manage", takes={"change_id": CHANGE_ID}, audit="bulk_change.stop")
def stop_bulk_change(change_id: str) -> dict[str, Any]:
    """Have a bulk change that is running end where it is; give ``{"change": {...}}``.

    Whom it has changed by then stays changed, until it is undone. Raises :class:`ConflictError`
    (``not_running``) where it has come to its end, or is being undone.
    """
    change = find_change(change_id)
    if change["state"] != RUNNING:
        raise ConflictError("This does not run any more.", code="not_running")
    change.update(state=STOPPED, finished_at=clock.now(), selection={})
    details = {"changed": change["changed_count"], "total": change["total"]}
    audit.record("stop", "bulk_change", change_id, details=details)
    return {"change": change_dict(change)}


@server_callable(needs="customers.manage", takes={"change_id": CHANGE_ID})
def get_bulk_change(change_id: str) -> dict[str, Any]:
    """How far a bulk change is: ``{"change": {...}}``.

    With ``change_id``, ``kind``, ``choices``, ``segment_name`` where there is one, ``state``
    (running, done, stopped, undoing, undone, failed), ``total`` contacts, of which ``changed`` and
    ``skipped`` (they were so already); ``undone``, and ``kept`` where that was not possible;
    ``is_undoable``, ``error``, ``created_at``, ``author_name``, and ``kept_contacts``: the first
    MAX_NAMED, ``contact_id`` and ``reason``.
    """
    change = find_change(change_id)
    if change["state"] in (RUNNING, UNDOING) and change["progress_at"] < (
        clock.now() - STALLED_AFTER
    ):
        # Its task has died. The next round of the schedule would see to it; whoever waits is here.
        _launch()
    kept = app_tables.bulk_change_rows.search(
        tables.order_by("contact_number"),
        q.fetch_only("contact_number", "reason"),
        q.page_size(MAX_NAMED),
        change_id=change_id,
        state=KEPT,
    )
    named = [
        {"contact_id": f"C-{int(row['contact_number'])}", "reason": row["reason"]}
        for row in islice(kept, MAX_NAMED)
    ]
    return {"change": {**change_dict(change), "kept_contacts": named}}


@anvil.server.background_task  # type: ignore[untyped-decorator]
def run_bulk_changes() -> dict[str, int]:
    """Go on with every bulk change that is under way; give how many slices that took."""
    slices = 0
    for change in _under_way():
        change_id = change["change_id"]
        while _run_slice(change_id):
            slices += 1
    return {"slices": slices}


@server_callable(needs=TRUSTED_ONLY)
def run_bulk_changes_now() -> dict[str, Any]:
    """Go on with all of them here and now, for scripts: ``{"slices": how many}``."""
    return dict(run_bulk_changes())


@schedule.job(
    "bulk_changes",
    "Bulk changes of contacts",
    schedule.EveryMinutes(15),
    "Goes on with what was interrupted",
)
def resume_bulk_changes(run: schedule.Run) -> Mapping[str, int]:
    """Go on with what a killed task has left."""
    figures: dict[str, int] = run_bulk_changes()
    return figures


def _under_way() -> list[Any]:
    return list(app_tables.bulk_changes.search(state=q.any_of(RUNNING, UNDOING)))


def _go_on(change: Any) -> Any:
    """Do the first slice here, and leave the rest to a task; give the row as it is then."""
    change_id = change["change_id"]
    if _run_slice(change_id):
        outbox.add(OUTBOX_KIND, {"change_id": change_id})
    return app_tables.bulk_changes.get(change_id=change_id)


def _launch(entry: outbox.Entry | None = None) -> None:
    anvil.server.launch_background_task(TASK)


def _settle(entry: outbox.Entry, outcome: outbox.Outcome) -> None:
    if outcome.is_final and not outcome.is_done:
        log.error("bulk changes could not be started: %s", outcome.error)


outbox.handlers[OUTBOX_KIND] = outbox.Handler(_launch, _settle)


def _run_slice(change_id: str) -> bool:
    """Do the next slice of a change; give whether there is more."""
    try:
        return bool(_do_slice(change_id))
    except AppError as error:
        if error.code == "busy":
            raise
        _fail(change_id, error.message)
        return False


@in_transaction
def _do_slice(change_id: str) -> bool:
    change = app_tables.bulk_changes.get(change_id=change_id)
    if change is None or change["state"] not in (RUNNING, UNDOING):
        return False
    author = change["created_by"]
    # In the name of whoever began it, and within what they may see.
    with acting_as(actor_of(author)) if author is not None else nullcontext():
        return _change_slice(change) if change["state"] == RUNNING else _undo_slice(change)


@in_transaction
def _fail(change_id: str, message: str) -> None:
    change = app_tables.bulk_changes.get(change_id=change_id)
    if change is not None and change["state"] in (RUNNING, UNDOING):
        change.update(state=FAILED, error=message[:500], finished_at=clock.now())


def _change_slice(change: Any) -> bool:
    kind, choices = KINDS[change["kind"]], change["choices"]
    found = app_tables.contacts.search(
        tables.order_by("number"),
        q.page_size(SLICE),
        selection_condition(change["selection"]),
        q.all_of(number=q.greater_than(int(change["cursor"]))),
        q.all_of(number=q.less_than_or_equal_to(int(change["last_number"]))),
    )
    rows = list(islice(found, SLICE))
    planned = [(row, kind.plan(row, choices)) for row in rows]
    pairs = [(row, effect) for row, effect in planned if effect is not None]
    now = clock.now()
    if pairs:
        kind.apply(pairs, choices)
        app_tables.bulk_change_rows.add_rows(
            {
                "change_id": change["change_id"],
                "contact": row,
                "contact_number": int(row["number"]),
                "effect": effect,
                "state": CHANGED,
                "changed_at": now,
            }
            for row, effect in pairs
        )
        _record(change, kind.word, [row for row, _ in pairs])
    change.update(
        changed_count=int(change["changed_count"]) + len(pairs),
        skipped_count=int(change["skipped_count"]) + len(rows) - len(pairs),
    )
    return _move_on(change, rows, "number", DONE, now)


def _undo_slice(change: Any) -> bool:
    found = app_tables.bulk_change_rows.search(
        tables.order_by("contact_number"),
        q.page_size(SLICE),
        change_id=change["change_id"],
        state=CHANGED,
        contact_number=q.greater_than(int(change["cursor"])),
    )
    done = {int(row["contact_number"]): row for row in islice(found, SLICE)}
    contacts = app_tables.contacts.search(q.page_size(SLICE), number=q.any_of(*done, -1))
    pairs = [(contact, dict(done[int(contact["number"])]["effect"])) for contact in contacts]
    taken = KINDS[change["kind"]].take_back(pairs, change["choices"])
    now = clock.now()
    reasons = {int(row["number"]): reason for row, reason in taken.kept}
    with tables.batch_update:
        for number, row in done.items():
            if number in reasons:
                row.update(state=KEPT, reason=reasons[number])
            else:
                row.update(state=UNDONE)
    if taken.rows:
        _record(change, "undone", taken.rows)
    change.update(
        undone_count=int(change["undone_count"]) + len(done) - len(reasons),
        kept_count=int(change["kept_count"]) + len(reasons),
    )
    return _move_on(change, list(done.values()), "contact_number", UNDONE, now)


def _move_on(change: Any, rows: list[Any], column: str, end: str, now: datetime) -> bool:
    """Note that these rows are done; give whether there may be more."""
    if len(rows) < SLICE:
        # Whom it was about stands in its rows; what was searched for need not be kept.
        change.update(state=end, finished_at=now, progress_at=now, selection={})
        return False
    change.update(cursor=int(rows[-1][column]), progress_at=now)
    return True


def _record(change: Any, word: str, rows: list[Any]) -> None:
    audit.record(
        "apply",
        "bulk_change",
        change["change_id"],
        details={
            "done": word,
            **dict(change["choices"] or {}),
            "contacts": [row["contact_id"] for row in rows],
        },
    )
