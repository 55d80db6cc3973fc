"""Tables and columns that are the same under another name, and what is aside and comes back."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from app_server.errors import StartupError
from app_server.tables.migration_plan import Kind
from app_server.tables.migration_renames import Rename, parse_renames

from .migrating import opened, schema, sql, values_of


def told(*entries: dict[str, Any]) -> list[Rename]:
    """Renames with ids 1, 2, ..."""
    raw = [{"id": str(number), **entry} for number, entry in enumerate(entries, 1)]
    return parse_renames({"renames": raw}, "shop")


def texts(store: Any) -> list[str]:
    return [change.text for change in store.plan.changes]


CLIENTS = schema(
    clients={
        "mail": "string",
        "photo": "media",
        "boss": "link_single clients",
        "friends": "link_multiple clients",
        "label": "link_single labels",
        "labels": "link_multiple labels",
    },
    labels={"text": "string"},
)
CLIENTS["clients"]["indexes"] = [
    {"type": "b_tree", "columns": ["mail"]},
    {"type": "b_tree", "columns": ["mail", "boss"]},
    {"type": "trigram", "columns": ["mail"]},
]
CONTACTS = schema(
    contacts={
        "email": "string",
        "picture": "media",
        "chief": "link_single contacts",
        "pals": "link_multiple contacts",
        "label": "link_single tags",
        "tags": "link_multiple tags",
    },
    tags={"text": "string"},
)
CONTACTS["contacts"]["indexes"] = [
    {"type": "b_tree", "columns": ["email"]},
    {"type": "b_tree", "columns": ["email", "chief"]},
    {"type": "trigram", "columns": ["email"]},
]
TO_CONTACTS = {
    "tables": {"clients": "contacts", "labels": "tags"},
    "columns": {
        "contacts": {
            "mail": "email",
            "photo": "picture",
            "boss": "chief",
            "friends": "pals",
            "labels": "tags",
        }
    },
}


async def test_tables_and_columns_of_every_type_change_their_names(database_url: str) -> None:
    async with opened(database_url, CLIENTS) as store:
        label = await store.insert_row("labels", {"text": "vip"})
        first = await store.insert_row("clients", {"mail": "a"})
        row = {"mail": "b", "boss": first, "friends": [first], "label": label, "labels": [label]}
        await store.insert_row("clients", row)
    async with opened(database_url, CONTACTS, renames=told(TO_CONTACTS)) as store:
        assert texts(store) == [
            "Rename table 'clients' to 'contacts'",
            "Rename table 'labels' to 'tags'",
            "Rename column 'mail' of table 'contacts' to 'email'",
            "Rename column 'photo' of table 'contacts' to 'picture'",
            "Rename column 'boss' of table 'contacts' to 'chief'",
            "Rename column 'friends' of table 'contacts' to 'pals'",
            "Rename column 'labels' of table 'contacts' to 'tags'",
            "Give table 'contacts' title 'contacts'",
            "Give table 'tags' title 'tags'",
        ]
        second = (await store.find_rows("contacts", email="b"))[0]
        assert second == {
            "_id": 2,
            "email": "b",
            "picture": None,
            "chief": first,
            "pals": [first],
            "label": label,
            "tags": [label],
        }
        await store.delete_row("contacts", first)
        await store.delete_row("tags", label)
        second = (await store.find_rows("contacts", email="b"))[0]
        assert (second["chief"], second["pals"], second["label"], second["tags"]) == (
            None,
            [],
            None,
            [],
        )
    async with opened(database_url, CONTACTS, renames=told(TO_CONTACTS)) as store:
        assert not store.plan
    names = [
        name
        for (name,) in sql(
            database_url,
            "SELECT indexname FROM pg_indexes WHERE schemaname = 'app'"
            " UNION SELECT attname FROM pg_attribute WHERE attrelid = 'app.contacts'::regclass",
        )
    ]
    assert not [n for n in names if n in ("mail", "photo") or "_mail" in n or "renaming" in n]
    # Both names are free again.
    both = copy.deepcopy({**CONTACTS, **CLIENTS})
    async with opened(database_url, both, renames=told(TO_CONTACTS)) as store:
        assert await store.find_rows("clients") == []
        assert await store.insert_row("clients", {"mail": "c"}) == 1
    async with opened(database_url, both, renames=told(TO_CONTACTS)) as store:
        assert not store.plan


async def test_the_media_of_a_renamed_column_are_still_discarded(database_url: str) -> None:
    async with opened(database_url, schema(t={"photo": "media"})) as store:
        pass
    renames = told({"columns": {"t": {"photo": "picture"}}})
    async with opened(database_url, schema(t={"photo": "media"})) as store:
        sql(
            database_url,
            "WITH m AS (INSERT INTO _mybizz.media (content_type, length, bytes)"
            " VALUES ('text/plain', 1, 'x') RETURNING id)"
            " INSERT INTO app.t (photo) SELECT id FROM m",
        )
    async with opened(database_url, schema(t={"picture": "media"}), renames=renames) as store:
        await store.update_row("t", 1, {"picture": None})
    assert sql(database_url, "SELECT count(*) FROM _mybizz.media") == [(0,)]


async def test_an_instance_that_passed_over_releases_goes_the_whole_chain(
    database_url: str,
) -> None:
    chain = told(
        {"tables": {"a": "b"}, "columns": {"b": {"x": "y"}}},
        {"tables": {"b": "c"}, "columns": {"c": {"y": "z"}}},
    )
    async with opened(database_url, schema(a={"x": "string"})) as store:
        await store.insert_row("a", {"x": "kept"})
    async with opened(database_url, schema(c={"z": "string"}), renames=chain) as store:
        assert await values_of(store, "c", "z") == ["kept"]
        assert [change.kind for change in store.plan.changes][:2] == [Kind.SAFE, Kind.SAFE]


async def test_an_instance_in_the_middle_of_the_chain_goes_the_rest(database_url: str) -> None:
    first = {"columns": {"t": {"x": "y"}}}
    async with opened(database_url, schema(t={"x": "string"})) as store:
        await store.insert_row("t", {"x": "kept"})
    async with opened(database_url, schema(t={"y": "string"}), renames=told(first)):
        pass
    # The old name is used for something else by now.
    both = told(first, {"columns": {"t": {"y": "z"}}})
    wanted = schema(t={"z": "string", "x": "number", "y": "string"})
    async with opened(database_url, wanted, renames=both) as store:
        [row] = await store.find_rows("t")
        assert (row["z"], row["x"], row["y"]) == ("kept", None, None)
        await store.update_row("t", 1, {"x": 1, "y": "new"})
    async with opened(database_url, wanted, renames=both) as store:
        assert not store.plan


async def test_a_new_instance_has_nothing_to_rename_ever(database_url: str) -> None:
    renames = told({"tables": {"a": "b"}, "columns": {"b": {"x": "y"}}})
    async with opened(database_url, schema(b={"y": "string"}), renames=renames) as store:
        await store.insert_row("b", {"y": "kept"})
    wanted = schema(a={"x": "string"}, b={"x": "string", "y": "string"})
    for _ in range(2):
        async with opened(database_url, wanted, renames=renames) as store:
            assert await values_of(store, "b", "y") == ["kept"]


async def test_columns_change_names_with_each_other(database_url: str) -> None:
    def tables(a: str, b: str) -> dict[str, Any]:
        wanted = schema(t={a: "string", b: "media", "c": "link_multiple t", "d": "link_multiple t"})
        wanted["t"]["indexes"] = [{"type": "b_tree", "columns": [a]}]
        return wanted

    swap = told({"columns": {"t": {"a": "b", "b": "a", "c": "d", "d": "c"}}})
    async with opened(database_url, tables("a", "b")) as store:
        await store.insert_row("t", {"a": "text", "c": [1], "d": []})
    async with opened(database_url, tables("b", "a"), renames=swap) as store:
        [row] = await store.find_rows("t")
        assert row == {"_id": 1, "b": "text", "a": None, "c": [], "d": [1]}
        assert [change.kind for change in store.plan.changes] == [Kind.SAFE] * 4
    assert sql(database_url, "SELECT b, d FROM app.t") == [("text", [1])]
    async with opened(database_url, tables("b", "a"), renames=swap) as store:
        assert not store.plan
        await store.delete_row("t", 1)


async def test_tables_change_names_with_each_other(database_url: str) -> None:
    a = {"x": "string", "to": "link_single b", "all": "link_multiple a"}
    b = {"y": "number", "to": "link_single a", "all": "link_multiple b"}
    swapped_a = {"y": "number", "to": "link_single b", "all": "link_multiple a"}
    swapped_b = {"x": "string", "to": "link_single a", "all": "link_multiple b"}
    async with opened(database_url, schema(a=a, b=b)) as store:
        await store.insert_row("a", {"x": "text", "all": []})
        await store.insert_row("b", {"y": 5, "to": 1, "all": []})
    swap = told({"tables": {"a": "b", "b": "a"}})
    for _ in range(2):
        async with opened(database_url, schema(a=swapped_a, b=swapped_b), renames=swap) as store:
            assert await values_of(store, "a", "y") == [5]
            assert await values_of(store, "b", "x") == ["text"]
            assert await values_of(store, "a", "to") == [1]
            assert not [c for c in store.plan.changes if c.kind is not Kind.SAFE]


async def test_a_rename_and_another_type_at_once(database_url: str) -> None:
    async with opened(database_url, schema(t={"old": "string"})) as store:
        await store.insert_row("t", {"old": "007"})
    renames = told({"columns": {"t": {"old": "new"}}})
    async with opened(database_url, schema(t={"new": "number"}), renames=renames) as store:
        assert await values_of(store, "t", "new") == [7]
    async with opened(database_url, schema(t={"new": "string"}), renames=renames) as store:
        assert await values_of(store, "t", "new") == ["007"]


async def test_a_name_that_is_taken_needs_leave(database_url: str) -> None:
    async with opened(database_url, schema(t={"a": "string", "b": "string"}, u={}, v={})) as store:
        await store.insert_row("t", {"a": "from a", "b": "from b"})
        await store.insert_row("v", {})
    renames = told({"columns": {"t": {"a": "b"}}, "tables": {"u": "v"}})
    wanted = schema(t={"b": "string"}, v={})
    with pytest.raises(StartupError) as raised:
        async with opened(database_url, wanted, renames=renames):
            pass
    assert "Set column 'b' (string) of table 't' aside" in str(raised.value)
    assert "1 values, since another column takes its name" in str(raised.value)
    assert "1 rows, since another table takes its name" in str(raised.value)
    async with opened(database_url, wanted, renames=renames, allow_data_loss=True) as store:
        assert await values_of(store, "t", "b") == ["from a"]
        assert await store.find_rows("v") == []


async def test_a_rename_told_too_late_still_brings_the_values(database_url: str) -> None:
    async with opened(database_url, schema(t={"old": "string", "gone": "number"}, s={})) as store:
        for value in ("one", "two"):
            await store.insert_row("t", {"old": value, "gone": 1})
        await store.insert_row("s", {})
    wanted = schema(t={"new": "string"}, r={})
    async with opened(database_url, schema(t={"new": "string"})) as store:
        await store.update_row("t", 2, {"new": "changed meanwhile"})
    renames = told({"columns": {"t": {"old": "new", "gone": "back"}}, "tables": {"s": "r"}})
    wanted["t"]["columns"].append({"name": "back", "type": "number"})
    async with opened(database_url, wanted, renames=renames) as store:
        assert await values_of(store, "t", "new") == ["one", "changed meanwhile"]
        assert await values_of(store, "t", "back") == [1, 1]
        assert len(await store.find_rows("r")) == 1
    async with opened(database_url, wanted, renames=renames) as store:
        assert not store.plan


async def test_the_hints_of_anvils_server(database_url: str) -> None:
    """As in ``test-schema-diff`` of its ``schema_test.clj``."""
    before = schema(
        people={"full_name": "string", "age": "string", "to_remove": "string"},
        companies={"trading_name": "string"},
        roles={"name": "string"},
    )
    after = schema(
        people={"full_name": "string", "how_old": "string", "added": "string"},
        companies_table={"trading_name": "string"},
        permissions={"name": "string", "extra": "number"},
    )
    hints = {
        "people": {
            "known_ids": [],
            "columns": {"age": {"known_ids": [42]}, "how_old": {"known_ids": [42]}},
        },
        "roles": {"known_ids": [1, 2, 3, 4, 5, 6]},
        "permissions": {"known_ids": [6, 7, 8, 9]},
    }
    async with opened(database_url, before) as store:
        await store.insert_row("people", {"age": "5"})
        await store.insert_row("companies", {"trading_name": "Acme"})
        await store.insert_row("roles", {"name": "owner"})
    async with opened(database_url, after, hints=hints) as store:
        assert await values_of(store, "people", "how_old") == ["5"]
        assert await values_of(store, "companies_table", "trading_name") == ["Acme"]
        assert await values_of(store, "permissions", "name") == ["owner"]
        assert "Rename table 'companies' to 'companies_table': it has the same columns" in str(
            store.plan
        )
    async with opened(database_url, after, hints=hints) as store:
        assert not store.plan


async def test_without_hints_nothing_is_guessed_of_columns_or_of_twins(database_url: str) -> None:
    before = schema(a={"x": "string"}, b={"x": "string"}, t={"age": "string"})
    after = schema(c={"x": "string"}, d={"x": "string"}, t={"how_old": "string"})
    async with opened(database_url, before):
        pass
    async with opened(database_url, after) as store:
        assert not [text for text in texts(store) if text.startswith("Rename")]


async def test_a_table_comes_back_with_its_links_and_without_dead_ones(database_url: str) -> None:
    both = schema(
        people={"name": "string", "tags": "link_multiple tags", "tag": "link_single tags"},
        tags={"text": "string", "owner": "link_single people", "all": "link_multiple people"},
    )
    only_people = schema(people={"name": "string"})
    async with opened(database_url, both) as store:
        ann = await store.insert_row("people", {"name": "Ann"})
        bob = await store.insert_row("people", {"name": "Bob"})
        tag = await store.insert_row("tags", {"text": "x", "owner": bob, "all": [ann, bob]})
        await store.update_row("people", ann, {"tags": [tag], "tag": tag})
    async with opened(database_url, only_people) as store:
        assert "1 row" in str(store.plan)
        await store.delete_row("people", bob)
    async with opened(database_url, both) as store:
        assert await store.find_rows("tags") == [
            {"_id": tag, "text": "x", "owner": None, "all": [ann]}
        ]
        [row] = await store.find_rows("people")
        assert (row["tags"], row["tag"]) == ([tag], tag)
        await store.delete_row("people", ann)
        assert (await store.find_rows("tags"))[0]["all"] == []
    async with opened(database_url, both) as store:
        assert not store.plan


async def test_a_table_that_comes_back_changed(database_url: str) -> None:
    async with opened(database_url, schema(a={}, t={"n": "string", "gone": "number"})) as store:
        await store.insert_row("t", {"n": "5", "gone": 1})
    async with opened(database_url, schema(a={})):
        pass
    # Its own name is used by a table that was renamed meanwhile.
    async with opened(database_url, schema(t={}), renames=told({"tables": {"a": "t"}})) as store:
        await store.insert_row("t", {})
    renames = told({"tables": {"a": "t"}}, {"tables": {"t": "u"}})
    wanted = schema(u={}, t={"n": "number", "new": "string"})
    async with opened(database_url, wanted, renames=renames) as store:
        assert await store.find_rows("t") == [{"_id": 1, "n": 5, "new": None}]
        assert len(await store.find_rows("u")) == 1
        assert await store.insert_row("t", {}) == 2
    wanted["t"]["columns"].append({"name": "gone", "type": "number"})
    async with opened(database_url, wanted, renames=renames) as store:
        assert await values_of(store, "t", "gone") == [1, None]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([], "mapping with the one key 'renames'"),
        ({"renames": {}, "x": 1}, "mapping with the one key 'renames'"),
        ({"renames": {"a": "b"}}, "has to be a list"),
        ({"renames": [{"tables": {"a": "b"}}]}, "needs an 'id'"),
        ({"renames": [{"id": 1, "table": {}}]}, "rename '1' has table"),
        ({"renames": [{"id": 1, "tables": ["a"]}]}, "mapping of old names to new ones"),
        ({"renames": [{"id": 1, "tables": {"a": "c", "b": "c"}}]}, "the same new name"),
        ({"renames": [{"id": 1, "columns": {"t": {"a": None}}}]}, "columns of 't'"),
        ({"renames": [{"id": 1}, {"id": "1"}]}, "two renames have the id '1'"),
    ],
)
def test_a_wrong_file_is_told(raw: Any, message: str) -> None:
    with pytest.raises(StartupError) as raised:
        parse_renames(raw, "shop")
    assert message in str(raised.value)
