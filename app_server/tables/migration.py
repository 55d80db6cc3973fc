"""Bring the tables of a database to the schema that an app wants, while other servers use them.

All of a migration is one transaction: killed anywhere, it leaves everything as it was. It asks for
its locks for a moment only and lets everybody else go first if it does not get them, again and
again. A server that uses the old schema meanwhile notices when it takes its next connection; where
an old statement could read or write the wrong thing (``Plan.moves``), all connections of before
are closed before the change is committed, and what they did not finish is done again.

Indexes are built within the transaction too: ``CREATE INDEX CONCURRENTLY`` cannot be, and leaves a
broken index behind when it is killed. While one is built, rows can be read but not written.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
from psycopg import errors as pg

from app_server.errors import StartupError
from app_server.tables import ddl, metadata
from app_server.tables.constraints import Constraint, parse_constraints
from app_server.tables.metadata import CHANNEL, Stored
from app_server.tables.migration_aside import Aside, list_aside, purge
from app_server.tables.migration_plan import Plan
from app_server.tables.migration_planner import make_plan
from app_server.tables.migration_probes import measure, measure_again
from app_server.tables.migration_renames import Rename
from app_server.tables.migration_settle import SYSTEM_COLUMNS
from app_server.tables.names import META_SCHEMA, choose, literal
from app_server.tables.pool import APPLICATION, GATE, Connection
from app_server.tables.schema import WantedColumn, WantedTable, parse_db_schema

__all__ = [
    "Migration",
    "Options",
    "Plan",
    "add_columns",
    "make_plan",
    "migrate",
    "plan_migration",
    "purge_aside",
    "read_aside",
    "read_migration",
]

logger = logging.getLogger(__name__)

_LOCK = 7_264_011
"""Advisory lock that lets one server at a time change a schema."""

LOCK_SECONDS = 1.0
"""How long a migration asks for its locks, and so keeps others waiting, before it steps back."""

_LOCK_TIMEOUT = f"SET LOCAL lock_timeout = '{int(LOCK_SECONDS * 1000)}ms'"

PATIENCE_SECONDS = 60.0
"""How long it tries again before it gives up."""

MAX_PAUSE_SECONDS = 3.0
Result = TypeVar("Result")

CLOSE_SECONDS = 5
"""How long to wait for a connection of before to be closed."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a migration may do. ``auto_migrate``: change tables that are there already;
    ``ignore_invalid_schema``: rather leave them as they are."""

    auto_migrate: bool = False
    ignore_invalid_schema: bool = False
    allow_data_loss: bool = False
    patience_seconds: float = PATIENCE_SECONDS


@dataclass(frozen=True)
class Migration:
    """What an app wants. ``tables`` is None where it has no ``db_schema``. ``hints``:
    ``table_id_hints`` of ``anvil.yaml``; ``version``: the app's, noted with what is set aside."""

    tables: Mapping[str, WantedTable] | None
    constraints: Iterable[Constraint] = ()
    renames: Iterable[Rename] = ()
    hints: Any = None
    version: str = ""
    options: Options = field(default_factory=Options)

    def plan(self, stored: Stored) -> Plan:
        if self.tables is None:
            return Plan()
        return make_plan(
            stored, self.tables, self.constraints, self.renames, self.hints, self.version
        )


def read_migration(
    db_schema: Any,
    constraints: Any = None,
    renames: Iterable[Rename] = (),
    hints: Any = None,
    app_version: str = "",
    options: Options | None = None,
) -> Migration:
    """From what was read of files (see ``wanted.schema_of``). StartupError names the fault."""
    tables = None if db_schema is None else parse_db_schema(db_schema)
    rules = [] if tables is None else parse_constraints(constraints, tables)
    return Migration(tables, rules, tuple(renames), hints, app_version, options or Options())


async def migrate(connection: Connection, wanted: Migration) -> tuple[Stored, Plan]:
    """Bring the database to the wanted schema in one transaction, as the options allow.

    As on Anvil's server: an empty database is always filled; otherwise ``auto_migrate`` applies the
    plan unless ``ignore_invalid_schema`` says to run with the tables as they are. StartupError with
    the plan where neither is given, where values would be lost or rows break a rule, where a change
    fails or the tables are never free (then nothing is changed). An app without any ``db_schema``
    wants no change. Answers what is there now, and the plan (applied or ignored).
    """
    return await _with_patience(
        connection,
        wanted.options.patience_seconds,
        lambda: _migrate_once(connection, wanted),
    )


