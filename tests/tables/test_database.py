"""The database itself: indexes that are used, and what happens when it goes away."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from app_server.errors import AnvilError, StartupError
from app_server.tables import TableStore
from app_server.tables.pages import OpenSearches
from app_server.tables.query import Parser
from app_server.tables.search import Search
from app_server.tables.views import Access, View
from app_server.wire.values import PortableValue

CONTACTS = {
    "contacts": {
        "server": "full",
        "columns": [
            {"name": "name", "type": "string"},
            {"name": "email", "type": "string"},
            {"name": "spent", "type": "number"},
            {"name": "seen_at", "type": "datetime"},
            {"name": "about", "type": "string"},
            {"name": "owner", "type": "link_single", "target": "contacts"},
            {"name": "tags", "type": "link_multiple", "target": "contacts"},
        ],
        "indexes": [
            {"type": "trigram", "columns": ["name"]},
            {"type": "b_tree", "columns": ["email"]},
            {"type": "b_tree", "columns": ["spent"]},
            {"type": "b_tree", "columns": ["seen_at"]},
            {"type": "full_text", "columns": ["about"]},
        ],
    }
}

FILL = """
INSERT INTO app.contacts (name, email, spent, seen_at, about, owner, tags)
SELECT md5(n::text) || ' contact ' || n, 'c' || n || '@example.com', n,
       timestamptz '2020-01-01' + n * interval '1 hour', 'likes topic' || n % 1000,
       NULL, ARRAY[n, n + 1]
FROM generate_series(1, 10000) AS n;
UPDATE app.contacts SET owner = _id / 10 + 1;
VACUUM ANALYZE app.contacts
"""


@pytest.fixture(scope="module")
def filled_url(studio_url: str) -> str:
    async def make() -> None:
        store = await TableStore.open(studio_url, CONTACTS)
        await store.close()

    asyncio.run(make())
    with psycopg.connect(studio_url, autocommit=True) as connection:
        for statement in FILL.split(";"):
            connection.execute(statement.encode())
    return studio_url


@pytest.fixture
async def store(filled_url: str) -> AsyncIterator[TableStore]:
    opened = await TableStore.open(filled_url, CONTACTS)
    yield opened
    await opened.close()


def query(name: str, **content: Any) -> PortableValue:
    return PortableValue(f"anvil.tables.query.{name}", content)


NOTHING_FOUND = "[null]"
"""A result of the statement; fetches beyond the first do not matter to a page without rows."""


async def explain(
    store: TableStore, order: tuple[tuple[str, bool], ...] = (), **kwargs: Any
) -> str:
    """The plan of the very statement that a page of this search sends."""
    from app_server.tables import search

    access = Access(store.schema, is_client=False)
    table = store.table("contacts")
    condition = Parser(access, table, set(table.columns)).parse([], kwargs)

    class Explaining:
        plan = ""

        async def rows(self, sql: tuple[str, list[Any]]) -> list[Any]:
            async with store.connection() as connection:
                cursor = await connection.execute(f"EXPLAIN {sql[0]}".encode(), sql[1])
                self.plan = "\n".join(row[0] for row in await cursor.fetchall())
            return [(NOTHING_FOUND, 0)]

    db = Explaining()
    wanted = Search(View(table.id), condition, order=order)
    await search.get_page(db, access, wanted, None, OpenSearches())  # type: ignore[arg-type]
    return db.plan


@pytest.mark.parametrize(
    ("index", "kwargs", "order"),
    [
        ("contacts_name_trigram", {"name": query("ilike", pattern="%contact 77%")}, ()),
        ("contacts_name_trigram", {"name": query("like", pattern="%ab12cd%")}, ()),
        ("contacts_email_b_tree", {"email": "c5000@example.com"}, ()),
        ("contacts_spent_b_tree", {"spent": query("less_than", value=20)}, ()),
        ("contacts_spent_b_tree", {"spent": query("any_of", args=[1, 2.5, 3], kwargs={})}, ()),
        (
            "contacts_about_full_text",
            {"about": query("full_text_match", query="topic5", raw=False)},
            (),
        ),
        ("contacts_owner_link", {}, None),
        ("contacts_tags_link", {}, None),
        ("contacts_seen_at_b_tree", {}, (("seen_at", True),)),
        ("contacts_seen_at_b_tree", {}, (("seen_at", False),)),
    ],
)
async def test_a_search_of_ten_thousand_rows_uses_its_index(
    store: TableStore,
    index: str,
    kwargs: dict[str, Any],
    order: tuple[tuple[str, bool], ...] | None,
) -> None:
    if order is None:
        column = index.split("_")[1]
        table = store.table("contacts")
        row = PortableValue("anvil.tables.v2._RowRef", View(table.id).row_capability(500))
        kwargs, order = {column: [row] if column == "tags" else row}, ()
    assert index in await explain(store, order, **kwargs)


async def test_linked_rows_are_joined_by_their_key(store: TableStore) -> None:
    plan = await explain(store, spent=query("less_than", value=50))
    assert "contacts_pkey" in plan
    assert "Seq Scan" not in plan


class Gate:
    """A TCP port before the database's, so that a test can cut the line and mend it."""

    def __init__(self, url: str) -> None:
        parts = psycopg.conninfo.conninfo_to_dict(url)
        self._path = (
            f"{parts['host']}/.s.PGSQL.{parts.get('port', 5432)}"
            if str(parts.get("host", "")).startswith("/")
            else None
        )
        self._target = (str(parts.get("host")), int(parts.get("port") or 5432))
        self._listener: socket.socket | None = None
        self._pairs: list[socket.socket] = []
        self.port = 0
        self.open()
        self.url = psycopg.conninfo.make_conninfo(url, host="127.0.0.1", port=self.port)

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for each in self._pairs:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            if self._path:
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._path)
            else:
                far = socket.create_connection(self._target)
            self._pairs += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


