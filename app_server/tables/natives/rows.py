"""Adding, reading, changing and deleting rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app_server.native.registry import NativeCall, native
from app_server.tables import search, writes
from app_server.tables.auto_create import is_enabled, make_missing_columns
from app_server.tables.errors import row_deleted, table_error
from app_server.tables.fetch import clean_request, table_spec
from app_server.tables.media import resolve_media
from app_server.tables.natives.context import V2, access_of, database_of
from app_server.tables.schema import WRITE
from app_server.tables.table_data import TableData
from app_server.tables.views import Access, View
from app_server.wire.values import Capability


async def _add(
    call: NativeCall, access: Access, view: View, rows: list[Any]
) -> tuple[list[tuple[int, Capability]], dict[str, Any]]:
    for row in rows:
        if not isinstance(row, Mapping):
            raise table_error("A row must be given as a dictionary")
    access, rows = await make_missing_columns(call, access, view, rows)
    if view.cols is not None:
        # Columns that are not given are None, so that the view's condition is checked for them.
        named = [n for n in view.cols if not _is_hidden(access, view, n)]
        rows = [dict.fromkeys(named) | dict(row) for row in rows]
    resolved = await resolve_media(call, rows)
    async with database_of(call) as db:
        ids = await writes.insert(db, access, view, resolved)
    return [(i, view.row_capability(i)) for i in ids], table_spec(access, view, ())


def _is_hidden(access: Access, view: View, name: str) -> bool:
    column = access.table(view.table_id).columns.get(name)
    return column is None or (column.client_hidden and access.hides_columns_on_write)


@native(V2 + "table.add_rows", spools_media=True)
async def add_rows(
    call: NativeCall, table_cap: Any, rows: list[Any], overrides: Any = None
) -> list[Any]:
    access = access_of(call).with_overrides(overrides)
    added, spec = await _add(call, access, access.open_table(table_cap, WRITE), rows)
    return [added, spec]


@native(V2 + "table.add_row", spools_media=True)
async def add_row(
    call: NativeCall,
    table_cap: Any,
    row: Mapping[str, Any],
    overrides: Any = None,
    trusted_values: dict[str, Any] | None = None,
) -> list[Any]:
    """``trusted_values`` come from server code that acts for a browser, so hidden columns may be
    among them; ``row`` comes from the browser."""
    access = access_of(call).with_overrides(overrides)
    view = access.open_table(table_cap, WRITE)
    if access.hides_columns_on_write or trusted_values:
        access, [row] = await make_missing_columns(call, access, view, [row])
        writes.check_columns(access, view, row)
    if access.overrides and not call.is_client:
        kept = {k: v for k, v in access.overrides.items() if k != "filter_client_hidden"}
        access = access.with_overrides(kept)
    [(row_id, capability)], spec = await _add(
        call, access, view, [{**row, **(trusted_values or {})}]
    )
    return [row_id, capability, spec]


@native(V2 + "row.can_auto_create")
async def can_auto_create(call: NativeCall) -> bool:
    return is_enabled(call)


@native(V2 + "row.fetch")
async def row_fetch(call: NativeCall, row_cap: Any, columns: Any = None) -> TableData:
    access = access_of(call)
    view, row_id = access.open_row(row_cap, 0)
    async with database_of(call) as db:
        data = await search.fetch_row(db, access, view, row_id, clean_request(columns))
    if data is None:
        raise row_deleted()
    return data


@native(V2 + "row.update", spools_media=True)
async def row_update(
    call: NativeCall, row_cap: Any, values: dict[str, Any], overrides: Any = None
) -> dict[str, Any]:
    [spec] = await _update_rows(call, [[row_cap, values, overrides]])
    return spec


@native(V2 + "row.batch_update", spools_media=True)
async def row_batch_update(call: NativeCall, updates: list[list[Any]]) -> list[dict[str, Any]]:
    """All updates or none. Answers the table spec of each."""
    return await _update_rows(call, updates)


async def _update_rows(call: NativeCall, updates: list[list[Any]]) -> list[dict[str, Any]]:
    specs, by_view = [], dict[View, list[writes.RowUpdate]]()
    base = access_of(call)
    for row_cap, values, *rest in updates:
        access = base.with_overrides(rest[0] if rest else None)
        view, row_id = access.open_row(row_cap, WRITE)
        if not isinstance(values, Mapping):
            raise table_error("A row must be given as a dictionary")
        access, [values] = await make_missing_columns(call, access, view, [values])
        [resolved] = await resolve_media(call, [values])
        by_view.setdefault(view, []).append(writes.RowUpdate(row_id, resolved, access))
        specs.append(table_spec(access, view, ()))
    async with database_of(call) as db:
        if len(by_view) == 1:
            [(view, changes)] = by_view.items()
            await writes.update(db, view, changes)
        elif by_view:
            async with db.atomic():
                for view, changes in by_view.items():
                    await writes.update(db, view, changes)
    return specs


@native(V2 + "row.delete")
async def row_delete(call: NativeCall, row_cap: Any, overrides: Any = None) -> None:
    await _delete_rows(call, [[row_cap, overrides]])


@native(V2 + "row.batch_delete")
async def row_batch_delete_old(call: NativeCall, row_caps: list[Any]) -> None:
    """From libraries that do not know of overrides."""
    await _delete_rows(call, [[row_cap, None] for row_cap in row_caps])


@native(V2 + "row.batch_delete_2")
async def row_batch_delete(call: NativeCall, deletions: list[list[Any]]) -> None:
    await _delete_rows(call, deletions)


async def _delete_rows(call: NativeCall, deletions: list[list[Any]]) -> None:
    base, by_view = access_of(call), dict[View, list[int]]()
    for row_cap, *rest in deletions:
        access = base.with_overrides(rest[0] if rest else None)
        view, row_id = access.open_row(row_cap, WRITE)
        by_view.setdefault(view, []).append(row_id)
    alone = len(by_view) == 1 and all(view.restrict is None for view in by_view)
    async with database_of(call) as db, db.guarded() if alone else db.atomic():
        for view, ids in by_view.items():
            await writes.delete(db, base.table(view.table_id), view, ids)
