"""The user table in a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app_server.stack import CallStack
from app_server.tables import TableStore
from app_server.users.request import prepare_users
from app_server.users.rows import UserTable
from app_server.users.schema import COLUMN_TYPES, complete_schema
from tests.services.doubles import make_app
from tests.services.studio import SERVICE

BARE = {
    "users": {
        "title": "Users",
        "client": "none",
        "server": "full",
        "columns": [{"name": "email", "type": "string"}, {"name": "enabled", "type": "bool"}],
    }
}


@pytest.fixture
async def store(database_url: str, tmp_path: Path) -> AsyncIterator[TableStore]:
    store = await TableStore.open(database_url, BARE, data_dir=tmp_path)
    yield store
    await store.close()


async def test_makes_the_columns_it_needs(store: TableStore) -> None:
    users = UserTable(store, "users")
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    row = await users.add({"email": "carl@example.com", "enabled": True, "last_login": now})
    entry = {"login_time": now.isoformat(), "token_hash": "abc"}
    await users.update(row, {"remembered_logins": [entry], "n_password_failures": 2})
    found = await users.find("Carl@Example.com")
    assert found is not None
    assert (found.id, found.is_enabled, found.password_failures) == (row.id, True, 2)
    assert found.get("last_login") == now
    assert found.remembered_logins == [entry]
    assert await users.get(row.id) == found
    assert await users.get(row.id + 1) is None
    remembered = await users.find_remembered("abc")
    assert remembered is not None
    assert remembered.id == row.id
    assert await users.find_remembered("abd") is None


async def test_finds_addresses_that_were_stored_with_capitals(store: TableStore) -> None:
    users = UserTable(store, "users")
    await users.add({"email": "Zoe@Example.com"})
    assert await users.find("Zoe@Example.com")
    assert await users.find("zoe@example.com") is None


async def test_works_inside_the_callers_transaction(store: TableStore) -> None:
    await store.ensure_columns("users", COLUMN_TYPES)
    stack = CallStack()
    await store.transactions.open(stack, None)
    inside, outside = UserTable(store, "users", stack), UserTable(store, "users")
    await inside.add({"email": "carl@example.com"})
    assert await inside.find("carl@example.com")
    assert await inside.detached().find("carl@example.com") is None
    await store.transactions.close(stack, rollback=True)
    assert await outside.find("carl@example.com") is None


async def test_its_columns_are_part_of_the_schema(database_url: str, tmp_path: Path) -> None:
    app: Any = make_app({SERVICE: {"user_table": "users"}})
    app.db_schema = BARE
    for auto_migrate in (False, True):
        store = await TableStore.open(
            database_url, complete_schema(app), data_dir=tmp_path, auto_migrate=auto_migrate
        )
        users = UserTable(store, "users")
        row = await users.find("a@b.example") or await users.add({"email": "a@b.example"})
        assert row.get("password_hash") in (None, "$2a$x")
        await users.update(row, {"password_hash": "$2a$x"})
        await store.close()


async def test_an_older_installation_starts_as_it_is(database_url: str, tmp_path: Path) -> None:
    """What the service needs since then is no change of the app's schema, and no browser's."""
    app: Any = make_app({SERVICE: {"user_table": "users"}})
    app.db_schema = BARE
    for _ in range(2):
        store = await TableStore.open(database_url, complete_schema(app), data_dir=tmp_path)
        instance: Any = SimpleNamespace(app=app, tables=store, name="studio")
        await prepare_users(instance)
        column = store.table("users").columns["mfa"]
        assert (column.type, column.client_hidden) == ("simpleObject", True)
        await store.close()


def test_secrets_are_hidden_whatever_the_app_says() -> None:
    app: Any = make_app({SERVICE: {"user_table": "people"}})
    own = [{"name": "password_hash", "type": "string"}, {"name": "age", "type": "number"}]
    app.db_schema = {"people": {"columns": own}, "others": {"columns": own}}
    columns = {c["name"]: c for c in complete_schema(app)["people"]["columns"]}
    hidden = {name for name, column in columns.items() if column.get("client_hidden")}
    assert hidden == {"password_hash", "email_confirmation_key", "remembered_logins"}
    assert columns["age"] == {"name": "age", "type": "number"}
    assert complete_schema(app)["others"] == {"columns": own}
    assert own[0] == {"name": "password_hash", "type": "string"}
    app.services = {}
    assert complete_schema(app) is app.db_schema
