"""What every test may ask for: a real Postgres, and a database of its own."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app_server import postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Postgres server with superuser rights, shared by all workers of a run."""
    given = os.environ.get("MYBIZZ_TEST_POSTGRES")
    if given:
        yield given
        return
    # Below the system's temporary folder, not pytest's: as root the server runs as another user,
    # who must be able to walk the path.
    with tempfile.TemporaryDirectory(prefix="mybizz-test-pg-") as folder:
        server = postgres.start(Path(folder) / "postgres")
        try:
            yield server.admin_url
        finally:
            server.stop()


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """A fresh, empty database that is dropped after the test."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    parts = psycopg.conninfo.conninfo_to_dict(postgres_url)
    parts["dbname"] = name
    yield psycopg.conninfo.make_conninfo(**parts)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
