"""Older templates, and templates with faults, in the browser."""

from __future__ import annotations

from tests.forms.conftest import OpenForms

YAML_MAIN = """
container:
  type: HtmlTemplate
  properties: {html: '@theme:page.html', background: 'theme:Sea'}
components:
- type: LinearPanel
  name: panel
  layout_properties: {slot: body}
  components:
  - type: Button
    name: btn
    properties: {text: Press, role: primary-color}
    event_bindings: {click: btn_click}
  - type: form:Part
    name: part
    properties: {caption: from yaml}
- type: Label
  name: lbl
  properties: {text: top}
  layout_properties: {slot: title}
"""
PAGE = """
<header anvil-name="head" anvil-slot="title"></header>
<p anvil-if-slot-empty="body">nothing here</p>
<ul><li anvil-slot-repeat="list"><b anvil-slot></b></li></ul>
<main anvil-slot="body"></main>
<script>window.themeScriptRan = (window.themeScriptRan || 0) + 1
window.add = (a, b) => a + b</script>
"""
PARAMETERS = """
roles: []
color_scheme:
  colors:
  - {name: Sea, color: '#0077b6'}
"""


def test_yaml_forms_in_a_page_of_the_theme(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Part": (
                """
container: {type: LinearPanel}
custom_component: true
properties:
- {name: caption, type: string, default_value: nothing}
components:
- type: Label
  name: lbl
  properties: {}
  data_bindings:
  - {property: text, code: self.caption}
""",
                "",
            ),
            "Main": (
                YAML_MAIN,
                """
    def btn_click(self, **event_args):
        for text in ["a", "b"]:
            self.add_component(Label(text=text), slot="list")
        print(self.call_js("add", 2, 3), self.dom_nodes["head"].tagName, sorted(self.slots))
        self.clear(slot="body")
    """,
            ),
        },
        files={"theme/assets/page.html": PAGE, "theme/parameters.yaml": PARAMETERS},
    )
    page = forms.page
    assert page.locator("header").inner_text() == "top"
    assert page.locator("main").inner_text().split("\n")[-1] == "from yaml"
    assert page.get_by_text("nothing here").is_hidden()
    assert page.evaluate("window.themeScriptRan") == 1
    form = page.locator("#appGoesHere > *")
    assert form.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(0, 119, 182)"
    assert page.locator(".anvil-role-primary-color > button").count() == 1
    page.get_by_role("button", name="Press").click()
    forms.printed("5 HEADER ['body', 'list', 'title']")
    page.get_by_text("nothing here").wait_for()
    assert page.locator("li:visible").all_inner_texts() == ["a", "b"]
    assert forms.errors == []


def test_an_unknown_component_is_shown_in_its_place(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                """
                <div>
                <anvil-component type="Buton" name="b"></anvil-component>
                <anvil-component type="Label" name="l" prop:text="still here"></anvil-component>
                </div>
                """,
                "",
            ),
        }
    )
    forms.page.get_by_text("still here").wait_for()
    assert "Buton 'b' could not be made" in forms.page.locator("#appGoesHere").inner_text()
    where = "shop/client_code/Main/form_template.html:2: unknown component type 'Buton'"
    assert any(line.startswith(where) for line in forms.warnings)


def test_a_binding_may_assign_to_two_targets(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                """
                container: {type: LinearPanel}
                components:
                - type: Label
                  name: l
                  data_bindings: [{property: text, code: "self.item['kept'] = 'dice'"}]
                """,
                """
                def __init__(self, **properties):
                    self.item = {}
                    self.init_components(**properties)
                    print(self.item["kept"], self.l.text)
                """,
            ),
        }
    )
    forms.printed("dice dice")


def test_a_bad_template_tells_file_and_line_when_its_form_opens(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Broken": (
                '<div>\n<anvil-component type="Label" name="b" bind:text="a b">'
                "</anvil-component></div>",
                "",
            ),
            "Main": (
                '<div><anvil-component type="Button" name="btn" prop:text="Open">'
                "</anvil-component></div>",
                """
    @handle("btn", "click")
    def go(self, **event_args):
        open_form("Broken")
    """,
            ),
        }
    )
    forms.page.get_by_role("button", name="Open").click()
    message = "shop/client_code/Broken/form_template.html:2: binding of 'text': 'a b' is not"
    forms.error_shown(message)
    assert forms.page.get_by_role("button", name="Open").count() == 1


def test_a_component_that_fails_leaves_the_rest_of_the_form(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Bad": ("<p></p>", "def __init__(self, **properties):\n    raise ValueError('no')"),
            "Main": (
                """
<div>
  <anvil-component type="shop.Bad" name="bad"></anvil-component>
  <anvil-component type="Label" name="lbl" prop:text="still here"></anvil-component>
</div>
""",
                "",
            ),
        }
    )
    page = forms.page
    page.get_by_text("still here").wait_for()
    assert "shop.Bad 'bad' could not be made" in page.locator("#appGoesHere").inner_text()


def test_names_of_components_are_guarded(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                '<div><anvil-component type="Label" name="parent"></anvil-component></div>',
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        self.parent.text = "component, not container"
        try:
            self.parent = 3
        except AttributeError as error:
            print(error)
    """,
            )
        }
    )
    assert forms.lines == [
        "Cannot set attribute 'parent' on 'Main' form. There is already a component with this name."
    ]
    assert forms.page.get_by_text("component, not container").count() == 1


def test_module_forms_and_relative_names(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                "<p></p>",
                """
    @handle("", "show")
    def shown(self, **event_args):
        open_form("Deep.Leaf", 7, colour="red")
    """,
            ),
        },
        files={
            "client_code/Deep/__init__.py": "",
            "client_code/Deep/Leaf.html": "<div><p anvil:name='text'></p></div>",
            "client_code/Deep/Leaf.py": """
from ._anvil_designer import LeafTemplate
from anvil import *
from .. import Main

class Leaf(LeafTemplate):
    def __init__(self, number, **properties):
        super().__init__(**properties)
        print(number, self.text.html, get_open_form().__class__.__name__)
""",
        },
    )
    forms.printed("7 <p></p> Main")
    forms.page.wait_for_function(
        "document.querySelectorAll('#appGoesHere > div > * > p').length === 1"
    )
