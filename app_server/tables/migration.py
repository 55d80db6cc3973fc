"""From the schema that ``anvil.yaml`` wants to a plan of changes, and the plan applied.

A plan is a list of changes, each a sentence for a person and the statements that do it. Nothing in
a plan drops values: a column that is no longer wanted is renamed, a table is moved to a schema of
its own, and a column that is wanted again gets its old values back. A changed type is
one column set aside and one added (values are not converted).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import psycopg

from app_server.errors import StartupError
from app_server.tables import ddl, metadata
from app_server.tables.constraints import Constraint, drop_statement
from app_server.tables.metadata import Removed, Stored
from app_server.tables.names import choose
from app_server.tables.pool import Connection
from app_server.tables.schema import LEVELS, Column, Table, WantedColumn, WantedTable

_LOCK = 7_264_011
"""Advisory lock that lets one server at a time change a schema."""

_SYSTEM_COLUMNS = {"ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"}


@dataclass(frozen=True, slots=True)
class Change:
    """``sets_aside``: whether values that were visible are no longer so after it."""

    text: str
    statements: tuple[str, ...]
    sets_aside: bool = False


@dataclass(slots=True)
class Plan:
    changes: list[Change] = field(default_factory=list)

    def add(self, text: str, statements: Iterable[str], *, sets_aside: bool = False) -> None:
        self.changes.append(Change(text, tuple(statements), sets_aside))

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        return "\n".join(f"  - {change.text}" for change in self.changes)


def make_plan(
    stored: Stored, wanted: Mapping[str, WantedTable], constraints: Iterable[Constraint]
) -> Plan:
    """What has to be done so that the database is as wanted, in an order that works."""
    return _Planner(stored, wanted, {c.name: c for c in constraints}).plan()


class _Planner:
    def __init__(
        self,
        stored: Stored,
        wanted: Mapping[str, WantedTable],
        constraints: Mapping[str, Constraint],
    ) -> None:
        self._stored = stored
        self._wanted = wanted
        self._constraints = constraints
        self._have = stored.schema.by_name
        self._plan = Plan()
        taken = {table.sql_name for table in self._have.values()}
        self._sql_names: dict[str, str] = {}
        for name in wanted:
            found = self._have.get(name)
            self._sql_names[name] = found.sql_name if found else choose(name, taken)
            taken.add(self._sql_names[name])

    def plan(self) -> Plan:
        kept = [
            (table, self._wanted[name])
            for name, table in self._have.items()
            if name in self._wanted
        ]
        self._drop_constraints()
        self._drop_indexes()
        for name, table in self._have.items():
            if name not in self._wanted:
                self._set_table_aside(table)
        for table, wanted in kept:
            self._set_columns_aside(table, wanted)
        new = [wanted for name, wanted in self._wanted.items() if name not in self._have]
        for wanted in new:
            self._plan.add(
                f"Add table '{wanted.name}' with {len(wanted.columns)} columns",
                ddl.create_table(wanted, self._sql_names[wanted.name]),
            )
        for table, wanted in kept:
            self._update_table(table, wanted)
            self._add_columns(table, wanted)
        # Links may lead to any new table, so columns come when all tables are there.
        for wanted in new:
            self._fill_new_table(wanted)
        for wanted in self._wanted.values():
            self._add_indexes(wanted)
        self._add_constraints()
        return self._plan

    def _drop_constraints(self) -> None:
        for name, (table_id, kind, definition, message) in self._stored.constraints.items():
            table = self._stored.schema.tables.get(table_id)
            wanted = self._constraints.get(name)
            if table is None:
                continue
            if wanted and (wanted.kind, wanted.definition) == (kind, definition):
                if wanted.message != message:
                    self._plan.add(f"Reword rule '{name}'", [ddl.reword_constraint(wanted)])
                continue
            self._plan.add(
                f"Drop rule '{name}' of table '{table.name}'",
                [drop_statement(kind, name, table.sql), ddl.forget_constraint(name)],
            )

    def _wanted_indexes(self, wanted: WantedTable) -> Iterator[tuple[str, ddl.Index]]:
        have = self._have.get(wanted.name)
        for index in wanted.indexes:
            names = self._column_sql_names(have, wanted)
            sql_names = tuple(names[column] for column in index.columns)
            built = ddl.Index(wanted.name, self._sql_names[wanted.name], index, sql_names)
            yield built.name, built

    def _drop_indexes(self) -> None:
        keep = set()
        for wanted in self._wanted.values():
            keep |= {name for name, _ in self._wanted_indexes(wanted)}
        for name, (table_id, _, columns) in self._stored.indexes.items():
            table = self._stored.schema.tables.get(table_id)
            if table is None or (name in keep and self._still_covers(table, columns)):
                continue
            self._plan.add(f"Drop index '{name}' of table '{table.name}'", ddl.drop_index(name))

    def _still_covers(self, table: Table, columns: Iterable[int]) -> bool:
        """Whether none of the index's columns is about to be set aside."""
        wanted = self._wanted.get(table.name)
        if wanted is None:
            return False
        leaving = {column.id for column in self._leaving(table, wanted)}
        return not leaving.intersection(columns)

    def _set_table_aside(self, table: Table) -> None:
        kept_in = f"{ddl.aside_schema(table)}.{table.sql_name}"
        self._plan.add(
            f"Set table '{table.name}' aside (its rows are kept in {kept_in})",
            ddl.set_table_aside(table, self._stored.schema),
            sets_aside=True,
        )

    def _leaving(self, table: Table, wanted: WantedTable) -> Iterator[Column]:
        keep = {column.name: column for column in wanted.columns}
        for column in table.columns.values():
            found = keep.get(column.name)
            if found is None and column.by_server:
                continue
            if found is None or not self._same_type(column, found):
                yield column

    def _same_type(self, column: Column | Removed, wanted: WantedColumn) -> bool:
        target = self._have.get(wanted.target) if wanted.target else None
        return column.type == wanted.type and column.target == (target.id if target else None)

    def _set_columns_aside(self, table: Table, wanted: WantedTable) -> None:
        retyped = {column.name: column for column in wanted.columns}
        for column in self._leaving(table, wanted):
            again = retyped.get(column.name)
            text = f"Set column '{column.name}' ({column.type}) of table '{table.name}' aside"
            if again is not None:
                text += f"; it comes back as {again.type}, without its values"
            self._plan.add(
                f"{text} (its values are kept in {ddl.aside_column_name(column)})",
                ddl.set_column_aside(table, column, self._stored.schema),
                sets_aside=True,
            )

    def _update_table(self, table: Table, wanted: WantedTable) -> None:
        updates = []
        if table.title != wanted.title:
            updates.append(f"title '{wanted.title}'")
        if table.client != LEVELS[wanted.client]:
            updates.append(f"client access '{wanted.client}'")
        if table.server != LEVELS[wanted.server]:
            updates.append(f"server access '{wanted.server}'")
        if updates:
            text = f"Give table '{table.name}' {', '.join(updates)}"
            self._plan.add(text, ddl.update_table(table, wanted))
        for column in wanted.columns:
            found = table.columns.get(column.name)
            if found is not None and self._same_type(found, column):
                self._update_column(table, found, column)

    def _update_column(self, table: Table, column: Column, wanted: WantedColumn) -> None:
        if column.client_hidden != wanted.client_hidden:
            how = "Hide" if wanted.client_hidden else "Show"
            self._plan.add(
                f"{how} column '{column.name}' of table '{table.name}' in browsers",
                [ddl.hide_column(column.id, hidden=wanted.client_hidden)],
            )

    def _column_sql_names(self, have: Table | None, wanted: WantedTable) -> dict[str, str]:
        """The SQL name of each wanted column. A column that stays keeps its own."""
        names = {}
        taken = set(_SYSTEM_COLUMNS)
        if have:
            leaving = {column.name for column in self._leaving(have, wanted)}
            for kept in have.columns.values():
                if kept.name not in leaving:
                    names[kept.name] = kept.sql_name
                    taken.add(kept.sql_name)
        for column in wanted.columns:
            if column.name not in names:
                names[column.name] = choose(column.name, taken)
                taken.add(names[column.name])
        return names

    def _add_columns(self, table: Table, wanted: WantedTable) -> None:
        leaving = {column.name for column in self._leaving(table, wanted)}
        names = self._column_sql_names(table, wanted)
        for position, column in enumerate(wanted.columns):
            if column.name in table.columns and column.name not in leaving:
                continue
            new = self._new_column(wanted, column, names[column.name], position)
            old = self._removed(table, column)
            if old is not None:
                text = f"Bring column '{column.name}' of table '{table.name}' back with its values"
                self._plan.add(text, new.revive(old.id, old.sql_name))
            else:
                self._plan.add(
                    f"Add column '{column.name}' ({column.type}) to table '{table.name}'", new.add()
                )

    def _removed(self, table: Table, column: WantedColumn) -> Removed | None:
        """The column of that name and type that was set aside last."""
        for old in reversed(self._stored.removed_columns):
            same = old.table_id == table.id and old.name == column.name
            if same and self._same_type(old, column):
                return old
        return None

    def _fill_new_table(self, wanted: WantedTable) -> None:
        names = self._column_sql_names(None, wanted)
        statements: list[str] = []
        for position, column in enumerate(wanted.columns):
            statements += self._new_column(wanted, column, names[column.name], position).add()
        listed = ", ".join(f"{column.name} ({column.type})" for column in wanted.columns)
        if statements:
            self._plan.add(f"Add columns of table '{wanted.name}': {listed}", statements)

    def _new_column(
        self, table: WantedTable, column: WantedColumn, sql_name: str, position: int
    ) -> ddl.NewColumn:
        target = self._sql_names[column.target] if column.target else None
        return ddl.NewColumn(
            table.name, self._sql_names[table.name], column, sql_name, target, position
        )

    def _add_indexes(self, wanted: WantedTable) -> None:
        have = self._have.get(wanted.name)
        for name, index in self._wanted_indexes(wanted):
            stored = self._stored.indexes.get(name)
            if stored and have and self._still_covers(have, stored[2]):
                continue
            columns = ", ".join(index.wanted.columns)
            self._plan.add(
                f"Add {index.wanted.type} index on {columns} of table '{wanted.name}'",
                index.create(),
            )

    def _add_constraints(self) -> None:
        for name, constraint in self._constraints.items():
            stored = self._stored.constraints.get(name)
            if stored and stored[1:3] == (constraint.kind, constraint.definition):
                continue
            table_sql = ddl.table_sql(self._sql_names[constraint.table])
            self._plan.add(
                f"Add {constraint.kind} rule '{name}' to table '{constraint.table}'",
                [
                    *ddl.extension_of(constraint),
                    constraint.create(table_sql),
                    ddl.remember_constraint(constraint),
                ],
            )


