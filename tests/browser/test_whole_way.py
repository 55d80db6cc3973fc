"""From Python in the browser to the table and back, through the real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app_server.running import RunningServer, serve_app

ANVIL_YAML = """
package_name: shop
runtime_options: {version: 3, server_persist: true}
services:
- {source: /runtime/services/tables.yml, client_config: {enable_v2: true}}
db_schema:
  shelves:
    title: Shelves
    client: search
    server: full
    columns: [{name: label, type: string, admin_ui: {}}]
  teas:
    title: Teas
    client: search
    server: full
    columns:
    - {name: name, type: string, admin_ui: {}}
    - {name: grams, type: number, admin_ui: {}}
    - {name: picked, type: date, admin_ui: {}}
    - {name: tags, type: simpleObject, admin_ui: {}}
    - {name: label, type: media, admin_ui: {}}
    - {name: shelf, type: link_single, target: shelves, admin_ui: {}}
  ledger:
    title: Ledger
    client: none
    server: full
    columns: [{name: line, type: string, admin_ui: {}}]
"""

FILES: dict[str, str | bytes] = {
    "server_code/main.py": """
import anvil.server
import anvil.media
from datetime import date
from anvil import BlobMedia
from anvil.tables import app_tables

@anvil.server.route("/app/:tea")
def open_tea(tea):
    row = app_tables.teas.get(name=tea)
    return anvil.server.FormResponse("Home", tea=row, day=date(2026, 3, 1))

@anvil.server.callable
def fill():
    shelf = app_tables.shelves.add_row(label="top")
    for i in range(120):
        app_tables.teas.add_row(name="tea-%03d" % i, grams=i, picked=date(2026, 1, 1 + i % 28),
                                tags={"n": [i]}, shelf=shelf,
                                label=BlobMedia("text/plain", b"label %d" % i, name="l.txt"))

@anvil.server.callable
def writable():
    return app_tables.teas.client_writable()

@anvil.server.callable
def weigh(tea):
    tea["grams"] = tea["grams"] + 1000
    return tea

@anvil.server.callable
def shout(media):
    return BlobMedia("text/plain", media.get_bytes().upper(), name="loud.txt")
""",
    "client_code/startup.py": "",
    "client_code/Home/__init__.py": """
import anvil.server
from anvil import *
from anvil.tables import app_tables
import anvil.tables.query as q
from anvil.js import window
from datetime import date
from ._anvil_designer import HomeTemplate

class Home(HomeTemplate):
    def __init__(self, tea=None, day=None, **properties):
        self.init_components(**properties)
        self.label.text = "{} {} {}".format(tea["name"], tea["shelf"]["label"], day)
        window.said = []
        window.run = self.run

    def say(self, *values):
        window.said.push(" ".join(str(value) for value in values))

    def run(self, name):
        getattr(self, name)()

    def rows(self):
        teas = app_tables.teas.search(grams=q.less_than(105))
        self.say(len(teas), teas[0]["name"], teas[104]["name"], sum(row["grams"] for row in teas))
        row = app_tables.teas.get(name="tea-007")
        self.say(row["picked"], row["tags"], row["shelf"]["label"], dict(row)["grams"])
        self.say(row["label"].get_bytes(), row["label"].name, row == app_tables.teas.get(grams=7))
        weighed = anvil.server.call("weigh", row)
        self.say(weighed["grams"], row["grams"])

    def write(self):
        table = anvil.server.call("writable")
        row = table.add_row(name="own", grams=1, picked=date(2026, 2, 2))
        row["grams"] = 5
        self.say(table.get(name="own")["grams"])
        row.delete()
        self.say(table.get(name="own"))

    def forbidden(self):
        for table, what in [("teas", "add_row"), ("ledger", "search")]:
            try:
                list(getattr(getattr(app_tables, table), what)(name="x"))
                self.say("allowed")
            except Exception as error:
                self.say(type(error).__name__)

    def media(self):
        loud = anvil.server.call("shout", BlobMedia("text/plain", b"quiet " * 20000))
        self.say(loud.name, loud.length, loud.get_bytes()[:6])
""",
    "client_code/Home/form_template.html": """
<anvil-form container="ColumnPanel">
<anvil-component type="Label" name="label"></anvil-component>
</anvil-form>
""",
}


@pytest.fixture
def server(tmp_path: Path, database_url: str, runtime: None) -> Iterator[RunningServer]:
    arguments = ["--auto-migrate"]
    with serve_app(
        tmp_path, FILES, *arguments, database_url=database_url, anvil_yaml=ANVIL_YAML
    ) as server:
        with server.browser() as browser:
            browser.call("fill")
        yield server


def test_rows_and_media_in_the_browser(server: RunningServer, page: Page) -> None:
    page.goto(server.url + "/app/tea-003")
    expect(page.get_by_text("tea-003 top 2026-03-01")).to_be_visible()
    for name in ["rows", "write", "forbidden", "media"]:
        page.evaluate("name => run(name)", name)
    assert page.locator(".anvil-error pre").all_text_contents() == []
    assert page.evaluate("said") == [
        "105 tea-000 tea-104 5460",
        "2026-01-08 {'n': [7]} top 7",
        "b'label 7' l.txt True",
        "1007 1007",
        "5",
        "None",
        "PermissionDenied",
        "PermissionDenied",
        "loud.txt 120000 b'QUIET '",
    ]
