"""The tables of one instance: opened once, used by native functions and by Python in the server."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from app_server.errors import AnvilError, StaleSchemaError, StartupError
from app_server.stack import CallStack
from app_server.tables import fetch as fetching
from app_server.tables import metadata, migration, search
from app_server.tables.errors import NO_SUCH_COLUMN, TABLE_ERROR, table_error, translate
from app_server.tables.metadata import CHANNEL, Stored
from app_server.tables.migration_renames import Rename
from app_server.tables.names import META_SCHEMA
from app_server.tables.pages import OpenSearches
from app_server.tables.pool import GATE, MAX_CONNECTIONS, Connection, ConnectionPool, connect
from app_server.tables.schema import WantedColumn
from app_server.tables.server_rows import ServerRows
from app_server.tables.transactions import Db, Transactions
from app_server.tables.values import row_ref_target
from app_server.tables.views import Access, View

if TYPE_CHECKING:
    from app_server.native.registry import NativeCall

logger = logging.getLogger(__name__)

_WAIT_AT_GATE = f"SELECT pg_advisory_xact_lock_shared({GATE})"
_GREETING = f"{_WAIT_AT_GATE}; LISTEN {CHANNEL}; SELECT changes FROM {META_SCHEMA}.version"

LOCK_SECONDS = 2


def libpq_url(url: str) -> str:
    """A database address for libpq; ``instance.yaml`` has it in the JDBC form of Anvil's server."""
    return url.removeprefix("jdbc:")


class TableStore(ServerRows):
    """``plan`` is what was done, or ignored, when it was opened or last migrated."""

    def __init__(self, pool: ConnectionPool, stored: Stored, plan: migration.Plan) -> None:
        self.pool = pool
        self.plan = plan
        self.transactions = Transactions(pool)
        self.pages = OpenSearches()
        self._take(stored)
        pool.greet = self._greet

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
    if plan and plan.is_first:
        logger.info("Made the data tables: %d of them, new.", len(stored.schema.tables))
    elif plan:
        done = "Ignored" if wanted.options.ignore_invalid_schema else "Made"
        logger.info("%s these changes of the data tables:\n%s", done, plan)
    return stored, plan


def _without_password(url: str) -> str:
    try:
        parts = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        return "the configured address"
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
