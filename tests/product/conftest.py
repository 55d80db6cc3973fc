"""An instance of the product for each file of tests, on a database of its own."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    # A test file is imported by path, so the root is not on it by itself.
    sys.path.insert(0, ROOT)

from tests.product.studio import Studio, open_studio  # noqa: E402
from tests.product.vault import vault_studio  # noqa: E402

_numbers = itertools.count(1)


@contextmanager
def fresh_database(postgres_url: str) -> Iterator[str]:
    """An empty database that is dropped when the block ends."""
    name = f"product_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    parts = psycopg.conninfo.conninfo_to_dict(postgres_url)
    parts["dbname"] = name
    yield psycopg.conninfo.make_conninfo(**parts)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    """An instance with the cast and the sample data."""
    folder = tmp_path_factory.mktemp("studio")
    with (
        fresh_database(postgres_url) as database_url,
        open_studio(folder, database_url, sample_data=True) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def empty_studio(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    """An instance with the cast and nothing else."""
    folder = tmp_path_factory.mktemp("empty_studio")
    with (
        fresh_database(postgres_url) as database_url,
        open_studio(folder, database_url) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    """An instance with a table of encrypted fields."""
    folder = tmp_path_factory.mktemp("vault")
    with (
        fresh_database(postgres_url) as database_url,
        vault_studio(folder, database_url) as running,
    ):
        yield running
