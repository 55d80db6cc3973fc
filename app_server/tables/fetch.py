"""Reading rows together with the rows they link to, in one statement.

A fetch plan is a list of fetches: number 0 reads the rows asked for, each other one reads the rows
of one table that links of earlier fetches lead to. The statement has one CTE for each fetch; its
result comes back as rows of (fetch, row id, JSON array of values, time zones), from which
``TableData`` builds what the library takes:

    {view key: {"spec": {"cols": [{name, type, ...}], "cache": [0 | 1, ...]},
                "rows": {row id: [value, ..., capability] or {"3": value, ..., "c": capability}}}}

A list holds the values of the columns that ``cache`` marks, a dict any others by position.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app_server.tables.errors import table_error
from app_server.tables.names import ID, META_SCHEMA, OFFSETS
from app_server.tables.query import Sql
from app_server.tables.schema import LINK_MULTIPLE, Column, Table
from app_server.tables.values import decode
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


@dataclass(slots=True)
class Fetch:
    """One CTE. ``sources``: the fetches and link columns that lead here."""

    number: int
    level: int
    view: View
    table: Table
    columns: list[Column]
    sources: list[tuple[int, Column]] = field(default_factory=list)


class FetchPlan:
    """What to read for rows of ``view``."""

    def __init__(self, access: Access, view: View, requested: Requested) -> None:
        self._access = access
        self.make_media = access.make_media
        self.fetches: list[Fetch] = []
        self._known: dict[Any, Fetch] = {}
        self._cached: dict[View, tuple[str, ...]] = {}
        self._views: dict[View, None] = {}
        self._add(view, requested, 0, None)

    def _add(
        self, view: View, requested: Requested, level: int, source: tuple[int, Column] | None
    ) -> None:
        table = self._access.table(view.table_id)
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
        self._views[view] = None
        # The first fetch of a view decides which columns its compact rows have.
        if not self._cached.get(view):
            self._cached[view] = tuple(names)
        for column in columns:
            if column.is_link:
                self._follow(fetch, column, requested, level)

    def _names(self, view: View, table: Table, requested: Requested, level: int) -> list[str]:
        allowed = self._access.columns_of(view)
        if not isinstance(requested, Mapping):
            return allowed if requested or level <= WALK_DEPTH else []
        for name in requested:
            if name not in allowed:
                part = "this view of " if view.cols is not None else ""
                raise table_error(f"No such column '{name}' exists in {part}table '{table.title}'")
        return [name for name in allowed if requested.get(name) not in (None, False)]

    def _follow(self, fetch: Fetch, column: Column, requested: Requested, level: int) -> None:
        target = column.target
        if target is None or target not in self._access.schema.tables:
            return
        view = fetch.view.linked(target)
        wanted = requested.get(column.name) if isinstance(requested, Mapping) else None
        # An empty fetch_only() asks for the link but nothing of the linked row.
        if wanted if isinstance(requested, Mapping) else level < WALK_DEPTH:
            self._add(view, wanted, level + 1, (fetch.number, column))
        else:  # the rows still need a table spec
            self._views[view] = None

    @property
    def table_data(self) -> dict[str, Any]:
        """The frame of table data: specs without rows."""
        return {
            view.key: {"spec": table_spec(self._access, view, self._cached.get(view, ()))}
            for view in self._views
        }

    def cached(self, view: View) -> tuple[str, ...]:
        return self._cached.get(view, ())

    def sql(self, source: Sql, *, tells_newest: bool = False) -> Sql:
        """The whole statement. With ``tells_newest`` its first row is fetch -1, with the highest
        row id of the table. ``source`` is what follows ``SELECT ...`` of fetch 0 from ``FROM``
        on, with rows named ``t``."""
        text, parameters = source
        first = self.fetches[0]
        if len(self.fetches) == 1 and not tells_newest:
            return f"SELECT 0 AS f, {self._columns(first)}, 0::bigint AS n {text}", parameters
        wanted = f"SELECT 0 AS f, {self._columns(first)}{self._link_columns(first)} {text}"
        parts = [f"f0 AS (SELECT s.*, row_number() OVER () AS n FROM ({wanted}) AS s)"]
        # A shared fetch may have sources of higher numbers, but always of the level before.
        for fetch in sorted(self.fetches[1:], key=lambda fetch: fetch.level):
            ids = " UNION ".join(_linked_ids(number, column) for number, column in fetch.sources)
            parts.append(
                f"f{fetch.number} AS (SELECT {fetch.number} AS f, {self._columns(fetch)}"
                f"{self._link_columns(fetch)}, 0::bigint AS n FROM {fetch.table.sql} AS t"
                f" WHERE t.{ID} IN ({ids}))"
            )
        selects = [f"SELECT f, id, j, z, n FROM f{fetch.number}" for fetch in self.fetches]
        if tells_newest:
            newest = f"(SELECT coalesce(max({ID}), 0) FROM {first.table.sql})"
            selects.append(f"SELECT -1, {newest}, 'null'::json, NULL::jsonb, 0::bigint")
        union = " UNION ALL ".join(selects)
        return f"WITH {', '.join(parts)} {union} ORDER BY f, n", parameters

    def _columns(self, fetch: Fetch) -> str:
        values = [_json_value(column) for column in fetch.columns]
        chunks = [values[i : i + _CHUNK] for i in range(0, len(values), _CHUNK)] or [[]]
        arrays = ", ".join(f"json_build_array({', '.join(chunk)})" for chunk in chunks)
        zones = f"t.{OFFSETS}" if _has_datetime(fetch.columns) else "NULL::jsonb"
        return f"t.{ID} AS id, json_build_array({arrays}) AS j, {zones} AS z"

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


@dataclass(slots=True)
class FetchedRow:
    """A row of fetch 0. ``raw``: JSON values in the order of the fetch's columns."""

    id: int
    raw: list[Any]


