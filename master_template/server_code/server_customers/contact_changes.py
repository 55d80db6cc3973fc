"""The one place that writes contacts: whoever changes one does it here.

So each write also says which segments the contact is in from now on, in the same statement, and
tells the other areas, in the same transaction: ``contact_created``, ``contact_changed``,
``segment_entered`` and ``segment_left``. What a change needs besides (an audit entry, an event of
the timeline, the version that an editor looks at) is its caller's, who knows why it is made.

Call all of this inside a transaction, with rows that were read in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables

from ..server_shared.happenings import tell
from .contact_fields import SEARCHED_COLUMNS, derived_columns, searched_columns
from .segment_fields import FIELDS
from .segment_members import Judge, Moves

# What decides about segments.
COLUMNS = frozenset({"deleted_at", *(field.column for field in FIELDS.values())})
# What changes with every edit, and is nothing to tell.
BOOKKEEPING = frozenset({"updated_at", "version"})


class _Values(Mapping[str, Any]):
    """A contact's columns as they will be: what is written now, then what its row has."""

    def __init__(self, changed: Mapping[str, Any], row: Any = None) -> None:
        self._changed = changed
        self._row = row

    def __getitem__(self, name: str) -> Any:
        if name in self._changed:
            return self._changed[name]
        return None if self._row is None else self._row[name]

    def __iter__(self) -> Any:
        return iter(self._changed)

    def __len__(self) -> int:
        return len(self._changed)


def add_contact(columns: Mapping[str, Any]) -> Any:
    """Make a contact with all its columns, as ``contact_service.new_columns`` gives them; give its
    row."""
    (row,) = add_contacts([columns])
    return row


def add_contacts(contacts: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Make contacts in one request; give their rows, in this order."""
    judge = Judge()
    wanted = [(columns, judge.judge(_Values(columns), ())) for columns in contacts]
    if not wanted:
        return []
    rows = list(
        app_tables.contacts.add_rows(
            {**columns, "segments": moves.segments} for columns, moves in wanted
        )
    )
    for row, (_, moves) in zip(rows, wanted, strict=True):
        tell("contact_created", contact=row)
        _tell_moves(row, moves)
    return rows


def change_contact(row: Any, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Write columns of a contact, and what follows from them; give their former values."""
    (before,) = change_contacts([(row, changed)])
    return before


def change_contacts(changes: Sequence[tuple[Any, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Write columns of several contacts in one request: pairs of a row and what becomes of it. Each
    row comes once. Gives the former values of each."""
    judge = Judge() if any(COLUMNS & set(changed) for _, changed in changes) else None
    steps = []
    for row, changed in changes:
        before = {name: row[name] for name in changed}
        moves = judge.judge(_Values(changed, row), row["segments"]) if judge else None
        steps.append((row, {**changed, **_follows(row, changed, moves)}, before, moves))
    if len(steps) == 1:
        steps[0][0].update(**steps[0][1])
    else:
        with tables.batch_update:
            for row, columns, _, _ in steps:
                row.update(**columns)
    for row, _, before, moves in steps:
        changed_values = {
            name: value
            for name, value in before.items()
            if name not in BOOKKEEPING and value != row[name]
        }
        if changed_values:
            tell("contact_changed", contact=row, before=changed_values)
        if moves:
            _tell_moves(row, moves)
    return [before for _, _, before, _ in steps]


def _follows(row: Any, changed: Mapping[str, Any], moves: Moves | None) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if set(SEARCHED_COLUMNS) & set(changed):
        columns |= derived_columns({**searched_columns(row), **changed})
    if moves and moves.segments != list(row["segments"] or ()):
        columns["segments"] = moves.segments
    return columns


def move_contacts(moves: Sequence[tuple[Any, Moves]]) -> None:
    """Write only which segments contacts are in: pairs of a row and where it belongs."""
    with tables.batch_update:
        for row, each in moves:
            row.update(segments=each.segments)
    for row, each in moves:
        _tell_moves(row, each)


def change_membership(
    rows: Sequence[Any], *, add: Sequence[Any] = (), remove: Sequence[Any] = ()
) -> int:
    """Put contacts into hand-picked segments and take them out of others (rows of ``segments``);
    give how many contacts that changed."""
    moves = []
    for row in rows:
        held = list(row["segments"] or ())
        entered = tuple(each for each in add if each["segment_id"] not in held)
        left = tuple(each for each in remove if each["segment_id"] in held)
        if entered or left:
            gone = {each["segment_id"] for each in left}
            after = [name for name in held if name not in gone]
            after += [each["segment_id"] for each in entered]
            moves.append((row, Moves(after, entered, left)))
    if moves:
        move_contacts(moves)
    return len(moves)


def _tell_moves(row: Any, moves: Moves) -> None:
    for segment in moves.left:
        tell("segment_left", contact=row, segment=segment)
    for segment in moves.entered:
        tell("segment_entered", contact=row, segment=segment)
