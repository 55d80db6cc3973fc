"""Segments: make, change and delete them, and put contacts into those that are filled by hand."""

from __future__ import annotations

from typing import Any

from anvil.tables import TableError, app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_auth.rbac import current_actor
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import ConflictError, InvalidError, NotFoundError
from ..server_shared.sequences import SEGMENTS, take_numbers
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool, Choice, Int, Items, Record, Text, fold
from . import segment_filling, segment_language
from .contact_changes import change_membership
from .contact_fields import CONTACT_ID
from .prebuilt_segments import segment_columns
from .segment_criteria import CRITERIA, CriteriaRule
from .segment_list import get_segment, segment_item
from .segment_members import (
    CUSTOM,
    DELETING,
    FILLING,
    PREBUILT,
    SEGMENT_ID,
    STATIC,
    find_segment,
    is_kept,
)
from .segment_uses import uses_of

MAX_SEGMENTS = 300  # Of one business. Every change of a contact is looked at by each of them.
MAX_CHOSEN = 500  # Contacts that one request puts into a list by hand; bulk changes take more.
NAME_CONSTRAINT = "segments_name_unique"

_NAME = Text("Name", max_chars=80, required=True)
_DESCRIPTION = Text("Description", max_chars=300, default="")
_NEW = Record(
    "The segment",
    {
        "segment_name": _NAME,
        "description": _DESCRIPTION,
        "segment_type": Choice("Kind", (CUSTOM, STATIC), default=CUSTOM),
        "filter_criteria": CriteriaRule("Who belongs to it"),
    },
    required=True,
)
_CHANGES = Record(
    "The changes",
    {
        "segment_name": _NAME,
        "description": _DESCRIPTION,
        "filter_criteria": CRITERIA,
        "is_active": Bool("Switched on", required=True),
    },
    partial=True,
    required=True,
)
_CONTACT_IDS = Items("Contacts", CONTACT_ID, max_items=MAX_CHOSEN, default=[])


@server_callable(needs="marketing.manage", takes={"segment_data": _NEW}, audit="segment.create")
def create_segment(segment_data: dict[str, Any]) -> dict[str, Any]:
    """Make a segment; give ``segment_id`` and ``segment``.

    ``segment_data``: ``segment_name``, ``description``, ``segment_type`` (``custom``, or
    ``static`` for one that is filled by hand) and ``filter_criteria`` of a custom one. Raises
    :class:`ConflictError` (``duplicate_name``, ``too_many_segments``).
    """
    try:
        row = _create(segment_data)
    except TableError as error:
        raise _named(error) from error
    item = segment_item(row, read_business())
    return {"segment_id": item["segment_id"], "segment": item}


@in_transaction
def _create(given: dict[str, Any]) -> Any:
    criteria = given["filter_criteria"]
    is_static = given["segment_type"] == STATIC
    if is_static != (criteria is None):
        raise InvalidError(
            "One that is filled by hand has no rules." if is_static else "Add at least one rule.",
            field="filter_criteria.rules",
        )
    known = app_tables.segments.search(state=is_kept())
    if len(known) >= MAX_SEGMENTS:
        raise ConflictError(
            f"There are {MAX_SEGMENTS} segments already. Delete one that you no longer need.",
            code="too_many_segments",
        )
    _refuse_taken_name(given["segment_name"])
    (number,) = take_numbers(SEGMENTS)
    row = app_tables.segments.add_row(
        **segment_columns(
            number,
            given["segment_name"],
            given["description"],
            given["segment_type"],
            criteria,
            created_by=current_actor().row,
        )
    )
    segment_filling.begin(row)
    audit.record(
        "create",
        "segment",
        row["segment_id"],
        {name: [None, value] for name, value in given.items() if value},
    )
    return find_segment(row["segment_id"])  # as filling has left it


def _refuse_taken_name(name: str, *, but: str = "") -> None:
    for other in app_tables.segments.search(name_folded=fold(name)):
        if other["segment_id"] != but and other["state"] != DELETING:
            raise ConflictError(
                f"Another segment is called {other['segment_name']}.",
                code="duplicate_name",
                field="segment_name",
            )


def _named(error: Exception) -> Exception:
    """The refusal that a broken constraint stands for, or the error itself."""
    if NAME_CONSTRAINT in str(error):
        return ConflictError(
            "Another segment has this name.", code="duplicate_name", field="segment_name"
        )
    return error


@server_callable(
    needs="marketing.manage",
    takes={
        "segment_id": SEGMENT_ID,
        "changes": _CHANGES,
        "version": Int("The version", minimum=1, required=True),
    },
    audit="segment.update",
    # What the answer counts would conflict with everyone who changes a contact meanwhile.
    atomic=False,
)
def update_segment(segment_id: str, changes: dict[str, Any], version: int) -> dict[str, Any]:
    """Change a segment that the caller has read as ``version``; give what :func:`get_segment` does.

    ``changes`` has some of ``segment_name``, ``description``, ``filter_criteria`` and
    ``is_active``; of a pre-built one only the last. Raises :class:`ConflictError`
    (``edited_meanwhile``, ``duplicate_name``, ``prebuilt``, ``in_use``).
    """
    try:
        _update(segment_id, changes, version)
    except TableError as error:
        raise _named(error) from error
    return get_segment(segment_id)


