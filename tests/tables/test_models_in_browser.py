"""Model classes: one class for rows in the browser and on the server, from Python in a real page.

The table is closed to browsers; what a page may do with its rows is what the model allows.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app_server.running import RunningServer, serve_app

ANVIL_YAML = """
package_name: studio
runtime_options: {version: 3, server_persist: true}
startup: {type: form, module: Home}
services:
- {source: /runtime/services/tables.yml, client_config: {enable_v2: true}}
db_schema:
  contacts:
    title: Contacts
    client: none
    server: full
    columns:
    - {name: first, type: string}
    - {name: last, type: string}
    - {name: visits, type: number}
    - {name: seen_on, type: date}
    - {name: vip, type: bool, client_hidden: true}
    - {name: friend, type: link_single, target: contacts}
  notes:
    title: Notes
    client: none
    server: full
    columns: [{name: text, type: string}]
  tasks:
    title: Tasks
    client: none
    server: full
    columns: [{name: title, type: string}, {name: done, type: bool}, {name: made_by, type: string}]
"""

MODELS = """
import anvil.server
from datetime import date
from anvil.tables import app_tables


class Contact(app_tables.contacts.Row, attrs=True, client_updatable=True, client_creatable=True):
    @property
    def full_name(self):
        return self.first + " " + self.last

    def greet(self, word="Hello"):
        return "{}, {}!".format(word, self.first)

    @anvil.server.server_method
    def visit(self, times=1):
        self.update(visits=(self["visits"] or 0) + times, seen_on=date(2026, 3, times))
        return self["visits"]

    @anvil.server.server_method
    @classmethod
    def find(cls, first):
        return app_tables.contacts.get(first=first)


class Note(app_tables.notes.Row):
    pass


class Task(app_tables.tasks.Row, buffered=True, client_writable=True):
    pass
"""

SERVER = """
import anvil.server
from anvil.tables import app_tables
from .models import Contact, Note, Task


class ServerTask(Task):
    @classmethod
    def _do_create(cls, values, from_client):
        if not values.get("title"):
            raise ValueError("A task needs a title")
        return super()._do_create(values, from_client, trusted_values={"made_by": "server"})

    def _do_delete(self, from_client):
        if self["done"]:
            raise ValueError("Done tasks stay")
        super()._do_delete(from_client)


@anvil.server.callable
def fill():
    for table in (app_tables.contacts, app_tables.notes, app_tables.tasks):
        table.delete_all_rows()
    olga = app_tables.contacts.add_row(first="Olga", last="Petrenko", vip=True)
    app_tables.contacts.add_row(first="Sam", last="Okoro", visits=3, vip=False, friend=olga)
    app_tables.notes.add_row(text="a note")


@anvil.server.callable
def contacts():
    return app_tables.contacts.search()


@anvil.server.callable
def note():
    return app_tables.notes.get()


@anvil.server.callable
def tasks():
    return [[task["title"], task["done"], task["made_by"]] for task in app_tables.tasks.search()]


@anvil.server.callable
def is_contact(row):
    return [isinstance(row, Contact), row.full_name]
"""

HOME = """
import anvil.server
from anvil.js import window
from anvil.tables import app_tables
from ._anvil_designer import HomeTemplate
from .models import Contact, Note, Task


