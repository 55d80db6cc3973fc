"""Tables, their columns and views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app_server.native.registry import NativeCall, native
from app_server.tables.errors import table_error
from app_server.tables.natives.context import V2, access_of, split_id
from app_server.tables.query import Parser, both, is_plain_value
from app_server.tables.schema import READ, WRITE
from app_server.tables.views import Access, View, canonical, table_view
from app_server.wire.values import PortableValue


def _table_arguments(access: Access, table_id: int) -> list[Any]:
    """What ``Table._create`` takes: a capability where the caller may read the table at all."""
    table, view = access.schema.tables[table_id], View(table_id)
    readable = access.ambient_level(table) >= READ
    return [view.capability if readable else None, view.key, table_id]


@native(V2 + "get_app_tables")
async def get_app_tables(call: NativeCall) -> dict[str, list[Any]]:
    access = access_of(call)
    return {t.name: _table_arguments(access, t.id) for t in access.schema.tables.values()}


@native(V2 + "get_table_by_id")
async def get_table_by_id(call: NativeCall, table_id: Any) -> list[Any] | None:
    """Takes a table's id or a row's (``[table_id,row_id]``)."""
    access = access_of(call)
    found = split_id(table_id, 0)[0]
    if found is None or found not in access.schema.tables:
        return None
    return _table_arguments(access, found)


@native("anvil.private.tables.get_table_id")
async def get_table_id(call: NativeCall, name: str) -> int | None:
    """For old uplinks."""
    table = access_of(call).schema.by_name.get(name)
    return table.id if table else None


@native(V2 + "table.list_columns")
async def list_columns(call: NativeCall, table_cap: Any) -> list[dict[str, Any]]:
    access = access_of(call)
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
    access = access_of(call)
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


@native("get_restricted_columns")
async def get_restricted_columns(call: NativeCall, table_cap: Any, wanted: Any) -> list[Any]:
    """``table.restrict_columns(columns)``: the same view with fewer columns. ``columns``: names, a
    ``q.only_cols()`` or a ``q.fetch_only()``. The name has no prefix in the library either; Anvil's
    own server does not serve it."""
    access = access_of(call)
    if table_cap is None:
        access.open_table(None, READ)
    view = table_view(table_cap)
    content = wanted.value if isinstance(wanted, PortableValue) else {"cols": wanted}
    names = content.get("cols", content.get("spec")) if isinstance(content, Mapping) else None
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise table_error("restrict_columns() takes a list of column names")
    only = PortableValue("anvil.tables.query.only_cols", {"cols": [str(name) for name in names]})
    columns, _ = _only_columns(set(access.columns_of(view)), [only], view)
    made = View(view.table_id, view.perm, columns, view.restrict)
    return [made.capability, made.key]


@native("anvil.private.get_direct_postgres_connection_string")
async def get_connection_string(call: NativeCall, **_address: Any) -> str:
    """Anvil has this on its Dedicated plan, with a login made for it."""
    call.require_server("get a connection string of the database")
    raise table_error(
        "get_connection_string() is not available on this server. The tables of this app are plain "
        "Postgres tables in the schema 'app' of its database: whoever operates the server can give "
        "you a login for them."
    )
