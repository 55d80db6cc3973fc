"""What the data say to a plan: how many values each change is about, and which stand in its way."""

from __future__ import annotations

import psycopg

from app_server.tables.migration_convert import FUNCTIONS
from app_server.tables.migration_plan import Change, Kind, Plan, Probe, read_examples
from app_server.tables.pool import Connection

OPTIONAL_SECONDS = 10
"""How long a question may take that the change itself answers too, only less kindly."""


async def measure(connection: Connection, plan: Plan) -> None:
    """Ask the data about each change, in the open transaction. What is measured again afterwards is
    measured anew."""
    if any(change.probe for change in plan.changes):
        await connection.execute(FUNCTIONS.encode())
    for change in plan.changes:
        if change.probe is not None:
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
