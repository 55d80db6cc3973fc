"""Forms in layouts: slots, properties, events, and one layout for several forms."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.forms.conftest import OpenForms

SHELL = (
    """
---
properties:
  - name: title
    type: string
    default_value: untitled
events:
  - name: closed
---
<div class="shell">
  <h1 anvil:dom-node="heading"></h1>
  <input aria-label="note">
  <nav><anvil-slot name="links"></anvil-slot></nav>
  <main><anvil-slot name="body"></anvil-slot></main>
  <anvil-component type="Button" name="btn_close" prop:text="Close"></anvil-component>
</div>
""",
    """
    @property
    def title(self):
        return self.dom_nodes["heading"].textContent

    @title.setter
    def title(self, value):
        self.dom_nodes["heading"].textContent = value

    @handle("btn_close", "click")
    def close(self, **event_args):
        self.raise_event("closed")

    def __init__(self, **properties):
        print("shell made")
        super().__init__(**properties)
    """,
)
FIRST = (
    """
<anvil-form layout="shop.Shell" prop:title="First" on:layout:closed="self.layout_closed">
  <anvil-block slot="links">
    <anvil-component type="Button" name="btn_next" prop:text="Next"></anvil-component>
  </anvil-block>
  <anvil-block slot="body">
    <anvil-component type="Label" name="lbl" prop:text="first body"></anvil-component>
    <p>plain</p>
  </anvil-block>
</anvil-form>
""",
    """
    def layout_closed(self, **event_args):
        print("first closed")

    @handle("btn_next", "click")
    def go(self, **event_args):
        open_form("Second")

    @handle("", "hide")
    def hidden(self, **event_args):
        print("first hidden")
    """,
)
SECOND = (
    """
<anvil-form layout="shop.Shell" on:layout:closed="self.layout_closed" on:show="self.shown">
  <anvil-block slot="body">
    <anvil-component type="Label" name="lbl" prop:text="second body"></anvil-component>
  </anvil-block>
</anvil-form>
""",
    """
    def layout_closed(self, **event_args):
        print("second closed")
        open_form("Bare")

    def shown(self, **event_args):
        print("second shown", self.layout.title)
    """,
)
BARE = ("<p>bare</p>", "")


def test_forms_share_one_layout_and_leave_it(open_forms: OpenForms) -> None:
    forms = open_forms({"Shell": SHELL, "Main": FIRST, "Second": SECOND, "Bare": BARE})
    page = forms.page
    assert page.locator("h1").inner_text() == "First"
    assert page.locator("nav button").inner_text() == "Next"
    assert page.locator("main").inner_text().split() == ["first", "body", "plain"]
    page.get_by_label("note").fill("kept")
    page.get_by_role("button", name="Next").click()
    forms.printed("second shown untitled")
    assert page.locator("main").inner_text() == "second body"
    assert page.locator("nav").inner_text() == ""
    assert page.get_by_label("note").input_value() == "kept"
    page.get_by_role("button", name="Close").click()
    page.get_by_text("bare").wait_for()
    assert page.locator(".shell").count() == 0
    assert forms.lines == [
        "shell made",
        "first hidden",
        "second shown untitled",
        "second closed",
    ]
    assert forms.errors == []


def test_slots_keep_order_and_nest(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Outer": (
                """
<anvil-form container="LinearPanel">
  <anvil-component type="Label" name="a" prop:text="A"></anvil-component>
  <anvil-slot name="one"></anvil-slot>
  <anvil-slot name="two"></anvil-slot>
  <anvil-component type="Label" name="z" prop:text="Z"></anvil-component>
</anvil-form>
""",
                "",
            ),
            "Inner": (
                """
<anvil-form layout="shop.Outer">
  <anvil-block slot="two">
    <anvil-component type="Label" name="m" prop:text="M"></anvil-component>
    <anvil-slot name="deep"></anvil-slot>
  </anvil-block>
  <anvil-block slot="one"></anvil-block>
</anvil-form>
""",
                "",
            ),
            "Main": (
                """
<anvil-form layout="shop.Inner">
  <anvil-block slot="deep">
    <anvil-component type="Label" name="x" prop:text="X"></anvil-component>
  </anvil-block>
</anvil-form>
""",
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        outer = self.layout.layout
        outer.slots["one"].add_component(Label(text="B"))
        outer.slots["one"].add_component(Label(text="C"))
        outer.slots["one"].add_component(Label(text="b"), index=0)
        self.layout.slots["deep"].add_component(Label(text="Y"))
        removed = outer.slots["one"].get_components()[0]
        removed.remove_from_parent()
        outer.slots["two"].add_component(Label(text="N"))
    """,
            ),
        }
    )
    assert forms.page.locator("#appGoesHere").inner_text().split() == list("ABCMXYNZ")
    assert forms.errors == []


def test_a_layout_that_cannot_be_made_says_why(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Shell": (
                '<div><anvil-slot name="body"></anvil-slot></div>',
                """
                def __init__(self, **properties):
                    self.no_such_thing
                """,
            ),
            "Main": ('<anvil-form layout="shop.Shell"></anvil-form>', ""),
        },
        fails=True,
    )
    forms.error_shown("no_such_thing")


def test_role_and_tooltip_are_those_of_the_layout(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Shell": (
                """
                container: {type: ColumnPanel, properties: {role: card}}
                slots: {body: {target: {type: container, name: ''}, index: 0}}
                """,
                "",
            ),
            "Main": (
                '<anvil-form layout="shop.Shell"></anvil-form>',
                """
                def __init__(self, **properties):
                    self.init_components(**properties)
                    print(self.role)
                    self.role = ["wide", "flat"]
                    self.tooltip = "All of it"
                    print(self.layout.role, self.tooltip)
                """,
            ),
        }
    )
    forms.printed("['wide', 'flat'] All of it")
    assert forms.lines[0] == "card"
    expect(forms.page.locator(".anvil-role-wide.anvil-role-flat")).to_have_attribute(
        "title", "All of it"
    )
