"""The native functions of Data Tables, as ``anvil/tables/v2`` of the server wheel calls them.

Each checks capabilities and permissions first, then does its work on the connection of the call
(its open transaction's, if there is one).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from app_server.native.registry import NativeCall, native
from app_server.tables import csv_export, search, writes
from app_server.tables.errors import row_deleted, table_error
from app_server.tables.fetch import clean_request, requested_columns, table_spec
from app_server.tables.media import resolve_media
from app_server.tables.query import Parser, both, is_plain_value
from app_server.tables.schema import READ, WRITE
from app_server.tables.search import Search
from app_server.tables.transactions import Db
from app_server.tables.views import Access, View, canonical, search_view, table_view
from app_server.wire.values import Capability, LazyMedia, PortableValue

V2 = "anvil.private.tables.v2."
TableData = dict[str, Any]


def _access(call: NativeCall) -> Access:
    access: Access = call.instance.tables.access(call)
    return access


@asynccontextmanager
async def _database(call: NativeCall) -> AsyncIterator[Db]:
    async with call.instance.tables.transactions.database(call.stack) as db:
        yield db


# Tables


def _table_arguments(access: Access, table_id: int) -> list[Any]:
    """What ``Table._create`` takes: a capability where the caller may read the table at all."""
    table, view = access.schema.tables[table_id], View(table_id)
    readable = access.ambient_level(table) >= READ
    return [view.capability if readable else None, view.key, table_id]


@native(V2 + "get_app_tables")
async def get_app_tables(call: NativeCall) -> dict[str, list[Any]]:
    access = _access(call)
    return {t.name: _table_arguments(access, t.id) for t in access.schema.tables.values()}


@native(V2 + "get_table_by_id")
async def get_table_by_id(call: NativeCall, table_id: Any) -> list[Any] | None:
    """Takes a table's id or a row's (``[table_id,row_id]``)."""
    access = _access(call)
    found = _split_id(table_id, 0)[0]
    if found is None or found not in access.schema.tables:
        return None
    return _table_arguments(access, found)


@native("anvil.private.tables.get_table_id")
async def get_table_id(call: NativeCall, name: str) -> int | None:
    """For old uplinks."""
    table = _access(call).schema.by_name.get(name)
    return table.id if table else None


def _split_id(given: Any, alone: int) -> list[int | None]:
    """Table id and row id of ``7``, ``"7"`` or ``"[3,7]"``; a single number goes to ``alone``."""
    text = str(given).strip()
    if text.isdecimal() and len(text) < 19:
        found: list[int | None] = [None, None]
        found[alone] = int(text)
        return found
    parts = text[1:-1].split(",") if text[:1] == "[" and text[-1:] == "]" else []
    if len(parts) == 2 and all(p.isdecimal() and len(p) < 19 for p in parts):
        return [int(parts[0]), int(parts[1])]
    return [None, None]


def _row_id(given: Any, table_id: int) -> int | None:
    """The row id that a caller gave, unless it is no id or one of another table."""
    table, row = _split_id(given, 1)
    return row if table is None or table == table_id else None


@native(V2 + "table.list_columns")
async def list_columns(call: NativeCall, table_cap: Any) -> list[dict[str, Any]]:
    access = _access(call)
    view = access.open_table(table_cap, READ)
    table, names = access.table(view.table_id), access.columns_of(view)
    listed = []
    for column in sorted((table.columns[n] for n in names), key=lambda c: (c.position, c.name)):
        entry: dict[str, Any] = {"id": str(column.id), "name": column.name, "type": column.type}
        if column.target is not None:
            entry["table_id"] = column.target
        if column.client_hidden:
            entry["client_hidden"] = True
        listed.append(entry)
    return listed


_VIEW_NAMES = {"rwc": "cascading writable", "rw": "read-write", "r": "read-only"}
_MAY_MAKE = {"rwc": ("rwc",), "rw": ("rwc", "rw"), "r": ("rwc", "rw", "r")}


@native(V2 + "table.get_view")
async def get_view(
    call: NativeCall,
    table_cap: Any,
    perm: str,
    _only_cols: Any = None,
    query_args: Any = None,
    query_kws: Any = None,
) -> list[Any]:
    """A view of a view: never wider than the one it is made from."""
    access = _access(call)
    if table_cap is None:
        access.open_table(None, READ)
    view = table_view(table_cap)
    table = access.table(view.table_id)
    if perm not in _VIEW_NAMES:
        raise table_error("Invalid view type")
    level = READ if perm == "r" else WRITE
    allowed = view.perm in _MAY_MAKE[perm] if view.perm else access.ambient_level(table) >= level
    if not allowed:
        raise table_error(
            f"You do not have permission to create a {_VIEW_NAMES[perm]} view of this table here"
        )
    if perm == "rwc" and access.is_client:
        raise table_error("Cannot create cascading writable view on the client.")
    columns = access.columns_of(view)
    only, queries = _only_columns(set(columns), query_args or [], view)
    parsed = Parser(access, table, set(columns)).parse(queries, query_kws or {})
    condition = both(view.condition, parsed)
    if only is None:
        # A column that the view fixes to one value is no longer part of it.
        fixed = {name for name, value in (query_kws or {}).items() if is_plain_value(value)}
        left = tuple(name for name in columns if name not in fixed)
        only = left if fixed else view.cols
    made = View(view.table_id, perm, only, canonical(condition) if condition else None)
    return [made.capability, made.key]


def _only_columns(
    allowed: set[str], args: list[Any], view: View
) -> tuple[tuple[str, ...] | None, list[Any]]:
    """The columns of ``q.only_cols()`` (the last one counts), and the other arguments."""
    only, rest = None, []
    for arg in args:
        if not isinstance(arg, PortableValue) or arg.type_name != "anvil.tables.query.only_cols":
            rest.append(arg)
            continue
        names = arg.value.get("cols") if isinstance(arg.value, Mapping) else None
        if not isinstance(names, list):
            raise table_error("invalid query argument for q.only_cols")
        unknown = [str(name) for name in names if name not in allowed]
        if unknown:
            in_view = view.cols is not None
            why = "is not available in this view" if in_view else "does not exist in this table"
            raise table_error(f"Column {', '.join(unknown)} {why}")
        only = tuple(sorted(names))
    return only, rest


# Searches


@native(V2 + "table.search")
async def table_search(call: NativeCall, table_cap: Any, args: Any, kwargs: Any) -> list[Any]:
    access = _access(call)
    found = search.parse_search(access, access.open_table(table_cap, READ), args, kwargs)
    async with _database(call) as db:
        page = await search.get_page(db, access, found, None)
    following = found.capability(page.cursor) if page.cursor else None
    return [page.row_ids, found.capability(), following, page.table_data]


@native(V2 + "table.get_row")
async def get_row(call: NativeCall, table_cap: Any, args: Any, kwargs: Any) -> list[Any] | None:
    access = _access(call)
    found = search.parse_search(access, access.open_table(table_cap, READ), args, kwargs)
    if found.order or found.page_rows:
        raise table_error("Cannot specify ordering or pagination options with get()")
    async with _database(call) as db:
        row = await search.get_one(db, access, found)
    return list(row) if row else None


@native(V2 + "table.get_row_by_id")
async def get_row_by_id(
    call: NativeCall, table_cap: Any, row_id: Any, fetch: Any = None
) -> list[Any] | None:
    access = _access(call)
    view = access.open_table(table_cap, READ)
    requested, found = requested_columns(fetch), _row_id(row_id, view.table_id)
    if found is None:
        return None
    async with _database(call) as db:
        data = await search.fetch_row(db, access, view, found, requested)
    return None if data is None else [found, data]


@native(V2 + "table.has_row")
async def has_row(call: NativeCall, table_cap: Any, row_id: Any) -> bool:
    access = _access(call)
    view = access.open_table(table_cap, READ)
    found = _row_id(row_id, view.table_id)
    if found is None:
        return False
    async with _database(call) as db:
        return await search.has_row(db, access.table(view.table_id), view, found)


def _open_search(capability: Any) -> tuple[Search, str | None]:
    view, spec, cursor = search_view(capability)
    return Search.from_spec(view, spec), cursor


@native(V2 + "search.next_page")
async def next_page(call: NativeCall, search_cap: Any, *_unused: Any) -> list[Any]:
    access, (found, cursor) = _access(call), _open_search(search_cap)
    async with _database(call) as db:
        page = await search.get_page(db, access, found, cursor)
    following = found.capability(page.cursor) if page.cursor else None
    return [page.row_ids, following, page.table_data]


@native(V2 + "search.get_length")
async def get_length(call: NativeCall, search_cap: Any) -> int:
    access, (found, _) = _access(call), _open_search(search_cap)
    async with _database(call) as db:
        return await search.count(db, access.table(found.view.table_id), found)


@native(V2 + "search.delete_all")
async def delete_found(call: NativeCall, search_cap: Any) -> None:
    access, (found, _) = _access(call), _open_search(search_cap)
    access.ensure(found.view, WRITE)
    async with _database(call) as db, db.guarded():
        table = access.table(found.view.table_id)
        await writes.delete_found(db, table, found.view, found.condition)


@native(V2 + "table.delete_all_rows")
async def delete_all_rows(call: NativeCall, table_cap: Any) -> None:
    access = _access(call)
    view = access.open_table(table_cap, WRITE)
    async with _database(call) as db, db.guarded():
        await writes.delete_found(db, access.table(view.table_id), view, None)


@native(V2 + "table.to_csv")
async def table_to_csv(
    call: NativeCall, table_cap: Any, escape_for_excel: bool = False
) -> LazyMedia:
    access = _access(call)
    view = access.open_table(table_cap, READ)
    return csv_export.reference(call, access, Search(view), escape_for_excel)


@native(V2 + "search.to_csv")
async def search_to_csv(
    call: NativeCall, search_cap: Any, escape_for_excel: bool = False
) -> LazyMedia:
    access, (found, _) = _access(call), _open_search(search_cap)
    return csv_export.reference(call, access, found, escape_for_excel)


# Rows


async def _add(
    call: NativeCall, access: Access, view: View, rows: list[Any]
) -> tuple[list[tuple[int, Capability]], dict[str, Any]]:
    for row in rows:
        if not isinstance(row, Mapping):
            raise table_error("A row must be given as a dictionary")
    if view.cols is not None:
        # Columns that are not given are None, so that the view's condition is checked for them.
        named = [n for n in view.cols if not _is_hidden(access, view, n)]
        rows = [dict.fromkeys(named) | dict(row) for row in rows]
    resolved = await resolve_media(call, rows)
    async with _database(call) as db:
        ids = await writes.insert(db, access, view, resolved)
    return [(i, view.row_capability(i)) for i in ids], table_spec(access, view, ())


def _is_hidden(access: Access, view: View, name: str) -> bool:
    column = access.table(view.table_id).columns.get(name)
    return column is None or (column.client_hidden and access.hides_columns_on_write)


@native(V2 + "table.add_rows")
async def add_rows(
    call: NativeCall, table_cap: Any, rows: list[Any], overrides: Any = None
) -> list[Any]:
    access = _access(call).with_overrides(overrides)
    added, spec = await _add(call, access, access.open_table(table_cap, WRITE), rows)
    return [added, spec]


@native(V2 + "table.add_row")
async def add_row(
    call: NativeCall,
    table_cap: Any,
    row: dict[str, Any],
    overrides: Any = None,
    trusted_values: dict[str, Any] | None = None,
) -> list[Any]:
    """``trusted_values`` come from server code that acts for a browser, so hidden columns may be
    among them; ``row`` comes from the browser."""
    access = _access(call).with_overrides(overrides)
    view = access.open_table(table_cap, WRITE)
    if access.hides_columns_on_write or trusted_values:
        writes.check_columns(access, view, row)
    if access.overrides and not call.is_client:
        kept = {k: v for k, v in access.overrides.items() if k != "filter_client_hidden"}
        access = access.with_overrides(kept)
    [(row_id, capability)], spec = await _add(
        call, access, view, [{**row, **(trusted_values or {})}]
    )
    return [row_id, capability, spec]


@native(V2 + "row.can_auto_create")
async def can_auto_create(_call: NativeCall) -> bool:
    return False


@native(V2 + "row.fetch")
async def row_fetch(call: NativeCall, row_cap: Any, columns: Any = None) -> TableData:
    access = _access(call)
    view, row_id = access.open_row(row_cap, 0)
    async with _database(call) as db:
        data = await search.fetch_row(db, access, view, row_id, clean_request(columns))
    if data is None:
        raise row_deleted()
    return data


@native(V2 + "row.update")
async def row_update(
    call: NativeCall, row_cap: Any, values: dict[str, Any], overrides: Any = None
) -> dict[str, Any]:
    [spec] = await _update_rows(call, [[row_cap, values, overrides]])
    return spec


@native(V2 + "row.batch_update")
async def row_batch_update(call: NativeCall, updates: list[list[Any]]) -> list[dict[str, Any]]:
    """All updates or none. Answers the table spec of each."""
    return await _update_rows(call, updates)


async def _update_rows(call: NativeCall, updates: list[list[Any]]) -> list[dict[str, Any]]:
    specs, by_view = [], dict[View, list[writes.RowUpdate]]()
    base = _access(call)
    for row_cap, values, *rest in updates:
        access = base.with_overrides(rest[0] if rest else None)
        view, row_id = access.open_row(row_cap, WRITE)
        if not isinstance(values, Mapping):
            raise table_error("A row must be given as a dictionary")
        [resolved] = await resolve_media(call, [values])
        by_view.setdefault(view, []).append(writes.RowUpdate(row_id, resolved, access))
        specs.append(table_spec(base, view, ()))
    async with _database(call) as db:
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
    base, by_view = _access(call), dict[View, list[int]]()
    for row_cap, *rest in deletions:
        access = base.with_overrides(rest[0] if rest else None)
        view, row_id = access.open_row(row_cap, WRITE)
        by_view.setdefault(view, []).append(row_id)
    async with _database(call) as db, db.atomic():
        for view, ids in by_view.items():
            await writes.delete(db, base.table(view.table_id), view, ids)


# Transactions


@native("anvil.private.tables.open_transaction")
async def open_transaction(call: NativeCall, isolation: str | None = None) -> None:
    if call.is_client:
        raise table_error(
            "You can only perform table transactions from server modules. You can't use them here."
        )
    await call.instance.tables.transactions.open(call.stack, isolation)


@native("anvil.private.tables.close_transaction")
async def close_transaction(call: NativeCall, rollback: bool = False) -> None:
    if call.is_client:
        raise table_error("You can only perform table transactions from server modules.")
    await call.instance.tables.transactions.close(call.stack, rollback=bool(rollback))
