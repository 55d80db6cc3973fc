"""What the data say to a plan: how many values each change is about, and which stand in its way."""

from __future__ import annotations

import psycopg

from app_server.tables.migration_convert import FUNCTIONS
from app_server.tables.migration_plan import Change, Kind, Plan, Probe, read_examples
from app_server.tables.names import literal
from app_server.tables.pool import Connection

OPTIONAL_SECONDS = 10
"""How long a question may take that the change itself answers too, only less kindly."""


async def measure(connection: Connection, plan: Plan) -> str:
    """Ask the data about each change, in the open transaction. Answers an id of a transaction: what
    was written by later ones has not been seen."""
    cursor = await connection.execute(b"SELECT pg_snapshot_xmin(pg_current_snapshot())::xid")
    [(oldest,)] = await cursor.fetchall()
    if any(change.probe for change in plan.changes):
        await connection.execute(FUNCTIONS.encode())
    for change in plan.changes:
        if change.probe is not None:
            await _measure(connection, change, change.probe)
    return str(oldest)


async def measure_again(connection: Connection, plan: Plan, oldest: str) -> None:
    """The same, when nobody can write any more, where somebody has written since. ``oldest``: what
    ``measure`` answered. A look at which transaction wrote a row costs little."""
    changed: dict[str, bool] = {}
    for change in plan.changes:
        for table in change.locks:
            if change.probe is not None and table not in changed:
                cursor = await connection.execute(
                    f"SELECT EXISTS (SELECT 1 FROM {table} WHERE age(xmin) <= age({literal(oldest)}"
                    "::xid))".encode()
                )
                [(changed[table],)] = await cursor.fetchall()
        if change.probe is not None and any(changed[table] for table in change.locks):
            await _measure(connection, change, change.probe)


async def _measure(connection: Connection, change: Change, probe: Probe) -> None:
    try:
        async with connection.transaction():
            if probe.optional:
                limit = f"SET LOCAL statement_timeout = '{OPTIONAL_SECONDS}s'"
                await connection.execute(limit.encode())
            cursor = await connection.execute(probe.query.encode())
            [(rows, values, failing, examples)] = await cursor.fetchall()
            if probe.optional:
                await connection.execute(b"SET LOCAL statement_timeout = 0")
    except (psycopg.DataError, psycopg.ProgrammingError, psycopg.errors.QueryCanceled):
        # The rule itself is wrong or its question too slow. Making it will tell.
        if not probe.optional:
            raise
        return
    change.rows, change.values, change.failing = rows, values, failing
    change.examples = read_examples(examples)
    change.kind = change.kind_before
    if change.failing:
        change.kind = probe.kind_if_failing
    elif change.kind is Kind.CONVERTS and not change.values:
        change.kind = Kind.SAFE
