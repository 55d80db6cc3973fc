"""A form opens, shows its components, and answers."""

from __future__ import annotations

from tests.browser.stub_server import answer
from tests.forms.conftest import OpenForms

GREETER = """
<section class="greeter">
  <h1>Hello</h1>
  <anvil-component type="Label" name="lbl" prop:text="nobody yet"></anvil-component>
  <anvil-component type="TextBox" name="box" prop:placeholder="Name"></anvil-component>
  <anvil-component type="Button" name="btn" prop:text="Greet"
    on:click="self.greet"></anvil-component>
</section>
"""


def test_a_click_runs_python_that_waits_for_the_server(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                GREETER,
                """
                def greet(self, **event_args):
                    name = anvil.server.call("polish", self.box.text)
                    self.lbl.text = "Hello " + name
                """,
            )
        },
        {"polish": lambda call: answer(call["args"][0].title())},
    )
    page = forms.page
    page.get_by_placeholder("Name").fill("ada lovelace")
    page.get_by_role("button", name="Greet").click()
    page.get_by_text("Hello Ada Lovelace").wait_for()
    assert forms.errors == []
    assert page.locator("section.greeter > h1").inner_text() == "Hello"
