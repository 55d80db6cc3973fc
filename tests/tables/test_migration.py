"""From one schema to the next: what is planned, what is done, and that nothing is lost."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from app_server.errors import AnvilError, StartupError
from app_server.tables import TableStore

from .migrating import sql

FIRST: dict[str, Any] = {
    "contacts": {
        "title": "Contacts",
        "server": "full",
        "columns": [
            {"name": "email", "type": "string"},
            {"name": "Score", "type": "number"},
            {"name": "owner", "type": "link_single", "target": "users"},
            {"name": "labels", "type": "link_multiple", "target": "labels"},
            {"name": "photo", "type": "media"},
        ],
        "indexes": [
            {"type": "b_tree", "columns": ["email"]},
            {"type": "trigram", "columns": ["email"]},
        ],
    },
    "users": {"title": "Users", "server": "full", "columns": [{"name": "email", "type": "string"}]},
    "labels": {
        "title": "Labels",
        "server": "full",
        "columns": [{"name": "text", "type": "string"}],
    },
}


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    schema = copy.deepcopy(FIRST)
    change(schema)
    return schema


def without(table: str, column: str) -> dict[str, Any]:
    def remove(schema: dict[str, Any]) -> None:
        kept = [c for c in schema[table]["columns"] if c["name"] != column]
        schema[table]["columns"] = kept
        indexes = schema[table].get("indexes") or []
        schema[table]["indexes"] = [i for i in indexes if column not in i["columns"]]

    return changed(remove)


@asynccontextmanager
async def opened(url: str, schema: Any, **options: Any) -> AsyncIterator[TableStore]:
    store = await TableStore.open(url, schema, **options)
    try:
        yield store
    finally:
        await store.close()


async def plan_of(url: str, schema: Any, **options: Any) -> list[str]:
    async with opened(url, schema, auto_migrate=True, **options) as store:
        return [change.text for change in store.plan.changes]


async def test_fills_an_empty_database_without_being_asked(database_url: str) -> None:
    async with opened(database_url, FIRST) as store:
        assert set(store.schema.by_name) == {"contacts", "users", "labels"}
    assert await plan_of(database_url, FIRST) == []
    names = sql(
        database_url,
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'app' AND table_name = 'contacts' ORDER BY ordinal_position",
    )
    assert names == [
        ("_id", "bigint"),
        ("email", "text"),
        ("score", "numeric"),
        ("owner", "bigint"),
        ("labels", "ARRAY"),
        ("photo", "bigint"),
    ]
    indexes = [
        name
        for (name,) in sql(
            database_url, "SELECT indexname FROM pg_indexes WHERE schemaname = 'app' ORDER BY 1"
        )
    ]
    assert {"contacts_email_b_tree", "contacts_email_trigram", "contacts_owner_link"} <= set(
        indexes
    )


async def test_without_leave_it_shows_the_plan_and_does_nothing(database_url: str) -> None:
    async with opened(database_url, FIRST):
        pass
    wanted = changed(lambda s: s["users"]["columns"].append({"name": "age", "type": "number"}))
    with pytest.raises(
        StartupError,
        match=r"(?s)out of date.*Add column 'age' \(number\) to table 'users'.*--auto-migrate",
    ):
        await TableStore.open(database_url, wanted)
    async with opened(database_url, wanted, ignore_invalid_schema=True, auto_migrate=True) as store:
        assert list(store.table("users").columns) == ["email"]
    async with opened(database_url, wanted, auto_migrate=True) as store:
        assert list(store.table("users").columns) == ["email", "age"]


async def test_adds_tables_columns_links_and_indexes(database_url: str) -> None:
    async with opened(database_url, FIRST) as store:
        await store.insert_row("users", {"email": "olga@example.com"})

    def more(schema: dict[str, Any]) -> None:
        schema["notes"] = {
            "server": "full",
            "columns": [{"name": "about", "type": "link_single", "target": "contacts"}],
        }
        schema["users"]["columns"] += [
            {"name": "notes", "type": "link_multiple", "target": "notes"},
            {"name": "at", "type": "datetime"},
        ]
        schema["users"]["indexes"] = [{"type": "full_text", "columns": ["email"]}]

    assert await plan_of(database_url, changed(more)) == [
        "Add table 'notes' with 1 columns",
        "Add column 'notes' (link_multiple) to table 'users'",
        "Add column 'at' (datetime) to table 'users'",
        "Add columns of table 'notes': about (link_single)",
        "Add full_text index on email of table 'users'",
    ]
    async with opened(database_url, changed(more)) as store:
        note = await store.insert_row("notes", {})
        await store.update_row("users", 1, {"notes": [note]})
        assert await store.find_row("users", email="olga@example.com") == {
            "_id": 1,
            "email": "olga@example.com",
            "notes": [note],
            "at": None,
        }


async def test_a_removed_column_keeps_its_values_until_it_is_wanted_again(
    database_url: str,
) -> None:
    async with opened(database_url, FIRST) as store:
        label = await store.insert_row("labels", {"text": "vip"})
        await store.insert_row(
            "contacts", {"email": "a@example.com", "Score": 7, "labels": [label]}
        )
    for column, kept in (("Score", 7), ("email", "a@example.com"), ("labels", [label])):
        texts = await plan_of(database_url, without("contacts", column))
        assert any(
            text.startswith(f"Set column '{column}'") and "kept in _removed_" in text
            for text in texts
        )
        async with opened(database_url, without("contacts", column)) as store:
            assert column not in (await store.find_row("contacts") or {})
        texts = await plan_of(database_url, FIRST)
        assert f"Bring column '{column}' of table 'contacts' back with its values" in texts
        async with opened(database_url, FIRST) as store:
            assert (await store.find_row("contacts") or {})[column] == kept
    async with opened(database_url, FIRST) as store:
        await store.delete_row("labels", label)  # the trigger came back too
        assert (await store.find_row("contacts") or {})["labels"] == []


async def test_a_changed_type_keeps_the_old_values_aside(database_url: str) -> None:
    async with opened(database_url, FIRST) as store:
        await store.insert_row("contacts", {"Score": 7})
    wanted = changed(lambda s: s["contacts"]["columns"][1].update(type="string"))
    assert await plan_of(database_url, wanted) == [
        "Convert column 'Score' of table 'contacts' from number to string"
    ]
    async with opened(database_url, wanted) as store:
        assert (await store.find_row("contacts") or {})["Score"] == "7"
    aside = sql(database_url, "SELECT sql_name FROM _mybizz.columns WHERE removed_at IS NOT NULL")[
        0
    ][0]
    assert sql(database_url, f'SELECT "{aside}" FROM app.contacts') == [(7,)]


async def test_a_removed_table_is_kept_with_its_rows(database_url: str) -> None:
    async with opened(database_url, FIRST) as store:
        await store.insert_row("contacts", {"email": "a@example.com"})
    smaller = changed(lambda s: s.pop("contacts"))
    texts = await plan_of(database_url, smaller)
    assert [t for t in texts if t.startswith("Set table")] == [
        "Set table 'contacts' aside (its rows are kept in _mybizz_removed_1.contacts)"
    ]
    assert sql(database_url, "SELECT email FROM _mybizz_removed_1.contacts") == [("a@example.com",)]
    async with opened(database_url, FIRST, auto_migrate=True) as store:
        assert "Bring table 'contacts' back with its rows" in [c.text for c in store.plan.changes]
        assert (await store.find_row("contacts") or {})["email"] == "a@example.com"
        await store.insert_row("contacts", {"email": "b@example.com"})
    async with opened(database_url, smaller, auto_migrate=True) as store:
        assert set(store.schema.by_name) == {"users", "labels"}


async def test_titles_levels_and_hiding_are_part_of_the_plan(database_url: str) -> None:
    async with opened(database_url, FIRST):
        pass

    def change(schema: dict[str, Any]) -> None:
        schema["users"].update(title="People", client="search")
        schema["users"]["columns"][0]["client_hidden"] = True

    assert await plan_of(database_url, changed(change)) == [
        "Give table 'users' title 'People', client access 'search'",
        "Hide column 'email' of table 'users' in browsers",
    ]
    assert await plan_of(database_url, changed(change)) == []


async def test_an_app_without_any_schema_leaves_the_tables_alone(database_url: str) -> None:
    async with opened(database_url, FIRST):
        pass
    async with opened(database_url, None, auto_migrate=True) as store:
        assert set(store.schema.by_name) == {"contacts", "users", "labels"}


async def test_the_order_of_columns_needs_no_leave(database_url: str) -> None:
    async with opened(database_url, FIRST):
        pass
    turned = changed(lambda s: s["contacts"]["columns"].reverse())
    async with opened(database_url, turned) as store:
        assert list(store.table("contacts").columns) == [
            "photo",
            "labels",
            "owner",
            "Score",
            "email",
        ]


async def test_a_failing_change_leaves_everything_as_it_was(database_url: str) -> None:
    async with opened(database_url, FIRST) as store:
        for _ in range(2):
            await store.insert_row("contacts", {"email": "same@example.com"})
    wanted = changed(lambda s: s["users"]["columns"].append({"name": "age", "type": "number"}))
    with pytest.raises(
        StartupError, match=r"(?s)nothing was.*Add unique rule.*2 rows have the same.*row 1.*row 2"
    ):
        await TableStore.open(
            database_url,
            wanted,
            auto_migrate=True,
            constraints={"contacts": {"unique": [["email"]]}},
        )
    async with opened(database_url, FIRST) as store:
        assert not store.plan


async def test_column_names_that_clash_or_mean_something_in_sql(database_url: str) -> None:
    names = [
        "First Name",
        "first-name",
        "select",
        "ctid",
        "_id",
        "Ünï",
        "x" * 80,
        "x" * 79,
        "1st",
        "100%",
    ]
    schema = {
        "odd table; --": {
            "server": "full",
            "columns": [{"name": n, "type": "string"} for n in names],
        }
    }
    async with opened(database_url, schema) as store:
        await store.insert_row("odd table; --", {name: name for name in names})
        assert await store.find_row("odd table; --", **{"100%": "100%"}) == {"_id": 1} | {
            n: n for n in names
        } | {"_id": "_id"}
    assert await plan_of(database_url, schema) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s["users"]["columns"].append({"name": "x", "type": "colour"}),
            "column 'x' of table 'users' has type 'colour'",
        ),
        (
            lambda s: s["users"]["columns"].append({"name": "email", "type": "string"}),
            "table 'users' has two columns named 'email'",
        ),
        (
            lambda s: s["users"]["columns"].append(
                {"name": "x", "type": "link_single", "target": "ghosts"}
            ),
            "links to table 'ghosts'",
        ),
        (
            lambda s: s["users"].update(client="read"),
            "'client' of table 'users' must be none, search or full",
        ),
        (
            lambda s: s["contacts"]["indexes"].append({"type": "trigram", "columns": ["Score"]}),
            "a trigram index of table 'contacts' cannot cover column 'Score' (number)",
        ),
        (
            lambda s: s["contacts"]["indexes"].append({"type": "hash", "columns": ["Score"]}),
            "has an index of type 'hash'",
        ),
    ],
)
async def test_a_wrong_schema_is_told_by_table_and_column(
    database_url: str, change: Any, message: str
) -> None:
    with pytest.raises(StartupError) as raised:
        await TableStore.open(database_url, changed(change))
    assert message in str(raised.value)


async def test_the_list_form_of_older_apps(database_url: str) -> None:
    schema = [
        {
            "name": "People",
            "id": 7,
            "python_name": "people",
            "access": {"client": "search", "server": "full"},
            "columns": {
                "b=": {
                    "name": "friend",
                    "type": "liveObject",
                    "backend": "anvil.tables.Row",
                    "table_id": 7,
                    "admin_ui": {"order": 1},
                },
                "a=": {"name": "name", "type": "string", "admin_ui": {"order": 0}},
            },
        },
    ]
    async with opened(database_url, schema) as store:
        people = store.table("people")
        assert [(c.name, c.type, c.target) for c in people.columns.values()] == [
            ("name", "string", None),
            ("friend", "link_single", people.id),
        ]


async def test_two_servers_that_start_at_once_migrate_once(database_url: str) -> None:
    stores = await asyncio.gather(
        *(TableStore.open(database_url, FIRST, auto_migrate=True) for _ in range(3))
    )
    assert sum(bool(store.plan) for store in stores) == 1
    for store in stores:
        await store.close()


async def test_ensure_columns_adds_what_is_missing(database_url: str) -> None:
    async with opened(database_url, FIRST) as store:
        row = await store.insert_row(
            "users",
            {"email": "a"},
            create_columns={"email": "string", "remembered": "simpleObject"},
        )
        await store.update_row("users", row, {"remembered": [{"token": "t", "n": 1}]})
        found = await store.find_row("users", remembered=[{"token": "t"}])
        assert found and found["_id"] == row
    async with opened(database_url, FIRST) as store:
        assert not store.plan, "anvil.yaml need not list what the server added"
        assert (await store.find_row("users") or {})["remembered"] == [{"token": "t", "n": 1}]


async def test_a_role_without_special_rights_can_own_everything(
    postgres_url: str, database_url: str
) -> None:
    """As provisioning makes it: an ordinary role that owns its database."""
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'pw'".encode())
        admin.execute(f"ALTER DATABASE {name} OWNER TO {name}".encode())
    try:
        url = psycopg.conninfo.make_conninfo(database_url, user=str(name), password="pw")
        rules = {
            "contacts": {"exclude": {"one_each": {"elements": "email WITH =, score WITH ="}}},
        }
        async with opened(url, FIRST, constraints=rules) as store:
            await store.insert_row("contacts", {"email": "a", "Score": 1})
            with pytest.raises(AnvilError, match="overlaps another one"):
                await store.insert_row("contacts", {"email": "a", "Score": 1})
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            admin.execute(f"DROP ROLE {name}".encode())
