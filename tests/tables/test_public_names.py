"""Names of ``anvil.tables`` that Anvil's stubs list, each doing on real rows what its text says."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app_server.request import Origin
from tests.app_server.running import CallFailed, serve_app

from .library import Caller, Library


@pytest.fixture
def olga(app_tables: Any) -> Any:
    return app_tables.people.add_row(first_name="Olga", is_member=True)


def stored(app_tables: Any, name: str = "first_name") -> list[Any]:
    return [row[name] for row in app_tables.people.search()]


def test_buffered_changes_are_written_by_save(app_tables: Any, olga: Any) -> None:
    with olga.buffer_changes():
        olga["first_name"] = "Oksana"
        assert olga["first_name"] == "Oksana"
        assert olga.buffered_changes == {"first_name": "Oksana"}
        assert stored(app_tables) == ["Olga"]
        olga.save()
    assert stored(app_tables) == ["Oksana"]
    assert olga.buffered_changes is None


def test_buffered_changes_are_forgotten_by_reset(app_tables: Any, olga: Any) -> None:
    olga.buffer_changes(True)
    olga["first_name"] = "Oksana"
    olga.reset()
    assert olga["first_name"] == "Olga"
    olga["first_name"] = "Oleh"
    olga.buffer_changes(False)
    assert olga["first_name"] == "Olga"
    assert stored(app_tables) == ["Olga"]


def test_a_draft_becomes_a_row_when_saved(app_tables: Any) -> None:
    draft = app_tables.people.Row(first_name="Sam")
    assert draft.get_id() is None
    assert draft["is_member"] is None
    draft["is_member"] = False
    assert stored(app_tables) == []
    draft.save()
    assert app_tables.people.get(first_name="Sam").get_id() == draft.get_id()
    assert draft["is_member"] is False


def test_all_drafts_and_changes_are_saved_or_none(app_tables: Any, olga: Any) -> None:
    from anvil.tables import TableError

    olga.buffer_changes(True)
    olga["first_name"] = "Oksana"
    olga["friend"] = app_tables.people.Row(first_name="Sam", born_on="not a date")
    with pytest.raises(TableError, match="Column 'born_on' is a date"):
        olga.save()
    assert stored(app_tables) == ["Olga"]
    assert olga.buffered_changes is not None
    olga["friend"]["born_on"] = None
    olga.save()
    assert sorted(stored(app_tables)) == ["Oksana", "Sam"]
    assert app_tables.people.get(first_name="Oksana")["friend"]["first_name"] == "Sam"


def test_refresh_and_fetch_read_again(app_tables: Any, olga: Any, q: ModuleType) -> None:
    same = app_tables.people.get_by_id(olga.get_id(), q.fetch_only("is_member"))
    olga["first_name"] = "Oksana"
    same.fetch(q.fetch_only("first_name"))
    assert same["first_name"] == "Oksana"
    olga["first_name"] = "Oleh"
    same.refresh(q.fetch_only("first_name"))
    assert same["first_name"] == "Oleh"
    olga["first_name"] = "Olga"
    same.refresh()
    assert same["first_name"] == "Olga"


def test_a_row_is_read_like_a_dictionary(app_tables: Any) -> None:
    row = app_tables.counters.add_row(name="visits", value=3)
    assert row.get("name") == "visits"
    assert row.get("height", 180) == 180
    assert sorted(row.keys()) == ["name", "value"]
    assert sorted(row.values(), key=str) == [3, "visits"]
    assert dict(row.items()) == dict(row) == {"name": "visits", "value": 3}
    assert "value" in row
    assert sorted(row) == [("name", "visits"), ("value", 3)]


def test_a_search_is_refreshed_sliced_counted_and_deleted(app_tables: Any) -> None:
    app_tables.counters.add_rows([{"value": n} for n in range(150)])
    search = app_tables.counters.search()
    assert len(search) == 150
    assert search[120]["value"] == 120
    assert [row["value"] for row in search[98:102]] == [98, 99, 100, 101]
    app_tables.counters.get(value=0).delete()
    search.refresh()
    assert search[0]["value"] == 1
    app_tables.counters.search(value=7).delete_all_rows()
    search.refresh()
    assert len(search) == 148


def test_restrict_columns_leaves_the_others_out(
    app_tables: Any, library: Library, q: ModuleType
) -> None:
    from anvil.tables import NoSuchColumnError, TableError

    app_tables.people.add_row(first_name="Olga", secret="hush", is_member=True)
    view = app_tables.people.restrict_columns(["first_name", "is_member"])
    [row] = view.search()
    assert dict(row) == {"first_name": "Olga", "is_member": True}
    with pytest.raises(NoSuchColumnError):
        row["secret"] = "told"
    narrower = view.restrict_columns(q.only_cols("is_member"))
    assert [dict(row) for row in narrower.search()] == [{"is_member": True}]
    with pytest.raises(TableError, match="secret is not available in this view"):
        narrower.restrict_columns(["secret"])
    with pytest.raises(TableError, match="takes a list of column names"):
        view.restrict_columns("first_name")
    # It gives nobody a right that the table does not give: this one is closed to browsers.
    from anvil.server import PermissionDenied

    browser = Caller(library.instance.sessions.create(), Origin.CLIENT)
    sent = library.send(view, Caller(library.session), browser)
    with library.acting(browser), pytest.raises(PermissionDenied):
        sent.search()


def test_an_app_without_a_database_is_told_so(tmp_path: Path) -> None:
    code = """
        import anvil.server
        from anvil.tables import app_tables, get_connection_string

        @anvil.server.callable
        def touch():
            return list(app_tables.people.search())

        @anvil.server.callable
        def connect():
            return get_connection_string()
    """
    files = {"server_code/main.py": "\n".join(line[8:] for line in code.splitlines())}
    with serve_app(tmp_path, files) as server, server.browser() as browser:
        with pytest.raises(CallFailed, match="runs without a database") as raised:
            browser.call("touch")
        assert raised.value.type == "anvil.tables.TableError"
        with pytest.raises(CallFailed, match="schema 'app' of its database"):
            browser.call("connect")
