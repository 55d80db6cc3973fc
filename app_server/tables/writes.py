"""Changing rows: insert, update, delete, through a view and its condition."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app_server.tables.errors import no_such_column, row_deleted, table_error
from app_server.tables.media import store_media
from app_server.tables.names import ID, OFFSETS
from app_server.tables.query import Condition, both, compile_condition, fixed_values
from app_server.tables.schema import Column, Table
from app_server.tables.transactions import Db
from app_server.tables.values import check, encode, offset_minutes
from app_server.tables.views import Access, View

MAX_ROWS = 100_000
"""Rows in one add_rows()."""

MISMATCH = "Data does not match view constraints"


@dataclass(slots=True)
class RowUpdate:
    row_id: int
    values: Mapping[str, Any]
    access: Access


@dataclass(slots=True)
class _Row:
    """A row ready for SQL: text by column, and minutes of time zones by column id. Media columns
    stand in ``media`` until their bytes are stored."""

    texts: dict[Column, str | None]
    offsets: dict[str, int | None]
    media: dict[Column, Any]


def check_columns(access: Access, view: View, names: Iterable[str]) -> None:
    """NoSuchColumnError for a column that the asker may not write through the view."""
    table = access.table(view.table_id)
    for name in names:
        column = table.columns.get(name)
        hidden = column is not None and column.client_hidden and access.hides_columns_on_write
        outside = view.cols is not None and name not in view.cols
        if column is None or hidden or outside:
            raise no_such_column(name, " in this view" if view.cols is not None else "")


def _prepare(access: Access, view: View, values: Mapping[str, Any]) -> _Row:
    """Checks every value. TableError as the library's users know it."""
    if not isinstance(values, Mapping):
        raise table_error("A row must be given as a dictionary")
    check_columns(access, view, values)
    table = access.table(view.table_id)
    row = _Row({}, {}, {})
    for name, value in values.items():
        column = table.columns[name]
        check(access.schema, column, value)
        if column.type == "media" and value is not None:
            row.media[column] = value
            continue
        row.texts[column] = encode(column, value)
        if column.type == "datetime":
            row.offsets[str(column.id)] = offset_minutes(value)
    return row


async def insert(
    db: Db, access: Access, view: View, rows: Sequence[Mapping[str, Any]]
) -> list[int]:
    """The ids of the new rows, in the order given. Nothing is added when one row is refused."""
    if len(rows) > MAX_ROWS:
        raise table_error(f"Cannot add more than {MAX_ROWS} rows at once")
    table, condition = access.table(view.table_id), view.condition
    fixed = _fixed(table, condition)
    _ensure_all_columns_known(table, view, fixed)
    prepared = []
    for values in rows:
        row = _prepare(access, view, values)
        row.texts.update(fixed)
        prepared.append(row)
    if not prepared:
        return []
    if condition is None and not any(row.media for row in prepared):
        async with db.guarded():
            return await _insert(db, table, prepared, None)
    async with db.atomic():
        await _store_media(db, prepared)
        return await _insert(db, table, prepared, condition)


def _fixed(table: Table, condition: Condition | None) -> dict[Column, str | None]:
    """Values that a row of the view must have, given by its condition."""
    return {table.by_id[i]: text for i, text in fixed_values(condition).items() if i in table.by_id}


def _ensure_all_columns_known(table: Table, view: View, fixed: Mapping[Column, str | None]) -> None:
    """Rows can be added to a view with fewer columns only if it fixes the others."""
    if view.cols is None:
        return
    known = set(view.cols) | {column.name for column in fixed}
    if known != set(table.columns):
        raise table_error("You cannot add rows to this view")


async def _store_media(db: Db, rows: Iterable[_Row]) -> None:
    for row in rows:
        for column, value in row.media.items():
            row.texts[column] = str(await store_media(db, value))


async def _insert(
    db: Db, table: Table, rows: Sequence[_Row], condition: Condition | None
) -> list[int]:
    columns = list(dict.fromkeys(column for row in rows for column in row.texts))
    arrays: list[Any] = [[row.texts.get(column) for row in rows] for column in columns]
    names, values = [column.sql for column in columns], [f"{{}}::{c.cast}" for c in columns]
    if table.has_offsets:
        arrays.append([_offsets_json(row) for row in rows])
        names.append(OFFSETS)
        values.append("jsonb_strip_nulls({}::jsonb)")
    if not arrays:
        return await _insert_empty(db, table, len(rows))
    matches, more = compile_condition(condition, table)
    insert = f"INSERT INTO {table.sql} AS t ({', '.join(names)})"
    if len(rows) == 1:
        places, parameters = _places(values, arrays)
        source = f"VALUES ({', '.join(places)})"
    else:
        places, parameters = [v.format(f"v.c{i}") for i, v in enumerate(values)], arrays
        source = f"SELECT {', '.join(places)} FROM {_unnested(len(arrays))} ORDER BY v.n"
    query = f"{insert} {source} RETURNING t.{ID}, ({matches})"
    added = await db.rows((query, [*parameters, *more]))
    if not all(matched for _, matched in added):
        raise table_error(MISMATCH)
    return [row_id for row_id, _ in added]


