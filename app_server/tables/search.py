"""Finding rows: pages of a search, single rows, counts."""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app_server.tables.errors import table_error
from app_server.tables.fetch import (
    FetchPlan,
    PageTooLargeError,
    RawRow,
    Requested,
    requested_columns,
)
from app_server.tables.names import ID
from app_server.tables.pages import BATCH, After, Cursor, OpenSearch, OpenSearches
from app_server.tables.query import Condition, Parser, Sql, both, compile_condition
from app_server.tables.schema import Column, Table
from app_server.tables.table_data import TableData
from app_server.tables.transactions import Db
from app_server.tables.values import value_text
from app_server.tables.views import Access, View
from app_server.wire.values import Capability, PortableValue

PAGE_ROWS = 100
MAX_ORDER = 20
"""Columns to sort by: each nests the condition of the next page one level deeper."""

MAX_PAGE_ROWS = 10_000
"""A larger page_size() is cut to this; the iterator fetches the rest by itself."""

MAX_PAGE_CHARS = 5_000_000
"""Of a page, so that with everything around it it is far from the 16 MB that a message may have."""

Order = tuple[str, bool]
"""Column name and whether ascending."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search as its capability carries it."""

    view: View
    condition: Condition | None = None
    fetch: Requested = None
    order: tuple[Order, ...] = ()
    page_rows: int | None = None

    def capability(self, cursor: str | None = None) -> Capability:
        spec = {
            "search": json.dumps(self.condition) if self.condition else None,
            "fetch": self.fetch,
            "order": [list(order) for order in self.order] or None,
            "chunk": self.page_rows,
        }
        scope = ["_", "t", self.view.spec, spec]
        return Capability([*scope, cursor] if cursor else scope)

    @classmethod
    def from_spec(cls, view: View, spec: Mapping[str, Any]) -> Search:
        return cls(
            view,
            json.loads(spec["search"]) if spec["search"] else None,
            spec["fetch"],
            tuple((name, ascending) for name, ascending in spec["order"] or ()),
            spec["chunk"],
        )

    @property
    def full_condition(self) -> Condition | None:
        return both(self.condition, self.view.condition)


def parse_search(access: Access, view: View, args: Any, kwargs: Any) -> Search:
    """The search that ``table.search(*args, **kwargs)`` means. TableError says what is wrong."""
    table, allowed = access.table(view.table_id), set(access.columns_of(view))
    queries, order, fetch, page_rows = [], list[Order](), None, None
    for arg in args or []:
        kind = arg.type_name if isinstance(arg, PortableValue) else None
        if kind == "anvil.tables.fetch_only":
            fetch = requested_columns(arg)
        elif kind == "anvil.tables.query.page_size":
            page_rows = _page_rows(arg.value.get("rows"))
        elif kind == "anvil.tables.order_by":
            name = arg.value.get("column_name")
            if name not in allowed:
                raise table_error(f'Cannot sort by nonexistent column "{name}"')
            if len(order) >= MAX_ORDER:
                raise table_error(f"Cannot sort by more than {MAX_ORDER} columns")
            order.append((name, bool(arg.value.get("ascending"))))
        else:
            queries.append(arg)
    condition = Parser(access, table, allowed).parse(queries, kwargs or {})
    return Search(view, condition, fetch, tuple(order), page_rows)


def _page_rows(rows: Any) -> int:
    if isinstance(rows, bool) or not isinstance(rows, int | float) or rows < 1:
        raise table_error("Page size must be a positive number.")
    return min(int(rows), MAX_PAGE_ROWS)


@dataclass(frozen=True, slots=True)
class Page:
    row_ids: list[int]
    cursor: str | None
    table_data: TableData


async def get_page(
    db: Db, access: Access, search: Search, cursor_text: str | None, searches: OpenSearches
) -> Page:
    """One page after a cursor (None: the first). The next page's cursor is None at the end. A page
    of large rows has fewer of them than was asked for."""
    cursor = Cursor.from_text(cursor_text) if cursor_text else None
    reader = _PageReader(db, access, search, searches)
    while True:
        try:
            return await reader.read(cursor)
        except PageTooLargeError:
            reader.shrink()


