"""Data bindings, write-back, and the item of a form."""

from __future__ import annotations

from tests.browser.stub_server import answer
from tests.forms.conftest import OpenForms

EDITOR = """
<div>
  <anvil-component type="Label" name="lbl" bind:text="self.item['name']"></anvil-component>
  <anvil-component type="Label" name="lbl_upper"
    bind:text="'<' + self.item['name'].upper() + '>'"></anvil-component>
  <anvil-component type="TextBox" name="box" prop:placeholder="Name"
    writeback:text="self.item['name']"></anvil-component>
  <anvil-component type="Button" name="btn" prop:text="Show"></anvil-component>
</div>
"""
EDITOR_BODY = """
def __init__(self, **properties):
    self.item = {"name": "Ada"}
    super().__init__(**properties)

@handle("btn", "click")
def show_item(self, **event_args):
    print(self.item["name"])
    self.refresh_data_bindings()
"""


def test_bindings_show_the_item_and_write_back_to_it(open_forms: OpenForms) -> None:
    forms = open_forms({"Main": (EDITOR, EDITOR_BODY)})
    page = forms.page
    assert page.get_by_placeholder("Name").input_value() == "Ada"
    assert page.get_by_text("<ADA>").count() == 1
    page.get_by_placeholder("Name").fill("Grace")
    page.get_by_role("button", name="Show").click()
    forms.printed("Grace")
    page.get_by_text("<GRACE>").wait_for()
    assert page.locator(".anvil-label-text").first.inner_text() == "Grace"
    assert forms.errors == []


def test_a_missing_key_shows_nothing_and_setting_the_item_refreshes(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                """
                <div><anvil-component type="Label" name="lbl" bind:text="self.item['name']">
                </anvil-component></div>
                """,
                """
                def __init__(self, **properties):
                    super().__init__(**properties)
                    print(repr(self.lbl.text))
                    self.item = {"name": "Ada"}
                    print(repr(self.lbl.text))
                """,
            )
        }
    )
    assert [line for line in forms.lines if "'" in line or line == "None"] == ["None", "'Ada'"]


def test_a_failing_binding_names_form_component_and_property(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                """
                <div><anvil-component type="Label" name="lbl" bind:text="self.missing.name">
                </anvil-component></div>
                """,
                "",
            )
        },
        fails=True,
    )
    forms.error_shown("self.lbl.text (self.missing.name) in Main")


def test_bindings_and_setters_may_wait_for_the_server(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                """
                <div><anvil-component type="Label" name="lbl" bind:text="self.slow_name">
                </anvil-component></div>
                """,
                """
                @property
                def slow_name(self):
                    return anvil.server.call("name")
                """,
            )
        },
        {"name": lambda call: answer("Ada")},
    )
    forms.page.get_by_text("Ada").wait_for()
    assert forms.errors == []


def test_write_back_does_not_follow_programs_changes(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                EDITOR,
                """
                def __init__(self, **properties):
                    self.item = {"name": "Ada"}
                    super().__init__(**properties)

                @handle("box", "focus")
                def clear(self, **event_args):
                    self.box.text = "set by program"

                @handle("btn", "click")
                def show_item(self, **event_args):
                    print(self.item["name"])
                """,
            )
        }
    )
    forms.page.get_by_placeholder("Name").focus()
    forms.page.get_by_role("button", name="Show").click()
    forms.printed("Ada")
