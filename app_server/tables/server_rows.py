"""Rows for Python inside the server (users, background tasks): dictionaries, no capabilities."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from app_server.errors import AnvilError
from app_server.tables import fetch as fetching
from app_server.tables import writes
from app_server.tables.errors import table_error
from app_server.tables.names import ID
from app_server.tables.query import Parser, compile_condition
from app_server.tables.schema import Column, Schema, Table
from app_server.tables.transactions import Db, Transactions
from app_server.tables.values import ROW_REF, decode
from app_server.tables.views import Access, View
from app_server.wire.values import PortableValue

Row = dict[str, Any]
"""Column values by name, and ``_id``. Links are row ids, media ``StoredMedia``."""

MAX_RUNS = 5
"""How often work of the server itself is done anew when the tables change under it."""


def _again_when_stale(
    method: Callable[..., Coroutine[Any, Any, Any]],
) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Do it once more when the tables changed before anything was done, unless it is part of a
    transaction, which has to begin anew."""

    @functools.wraps(method)
    async def run(self: ServerRows, *args: Any, **options: Any) -> Any:
        for _ in range(MAX_RUNS - 1):
            try:
                return await method(self, *args, **options)
            except AnvilError as error:
                if options.get("connection") is not None or not await self.is_stale(error):
                    raise
        return await method(self, *args, **options)

    return run


class ServerRows:
    """What ``TableStore`` has for that. All methods take ``connection``: what ``transaction`` gave,
    to be part of it."""

    transactions: Transactions

    @property
    def schema(self) -> Schema:
        """The tables as they are now; replaced whenever some server changes them."""
        return self.transactions.schema

    async def is_stale(self, error: AnvilError) -> bool:
        raise NotImplementedError

    async def ensure_columns(self, table: str, columns: Mapping[str, str]) -> None:
        raise NotImplementedError

    @property
    def _access(self) -> Access:
        self.transactions.compiled_for.set(self.schema)
        return Access(self.schema, is_client=False)

    def table(self, name: str) -> Table:
        """TableError when there is no such table."""
        table = self.schema.by_name.get(name)
        if table is None:
            raise table_error(f"This app has no data table '{name}'")
        return table

    @_again_when_stale
    async def find_rows(
        self,
        table: str,
        *,
        connection: Db | None = None,
        limit: int | None = None,
        for_update: bool = False,
        **values: Any,
    ) -> list[Row]:
        """Rows whose columns equal ``values``, oldest first. None finds None; a simple object is
        contained in what is found. ``for_update`` locks them until ``connection`` commits."""
        found = self.table(table)
        query = _with_refs(found, values)
        condition = Parser(self._access, found, set(found.columns)).parse([], query)
        where, parameters = compile_condition(condition, found)
        suffix = f" LIMIT {int(limit)}" if limit else ""
        suffix += " FOR UPDATE OF t" if for_update else ""
        return await self._select(
            connection, found, f"WHERE {where} ORDER BY t.{ID}{suffix}", parameters
        )

    async def find_row(self, table: str, **options: Any) -> Row | None:
        """The first that ``find_rows`` finds, or None."""
        rows = await self.find_rows(table, limit=1, **options)
        return rows[0] if rows else None

    @_again_when_stale
    async def find_row_ci(
        self, table: str, column: str, text: str, *, connection: Db | None = None
    ) -> Row | None:
        """The first row whose column equals ``text`` when case is ignored."""
        found = self.table(table)
        if column not in found.columns:
            return None
        where = f"WHERE lower(t.{found.columns[column].sql}) = lower(%s) ORDER BY t.{ID} LIMIT 1"
        rows = await self._select(connection, found, where, [text])
        return rows[0] if rows else None

    @_again_when_stale
    async def get_row(
        self,
        table: str,
        row_id: int,
        *,
        connection: Db | None = None,
        for_update: bool = False,
    ) -> Row | None:
        found = self.table(table)
        lock = " FOR UPDATE OF t" if for_update else ""
        rows = await self._select(connection, found, f"WHERE t.{ID} = %s{lock}", [row_id])
        return rows[0] if rows else None

    @_again_when_stale
    async def insert_row(
        self,
        table: str,
        values: Mapping[str, Any],
        *,
        connection: Db | None = None,
        create_columns: Mapping[str, str] | None = None,
    ) -> int:
        """The id of a new row. ``create_columns``: names and types that are made if missing."""
        await self.ensure_columns(table, create_columns or {})
        found = self.table(table)
        row = _with_refs(found, values)
        async with self._use(connection) as db:
            return (await writes.insert(db, self._access, View(found.id), [row]))[0]

    @_again_when_stale
    async def update_row(
        self,
        table: str,
        row_id: int,
        values: Mapping[str, Any],
        *,
        connection: Db | None = None,
        create_columns: Mapping[str, str] | None = None,
    ) -> None:
        """Change columns of a row. RowDeleted when it is gone."""
        await self.ensure_columns(table, create_columns or {})
        found = self.table(table)
        change = writes.RowUpdate(row_id, _with_refs(found, values), self._access)
        async with self._use(connection) as db:
            await writes.update(db, View(found.id), [change])

    @_again_when_stale
    async def delete_row(self, table: str, row_id: int, *, connection: Db | None = None) -> None:
        found = self.table(table)
        async with self._use(connection) as db:
            await writes.delete(db, found, View(found.id), [row_id])

    @asynccontextmanager
    async def _use(self, connection: Db | None) -> AsyncIterator[Db]:
        if connection is None:
            async with self.transactions.database(None) as db:
                yield db
        else:
            yield connection

    async def _select(
        self, connection: Db | None, table: Table, where: str, parameters: Sequence[Any]
    ) -> list[Row]:
        plan = fetching.FetchPlan(self._access, View(table.id), _no_links(table))
        async with self._use(connection) as db:
            [rows] = await plan.read(db, (f"FROM {table.sql} AS t {where}", list(parameters)))
        fetch = plan.fetches[0]
        return [{"_id": row[0]} | _decoded(fetch, row) for row in rows]


def _decoded(fetch: fetching.Fetch, row: fetching.RawRow) -> Row:
    zones = row[1] or {}
    return {
        column.name: decode(column, value, zones, lambda media: media)
        for column, value in zip(fetch.columns, fetch.values(row), strict=True)
    }


def _no_links(table: Table) -> dict[str, Any]:
    """Every column, and nothing of linked rows."""
    return {name: {} if column.is_link else True for name, column in table.columns.items()}


def _with_refs(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Row ids in link columns as the references that browsers and server code send."""
    return {name: _with_ref(table.columns.get(name), value) for name, value in values.items()}


def _with_ref(column: Column | None, value: Any) -> Any:
    if column is None or column.target is None:
        return value
    if isinstance(value, list):
        return [_with_ref(column, item) for item in value]
    if isinstance(value, int):
        return PortableValue(ROW_REF, View(column.target).row_capability(value))
    return value
