"""Looking at segments: the list of them, one of them, who is in it, and who would be."""

from __future__ import annotations

from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_shared.callables import server_callable
from ..server_shared.config import Business, read_business
from ..server_shared.validators import Bool, Choice, Int, Items, Text, fold
from . import segment_filling, segment_language
from .contact_fields import LIST_COLUMNS, list_item
from .segment_criteria import CRITERIA, describe
from .segment_fields import FIELDS, KINDS
from .segment_language import Criteria
from .segment_members import (
    FILLING,
    SEGMENT_ID,
    TYPES,
    business_now,
    find_segment,
    is_kept,
    members,
)
from .segment_uses import uses_of

MAX_PAGE = 100
MAX_COUNTED = 50  # Segments that one request counts.
SAMPLE = 5
SORTS = {
    "name": ("name_folded", True),
    "newest": ("number", False),
    "largest": ("contact_count", False),
}

_OFFSET = Int("Offset", minimum=0, maximum=1_000_000, default=0)
_PAGE_SIZE = Int("Page size", minimum=1, maximum=MAX_PAGE, default=25)


@server_callable(
    needs="customers.view",
    takes={
        "search": Text("Search", max_chars=100, default=""),
        "segment_type": Choice("Kind", TYPES),
        "is_active": Bool("Switched on"),
        "sort": Choice("Sort", tuple(SORTS), default="name"),
        "offset": _OFFSET,
        "page_size": _PAGE_SIZE,
    },
)
def list_segments(
    search: str = "",
    segment_type: str | None = None,
    is_active: bool | None = None,
    sort: str = "name",
    offset: int = 0,
    page_size: int = 25,
) -> dict[str, Any]:
    """One page of segments: ``segments`` (shape of :func:`segment_item`) and ``total``.

    ``contact_count`` is as of ``counted_at``; :func:`count_segments` counts now.
    """
    query: dict[str, Any] = {"state": is_kept()}
    if segment_type:
        query["segment_type"] = segment_type
    if is_active is not None:
        query["is_active"] = is_active
    if fold(search):
        query["name_folded"] = q.ilike(segment_language.pattern("contains", fold(search)))
    column, ascending = SORTS[sort]
    found = app_tables.segments.search(
        tables.order_by(column, ascending=ascending),
        tables.order_by("number"),
        q.page_size(offset + page_size),
        **query,
    )
    business = read_business()
    rows = list(islice(found, offset, offset + page_size))
    return {"segments": [segment_item(row, business) for row in rows], "total": len(found)}


def segment_item(row: Any, business: Business) -> dict[str, Any]:
    """A segment as a caller sees it. ``summary`` is who belongs to it in words ('' where chosen by
    hand); ``contact_count`` is None for one who sees only some contacts."""
    criteria = row["filter_criteria"]
    is_whole = scopes.current_scope() is None
    return {
        "segment_id": row["segment_id"],
        "segment_name": row["segment_name"],
        "description": row["description"] or "",
        "segment_type": row["segment_type"],
        "filter_criteria": criteria,
        "summary": "" if criteria is None else describe(criteria, business),
        "is_active": bool(row["is_active"]),
        "state": row["state"],
        "contact_count": int(row["contact_count"] or 0) if is_whole else None,
        "counted_at": row["counted_at"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "version": int(row["version"] or 1),
    }


@server_callable(needs="customers.view", takes={"segment_id": SEGMENT_ID})
def get_segment(segment_id: str) -> dict[str, Any]:
    """``segment`` (shape of :func:`segment_item`, with ``contact_count`` of now), ``uses`` (what
    goes by it: ``kind``, ``id``, ``name``), ``remaining`` (how many contacts are still to be moved
    while it is being filled) and ``version``."""
    row = find_segment(segment_id)
    return {
        "segment": {**segment_item(row, read_business()), "contact_count": _count(members(row))},
        "uses": uses_of(row),
        "remaining": segment_filling.remaining(row) if row["state"] == FILLING else 0,
        "version": int(row["version"] or 1),
    }


@server_callable(needs="customers.view")
def get_segment_fields() -> dict[str, Any]:
    """What a rule can look at: ``fields`` in order, each with ``name``, ``label``, ``group``,
    ``kind``, ``options``, and ``operators``: ``name``, ``label`` and ``value`` (the kind of
    value)."""
    return {
        "fields": [
            {
                "name": name,
                "label": field.label,
                "group": field.group,
                "kind": field.kind,
                "options": list(field.options),
                "operators": [
                    {"name": key, "label": operator.label, "value": operator.value}
                    for key, operator in KINDS[field.kind].items()
                ],
            }
            for name, field in FIELDS.items()
        ]
    }


@server_callable(needs="customers.view", takes={"filter_criteria": CRITERIA})
def preview_segment(filter_criteria: Criteria) -> dict[str, Any]:
    """Who would be in a segment with these criteria: ``count``, ``total`` (of all contacts),
    ``reachable`` (those of ``count`` who have an address and allow marketing), ``sample`` (a few of
    them as ``list_item``, the newest first) and ``summary``, the criteria in words."""
    condition = q.all_of(segment_language.compile(filter_criteria, business_now()), deleted_at=None)
    found = app_tables.contacts.search(
        tables.order_by("number", ascending=False),
        q.fetch_only(*LIST_COLUMNS),
        q.page_size(SAMPLE),
        *scopes.contact_terms(),
        condition,
    )
    opted_in = q.all_of(email=q.not_(None), preferences={"marketing_opt_in": True})
    return {
        "count": len(found),
        "total": _count(q.all_of(deleted_at=None)),
        "reachable": _count(q.all_of(condition, opted_in)),
        "sample": [list_item(row) for row in islice(found, SAMPLE)],
        "summary": describe(filter_criteria, read_business()),
    }


@server_callable(
    needs="customers.view",
    takes={"segment_id": SEGMENT_ID, "offset": _OFFSET, "page_size": _PAGE_SIZE},
)
def get_segment_contacts(segment_id: str, offset: int = 0, page_size: int = 25) -> dict[str, Any]:
    """A page of those in a segment, by name: ``contacts`` (as ``list_item``) and ``total``."""
    found = app_tables.contacts.search(
        tables.order_by("sort_name"),
        tables.order_by("number"),
        q.fetch_only(*LIST_COLUMNS),
        q.page_size(offset + page_size),
        *scopes.contact_terms(),
        members(find_segment(segment_id)),
    )
    rows = islice(found, offset, offset + page_size)
    return {"contacts": [list_item(row) for row in rows], "total": len(found)}


@server_callable(needs="customers.view", takes={"segment_id": SEGMENT_ID})
def get_segment_count(segment_id: str) -> dict[str, Any]:
    """``{"count": int}``: how many are in a segment now."""
    return {"count": _count(members(find_segment(segment_id)))}


@server_callable(
    needs="customers.view",
    takes={"segment_ids": Items("Segments", SEGMENT_ID, max_items=MAX_COUNTED, default=[])},
)
def count_segments(segment_ids: list[str]) -> dict[str, Any]:
    """``{"counts": {segment_id: int}}``: how many are in each of a page of segments now."""
    rows = app_tables.segments.search(segment_id=q.any_of(*segment_ids, ""), state=is_kept())
    return {"counts": {row["segment_id"]: _count(members(row)) for row in rows}}


def _count(condition: Any) -> int:
    """How many of the contacts that the caller sees."""
    return len(
        app_tables.contacts.search(
            q.fetch_only("number"), q.page_size(1), *scopes.contact_terms(), condition
        )
    )
