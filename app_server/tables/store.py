"""The tables of one instance: opened once, used by native functions and by Python in the server."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from app_server.errors import AnvilError, StaleSchemaError, StartupError
from app_server.stack import CallStack
from app_server.tables import fetch as fetching
from app_server.tables import metadata, migration, search, writes
from app_server.tables.errors import NO_SUCH_COLUMN, TABLE_ERROR, table_error, translate
from app_server.tables.metadata import CHANNEL, Stored
from app_server.tables.migration_renames import Rename
from app_server.tables.names import ID, META_SCHEMA
from app_server.tables.pages import OpenSearches
from app_server.tables.pool import GATE, MAX_CONNECTIONS, Connection, ConnectionPool, connect
from app_server.tables.query import Parser, compile_condition
from app_server.tables.schema import Column, Schema, Table, WantedColumn
from app_server.tables.transactions import Db, Transactions
from app_server.tables.values import ROW_REF, decode, row_ref_target
from app_server.tables.views import Access, View
from app_server.wire.values import PortableValue

if TYPE_CHECKING:
    from app_server.native.registry import NativeCall

logger = logging.getLogger(__name__)

Row = dict[str, Any]
"""Column values by name, and ``_id``. Links are row ids, media ``StoredMedia``."""


_WAIT_AT_GATE = f"SELECT pg_advisory_xact_lock_shared({GATE})"
_GREETING = f"{_WAIT_AT_GATE}; LISTEN {CHANNEL}; SELECT changes FROM {META_SCHEMA}.version"

LOCK_SECONDS = 2

MAX_RUNS = 5
"""How often work of the server itself is done anew when the tables change under it."""


def _again_when_stale(
    method: Callable[..., Coroutine[Any, Any, Any]],
) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Do it once more when the tables changed before anything was done, unless it is part of a
    transaction, which has to begin anew."""

    @functools.wraps(method)
    async def run(self: TableStore, *args: Any, **options: Any) -> Any:
        for _ in range(MAX_RUNS - 1):
            try:
                return await method(self, *args, **options)
            except AnvilError as error:
                if options.get("connection") is not None or not await self.is_stale(error):
                    raise
        return await method(self, *args, **options)

    return run


def libpq_url(url: str) -> str:
    """A database address for libpq; ``instance.yaml`` has it in the JDBC form of Anvil's server."""
    return url.removeprefix("jdbc:")


