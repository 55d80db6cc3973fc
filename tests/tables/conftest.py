"""Fixtures of the table tests: the real library, and tables of a small studio."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from app_server.tables import TableStore

from .library import Library, loaded_library

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


@pytest.fixture
def store(library: Library, database_url: str) -> Iterator[TableStore]:
    yield library.open(database_url, STUDIO)
    library.close()


@pytest.fixture
def app_tables(store: TableStore) -> Any:
    from anvil.tables import app_tables

    return app_tables


@pytest.fixture
def q(library: Library) -> ModuleType:
    from anvil.tables import query

    return query
