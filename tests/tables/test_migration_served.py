"""An app that is edited while a server runs: its tables follow, and nobody's call fails."""

from __future__ import annotations

import html
import threading
import time
from pathlib import Path
from typing import Any

from tests.app_server.running import RunningServer, serve_app

from .migrating import sql

CODE = """
import anvil.server, time
from anvil.tables import app_tables, in_transaction

@anvil.server.callable
def add(value):
    app_tables.items.add_row(n=1)
    return len(app_tables.items.search())

@in_transaction
def _count():
    row = app_tables.counters.get() or app_tables.counters.add_row(total=0)
    row["total"] += 1

@anvil.server.callable
def count():
    _count()

@anvil.server.callable
def read(column):
    return [row[column] for row in app_tables.items.search()]
"""


def app(*columns: str) -> str:
    pairs = [column.split() for column in columns]
    listed = ", ".join(f"{{name: {name}, type: {kind}}}" for name, kind in pairs)
    return (
        "package_name: shop\n"
        "runtime_options: {version: 3, server_persist: true}\n"
        "services: [{source: /runtime/services/tables.yml, client_config: {enable_v2: true}}]\n"
        "db_schema:\n"
        f"  items: {{client: none, server: full, columns: [{listed}]}}\n"
        "  counters: {server: full, columns: [{name: total, type: number}]}\n"
    )


def edit(folder: Path, name: str, text: str) -> None:
    """As an editor does: in one step."""
    draft = folder / f".{name}.new"
    draft.write_text(text)
    draft.replace(folder / name)


def wait_for(server: RunningServer, words: str, after: int = 0) -> str:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for line in server.log[after:]:
            if words in line:
                return line
        time.sleep(0.02)
    raise AssertionError(f"{words!r} is not in the log:\n" + "".join(server.log))


class Callers:
    """Threads that call all the time, each in a browser of its own."""

    def __init__(self, server: RunningServer, number: int) -> None:
        self._server = server
        self._stop = threading.Event()
        self.failures: list[BaseException] = []
        self.done = 0
        self._threads = [
            threading.Thread(target=self._call, args=[i], daemon=True) for i in range(number)
        ]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _call(self, number: int) -> None:
        try:
            with self._server.browser() as browser:
                while not self._stop.is_set():
                    words = ("add", 1) if number % 2 else ("count",)
                    browser.call(*words)
                    self.done += 1
        except BaseException as error:  # noqa: BLE001  whatever it is fails the test
            self.failures.append(error)


def test_calls_go_on_while_the_edited_schema_is_taken_over(
    tmp_path: Path, database_url: str
) -> None:
    files: dict[str, Any] = {"server_code/main.py": CODE}
    with serve_app(
        tmp_path,
        files,
        "--auto-migrate",
        database_url=database_url,
        anvil_yaml=app("n number", "price string", "old string"),
    ) as server:
        folder = tmp_path / "shop"
        sql(database_url, "INSERT INTO app.items (price, old) VALUES ('5', 'kept')")
        with Callers(server, 4) as callers:
            before = len(server.log)
            renames = "renames: [{id: '1', columns: {items: {old: new}}}]\n"
            edit(folder, "migrations.yaml", renames)
            edit(folder, "anvil.yaml", app("n number", "price number", "new string", "more bool"))
            wait_for(server, "The app changed to version", before)
            wait_for(server, "Rename column 'old' of table 'items' to 'new'", before)
            counted = callers.done
            while callers.done < counted + 20 and not callers.failures:
                time.sleep(0.01)
        assert callers.failures == []
        with server.browser() as browser:
            assert browser.call("read", "new")[0] == "kept"
            assert browser.call("read", "price")[0] == 5
            assert browser.call("read", "more")[0] is None
    [(total,)] = sql(database_url, "SELECT total FROM app.counters")
    assert total > 0


def test_a_schema_that_would_lose_values_is_reported_and_the_app_goes_on(
    tmp_path: Path, database_url: str
) -> None:
    files: dict[str, Any] = {"server_code/main.py": CODE}
    with serve_app(
        tmp_path,
        files,
        "--auto-migrate",
        database_url=database_url,
        anvil_yaml=app("n number", "price string"),
    ) as server:
        folder = tmp_path / "shop"
        sql(database_url, "INSERT INTO app.items (price) VALUES ('free')")
        edit(folder, "anvil.yaml", app("n number", "price number"))
        wait_for(server, "The version before goes on.")
        wait_for(server, "1 are no numbers: 'free' (row 1)")
        page = html.unescape(server.get("/", headers={"Accept": "text/html"}).text)
        assert "1 are no numbers: 'free' (row 1)" in page, "the browser shows it too"
        with server.browser() as browser:
            assert browser.call("read", "price") == ["free"]
            sql(database_url, "UPDATE app.items SET price = '0'")
            edit(folder, "anvil.yaml", app("n number", "price number") + "# again\n")
            wait_for(server, "The app changed to version")
            assert browser.call("read", "price") == [0]


def test_without_leave_the_needed_changes_are_reported(tmp_path: Path, database_url: str) -> None:
    files: dict[str, Any] = {"server_code/main.py": CODE}
    with serve_app(
        tmp_path, files, database_url=database_url, anvil_yaml=app("n number")
    ) as server:
        edit(tmp_path / "shop", "anvil.yaml", app("n number", "more string"))
        wait_for(server, "Add column 'more' (string) to table 'items'")
        wait_for(server, "Start with --auto-migrate to make them")
        with server.browser() as browser:
            assert browser.call("add", 1) == 1