class TableStore:
    """``plan`` is what was done, or ignored, when it was opened or last migrated."""

    def __init__(self, pool: ConnectionPool, stored: Stored, plan: migration.Plan) -> None:
        self.pool = pool
        self.plan = plan
        self.transactions = Transactions(pool)
        self.pages = OpenSearches()
        self._take(stored)
        pool.greet = self._greet

    @property
    def schema(self) -> Schema:
        """The tables as they are now; replaced whenever some server changes them."""
        return self.transactions.schema

    @classmethod
    async def open(
        cls,
        database_url: str,
        db_schema: Any,
        *,
        data_dir: Path | None = None,
        auto_migrate: bool = False,
        ignore_invalid_schema: bool = False,
        allow_data_loss: bool = False,
        constraints: Any = None,
        renames: Iterable[Rename] = (),
        hints: Any = None,
        app_version: str = "",
        pool_size: int = MAX_CONNECTIONS,
        transaction_seconds: float | None = None,
    ) -> TableStore:
        """Connect, bring the schema up to date as the options allow (see ``migration.migrate``),
        and be ready. ``constraints``: parsed ``constraints.yaml``; ``hints``: ``table_id_hints``.
        ``transaction_seconds``: how long a transaction may be idle. StartupError tells the operator
        what is wrong. ``store.plan`` says what was changed, or ignored."""
        options = migration.Options(auto_migrate, ignore_invalid_schema, allow_data_loss)
        wanted = migration.read_migration(
            db_schema, constraints, renames, hints, app_version, options
        )
        url = libpq_url(database_url)
        stored, plan = await _migrate(url, wanted)
        store = cls(ConnectionPool(url, pool_size), stored, plan)
        store.transactions.idle_seconds = transaction_seconds
        return store

    async def migrate(
        self,
        db_schema: Any,
        *,
        constraints: Any = None,
        renames: Iterable[Rename] = (),
        hints: Any = None,
        app_version: str = "",
        options: migration.Options,
    ) -> migration.Plan:
        """Change the tables while they are in use; arguments and errors as for ``open``. Answers
        what was changed, or ignored."""
        wanted = migration.read_migration(
            db_schema, constraints, renames, hints, app_version, options
        )
        stored, self.plan = await _migrate(self.pool.url, wanted)
        self._take(stored)
        return self.plan

    async def close(self) -> None:
        await self.pool.close()

    async def health(self) -> dict[str, Any]:
        """``{"ok": bool, "latency_ms": float, "message": str, "pool": {...}}``. Never raises."""
        started = time.perf_counter()
        message = ""
        try:
            async with self.transactions.database(None) as db:
                await db.rows(("SELECT 1", []))
        except Exception as error:  # noqa: BLE001  whatever is wrong is the answer
            message = str(error)
        return {
            "ok": not message,
            "latency_ms": round((time.perf_counter() - started) * 1000, 2),
            "message": message or "The database answers.",
            "pool": self.pool.statistics,
        }

    # For native functions

    def access(self, call: NativeCall) -> Access:
        from app_server.tables.media import lazy_media

        self.transactions.compiled_for.set(self.schema)
        return Access(self.schema, call.is_client, make_media=lambda media: lazy_media(call, media))

    # For Python inside the server

    @property
    def _access(self) -> Access:
        self.transactions.compiled_for.set(self.schema)
        return Access(self.schema, is_client=False)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A plain connection in autocommit mode, for tables of one's own."""
        async with self.pool.connection() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self, stack: CallStack | None = None) -> AsyncIterator[Db]:
        """Everything done with the given ``Db`` happens together or not at all. With a call's
        stack it becomes part of the transaction that is open there."""
        async with self.transactions.database(stack) as db, db.atomic():
            yield db

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

    async def ensure_columns(self, table: str, columns: Mapping[str, str]) -> None:
        """Add the columns (name: type, no links) that the table lacks."""
        missing = {n: kind for n, kind in columns.items() if n not in self.table(table).columns}
        if not missing:
            return
        await self.add_columns(table, [WantedColumn(n, kind) for n, kind in missing.items()])

    async def add_columns(self, table: str, columns: Iterable[WantedColumn]) -> None:
        """Add columns beside ``anvil.yaml``'s. ``psycopg.errors.LockNotAvailable`` when the table
        is in use for longer than LOCK_SECONDS, during which new users of it wait too."""
        try:
            async with self.pool.connection() as connection:
                await connection.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'".encode())
                try:
                    stored = await migration.add_columns(connection, table, columns)
                finally:
                    if not connection.closed:
                        await connection.execute(b"RESET lock_timeout")
        except psycopg.errors.LockNotAvailable:
            raise
        except psycopg.Error as error:
            raise translate(error, {}) from error
        self._take(stored)

    def _take(self, stored: Stored) -> None:
        self._changes = stored.changes
        self.transactions.schema = stored.schema
        self.transactions.is_outdated = False

    async def _greet(self, connection: Connection) -> None:
        """Let a new connection tell of changes of the tables, and look whether there were any. It
        waits while a migration is about to be committed, so that nobody uses the old schema after
        that."""
        connection.add_notify_handler(self._hear)
        cursor = await connection.execute(_GREETING.encode())
        while cursor.nextset():
            pass
        [(changes,)] = await cursor.fetchall()
        if changes != self._changes:
            async with connection.transaction():
                await connection.execute(_WAIT_AT_GATE.encode())
                stored = await metadata.load(connection)
            if stored.changes != self._changes:
                logger.info("The data tables were changed by another server.")
                self._take(stored)
        self.transactions.is_outdated = False

    async def is_stale(self, error: AnvilError) -> bool:
        """Whether something failed only because another server changed the tables."""
        if isinstance(error, StaleSchemaError):
            return True
        if error.type_name not in (TABLE_ERROR, NO_SUCH_COLUMN):
            return False
        schema = self.schema
        try:
            async with self.pool.connection() as connection:
                await self._greet(connection)
        except (AnvilError, psycopg.Error):
            return False
        return self.schema is not schema

    def _hear(self, _notify: psycopg.Notify) -> None:
        self.transactions.is_outdated = True

    async def row_for_wire(
        self, call: NativeCall, table: str, row_id: int, fetch: Any = None
    ) -> list[Any] | None:
        """``[view key, table id, row id, table data]`` as ``anvil.users._to_user_row`` takes it;
        None when the row is gone. ``fetch``: the argument of ``q.fetch_only()``. What a browser
        must not see is left out for one."""
        view = View(self.table(table).id)
        requested = fetching.requested_columns(fetch)
        async with self.transactions.database(call.stack) as db:
            data = await search.fetch_row(db, self.access(call), view, row_id, requested)
        return None if data is None else [view.key, view.table_id, row_id, data]

    def row_id_from_ref(self, value: Any) -> tuple[str, int]:
        """Table name and row id of a row that came as an argument. TableError for other values."""
        target = row_ref_target(value)
        if target is None or target[0] not in self.schema.tables:
            raise table_error("Expected a data table row")
        return self.schema.tables[target[0]].name, target[1]

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


async def _migrate(url: str, wanted: migration.Migration) -> tuple[Stored, migration.Plan]:
    """On a connection of its own. StartupError tells the operator what is wrong."""
    try:
        connection = await connect(url)
    except psycopg.Error as error:
        where = _without_password(url)
        raise StartupError(
            f"The database at {where} cannot be reached: {_first_line(error)}\n"
            "Start it, or correct 'database' in the configuration."
        ) from error
    try:
        stored, plan = await migration.migrate(connection, wanted)
    except psycopg.Error as error:
        raise StartupError(
            f"The data tables in {_without_password(url)} cannot be used: {_first_line(error)}"
        ) from error
    finally:
        await connection.close()
    if plan:
        done = "Ignored" if wanted.options.ignore_invalid_schema else "Made"
        logger.info("%s these changes of the data tables:\n%s", done, plan)
    return stored, plan


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


def _without_password(url: str) -> str:
    try:
        parts = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        return "the configured address"
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
