"""The small schema that remembers ids, titles, permissions and rules of tables and columns.

A database administrator can read it (``SELECT * FROM _mybizz.columns``); only migrations write it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from app_server.errors import StartupError
from app_server.tables.names import DATA_SCHEMA, META_SCHEMA
from app_server.tables.pool import Connection
from app_server.tables.schema import LEVELS, Column, Schema, Table

VERSION = 1
"""Of this schema. A newer one in the database means that an older server must not touch it."""

CREATE = f"""
CREATE SCHEMA IF NOT EXISTS {DATA_SCHEMA};
CREATE SCHEMA IF NOT EXISTS {META_SCHEMA};
CREATE TABLE IF NOT EXISTS {META_SCHEMA}.version (version integer NOT NULL);
INSERT INTO {META_SCHEMA}.version
  SELECT {VERSION} WHERE NOT EXISTS (SELECT 1 FROM {META_SCHEMA}.version);
CREATE TABLE IF NOT EXISTS {META_SCHEMA}.tables (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  title text NOT NULL,
  sql_name text NOT NULL,
  client text NOT NULL,
  server text NOT NULL,
  removed_at timestamptz
);
CREATE UNIQUE INDEX IF NOT EXISTS tables_name ON {META_SCHEMA}.tables (name)
  WHERE removed_at IS NULL;
CREATE TABLE IF NOT EXISTS {META_SCHEMA}.columns (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  table_id integer NOT NULL REFERENCES {META_SCHEMA}.tables ON DELETE CASCADE,
  name text NOT NULL,
  sql_name text NOT NULL,
  type text NOT NULL,
  target integer REFERENCES {META_SCHEMA}.tables,
  client_hidden boolean NOT NULL,
  position integer NOT NULL,
  removed_at timestamptz
);
-- Whether the server itself needs the column, so that anvil.yaml need not list it.
ALTER TABLE {META_SCHEMA}.columns ADD COLUMN IF NOT EXISTS by_server boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX IF NOT EXISTS columns_name ON {META_SCHEMA}.columns (table_id, name)
  WHERE removed_at IS NULL;
