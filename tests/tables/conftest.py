"""Fixtures of the table tests: the real library, and tables of a small studio."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import psycopg
import pytest

from app_server.tables import TableStore

from .library import Library, loaded_library

_numbers = itertools.count(1)

STUDIO = {
    "people": {
        "title": "People",
        "client": "none",
        "server": "full",
        "columns": [
            {"name": "first_name", "type": "string"},
            {"name": "Age in years", "type": "number"},
            {"name": "is_member", "type": "bool"},
            {"name": "born_on", "type": "date"},
            {"name": "seen_at", "type": "datetime"},
            {"name": "details", "type": "simpleObject"},
            {"name": "photo", "type": "media"},
            {"name": "friend", "type": "link_single", "target": "people"},
            {"name": "tags", "type": "link_multiple", "target": "tags"},
            {"name": "secret", "type": "string", "client_hidden": True},
        ],
        "indexes": [{"type": "b_tree", "columns": ["first_name"]}],
    },
    "tags": {
        "title": "Tags",
        "client": "search",
        "server": "full",
        "columns": [
            {"name": "label", "type": "string"},
            {"name": "owner", "type": "link_single", "target": "people"},
        ],
    },
    "counters": {
        "title": "Counters",
        "client": "full",
        "server": "full",
        "columns": [{"name": "name", "type": "string"}, {"name": "value", "type": "number"}],
    },
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with loaded_library(tmp_path_factory.mktemp("library")) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def studio_url(postgres_url: str) -> Iterator[str]:
    """A database that the tests of one module share; each starts with empty tables."""
    name = f"studio_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"'.encode())
    yield psycopg.conninfo.make_conninfo(postgres_url, dbname=name)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture(scope="module")
def studio(library: Library, studio_url: str) -> Iterator[TableStore]:
    opened = library.open(studio_url, STUDIO)
    yield opened
    library.close()


@pytest.fixture
def store(library: Library, studio: TableStore, studio_url: str) -> TableStore:
    tables = ", ".join(table.sql for table in studio.schema.tables.values())
    tables += ", _mybizz.media, _mybizz.media_pieces"
    with psycopg.connect(studio_url, autocommit=True) as admin:
        admin.execute(f"TRUNCATE {tables} RESTART IDENTITY".encode())
    library.instance.tables = studio
    library.forget()
    return studio


@pytest.fixture
def app_tables(store: TableStore) -> Any:
    from anvil.tables import app_tables

    return app_tables


@pytest.fixture
def q(library: Library) -> ModuleType:
    from anvil.tables import query

    return query


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The SQL statements that the server side sends from now on."""
    sent: list[str] = []
    execute = psycopg.AsyncCursor.execute

    async def recording(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        sent.append(query.decode() if isinstance(query, bytes) else str(query))
        return await execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", recording)
    return sent


@pytest.fixture
def parameters(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The parameters of the SQL statements that the server side sends from now on."""
    sent: list[Any] = []
    execute = psycopg.AsyncCursor.execute

    async def recording(self: Any, query: Any, params: Any = None, **kwargs: Any) -> Any:
        sent.append(params)
        return await execute(self, query, params, **kwargs)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", recording)
    return sent
