"""Searching tables, and what is done with all that a search finds."""

from __future__ import annotations

from typing import Any

from app_server.native.registry import NativeCall, native
from app_server.tables import csv_export, search, writes
from app_server.tables.errors import table_error
from app_server.tables.fetch import requested_columns
from app_server.tables.natives.context import V2, access_of, database_of, pages_of, row_id_of
from app_server.tables.schema import READ, WRITE
from app_server.tables.search import Search
from app_server.tables.views import search_view
from app_server.wire.values import LazyMedia


@native(V2 + "table.search")
async def table_search(call: NativeCall, table_cap: Any, args: Any, kwargs: Any) -> list[Any]:
    access = access_of(call)
    found = search.parse_search(access, access.open_table(table_cap, READ), args, kwargs)
    async with database_of(call) as db:
        page = await search.get_page(db, access, found, None, pages_of(call))
    following = found.capability(page.cursor) if page.cursor else None
    return [page.row_ids, found.capability(), following, page.table_data]


@native(V2 + "table.get_row")
async def get_row(call: NativeCall, table_cap: Any, args: Any, kwargs: Any) -> list[Any] | None:
    access = access_of(call)
    found = search.parse_search(access, access.open_table(table_cap, READ), args, kwargs)
    if found.order or found.page_rows:
        raise table_error("Cannot specify ordering or pagination options with get()")
    async with database_of(call) as db:
        row = await search.get_one(db, access, found)
    return list(row) if row else None


@native(V2 + "table.get_row_by_id")
async def get_row_by_id(
    call: NativeCall, table_cap: Any, row_id: Any, fetch: Any = None
) -> list[Any] | None:
    access = access_of(call)
    view = access.open_table(table_cap, READ)
    requested, found = requested_columns(fetch), row_id_of(row_id, view.table_id)
    if found is None:
        return None
    async with database_of(call) as db:
        data = await search.fetch_row(db, access, view, found, requested)
    return None if data is None else [found, data]


@native(V2 + "table.has_row")
async def has_row(call: NativeCall, table_cap: Any, row_id: Any) -> bool:
    access = access_of(call)
    view = access.open_table(table_cap, READ)
    found = row_id_of(row_id, view.table_id)
    if found is None:
        return False
    async with database_of(call) as db:
        return await search.has_row(db, access.table(view.table_id), view, found)


def _open_search(capability: Any) -> tuple[Search, str | None]:
    view, spec, cursor = search_view(capability)
    return Search.from_spec(view, spec), cursor


@native(V2 + "search.next_page")
async def next_page(call: NativeCall, search_cap: Any, *_unused: Any) -> list[Any]:
    access, (found, cursor) = access_of(call), _open_search(search_cap)
    async with database_of(call) as db:
        page = await search.get_page(db, access, found, cursor, pages_of(call))
    following = found.capability(page.cursor) if page.cursor else None
    return [page.row_ids, following, page.table_data]


@native(V2 + "search.get_length")
async def get_length(call: NativeCall, search_cap: Any) -> int:
    access, (found, _) = access_of(call), _open_search(search_cap)
    async with database_of(call) as db:
        return await search.count(db, access.table(found.view.table_id), found)


@native(V2 + "search.delete_all")
async def delete_found(call: NativeCall, search_cap: Any) -> None:
    access, (found, _) = access_of(call), _open_search(search_cap)
    access.ensure(found.view, WRITE)
    async with database_of(call) as db, db.guarded():
        table = access.table(found.view.table_id)
        await writes.delete_found(db, table, found.view, found.condition)


@native(V2 + "table.delete_all_rows")
async def delete_all_rows(call: NativeCall, table_cap: Any) -> None:
    access = access_of(call)
    view = access.open_table(table_cap, WRITE)
    async with database_of(call) as db, db.guarded():
        await writes.delete_found(db, access.table(view.table_id), view, None)


@native(V2 + "table.to_csv")
async def table_to_csv(
    call: NativeCall, table_cap: Any, escape_for_excel: bool = False
) -> LazyMedia:
    access = access_of(call)
    view = access.open_table(table_cap, READ)
    return csv_export.reference(call, access, Search(view), escape_for_excel)


@native(V2 + "search.to_csv")
async def search_to_csv(
    call: NativeCall, search_cap: Any, escape_for_excel: bool = False
) -> LazyMedia:
    access, (found, _) = access_of(call), _open_search(search_cap)
    return csv_export.reference(call, access, found, escape_for_excel)
