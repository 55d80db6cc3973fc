"""Tables and columns: as ``anvil.yaml`` wants them, and as the database has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app_server.errors import StartupError
from app_server.tables.names import DATA_SCHEMA, quote

LINK_SINGLE = "link_single"
LINK_MULTIPLE = "link_multiple"
LINKS = frozenset({LINK_SINGLE, LINK_MULTIPLE})

SQL_TYPES = {
    "string": "text",
    # Not double precision: numeric keeps integers of any size, and `5` apart from `5.0` by scale.
    "number": "numeric",
    "bool": "boolean",
    "date": "date",
    "datetime": "timestamptz",
    "simpleObject": "jsonb",
    "media": "bigint",
    LINK_SINGLE: "bigint",
    LINK_MULTIPLE: "bigint[]",
}
"""Column types of Anvil and what stores them. Links hold row ids, media the id in ``media``."""

_OLD_TYPES = {"liveObject": LINK_SINGLE, "liveObjectArray": LINK_MULTIPLE}

INDEX_COLUMN_TYPES = {
    "b_tree": frozenset({"string", "number", "date", "datetime", "bool", LINK_SINGLE}),
    "trigram": frozenset({"string"}),
    "full_text": frozenset({"string"}),
}
"""Which columns an index of ``anvil.yaml`` may cover (``tables/manager.clj``, plus links)."""

NONE, READ, WRITE = 0, 1, 2
LEVELS = {"none": NONE, "search": READ, "full": WRITE}
"""``client`` and ``server`` of a table."""


@dataclass(frozen=True, slots=True)
class WantedColumn:
    name: str
    type: str
    target: str | None = None
    client_hidden: bool = False


@dataclass(frozen=True, slots=True)
class WantedIndex:
    type: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WantedTable:
    name: str
    title: str
    client: str
    server: str
    columns: tuple[WantedColumn, ...]
    indexes: tuple[WantedIndex, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column in the database. ``target`` is the id of the table that a link leads to;
    ``by_server`` marks one that the server itself added."""

    id: int
    name: str
    sql_name: str
    type: str
    target: int | None
    client_hidden: bool
    position: int
    by_server: bool = False

    @property
    def sql(self) -> str:
        return quote(self.sql_name)

    @property
    def cast(self) -> str:
        return SQL_TYPES[self.type]

    @property
    def is_link(self) -> bool:
        return self.type in LINKS


@dataclass(frozen=True)
class Table:
    id: int
    name: str
    title: str
    sql_name: str
    client: int
    server: int
    columns: Mapping[str, Column]
    schema: str = DATA_SCHEMA

    @property
    def sql(self) -> str:
        return f"{quote(self.schema)}.{quote(self.sql_name)}"

    @cached_property
    def by_id(self) -> dict[int, Column]:
        return {column.id: column for column in self.columns.values()}

    @cached_property
    def has_offsets(self) -> bool:
        return any(column.type == "datetime" for column in self.columns.values())


@dataclass(frozen=True)
class Schema:
    """All tables that exist, by id; ``by_name`` uses the names of ``app_tables``."""

    tables: Mapping[int, Table] = field(default_factory=dict)
    constraint_messages: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> dict[str, Table]:
        return {table.name: table for table in self.tables.values()}


def parse_db_schema(raw: Any) -> dict[str, WantedTable]:
    """``db_schema`` of ``anvil.yaml`` by table name: a mapping, or the list of older apps.
    StartupError names the table and the fault."""
    if isinstance(raw, list):
        raw = _from_old_form(raw)
    if not isinstance(raw, dict):
        raise StartupError("anvil.yaml: db_schema must be a mapping from table names to tables.")
    wanted = {str(name): _parse_table(str(name), spec or {}) for name, spec in raw.items()}
    for table in wanted.values():
        for column in table.columns:
            if column.type in LINKS and column.target not in wanted:
                raise StartupError(
                    f"anvil.yaml: column '{column.name}' of table '{table.name}' links to table "
                    f"{column.target!r}, which db_schema does not have."
                )
    return wanted


def _parse_table(name: str, spec: dict[str, Any]) -> WantedTable:
    columns = tuple(_parse_column(name, column) for column in spec.get("columns") or [])
    names = [column.name for column in columns]
    for column in names:
        if names.count(column) > 1:
            raise StartupError(f"anvil.yaml: table '{name}' has two columns named '{column}'.")
    by_name = {column.name: column for column in columns}
    for side in ("client", "server"):
        if (spec.get(side) or "none") not in LEVELS:
            raise StartupError(
                f"anvil.yaml: '{side}' of table '{name}' must be none, search or full, "
                f"not {spec[side]!r}."
            )
    return WantedTable(
        name=name,
        title=str(spec.get("title") or name),
        client=spec.get("client") or "none",
        server=spec.get("server") or "none",
        columns=columns,
        indexes=tuple(_parse_indexes(name, spec.get("indexes") or [], by_name)),
    )


def _parse_column(table: str, spec: dict[str, Any]) -> WantedColumn:
    kind = spec.get("type")
    if not spec.get("name") or kind not in SQL_TYPES:
        raise StartupError(
            f"anvil.yaml: column {spec.get('name')!r} of table '{table}' has type {kind!r}. "
            f"A column needs a name and one of the types {', '.join(SQL_TYPES)}."
        )
    return WantedColumn(
        str(spec["name"]),
        str(kind),
        spec.get("target") if kind in LINKS else None,
        bool(spec.get("client_hidden")),
    )


def _parse_indexes(
    table: str, specs: Iterable[dict[str, Any]], columns: Mapping[str, WantedColumn]
) -> Iterable[WantedIndex]:
    seen = set()
    for spec in specs:
        kind, names = spec.get("type"), tuple(spec.get("columns") or [])
        allowed = INDEX_COLUMN_TYPES.get(str(kind))
        if allowed is None or not names or (len(names) > 1 and kind != "b_tree"):
            raise StartupError(
                f"anvil.yaml: table '{table}' has an index of type {kind!r} on {list(names)}. "
                "Indexes are b_tree (one or more columns), trigram or full_text (one column)."
            )
        for name in names:
            if name not in columns or columns[name].type not in allowed:
                found = columns[name].type if name in columns else "missing"
                raise StartupError(
                    f"anvil.yaml: a {kind} index of table '{table}' cannot cover column "
                    f"'{name}' ({found}); it takes {', '.join(sorted(allowed))}."
                )
        index = WantedIndex(str(kind), names)
        if index not in seen:
            seen.add(index)
            yield index


def _from_old_form(raw: list[dict[str, Any]]) -> dict[str, Any]:
    """The list that older apps have (``yaml-schema-from-old-yaml-schema``): columns by id, links by
    table id, permissions under ``access``."""
    names = {table.get("id"): table["python_name"] for table in raw}

    def order(item: dict[str, Any]) -> Any:
        return (item.get("admin_ui") or {}).get("order") or 0

    result = {}
    for table in raw:
        columns = []
        for column in sorted((table.get("columns") or {}).values(), key=order):
            kind = _OLD_TYPES.get(column.get("type"), column.get("type"))
            columns.append({**column, "type": kind, "target": names.get(column.get("table_id"))})
        access = table.get("access") or {}
        result[table["python_name"]] = {
            "title": table.get("name"),
            "client": access.get("client"),
            "server": access.get("server"),
            "columns": columns,
        }
    return result
