"""The small schema that remembers ids, titles, permissions and rules of tables and columns.

A database administrator can read it (``SELECT * FROM _mybizz.columns``); only migrations write it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from app_server.errors import StartupError
from app_server.tables.names import DATA_SCHEMA, META_SCHEMA, aside_schema
from app_server.tables.pool import Connection
from app_server.tables.schema import LEVELS, Column, Schema, Table

VERSION = 4
"""Of this schema. A newer one in the database means that an older server must not touch it."""

CHANNEL = "mybizz_schema"
"""NOTIFY goes here when tables change, so that every server of the instance looks again."""

CREATE = f"""
CREATE SCHEMA IF NOT EXISTS {DATA_SCHEMA};
CREATE SCHEMA IF NOT EXISTS {META_SCHEMA};
CREATE TABLE IF NOT EXISTS {META_SCHEMA}.version (version integer NOT NULL);
INSERT INTO {META_SCHEMA}.version
  SELECT {VERSION} WHERE NOT EXISTS (SELECT 1 FROM {META_SCHEMA}.version);
-- How often the tables were changed: servers compare it with what they know.
ALTER TABLE {META_SCHEMA}.version ADD COLUMN IF NOT EXISTS changes bigint NOT NULL DEFAULT 0;
CREATE TABLE IF NOT EXISTS {META_SCHEMA}.tables (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  title text NOT NULL,
  sql_name text NOT NULL,
  client text NOT NULL,
  server text NOT NULL,
  removed_at timestamptz
);
-- Of what was set aside: the app's version that no longer wanted it.
ALTER TABLE {META_SCHEMA}.tables ADD COLUMN IF NOT EXISTS removed_by text NOT NULL DEFAULT '';
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
ALTER TABLE {META_SCHEMA}.columns ADD COLUMN IF NOT EXISTS removed_by text NOT NULL DEFAULT '';
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
-- Renames of migrations.yaml that were looked at, each once.
CREATE TABLE IF NOT EXISTS {META_SCHEMA}.renames (
  package text NOT NULL,
  id text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (package, id)
);
-- What was done to the tables, for people.
CREATE TABLE IF NOT EXISTS {META_SCHEMA}.migrations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT now(),
  app_version text NOT NULL,
  plan jsonb NOT NULL
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
-- Larger media, whose own bytes are empty: pieces of a mebibyte, so that nobody needs all at once.
CREATE TABLE IF NOT EXISTS {META_SCHEMA}.media_pieces (
  media_id bigint NOT NULL REFERENCES {META_SCHEMA}.media ON DELETE CASCADE,
  number integer NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (media_id, number)
);
ALTER TABLE {META_SCHEMA}.media_pieces ALTER COLUMN bytes SET STORAGE EXTERNAL;

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

CREATE OR REPLACE FUNCTION {META_SCHEMA}.keep_rows() RETURNS trigger LANGUAGE plpgsql AS $$
-- Arguments: the rule, days and column of its age ('' for none), columns that may be redacted.
DECLARE
  before jsonb;
  after jsonb;
  name text;
  is_fine boolean := true;
BEGIN
  IF TG_OP = 'DELETE' AND TG_ARGV[1] <> '' THEN
    IF (to_jsonb(OLD) ->> TG_ARGV[2])::timestamptz < now() - make_interval(days => TG_ARGV[1]::int)
    THEN
      RETURN OLD;
    END IF;
  ELSIF TG_OP = 'UPDATE' THEN
    before := to_jsonb(OLD);
    after := to_jsonb(NEW);
    FOR name IN SELECT key FROM jsonb_each(after) WHERE value IS DISTINCT FROM before -> key LOOP
      is_fine := is_fine AND CASE
        -- Time zones of moments, of which some are gone.
        WHEN name = '_offsets' THEN (before -> name) @> (after -> name)
        WHEN name <> ALL (TG_ARGV[3:]) THEN false
        ELSE {META_SCHEMA}.is_redacted(before -> name, after -> name)
      END;
    END LOOP;
    IF is_fine THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE integrity_constraint_violation USING
    MESSAGE = format('%s of table %I is refused by rule %I', TG_OP, TG_TABLE_NAME, TG_ARGV[0]),
    CONSTRAINT = TG_ARGV[0];
END $$;
COMMENT ON FUNCTION {META_SCHEMA}.keep_rows() IS
  'Refuses to change or delete rows of a table to which rows are only added';

CREATE OR REPLACE FUNCTION {META_SCHEMA}.is_redacted(before jsonb, after jsonb) RETURNS boolean
IMMUTABLE LANGUAGE sql AS $$
SELECT CASE jsonb_typeof(after)
  WHEN 'null' THEN true
  WHEN 'string' THEN after = '"erased"'
  WHEN 'array' THEN after = '[]'
  WHEN 'object' THEN NOT EXISTS (
    SELECT FROM jsonb_each(after) AS part
    WHERE part.value NOT IN ('null', '"erased"') OR NOT coalesce(before ? part.key, false))
  ELSE false
END
$$;
COMMENT ON FUNCTION {META_SCHEMA}.is_redacted(jsonb, jsonb) IS
  'Whether a value says nothing any more';

UPDATE {META_SCHEMA}.version SET version = {VERSION};
"""

_INSTALLED = f"SELECT to_regclass('{META_SCHEMA}.version') IS NOT NULL"

_COVERED = f"""
SELECT c.sql_name, a.attname
FROM {META_SCHEMA}.constraints c
JOIN {META_SCHEMA}.tables t ON t.id = c.table_id AND t.removed_at IS NULL
JOIN pg_class r ON r.oid = to_regclass(format('%I.%I', '{DATA_SCHEMA}', t.sql_name))
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid AND d.refobjsubid > 0
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.refobjsubid
WHERE (d.classid = 'pg_class'::regclass
       AND d.objid = to_regclass(format('%I.%I', '{DATA_SCHEMA}', c.sql_name)))
   OR (d.classid = 'pg_constraint'::regclass
       AND d.objid = (SELECT oid FROM pg_constraint k
                      WHERE k.conrelid = r.oid AND k.conname = c.sql_name))
