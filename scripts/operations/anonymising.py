"""Take the people out of a database: a copy, never the one that is used.

What becomes of each column is declared in ``master_template/anonymisation.yaml``. All of it is one
transaction; triggers and rules of the database are as before when it ends.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql

from app_server.tables.migration import purge_aside
from scripts.operations.fakes import Fakes
from scripts.operations.home import OperationError

FAKED = {"first_name", "last_name", "full_name", "company", "email", "phone", "text"}
REDUCED = {"sums", "name"}
COLUMN_KINDS = FAKED | REDUCED | {"keep", "clear", "secret", "address", "derived"}
# Those that hold also where personal data are kept.
ALWAYS = {"secret", "never"}
TABLE_KINDS = {"empty", "never"}
# What is cleared of an object or a list stays one: code counts on that.
EMPTY = "CASE jsonb_typeof({0}) WHEN 'array' THEN '[]'::jsonb WHEN 'object' THEN '{{}}'::jsonb END"
SUMS = """
    SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each({0})
    WHERE key = 'currency' OR jsonb_typeof(value) = 'number'
"""
COLUMNS = """
    SELECT t.name, t.sql_name, c.name, c.sql_name, c.type
    FROM _mybizz.tables t JOIN _mybizz.columns c ON c.table_id = t.id
    WHERE t.removed_at IS NULL AND c.removed_at IS NULL ORDER BY t.id, c.position
"""
TRIGGERS = """
    SELECT n.nspname, c.relname, t.tgname, t.tgenabled::text FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND n.nspname IN ('app', '_mybizz')
"""
ENABLING = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}

Rules = dict[str, dict[str, str] | str]


@dataclass(frozen=True)
class Column:
    """A column as the template calls it (``table``, ``name``), and where it is."""

    table: str
    table_sql: str
    name: str
    name_sql: str
    type: str

    @property
    def place(self) -> sql.Composable:
        return sql.Identifier("app", self.table_sql)

    @property
    def field(self) -> sql.Identifier:
        return sql.Identifier(self.name_sql)


def read_rules(template: Path) -> Rules:
    """What a release's template declares. Raises ``OperationError``."""
    path = template / "anonymisation.yaml"
    try:
        rules: Rules = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise OperationError(
            "This instance's release does not say what is personal (anonymisation.yaml): upgrade "
            "it first, or copy it with --keep-personal-data."
        ) from None
    for table, columns in rules.items():
        for kind in [columns] if isinstance(columns, str) else columns.values():
            if kind not in (TABLE_KINDS if isinstance(columns, str) else COLUMN_KINDS):
                raise OperationError(f"{path} says {kind!r} of {table}, which is not known.")
    return rules


def find_undeclared(rules: Rules, columns: Iterator[tuple[str, str]]) -> list[str]:
    """The columns, as ``table.column``, of which the rules say nothing."""
    told = []
    for table, name in columns:
        of_table = rules.get(table, {})
        if not isinstance(of_table, str) and name not in of_table:
            told.append(f"{table}.{name}")
    return told


def anonymise(url: str, rules: Rules, *, keeps_personal: bool = False) -> dict[str, int]:
    """Replace what is personal in the database at ``url``; how many values, by kind. With
    ``keeps_personal`` only what would act or open something goes. Raises ``OperationError`` where a
    column is not declared."""
    asyncio.run(_purge(url))
    with psycopg.connect(url) as connection:
        columns = [Column(*row) for row in connection.execute(COLUMNS).fetchall()]
        missing = find_undeclared(rules, ((each.table, each.name) for each in columns))
        if missing:
            raise OperationError(
                f"Nobody has declared what becomes of {', '.join(missing[:5])} in a copy: see "
                "anonymisation.yaml of the template. Nothing was copied."
            )
        with _without_triggers(connection):
            counts = _Work(connection, columns, rules, keeps_personal).do()
            _drop_unused_media(connection, columns)
            for table in ("background_tasks", "scheduled_tasks"):
                connection.execute(
                    f"DO $$ BEGIN IF to_regclass('_mybizz.{table}') IS NOT NULL THEN "
                    f"DELETE FROM _mybizz.{table}; END IF; END $$".encode()
                )
    return counts


