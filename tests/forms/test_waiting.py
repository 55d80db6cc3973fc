"""Python that waits for the server wherever a form runs Python."""

from __future__ import annotations

from tests.browser.stub_server import answer
from tests.forms.conftest import OpenForms


def test_constructors_setters_and_modules_may_wait(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Slow": (
                """
---
custom_component: true
properties:
  - name: caption
    type: string
    default_value: none
---
<p anvil:dom-node="text"></p>
""",
                """
    def __init__(self, **properties):
        self._made = anvil.server.call("say", "made")
        super().__init__(**properties)

    @property
    def caption(self):
        return anvil.server.call("say", self.dom_nodes["text"].textContent)

    @caption.setter
    def caption(self, value):
        self.dom_nodes["text"].textContent = anvil.server.call("say", self._made + " " + value)
    """,
            ),
            "Row": (
                '<b anvil:dom-node="text"></b>',
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        self.dom_nodes["text"].textContent = anvil.server.call("say", self.item)
    """,
            ),
            "Main": (
                """
<div>
  <anvil-component type="shop.Slow" name="slow" prop:caption="caption"></anvil-component>
  <anvil-component type="RepeatingPanel" name="rows" prop:item_template="shop.Row">
  </anvil-component>
  <anvil-component type="Button" name="btn" prop:text="Go"></anvil-component>
</div>
""",
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        print(self.slow.caption)
        self.slow.caption += "!"
        self.rows.items = (anvil.server.call("say", x) for x in ["a", "b"])
        print([anvil.server.call("say", r.item) for r in self.rows.get_components()])

    @handle("btn", "click")
    def go(self, **event_args):
        open_form("Next", anvil.server.call("say", "argument"))
        print("opened", type(get_open_form()).__name__)

    @handle("", "hide")
    def hidden(self, **event_args):
        print(anvil.server.call("say", "hidden"))
    """,
            ),
        },
        {"say": lambda call: answer(f"{call['args'][0]}.")},
        files={
            "client_code/Next/form_template.html": "<i></i>",
            "client_code/Next/__init__.py": """
from ._anvil_designer import NextTemplate
import anvil.server

VALUE = anvil.server.call("say", "at import")

class Next(NextTemplate):
    def __init__(self, argument, **properties):
        super().__init__(**properties)
        print(argument, VALUE)
""",
        },
    )
    assert forms.lines == ["made. caption..", "['a..', 'b..']"]
    page = forms.page
    assert page.locator("p").inner_text() == "made. made. caption..!."
    assert page.locator("b").all_inner_texts() == ["a..", "b.."]
    page.get_by_role("button", name="Go").click()
    forms.printed("opened Next")
    assert forms.lines[2:] == ["argument. at import.", "hidden.", "opened Next"]
    assert forms.errors == []


def test_the_form_opened_last_stays(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                "<div></div>",
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        open_form("Winner")
        print("main made")
    """,
            ),
            "Winner": ("<h1>winner</h1>", ""),
        }
    )
    assert forms.page.locator("h1").inner_text() == "winner"
    forms.page.wait_for_function("document.querySelector('#appGoesHere').children.length === 1")
    assert forms.lines == ["main made"]


def test_mixins_and_forms_of_forms(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Base": (
                '<div><anvil-component type="Label" name="lbl" bind:text="self.item[\'x\']">'
                "</anvil-component></div>",
                """
    def greet(self):
        return "base"

    @handle("", "refreshing_data_bindings")
    def refreshing(self, **event_args):
        print("refreshing", self.greet())
    """,
            ),
            "Main": (
                "<p></p>",
                """
    @handle("", "show")
    def shown(self, **event_args):
        from ..Base import Base

        class Loud:
            def greet(self):
                return "LOUD"

        class Special(Loud, Base):
            pass

        special = Special(item={"x": 1})
        special.item = {"x": 2}
        print(special.lbl.text, isinstance(special, Base), special.greet())
    """,
            ),
        }
    )
    forms.printed("2 True LOUD")
    assert forms.lines[:2] == ["refreshing LOUD", "refreshing LOUD"]
    assert forms.errors == []
