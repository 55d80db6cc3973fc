"""What each stored table and column becomes: the same one, perhaps under another name, or set
aside; and where each wanted one comes from. No statements yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

from app_server.tables.metadata import Removed, Stored
from app_server.tables.migration_renames import Renaming
from app_server.tables.names import DATA_SCHEMA, choose
from app_server.tables.schema import Column, Schema, Table, WantedColumn, WantedTable

SYSTEM_COLUMNS = frozenset({"ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"})


class Origin(Enum):
    """Where a wanted column comes from."""

    STAYS = "stays"
    NEW = "new"
    COMES_BACK = "comes back"
    """It was set aside, and is of the wanted type."""
    CONVERTS = "converts"
    """The column there is, or the one that was set aside last, is of another type."""


@dataclass(frozen=True, slots=True)
class ColumnFate:
    """``source`` is the column that it comes from, ``earlier`` one of the wanted type that was set
    aside before (only for those that convert)."""

    wanted: WantedColumn
    origin: Origin
    sql_name: str
    position: int
    source: Column | Removed | None = None
    earlier: Removed | None = None


@dataclass(slots=True)
class TableFate:
    """``before`` is the table as it is stored, None for a new one; ``after`` as it will be, with
    those of its columns that stay. ``leaving``: columns that are set aside."""

    wanted: WantedTable
    sql_name: str
    before: Table | None = None
    after: Table | None = None
    is_revived: bool = False
    leaving: list[Column] = field(default_factory=list)
    columns: list[ColumnFate] = field(default_factory=list)

    @property
    def staying(self) -> Iterator[tuple[Column, Column]]:
        """Columns that stay: as they are, and as they will be."""
        if self.before is None or self.after is None:
            return
        after = self.after.by_id
        for column in self.before.columns.values():
            if column.id in after:
                yield column, after[column.id]

    def sql_names(self) -> dict[str, str]:
        return {fate.wanted.name: fate.sql_name for fate in self.columns}


@dataclass(slots=True)
class Settled:
    """``tables`` by wanted name; ``leaving``: tables that are set aside; ``after``: the tables that
    are stored now and stay or come back, as they will be."""

    tables: dict[str, TableFate]
    leaving: list[Table]
    after: Schema


def settle(stored: Stored, wanted: Mapping[str, WantedTable], renaming: Renaming) -> Settled:
    return _Settler(stored, wanted, renaming).settle()


class _Settler:
    def __init__(
        self, stored: Stored, wanted: Mapping[str, WantedTable], renaming: Renaming
    ) -> None:
        self._stored = stored
        self._wanted = wanted
        self._renaming = renaming
        self._have: dict[str, Table] = {}
        self._revived: set[int] = set()

    def settle(self) -> Settled:
        leaving = self._find_tables()
        names = self._choose_table_names()
        fates = {
            name: TableFate(wanted, names[name], self._have.get(name))
            for name, wanted in self._wanted.items()
        }
        after = {}
        for name, fate in fates.items():
            if fate.before is not None:
                fate.is_revived = fate.before.id in self._revived
                fate.after = self._settle_columns(fate, name)
                after[fate.after.id] = fate.after
        for fate in fates.values():
            fate.columns = list(self._fates_of_columns(fate))
        return Settled(fates, leaving, Schema(MappingProxyType(after)))

    def _find_tables(self) -> list[Table]:
        leaving = []
        for table in self._stored.schema.tables.values():
            name = self._renaming.tables.get(table.id, table.name)
            if name in self._wanted and table.id not in self._renaming.displaced_tables:
                self._have[name] = table
            else:
                leaving.append(table)
        aside = {
            self._renaming.aside_tables.get(r.table.id, r.table.name): r.table
            for r in self._stored.removed_tables
        }
        for name, table in aside.items():
            if name in self._wanted and name not in self._have:
                self._have[name] = table
                self._revived.add(table.id)
        return leaving

    def _choose_table_names(self) -> dict[str, str]:
        """A table that keeps its name keeps its SQL name too."""
        kept = {
            name: table.sql_name
            for name, table in self._have.items()
            if table.name == name and table.id not in self._revived
        }
        taken = set(kept.values())
        for name in self._wanted:
            if name not in kept:
                kept[name] = choose(name, taken)
                taken.add(kept[name])
        return kept

    def _settle_columns(self, fate: TableFate, name: str) -> Table:
        """The table with the columns that stay; the others are put into ``fate.leaving``."""
        before = fate.before
        assert before is not None
        by_name = {column.name: column for column in fate.wanted.columns}
        staying = []
        for column in before.columns.values():
            new_name = self._renaming.columns.get(column.id, column.name)
            found = by_name.get(new_name)
            stays = (
                column.by_server if found is None else self.is_same_type(column, found)
            ) and column.id not in self._renaming.displaced_columns
            if stays:
                staying.append(replace(column, name=new_name))
            else:
                fate.leaving.append(replace(column, name=new_name))
        taken = SYSTEM_COLUMNS | {c.sql_name for c in staying if before.by_id[c.id].name == c.name}
        columns = {}
        for column in staying:
            if before.by_id[column.id].name != column.name:
                column = replace(column, sql_name=choose(column.name, taken))
                taken |= {column.sql_name}
            columns[column.name] = column
        return replace(
            before,
            name=name,
            sql_name=fate.sql_name,
            schema=DATA_SCHEMA,
            columns=MappingProxyType(columns),
        )

    def is_same_type(self, column: Column | Removed, wanted: WantedColumn) -> bool:
        target = self._have.get(wanted.target) if wanted.target else None
        return column.type == wanted.type and column.target == (target.id if target else None)

    def _fates_of_columns(self, fate: TableFate) -> Iterator[ColumnFate]:
        staying = dict(fate.after.columns) if fate.after else {}
        leaving = {
            column.name: column
            for column in fate.leaving
            if column.id not in self._renaming.displaced_columns
        }
        taken = SYSTEM_COLUMNS | {column.sql_name for column in staying.values()}
        for position, wanted in enumerate(fate.wanted.columns):
            if wanted.name in staying:
                sql_name = staying[wanted.name].sql_name
                yield ColumnFate(wanted, Origin.STAYS, sql_name, position, staying[wanted.name])
                continue
            sql_name = choose(wanted.name, taken)
            taken |= {sql_name}
            aside = self._aside_columns(fate, wanted.name)
            source: Column | Removed | None = leaving.get(wanted.name)
            if source is None and aside:
                source = aside.pop()
            if source is None:
                yield ColumnFate(wanted, Origin.NEW, sql_name, position)
            elif isinstance(source, Removed) and self.is_same_type(source, wanted):
                yield ColumnFate(wanted, Origin.COMES_BACK, sql_name, position, source)
            else:
                fitting = [column for column in aside if self.is_same_type(column, wanted)]
                earlier = fitting[-1] if fitting else None
                yield ColumnFate(wanted, Origin.CONVERTS, sql_name, position, source, earlier)

    def _aside_columns(self, fate: TableFate, name: str) -> list[Removed]:
        """Columns of that name that were set aside, the last one at the end."""
        if fate.before is None:
            return []
        return [
            column
            for column in self._stored.removed_columns
            if column.table_id == fate.before.id
            and self._renaming.aside_columns.get(column.id, column.name) == name
        ]
