"""Label, Button, TextBox, TextArea, LinearPanel and HtmlComponent: properties, events, DOM."""

from __future__ import annotations

from tests.forms.conftest import OpenForms

NO_TEMPLATE = "<div class='main'></div>"


def test_shared_properties_show_in_the_dom_of_anvil(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                NO_TEMPLATE,
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        self.add_component(Label(
            text="a <b> c", font_size=20, bold=True, italic=True, underline=True, align="right",
            foreground="theme:Ink", background="rgb(1, 2, 3)", border="1px solid red",
            role=["big title", "odd"], tooltip="tip", spacing_above="large", icon="fa:user",
            icon_align="right", spacing={"margin": [1, "2rem", None], "padding": 4}))
        self.add_component(Button(text="Go", align="full", enabled=False, font="Arial",
            background="rgb(4, 5, 6)", bold=True))
        label = Label(text=None)
        print(repr(label.text), label.align, label.visible, label.role, label.icon)
        label.tag.note = 5
        print(label.tag.note, repr(label.tag))
        label.tag = {"own": 1}
        print(label.tag)
        try:
            Label(txt="x")
        except TypeError as error:
            print(error)
        try:
            label.parent = self
        except AttributeError as error:
            print("no parent")
    """,
            )
        },
        files={
            "theme/parameters.yaml": "color_scheme: {colors: [{name: Ink, color: '#010101'}]}\n"
        },
    )
    assert forms.lines == [
        "None left True None ",
        "5 ComponentTag({'note': 5})",
        "{'own': 1}",
        "anvil.Label got unexpected keyword argument(s): txt",
        "no parent",
    ]
    page = forms.page
    label = page.locator(".anvil-label")
    assert label.inner_text() == "a <b> c"
    assert label.get_attribute("title") == "tip"
    classes = label.evaluate("e => [...e.classList]")
    assert {
        "anvil-inlinable",
        "anvil-align-right",
        "anvil-right-icon",
        "anvil-role-bigtitle",
        "anvil-role-odd",
        "anvil-spacing-above-large",
        "anvil-spacing-below-small",
        "anvil-component-icon-present",
    } <= set(classes)
    style = label.evaluate(
        """e => { const s = getComputedStyle(e); return [s.fontSize, s.fontWeight, s.fontStyle,
        s.textAlign, s.color, s.backgroundColor, s.marginTop, s.marginRight, s.borderTopColor] }"""
    )
    assert style == [
        "20px",
        "700",
        "italic",
        "right",
        "rgb(1, 1, 1)",
        "rgb(1, 2, 3)",
        "1px",
        "32px",
        "rgb(255, 0, 0)",
    ]
    text = label.locator(".anvil-label-text")
    assert text.evaluate("e => e.style.padding + e.style.textDecoration") == "4pxunderline"
    assert label.locator("i.fa.fa-user").count() == 2
    button = page.locator(".anvil-button > button")
    assert button.is_disabled()
    assert button.evaluate("e => [e.style.width, e.style.backgroundColor, e.style.fontFamily]") == [
        "100%",
        "rgb(4, 5, 6)",
        "Arial",
    ]


def test_text_boxes_raise_events_and_hold_numbers(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                """
<div>
  <anvil-component type="TextBox" name="box" prop:placeholder="Box"></anvil-component>
  <anvil-component type="TextBox" name="number" prop:placeholder="Number" prop:type="number"
    prop:text="3"></anvil-component>
  <anvil-component type="TextArea" name="area" prop:placeholder="Area" prop:auto_expand="true">
  </anvil-component>
</div>
""",
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        for name in ["change", "focus", "lost_focus", "pressed_enter"]:
            self.box.add_event_handler(name, self.note)
        print(self.number.text, self.box.type, repr(self.area.text))
        self.box.hide_text = True

    def note(self, sender, event_name, **event_args):
        print(event_name, repr(sender.text))

    @handle("number", "lost_focus")
    def number_lost(self, **event_args):
        print(repr(self.number.text))
        self.number.text = None
        print(repr(self.number.text))
        self.area.focus()
        print(type(get_focused_component()).__name__)
        self.box.text = "selected"
        self.box.select()
        self.box.enabled = False
        self.box.hide_text = False
    """,
            )
        }
    )
    page = forms.page
    box = page.get_by_placeholder("Box")
    assert box.get_attribute("type") == "password"
    box.focus()
    page.keyboard.type("hi")
    page.keyboard.press("Enter")
    page.get_by_placeholder("Number").fill("2.5")
    page.get_by_placeholder("Area").focus()
    forms.printed("TextArea")
    assert forms.lines[:9] == [
        "3 text ''",
        "focus ''",
        "change 'h'",
        "change 'hi'",
        "pressed_enter 'hi'",
        "lost_focus 'hi'",
        "2.5",
        "None",
        "TextArea",
    ]
    assert box.is_disabled()
    assert box.get_attribute("type") == "text"
    area = page.get_by_placeholder("Area")
    low = area.evaluate("e => e.offsetHeight")
    area.fill("line\n" * 12)
    page.wait_for_function(
        "low => document.querySelector('textarea').offsetHeight > low * 2", arg=low
    )


