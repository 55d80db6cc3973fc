"""``auto_create_missing_columns``: columns made by writing to them, where the app allows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app_server.apps.model import Service
from app_server.tables.auto_create import SERVICE
from tests.app_server.running import CallFailed, serve_app

from .conftest import STUDIO
from .library import Library
from .test_transactions import wait_until

ON = {SERVICE: Service(SERVICE, {"enable_v2": True, "auto_create_missing_columns": True}, {})}


@pytest.fixture
def app_tables(library: Library, database_url: str) -> Iterator[Any]:
    """Tables of their own: what is made here stays."""
    library.open(database_url, STUDIO)
    before, library.instance.app.services = library.instance.app.services, ON
    from anvil.tables import app_tables as found
    from anvil.tables.v2 import _row

    _row._auto_create_is_enabled = _row.NOT_FOUND
    yield found
    library.instance.app.services = before
    _row._auto_create_is_enabled = _row.NOT_FOUND
    library.close()


def columns(table: Any) -> dict[str, str]:
    return {column["name"]: column["type"] for column in table.list_columns()}


def test_a_value_makes_a_column_of_its_type(app_tables: Any) -> None:
    olga = app_tables.people.add_row(first_name="Olga")
    row = app_tables.counters.add_row(
        **{
            "height": 1.7,
            "Favourite colour": "red",
            "is_open": True,
            "born_on": dt.date(2000, 1, 2),
            "seen_at": dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC),
            "details": {"a": [1]},
            "owner": olga,
            "helpers": [olga],
        }
    )
    assert row["Favourite colour"] == "red"
    assert columns(app_tables.counters) == {
        "name": "string",
        "value": "number",
        "height": "number",
        "Favourite colour": "string",
        "is_open": "bool",
        "born_on": "date",
        "seen_at": "datetime",
        "details": "simpleObject",
        "owner": "link_single",
        "helpers": "link_multiple",
    }
    again = app_tables.counters.get(owner=olga)
    assert again["helpers"][0]["first_name"] == "Olga"
    assert (again["height"], again["details"]) == (1.7, {"a": [1]})


def test_changing_a_row_makes_columns_too(app_tables: Any) -> None:
    row = app_tables.counters.add_row(name="visits")
    row["unit"] = "people"
    row.update(step=2, name="guests")
    assert dict(app_tables.counters.get()) == {
        "name": "guests",
        "value": None,
        "unit": "people",
        "step": 2,
    }
    app_tables.counters.add_rows([{"colour": "red"}, {"colour": None, "weight": 3}])
    assert set(columns(app_tables.counters)) >= {"colour", "weight"}


def test_what_tells_no_type_makes_no_column(app_tables: Any) -> None:
    app_tables.counters.add_row(name="visits", nothing=None, empty=[])
    assert set(columns(app_tables.counters)) == {"name", "value"}


def test_a_value_that_no_column_holds_is_refused(app_tables: Any) -> None:
    from anvil.tables import TableError

    with pytest.raises(TableError, match="Cannot store NaN"):
        app_tables.counters.add_row(height=float("nan"))
    app_tables.counters.add_row(height=2)
    with pytest.raises(TableError, match="Column 'height' is a number"):
        app_tables.counters.add_row(height="tall")


def test_a_view_gets_no_columns(app_tables: Any, q: Any) -> None:
    from anvil.tables import NoSuchColumnError

    for view in (
        app_tables.counters.client_writable(value=3),
        app_tables.counters.client_writable(q.only_cols("name", "value")),
    ):
        with pytest.raises(NoSuchColumnError):
            view.add_row(name="a", height=2)
    assert set(columns(app_tables.counters)) == {"name", "value"}


def test_a_hidden_column_is_not_made_again_for_a_browser(app_tables: Any, library: Library) -> None:
    from anvil.tables import NoSuchColumnError

    from app_server.request import Origin

    from .library import Caller

    browser = Caller(library.instance.sessions.create(), Origin.CLIENT)
    view = library.send(app_tables.people.client_writable(), Caller(library.session), browser)
    with library.acting(browser), pytest.raises(NoSuchColumnError):
        view.add_row(first_name="Sam", secret="told")


def test_in_a_transaction_before_the_table_is_used(app_tables: Any, library: Library) -> None:
    import anvil.tables
    from anvil.tables import TableError

    with library.server(), anvil.tables.Transaction():
        app_tables.counters.add_row(height=3)
        assert app_tables.counters.get(height=3) is not None
        with pytest.raises(TableError, match="already used a table cannot add columns"):
            app_tables.counters.add_row(width=4)
    assert app_tables.counters.get(height=3)["name"] is None


def test_columns_made_so_survive_the_next_start(
    app_tables: Any, library: Library, database_url: str
) -> None:
    app_tables.counters.add_row(height=3)
    library.close()
    store = library.open(database_url, STUDIO)
    assert not store.plan
    assert app_tables.counters.get(height=3) is not None


CODE = """
import anvil.server
from anvil.tables import app_tables

@anvil.server.callable
def add(**values):
    return dict(app_tables.things.add_row(**values))
"""
TABLES = "db_schema: {things: {title: t, client: none, server: full, columns: [%s]}}"


@pytest.mark.parametrize("side", ["client_config", "server_config"])
def test_the_app_allows_it_in_its_configuration(
    tmp_path: Path, database_url: str, side: str
) -> None:
    service = f"{{source: {SERVICE}, {side}: {{auto_create_missing_columns: true}}}}"
    yaml = f"package_name: shop\nservices: [{service}]\n" + TABLES % "{name: a, type: string}"
    files: dict[str, str | bytes] = {"server_code/main.py": CODE}
    with (
        serve_app(tmp_path, files, database_url=database_url, anvil_yaml=yaml) as server,
        server.browser() as browser,
    ):
        assert browser.call("add", a="x", b=2) == {"a": "x", "b": 2}
        told = 'Automatically creating column "b" (number)'
        wait_until(lambda: any(told in line for line in server.log))
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT a, b FROM app.things").fetchall() == [("x", 2)]


def test_it_is_off_unless_allowed(tmp_path: Path, database_url: str) -> None:
    yaml = "package_name: shop\n" + TABLES % "{name: a, type: string}"
    files: dict[str, str | bytes] = {"server_code/main.py": CODE}
    with (
        serve_app(tmp_path, files, database_url=database_url, anvil_yaml=yaml) as server,
        server.browser() as browser,
        pytest.raises(CallFailed, match="No such column 'b'"),
    ):
        browser.call("add", a="x", b=2)