async def _with_patience(
    connection: Connection, seconds: float, work: Callable[[], Awaitable[Result]]
) -> Result:
    """Do it again and again until it gets its locks."""
    end = time.monotonic() + seconds
    pause = 0.1
    # So that another migration does not close this connection.
    await connection.execute(f"SET application_name = '{APPLICATION} migration'".encode())
    while True:
        try:
            return await work()
        except (pg.LockNotAvailable, pg.DeadlockDetected) as error:
            if time.monotonic() + pause > end:
                raise StartupError(
                    "The data tables could not be changed, because they are in use all the time; "
                    f"nothing was.{await _describe_users(connection)}"
                ) from error
            logger.info("The data tables are in use; trying again to change them.")
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))
        pause = min(pause * 2, MAX_PAUSE_SECONDS)


async def _migrate_once(connection: Connection, wanted: Migration) -> tuple[Stored, Plan]:
    options = wanted.options
    async with connection.transaction():
        await connection.execute(b"SET LOCAL statement_timeout = 0")
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})".encode())
        await metadata.install(connection)
        stored = await metadata.load(connection)
        plan = wanted.plan(stored)
        if wanted.tables is None:
            return stored, plan
        first = plan.is_first = not stored.schema.tables and not stored.removed_tables
        if not plan:
            return await _finish(connection, stored, plan, wanted.tables), plan
        seen = await measure(connection, plan)
        if not first and options.ignore_invalid_schema:
            return stored, plan
        if not first and not options.auto_migrate:
            raise StartupError(
                "The data tables of this app are out of date. These changes are needed:\n"
                f"{plan}\n"
                "Start with --auto-migrate to make them (values that are no longer wanted are kept "
                "aside), or with --ignore-invalid-schema to run with the tables as they are."
            )
        _refuse(plan, options)
        await _lock_tables(connection, plan)
        if not first:
            # Nobody can change a value any more.
            await measure_again(connection, plan, seen)
            _refuse(plan, options)
        await _apply(connection, plan, wanted.version)
        stored = await _finish(connection, await metadata.load(connection), plan, wanted.tables)
        await _close_gate(connection)
        if plan.moves:
            await _close_others(connection)
        return stored, plan


def _refuse(plan: Plan, options: Options) -> None:
    refusal = plan.refusal(allow_data_loss=options.allow_data_loss)
    if refusal:
        raise StartupError(refusal)


async def plan_migration(connection: Connection, wanted: Migration) -> Plan:
    """The measured plan. Nothing is changed or locked; the meta schema of an older server is read
    as it would be."""
    plan = Plan()
    async with connection.transaction(force_rollback=True):
        await connection.execute(b"SET LOCAL statement_timeout = 0")
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})".encode())
        await metadata.install(connection)
        plan = wanted.plan(await metadata.load(connection))
        await measure(connection, plan)
    return plan


async def purge_aside(
    connection: Connection, older_than_days: float, *, patience_seconds: float = PATIENCE_SECONDS
) -> list[Aside]:
    """Delete for good what was set aside at least so long ago. Answers what that was."""

    async def work() -> list[Aside]:
        async with connection.transaction():
            await connection.execute(b"SET LOCAL statement_timeout = 0")
            await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})".encode())
            await metadata.install(connection)
            stored = await metadata.load(connection)
            aside = await list_aside(connection, stored, older_than_days)
            await connection.execute(_LOCK_TIMEOUT.encode())
            await purge(connection, aside, stored)
            return aside

    return await _with_patience(connection, patience_seconds, work)


async def read_aside(connection: Connection, older_than_days: float = 0) -> list[Aside]:
    """What is set aside just now, for at least so long."""
    async with connection.transaction(force_rollback=True):
        await connection.execute(b"SET LOCAL statement_timeout = 0")
        await metadata.install(connection)
        return await list_aside(connection, await metadata.load(connection), older_than_days)


async def _lock_tables(connection: Connection, plan: Plan) -> None:
    """Take every lock at the start, the strongest that each table needs, always in one order."""
    whole = {name for change in plan.changes for name in change.locks}
    writes = {name for change in plan.changes for name in change.locks_writes} - whole
    await connection.execute(_LOCK_TIMEOUT.encode())
    for names, mode in ((whole, "ACCESS EXCLUSIVE"), (writes, "SHARE ROW EXCLUSIVE")):
        if names:
            listed = ", ".join(sorted(names))
            await connection.execute(f"LOCK TABLE ONLY {listed} IN {mode} MODE".encode())


