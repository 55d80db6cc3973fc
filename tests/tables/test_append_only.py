"""Tables to which rows are only added: what the database itself refuses, and what it lets pass."""

from __future__ import annotations

import copy
import datetime as dt
import json
from typing import Any

import psycopg
import pytest

from app_server.errors import AnvilError, StartupError
from app_server.tables import TableStore

from .migrating import opened, schema, sql

TABLES = schema(
    log={"who": "string", "what": "string", "changes": "simpleObject", "at": "datetime"},
    people={"name": "string"},
)
TABLES["log"]["columns"].append({"name": "person", "type": "link_single", "target": "people"})
MESSAGE = "log_append_only: The log is only added to."
RULE = {
    "redact": ["who", "changes", "person"],
    "keep_days": 30,
    "since": "at",
    "message": MESSAGE,
}
RULES = {"log": {"append_only": {"log_append_only": RULE}}}
NOW = dt.datetime.now(dt.UTC)


def entry(**values: Any) -> dict[str, Any]:
    return {"who": "ana", "what": "paid", "changes": {"name": ["A", "B"]}, "at": NOW, **values}


async def refuses(store: TableStore, work: Any) -> None:
    before = await store.find_rows("log")
    with pytest.raises(AnvilError) as raised:
        await work
    assert (raised.value.message, raised.value.type_name) == (MESSAGE, "anvil.tables.TableError")
    assert await store.find_rows("log") == before


@pytest.mark.parametrize(
    "change",
    [
        {"what": "stole"},
        {"what": None},
        {"what": "erased"},
        {"at": NOW - dt.timedelta(days=99)},
        {"who": "bob"},
        {"who": ""},
        {"changes": {"name": "something else"}},
        {"changes": {"told": "erased"}},
        {"who": "erased", "what": "nothing"},
    ],
    ids=lambda change: "-".join(change) or "none",
)
async def test_refuses_to_change_an_entry(database_url: str, change: dict[str, Any]) -> None:
    async with opened(database_url, TABLES, constraints=RULES) as store:
        row_id = await store.insert_row("log", entry())
        await refuses(store, store.update_row("log", row_id, change))


@pytest.mark.parametrize(
    "change",
    [
        {"who": "erased"},
        {"who": None},
        {"changes": {"name": "erased"}},
        {"changes": {}},
        {"changes": None},
        {"who": "erased", "changes": {"name": "erased"}},
        {"what": "paid"},  # as it was
    ],
    ids=lambda change: "-".join(change) or "none",
)
async def test_lets_a_person_be_forgotten(database_url: str, change: dict[str, Any]) -> None:
    async with opened(database_url, TABLES, constraints=RULES) as store:
        row_id = await store.insert_row("log", entry())
        await store.update_row("log", row_id, change)
        [row] = await store.find_rows("log")
        assert {name: row[name] for name in change} == change
        if row["who"] == "erased":
            await refuses(store, store.update_row("log", row_id, {"who": "ana"}))


async def test_deletes_only_what_is_old(database_url: str) -> None:
    async with opened(database_url, TABLES, constraints=RULES) as store:
        old = await store.insert_row("log", entry(at=NOW - dt.timedelta(days=31)))
        young = await store.insert_row("log", entry(at=NOW - dt.timedelta(days=29)))
        unknown = await store.insert_row("log", entry(at=None))
        await store.delete_row("log", old)
        for row_id in (young, unknown):
            await refuses(store, store.delete_row("log", row_id))


async def test_a_row_that_it_links_to_may_go_if_the_link_may(database_url: str) -> None:
    stricter = copy.deepcopy(RULES)
    stricter["log"]["append_only"]["log_append_only"]["redact"] = ["who"]
    async with opened(database_url, TABLES, constraints=RULES) as store:
        ana = await store.insert_row("people", {"name": "Ana"})
        await store.insert_row("log", entry())
        sql(database_url, f"INSERT INTO app.log (what, person) VALUES ('linked', {ana})")
        await store.delete_row("people", ana)
        assert sql(database_url, "SELECT person FROM app.log WHERE what = 'linked'") == [(None,)]
        ana = await store.insert_row("people", {"name": "Ana"})
        sql(database_url, f"INSERT INTO app.log (what, person) VALUES ('kept', {ana})")
    async with opened(database_url, TABLES, constraints=stricter, auto_migrate=True) as store:
        await refuses(store, store.delete_row("people", ana))
        assert len(await store.find_rows("people")) == 1


