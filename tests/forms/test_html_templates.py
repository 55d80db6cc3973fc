"""Reading form_template.html: each test holds a tiny app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app_server.templates import Package, ReadTemplates, read_templates


class App:
    """An app folder that a test fills form by form."""

    def __init__(self, folder: Path):
        self.client_code = folder / "client_code"

    def form(self, dotted: str, template: str, file: str = "form_template.html") -> None:
        folder = self.client_code.joinpath(*dotted.split("."))
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        (folder / file).write_text(template)

    def read(self) -> ReadTemplates:
        return read_templates([Package("shop", self.client_code, {"dep_m3": "m3"})])

    def template(self, dotted: str = "Main") -> Any:
        result = self.read()
        assert result.problems == []
        return result.templates[f"shop.{dotted}"]

    def faults(self) -> list[str]:
        return [f"{problem.line}: {problem.message}" for problem in self.read().problems]


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


def test_reads_components_with_their_attributes(app: App) -> None:
    app.form(
        "Main",
        """<anvil-form container="LinearPanel" prop:spacing_above="none" on:show="self.shown">
  <anvil-component type="Button" name="btn_save" prop:text="Save" prop:bold="true"
    container:index="2" bind:enabled="self.item['ok']" on:click="self.save"></anvil-component>
</anvil-form>""",
    )
    template = app.template()
    assert template["container"] == {
        "type": "LinearPanel",
        "line": 1,
        "properties": {"spacing_above": "none"},
        "event_bindings": {"show": "shown"},
    }
    assert template["components"] == [
        {
            "type": "Button",
            "name": "btn_save",
            "line": 2,
            "properties": {"text": "Save", "bold": True},
            "layout_properties": {"index": 2},
            "event_bindings": {"click": "save"},
            "data_bindings": [{"property": "enabled", "code": "self.item['ok']"}],
        }
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("Hello", "Hello"),
        ("42", 42),
        ("3.14", 3.14),
        ("-1", -1),
        ("true", True),
        ("null", None),
        ("nothing", "nothing"),
        ("2 hours", "2 hours"),
        ("-", "-"),
        ("NaN", "NaN"),
        ("", ""),
        ("{&quot;a&quot;: [1, &quot;b&quot;]}", {"a": [1, "b"]}),
        ("&quot;42&quot;", "42"),
        ("{broken", "{broken"),
    ],
)
def test_parses_property_values(app: App, written: str, value: object) -> None:
    app.form("Main", f'<anvil-component type="Label" name="a" prop:text="{written}">'
             "</anvil-component>")  # fmt: skip
    found = app.template()["components"][0]["properties"]["text"]
    assert found == value
    assert type(found) is type(value)


def test_plain_html_keeps_its_text_and_marks_where_components_stand(app: App) -> None:
    app.form(
        "Main",
        '<section class="hero">\n  <h1>Fish &amp; chips</h1>\n'
        '  <anvil-component type="Button" name="go"></anvil-component><br>\n'
        "  <script>if (a < b) run()</script></section>",
    )
    template = app.template()
    assert template["container"]["type"] == "HtmlComponent"
    assert template["container"]["properties"]["html"] == (
        '<section class="hero">\n  <h1>Fish &amp; chips</h1>\n'
        '  <anvil-dropzone name="$0"></anvil-dropzone><br>\n'
        "  <script>if (a < b) run()</script></section>"
    )
    assert template["components"][0]["layout_properties"] == {"dropzone": "$0"}


def test_named_html_becomes_a_component_with_its_children(app: App) -> None:
    app.form(
        "Main",
        '<div><p anvil:name="banner" class="b" anvil:bind:visible="self.on">Hi '
        '<anvil-component type="Label" name="who"></anvil-component></p></div>',
    )
    banner = app.template()["components"][0]
    assert banner["type"] == "HtmlComponent"
    assert banner["name"] == "banner"
    assert banner["properties"]["html"] == (
        '<p class="b">Hi <anvil-dropzone name="$1"></anvil-dropzone></p>'
    )
    assert banner["data_bindings"] == [{"property": "visible", "code": "self.on"}]
    assert banner["components"][0]["name"] == "who"
    assert banner["layout_properties"] == {"dropzone": "$0"}


def test_dom_handlers_stay_in_the_html_and_are_marked(app: App) -> None:
    app.form("Main", '<button anvil:on-dom:click="self.press">Go</button>')
    html = app.template()["container"]["properties"]["html"]
    assert html == '<button anvil:on-dom:click="self.press" anvil:dom-node>Go</button>'


def test_root_custom_element_stays_the_only_root(app: App) -> None:
    app.form(
        "Main",
        "---\ncustom_component: true\nproperties:\n  - name: text\n    type: string\n"
        "    default_value: ''\n    binding_writeback_events: [change]\n"
        "events:\n  - name: change\n---\n"
        '<md-field anvil:dom-node="field" anvil:on-dom:input="self._input"></md-field>\n',
    )
    template = app.template()
    assert template["custom_component"] is True
    assert template["properties"] == [
        {
            "name": "text",
            "type": "string",
            "default_value": "",
            "binding_writeback_events": ["change"],
        }
    ]
    assert template["events"] == [{"name": "change"}]
    assert template["components"] == []


def test_form_in_a_layout_fills_slots_and_defines_its_own(app: App) -> None:
    app.form("Shell", '<div><anvil-slot name="body"></anvil-slot></div>')
    app.form(
        "Main",
        """<anvil-form layout="shop.Shell" prop:title="Hi" on:layout:close="self.closed"
  on:show="self.shown">
  <anvil-block slot="body">
    <anvil-component type="FlowPanel" name="flow">
      <anvil-component type="Label" name="first"></anvil-component>
      <anvil-slot name="inner" container:width="200"></anvil-slot>
    </anvil-component>
    <p>plain</p>
  </anvil-block>