async def _apply(connection: Connection, plan: Plan, version: str) -> None:
    for change, statements in plan.steps:
        for statement in statements:
            await _execute(connection, statement, change.text)
    await connection.execute(
        f"INSERT INTO {META_SCHEMA}.migrations (app_version, plan) VALUES (%s, %s)".encode(),
        [version, json.dumps(plan.to_json())],
    )
    await _tell(connection)


async def _tell(connection: Connection) -> None:
    """Let every server look again."""
    await connection.execute(f"UPDATE {META_SCHEMA}.version SET changes = changes + 1".encode())
    await connection.execute(f"NOTIFY {CHANNEL}".encode())


async def _execute(connection: Connection, statement: str, text: str) -> None:
    try:
        await connection.execute(statement.encode())
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        detail = error.diag.message_detail or ""
        raise StartupError(
            f"The data tables could not be changed; nothing was.\n  - {text}\n"
            f"The database says: {error.diag.message_primary or error} {detail}".rstrip()
        ) from error


async def _finish(
    connection: Connection, stored: Stored, plan: Plan, wanted: Mapping[str, WantedTable]
) -> Stored:
    """Note the renames that were looked at, and take over the order of columns: it is only how they
    are listed, and needs nobody's leave."""
    for statement in plan.notes:
        await connection.execute(statement.encode())
    moved = False
    for table in stored.schema.tables.values():
        if table.name not in wanted:
            continue
        names = [column.name for column in wanted[table.name].columns]
        order = {name: position for position, name in enumerate(names)}
        for column in table.columns.values():
            position = order.get(column.name, len(names))
            if column.position != position:
                moved = True
                await connection.execute(ddl.move_column(column.id, position).encode())
    return await metadata.load(connection) if moved or plan.notes else stored


async def _close_gate(connection: Connection) -> None:
    """Have new connections wait for the commit (``TableStore._greet``)."""
    await connection.execute(b"SET LOCAL lock_timeout = 0")
    await connection.execute(f"SELECT pg_advisory_xact_lock({GATE})".encode())


async def _close_others(connection: Connection) -> None:
    """Close the connections that may hold statements or snapshots of the old schema."""
    await connection.execute(
        f"SELECT pg_terminate_backend(pid, {CLOSE_SECONDS * 1000}) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND application_name = {literal(APPLICATION)}"
        " AND pid <> pg_backend_pid() AND wait_event IS DISTINCT FROM 'advisory'".encode()
    )


async def _describe_users(connection: Connection) -> str:
    """Who uses the database just now, for an operator."""
    cursor = await connection.execute(
        b"SELECT pid, application_name, coalesce(state, ''), "
        b" extract(epoch FROM now() - xact_start)::int, left(query, 100) FROM pg_stat_activity"
        b" WHERE datname = current_database() AND pid <> pg_backend_pid()"
        b" AND xact_start IS NOT NULL ORDER BY xact_start LIMIT 5"
    )
    lines = [
        f"\n  - process {pid} ({name or 'unnamed'}), {state} for {seconds} s: {query}"
        for pid, name, state, seconds, query in await cursor.fetchall()
    ]
    return "".join(["\nOpen transactions:", *lines]) if lines else ""


async def add_columns(
    connection: Connection, table_name: str, columns: Iterable[WantedColumn]
) -> Stored:
    """Add columns to one table, outside of ``anvil.yaml``; one that another server added meanwhile
    is left as it is."""
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})".encode())
        stored = await metadata.load(connection)
        table = stored.schema.by_name[table_name]
        taken = SYSTEM_COLUMNS | {column.sql_name for column in table.columns.values()}
        for column in columns:
            if column.name in table.columns:
                continue
            sql_name = choose(column.name, taken)
            taken |= {sql_name}
            linked = stored.schema.by_name.get(column.target or "")
            target = linked.sql_name if linked else None
            new = ddl.NewColumn(
                table.name, table.sql_name, column, sql_name, target, len(table.columns), True
            )
            for statement in new.add():
                await connection.execute(statement.encode())
        await _tell(connection)
        stored = await metadata.load(connection)
        await _close_gate(connection)
        return stored