def build_table_data(
    plan: FetchPlan, results: Iterable[tuple[Any, ...]]
) -> tuple[dict[str, Any], list[FetchedRow]]:
    """Table data, and the rows of fetch 0 in their order, from the statement's result."""
    data = plan.table_data
    primary = []
    positions = {
        view.key: {column["name"]: i for i, column in enumerate(data[view.key]["spec"]["cols"])}
        for view in {fetch.view for fetch in plan.fetches}
    }
    for number, row_id, chunks, zones, _ in results:
        fetch = plan.fetches[number]
        raw = [value for chunk in chunks for value in chunk]
        if number == 0:
            primary.append(FetchedRow(row_id, raw))
        values = {
            column.name: decode(column, value, zones or {}, plan.make_media)
            for column, value in zip(fetch.columns, raw, strict=True)
        }
        _file_row(plan, fetch, row_id, values, data, positions[fetch.view.key])
        _file_linked_capabilities(fetch, values, data)
    return data, primary


def _file_row(
    plan: FetchPlan,
    fetch: Fetch,
    row_id: int,
    values: dict[str, Any],
    data: dict[str, Any],
    positions: Mapping[str, int],
) -> None:
    rows = data[fetch.view.key].setdefault("rows", {})
    compact, before = plan.cached(fetch.view), rows.get(str(row_id))
    capability = fetch.view.row_capability(row_id)
    if tuple(values) == compact:
        if not isinstance(before, dict) or len(before) == 1:
            rows[str(row_id)] = [*values.values(), capability]
            return
    elif isinstance(before, list):
        before = {str(positions[name]): v for name, v in zip(compact, before[:-1], strict=True)}
    merged = before if isinstance(before, dict) else {}
    merged.update({str(positions[name]): value for name, value in values.items()})
    merged["c"] = capability
    rows[str(row_id)] = merged


def _file_linked_capabilities(
    fetch: Fetch, values: Mapping[str, Any], data: dict[str, Any]
) -> None:
    """Every linked row needs an entry, also one that is not fetched: its capability alone."""
    for column in fetch.columns:
        linked = values[column.name]
        if column.target is None or linked is None:
            continue
        view = fetch.view.linked(column.target)
        if view.key not in data:
            continue
        rows = data[view.key].setdefault("rows", {})
        for row_id in linked if isinstance(linked, list) else [linked]:
            if str(row_id) not in rows:
                rows[str(row_id)] = {"c": view.row_capability(row_id)}
