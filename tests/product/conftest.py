"""An instance of the product for each file of tests, on a database of its own."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    # A test file is imported by path, so the root is not on it by itself.
    sys.path.insert(0, ROOT)

from tests.product.studio import Studio, open_studio  # noqa: E402

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def module_database_url(postgres_url: str) -> Iterator[str]:
    """A fresh database that lives as long as the file's tests."""
    name = f"product_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    parts = psycopg.conninfo.conninfo_to_dict(postgres_url)
    parts["dbname"] = name
    yield psycopg.conninfo.make_conninfo(**parts)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, module_database_url: str) -> Iterator[Studio]:
    """An instance with the cast and the sample data."""
    folder = tmp_path_factory.mktemp("studio")
    with open_studio(folder, module_database_url, sample_data=True) as running:
        yield running


@pytest.fixture(scope="module")
def empty_studio(
    tmp_path_factory: pytest.TempPathFactory, module_database_url: str
) -> Iterator[Studio]:
    """An instance with the cast and nothing else."""
    folder = tmp_path_factory.mktemp("empty_studio")
    with open_studio(folder, module_database_url) as running:
        yield running
