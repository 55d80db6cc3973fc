"""From what is settled to a plan: sentences for people and statements in an order that works.

The order: rules and indexes that go, columns and tables that are set aside, renames, tables that
come back, new tables, columns, values, indexes, rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app_server.tables import ddl, ddl_moves
from app_server.tables.constraints import (
    APPEND_ONLY,
    Constraint,
    disable_append_only,
    drop_statement,
    enable_append_only,
)
from app_server.tables.metadata import Stored
from app_server.tables.migration_columns import ColumnPlanner
from app_server.tables.migration_plan import Change, Kind, Plan, Probe
from app_server.tables.migration_renames import Rename, Renaming, resolve_renames
from app_server.tables.migration_rules import rule_probe
from app_server.tables.migration_settle import TableFate, settle
from app_server.tables.names import META_SCHEMA, aside_schema, literal
from app_server.tables.schema import LEVELS, Table, WantedIndex, WantedTable


def make_plan(
    stored: Stored,
    wanted: Mapping[str, WantedTable],
    constraints: Iterable[Constraint],
    renames: Iterable[Rename] = (),
    hints: Any = None,
    version: str = "",
) -> Plan:
    """What has to be done so that the database is as wanted. ``hints``: ``table_id_hints`` of
    ``anvil.yaml``; ``version``: the app's, noted with what is set aside. Changes are not measured
    yet (see ``migration_probes``)."""
    renaming = resolve_renames(stored, wanted, renames, hints)
    return _Planner(stored, renaming, wanted, constraints, version).plan()


class _Planner:
    def __init__(
        self,
        stored: Stored,
        renaming: Renaming,
        wanted: Mapping[str, WantedTable],
        constraints: Iterable[Constraint],
        version: str,
    ) -> None:
        self._stored = stored
        self._renaming = renaming
        self._rules = {rule.name: rule for rule in constraints}
        self._version = version
        self._settled = settle(stored, wanted, renaming)
        self._fates = self._settled.tables
        self._by_id = {f.before.id: f for f in self._fates.values() if f.before is not None}
        self._plan = Plan(renames=renaming.done)
        self._columns = ColumnPlanner(stored, self._settled, self._plan, version)
        self._kept_indexes: set[tuple[str, WantedIndex]] = set()
        self._renamed_indexes: dict[str, str] = {}
        self._remade_rules: dict[str, Change] = {}

    def plan(self) -> Plan:
        self._drop_rules()
        self._drop_indexes()
        self._columns.set_aside(self._renaming.displaced_columns)
        for table in self._settled.leaving:
            self._set_table_aside(table)
        self._rename()
        self._revive_tables()
        for fate in self._fates.values():
            if fate.before is None:
                self._plan.add(
                    f"Add table '{fate.wanted.name}' with {len(fate.wanted.columns)} columns",
                    ddl.create_table(fate.wanted, fate.sql_name),
                    table=fate.wanted.name,
                )
        for fate in self._fates.values():
            if fate.before is not None:
                self._update_table(fate)
                self._columns.update(fate)
        # Links may lead to any new table, so columns come when all tables are there.
        for fate in self._fates.values():
            if fate.before is None:
                self._columns.fill_new_table(fate)
        self._columns.fill_late(self._renaming.fills)
        for fate in self._fates.values():
            self._add_indexes(fate)
        self._add_rules()
        self._suspend_append_only()
        self._note_renames()
        return self._plan

    def _drop_rules(self) -> None:
        for name, rule in self._stored.rules.items():
            table = self._stored.schema.tables.get(rule.table_id)
            if table is None:
                continue
            wanted = self._rules.get(name)
            fate = self._by_id.get(table.id)
            same = (
                wanted is not None
                and fate is not None
                and fate.wanted.name == wanted.table
                and (wanted.kind, wanted.definition) == (rule.kind, rule.definition)
            )
            statements = [
                drop_statement(rule.kind, name, table.sql),
                ddl.forget_constraint(name),
            ]
            if not same:
                self._plan.add(
                    f"Drop rule '{name}' of table '{table.name}'",
                    statements,
                    table=table.name,
                    locks=(table.sql,),
                )
            elif fate is not None and not rule.covers <= self._unmoved(fate):
                # It goes on to hold for the column that is set aside, or named otherwise, by now.
                change = Change(
                    f"Make {rule.kind} rule '{name}' of table '{table.name}' anew",
                    table=table.name,
                    locks=(table.sql,),
                )
                self._remade_rules[name] = change
                self._plan.go_on(change, statements)
            elif wanted is not None and wanted.message != rule.message:
                self._plan.add(f"Reword rule '{name}'", [ddl.reword_constraint(wanted)])

    @staticmethod
    def _unmoved(fate: TableFate) -> set[str]:
        """SQL names of columns that mean the same before and after."""
        names = {
            before.sql_name for before, after in fate.staying if before.sql_name == after.sql_name
        }
        return names | {"_id", "_offsets"}

    def _index(self, fate: TableFate, wanted: WantedIndex) -> ddl.Index:
        names = fate.sql_names()
        columns = tuple(names[column] for column in wanted.columns)
        return ddl.Index(fate.wanted.name, fate.sql_name, wanted, columns)

    def _drop_indexes(self) -> None:
        for name, (table_id, kind, columns) in self._stored.indexes.items():
            table = self._stored.schema.tables.get(table_id)
            if table is None:
                continue
            found = self._find_index(table, name, kind, columns)
            if found is None:
                self._plan.add(
                    f"Drop index '{name}' of table '{table.name}'",
                    ddl.drop_index(name),
                    table=table.name,
                    locks=(table.sql,),
                )
                continue
            fate, wanted = found
            self._kept_indexes.add((fate.wanted.name, wanted))
            new_name = self._index(fate, wanted).name
            if new_name != name:
                self._renamed_indexes[name] = new_name

    def _find_index(
        self, table: Table, name: str, kind: str, columns: tuple[int, ...]
    ) -> tuple[TableFate, WantedIndex] | None:
        """The wanted index that a stored one is, if it is one and its columns stay."""
        fate = self._by_id.get(table.id)
        if fate is None or fate.after is None:
            return None
        staying = fate.after.by_id
        if not all(column in staying for column in columns):
            return None
        covered = {staying[column].name for column in columns}
        for wanted in fate.wanted.indexes:
            # The columns are stored without their order, which the name tells.
            old = ddl.Index("", table.sql_name, wanted, self._old_names(table, fate, wanted))
            same = wanted.type == kind and set(wanted.columns) == covered
            if same and (len(columns) == 1 or old.name == name):
                return fate, wanted
        return None

    @staticmethod
    def _old_names(table: Table, fate: TableFate, wanted: WantedIndex) -> tuple[str, ...]:
        assert fate.after is not None
        ids = {column.name: column.id for column in fate.after.columns.values()}
        known = table.by_id
        return tuple(known[ids[name]].sql_name for name in wanted.columns if name in ids)

    def _set_table_aside(self, table: Table) -> None:
        displaced = table.id in self._renaming.displaced_tables
        change = self._plan.add(
            f"Set table '{table.name}' aside (its rows are kept in"
            f" {aside_schema(table.id)}.{table.sql_name})",
            ddl_moves.set_table_aside(table, self._stored.schema, self._version),
            kind=Kind.ASIDE,
            table=table.name,
            moves=True,
            locks=(table.sql,),
        )
        failing = "count(*)" if displaced else "0"
        change.probe = Probe(
            f"SELECT count(*), count(*), {failing}, NULL::jsonb FROM {table.sql}",
            fault="rows, since another table takes its name",
        )

    def _rename(self) -> None:
        kept = [f for f in self._fates.values() if f.before is not None and not f.is_revived]
        renamed = [f for f in kept if f.after and f.before and f.after.name != f.before.name]
        for fate in kept:
            self._columns.drop_moved_triggers(fate)
        # Two may change names with each other, so all of them step aside first.
        if len(renamed) > 1:
            for fate in renamed:
                if fate.before and fate.after:
                    self._plan.go_on(self._silent, ddl_moves.part_table(fate.before))
        for fate in renamed:
            assert fate.before and fate.after
            is_parted = len(renamed) > 1
            self._plan.add(
                f"Rename table '{fate.before.name}' to '{fate.after.name}'",
                ddl_moves.rename_table(fate.before, fate.after, is_parted=is_parted),
                table=fate.after.name,
                note=self._renaming.notes.get(fate.before.id, ""),
                moves=True,
                locks=(fate.before.sql,),
            )
        for fate in kept:
            self._columns.rename(fate)
        renamed_indexes = self._renamed_indexes | self._columns.renamed_indexes
        if renamed_indexes:
            self._plan.go_on(self._silent, ddl_moves.rename_indexes(renamed_indexes))

    @property
    def _silent(self) -> Change:
        """For steps that belong to several changes."""
        return Change("Rename tables")

    def _revive_tables(self) -> None:
        revived = [fate for fate in self._fates.values() if fate.is_revived]
        for fate in revived:
            assert fate.before and fate.after
            change = self._plan.add(
                f"Bring table '{fate.wanted.name}' back with its rows",
                ddl_moves.revive_table(fate.before, fate.after),
                table=fate.wanted.name,
                moves=True,
                locks=(fate.before.sql,),
            )
            change.probe = Probe(
                f"SELECT count(*), count(*), 0, NULL::jsonb FROM {fate.before.sql}"
            )
        for fate in revived:
            assert fate.after
            self._columns.set_aside_in_revived(fate)
            self._columns.rename(fate)
            self._plan.go_on(
                self._silent, ddl_moves.revive_columns(fate.after, self._settled.after)
            )

    def _update_table(self, fate: TableFate) -> None:
        table, wanted = fate.after, fate.wanted
        assert table is not None
        updates = []
        if table.title != wanted.title:
            updates.append(f"title '{wanted.title}'")
        if table.client != LEVELS[wanted.client]:
            updates.append(f"client access '{wanted.client}'")
        if table.server != LEVELS[wanted.server]:
            updates.append(f"server access '{wanted.server}'")
        if updates:
            text = f"Give table '{table.name}' {', '.join(updates)}"
            self._plan.add(text, ddl.update_table(table, wanted), table=table.name)

    def _add_indexes(self, fate: TableFate) -> None:
        for wanted in fate.wanted.indexes:
            if (fate.wanted.name, wanted) in self._kept_indexes:
                continue
            columns = ", ".join(wanted.columns)
            self._plan.add(
                f"Add {wanted.type} index on {columns} of table '{fate.wanted.name}'",
                self._index(fate, wanted).create(),
                table=fate.wanted.name,
                locks_writes=tuple(_present(fate)),
            )

    def _add_rules(self) -> None:
        for name, rule in self._rules.items():
            stored = self._stored.rules.get(name)
            remade = self._remade_rules.get(name)
            fate = self._fates[rule.table]
            if stored and not remade and self._is_kept(name, rule, fate):
                continue
            change = remade or Change(
                f"Add {rule.kind} rule '{name}' to table '{rule.table}'",
                table=rule.table,
                locks=tuple(_present(fate)),
            )
            if fate.before is not None and rule.kind != APPEND_ONLY:
                view = self._columns.view_after(fate)
                change.probe = rule_probe(rule, fate.before.sql, view)
            self._plan.changes.append(change)
            self._plan.go_on(
                change,
                [
                    *ddl.extension_of(rule),
                    rule.create(ddl.table_sql(fate.sql_name)),
                    ddl.remember_constraint(rule),
                ],
            )

    def _suspend_append_only(self) -> None:
        """Let a change write into the rows of a table to which they are otherwise only added."""
        changed = {change.table for change in self._plan.changes}
        for name, rule in self._rules.items():
            fate = self._fates[rule.table]
            stored = self._stored.rules.get(name)
            if rule.kind != APPEND_ONLY or stored is None or fate.before is None:
                continue
            is_touched = bool(changed & {fate.before.name, fate.wanted.name})
            if is_touched and self._is_kept(name, rule, fate):
                before = tuple(disable_append_only(name, fate.before.sql))
                self._plan.steps.insert(0, (self._silent, before))
                after = enable_append_only(name, ddl.table_sql(fate.sql_name))
                self._plan.go_on(self._silent, after)

    def _is_kept(self, name: str, rule: Constraint, fate: TableFate) -> bool:
        stored = self._stored.rules[name]
        same = (stored.kind, stored.definition) == (rule.kind, rule.definition)
        return same and fate.before is not None and fate.before.id == stored.table_id

    def _note_renames(self) -> None:
        notes = self._plan.notes
        notes += [ddl.remember_rename(package, entry) for package, entry in self._renaming.done]
        notes += [
            f"UPDATE {META_SCHEMA}.{what} SET name = {literal(name)} WHERE id = {each}"
            for what, names in (
                ("tables", self._renaming.aside_tables),
                ("columns", self._renaming.aside_columns),
            )
            for each, name in names.items()
        ]


def _present(fate: TableFate) -> Iterator[str]:
    if fate.before is not None:
        yield fate.before.sql
