"""Fixtures of the services' tests."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from tests.services.doubles import MailReceiver


@pytest.fixture
async def mail_receiver() -> AsyncIterator[MailReceiver]:
    receiver = MailReceiver()
    yield receiver
    receiver.stop()


@pytest.fixture(scope="module")
def shared_database(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database for all tests of a module, which leave it as they want to find it."""
    module = request.module.__name__.rpartition(".")[2]
    name = f"{module}_{os.getpid()}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"'.encode())
        parts = {**psycopg.conninfo.conninfo_to_dict(postgres_url), "dbname": name}
        yield psycopg.conninfo.make_conninfo(**parts)
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
