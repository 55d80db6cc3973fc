"""Media in columns and tables as CSV files."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import psycopg
import pytest

from app_server.media import fetch_media
from app_server.request import Origin, Request
from app_server.wire.payload import Payload

from .library import Caller, Library


def count_media(url: str) -> int:
    with psycopg.connect(url) as connection:
        return int(connection.execute("SELECT count(*) FROM _mybizz.media").fetchone()[0])  # type: ignore[index]


def picture(data: bytes = b"\x89PNG" + bytes(range(256)) * 400, name: str = "p.png") -> Any:
    import anvil

    return anvil.BlobMedia("image/png", data, name)


def test_media_come_back_with_type_name_and_bytes(app_tables: Any) -> None:
    data = b"\x89PNG" + bytes(range(256)) * 1000
    row = app_tables.people.add_row(photo=picture(data))
    photo = row["photo"]
    assert (photo.content_type, photo.name, photo.length) == ("image/png", "p.png", len(data))
    assert photo.get_bytes() == data


def test_media_that_no_row_holds_are_deleted(app_tables: Any, studio_url: str) -> None:
    first = app_tables.people.add_row(photo=picture())
    second = app_tables.people.add_row(photo=picture())
    assert count_media(studio_url) == 2
    first["photo"] = picture(b"new")
    assert count_media(studio_url) == 2
    first["photo"] = None
    assert count_media(studio_url) == 1
    second.delete()
    assert count_media(studio_url) == 0


def test_media_of_one_row_are_copied_to_another(app_tables: Any, studio_url: str) -> None:
    first = app_tables.people.add_row(photo=picture(b"abc"))
    second = app_tables.people.add_row(photo=first["photo"])
    first["photo"] = first["photo"]
    first.delete()
    assert app_tables.people.get_by_id(second.get_id())["photo"].get_bytes() == b"abc"
    assert count_media(studio_url) == 1


def test_media_of_a_rolled_back_row_are_gone(
    app_tables: Any, studio_url: str, library: Library
) -> None:
    import anvil.tables

    with library.server(), anvil.tables.Transaction() as transaction:
        row = app_tables.people.add_row(photo=picture(b"abc"))
        assert app_tables.people.get_by_id(row.get_id())["photo"].get_bytes() == b"abc"
        transaction.abort()
    assert count_media(studio_url) == 0


def test_media_can_only_be_searched_for_none(app_tables: Any, q: Any) -> None:
    from anvil.tables import TableError

    app_tables.people.add_rows([{"photo": picture(b"a")}, {}])
    assert len(app_tables.people.search(photo=None)) == 1
    assert len(app_tables.people.search(photo=q.not_(None))) == 1
    with pytest.raises(TableError, match="Media columns can only be searched for None"):
        app_tables.people.search(photo=picture(b"a"))


def test_a_reference_without_its_key_opens_nothing(app_tables: Any, library: Library) -> None:
    row = app_tables.people.add_row(photo=picture(b"abc"))
    photo = app_tables.people.get_by_id(row.get_id())["photo"]
    forged = type(photo)({**photo._spec, "key": "0" * 32})
    with pytest.raises(Exception, match=r"Invalid \(Lazy\) Media object"):
        app_tables.people.add_row(photo=forged)
    stranger = Caller(library.instance.sessions.create(), Origin.CLIENT)
    with pytest.raises(Exception, match=r"Invalid \(Lazy\) Media object"):
        download(library, stranger, photo)
    assert download(library, library.caller, photo) == b"abc"


def download(library: Library, caller: Caller, media: Any) -> bytes:
    request = Request(
        library.instance,  # type: ignore[arg-type]
        caller.session,
        caller.stack,
        "",
        Payload(),
        caller.origin,
        (),
        {},
    )
    spec = media._spec
    found = library.run(fetch_media(request, spec["manager"], spec["id"], spec["key"]))
    return bytes(found.data)


def test_csv_of_a_table(app_tables: Any, library: Library) -> None:
    friend = app_tables.people.add_row(first_name='An "old" friend')
    tag = app_tables.tags.add_row(label="x")
    app_tables.people.add_row(
        **{"first_name": "=1+1", "Age in years": 2.5},
        is_member=True,
        born_on=dt.date(2000, 1, 2),
        seen_at=dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC),
        details={"a": [1]},
        photo=picture(b"a"),
        friend=friend,
        tags=[tag],
    )
    file = app_tables.people.to_csv()
    assert (file.name, file.content_type) == ("People.csv", "text/csv")
    head, _, row = csv.reader(io.StringIO(download(library, library.caller, file).decode()))
    people, tags = app_tables.people._id, app_tables.tags._id
    assert dict(zip(head, row, strict=True)) == {
        "ID": f"[{people},2]",
        "first_name": "=1+1",
        "Age in years": "2.5",
        "is_member": "1",
        "born_on": "2000-01-02",
        "seen_at": "2024-01-01 12:00:00+00:00",
        "details": '{"a":[1]}',
        "photo": "#MEDIA",
        "friend": f"#ROW[{people},1]",
        "tags": f"#ROWS[[{tags},1]]",
        "secret": "",
    }


def test_csv_of_a_search_safe_for_excel(app_tables: Any, library: Library, q: Any) -> None:
    app_tables.counters.add_rows([{"name": "=cmd()", "value": n} for n in range(5)])
    file = app_tables.counters.search(value=q.less_than(2)).to_csv(escape_for_excel=True)
    text = download(library, library.caller, file).decode()
    assert text.count("'=cmd()") == 2


def test_csv_for_a_browser_has_no_hidden_column(app_tables: Any, library: Library) -> None:
    app_tables.people.add_row(first_name="Olga", secret="hush")
    browser = Caller(library.instance.sessions.create(), Origin.CLIENT)
    view = library.send(app_tables.people.client_readable(), library.caller, browser)
    with library.acting(browser):
        file = view.to_csv()
    text = download(library, browser, file).decode()
    assert "Olga" in text
    assert "hush" not in text
    assert "secret" not in text