async def migrate(
    connection: Connection,
    wanted: Mapping[str, WantedTable] | None,
    constraints: Iterable[Constraint],
    *,
    auto_migrate: bool,
    ignore_invalid_schema: bool,
) -> tuple[Stored, Plan]:
    """Bring the database to the wanted schema in one transaction, as the options allow.

    As on Anvil's server: an empty database is always filled; otherwise ``auto_migrate`` applies the
    plan unless ``ignore_invalid_schema`` says to run with the tables as they are. StartupError with
    the plan where neither is given, and where a change fails (then nothing is changed). An app
    without any ``db_schema`` (None) wants no change. Answers what is there now, and the plan
    (applied or ignored).
    """
    async with connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        await metadata.install(connection)
        stored = await metadata.load(connection)
        if wanted is None:
            return stored, Plan()
        plan = make_plan(stored, wanted, constraints)
        first = not stored.schema.tables and not stored.removed_tables
        if not plan:
            return await _reorder(connection, stored, wanted), plan
        if not first and ignore_invalid_schema:
            return stored, plan
        if not first and not auto_migrate:
            raise StartupError(
                "The data tables of this app are out of date. These changes are needed:\n"
                f"{plan}\n"
                "Start with --auto-migrate to make them (values that are no longer wanted are kept "
                "aside), or with --ignore-invalid-schema to run with the tables as they are."
            )
        await _apply(connection, plan)
        return await _reorder(connection, await metadata.load(connection), wanted), plan


async def _reorder(
    connection: Connection, stored: Stored, wanted: Mapping[str, WantedTable]
) -> Stored:
    """Take over the order of columns: it is only how they are listed, and needs nobody's leave."""
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
    return await metadata.load(connection) if moved else stored


async def _apply(connection: Connection, plan: Plan) -> None:
    for change in plan.changes:
        for statement in change.statements:
            await _execute(connection, statement, change.text)


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


async def add_columns(
    connection: Connection, table_name: str, columns: Iterable[WantedColumn]
) -> Stored:
    """Add columns without links to one table, outside of ``anvil.yaml``; one that another server
    added meanwhile is left as it is."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        stored = await metadata.load(connection)
        table = stored.schema.by_name[table_name]
        taken = _SYSTEM_COLUMNS | {column.sql_name for column in table.columns.values()}
        for column in columns:
            if column.name in table.columns:
                continue
            sql_name = choose(column.name, taken)
            taken.add(sql_name)
            new = ddl.NewColumn(
                table.name, table.sql_name, column, sql_name, None, len(table.columns), True
            )
            for statement in new.add():
                await connection.execute(statement.encode())
        return await metadata.load(connection)
