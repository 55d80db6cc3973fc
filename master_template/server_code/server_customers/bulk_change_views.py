"""Bulk changes as people see them: the list of past ones, and what each came to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_auth.rbac import display_name as user_name
from ..server_shared import clock
from ..server_shared.callables import server_callable
from ..server_shared.errors import NotFoundError
from ..server_shared.validators import Int, Text

RUNNING, DONE, UNDOING, UNDONE, FAILED = "running", "done", "undoing", "undone", "failed"
STOPPED = "stopped"  # by somebody: what was done by then stays, and can be undone
CHANGED, KEPT = "changed", "kept"
UNDO_DAYS = 30  # As long as retention keeps what was done to whom.
MAX_PAGE = 100
_SHOWN = (
    "change_id",
    "kind",
    "choices",
    "state",
    "total",
    "changed_count",
    "skipped_count",
    "undone_count",
    "kept_count",
    "error",
    "created_at",
)
CHANGE_ID = Text("The bulk change", max_chars=32, required=True)


@server_callable(
    needs="customers.manage",
    takes={
        "offset": Int("Offset", minimum=0, maximum=100_000, default=0),
        "page_size": Int("Page size", minimum=1, maximum=MAX_PAGE, default=25),
    },
)
def list_bulk_changes(offset: int = 0, page_size: int = 25) -> dict[str, Any]:
    """The bulk changes that are kept, the newest first: ``{"changes": [...], "total"}``, each as
    ``bulk_changes.get_bulk_change``; of somebody who sees a part of the business, their own."""
    actor = current_actor()
    own = {"created_by": actor.row} if actor.scope else {}
    found = app_tables.bulk_changes.search(
        tables.order_by("created_at", ascending=False),
        q.page_size(offset + page_size),
        q.fetch_only(*_SHOWN, created_by=q.fetch_only("first_name", "last_name")),
        **own,
    )
    rows = list(islice(found, offset, offset + page_size))
    names = _segment_names(rows)
    return {"changes": [change_dict(row, names) for row in rows], "total": len(found)}


def find_change(change_id: str) -> Any:
    actor = current_actor()
    row = app_tables.bulk_changes.get(change_id=change_id)
    if row is None or (actor.scope and row["created_by"] != actor.row):
        raise NotFoundError("There is no such change of contacts.", code="not_found")
    return row


def is_undoable(change: Any) -> bool:
    is_recent = change["created_at"] > clock.now() - timedelta(days=UNDO_DAYS)
    left = int(change["changed_count"]) - int(change["undone_count"]) - int(change["kept_count"])
    return change["state"] in (DONE, STOPPED, FAILED) and is_recent and left > 0


def _segment_names(changes: list[Any]) -> dict[str, str]:
    """The names of the segments that changes put contacts into, by their ids."""
    ids = {(change["choices"] or {}).get("segment_id") for change in changes} - {None}
    if not ids:
        return {}
    found = app_tables.segments.search(
        q.fetch_only("segment_id", "segment_name"), segment_id=q.any_of(*ids)
    )
    return {row["segment_id"]: row["segment_name"] for row in found}


def change_dict(change: Any, segment_names: Mapping[str, str] | None = None) -> dict[str, Any]:
    author, choices = change["created_by"], dict(change["choices"] or {})
    if segment_names is None:
        segment_names = _segment_names([change])
    return {
        "change_id": change["change_id"],
        "kind": change["kind"],
        "choices": choices,
        "segment_name": segment_names.get(choices.get("segment_id") or "", ""),
        "state": change["state"],
        "total": int(change["total"]),
        "changed": int(change["changed_count"]),
        "skipped": int(change["skipped_count"]),
        "undone": int(change["undone_count"]),
        "kept": int(change["kept_count"]),
        "is_undoable": is_undoable(change),
        "error": change["error"] or "",
        "created_at": change["created_at"],
        "author_name": user_name(author) if author is not None else "",
    }
