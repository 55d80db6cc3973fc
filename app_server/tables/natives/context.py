"""What every native function of Data Tables starts from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from app_server.native.registry import NativeCall
from app_server.tables.errors import NO_DATABASE, table_error
from app_server.tables.pages import OpenSearches
from app_server.tables.transactions import Db
from app_server.tables.views import Access

if TYPE_CHECKING:
    from app_server.tables.store import TableStore

V2 = "anvil.private.tables.v2."


def store_of(call: NativeCall) -> TableStore:
    """TableError where the app runs without a database."""
    store: TableStore | None = call.instance.tables
    if store is None:
        raise table_error(NO_DATABASE)
    return store


def access_of(call: NativeCall) -> Access:
    return store_of(call).access(call)


def pages_of(call: NativeCall) -> OpenSearches:
    return store_of(call).pages


@asynccontextmanager
async def database_of(call: NativeCall) -> AsyncIterator[Db]:
    async with store_of(call).transactions.database(call.stack) as db:
        yield db


def split_id(given: Any, alone: int) -> list[int | None]:
    """Table id and row id of ``7``, ``"7"`` or ``"[3,7]"``; a single number goes to ``alone``."""
    text = str(given).strip()
    if text.isdecimal() and len(text) < 19:
        found: list[int | None] = [None, None]
        found[alone] = int(text)
        return found
    parts = text[1:-1].split(",") if text[:1] == "[" and text[-1:] == "]" else []
    if len(parts) == 2 and all(p.isdecimal() and len(p) < 19 for p in parts):
        return [int(parts[0]), int(parts[1])]
    return [None, None]


def row_id_of(given: Any, table_id: int) -> int | None:
    """The row id that a caller gave, unless it is no id or one of another table."""
    table, row = split_id(given, 1)
    return row if table is None or table == table_id else None
