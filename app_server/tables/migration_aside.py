"""What was set aside when a schema changed: listed, and purged when an operator says so.

A table or column comes back by itself when the app wants it again (see ``migration_settle``); what
is purged is gone for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app_server.tables import ddl_moves
from app_server.tables.metadata import Removed, Stored
from app_server.tables.names import META_SCHEMA, literal, quote
from app_server.tables.pool import Connection
from app_server.tables.schema import Column, Table

ORPHAN_AGE = "1 hour"
"""Media that no row points to are deleted once they are older: younger ones may belong to a call
that runs."""


@dataclass(frozen=True, slots=True)
class Aside:
    """A column (``column`` is its name, ``type`` its type) or a whole table. ``number`` counts its
    values, or rows. ``place``: where they are, in SQL."""

    table: str
    column: str | None
    type: str | None
    place: str
    removed_at: datetime
    removed_by: str
    number: int
    statements: tuple[str, ...]

    def __str__(self) -> str:
        name = f"column '{self.column}' ({self.type}) of table '{self.table}'"
        what = name if self.column is not None else f"table '{self.table}'"
        noun = ("value" if self.column is not None else "row") + ("" if self.number == 1 else "s")
        by = f" by {self.removed_by}" if self.removed_by else ""
        return f"{what}: {self.number:,} {noun}, since {self.removed_at:%Y-%m-%d %H:%M} UTC{by}"

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "column": self.column,
            "type": self.type,
            "place": self.place,
            "removed_at": self.removed_at.isoformat(),
            "removed_by": self.removed_by,
            "number": self.number,
        }


async def list_aside(
    connection: Connection, stored: Stored, older_than_days: float = 0
) -> list[Aside]:
    """Everything that was set aside at least so long ago, in the order in which it can go. Columns
    that link to a table which goes are part of it: they would link to nothing."""
    cursor = await connection.execute(b"SELECT now() - %s * interval '1 day'", [older_than_days])
    [(limit,)] = await cursor.fetchall()
    going = {r.table.id for r in stored.removed_tables if r.removed_at <= limit}
    tables = {t.id: t for t in stored.schema.tables.values()}
    tables |= {r.table.id: r.table for r in stored.removed_tables}
    columns: list[tuple[Table, Column | Removed, datetime, str]] = [
        (tables[column.table_id], column, column.removed_at, column.removed_by)
        for column in stored.removed_columns
        if column.removed_at <= limit or column.target in going
    ]
    columns += [
        (removed.table, column, removed.removed_at, removed.removed_by)
        for removed in stored.removed_tables
        for column in removed.table.columns.values()
        if column.target in going
    ]
    found = [
        await _describe(connection, table, column, at, by)
        for table, column, at, by in columns
        if table.id not in going or column.target in going
    ]
    found += [
        await _describe(connection, removed.table, None, removed.removed_at, removed.removed_by)
        for removed in stored.removed_tables
        if removed.table.id in going
    ]
    return sorted(found, key=lambda each: (each.column is None, each.removed_at))


async def _describe(
    connection: Connection,
    table: Table,
    column: Column | Removed | None,
    removed_at: datetime,
    removed_by: str,
) -> Aside:
    what = "*" if column is None else quote(column.sql_name)
    cursor = await connection.execute(f"SELECT count({what}) FROM {table.sql}".encode())
    [(number,)] = await cursor.fetchall()
    statements = (
        ddl_moves.purge_table(table)
        if column is None
        else ddl_moves.purge_column(table, column.id, column.sql_name)
    )
    return Aside(
        table.name,
        column.name if column else None,
        column.type if column else None,
        table.sql + (f".{quote(column.sql_name)}" if column else ""),
        removed_at,
        removed_by,
        number,
        tuple(statements),
    )


async def purge(connection: Connection, aside: list[Aside], stored: Stored) -> None:
    """Drop all of it, in the open transaction, and the media that nothing points to then."""
    for each in aside:
        for statement in each.statements:
            await connection.execute(statement.encode())
    dropped = {each.place for each in aside}
    kept = [place for place in _media_places(stored) if not _is_dropped(place, dropped)]
    used = "".join(
        f" AND NOT EXISTS (SELECT 1 FROM {table} AS t WHERE t.{column} = m.id)"
        for table, column in kept
    )
    await connection.execute(
        f"DELETE FROM {META_SCHEMA}.media AS m"
        f" WHERE m.created_at < now() - interval {literal(ORPHAN_AGE)}{used}".encode()
    )


def _media_places(stored: Stored) -> Iterator[tuple[str, str]]:
    """Quoted table and column of everything that points to media."""
    tables = {t.id: t for t in stored.schema.tables.values()}
    tables |= {r.table.id: r.table for r in stored.removed_tables}
    for table in tables.values():
        for column in table.columns.values():
            if column.type == "media":
                yield table.sql, column.sql
    for removed in stored.removed_columns:
        if removed.type == "media":
            yield tables[removed.table_id].sql, quote(removed.sql_name)


def _is_dropped(place: tuple[str, str], dropped: set[str]) -> bool:
    table, column = place
    return table in dropped or f"{table}.{column}" in dropped
