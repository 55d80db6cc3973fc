"""What campaigns and broadcasts have in common, as rows: a page of them, changing one that somebody
has read, deleting one that nobody got a mail of, and what a copy is called.

``kind`` is ``campaign`` or ``broadcast``; columns and the audit log are called by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from anvil.tables import query as q

from ..server_shared import audit, clock
from ..server_shared.errors import ConflictError
from .campaign_fields import EditedMeanwhileError

MAX_NAME_CHARS = 100


def read_page(
    table: Any, order: Any, query: Mapping[str, Any], offset: int, page_size: int
) -> tuple[list[Any], int]:
    """The rows of a page, and how many match."""
    found = table.search(order, q.page_size(offset + page_size), **query)
    return list(islice(found, offset, offset + page_size)), len(found)


def change(
    kind: str,
    row: Any,
    changes: Mapping[str, Any],
    version: int,
    *,
    check: Callable[[Mapping[str, Any]], None],
    shorten: Callable[[Any], Any],
) -> Any:
    """Write what has changed since ``version``, once ``check`` has nothing against it; give the
    row. ``shorten`` makes of a value what the audit log shows. Call it inside a transaction. Raises
    :class:`EditedMeanwhileError`, and what ``check`` raises."""
    if int(row["version"]) != version:
        raise EditedMeanwhileError(row[f"{kind}_name"])
    changed = {name: value for name, value in changes.items() if row[name] != value}
    if not changed:
        audit.unchanged()
        return row
    check(changed)
    before = {name: row[name] for name in changed}
    row.update(**changed, version=version + 1, updated_at=clock.now())
    shown = {name: [shorten(before[name]), shorten(value)] for name, value in changed.items()}
    audit.record("update", kind, row[f"{kind}_id"], shown)
    return row


def delete(kind: str, row: Any, *, has_history: bool, refusal: str) -> None:
    """Delete a row. Call it inside a transaction. Raises :class:`ConflictError` (``has_history``)
    with the refusal where people got a mail of it."""
    if has_history:
        raise ConflictError(refusal, code="has_history")
    name = f"{kind}_name"
    audit.record("delete", kind, row[f"{kind}_id"], {name: [row[name], None]})
    row.delete()


def record_created(kind: str, row: Any) -> Any:
    """Write into the audit log that a row was made; give it."""
    name = f"{kind}_name"
    audit.record("create", kind, row[f"{kind}_id"], {name: [None, row[name]]})
    return row


def copied_name(name: str) -> str:
    """What a copy is called."""
    return f"Copy of {name}"[:MAX_NAME_CHARS]
