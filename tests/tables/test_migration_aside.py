"""What is set aside: listed, counted, purged, and not more than that."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from app_server.errors import StartupError
from app_server.tables.migration import purge_aside, read_aside
from app_server.tables.pool import connect

from .migrating import opened, schema, sql, values_of

WHOLE = schema(
    t={"a": "string", "photo": "media", "to": "link_single u", "all": "link_multiple u"},
    u={"n": "number", "back": "link_single t"},
)
SMALL = schema(t={"a": "string"})
ADD_MEDIA = (
    "INSERT INTO _mybizz.media (content_type, length, bytes, created_at)"
    " VALUES ('text/plain', 1, 'x', now() - interval '1 day') RETURNING id"
)


def age(url: str, days: int) -> None:
    """Make everything that is aside older."""
    for table in ("tables", "columns"):
        sql(url, f"UPDATE _mybizz.{table} SET removed_at = removed_at - interval '{days} days'")


async def listed(url: str, days: float = 0) -> list[str]:
    async with await connect(url) as connection:
        return [str(each).partition(", since")[0] for each in await read_aside(connection, days)]


async def purged(url: str, days: float = 0) -> list[str]:
    async with await connect(url) as connection:
        return [str(each).partition(", since")[0] for each in await purge_aside(connection, days)]


async def fill(url: str) -> None:
    async with opened(url, WHOLE) as store:
        [(media,)] = sql(url, ADD_MEDIA)
        other = await store.insert_row("u", {"n": 1})
        row = await store.insert_row("t", {"a": "x", "to": other, "all": [other]})
        await store.update_row("u", other, {"back": row})
        sql(url, f"UPDATE app.t SET photo = {media}")


async def test_what_is_aside_is_listed_with_date_and_version(database_url: str) -> None:
    await fill(database_url)
    async with opened(database_url, SMALL, app_version="shop v2"):
        pass
    assert await listed(database_url) == [
        "column 'photo' (media) of table 't': 1 value",
        "column 'to' (link_single) of table 't': 1 value",
        "column 'all' (link_multiple) of table 't': 1 value",
        "table 'u': 1 row",
    ]
    async with await connect(database_url) as connection:
        for each in await read_aside(connection):
            assert str(each).endswith("UTC by shop v2")
            place = each.place if each.column is None else each.place.rpartition(".")[0]
            assert sql(database_url, f"SELECT count(*) FROM {place}") == [(1,)]
    assert await listed(database_url, days=1) == []
    assert await purged(database_url, days=1) == []


async def test_purged_is_gone_and_comes_back_empty(database_url: str) -> None:
    await fill(database_url)
    async with opened(database_url, SMALL) as store:
        kept_media = sql(database_url, ADD_MEDIA)
        assert len(await purged(database_url)) == 4
        assert await values_of(store, "t", "a") == ["x"]
    assert await listed(database_url) == []
    assert sql(database_url, "SELECT count(*) FROM _mybizz.media") == [(0,)], kept_media
    assert (
        sql(database_url, "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%removed%'") == []
    )
    async with opened(database_url, WHOLE) as store:
        assert await store.find_rows("u") == []
        [row] = await store.find_rows("t")
        assert (row["photo"], row["to"], row["all"]) == (None, None, None)


async def test_only_what_is_old_enough_is_purged(database_url: str) -> None:
    def wanted(*columns: str) -> dict[str, Any]:
        return schema(t={name: "string" for name in columns})

    async with opened(database_url, wanted("a", "b", "c")) as store:
        await store.insert_row("t", {"a": "1", "b": "2", "c": "3"})
    async with opened(database_url, wanted("b", "c")):
        pass
    age(database_url, 40)
    async with opened(database_url, wanted("c")):
        pass
    assert await purged(database_url, days=30) == ["column 'a' (string) of table 't': 1 value"]
    async with opened(database_url, wanted("a", "b", "c")) as store:
        [row] = await store.find_rows("t")
        assert (row["a"], row["b"], row["c"]) == (None, "2", "3")


async def test_a_table_goes_with_the_columns_that_link_to_it(database_url: str) -> None:
    await fill(database_url)
    async with opened(database_url, schema(t=dict(a="string", photo="media"))):
        pass
    age(database_url, 40)
    async with opened(database_url, {}):
        pass
    # Only `u` is old; `t` is aside too and stays, without its links to `u`.
    texts = await purged(database_url, days=30)
    assert texts[-1] == "table 'u': 1 row"
    assert await listed(database_url) == ["table 't': 1 row"]
    assert sql(database_url, "SELECT count(*) FROM _mybizz.media") == [(1,)]
    async with opened(database_url, WHOLE) as store:
        assert await values_of(store, "t", "a") == ["x"]
        assert (await values_of(store, "t", "photo"))[0] is not None
    assert await purged(database_url) == []


async def test_a_media_that_came_back_by_its_type_is_not_purged(database_url: str) -> None:
    def wanted(kind: str) -> dict[str, Any]:
        return schema(t={"x": kind})

    async with opened(database_url, wanted("media")) as store:
        await store.insert_row("t", {})
        [(media,)] = sql(database_url, ADD_MEDIA)
        sql(database_url, f"UPDATE app.t SET x = {media}")
    for kind in ("string", "media"):
        async with opened(database_url, wanted(kind), allow_data_loss=True):
            pass
    assert len(await purged(database_url)) == 2
    async with opened(database_url, wanted("media")) as store:
        [value] = await values_of(store, "t", "x")
        assert value.id == media


async def test_a_purge_waits_for_its_turn(database_url: str) -> None:
    await fill(database_url)
    async with opened(database_url, SMALL):
        pass
    with psycopg.connect(database_url, application_name="reporting") as user:
        user.execute("SELECT * FROM app.t")
        async with await connect(database_url) as connection:
            with pytest.raises(StartupError, match=r"\(reporting\), idle in transaction"):
                await purge_aside(connection, 0, patience_seconds=1)
    assert len(await listed(database_url)) == 4