async def test_survives_a_database_that_went_away(database_url: str) -> None:
    gate = Gate(database_url)
    store = await TableStore.open(gate.url, CONTACTS)
    await store.insert_row("contacts", {"name": "before"})
    assert (await store.health())["ok"]
    gate.close()
    with pytest.raises(
        AnvilError, match="The database of this app cannot be reached right now"
    ) as raised:
        await store.find_rows("contacts")
    assert raised.value.type_name == "anvil.server.RuntimeUnavailableError"
    health = await store.health()
    assert not health["ok"]
    assert "cannot be reached" in health["message"]
    gate.open()
    assert [row["name"] for row in await store.find_rows("contacts")] == ["before"]
    assert (await store.health())["ok"]
    await store.close()
    gate.close()


@pytest.mark.parametrize(
    ("is_write", "told"), [(True, "may have been saved or not"), (False, "Nothing was changed")]
)
async def test_what_is_cut_off_on_its_way_is_told_as_it_is(
    database_url: str, is_write: bool, told: str
) -> None:
    """Nobody knows whether a write came through; a read changed nothing."""
    gate = Gate(database_url)
    store = await TableStore.open(gate.url, CONTACTS)
    with (
        psycopg.connect(database_url) as holder,
        psycopg.connect(database_url, autocommit=True) as admin,
    ):
        holder.execute("LOCK TABLE app.contacts")
        work = (
            store.insert_row("contacts", {"name": "x"}) if is_write else store.find_rows("contacts")
        )
        task = asyncio.create_task(work)
        waiting = (
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"
        )
        while admin.execute(waiting).fetchone() is None:
            await asyncio.sleep(0.01)
        gate.close()
        with pytest.raises(AnvilError, match=told):
            await task
    await store.close()


async def test_idle_connections_cut_meanwhile_are_not_noticed(database_url: str) -> None:
    store = await TableStore.open(database_url, CONTACTS)
    await asyncio.gather(*(store.find_rows("contacts") for _ in range(5)))
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    for _ in range(5):
        await store.insert_row("contacts", {"name": "after"})
    assert len(await store.find_rows("contacts")) == 5
    await store.close()


async def test_a_database_that_is_down_at_start_is_told(database_url: str) -> None:
    gate = Gate(database_url)
    gate.close()
    with pytest.raises(
        StartupError, match=r"The database at 127\.0\.0\.1:\d+/test_.* cannot be reached"
    ):
        await TableStore.open(gate.url, CONTACTS)
    with pytest.raises(StartupError) as raised:
        await TableStore.open("postgresql://u:secretword@127.0.0.1:1/x", CONTACTS)
    assert "secretword" not in str(raised.value)


async def test_a_database_of_a_newer_server_is_left_alone(database_url: str) -> None:
    await (await TableStore.open(database_url, CONTACTS)).close()
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE _mybizz.version SET version = 99")
    with pytest.raises(StartupError, match="made by a newer server"):
        await TableStore.open(database_url, CONTACTS)


async def test_server_code_reads_writes_and_locks_rows(database_url: str) -> None:
    store = await TableStore.open(database_url, CONTACTS)
    first = await store.insert_row("contacts", {"name": "a", "spent": 5})
    second = await store.insert_row("contacts", {"name": "B", "owner": first, "tags": [first]})
    assert await store.find_row("contacts", owner=first) == await store.get_row("contacts", second)
    assert (await store.find_row_ci("contacts", "name", "b") or {})["tags"] == [first]
    with pytest.raises(RuntimeError):
        async with store.transaction() as db:
            row = await store.get_row("contacts", first, connection=db, for_update=True)
            assert row is not None
            await store.update_row("contacts", first, {"spent": row["spent"] + 1}, connection=db)
            raise RuntimeError
    assert (await store.get_row("contacts", first) or {})["spent"] == 5
    await store.delete_row("contacts", first)
    assert (await store.get_row("contacts", second) or {})["owner"] is None
    assert await store.get_row("contacts", first) is None
    with pytest.raises(AnvilError, match="no data table 'ghosts'"):
        await store.find_row("ghosts")
    await store.close()
