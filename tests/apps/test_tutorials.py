"""Apps as Anvil's tutorials build them: YAML forms in the classic Material Design theme."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.apps.conftest import OpenAnApp

FORM = "from ._anvil_designer import {0}Template\nfrom anvil import *\nimport anvil.server\n"

FEEDBACK = {
    "client_code/Form1/form_template.yaml": """
    container:
      type: HtmlTemplate
      properties: {html: '@theme:standard-page.html'}
    components:
    - name: title
      type: Label
      properties: {text: Feedback}
      layout_properties: {slot: title}
    - name: content_panel
      type: ColumnPanel
      layout_properties: {slot: default}
      components:
      - name: card
        type: ColumnPanel
        properties: {role: card}
        layout_properties: {grid_position: 'AAA,BBB'}
        components:
        - {name: l1, type: Label, properties: {text: 'Name:', role: input-prompt},
           layout_properties: {grid_position: 'A,A', width: 120}}
        - name: name_box
          type: TextBox
          properties: {placeholder: Your name}
          layout_properties: {grid_position: 'A,B'}
          data_bindings: [{property: text, code: "self.item['name']", writeback: true}]
        - {name: l2, type: Label, properties: {text: 'Feedback:', role: input-prompt},
           layout_properties: {grid_position: 'B,A'}}
        - name: feedback_box
          type: TextArea
          properties: {placeholder: What you think}
          layout_properties: {grid_position: 'B,B'}
          data_bindings: [{property: text, code: "self.item['feedback']", writeback: true}]
        - name: grade
          type: DropDown
          properties: {items: [good, bad], include_placeholder: true, placeholder: Choose}
          layout_properties: {grid_position: 'C,B'}
          data_bindings: [{property: selected_value, code: "self.item['grade']", writeback: true}]
        - name: submit
          type: Button
          properties: {text: Submit, role: primary-color, icon: 'fa:send', align: right}
          layout_properties: {grid_position: 'D,B'}
          event_bindings: {click: submit_click}
    """,
    "client_code/Form1/__init__.py": FORM.format("Form1")
    + """
class Form1(Form1Template):
  def __init__(self, **properties):
    self.item = {}
    self.init_components(**properties)

  def submit_click(self, **event_args):
    \"\"\"This method is called when the button is clicked\"\"\"
    if not self.item.get('name'):
      alert("Please tell us your name", title="One more thing")
      return
    anvil.server.call('add_feedback', self.item)
    Notification("Feedback submitted!", style="success", timeout=None).show()
    self.item = {}
    self.refresh_data_bindings()
""",
    "server_code/ServerModule1.py": """
import anvil.server
from anvil.tables import app_tables
from datetime import datetime

@anvil.server.callable
def add_feedback(item):
  app_tables.feedback.add_row(created=datetime.now(), **item)

@anvil.server.callable
def all_feedback():
  return [[r['name'], r['feedback'], r['grade']] for r in app_tables.feedback.search()]
""",
}
FEEDBACK_TABLES = """
db_schema:
- name: feedback
  id: 101
  python_name: feedback
  columns:
    AAA=: {name: name, type: string, admin_ui: {order: 0, width: 200}}
    BBB=: {name: feedback, type: string, admin_ui: {order: 1, width: 200}}
    CCC=: {name: grade, type: string, admin_ui: {order: 2, width: 200}}
    DDD=: {name: created, type: datetime, admin_ui: {order: 3, width: 200}}
  access: {python_name: feedback, app_id: X, server: full, client: none, table_id: 101}
"""


def test_a_feedback_form(open_app: OpenAnApp) -> None:
    app = open_app(FEEDBACK, yaml="startup_form: Form1\n", tables=FEEDBACK_TABLES)
    page = app.page
    page.get_by_role("button", name="Submit").click()
    dialog = page.get_by_role("dialog", name="One more thing")
    expect(dialog).to_contain_text("Please tell us your name")
    dialog.get_by_role("button", name="OK").click()
    page.get_by_placeholder("Your name").fill("Olga")
    page.get_by_placeholder("What you think").fill("It works\nwell")
    page.get_by_role("combobox").select_option("good")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Feedback submitted!")).to_be_visible()
    expect(page.get_by_placeholder("Your name")).to_have_value("")
    expect(page.get_by_placeholder("What you think")).to_have_value("")
    with app.server.browser() as browser:
        assert browser.call("all_feedback") == [["Olga", "It works\nwell", "good"]]


NEWS = {
    "client_code/Home/form_template.yaml": """
    container: {type: ColumnPanel, properties: {}}
    components:
    - name: add
      type: Button
      properties: {text: Add article}
      event_bindings: {click: add_click}
    - name: articles
      type: RepeatingPanel
      properties: {item_template: Home.ArticleView}
    """,
    "client_code/Home/__init__.py": FORM.format("Home")
    + """
from ..ArticleEdit import ArticleEdit

class Home(HomeTemplate):
  def __init__(self, **properties):
    self.init_components(**properties)
    self.refresh_articles()
    self.articles.set_event_handler('x-delete-article', self.delete_article)
    self.articles.add_event_handler('x-edit-article', self.edit_article)

  def refresh_articles(self):
    self.articles.items = anvil.server.call('get_articles')

  def add_click(self, **event_args):
    new = {}
    if alert(content=ArticleEdit(item=new), title="Add Article", large=True,
             buttons=[("Save", True), ("Cancel", False)]):
      anvil.server.call('add_article', new)
      self.refresh_articles()

  def edit_article(self, article, **event_args):
    copy = dict(article)
    if alert(content=ArticleEdit(item=copy), title="Edit", large=True,
             buttons=[("Save", True, "primary"), ("Cancel", False)]):
      anvil.server.call('update_article', article, copy)
      self.refresh_articles()

  def delete_article(self, article, **event_args):
    anvil.server.call('delete_article', article)
    self.refresh_articles()