def _places(values: Sequence[str], arrays: Sequence[list[Any]]) -> tuple[list[str], list[Any]]:
    """For a single row: parameters in place of columns of arrays, which takes half the time."""
    return [value.format("%s") for value in values], [array[0] for array in arrays]


def _unnested(number: int) -> str:
    """So many arrays of text as rows ``v`` with columns ``c0``, ``c1``, ... and their number."""
    arrays, names = ", ".join(["%s::text[]"] * number), ", ".join(f"c{i}" for i in range(number))
    return f"unnest({arrays}) WITH ORDINALITY AS v({names}, n)"


async def _insert_empty(db: Db, table: Table, number: int) -> list[int]:
    """Rows of a table without columns, or rows without any value."""
    query = (
        f"INSERT INTO {table.sql} ({ID})"
        " SELECT nextval(pg_get_serial_sequence(%s, '_id')) FROM generate_series(1, %s)"
        f" RETURNING {ID}"
    )
    return [row[0] for row in await db.rows((query, [table.sql, number]))]


def _offsets_json(row: _Row) -> str:
    return json.dumps(row.offsets)


async def update(db: Db, view: View, updates: Sequence[RowUpdate]) -> None:
    """Change rows of one view; several updates of a row count as one. RowDeleted when a row is gone
    or not in the view; TableError when a changed row would not be in it any more."""
    merged: dict[int, _Row] = {}
    table = updates[0].access.table(view.table_id)
    for each in updates:
        row = merged.setdefault(each.row_id, _Row({}, {}, {}))
        prepared = _prepare(each.access, view, each.values)
        for column in (*prepared.texts, *prepared.media):
            row.texts.pop(column, None)
            row.media.pop(column, None)
        row.texts.update(prepared.texts)
        row.media.update(prepared.media)
        row.offsets.update(prepared.offsets)
    rows = list(merged.items())
    alone = len(rows) == 1 and not rows[0][1].media and view.restrict is None
    if alone:
        async with db.guarded():
            await _update_alike(db, table, rows, None)
        return
    async with db.atomic():
        await _store_media(db, merged.values())
        by_columns = defaultdict(list)
        for row_id, row in rows:
            by_columns[tuple(row.texts)].append((row_id, row))
        for group in by_columns.values():
            await _update_alike(db, table, group, view.condition)


async def _update_alike(
    db: Db, table: Table, rows: Sequence[tuple[int, _Row]], condition: Condition | None
) -> None:
    """Update rows that all change the same columns, in one statement."""
    columns = list(rows[0][1].texts)
    matches, values = compile_condition(condition, table)
    ids = [row_id for row_id, _ in rows]
    if not columns:
        query = f"SELECT t.{ID} FROM {table.sql} AS t WHERE t.{ID} = ANY (%s) AND ({matches})"
        if len(await db.rows((query, [ids, *values]))) < len(ids):
            raise row_deleted()
        return
    arrays: list[Any] = [[row.texts[column] for _, row in rows] for column in columns]
    sets = [f"{column.sql} = {{}}::{column.cast}" for column in columns]
    if any(row.offsets for _, row in rows):
        arrays.append([_offsets_json(row) for _, row in rows])
        sets.append(f"{OFFSETS} = jsonb_strip_nulls(t.{OFFSETS} || {{}}::jsonb)")
    if len(rows) == 1:
        places, parameters = _places(sets, arrays)
        source, where, parameters = "", "%s", [*parameters, ids[0]]
    else:
        places = [each.format(f"v.c{i}") for i, each in enumerate(sets)]
        source, where = f" FROM {_unnested(len(arrays) + 1)}", f"v.c{len(arrays)}::bigint"
        parameters = [*arrays, list(map(str, ids))]
    query = (
        f"UPDATE {table.sql} AS t SET {', '.join(places)}{source}"
        f" WHERE t.{ID} = {where} AND ({matches}) RETURNING ({matches})"
    )
    changed = await db.rows((query, [*parameters, *values, *values]))
    if len(changed) < len(rows):
        raise row_deleted()
    if not all(matched for (matched,) in changed):
        raise table_error(MISMATCH)


async def delete(db: Db, table: Table, view: View, row_ids: Sequence[int]) -> None:
    """Delete rows of a view. Rows that are gone already do not matter; TableError for rows that are
    there but not in the view."""
    matches, values = compile_condition(view.condition, table)
    query = f"DELETE FROM {table.sql} AS t WHERE t.{ID} = ANY (%s::bigint[]) AND ({matches})"
    if view.restrict is None:
        await db.run((query, [list(row_ids), *values]))
        return
    async with db.atomic():
        await db.run((query, [list(row_ids), *values]))
        left = f"SELECT 1 FROM {table.sql} AS t WHERE t.{ID} = ANY (%s::bigint[]) LIMIT 1"
        if await db.rows((left, [list(row_ids)])):
            raise table_error("Cannot delete a row that is not in this view")


async def delete_found(db: Db, table: Table, view: View, condition: Condition | None) -> None:
    """Delete every row of a view, or those that a search in it finds."""
    if view.cols is not None:
        raise table_error("Cannot call delete_all_rows() on a view")
    matches, values = compile_condition(both(view.condition, condition), table)
    await db.run((f"DELETE FROM {table.sql} AS t WHERE {matches}", values))
