"""Which tables and columns are the same under another name.

Told by ``migrations.yaml`` beside ``anvil.yaml``, of the app or of a dependency:

    renames:
      - id: 2026-05 clients are contacts       # any text, once in the file
        tables: {clients: contacts}
        columns:
          contacts: {mail: email, "Full name": name}

Entries are looked at in their order, each once in the life of a database: an instance that passes
over releases goes a -> b -> c, and one that was made later has nothing to rename. The names of one
entry change at the same time, so ``{a: b, b: a}`` swaps; ``columns`` go by the names of tables that
the entry leaves. An entry never changes once it was released; to rename back, add another.

Without an entry the hints are followed that Anvil's server follows (``diff-schema`` in
``anvil/runtime/tables/schema.clj``): names that share a known id in ``table_id_hints`` of
``anvil.yaml``, and a table that goes while another comes with the very same columns. Where several
fit equally well, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app_server.errors import StartupError
from app_server.tables.metadata import Removed, RemovedTable, Stored
from app_server.tables.schema import Table, WantedTable

RENAMES_FILE = "migrations.yaml"

Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rename:
    """One entry: old names and new ones; columns by the new name of their table."""

    package: str
    id: str
    tables: Names = field(default_factory=dict)
    columns: Mapping[str, Names] = field(default_factory=dict)


def parse_renames(raw: Any, package: str, where: str = RENAMES_FILE) -> list[Rename]:
    """The entries of a parsed file (None where there is none). StartupError names the fault."""
    if raw is None:
        return []
    if not isinstance(raw, Mapping) or set(raw) - {"renames"}:
        raise StartupError(f"{where} has to be a mapping with the one key 'renames'.")
    entries = raw.get("renames") or []
    if not isinstance(entries, list):
        raise StartupError(f"{where}: 'renames' has to be a list.")
    found = [_parse_entry(entry, package, where) for entry in entries]
    ids = [entry.id for entry in found]
    for each in ids:
        if ids.count(each) > 1:
            raise StartupError(f"{where}: two renames have the id {each!r}.")
    return found


def _parse_entry(entry: Any, package: str, where: str) -> Rename:
    if not isinstance(entry, Mapping) or not str(entry.get("id") or "").strip():
        raise StartupError(f"{where}: each rename needs an 'id' that never changes.")
    place = f"{where}: rename {str(entry['id'])!r}"
    unknown = set(entry) - {"id", "tables", "columns"}
    if unknown:
        raise StartupError(
            f"{place} has {', '.join(sorted(map(str, unknown)))}; it takes id, tables and columns."
        )
    columns = entry.get("columns") or {}
    if not isinstance(columns, Mapping):
        raise StartupError(f"{place}: 'columns' has to be a mapping of tables.")
    return Rename(
        package,
        str(entry["id"]),
        _parse_names(entry.get("tables"), f"{place}: tables"),
        {str(t): _parse_names(names, f"{place}: columns of '{t}'") for t, names in columns.items()},
    )


def _parse_names(raw: Any, place: str) -> Names:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping) or not all(isinstance(new, str) for new in raw.values()):
        raise StartupError(f"{place}: expected a mapping of old names to new ones.")
    names = {str(old): new for old, new in raw.items() if str(old) != new}
    if len(set(names.values())) < len(names):
        raise StartupError(f"{place}: two of them get the same new name.")
    return names


@dataclass(slots=True)
class Renaming:
    """What entries and hints come to. Keys are ids of tables and columns."""

    tables: dict[int, str] = field(default_factory=dict)
    columns: dict[int, str] = field(default_factory=dict)
    displaced_tables: set[int] = field(default_factory=set)
    """Tables whose name another one takes, though no entry gives them a new one."""
    displaced_columns: set[int] = field(default_factory=set)
    aside_tables: dict[int, str] = field(default_factory=dict)
    """Tables that were set aside before the rename was told."""
    aside_columns: dict[int, str] = field(default_factory=dict)
    fills: list[tuple[int, int]] = field(default_factory=list)
    """Columns set aside before the rename was told, and the columns that stand there by now."""
    notes: dict[int, str] = field(default_factory=dict)
    """By table id: why something was taken for a rename."""
    done: tuple[tuple[str, str], ...] = ()


def resolve_renames(
    stored: Stored,
    wanted: Mapping[str, WantedTable],
    entries: Iterable[Rename],
    hints: Any = None,
) -> Renaming:
    """What is renamed on the way from ``stored`` to ``wanted``. ``hints``: ``table_id_hints``."""
    return _Resolver(stored, wanted).resolve(entries, hints if isinstance(hints, Mapping) else {})


class _Resolver:
    def __init__(self, stored: Stored, wanted: Mapping[str, WantedTable]) -> None:
        self._stored = stored
        self._wanted = wanted
        self._found = Renaming()
        self._tables: dict[str, int] = {t.name: t.id for t in stored.schema.tables.values()}
        self._columns: dict[int, dict[str, int]] = {
            table.id: {name: column.id for name, column in table.columns.items()}
            for table in (*stored.schema.tables.values(), *(r.table for r in stored.removed_tables))
        }
        # The last one of a name is what would come back.
        self._aside_tables: dict[str, RemovedTable] = {
            r.table.name: r for r in stored.removed_tables
        }
        self._aside_columns: dict[tuple[int, str], Removed] = {
            (r.table_id, r.name): r for r in stored.removed_columns
        }

    def resolve(self, entries: Iterable[Rename], hints: Mapping[str, Any]) -> Renaming:
        pending = [e for e in entries if (e.package, e.id) not in self._stored.renames]
        for entry in pending:
            self._rename_tables(entry.tables)
            for table, names in entry.columns.items():
                self._rename_columns(table, names)
        self._found.done = tuple((entry.package, entry.id) for entry in pending)
        self._follow_hints(hints)
        return self._found

    def _rename_tables(self, names: Names) -> None:
        moving = {old: self._tables.pop(old) for old in names if old in self._tables}
        for old, new in names.items():
            if old in moving:
                if new in self._tables:
                    self._found.displaced_tables.add(self._tables.pop(new))
                self._tables[new] = self._found_table(moving[old], new)
            elif old in self._aside_tables and new not in self._tables:
                aside = self._aside_tables.pop(old)
                self._aside_tables[new] = aside
                self._found.aside_tables[aside.table.id] = new

    def _found_table(self, table_id: int, name: str) -> int:
        self._found.tables[table_id] = name
        return table_id

    def _rename_columns(self, table: str, names: Names) -> None:
        table_id = self._tables.get(table)
        if table_id is None:
            aside = self._aside_tables.get(table)
            if aside is None:
                return
            table_id = aside.table.id
        columns = self._columns[table_id]
        moving = {old: columns.pop(old) for old in names if old in columns}
        for old, new in names.items():
            if old in moving:
                if new in columns:
                    self._found.displaced_columns.add(columns.pop(new))
                columns[new] = moving[old]
                self._found.columns[moving[old]] = new
            else:
                self._rename_aside_column(table_id, old, new)

    def _rename_aside_column(self, table_id: int, old: str, new: str) -> None:
        aside = self._aside_columns.pop((table_id, old), None)
        if aside is None:
            return
        present = self._columns[table_id].get(new)
        if present is not None:
            self._found.fills.append((aside.id, present))
            return
        self._aside_columns[table_id, new] = aside
        self._found.aside_columns[aside.id] = new

    def _follow_hints(self, hints: Mapping[str, Any]) -> None:
        going = [name for name in self._tables if name not in self._wanted]
        coming = [name for name in self._wanted if name not in self._tables]
        for old, new in _match_ids(going, coming, hints):
            self._rename_tables({old: new})
            self._found.notes[self._tables[new]] = "told by table_id_hints"
            going.remove(old)
            coming.remove(new)
        self._match_contents(going, [name for name in coming if name not in self._aside_tables])
        for name, table_id in self._tables.items():
            if name in self._wanted:
                columns = self._columns[table_id]
                wanted = [column.name for column in self._wanted[name].columns]
                spec = hints.get(name)
                column_hints = spec.get("columns") if isinstance(spec, Mapping) else None
                going = [column for column in columns if column not in wanted]
                coming = [column for column in wanted if column not in columns]
                pairs = _match_ids(going, coming, column_hints)
                self._rename_columns(name, dict(pairs))

    def _match_contents(self, going: Sequence[str], coming: Sequence[str]) -> None:
        old = {name: self._contents(self._tables[name]) for name in going}
        new = {name: self._wanted_contents(self._wanted[name]) for name in coming}
        for name, contents in old.items():
            fitting = [other for other, found in new.items() if found == contents]
            rivals = [other for other, found in old.items() if found == contents]
            if contents and len(fitting) == 1 and len(rivals) == 1:
                self._rename_tables({name: fitting[0]})
                self._found.notes[self._tables[fitting[0]]] = "it has the same columns"

    def _contents(self, table_id: int) -> list[tuple[Any, ...]]:
        table: Table = self._stored.schema.tables[table_id]
        by_id = self._stored.schema.tables
        return [
            (c.name, c.type, self._target_name(by_id.get(c.target or 0), table), c.client_hidden)
            for c in table.columns.values()
            if not c.by_server
        ]

    @staticmethod
    def _target_name(target: Table | None, table: Table) -> str | None:
        """A link to the table itself is one, whatever the table is called."""
        if target is None:
            return None
        return "" if target.id == table.id else target.name

    @staticmethod
    def _wanted_contents(table: WantedTable) -> list[tuple[Any, ...]]:
        return [
            (c.name, c.type, "" if c.target == table.name else c.target, c.client_hidden)
            for c in table.columns
        ]


def _match_ids(going: Iterable[str], coming: Sequence[str], hints: Any) -> list[tuple[str, str]]:
    """Pairs of names that share a known id: ``{name: {"known_ids": [...]}}``."""
    if not isinstance(hints, Mapping):
        return []
    pairs = []
    free = list(coming)
    for old in going:
        known = _known_ids(hints, old)
        new = next((name for name in free if known & _known_ids(hints, name)), None)
        if new is not None:
            free.remove(new)
            pairs.append((old, new))
    return pairs


def _known_ids(hints: Mapping[str, Any], name: str) -> set[Any]:
    spec = hints.get(name)
    ids = spec.get("known_ids") if isinstance(spec, Mapping) else None
    return {str(each) for each in ids} if isinstance(ids, list) else set()