class _PageReader:
    """Reads pages of one search."""

    def __init__(self, db: Db, access: Access, search: Search, searches: OpenSearches) -> None:
        self._db = db
        self._searches = searches
        table = self._table = access.table(search.view.table_id)
        self._order = [(_order_column(table, name), ascending) for name, ascending in search.order]
        # A browser that goes on with a search must not find hidden values in its cursor.
        self._tells_values = not any(column.client_hidden for column, _ in self._order)
        fetch = search.fetch
        if isinstance(fetch, Mapping) and self._tells_values:  # cursors are made of these columns
            fetch = {**fetch, **{name: fetch.get(name) or True for name, _ in search.order}}
        self._plan = FetchPlan(access, search.view, fetch)
        self._limit = search.page_rows or PAGE_ROWS
        self._max_chars: int | None = MAX_PAGE_CHARS
        self._where = compile_condition(search.full_condition, table)

    async def read(self, cursor: Cursor | None) -> Page:
        if cursor is None:
            return await self.first()
        found = self._searches.find(cursor.token)
        if found is not None:
            return await self.listed(found, cursor)
        if cursor.after is None:
            raise table_error("This search was begun too long ago to go on; please search again")
        return await self.behind(cursor.after, cursor.newest)

    def shrink(self) -> None:
        """Read fewer rows. A single one is read however large it is."""
        if self._limit == 1:
            self._max_chars = None
        self._limit = max(1, self._limit // 8)

    async def first(self) -> Page:
        where, values = self._where
        # Only pages with an order have to know what is added later.
        newest = f"(SELECT coalesce(max({ID}), 0) FROM {self._table.sql})" if self._order else None
        source = self._source(where), values
        fetched, highest = await self._read(source, newest)
        return await self._page(fetched, highest or 0, is_first=True)

    async def behind(self, after: After, newest: int) -> Page:
        """The page behind a row's values."""
        where, values = self._where
        behind, more = _behind(self._order, after)
        source = self._source(f"({where}) AND {behind}"), [*values, *more]
        fetched, _ = await self._read(source)
        return await self._page(fetched, newest, is_first=False)

    async def listed(self, found: OpenSearch, cursor: Cursor) -> Page:
        """The page of a search whose rows to come are known, or can be."""
        if found.rest is None:
            rest, is_cut = await self._read_rest(found, cursor.newest)
            self._searches.fill(found, rest, is_cut=is_cut)
        ids, end = found.rest or array("q"), cursor.offset + self._limit
        where, values = self._where
        source = (
            "FROM unnest(%s::bigint[]) WITH ORDINALITY AS o (id, n)"
            f" JOIN {self._table.sql} AS t ON t.{ID} = o.id WHERE {where} ORDER BY o.n"
        )
        page = list(ids[cursor.offset : end])
        fetched, _ = await self._read((source, [page, *values]))
        token, rows = cursor.token, fetched[0]
        if end >= len(ids):
            if not found.is_cut:
                return Page([row[0] for row in rows], None, TableData(self._plan, fetched))
            after = await self._after(rows[-1]) if rows else found.after
            end, token = 0, self._searches.go_on(found, after)
        else:
            after = await self._after(rows[-1]) if rows and self._tells_values else found.after
        following = self._cursor(after, token, end, cursor.newest)
        return Page([row[0] for row in rows], following, TableData(self._plan, fetched))

    async def _read(self, source: Sql, also: str | None = None) -> tuple[list[list[RawRow]], Any]:
        return await self._plan.read_with(self._db, source, also, self._max_chars)

    async def _read_rest(self, found: OpenSearch, newest: int) -> tuple[list[int], bool]:
        """The ids of rows that were not given yet, and whether there are more of them."""
        given, (where, values) = found.were_given(), self._where
        behind, more = _behind(self._order, found.after)
        if found.is_first:
            # Those that were there from the start, wherever they are now.
            behind, more = f"(t.{ID} <= %s OR {behind})", [newest, *more]
        for limit in (BATCH, BATCH + len(given)):
            found_ids = (
                f"SELECT t.{ID} FROM {self._table.sql} AS t WHERE ({where}) AND {behind}"
                f" ORDER BY {_order_by(self._order)} LIMIT {limit + 1}"
            )
            joined = f"SELECT string_agg({ID}::text, ',') FROM ({found_ids}) AS s"
            [(text,)] = await self._db.rows((joined, [*values, *more]))
            ids = list(map(int, text.split(","))) if text else []
            rest, is_cut = [i for i in ids[:limit] if i not in given], len(ids) > limit
            if rest or not is_cut:
                break
        return rest, is_cut

    def _source(self, where: str) -> str:
        # One row more than the page tells whether there is a next one.
        order, limit = _order_by(self._order), self._limit + 1
        return f"FROM {self._table.sql} AS t WHERE {where} ORDER BY {order} LIMIT {limit}"

    async def _page(self, fetched: list[list[RawRow]], newest: int, *, is_first: bool) -> Page:
        """A page of which one row too many may have been read."""
        rows = fetched[0]
        if len(rows) <= self._limit:
            return Page([row[0] for row in rows], None, TableData(self._plan, fetched))
        del rows[self._limit :]
        row_ids, after = [row[0] for row in rows], await self._after(rows[-1])
        token = None
        if self._order:
            token = self._searches.begin(row_ids, after, is_first=is_first)
        following = self._cursor(after, token, 0, newest)
        return Page(row_ids, following, TableData(self._plan, fetched))

    def _cursor(self, after: After, token: str | None, offset: int, newest: int) -> str:
        told = after if self._tells_values else None
        return Cursor(told, token, offset, newest).to_text()

    async def _after(self, row: RawRow) -> After:
        """A row's values in the columns of the order, and its id, as text."""
        fetch = self._plan.fetches[0]
        index, values = {c.id: i for i, c in enumerate(fetch.columns)}, fetch.values(row)
        if all(column.id in index for column, _ in self._order):
            return [*(value_text(c, values[index[c.id]]) for c, _ in self._order), str(row[0])]
        texts = ", ".join([*(f"t.{c.sql}::text" for c, _ in self._order), f"t.{ID}::text"])
        query = f"SELECT {texts} FROM {self._table.sql} AS t WHERE t.{ID} = %s"
        found = await self._db.rows((query, [row[0]]))
        return list(found[0]) if found else [*(None for _ in self._order), str(row[0])]


def _order_column(table: Table, name: str) -> Column:
    if name not in table.columns:
        raise table_error(f'Cannot sort by nonexistent column "{name}"')
    return table.columns[name]


def _order_by(order: list[tuple[Column, bool]]) -> str:
    parts = [f"t.{c.sql} {'ASC NULLS FIRST' if up else 'DESC NULLS LAST'}" for c, up in order]
    return ", ".join([*parts, f"t.{ID}"])


def _behind(order: list[tuple[Column, bool]], after: After) -> Sql:
    """The condition for rows behind a row in an order. None is smaller than every value."""
    text, values = f"t.{ID} > %s::bigint", [after[-1]]
    for (column, ascending), value in reversed(list(zip(order, after, strict=False))):
        name = f"t.{column.sql}"
        if value is None:
            beyond = f"{name} IS NOT NULL" if ascending else "FALSE"
            same, used = f"{name} IS NULL", []
        else:
            beyond = f"{name} {'>' if ascending else '<'} %s::{column.cast}"
            beyond = beyond if ascending else f"({beyond} OR {name} IS NULL)"
            same, used = f"{name} = %s::{column.cast}", [value]
        text = f"({beyond} OR ({same} AND {text}))"
        values = [*used, *used, *values]
    return text, values


async def get_one(db: Db, access: Access, search: Search) -> tuple[int, TableData] | None:
    """The only row that matches; TableError when there are more."""
    table = access.table(search.view.table_id)
    plan = FetchPlan(access, search.view, search.fetch)
    where, values = compile_condition(search.full_condition, table)
    source = f"FROM {table.sql} AS t WHERE {where} ORDER BY t.{ID} LIMIT 2"
    fetched = await plan.read(db, (source, values))
    if len(fetched[0]) > 1:
        raise table_error("More than one row matched this query")
    return (fetched[0][0][0], TableData(plan, fetched)) if fetched[0] else None


async def fetch_row(
    db: Db, access: Access, view: View, row_id: int, requested: Requested
) -> TableData | None:
    """Table data with one row; None when it is gone or not in the view."""
    table = access.table(view.table_id)
    plan = FetchPlan(access, view, requested)
    where, values = compile_condition(view.condition, table)
    source = f"FROM {table.sql} AS t WHERE t.{ID} = %s AND ({where})"
    fetched = await plan.read(db, (source, [row_id, *values]))
    return TableData(plan, fetched) if fetched[0] else None


async def has_row(db: Db, table: Table, view: View, row_id: int) -> bool:
    where, values = compile_condition(view.condition, table)
    query = f"SELECT 1 FROM {table.sql} AS t WHERE t.{ID} = %s AND ({where})"
    return bool(await db.rows((query, [row_id, *values])))


async def count(db: Db, table: Table, search: Search) -> int:
    where, values = compile_condition(search.full_condition, table)
    rows = await db.rows((f"SELECT count(*) FROM {table.sql} AS t WHERE {where}", values))
    return int(rows[0][0])
