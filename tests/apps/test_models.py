"""Rows of an app's own classes, on the server and in the browser."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.apps.conftest import OpenAnApp

FORM = "from ._anvil_designer import {0}Template\nfrom anvil import *\nimport anvil.server\n"

MODELS = {
    "client_code/models.py": """
    import anvil.server
    from anvil.tables import app_tables

    class Task(app_tables.tasks.Row, buffered=True, client_updatable=True, client_creatable=True):
      @property
      def shown(self):
        return ('done: ' if self['done'] else 'to do: ') + self['name']

      def finish(self):
        self['done'] = True
        self.save()
    """,
    "client_code/Home/form_template.yaml": """
    container: {type: LinearPanel}
    components:
    - {name: list, type: RepeatingPanel, properties: {item_template: Home.Row}}
    - {name: add, type: Button, properties: {text: Add}, event_bindings: {click: add_click}}
    """,
    "client_code/Home/__init__.py": FORM.format("Home")
    + """
from ..models import Task
from anvil.tables import app_tables

class Home(HomeTemplate):
  def __init__(self, **properties):
    self.init_components(**properties)
    self.show_tasks()

  def show_tasks(self):
    self.list.items = anvil.server.call('open_tasks')

  def add_click(self, **event_args):
    Task(name='Rinse cups', done=False).save()
    self.show_tasks()
""",
    "client_code/Home/Row/form_template.yaml": """
    is_package: true
    container: {type: FlowPanel}
    components:
    - name: label
      type: Label
      data_bindings: [{property: text, code: self.item.shown}]
    - {name: done, type: Button, properties: {text: Done}, event_bindings: {click: done_click}}
    """,
    "client_code/Home/Row/__init__.py": FORM.format("Row")
    + """
class Row(RowTemplate):
  def __init__(self, **properties):
    self.init_components(**properties)

  def done_click(self, **event_args):
    self.item.finish()
    self.refresh_data_bindings()
""",
    "server_code/main.py": """
import anvil.server
from anvil.tables import app_tables
from little.models import Task

@anvil.server.callable
def fill():
  Task(name='Boil water', done=False).save()

@anvil.server.callable
def open_tasks():
  return app_tables.tasks.search(done=False)

@anvil.server.callable
def names():
  return sorted([row['name'], row['done']] for row in app_tables.tasks.search())
""",
}
MODELS_TABLES = """
db_schema:
  tasks:
    title: Tasks
    client: none
    server: full
    columns:
    - {name: name, type: string, admin_ui: {}}
    - {name: done, type: bool, admin_ui: {}}
"""


def test_model_classes_on_both_sides(open_app: OpenAnApp) -> None:
    tables = MODELS_TABLES
    app = open_app(MODELS, yaml="startup_form: Home\n", tables=tables)
    page = app.page
    with app.server.browser() as browser:
        browser.call("fill")
        page.reload()
        expect(page.get_by_text("to do: Boil water")).to_be_visible()
        page.get_by_role("button", name="Done").click()
        expect(page.get_by_text("done: Boil water")).to_be_visible()
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_text("to do: Rinse cups")).to_be_visible()
        expect(page.get_by_text("Boil water")).to_have_count(0)
        assert browser.call("names") == [["Boil water", True], ["Rinse cups", False]]
