"""Reading rows together with the rows they link to, in one statement.

A fetch plan is a list of fetches: number 0 reads the rows asked for, each other one reads the rows
of one table that links of earlier fetches lead to. The statement has one CTE for each fetch; its
result is one JSON text, which costs the database, the connection and Python less than rows of
columns do:

    [[row, ...], ...]                 a list for each fetch, None where it has no rows
    row: [row id, time zones, [value, ...], ...]       values in lists of at most 90

``table_data.py`` makes of it what the library takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app_server.tables.errors import table_error
from app_server.tables.names import ID, META_SCHEMA, OFFSETS
from app_server.tables.query import Sql
from app_server.tables.schema import LINK_MULTIPLE, Column, Table
from app_server.tables.transactions import Db
from app_server.tables.views import Access, View
from app_server.wire.values import PortableValue

FETCH_ONLY = "anvil.tables.fetch_only"

WALK_DEPTH = 2
"""How many links are followed when the caller does not say."""

MAX_FETCHES = 200
"""Tables that one statement may read. A fetch_only() that asks for more is refused."""

_CHUNK = 90
"""Values in one json_build_array: Postgres takes 100 arguments to a function."""

Requested = bool | Mapping[str, Any] | None
"""Columns asked for: None (default), True (all), or by name True, False or what of linked rows."""

RawRow = list[Any]
"""``[row id, {column id: minutes east of UTC} or None, values...]`` as the database gave it."""


def requested_columns(fetch: Any) -> Requested:
    """The columns of a ``q.fetch_only()`` argument (None where there is none)."""
    if fetch is None:
        return None
    if not isinstance(fetch, PortableValue) or fetch.type_name != FETCH_ONLY:
        raise table_error("Expected a q.fetch_only() object")
    return clean_request(fetch.value.get("spec"))


def clean_request(request: Any) -> Requested:
    """The same from a row's fetch: also a list of names."""
    if request is None or isinstance(request, bool):
        return request
    if isinstance(request, list | tuple) and all(isinstance(name, str) for name in request):
        return dict.fromkeys(request, True)
    if isinstance(request, Mapping):
        return {str(name): clean_request(value) for name, value in request.items()}
    raise table_error("Expected a q.fetch_only() object")


class PageTooLargeError(Exception):
    """Rows of too many characters to be read at once."""


@dataclass(slots=True)
class Fetch:
    """One CTE. ``sources``: the fetches and link columns that lead here."""

    number: int
    level: int
    view: View
    table: Table
    columns: list[Column]
    sources: list[tuple[int, Column]] = field(default_factory=list)

    def values(self, row: RawRow) -> list[Any]:
        """A row's values in the order of ``columns``."""
        if len(row) == 3:
            values: list[Any] = row[2]
            return values
        return [value for chunk in row[2:] for value in chunk]