async def _purge(url: str) -> None:
    """What migrations have set aside goes: nobody has declared anything of that."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await purge_aside(connection, 0)


@contextmanager
def _without_triggers(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Rules such as "rows are only added" are for whoever uses the data."""
    found = [row for row in connection.execute(TRIGGERS).fetchall() if row[3] in ENABLING]
    change = sql.SQL("ALTER TABLE {} {} TRIGGER {}")
    for schema, table, name, _state in found:
        place = sql.Identifier(schema, table)
        connection.execute(change.format(place, sql.SQL("DISABLE"), sql.Identifier(name)))
    yield
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for schema, table, name, state in found:
        place, how = sql.Identifier(schema, table), sql.SQL(ENABLING[state])
        connection.execute(change.format(place, how, sql.Identifier(name)))


class _Work:
    """One pass over a database."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        columns: list[Column],
        rules: Rules,
        keeps_personal: bool,
    ):
        self._connection = connection
        self._fakes = Fakes()
        self._counts: dict[str, int] = {}
        self._tables = list(dict.fromkeys(each.table for each in columns))
        self._columns = columns
        self._rules = rules
        self._keeps_personal = keeps_personal

    def do(self) -> dict[str, int]:
        self._empty_tables()
        chosen = [(each, self._kind_of(each)) for each in self._columns]
        for column, kind in chosen:
            if kind in FAKED:
                values = self._run("SELECT DISTINCT {1} FROM {0} WHERE {1} IS NOT NULL", column)
                self._fakes.learn(kind, [str(row[0]) for row in values.fetchall()])
        for table in self._tables:
            self._name_emails(
                {c.name: c for c, kind in chosen if c.table == table and kind in FAKED}
            )
        for column, kind in chosen:
            done = self._change(column, kind)
            if done:
                self._counts[kind] = self._counts.get(kind, 0) + done
        for table in self._tables:
            derived = [column for column, kind in chosen if kind == "derived"]
            if any(column.table == table for column in derived):
                self._derive([c for c in self._columns if c.table == table])
        return self._counts

    def _kind_of(self, column: Column) -> str:
        of_table = self._rules.get(column.table, {})
        kind = "keep" if isinstance(of_table, str) else of_table[column.name]
        return "keep" if self._keeps_personal and kind not in ALWAYS else kind

    def _name_emails(self, columns: dict[str, Column]) -> None:
        """Where a table has people's names beside their addresses, what is made up fits, too."""
        if not {"email", "first_name", "last_name"} <= columns.keys():
            return
        fields = [columns[name].field for name in ("email", "first_name", "last_name")]
        statement = sql.SQL("SELECT {0}, {1}, {2} FROM {3} WHERE {0} <> '' ORDER BY \"_id\"")
        found = self._connection.execute(statement.format(*fields, columns["email"].place))
        for email, first, last in found.fetchall():
            self._fakes.name_email(email, first or "", last or "")

    def _empty_tables(self) -> None:
        for table in self._tables:
            kind = self._rules.get(table)
            if isinstance(kind, str) and (kind in ALWAYS or not self._keeps_personal):
                column = next(each for each in self._columns if each.table == table)
                gone = self._run("DELETE FROM {0}", column).rowcount
                self._counts["emptied"] = self._counts.get("emptied", 0) + gone

    def _run(self, statement: str, column: Column, *values: Any) -> psycopg.Cursor[Any]:
        """A statement in which {0} is the table and {1} the column."""
        return self._connection.execute(
            sql.SQL(statement).format(column.place, column.field), values or None
        )

    def _change(self, column: Column, kind: str) -> int:
        """Of one column; how many values were changed."""
        if kind in FAKED:
            return self._fake(column, kind)
        if kind == "address":
            return self._fake_addresses(column)
        if kind in ("clear", "secret"):
            to = EMPTY.replace("{0}", "{1}") if column.type == "simpleObject" else "NULL"
            where = "WHERE {1} IS NOT NULL"
            return self._run(f"UPDATE {{0}} SET {{1}} = {to} {where}", column).rowcount
        if kind in REDUCED:
            to = f"({SUMS.replace('{0}', '{1}')})"
            if kind == "name":
                to = "jsonb_strip_nulls(jsonb_build_object('name', {1}->'name'))"
            where = "WHERE jsonb_typeof({1}) = 'object'"
            return self._run(f"UPDATE {{0}} SET {{1}} = {to} {where}", column).rowcount
        return 0

    def _fake(self, column: Column, kind: str) -> int:
        found = self._run("SELECT DISTINCT {1} FROM {0} WHERE {1} <> ''", column).fetchall()
        pairs = [(str(row[0]), self._fakes.replace(kind, str(row[0]))) for row in found]
        self._connection.execute(
            "CREATE TEMP TABLE fakes (original text PRIMARY KEY, made text) ON COMMIT DROP"
        )
        try:
            with self._connection.cursor().copy("COPY fakes FROM STDIN") as copy:
                for pair in pairs:
                    copy.write_row(pair)
            statement = "UPDATE {0} SET {1} = fakes.made FROM fakes WHERE {1} = fakes.original"
            return self._run(statement, column).rowcount
        finally:
            if self._connection.info.transaction_status != psycopg.pq.TransactionStatus.INERROR:
                self._connection.execute("DROP TABLE fakes")

    def _fake_addresses(self, column: Column) -> int:
        """Objects of parts; what is no object goes."""
        rows = self._run(
            "SELECT DISTINCT {1} FROM {0} WHERE {1} IS NOT NULL AND {1} <> '{{}}'", column
        ).fetchall()
        for (original,) in rows:
            made = self._fakes.address(original) if isinstance(original, dict) else {}
            self._run(
                "UPDATE {0} SET {1} = %s WHERE {1} = %s",
                column,
                json.dumps(made),
                json.dumps(original),
            )
        return len(rows)

    def _derive(self, columns: list[Column]) -> None:
        """What the template makes of a contact for lists and searches, by the template's own
        rule."""
        # It registers no function of the app, which an uplink would then offer in place of its own.
        fields = importlib.import_module("master_template.server_customers.contact_fields")

        if columns[0].table != "contacts":
            raise OperationError(f"Nothing is known of derived columns of {columns[0].table}.")
        names = [sql.SQL("{} AS {}").format(c.field, sql.Identifier(c.name)) for c in columns]
        place, made = columns[0].place, {c.name: c.field for c in columns}
        cursor = self._connection.cursor(row_factory=psycopg.rows.dict_row)
        every = sql.SQL('SELECT "_id", {} FROM {}').format(sql.SQL(", ").join(names), place)
        rows = cursor.execute(every).fetchall()
        update = sql.SQL('UPDATE {} SET {} = %s, {} = %s WHERE "_id" = %s').format(
            place, made["sort_name"], made["search_text"]
        )
        changes = [(*_derived(fields.derived_columns(row)), row["_id"]) for row in rows]
        with self._connection.cursor() as writer:
            writer.executemany(update, changes)


def _derived(made: dict[str, str]) -> tuple[str, str]:
    return made["sort_name"], made["search_text"]


def _drop_unused_media(connection: psycopg.Connection[Any], columns: list[Column]) -> None:
    """Files to which no row points any more; usually a trigger sees to that."""
    media = [each for each in columns if each.type == "media"]
    used = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} FROM {} WHERE {} IS NOT NULL").format(each.field, each.place, each.field)
        for each in media
    )
    if media:
        connection.execute(sql.SQL("DELETE FROM _mybizz.media WHERE id NOT IN ({})").format(used))