</anvil-form>""",
    )
    shell = app.template("Shell")
    assert shell["slots"]["body"] == {
        "target": {"type": "container", "name": ""},
        "index": 0,
        "set_layout_properties": {"dropzone": "$0"},
    }
    main = app.template()
    assert main["layout"] == {
        "type": "shop.Shell",
        "line": 1,
        "properties": {"title": "Hi"},
        "event_bindings": {"close": "closed"},
        "form_event_bindings": {"show": "shown"},
    }
    flow, plain = main["components_by_slot"]["body"]
    assert flow["components"][0]["name"] == "first"
    assert plain["type"] == "HtmlComponent"
    assert plain["properties"] == {"html": "<p>plain</p>"}
    assert main["slots"]["inner"] == {
        "target": {"type": "container", "name": "flow"},
        "index": 1,
        "set_layout_properties": {"width": 200},
    }


def test_resolves_forms_named_in_every_way(app: App, tmp_path: Path) -> None:
    app.form("Parts.Row", "<p></p>")
    app.form(
        "Main",
        """<anvil-component type="shop.Parts.Row" name="a"></anvil-component>
<anvil-component type="form:Parts.Row" name="b"></anvil-component>
<anvil-component type="form:dep_m3:Card" name="c"></anvil-component>
<anvil-component type="anvil.Label" name="d"></anvil-component>
<anvil-component type="RepeatingPanel" name="e" prop:item_template="Parts.Row"></anvil-component>
<anvil-component type="RepeatingPanel" name="f" prop:item_template="m3.Card"></anvil-component>
""",
    )
    m3 = App(tmp_path / "m3")
    m3.form("Card", "<p></p>")
    packages = [Package("shop", app.client_code, {"dep_m3": "m3"}), Package("m3", m3.client_code)]
    result = read_templates(packages)
    assert result.problems == []
    components = result.templates["shop.Main"]["components"]
    assert [c["type"] for c in components[:4]] == [
        "shop.Parts.Row", "shop.Parts.Row", "m3.Card", "Label",
    ]  # fmt: skip
    assert [c["properties"]["item_template"] for c in components[4:]] == [
        "shop.Parts.Row", "m3.Card",
    ]  # fmt: skip


def test_module_forms_are_found_beside_their_python(app: App) -> None:
    app.client_code.mkdir(parents=True)
    (app.client_code / "Row.py").write_text("")
    (app.client_code / "Row.html").write_text("<p>row</p>")
    (app.client_code / "notes.html").write_text("<p>no form</p>")
    assert list(app.read().templates) == ["shop.Row"]


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        (
            '<div>\n<anvil-component type="Buton" name="a"></anvil-component></div>',
            "2: unknown component type 'Buton' (did you mean 'Button'?)",
        ),
        (
            '<anvil-component type="shop.Mian" name="a"></anvil-component>',
            "1: unknown component type 'shop.Mian' (did you mean 'shop.Main'?)",
        ),
        (
            '<anvil-component type="form:dep_x:Card" name="a"></anvil-component>',
            "1: unknown dependency 'dep_x' of form 'Card'",
        ),
        (
            '<anvil-form layout="shop.Shell"></anvil-form>',
            "1: unknown component type 'shop.Shell'",
        ),
        (
            '<anvil-component type="Label" name="a"></anvil-component>\n'
            '<p anvil:name="a"></p>',
            "2: component name 'a' is used twice (first in line 1)",
        ),
        (
            '<anvil-component type="Label" name="a" bind:text="self.item["></anvil-component>',
            "1: binding of 'text': 'self.item[' is not a Python expression: '[' was never closed",
        ),
        (
            '<anvil-component type="TextBox" name="a" writeback:text="f(1)"></anvil-component>',
            "1: binding of 'text': 'f(1)' cannot be written back: it is no attribute or item that "
            "a value can be assigned to",
        ),
        (
            "---\ncustom_component: true\nproprties: []\n---\n<p></p>",
            "3: unknown frontmatter key 'proprties' (did you mean 'properties'?)",
        ),
        (
            "---\ncustom_component: true\nproperties:\n---\n<p></p>",
            "3: 'properties' must be a list; leave the key out if there are none",
        ),
        ("---\n\n---\n<p></p>", "1: the frontmatter is empty: leave it out"),
        ("---\na: [\n---\n", "2: the frontmatter is not valid YAML: "
         "expected the node content, but found '<stream end>'"),
        ('<anvil-component type="Label" name="a"/>', "1: <anvil-component .../> is not closed: "
         "write <anvil-component ...></anvil-component>"),
        ("<div>\n<b>x</div>", "2: <b> is never closed"),
        ('<p anvil:on-click="self.x"></p>', "1: 'anvil:on-click' is no event: "
         "write anvil:on-dom:click"),
        ('<p prop:text="x"></p>', "1: 'prop:text' on a plain <p> has no effect: "
         "write anvil:prop:text"),
        ('<anvil-component type="Label" name="a" text="x"></anvil-component>',
         "1: <anvil-component> has no attribute 'text'"),
    ],
)  # fmt: skip
def test_tells_what_is_wrong_and_where(app: App, template: str, fault: str) -> None:
    app.form("Main", template)
    assert app.faults() == [fault]
    read = app.read()
    [problem] = read.problems
    key = "error" if problem.is_fatal else "warnings"
    [told] = read.templates["shop.Main"][key]
    assert told.startswith("shop/client_code/Main/form_template.html:")


def test_names_a_slot_that_the_layout_does_not_have(app: App) -> None:
    app.form("Shell", '<div><anvil-slot name="content"></anvil-slot></div>')
    app.form(
        "Main",
        '<anvil-form layout="shop.Shell">\n<anvil-block slot="contents">\n'
        '<anvil-component type="Label" name="a"></anvil-component></anvil-block></anvil-form>',
    )
    assert app.faults() == [
        "3: layout 'shop.Shell' has no slot 'contents' (did you mean 'content'?)"
    ]


def test_a_layout_must_define_slots(app: App) -> None:
    app.form("Plain", "<p></p>")
    app.form("Main", '<anvil-form layout="shop.Plain"></anvil-form>')
    assert app.faults() == ["1: 'shop.Plain' is no layout: it defines no slots"]


def test_a_form_cannot_contain_itself(app: App) -> None:
    app.form("Main", '<div>\n<anvil-component type="shop.Part" name="p"></anvil-component></div>')
    app.form("Part", '<anvil-component type="shop.Main" name="m"></anvil-component>')
    app.form("Other", '<anvil-component type="shop.Part" name="p"></anvil-component>')
    assert app.faults() == [
        "2: the form contains itself: shop.Main -> shop.Part -> shop.Main",
        "1: the form contains itself: shop.Part -> shop.Main -> shop.Part",
    ]


def test_one_bad_template_leaves_the_others_alone(app: App) -> None:
    app.form("Bad", "---\nnever closed")
    app.form("Good", "<p></p>")
    result = app.read()
    assert [str(p) for p in result.problems] == [
        "shop/client_code/Bad/form_template.html:1: the frontmatter is never closed by a line '---'"
    ]
    assert "error" not in result.templates["shop.Good"]
