"""Databases that another version of the server made."""

from __future__ import annotations

import pytest

from app_server.errors import StartupError
from app_server.tables import TableStore

from .migrating import opened, schema, sql

FIRST = schema(contacts={"email": "string", "Score": "number"})
WITHOUT_SCORE = schema(contacts={"email": "string"})


async def test_a_database_of_the_first_version_is_brought_up_to_date(database_url: str) -> None:
    async with opened(database_url, FIRST) as store:
        await store.insert_row("contacts", {"email": "a@example.com", "Score": 7})
    async with opened(database_url, WITHOUT_SCORE):
        pass
    for statement in (
        "ALTER TABLE _mybizz.version DROP COLUMN changes",
        "ALTER TABLE _mybizz.tables DROP COLUMN removed_by",
        "ALTER TABLE _mybizz.columns DROP COLUMN removed_by",
        "DROP TABLE _mybizz.renames, _mybizz.migrations",
        "UPDATE _mybizz.version SET version = 1",
    ):
        sql(database_url, statement)
    async with opened(database_url, WITHOUT_SCORE) as store:
        assert not store.plan
    async with opened(database_url, FIRST) as store:
        assert (await store.find_row("contacts") or {})["Score"] == 7


async def test_a_database_of_a_newer_server_is_left_alone(database_url: str) -> None:
    async with opened(database_url, FIRST):
        pass
    sql(database_url, "UPDATE _mybizz.version SET version = 999")
    with pytest.raises(StartupError, match="made by a newer server"):
        await TableStore.open(database_url, FIRST)
