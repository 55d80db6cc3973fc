"""The part of a plan that is about columns: set aside, renamed, brought back, added, converted."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from app_server.tables import ddl, ddl_moves
from app_server.tables.metadata import Removed, Stored
from app_server.tables.migration_fill import Fill, Source, make_fill
from app_server.tables.migration_plan import (
    MAX_EXAMPLE_CHARS,
    SHOWN_EXAMPLES,
    Change,
    Kind,
    Plan,
    Probe,
)
from app_server.tables.migration_settle import ColumnFate, Origin, Settled, TableFate
from app_server.tables.names import ID, OFFSETS, quote
from app_server.tables.schema import LINK_MULTIPLE, LINKS, SQL_TYPES, Column


class ColumnPlanner:
    def __init__(self, stored: Stored, settled: Settled, plan: Plan, version: str) -> None:
        self._stored = stored
        self._settled = settled
        self._plan = plan
        self._version = version
        self._converting: dict[int, Change] = {}
        self.renamed_indexes: dict[str, str] = {}
        """Of links."""

    def set_aside(self, displaced: Container[int]) -> None:
        """Columns that leave. Of those that convert this is the first step."""
        for fate in self._settled.tables.values():
            converted = {
                each.source.id: each
                for each in fate.columns
                if each.origin is Origin.CONVERTS and each.source is not None
            }
            for column in fate.leaving:
                self._set_aside(fate, column, converted.get(column.id), column.id in displaced)

    def _set_aside(
        self, fate: TableFate, column: Column, again: ColumnFate | None, is_displaced: bool
    ) -> None:
        table = fate.before
        assert table is not None
        stored = table.by_id[column.id]
        kept = ddl_moves.aside_column_name(stored)
        if again is not None:
            change = self._conversion(fate, again)
            change.note = f"as they were they are kept in {kept}"
            self._converting[column.id] = change
            self._plan.changes.append(change)
        else:
            change = self._plan.add(
                f"Set column '{stored.name}' ({column.type}) of table '{table.name}' aside"
                f" (its values are kept in {kept})",
                kind=Kind.ASIDE,
                table=table.name,
                column=stored.name,
                moves=True,
                locks=(table.sql,),
            )
            failing = f"count(t.{stored.sql})" if is_displaced else "0"
            change.probe = Probe(
                f"SELECT count(*), count(t.{stored.sql}), {failing}, NULL::jsonb"
                f" FROM {table.sql} AS t",
                fault="values, since another column takes its name",
            )
        if fate.is_revived:
            # Its table has to come back first; until then nobody can see it.
            return
        self._plan.go_on(
            change,
            ddl_moves.set_column_aside(
                table, stored, self._stored.schema, self._version, name=column.name
            ),
        )

    def set_aside_in_revived(self, fate: TableFate) -> None:
        """The same, in a table that has just come back."""
        table = fate.after
        assert table is not None and fate.before is not None
        for column in fate.leaving:
            stored = fate.before.by_id[column.id]
            self._plan.go_on(
                self._converting.get(column.id) or Change("Set columns aside"),
                ddl_moves.set_column_aside(
                    table, stored, self._stored.schema, self._version, name=column.name
                ),
            )

    def drop_moved_triggers(self, fate: TableFate) -> None:
        """Before a rename: triggers that name the table or column."""
        for before, after in fate.staying:
            if self._is_moved(fate, before, after) and fate.before:
                statements = ddl_moves.drop_triggers(fate.before, before, self._stored.schema)
                if statements:
                    self._plan.go_on(Change("Rename columns"), statements)

    def rename(self, fate: TableFate) -> None:
        """Columns of a table that has its new name already."""
        assert fate.before and fate.after
        renamed = [(b, a) for b, a in fate.staying if b.name != a.name]
        if len(renamed) > 1:
            # Two may change names with each other, so all of them step aside first.
            for before, _ in renamed:
                self._plan.go_on(
                    Change("Rename columns"), ddl_moves.part_column(fate.after, before)
                )
        for before, after in renamed:
            self._plan.add(
                f"Rename column '{before.name}' of table '{fate.after.name}' to '{after.name}'",
                ddl_moves.rename_column(fate.after, before, after, is_parted=len(renamed) > 1),
                table=fate.after.name,
                column=after.name,
                moves=True,
                locks=(fate.before.sql,),
            )
        for before, after in fate.staying:
            if self._is_moved(fate, before, after):
                if after.is_link:
                    old = ddl.link_index(fate.before.sql_name, before.sql_name)
                    self.renamed_indexes[old] = ddl.link_index(fate.sql_name, after.sql_name)
                if not fate.is_revived:
                    statements = ddl_moves.make_triggers(fate.after, after, self._settled.after)
                    self._plan.go_on(Change("Rename columns"), statements)

    @staticmethod
    def _is_moved(fate: TableFate, before: Column, after: Column) -> bool:
        return before.sql_name != after.sql_name or (
            fate.before is not None and fate.before.sql_name != fate.sql_name
        )

    def update(self, fate: TableFate) -> None:
        """Columns of a table that was there before."""
        table = fate.after
        assert table is not None
        for each in fate.columns:
            if each.origin is Origin.STAYS:
                self._hide(fate, each)
            elif each.origin is Origin.NEW:
                self._plan.add(
                    f"Add column '{each.wanted.name}' ({each.wanted.type}) to table '{table.name}'",
                    self._new_column(fate, each).add(),
                    table=table.name,
                    column=each.wanted.name,
                    locks=self._locks(fate),
                    locks_writes=self._locks_of_target(each),
                )
            elif each.origin is Origin.COMES_BACK and isinstance(each.source, Removed):
                self._bring_back(fate, each, each.source)
            else:
                self._convert(fate, each)

    def _hide(self, fate: TableFate, each: ColumnFate) -> None:
        column = each.source
        if isinstance(column, Column) and column.client_hidden != each.wanted.client_hidden:
            how = "Hide" if each.wanted.client_hidden else "Show"
            self._plan.add(
                f"{how} column '{column.name}' of table '{fate.wanted.name}' in browsers",
                [ddl.hide_column(column.id, hidden=each.wanted.client_hidden)],
                table=fate.wanted.name,
                column=column.name,
            )

    def _bring_back(self, fate: TableFate, each: ColumnFate, old: Removed) -> None:
        change = self._plan.add(
            f"Bring column '{each.wanted.name}' of table '{fate.wanted.name}' back with its values",
            self._new_column(fate, each).revive(old.id, old.sql_name),
            table=fate.wanted.name,
            column=each.wanted.name,
            moves=True,
            locks=self._locks(fate),
            locks_writes=self._locks_of_target(each),
        )
        assert fate.before is not None
        change.probe = Probe(
            f"SELECT count(*), count(t.{quote(old.sql_name)}), 0, NULL::jsonb"
            f" FROM {fate.before.sql} AS t"
        )

    def _convert(self, fate: TableFate, each: ColumnFate) -> None:
        source = each.source
        assert source is not None
        new = self._new_column(fate, each)
        change = self._converting.get(source.id)
        if change is None:
            change = self._conversion(fate, each)
            self._plan.changes.append(change)
        self._plan.go_on(change, new.add())
        fill = self._fill(fate, each, after=True)
        if fill is not None:
            self._plan.go_on(change, new.fill(fill.value, fill.offset, fill.has_value))

    def _conversion(self, fate: TableFate, each: ColumnFate) -> Change:
        assert fate.before is not None and each.source is not None
        source, wanted = each.source, each.wanted
        is_aside = isinstance(source, Removed)
        how = "Bring back and convert" if is_aside else "Convert"
        change = Change(
            f"{how} column '{wanted.name}' of table '{fate.wanted.name}'"
            f" from {source.type} to {wanted.type}",
            kind=Kind.CONVERTS,
            table=fate.wanted.name,
            column=wanted.name,
            moves=True,
            locks=self._locks(fate),
            locks_writes=self._locks_of_target(each),
        )
        sql = f"t.{quote(source.sql_name)}"
        fill = self._fill(fate, each, after=False)
        failing = fill.failing if fill else f"({sql} IS NOT NULL)"
        shown = f"left({sql}::text, {MAX_EXAMPLE_CHARS})"
        if source.type == "string":
            shown = f"quote_literal({shown})"
        change.probe = Probe(
            f"WITH bad AS MATERIALIZED (SELECT t.{ID} AS row, {shown} AS value"
            f" FROM {fate.before.sql} AS t WHERE {failing})"
            f" SELECT count(*), count({sql}), (SELECT count(*) FROM bad),"
            " (SELECT jsonb_agg(jsonb_build_object('row', x.row, 'value', x.value)) FROM"
            f" (SELECT * FROM bad ORDER BY bad.row LIMIT {SHOWN_EXAMPLES}) AS x)"
            f" FROM {fate.before.sql} AS t",
            # What is aside already is not lost by staying there.
            Kind.CONVERTS if is_aside else Kind.LOSES,
            fill.fault if fill else f"cannot become {_article(wanted.type)}",
        )
        return change

    def _fill(self, fate: TableFate, each: ColumnFate, *, after: bool) -> Fill | None:
        """Where values come from, in the names that stand ``after`` the column was set aside (or
        before anything was done)."""
        source = each.source
        assert source is not None
        name = source.sql_name
        if after and isinstance(source, Column) and fate.before is not None:
            name = ddl_moves.aside_column_name(fate.before.by_id[source.id])
        elif isinstance(source, Column) and fate.before is not None:
            name = fate.before.by_id[source.id].sql_name
        earlier = each.earlier
        return make_fill(
            Source(source.id, source.type, name),
            each.wanted.type,
            target=self._common_target(each, after=after),
            earlier=Source(earlier.id, earlier.type, earlier.sql_name) if earlier else None,
        )

    def _common_target(self, each: ColumnFate, *, after: bool) -> str | None:
        """The quoted name of the table that a link leads to before and after."""
        target = self._settled.tables.get(each.wanted.target) if each.wanted.target else None
        if target is None or target.before is None or each.source is None:
            return None
        if each.source.type not in LINKS or each.source.target != target.before.id:
            return None
        return ddl.table_sql(target.sql_name) if after else target.before.sql

    def fill_new_table(self, fate: TableFate) -> None:
        statements: list[str] = []
        locks: list[str] = []
        for each in fate.columns:
            statements += self._new_column(fate, each).add()
            locks += self._locks_of_target(each)
        listed = ", ".join(f"{each.wanted.name} ({each.wanted.type})" for each in fate.columns)
        if statements:
            text = f"Add columns of table '{fate.wanted.name}': {listed}"
            self._plan.add(
                text, statements, table=fate.wanted.name, locks_writes=tuple(dict.fromkeys(locks))
            )

    def fill_late(self, fills: Iterable[tuple[int, int]]) -> None:
        """A rename that is told after the old column was set aside and the new one stands: rows
        that have nothing there get the old value."""
        old = {column.id: column for column in self._stored.removed_columns}
        for aside_id, column_id in fills:
            aside = old[aside_id]
            for fate in self._settled.tables.values():
                column = fate.after.by_id.get(column_id) if fate.after else None
                if column is None or (column.type, column.target) != (aside.type, aside.target):
                    continue
                self._fill_late(fate, column, aside)

    def _fill_late(self, fate: TableFate, column: Column, aside: Removed) -> None:
        assert fate.before is not None
        each = next(each for each in fate.columns if each.wanted.name == column.name)
        source = Source(aside.id, aside.type, aside.sql_name)
        present = f"t.{fate.before.by_id[column.id].sql}"
        statements = self._new_column(fate, each).fill(
            source.sql,
            f"nullif({source.offset}, 0)",
            f"t.{column.sql} IS NULL AND {source.sql} IS NOT NULL",
        )
        change = self._plan.add(
            f"Fill column '{column.name}' of table '{fate.wanted.name}', where it is None, with"
            f" the values of column '{aside.name}', which it replaced",
            statements,
            kind=Kind.CONVERTS,
            table=fate.wanted.name,
            column=column.name,
            moves=True,
            locks=self._locks(fate),
        )
        change.probe = Probe(
            f"SELECT count(*), count(*) FILTER (WHERE {present} IS NULL AND"
            f" {source.sql} IS NOT NULL), 0, NULL::jsonb FROM {fate.before.sql} AS t"
        )

    def view_after(self, fate: TableFate) -> str:
        """A query over the table as it is that gives its rows as they will be."""
        assert fate.before is not None
        parts = [f"t.{ID}"]
        if fate.before.has_offsets:
            parts.append(f"t.{OFFSETS}")
        parts += [f"{value} AS {quote(name)}" for name, value in self._values_after(fate)]
        return f"SELECT {', '.join(parts)} FROM {fate.before.sql} AS t"

    def _values_after(self, fate: TableFate) -> Iterator[tuple[str, str]]:
        assert fate.before is not None
        for before, after in fate.staying:
            yield after.sql_name, f"t.{before.sql}"
        for each in fate.columns:
            if each.origin is Origin.COMES_BACK and each.source is not None:
                yield each.sql_name, f"t.{quote(each.source.sql_name)}"
            elif each.origin is not Origin.STAYS:
                fill = self._fill(fate, each, after=False) if each.source else None
                null = f"NULL::{SQL_TYPES[each.wanted.type]}"
                yield each.sql_name, fill.value if fill else null

    def _new_column(self, fate: TableFate, each: ColumnFate) -> ddl.NewColumn:
        target = self._settled.tables[each.wanted.target] if each.wanted.target else None
        return ddl.NewColumn(
            fate.wanted.name,
            fate.sql_name,
            each.wanted,
            each.sql_name,
            target.sql_name if target else None,
            each.position,
        )

    @staticmethod
    def _locks(fate: TableFate) -> tuple[str, ...]:
        return (fate.before.sql,) if fate.before else ()

    def _locks_of_target(self, each: ColumnFate) -> tuple[str, ...]:
        """A foreign key or a trigger on the table that a link leads to."""
        target = self._settled.tables.get(each.wanted.target) if each.wanted.target else None
        return self._locks(target) if target else ()


def _article(kind: str) -> str:
    return f"a {kind}" if kind != LINK_MULTIPLE else "a list of links"