@in_transaction
def _update(segment_id: str, changes: dict[str, Any], version: int) -> None:
    row = find_segment(segment_id)
    if int(row["version"]) != version:
        raise ConflictError(
            f"Someone else has just changed {row['segment_name']}. What you typed is still here.",
            code="edited_meanwhile",
        )
    changed = {name: value for name, value in changes.items() if row[name] != value}
    if not changed:
        audit.unchanged()
        return
    _refuse_change(row, changed)
    before = {name: row[name] for name in changed}
    columns = dict(changed)
    if "segment_name" in changed:
        columns["name_folded"] = fold(changed["segment_name"])
    if "filter_criteria" in changed:
        columns["by_time"] = segment_language.depends_on_time(changed["filter_criteria"])
    moves_people = bool({"filter_criteria", "is_active"} & set(changed))
    if moves_people and row["segment_type"] != STATIC:
        columns["state"] = FILLING
    row.update(**columns, updated_at=clock.now(), version=version + 1)
    if columns.get("state") == FILLING:
        segment_filling.begin(row)
    audit.record(
        "update",
        "segment",
        segment_id,
        {name: [before[name], value] for name, value in changed.items()},
    )


def _refuse_change(row: Any, changed: dict[str, Any]) -> None:
    if row["segment_type"] == PREBUILT and set(changed) != {"is_active"}:
        raise ConflictError(
            "A pre-built segment can only be switched on and off. Make your own from its rules.",
            code="prebuilt",
        )
    if row["segment_type"] == STATIC and "filter_criteria" in changed:
        raise InvalidError("One that is filled by hand has no rules.", field="filter_criteria")
    if changed.get("is_active") is False:
        _refuse_used(row)
    if "segment_name" in changed:
        _refuse_taken_name(changed["segment_name"], but=row["segment_id"])


def _refuse_used(row: Any) -> None:
    """Raise :class:`ConflictError` (``in_use``) where something goes by this segment."""
    uses = uses_of(row)
    if uses:
        names = ", ".join(f"{use['kind']} {use['name']}" for use in uses[:5])
        more = f" and {len(uses) - 5} more" if len(uses) > 5 else ""
        raise ConflictError(f"{row['segment_name']} is in use: {names}{more}.", code="in_use")


@server_callable(needs="marketing.manage", takes={"segment_id": SEGMENT_ID}, audit="segment.delete")
def delete_segment(segment_id: str) -> dict[str, Any]:
    """Delete a segment; its contacts stay. Raises :class:`ConflictError` (``in_use``,
    ``prebuilt``)."""
    row = find_segment(segment_id)
    if row["segment_type"] == PREBUILT:
        raise ConflictError(
            "A pre-built segment cannot be deleted; switch it off instead.", code="prebuilt"
        )
    _refuse_used(row)
    audit.record("delete", "segment", segment_id, {"segment_name": [row["segment_name"], None]})
    row.update(state=DELETING, updated_at=clock.now(), version=int(row["version"]) + 1)
    segment_filling.begin(row)
    return {"segment_id": segment_id}


@server_callable(
    needs="customers.manage",
    takes={"segment_id": SEGMENT_ID, "contact_ids": _CONTACT_IDS},
    audit="segment.add_contacts",
)
def add_contacts_to_segment(segment_id: str, contact_ids: list[str]) -> dict[str, Any]:
    """Put contacts into a segment that is filled by hand; ``{"changed": int}``. Raises
    :class:`ConflictError` (``not_static``), and :class:`NotFoundError` where none of the contacts
    is there for this person."""
    return _choose(segment_id, contact_ids, is_added=True)


@server_callable(
    needs="customers.manage",
    takes={"segment_id": SEGMENT_ID, "contact_ids": _CONTACT_IDS},
    audit="segment.remove_contacts",
)
def remove_contacts_from_segment(segment_id: str, contact_ids: list[str]) -> dict[str, Any]:
    """Take contacts out of a segment that is filled by hand; ``{"changed": int}``. Raises
    :class:`ConflictError` (``not_static``), and :class:`NotFoundError` where none of the contacts
    is there for this person."""
    return _choose(segment_id, contact_ids, is_added=False)


@in_transaction
def _choose(segment_id: str, contact_ids: list[str], *, is_added: bool) -> dict[str, Any]:
    segment = find_segment(segment_id)
    require_static(segment)
    rows = list(
        app_tables.contacts.search(
            q.page_size(MAX_CHOSEN),
            *scopes.contact_terms(),
            contact_id=q.any_of(*contact_ids, ""),
            deleted_at=None,
        )
    )
    if contact_ids and not rows:
        raise NotFoundError(f"There is no contact {' or '.join(contact_ids[:3])}.")
    changed = change_membership(
        rows, add=[segment] if is_added else [], remove=[] if is_added else [segment]
    )
    if changed:
        verb = "add_contacts" if is_added else "remove_contacts"
        named = [row["contact_id"] for row in rows[:50]]
        audit.record(verb, "segment", segment_id, details={"count": changed, "contacts": named})
    else:
        audit.unchanged()
    return {"changed": changed}


def require_static(segment: Any) -> None:
    """Raise :class:`ConflictError` (``not_static``) unless a segment is filled by hand."""
    if segment["segment_type"] != STATIC:
        raise ConflictError(
            f"{segment['segment_name']} fills itself by its rules; nobody is put into it by hand.",
            code="not_static",
        )