class FetchPlan:
    """What to read for rows of ``view``."""

    def __init__(self, access: Access, view: View, requested: Requested) -> None:
        self.access = access
        self.fetches: list[Fetch] = []
        self._known: dict[Any, Fetch] = {}
        self._cached: dict[View, tuple[str, ...]] = {}
        self.views: dict[View, None] = {}
        """Every view of which there may be rows; those without fetches only hold capabilities."""
        self._add(view, requested, 0, None)

    def _add(
        self, view: View, requested: Requested, level: int, source: tuple[int, Column] | None
    ) -> None:
        table = self.access.table(view.table_id)
        names = self._names(view, table, requested, level)
        # Links that want the same of the same table at the same depth share one fetch.
        key = (view, level, repr(requested))
        fetch = self._known.get(key)
        if fetch is not None:
            if source is not None:
                fetch.sources.append(source)
            return
        if len(self.fetches) >= MAX_FETCHES:
            raise table_error(f"fetch_only() asks for more than {MAX_FETCHES} linked tables")
        columns = [table.columns[name] for name in names]
        fetch = Fetch(len(self.fetches), level, view, table, columns, [source] if source else [])
        self.fetches.append(fetch)
        self._known[key] = fetch
        self.views[view] = None
        # The first fetch of a view decides which columns its compact rows have.
        if not self._cached.get(view):
            self._cached[view] = tuple(names)
        for column in columns:
            if column.is_link:
                self._follow(fetch, column, requested, level)

    def _names(self, view: View, table: Table, requested: Requested, level: int) -> list[str]:
        allowed = self.access.columns_of(view)
        if not isinstance(requested, Mapping):
            return allowed if requested or level <= WALK_DEPTH else []
        for name in requested:
            if name not in allowed:
                part = "this view of " if view.cols is not None else ""
                raise table_error(f"No such column '{name}' exists in {part}table '{table.title}'")
        return [name for name in allowed if requested.get(name) not in (None, False)]

    def _follow(self, fetch: Fetch, column: Column, requested: Requested, level: int) -> None:
        target = column.target
        if target is None or target not in self.access.schema.tables:
            return
        view = fetch.view.linked(target)
        wanted = requested.get(column.name) if isinstance(requested, Mapping) else None
        # An empty fetch_only() asks for the link but nothing of the linked row.
        if wanted if isinstance(requested, Mapping) else level < WALK_DEPTH:
            self._add(view, wanted, level + 1, (fetch.number, column))
        else:  # the rows still need a table spec
            self.views[view] = None

    def cached(self, view: View) -> tuple[str, ...]:
        """The columns that compact rows of a view hold."""
        return self._cached.get(view, ())

    async def read(self, db: Db, source: Sql) -> list[list[RawRow]]:
        """The rows of each fetch; those of fetch 0 in the order of ``source`` (see ``sql``)."""
        return (await self.read_with(db, source, None))[0]

    async def read_with(
        self, db: Db, source: Sql, also: str | None, max_chars: int | None = None
    ) -> tuple[list[list[RawRow]], Any]:
        """The same, and the value of one more SQL expression, read in the same moment.
        PageTooLargeError where the rows are of more than ``max_chars``."""
        [(text, *values)] = await db.rows(self.sql(source, also))
        if max_chars is not None and len(text) > max_chars:
            raise PageTooLargeError(len(text))
        # Not orjson, which makes a float of an integer beyond 64 bits.
        return [rows or [] for rows in json.loads(text)], values[0] if values else None

    def sql(self, source: Sql, also: str | None = None) -> Sql:
        """The whole statement. ``source`` is what follows ``SELECT ...`` of fetch 0 from ``FROM``
        on, with rows named ``t``."""
        text, parameters = source
        first, more = self.fetches[0], f", {also}" if also else ""
        if len(self.fetches) == 1:
            rows = f"SELECT json_agg(j) FROM (SELECT {self._row(first)} {text}) AS f0"
            return f"SELECT json_build_array(({rows}))::text{more}", parameters
        parts = [f"f0 AS (SELECT {self._row(first)}{self._link_columns(first)} {text})"]
        # A shared fetch may have sources of higher numbers, but always of the level before.
        for fetch in sorted(self.fetches[1:], key=lambda fetch: fetch.level):
            ids = " UNION ".join(_linked_ids(number, column) for number, column in fetch.sources)
            parts.append(
                f"f{fetch.number} AS (SELECT {self._row(fetch)}{self._link_columns(fetch)}"
                f" FROM {fetch.table.sql} AS t WHERE t.{ID} IN ({ids}))"
            )
        rows = ", ".join(f"(SELECT json_agg(j) FROM f{fetch.number})" for fetch in self.fetches)
        selected = f"SELECT array_to_json(ARRAY[{rows}])::text{more}"
        return f"WITH {', '.join(parts)} {selected}", parameters

    def _row(self, fetch: Fetch) -> str:
        values = [_json_value(column) for column in fetch.columns]
        chunks = [values[i : i + _CHUNK] for i in range(0, len(values), _CHUNK)] or [[]]
        arrays = ", ".join(f"json_build_array({', '.join(chunk)})" for chunk in chunks)
        zones = f"nullif(t.{OFFSETS}, '{{}}')" if _has_datetime(fetch.columns) else "NULL"
        return f"json_build_array(t.{ID}, {zones}, {arrays}) AS j"

    def _link_columns(self, fetch: Fetch) -> str:
        used = {
            column.id: column
            for other in self.fetches
            for number, column in other.sources
            if number == fetch.number
        }
        return "".join(f", t.{column.sql} AS l{column.id}" for column in used.values())


def _linked_ids(number: int, column: Column) -> str:
    if column.type == LINK_MULTIPLE:
        return f"SELECT unnest(l{column.id}) FROM f{number}"
    return f"SELECT l{column.id} FROM f{number}"


def _has_datetime(columns: Iterable[Column]) -> bool:
    return any(column.type == "datetime" for column in columns)


def _json_value(column: Column) -> str:
    if column.type == "media":
        return (
            "(SELECT json_build_object('id', m.id, 'type', m.content_type, 'name', m.name,"
            f" 'length', m.length) FROM {META_SCHEMA}.media AS m WHERE m.id = t.{column.sql})"
        )
    return f"t.{column.sql}"


def table_spec(access: Access, view: View, cached: Iterable[str]) -> dict[str, Any]:
    """The columns of a view in their order, and which of them compact rows hold."""
    table, held = access.table(view.table_id), set(cached)
    names = access.columns_of(view)
    cols = []
    for name in names:
        column = table.columns[name]
        spec: dict[str, Any] = {"name": name, "type": column.type}
        if column.client_hidden:
            spec["client_hidden"] = True
        if column.target is not None:
            spec["table_id"] = column.target
            spec["view_key"] = view.linked(column.target).key
        cols.append(spec)
    return {"cols": cols, "cache": [int(name in held) for name in names]}