class Home(HomeTemplate):
    def __init__(self, **properties):
        self.init_components(**properties)
        window.run = self.run
        window.said = []
        self.label.text = "Ready"

    def say(self, *values):
        window.said.push(" ".join(str(value) for value in values))

    def run(self, name):
        getattr(self, name)()

    def refused(self, do):
        try:
            do()
            self.say("allowed")
        except Exception as error:
            self.say(type(error).__name__, error)

    def read(self):
        olga, sam = list(anvil.server.call("contacts"))
        self.say(type(olga).__name__, isinstance(sam, Contact), type(sam.friend) is Contact)
        self.say(olga.full_name, sam.friend.greet("Hi"), sam.visits, "vip" in olga.keys())
        self.say(anvil.server.call("is_contact", sam))
        self.refused(lambda: olga.height)

    def update(self):
        olga, sam = list(anvil.server.call("contacts"))
        olga.first = "Oksana"
        olga.update(last="Petrova", friend=sam)
        self.say(olga.full_name, olga.friend.full_name)
        self.refused(lambda: olga.update(vip=False))
        self.refused(olga.delete)

    def create(self):
        zoe = Contact(first="Zoe", last="Li")
        self.say(zoe.get_id(), zoe.full_name)
        zoe.save()
        self.say(zoe.get_id() is not None, zoe.greet())
        self.refused(lambda: Contact(first="Eve", vip=True).save())

    def server_methods(self):
        sam = Contact.find("Sam")
        self.say(type(sam).__name__, sam.visit(), sam.visit(times=5), sam.visits, sam.seen_on)

    def closed(self):
        note = anvil.server.call("note")
        self.say(type(note).__name__, note["text"])
        self.refused(lambda: note.update(text="changed"))
        self.refused(note.delete)
        self.refused(lambda: Note(text="new").save())
        self.refused(lambda: app_tables.contacts.search())

    def buffered(self):
        task = Task(title="Water the plants")
        task["done"] = False
        task.save()
        task["done"] = True
        self.say(task["done"], task.buffered_changes, anvil.server.call("tasks"))
        task.save()
        self.say(anvil.server.call("tasks"))
        self.refused(lambda: Task(done=True).save())
        self.refused(task.delete)
        task["done"] = False
        task.save()
        task.delete()
        self.say(anvil.server.call("tasks"))
"""

FILES: dict[str, str | bytes] = {
    "server_code/main.py": SERVER,
    "client_code/models.py": MODELS,
    "client_code/Home/__init__.py": HOME.replace("from .models", "from ..models"),
    "client_code/Home/form_template.html": """
<anvil-form container="ColumnPanel">
<anvil-component type="Label" name="label"></anvil-component>
</anvil-form>
""",
}


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str, runtime: None
) -> Iterator[RunningServer]:
    name = "models_in_browser"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    url = psycopg.conninfo.make_conninfo(postgres_url, dbname=name)
    folder = tmp_path_factory.mktemp("models")
    with serve_app(folder, FILES, database_url=url, anvil_yaml=ANVIL_YAML) as running:
        yield running
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def page(server: RunningServer, chromium: Browser) -> Iterator[Page]:
    with server.browser() as socket:
        socket.call("fill")
    context = chromium.new_context()
    opened = context.new_page()
    opened.goto(server.url)
    expect(opened.get_by_text("Ready")).to_be_visible(timeout=30_000)
    yield opened
    context.close()


def said(page: Page, what: str) -> list[str]:
    """What Python in the page says when it is asked to do something."""
    page.evaluate("name => run(name)", what)
    assert page.locator(".anvil-error pre").all_text_contents() == []
    found: list[str] = page.evaluate("said")
    return found


def test_rows_are_of_their_model_on_both_sides(page: Page) -> None:
    *read, unknown = said(page, "read")
    assert read == [
        "Contact True True",
        "Olga Petrenko Hi, Olga! 3 False",
        "[True, 'Sam Okoro']",
    ]
    assert unknown.startswith("AttributeError")


def test_an_updatable_model_is_changed_through_the_server(page: Page) -> None:
    names, hidden, deleted = said(page, "update")
    assert names == "Oksana Petrova Sam Okoro"
    assert hidden == "NoSuchColumnError No such column 'vip'"
    assert deleted.startswith("PermissionDenied Cannot write to row from table 'Contacts'")


def test_a_creatable_model_is_made_in_the_page(page: Page) -> None:
    draft, saved, hidden = said(page, "create")
    assert draft == "None Zoe Li"
    assert saved == "True Hello, Zoe!"
    assert hidden == "NoSuchColumnError No such column 'vip'"


def test_server_methods_run_on_the_server(page: Page) -> None:
    assert said(page, "server_methods") == ["Contact 4 9 9 2026-03-05"]


def test_a_model_allows_nothing_by_itself(page: Page) -> None:
    read, *refusals = said(page, "closed")
    assert read == "Note a note"
    assert len(refusals) == 4
    for refusal in refusals:
        assert refusal.startswith("PermissionDenied")


def test_a_buffered_model_with_rules_of_the_server(page: Page) -> None:
    assert said(page, "buffered") == [
        "True {'done': True} [['Water the plants', False, 'server']]",
        "[['Water the plants', True, 'server']]",
        "AnvilWrappedError A task needs a title",
        "AnvilWrappedError Done tasks stay",
        "[]",
    ]
