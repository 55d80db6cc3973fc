"""Columns made because somebody wrote to them (``auto_create_missing_columns``).

Anvil's older apps have this in the configuration of their tables service, on the client's or the
server's side. A value of None, or an empty list, does not tell a type: it makes no column here
(Anvil's server makes one whose type is open), and is forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from app_server.app_log import log_output
from app_server.native.registry import NativeCall
from app_server.tables.errors import no_such_column, table_error
from app_server.tables.schema import WantedColumn
from app_server.tables.values import ValueType, type_name, type_of
from app_server.tables.views import Access, View

logger = logging.getLogger(__name__)

SERVICE = "/runtime/services/tables.yml"
MAX_COLUMNS = 500
"""Of a table. Postgres takes 1600 at most, fewer when rows are wide."""

MAX_NAME_CHARS = 200
_UNTOLD = ("unresolved", "unresolvedArray")


def is_enabled(call: NativeCall) -> bool:
    service = call.instance.app.services.get(SERVICE)
    if service is None:
        return False
    config = {**(service.client_config or {}), **(service.server_config or {})}
    return bool(config.get("auto_create_missing_columns"))


async def make_missing_columns(
    call: NativeCall, access: Access, view: View, rows: Iterable[Mapping[str, Any]]
) -> tuple[Access, list[Mapping[str, Any]]]:
    """Make the columns that ``rows`` name and the table lacks, where the app wants that and the
    view is of the whole table. Answers who asks, knowing of the new columns, and the rows without
    values that tell no type. TableError for a value that no column can hold."""
    rows = list(rows)
    columns = access.table(view.table_id).columns
    unknown = {name for row in rows for name in row if name not in columns}
    if not unknown or view.cols is not None or view.restrict is not None or not is_enabled(call):
        return access, rows
    types: dict[str, ValueType] = {}
    for name, value in ((name, row[name]) for row in rows for name in unknown & row.keys()):
        found = type_of(value)
        if found.error:
            raise table_error(found.error)
        if found.type not in _UNTOLD:
            types.setdefault(name, found)
    await _make(call, access, view, types)
    rows = [{n: v for n, v in row.items() if n not in unknown or n in types} for row in rows]
    return call.instance.tables.access(call).with_overrides(access.overrides), rows


async def _make(
    call: NativeCall, access: Access, view: View, types: Mapping[str, ValueType]
) -> None:
    table, schema = access.table(view.table_id), access.schema
    if len(table.columns) + len(types) > MAX_COLUMNS:
        raise table_error(f"A table cannot have more than {MAX_COLUMNS} columns")
    wanted = []
    for name, found in types.items():
        if not name or len(name) > MAX_NAME_CHARS or "\x00" in name:
            raise no_such_column(name[:MAX_NAME_CHARS])
        target = schema.tables[found.target].name if found.target is not None else None
        wanted.append(WantedColumn(name, found.type, target))
    if not wanted:
        return
    try:
        await call.instance.tables.add_columns(table.name, wanted)
    except psycopg.errors.LockNotAvailable as error:
        raise table_error(
            f"Column '{wanted[0].name}' of table '{table.title}' cannot be created while the table "
            "is in use (a transaction that has already used a table cannot add columns to it)"
        ) from error
    for name, found in types.items():
        kind = type_name(schema, found.type, found.target)
        log_output(call.instance.name, [f'Automatically creating column "{name}" ({kind})'])