CREATE TABLE IF NOT EXISTS {META_SCHEMA}.indexes (
  sql_name text PRIMARY KEY,
  table_id integer NOT NULL REFERENCES {META_SCHEMA}.tables ON DELETE CASCADE,
  type text NOT NULL,
  columns integer[] NOT NULL
);
CREATE TABLE IF NOT EXISTS {META_SCHEMA}.constraints (
  sql_name text PRIMARY KEY,
  table_id integer NOT NULL REFERENCES {META_SCHEMA}.tables ON DELETE CASCADE,
  kind text NOT NULL,
  definition text NOT NULL,
  message text NOT NULL
);
CREATE TABLE IF NOT EXISTS {META_SCHEMA}.media (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  content_type text NOT NULL,
  name text,
  length bigint NOT NULL,
  bytes bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
-- Not compressed, so that a range of a video or a PDF is read without reading what is before it.
ALTER TABLE {META_SCHEMA}.media ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE OR REPLACE FUNCTION {META_SCHEMA}.discard_media() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  gone bigint;
BEGIN
  EXECUTE format('SELECT ($1).%I', TG_ARGV[0]) USING OLD INTO gone;
  DELETE FROM {META_SCHEMA}.media WHERE id = gone;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION {META_SCHEMA}.discard_media() IS
  'Deletes the bytes that a media column no longer points to';

CREATE OR REPLACE FUNCTION {META_SCHEMA}.unlink_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format(
    'UPDATE %s SET %2$I = (SELECT coalesce(array_agg(u.id ORDER BY u.n), ''{{}}'')'
    ' FROM unnest(%2$I) WITH ORDINALITY AS u(id, n) WHERE u.id <> ALL ($1)) WHERE %2$I && $1',
    TG_ARGV[0], TG_ARGV[1])
  USING (SELECT coalesce(array_agg(_id), '{{}}') FROM gone);
  RETURN NULL;
END $$;
COMMENT ON FUNCTION {META_SCHEMA}.unlink_rows() IS
  'Takes deleted rows out of a column that links to several rows';
"""

_INSTALLED = f"SELECT to_regclass('{META_SCHEMA}.version') IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Removed:
    """A column or table that was set aside and could come back."""

    id: int
    name: str
    sql_name: str
    type: str = ""
    target: int | None = None
    table_id: int | None = None


@dataclass(frozen=True)
class Stored:
    """Everything that the meta schema knows."""

    schema: Schema
    indexes: Mapping[str, tuple[int, str, tuple[int, ...]]] = field(default_factory=dict)
    """By SQL name: table id, type, column ids."""
    constraints: Mapping[str, tuple[int, str, str, str]] = field(default_factory=dict)
    """By SQL name: table id, kind, definition, message."""
    removed_tables: tuple[Removed, ...] = ()
    removed_columns: tuple[Removed, ...] = ()


async def install(connection: Connection) -> None:
    """Make the meta schema, or bring it up to date. StartupError when a newer server made it."""
    row = await (await connection.execute(_INSTALLED)).fetchone()
    if row is not None and row[0]:
        versions = await _rows(connection, "SELECT version FROM {}.version")
        if versions and versions[0][0] > VERSION:
            raise StartupError(
                f"The tables of this database have version {versions[0][0]}, made by a newer "
                f"server; this one knows version {VERSION}. Start the newer server."
            )
    await connection.execute(CREATE.encode())


async def load(connection: Connection) -> Stored:
    """What the database has."""
    tables, removed_tables = await _load_tables(connection)
    removed_columns = await _load_columns(connection, tables)
    constraints = {
        name: (table_id, kind, definition, message)
        for name, table_id, kind, definition, message in await _rows(
            connection, "SELECT sql_name, table_id, kind, definition, message FROM {}.constraints"
        )
    }
    indexes = {
        name: (table_id, kind, tuple(columns))
        for name, table_id, kind, columns in await _rows(
            connection, "SELECT sql_name, table_id, type, columns FROM {}.indexes"
        )
    }
    messages = {name: entry[3] for name, entry in constraints.items()}
    schema = Schema(MappingProxyType(tables), MappingProxyType(messages))
    return Stored(schema, indexes, constraints, removed_tables, removed_columns)


async def _load_tables(
    connection: Connection,
) -> tuple[dict[int, Table], tuple[Removed, ...]]:
    rows = await _rows(
        connection,
        "SELECT id, name, title, sql_name, client, server, removed_at FROM {}.tables ORDER BY id",
    )
    removed = tuple(Removed(row[0], row[1], row[3]) for row in rows if row[6])
    tables = {
        row[0]: Table(row[0], row[1], row[2], row[3], LEVELS[row[4]], LEVELS[row[5]], {})
        for row in rows
        if not row[6]
    }
    return tables, removed


async def _load_columns(connection: Connection, tables: dict[int, Table]) -> tuple[Removed, ...]:
    """Put the columns into ``tables``; answers those that were set aside."""
    columns: dict[int, dict[str, Column]] = {table_id: {} for table_id in tables}
    removed = []
    for row in await _rows(
        connection,
        "SELECT id, table_id, name, sql_name, type, target, client_hidden, position, removed_at,"
        " by_server"
        " FROM {}.columns ORDER BY table_id, position, id",
    ):
        if row[8]:
            removed.append(Removed(row[0], row[2], row[3], row[4], row[5], row[1]))
        elif row[1] in columns:
            column = Column(
                row[0], row[2], row[3], row[4], row[5], row[6], row[7], by_server=row[9]
            )
            columns[row[1]][column.name] = column
    for table_id, found in columns.items():
        tables[table_id] = replace(tables[table_id], columns=MappingProxyType(found))
    return tuple(removed)


async def _rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(query.replace("{}", META_SCHEMA).encode())
    return await cursor.fetchall()
