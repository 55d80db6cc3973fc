"""Finding rows: pages of a search, single rows, counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app_server.tables.errors import table_error
from app_server.tables.fetch import FetchPlan, RawRow, Requested, requested_columns
from app_server.tables.names import ID
from app_server.tables.pages import Cursor, GivenPages
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
    db: Db, access: Access, search: Search, cursor_text: str | None, pages: GivenPages
) -> Page:
    """One page after a cursor (None: the first). The next page's cursor is None at the end."""
    table = access.table(search.view.table_id)
    order = [(_order_column(table, name), ascending) for name, ascending in search.order]
    # A browser that goes on with a search must not find hidden values in its cursor.
    tells_values = not any(column.client_hidden for column, _ in order)
    fetch = search.fetch
    if isinstance(fetch, Mapping) and tells_values:  # the cursor is made of these columns
        fetch = {**fetch, **{name: fetch.get(name) or True for name, _ in search.order}}
    plan = FetchPlan(access, search.view, fetch)
    limit = search.page_rows or PAGE_ROWS
    where, values = compile_condition(search.full_condition, table)
    cursor = Cursor.from_text(cursor_text) if cursor_text else None
    if cursor:
        following, more = _following(order, cursor, pages)
        where, values = f"({where}) AND {following}", [*values, *more]
    # One row more than the page tells whether there is a next one.
    source = f"FROM {table.sql} AS t WHERE {where} ORDER BY {_order_by(order)} LIMIT {limit + 1}"
    also = f"(SELECT coalesce(max({ID}), 0) FROM {table.sql})"
    asks = bool(order) and cursor is None
    fetched, newest = await plan.read_with(db, (source, values), also if asks else None)
    rows = fetched[0]
    if len(rows) <= limit:
        return Page([row[0] for row in rows], None, TableData(plan, fetched))
    row_ids = [row[0] for row in rows[:limit]]
    if cursor:
        newest = cursor.newest
    given = pages.add(cursor.given if cursor else None, row_ids) if order else None
    after = _values_of(plan, order, rows[limit - 1]) if tells_values else None
    del rows[limit:]
    return Page(row_ids, Cursor(after, given, newest or 0).to_text(), TableData(plan, fetched))


def _order_column(table: Table, name: str) -> Column:
    if name not in table.columns:
        raise table_error(f'Cannot sort by nonexistent column "{name}"')
    return table.columns[name]


def _order_by(order: list[tuple[Column, bool]]) -> str:
    parts = [f"t.{c.sql} {'ASC NULLS FIRST' if up else 'DESC NULLS LAST'}" for c, up in order]
    return ", ".join([*parts, f"t.{ID}"])


def _values_of(plan: FetchPlan, order: list[tuple[Column, bool]], row: RawRow) -> list[str | None]:
    """A row's values in the columns of an order, and its id, as text."""
    fetch = plan.fetches[0]
    index = {column.id: i for i, column in enumerate(fetch.columns)}
    values = fetch.values(row)
    return [*(value_text(column, values[index[column.id]]) for column, _ in order), str(row[0])]


def _following(order: list[tuple[Column, bool]], cursor: Cursor, pages: GivenPages) -> Sql:
    """The condition for rows of the pages after a cursor."""
    given = pages.find(cursor.given) if cursor.given else None
    if cursor.after is None:
        if given is None:
            raise table_error("This search was begun too long ago to go on; please search again")
        return f"t.{ID} <> ALL (%s::bigint[]) AND t.{ID} <= %s", [given, cursor.newest]
    behind, values = _behind(order, cursor.after)
    if given is None:
        return behind, values
    # Those that were there from the start and not given yet, wherever they are now.
    text = f"t.{ID} <> ALL (%s::bigint[]) AND (t.{ID} <= %s OR {behind})"
    return text, [given, cursor.newest, *values]


def _behind(order: list[tuple[Column, bool]], after: list[str | None]) -> Sql:
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