def test_panels_keep_the_order_of_their_components(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                NO_TEMPLATE,
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        panel = LinearPanel()
        self.add_component(panel)
        labels = {name: Label(text=name) for name in "abcde"}
        panel.add_component(labels["b"])
        panel.add_component(labels["d"])
        panel.add_component(labels["a"], index=0)
        panel.add_component(labels["c"], index=-1)
        panel.add_component(labels["e"], index=99)
        print([one.text for one in panel.get_components()])
        labels["d"].remove_from_parent()
        print(labels["d"].parent, labels["a"].parent is panel)
        for wrong in ["text", labels["a"]]:
            try:
                panel.add_component(wrong)
            except Exception as error:
                print(type(error).__name__, error)
        panel.add_event_handler("x-all", lambda **event_args: None)
        labels["a"].set_event_handler("x-all", lambda n, **event_args: print("a", n))
        panel.raise_event_on_children("x-all", n=3)
        other = LinearPanel()
        self.add_component(other)
        labels["a"].remove_from_parent()
        other.add_component(labels["a"])
        other.clear()
        print(len(other.get_components()))
        labels["b"].visible = False

    @handle("", "show")
    def shown(self, **event_args):
        try:
            LinearPanel().add_component(self)
        except ValueError as error:
            print(error)
    """,
            )
        }
    )
    forms.printed(
        "This component is the open form or in an alert, and cannot be added to a container"
    )
    page = forms.page
    assert page.locator("ul").first.inner_text().split() == ["c", "e"]
    assert page.locator("ul").nth(1).locator("li").count() == 0
    assert forms.lines[:2] == ["['a', 'b', 'c', 'd', 'e']", "None True"]
    assert forms.lines[2] == "TypeError Argument to add_component must be a component, not str"
    assert forms.lines[3].startswith("ValueError This component is already added to a container")
    assert forms.lines[4:6] == ["a 3", "0"]


def test_html_components_change_their_html_classes_and_style(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                """
<div>
  <section anvil:name="box" class="one two" style="color: red">
    <b anvil:dom-node="bold">bold</b>
    <anvil-component type="Label" name="inner" prop:text="inner"></anvil-component>
  </section>
</div>
""",
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        box = self.box
        print(list(box.classes), "one" in box.classes, len(box.classes), str(box.style))
        box.classes.add("three four", "one")
        box.classes.remove("two")
        box.classes["five six"] = True
        del box.classes["six"]
        box.classes.update({"seven": True, "one": False}, eight=1)
        print(str(box.classes), box.classes["three four"], box.classes["two"])
        box.style["margin_top"] = 4
        box.style.update({"lineHeight": 2, "--gap": 3}, padding=[1, 2])
        box.style["color"] = None
        print(str(box.style), box.style.get("color", "none"), sorted(box.style.keys()))
        box.style = {"opacity": 0.5}
        box.classes = ["fresh"]
        print(str(box.style), str(box.classes), Classes({"a": True, "b": False}), Style("top: 1px"))
        print(self.dom_nodes["bold"].tagName, "inner" in self.dom_nodes)
        free = HtmlComponent(html="<i>x</i><anvil-dropzone name='z'></anvil-dropzone>")
        free.add_component(Label(text="in z"), dropzone="z")
        self.add_component(free)
        free.html = "<p><anvil-dropzone name='z'></anvil-dropzone>!</p>"
        free.add_component(Label(text="more"), dropzone="z", index=0)
        print(free._anvil_dom_element_.tagName, len(free.get_components()))
        box.visible = False
    """,
            )
        }
    )
    assert forms.lines == [
        "['one', 'two'] True 2 color: red;",
        "three four five seven eight True False",
        forms.lines[2],
        "opacity: 0.5; fresh a top: 1px;",
        "B False",
        "P 2",
    ]
    assert "line-height: 2" in forms.lines[2] and "--gap: 3" in forms.lines[2]
    assert forms.lines[2].split(" none ")[1].startswith("['--gap', 'line-height'")
    page = forms.page
    assert page.locator("p").inner_text().split() == ["more", "in", "z", "!"]
    assert page.locator("section").is_hidden()
    assert forms.errors == []


def test_scripts_of_html_run_when_they_come_onto_the_page(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                NO_TEMPLATE,
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        self.late = HtmlComponent(
            html="<div><script>window.ran = (window.ran || 0) + 1</script></div>")

    @handle("", "show")
    def shown(self, **event_args):
        self.add_component(self.late)
        print("added")
    """,
            )
        }
    )
    forms.printed("added")
    assert forms.page.evaluate("window.ran") == 1


def test_pluggable_ui_gives_what_a_theme_provides(open_forms: OpenForms) -> None:
    forms = open_forms(
        {
            "Main": (
                NO_TEMPLATE,
                """
    def __init__(self, **properties):
        super().__init__(**properties)
        print(pluggable_ui["anvil.TextBox"] is TextBox, "anvil.Nope" in pluggable_ui)
        pluggable_ui.add_listener(
            "anvil.*", lambda updates, provider: print(sorted(updates), provider))
        pluggable_ui.provide("shop", {"anvil.TextBox": TextArea, "other": 1})
        pluggable_ui.provide_defaults("shop", {"anvil.Extra": 5, "other": 2})
        print(pluggable_ui["anvil.TextBox"] is TextArea, pluggable_ui["other"],
              pluggable_ui["anvil.Extra"])
        field = pluggable_ui["anvil.TextBoxWithLabel"](label="Name", text="Ada", placeholder="who")
        field.set_event_handler("lost_focus", lambda **event_args: print("lost", field.text))
        self.add_component(field)
        print(field.label, field.text)
    """,
            )
        }
    )
    page = forms.page
    page.get_by_label("Name").fill("Grace")
    page.get_by_label("Name").blur()
    forms.printed("lost Grace")
    assert forms.lines == [
        "True False",
        "['anvil.TextBox'] shop",
        "True 1 5",
        "Name Ada",
        "lost Grace",
    ]
