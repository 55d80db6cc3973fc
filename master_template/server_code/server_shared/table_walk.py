"""Which tables there are and how they link, asked of the server, so that none can be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

PAGE_ROWS = 500


@dataclass(frozen=True)
class Column:
    """A column as the server lists it. ``target`` is the table that a link leads to, else ''."""

    name: str
    type: str
    target: str = ""
    is_hidden: bool = False

    @property
    def is_multiple(self) -> bool:
        """Whether this is a list of linked rows."""
        return self.type == "link_multiple"


Schema = dict[str, tuple[Column, ...]]  # by the table's name


def read_schema() -> Schema:
    """Every table with its columns, in alphabetical order.

    By ``dir``: iterating over ``app_tables`` fails in a worker that has not used a table yet.
    """
    names = sorted(name for name in dir(app_tables) if not name.startswith("_"))
    listed = {name: app_tables[name].list_columns() for name in names}
    table_ids = {column["table_id"] for columns in listed.values() for column in _links(columns)}
    targets = {table_id: _name_of(table_id, listed) for table_id in table_ids}
    return {
        name: tuple(
            Column(
                column["name"],
                column["type"],
                targets.get(column.get("table_id"), ""),
                # What no browser may see either: hashes of passwords, keys.
                bool(column.get("client_hidden")),
            )
            for column in columns
        )
        for name, columns in listed.items()
    }


def _links(columns: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (column for column in columns if column.get("table_id") is not None)


def _name_of(table_id: Any, names: Any) -> str:
    table = tables.get_table_by_id(str(table_id))
    return next((name for name in names if app_tables[name] == table), "")


def search(table: str, schema: Schema, **query: Any) -> Any:
    """The rows that match, with all that is not hidden, and of linked rows only which they are:
    reading them asks the server once for each page, and never for a row."""
    shown = [column for column in schema[table] if not column.is_hidden]
    plain = [column.name for column in shown if not column.target]
    links = {column.name: q.fetch_only() for column in shown if column.target}
    return app_tables[table].search(q.fetch_only(*plain, **links), q.page_size(PAGE_ROWS), **query)
