"""Forms used as components, and components written in Python."""

from __future__ import annotations

from tests.forms.conftest import OpenForms

FIELD = (
    """
---
custom_component: true
properties:
  - name: text
    type: string
    default_value: ''
    binding_writeback_events: [change]
  - name: hint
    type: string
    default_value: type here
  - name: extra
    type: object
events:
  - name: change
---
<input class="field" anvil:dom-node="field" anvil:on-dom:input="self.typed">
""",
    """
    def __init__(self, **properties):
        print(sorted(properties.keys()))
        super().__init__(**properties)

    @property
    def text(self):
        return self.dom_nodes["field"].value

    @text.setter
    def text(self, value):
        self.dom_nodes["field"].value = value or ""

    def typed(self, event):
        self.raise_event("change", text=self.text)
    """,
)


def test_a_component_of_one_element_writes_back(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Field": FIELD,
            "Main": (
                """
<div class="main">
  <anvil-component type="shop.Field" name="name" writeback:text="self.item['name']"
    prop:hint="Your name"></anvil-component>
</div>
""",
                """
    def __init__(self, **properties):
        self.item = {"name": "Ada"}
        super().__init__(**properties)
        print(self.name.hint, self.name.extra, self.name.parent is self)

    @handle("name", "change")
    def changed(self, text, **event_args):
        print(text, self.item["name"])
    """,
            ),
        }
    )
    page = forms.page
    assert page.locator(".main > anvil-dropzone > input.field").count() == 1
    assert page.locator("input").input_value() == "Ada"
    assert forms.lines == ["['hint', 'text']", "Your name None True"]
    page.locator("input").fill("Grace")
    forms.printed("Grace Grace")


def test_a_container_of_ones_own_takes_components_into_its_zones(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Card": (
                """
---
custom_component: true
custom_component_container: true
properties:
  - name: title
    type: string
---
<article>
  <h2 anvil:name="heading">Title</h2>
  <header><anvil-dropzone name="actions"></anvil-dropzone></header>
  <anvil-component type="Label" name="own" prop:text="own"></anvil-component>
  <section><anvil-dropzone name="default"></anvil-dropzone></section>
</article>
""",
                """
    @property
    def title(self):
        return self._title

    @title.setter
    def title(self, value):
        self._title = value
        self.heading.classes["is-empty"] = not value
        self.heading.style.update({"margin_top": 4}, opacity=0.5)
    """,
            ),
            "Main": (
                """
<anvil-form container="shop.Card" prop:title="Orders">
  <anvil-component type="Label" name="one" prop:text="one"></anvil-component>
  <anvil-component type="Button" name="act" prop:text="Act"
    container:dropzone="actions"></anvil-component>
</anvil-form>
""",
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        self.add_component(Label(text="zero"), index=0)
        print(self.title, self.heading.style["margin-top"], "is-empty" in self.heading.classes)

    @handle("act", "click")
    def act(self, **event_args):
        print([type(c).__name__ for c in self.get_components()])
        self.one.remove_from_parent()
    """,
            ),
        }
    )
    page = forms.page
    assert page.locator("section").inner_text().split() == ["zero", "one"]
    page.locator("header").get_by_role("button", name="Act").click()
    page.wait_for_function("document.querySelector('section').innerText.trim() === 'zero'")
    assert forms.lines[0] == "Orders 4px False"
    assert forms.errors == []


def test_components_written_in_python(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                """
<div><anvil-component type="shop.Meter" name="meter" prop:value="3" on:x-full="self.full">
</anvil-component></div>
""",
                """
    def full(self, **event_args):
        print("full")

    @handle("", "show")
    def shown(self, **event_args):
        self.meter.value = 10
        self.meter.visible = False
        print(self.meter._anvil_dom_element_.tagName, type(self.meter)._anvil_properties_)
    """,
            ),
        },
        modules={
            "Meter": """
import anvil
import anvil.designer
from anvil.js.window import document
from anvil.property_utils import anvil_property, set_element_margin, set_element_visibility

class Meter(anvil.Component):
    _anvil_events_ = [{"name": "x-full"}, {"name": "tick"}]

    def __init__(self, **properties):
        self._element = document.createElement("meter")
        self._element.max = 10
        for name, value in properties.items():
            setattr(self, name, value)
        self.add_event_handler("x-anvil-page-added", self._added)

    def _anvil_setup_dom_(self):
        return self._element

    @property
    def _anvil_dom_element_(self):
        return self._element

    @anvil_property("number")
    def value(self):
        return self._element.value

    @value.setter
    def value(self, value):
        self._element.value = value
        if value >= 10:
            self.raise_event("x-full")

    @property
    def visible(self):
        return True

    @visible.setter
    def visible(self, value):
        set_element_visibility(self._element, value)
        self._notify_visibility_change(value)

    def _added(self, **event_args):
        set_element_margin(self._element, [1, 2])
        print("added", self._element.style.margin, anvil.designer.in_designer)
"""
        },
    )
    forms.printed("METER [{'type': 'number', 'name': 'value'}]")
    assert forms.lines[:2] == ["added 1px 2px False", "full"]
    assert forms.page.locator("meter").is_hidden()
    assert forms.errors == []