"""


@dataclass(frozen=True, slots=True)
class Removed:
    """A column that was set aside and could come back. ``removed_by``: the app's version."""

    id: int
    name: str
    sql_name: str
    type: str
    target: int | None
    table_id: int
    removed_at: datetime
    removed_by: str


@dataclass(frozen=True, slots=True)
class RemovedTable:
    """A table that was set aside, with the columns that it had; ``table.schema`` is where."""

    table: Table
    removed_at: datetime
    removed_by: str


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule of ``constraints.yaml`` as it was made; ``covers``: SQL names of its columns."""

    table_id: int
    kind: str
    definition: str
    message: str
    covers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Stored:
    """Everything that the meta schema knows."""

    schema: Schema
    indexes: Mapping[str, tuple[int, str, tuple[int, ...]]] = field(default_factory=dict)
    """By SQL name: table id, type, column ids."""
    rules: Mapping[str, StoredRule] = field(default_factory=dict)
    """By SQL name."""
    removed_tables: tuple[RemovedTable, ...] = ()
    """In the order of their removal, as ``removed_columns``."""
    removed_columns: tuple[Removed, ...] = ()
    renames: frozenset[tuple[str, str]] = frozenset()
    """Package and id of each rename that was looked at."""
    changes: int = 0
    """How often the tables were changed."""


async def install(connection: Connection) -> None:
    """Make the meta schema, or bring it up to date. StartupError when a newer server made it."""
    if await is_installed(connection):
        [(version,)] = await _rows(connection, "SELECT version FROM {}.version")
        if version > VERSION:
            raise StartupError(
                f"The tables of this database have version {version}, made by a newer "
                f"server; this one knows version {VERSION}. Start the newer server."
            )
        if version == VERSION:
            # Making everything sure again would lock tables that other servers use.
            return
    await connection.execute(CREATE.encode())


async def is_installed(connection: Connection) -> bool:
    row = await (await connection.execute(_INSTALLED.encode())).fetchone()
    return bool(row and row[0])


async def load(connection: Connection) -> Stored:
    """What the database has."""
    tables, removed_tables = await _load_tables(connection)
    removed_columns = await _load_columns(connection, tables, removed_tables)
    covers: dict[str, set[str]] = {}
    for name, column in await _rows(connection, _COVERED):
        covers.setdefault(name, set()).add(column)
    rules = {
        name: StoredRule(table_id, kind, definition, message, frozenset(covers.get(name, ())))
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
    renames = await _rows(connection, "SELECT package, id FROM {}.renames")
    [(changes,)] = await _rows(connection, "SELECT changes FROM {}.version")
    messages = {name: rule.message for name, rule in rules.items()}
    return Stored(
        Schema(MappingProxyType(tables), MappingProxyType(messages)),
        indexes,
        rules,
        tuple(sorted(removed_tables.values(), key=lambda r: (r.removed_at, r.table.id))),
        removed_columns,
        frozenset((package, rename) for package, rename in renames),
        changes,
    )


async def load_changes(connection: Connection) -> int:
    """How often the tables were changed; 0 before the meta schema is there."""
    if not await is_installed(connection):
        return 0
    return int((await _rows(connection, "SELECT changes FROM {}.version"))[0][0])


async def _load_tables(
    connection: Connection,
) -> tuple[dict[int, Table], dict[int, RemovedTable]]:
    tables: dict[int, Table] = {}
    removed: dict[int, RemovedTable] = {}
    for row in await _rows(
        connection,
        "SELECT id, name, title, sql_name, client, server, removed_at, removed_by"
        " FROM {}.tables ORDER BY id",
    ):
        table = Table(row[0], row[1], row[2], row[3], LEVELS[row[4]], LEVELS[row[5]], {})
        if row[6] is None:
            tables[table.id] = table
        else:
            table = replace(table, schema=aside_schema(table.id))
            removed[table.id] = RemovedTable(table, row[6], row[7])
    return tables, removed


async def _load_columns(
    connection: Connection, tables: dict[int, Table], removed_tables: dict[int, RemovedTable]
) -> tuple[Removed, ...]:
    """Put the columns into the tables; answers those that were set aside."""
    columns: dict[int, dict[str, Column]] = {i: {} for i in (*tables, *removed_tables)}
    removed = []
    for row in await _rows(
        connection,
        "SELECT id, table_id, name, sql_name, type, target, client_hidden, position, by_server,"
        " removed_at, removed_by FROM {}.columns ORDER BY table_id, position, id",
    ):
        if row[9]:
            removed.append(Removed(row[0], row[2], row[3], row[4], row[5], row[1], row[9], row[10]))
        else:
            column = Column(row[0], *row[2:9])
            columns[row[1]][column.name] = column
    for table_id, found in columns.items():
        if table_id in tables:
            tables[table_id] = replace(tables[table_id], columns=MappingProxyType(found))
        else:
            aside = removed_tables[table_id]
            table = replace(aside.table, columns=MappingProxyType(found))
            removed_tables[table_id] = replace(aside, table=table)
    return tuple(sorted(removed, key=lambda column: (column.removed_at, column.id)))


async def _rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(query.replace("{}", META_SCHEMA).encode())
    return await cursor.fetchall()
