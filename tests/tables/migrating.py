"""Schemas in short form, and a database to migrate with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from app_server.tables import TableStore


def schema(**tables: dict[str, str]) -> dict[str, Any]:
    """``schema(people={"name": "string", "boss": "link_single people"})``."""
    return {
        name: {"title": name, "server": "full", "columns": [_column(*c) for c in columns.items()]}
        for name, columns in tables.items()
    }


def _column(name: str, kind: str) -> dict[str, Any]:
    kind, _, target = kind.partition(" ")
    return {"name": name, "type": kind} | ({"target": target} if target else {})


@asynccontextmanager
async def opened(url: str, wanted: Any, **options: Any) -> AsyncIterator[TableStore]:
    store = await TableStore.open(url, wanted, **{"auto_migrate": True, **options})
    try:
        yield store
    finally:
        await store.close()


async def values_of(store: TableStore, table: str, column: str) -> list[Any]:
    """By the age of the rows."""
    return [row[column] for row in await store.find_rows(table)]


def sql(url: str, query: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []
