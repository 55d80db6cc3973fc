"""Bringing contacts and segments together where no contact has changed: a segment is new, was
edited, switched or deleted, or time has moved people in or out.

Both ways are the difference of two sets, taken in the database and written a batch at a time, each
in a transaction of its own. Killed anywhere, what is left is what still differs, so a run begins
again by itself; and where someone changes a contact meanwhile, one of both is repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import anvil.server
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared import clock, outbox
from ..server_shared.outbox import Entry, Outcome
from ..server_shared.transactions import in_transaction
from . import segment_language
from .contact_changes import move_contacts
from .segment_members import DELETING, FILLING, READY, STATIC, Moves, business_now, members, nobody

BATCH_ROWS = 500
FILL = "segment_fill"  # in the outbox
TASK = "fill_segments"

Report = Callable[[int], None]
# A segment's version, and whether it is being deleted.
Rules = tuple[int, bool] | None


def begin(segment: Any) -> None:
    """Have a segment that is not ready filled, or a deleted one emptied: at once where there are
    few contacts, otherwise once the transaction that runs now is committed."""
    # Not counted: who has read all contacts conflicts with everyone who changes one meanwhile.
    latest = app_tables.contacts.search(
        tables.order_by("number", ascending=False), q.fetch_only("number"), q.page_size(1)
    )
    if all(int(row["number"]) <= BATCH_ROWS for row in islice(latest, 1)):
        _settle(int(segment["number"]))
    else:
        segment_id = segment["segment_id"]
        outbox.add(FILL, {"segment_id": segment_id}, reference=segment_id)


def _launch(entry: Entry) -> None:
    # Filling takes minutes where there are very many; mails must not wait behind it.
    anvil.server.launch_background_task(TASK)


def _noted(entry: Entry, outcome: Outcome) -> None:
    """Nothing to write down: the segment's own state says how far it is."""


outbox.handlers[FILL] = outbox.Handler(_launch, _noted)


@anvil.server.background_task  # type: ignore[untyped-decorator]
def fill_segments() -> dict[str, int]:
    """Finish every segment that is not ready; ``{"segments", "moved"}``. May run twice at once."""
    waiting = app_tables.segments.search(
        tables.order_by("number"), state=q.any_of(FILLING, DELETING)
    )
    numbers = [int(row["number"]) for row in waiting]
    moved = sum(_settle(number) for number in numbers)
    return {"segments": len(numbers), "moved": moved}


def sweep(report: Report) -> dict[str, int]:
    """Move those whom time has brought in or out, and finish what an earlier run left undone;
    ``{"segments", "moved"}``. ``report(moved)`` hears now and then how far it has come."""
    moved = fill_segments()["moved"]
    rows = app_tables.segments.search(
        tables.order_by("number"), state=READY, is_active=True, by_time=True
    )
    numbers = [int(row["number"]) for row in rows]
    for number in numbers:
        moved += _settle(number)
        report(moved)
    return {"segments": len(numbers), "moved": moved}


def go_over(report: Report) -> dict[str, int]:
    """Go over every segment, whatever may have happened to it, and count it anew;
    ``{"segments", "moved"}``."""
    moved = fill_segments()["moved"]
    rows = app_tables.segments.search(tables.order_by("number"), state=READY)
    kinds = {int(row["number"]): row["segment_type"] for row in rows}
    for number, kind in kinds.items():
        if kind != STATIC:
            moved += _settle(number)
        _count_anew(number)
        report(moved)
    return {"segments": len(kinds), "moved": moved}


def remaining(segment: Any) -> int:
    """How many contacts still have to be moved until a segment is ready."""
    return sum(
        len(app_tables.contacts.search(q.fetch_only("number"), q.page_size(1), condition))
        for condition in _differences(segment)
    )


def _settle(number: int) -> int:
    """Move, batch by batch, whoever is wrongly in or not in a segment; give how many that were."""
    moved = floor = 0
    rules: Rules = None
    while True:
        count, floor, rules = _settle_batch(number, floor, rules)
        moved += count
        if floor < 0:
            return moved


@in_transaction
def _settle_batch(number: int, floor: int, rules: Rules) -> tuple[int, int, Rules]:
    """Move the next few of those with a number above ``floor``, or of all where the segment is no
    longer what those below were settled by; give how many that were, how far it has come (-1 at
    the end), and what they were settled by."""
    segment = app_tables.segments.get(number=number)
    if segment is None:
        return 0, -1, None
    found_rules = (int(segment["version"]), segment["state"] == DELETING)
    if found_rules != rules:
        floor = 0
    entering, leaving = _differences(segment)
    # Whoever is told of a contact reads it whole.
    shown = () if segment["state"] == READY else (q.fetch_only("number", "segments"),)
    found = list(
        islice(
            app_tables.contacts.search(
                tables.order_by("number"),
                *shown,
                q.page_size(BATCH_ROWS),
                q.any_of(entering, leaving),
                number=q.greater_than(floor),
            ),
            BATCH_ROWS,
        )
    )
    _move(segment, found)
    if len(found) == BATCH_ROWS:
        return len(found), int(found[-1]["number"]), found_rules
    _close(segment)
    return len(found), -1, found_rules


def _differences(segment: Any) -> tuple[Any, Any]:
    """The conditions of those who belong into a segment and are not in it, and of those who are in
    it and do not belong there."""
    held = q.all_of(segments=[segment["segment_id"]])
    wanted = nobody()
    if segment["state"] != DELETING:
        if segment["segment_type"] == STATIC:
            return nobody(), nobody()
        if segment["is_active"]:
            criteria = segment["filter_criteria"]
            wanted = segment_language.compile(criteria, business_now())
    live = q.all_of(wanted, deleted_at=None)
    return q.all_of(live, q.not_(held)), q.all_of(held, q.not_(live))


def _move(segment: Any, found: list[Any]) -> None:
    if not found:
        return
    segment_id = segment["segment_id"]
    told = (segment,) if segment["state"] == READY and segment["is_active"] else ()
    moves = []
    for row in found:
        held = list(row["segments"] or ())
        if segment_id in held:
            held.remove(segment_id)
            moves.append((row, Moves(held, (), told)))
        else:
            moves.append((row, Moves([*held, segment_id], told, ())))
    move_contacts(moves)


def _close(segment: Any) -> None:
    """The last batch of a segment that was not ready makes it so, or away with it."""
    if segment["state"] == DELETING:
        segment.delete()
    elif segment["state"] == FILLING:
        segment["state"] = READY
        _write_count(segment)


@in_transaction
def _count_anew(number: int) -> None:
    segment = app_tables.segments.get(number=number, state=READY)
    if segment is not None:
        _write_count(segment)


def _write_count(segment: Any) -> None:
    found = app_tables.contacts.search(q.fetch_only("number"), q.page_size(1), members(segment))
    segment.update(contact_count=len(found), counted_at=clock.now())