STATEMENTS = [
    "UPDATE app.log SET what = 'x'",
    "DELETE FROM app.log",
    "TRUNCATE app.log",
    "TRUNCATE app.people CASCADE",
    "INSERT INTO app.log (_id, what) VALUES (1, 'x') ON CONFLICT (_id) DO UPDATE SET what = 'x'",
    "MERGE INTO app.log AS t USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM app.log RETURNING 1) SELECT * FROM gone",
]


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("role", ["owner", "superuser without triggers"])
async def test_the_role_of_the_instance_itself_is_refused(
    database_url: str, statement: str, role: str
) -> None:
    async with opened(database_url, TABLES, constraints=RULES) as store:
        await store.insert_row("log", entry())
        await store.insert_row("log", entry(who="bob"))
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname + "_owner"
        connection.execute(f'CREATE ROLE "{name}"')
        try:
            if role == "owner":
                connection.execute(f'GRANT ALL ON SCHEMA app, _mybizz TO "{name}"')
                for table in ("app.log", "app.people"):
                    connection.execute(f'ALTER TABLE {table} OWNER TO "{name}"')
                connection.execute(f'SET ROLE "{name}"')
            else:
                # As for a restore or a replica, which leaves out ordinary triggers.
                connection.execute("SET session_replication_role = replica")
            with pytest.raises(psycopg.errors.IntegrityError, match="is refused by rule"):
                connection.execute(statement)
            found = connection.execute("SELECT who, what FROM app.log ORDER BY _id").fetchall()
            assert found == [("ana", "paid"), ("bob", "paid")]
        finally:
            connection.execute("RESET ROLE")
            connection.execute("RESET session_replication_role")
            connection.execute(f'REASSIGN OWNED BY "{name}" TO CURRENT_USER')
            connection.execute(f'DROP OWNED BY "{name}"')
            connection.execute(f'DROP ROLE "{name}"')


async def test_without_the_rule_the_same_goes_through(database_url: str) -> None:
    """The control."""
    for statement in STATEMENTS:
        if "people" in statement:
            continue
        async with opened(database_url, TABLES) as store:
            await store.insert_row("log", entry())
        sql(database_url, statement)
        found = sql(database_url, "SELECT count(*) FROM app.log WHERE what = 'paid'")
        assert found == [(0,)] or "ON CONFLICT" in statement


async def test_a_migration_may_write_into_its_rows(database_url: str) -> None:
    async with opened(database_url, TABLES, constraints=RULES) as store:
        await store.insert_row("log", entry(what="7"))
    wider = copy.deepcopy(TABLES)
    next(c for c in wider["log"]["columns"] if c["name"] == "what")["type"] = "number"
    wider["log"]["columns"].append({"name": "more", "type": "string"})
    async with opened(database_url, wider, constraints=RULES, auto_migrate=True) as store:
        [row] = await store.find_rows("log")
        assert (row["what"], row["who"]) == (7, "ana")
        await refuses(store, store.update_row("log", row["_id"], {"more": "x"}))
    with pytest.raises(psycopg.errors.IntegrityError):
        sql(database_url, "TRUNCATE app.log")


async def test_the_rule_changes_and_goes_with_its_declaration(database_url: str) -> None:
    async with opened(database_url, TABLES, constraints=RULES) as store:
        row_id = await store.insert_row("log", entry())
    other = copy.deepcopy(RULES)
    other["log"]["append_only"]["log_append_only"]["redact"].append("what")
    async with opened(database_url, TABLES, constraints=other, auto_migrate=True) as store:
        assert [change.text for change in store.plan.changes] == [
            "Drop rule 'log_append_only' of table 'log'",
            "Add append_only rule 'log_append_only' to table 'log'",
        ]
        await store.update_row("log", row_id, {"what": "erased"})
        await refuses(store, store.delete_row("log", row_id))
    async with opened(database_url, TABLES, constraints=other, auto_migrate=True) as store:
        assert not store.plan
    async with opened(database_url, TABLES, auto_migrate=True) as store:
        await store.delete_row("log", row_id)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"redact": ["whom"]}, r"columns that are not there: \['whom'\]"),
        ({"redact": "who"}, "redact has to be a list"),
        ({"keep_days": 3}, "keep_days goes with since"),
        ({"keep_days": 3, "since": "who"}, "since, a datetime column"),
        ({"keep_days": True, "since": "at"}, "whole number of days"),
        ({"keep": 3}, "may have redact, keep_days, since and message"),
    ],
)
async def test_a_wrong_rule_is_told(database_url: str, rule: Any, message: str) -> None:
    rules = {"log": {"append_only": {"log_append_only": rule}}}
    with pytest.raises(StartupError, match=message):
        await TableStore.open(database_url, TABLES, constraints=json.loads(json.dumps(rules)))
