"""Tables and searches as CSV files, made when somebody downloads them.

The reference (manager ``query-csv-v2``, as on the real server) carries the search itself; its key
proves that this server made it.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from app_server.media import make_lazy_media
from app_server.tables.errors import table_error
from app_server.tables.fetch import FetchPlan, PageTooLargeError, RawRow
from app_server.tables.media import Connections
from app_server.tables.names import ID
from app_server.tables.query import compile_condition
from app_server.tables.schema import Column, Schema, Table
from app_server.tables.search import MAX_PAGE_CHARS, Search
from app_server.tables.transactions import Db
from app_server.tables.values import decode, encode_number
from app_server.tables.views import Access, View, canonical
from app_server.wire.values import LazyMedia, MediaSource

if TYPE_CHECKING:
    from app_server.native.registry import NativeCall

MANAGER = "query-csv-v2"
ROWS_AT_ONCE = 500
_FORMULA = re.compile(r"^[=+\-@]")


def reference(call: NativeCall, access: Access, search: Search, escape: bool) -> LazyMedia:
    """A downloadable file of what ``search`` finds, with the columns that the caller may see."""
    view, table = search.view, access.table(search.view.table_id)
    columns = list(view.cols) if view.cols is not None else None
    if access.is_client:
        columns = access.columns_of(view)
    content = canonical([table.id, search.full_condition, columns, bool(escape)])
    name = re.sub(r"[^A-Za-z0-9. ]", "", table.title or "export") + ".csv"
    return make_lazy_media(
        call.instance, call.session, MANAGER, content, content_type="text/csv", name=name
    )


def export(connections: Connections, schema: Schema, media_id: str) -> MediaSource:
    """The file of a reference, made as it is read. ``"ID"`` holds row ids in the form of
    ``row.get_id()``."""
    table_id, condition, names, escape = json.loads(media_id)
    table = schema.tables.get(table_id)
    if table is None:
        raise table_error("This table does not exist any more")
    columns = sorted(table.columns.values(), key=lambda column: column.position)
    if names is not None:
        columns = [column for column in columns if column.name in names]
    rows = _Rows(table, columns, condition, escape)

    async def read(_start: int, _end: int | None) -> AsyncIterator[bytes]:
        heading = ",".join(_text(name, escape) for name in ["ID", *(c.name for c in columns)])
        yield heading.encode()
        after: int | None = 0
        while after is not None:
            async with connections() as db:
                lines, after = await rows.read(db, after)
            if lines:
                yield ("\n" + "\n".join(lines)).encode()

    return MediaSource("text/csv", f"{table.title}.csv", None, read)


class _Rows:
    """Reads a table ``ROWS_AT_ONCE`` at a time, in the order of row ids: a slow reader of a long
    file holds neither the file nor a connection."""

    def __init__(self, table: Table, columns: list[Column], condition: Any, escape: bool) -> None:
        wanted: dict[str, Any] = {column.name: {} if column.is_link else True for column in columns}
        access = Access(Schema({table.id: table}), is_client=False)
        self._plan = FetchPlan(access, View(table.id), wanted)
        self._table, self._columns, self._escape = table, columns, escape
        self._where, self._values = compile_condition(condition, table)

    async def read(self, db: Db, after: int) -> tuple[list[str], int | None]:
        """Lines of the rows after an id, and the last one's id; None at the end."""
        limit, values = ROWS_AT_ONCE, [*self._values, after]
        while True:
            source = (
                f"FROM {self._table.sql} AS t WHERE ({self._where}) AND t.{ID} > %s"
                f" ORDER BY t.{ID} LIMIT {limit}"
            )
            most = MAX_PAGE_CHARS if limit > 1 else None
            try:
                [rows], _ = await self._plan.read_with(db, (source, values), None, most)
            except PageTooLargeError:
                limit = max(1, limit // 8)
            else:
                break
        return [self._line(row) for row in rows], rows[-1][0] if len(rows) == limit else None

    def _line(self, row: RawRow) -> str:
        fetch, zones, escape = self._plan.fetches[0], row[1] or {}, self._escape
        cells = {
            column.name: _cell(column, decode(column, value, zones, lambda media: media), escape)
            for column, value in zip(fetch.columns, fetch.values(row), strict=True)
        }
        first = _text(f"[{self._table.id},{row[0]}]", escape)
        return ",".join([first, *(cells[column.name] for column in self._columns)])


def _cell(column: Column, value: Any, escape: bool) -> str:
    if column.type == "media":
        return "#MEDIA" if value is not None else ""
    if column.type == "bool":
        return "1" if value else "0"
    if column.type == "number":
        return "" if value is None else encode_number(value)
    if column.type == "simpleObject":
        text = "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return _text(text, escape)
    if column.type == "link_single":
        return _text("" if value is None else f"#ROW[{column.target},{value}]", escape)
    if column.type == "link_multiple":
        listed = ",".join(f"[{column.target},{row_id}]" for row_id in value or [])
        return _text(f"#ROWS[{listed}]", escape)
    return _text("" if value is None else str(value), escape)


def _text(value: str, escape: bool) -> str:
    """A quoted cell. With ``escape``, Excel does not take it for a formula."""
    text = value.replace('"', '""')
    return '"' + (f"'{text}" if escape and _FORMULA.match(text) else text) + '"'