""",
    "client_code/Home/ArticleView/form_template.yaml": """
    is_package: true
    container: {type: ColumnPanel, properties: {role: card}}
    components:
    - name: title
      type: Label
      properties: {role: headline}
      data_bindings: [{property: text, code: "self.item['title']"}]
    - name: category
      type: Label
      properties: {}
      data_bindings: [{property: text, code: "self.item['category']['name']"}]
    - name: image
      type: Image
      properties: {height: 60}
      data_bindings: [{property: source, code: "self.item['image']"}]
    - name: edit
      type: Button
      properties: {text: Edit}
      event_bindings: {click: edit_click}
    - name: delete
      type: Button
      properties: {text: Delete}
      event_bindings: {click: delete_click}
    """,
    "client_code/Home/ArticleView/__init__.py": FORM.format("ArticleView")
    + """
class ArticleView(ArticleViewTemplate):
  def __init__(self, **properties):
    self.init_components(**properties)

  def edit_click(self, **event_args):
    self.parent.raise_event('x-edit-article', article=self.item)

  def delete_click(self, **event_args):
    if confirm("Are you sure you want to delete {}?".format(self.item['title'])):
      self.parent.raise_event('x-delete-article', article=self.item)
""",
    "client_code/ArticleEdit/form_template.yaml": """
    container: {type: ColumnPanel, properties: {}}
    components:
    - name: title_box
      type: TextBox
      properties: {placeholder: Title}
      data_bindings: [{property: text, code: "self.item['title']", writeback: true}]
    - name: category_box
      type: DropDown
      properties: {placeholder: Category, include_placeholder: true}
      data_bindings:
      - {property: items, code: self.categories}
      - {property: selected_value, code: "self.item['category']", writeback: true}
    - name: upload
      type: FileLoader
      properties: {text: Upload an image, file: null, files: null}
      event_bindings: {change: upload_change}
    """,
    "client_code/ArticleEdit/__init__.py": FORM.format("ArticleEdit")
    + """
class ArticleEdit(ArticleEditTemplate):
  def __init__(self, **properties):
    self.categories = [(cat['name'], cat) for cat in anvil.server.call('get_categories')]
    self.init_components(**properties)

  def upload_change(self, file, **event_args):
    self.item['image'] = file
""",
    "server_code/ServerModule1.py": """
import anvil.server
from anvil.tables import app_tables
import anvil.tables.query as q
from datetime import datetime

@anvil.server.callable
def fill():
  for name in ['Tea', 'Cake']:
    app_tables.categories.add_row(name=name)

@anvil.server.callable
def get_categories():
  return app_tables.categories.search()

@anvil.server.callable
def get_articles():
  return app_tables.articles.search(tables_order())

def tables_order():
  import anvil.tables as tables
  return tables.order_by("created", ascending=False)

@anvil.server.callable
def add_article(article):
  app_tables.articles.add_row(created=datetime.now(), **article)

@anvil.server.callable
def update_article(article, changes):
  if app_tables.articles.has_row(article):
    changes['created'] = datetime.now()
    article.update(**changes)
  else:
    raise Exception("Article does not exist")

@anvil.server.callable
def delete_article(article):
  if app_tables.articles.has_row(article):
    article.delete()
""",
}
NEWS_TABLES = """
db_schema:
  categories:
    title: Categories
    client: none
    server: full
    columns: [{name: name, type: string, admin_ui: {}}]
  articles:
    title: Articles
    client: none
    server: full
    columns:
    - {name: title, type: string, admin_ui: {}}
    - {name: image, type: media, admin_ui: {}}
    - {name: category, type: link_single, target: categories, admin_ui: {}}
    - {name: created, type: datetime, admin_ui: {}}
"""
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cf"
    "c0f01f0005000201e2a2cc5a0000000049454e44ae426082"
)


def test_news_are_added_edited_and_deleted(open_app: OpenAnApp, tmp_path: Path) -> None:
    app = open_app(NEWS, yaml="startup_form: Home\n", tables=NEWS_TABLES)
    page = app.page
    with app.server.browser() as browser:
        browser.call("fill")
    page.get_by_role("button", name="Add article").click()
    dialog = page.get_by_role("dialog", name="Add Article")
    dialog.get_by_placeholder("Title").fill("The kettle boils")
    dialog.get_by_role("combobox").select_option("Tea")
    (tmp_path / "pixel.png").write_bytes(PIXEL)
    dialog.locator("input[type=file]").set_input_files(tmp_path / "pixel.png")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The kettle boils")).to_be_visible()
    expect(page.get_by_text("Tea", exact=True)).to_be_visible()
    picture = page.locator("#appGoesHere img")
    page.wait_for_function("i => i.naturalWidth === 1", arg=picture.element_handle())

    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit")
    expect(dialog.get_by_placeholder("Title")).to_have_value("The kettle boils")
    assert dialog.get_by_role("combobox").evaluate("s => s.selectedOptions[0].text") == "Tea"
    dialog.get_by_placeholder("Title").fill("The cake is served")
    dialog.get_by_role("combobox").select_option("Cake")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The cake is served")).to_be_visible()
    expect(page.get_by_text("Cake", exact=True)).to_be_visible()

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The cake is served")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    expect(page.get_by_text("The cake is served")).to_have_count(0)
