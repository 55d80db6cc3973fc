"""Reading form_template.yaml, Anvil's older format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app_server.templates import Package, ReadTemplates, read_templates


def read(folder: Path, source: str) -> ReadTemplates:
    form = folder / "Main"
    form.mkdir(parents=True)
    (form / "__init__.py").write_text("")
    (form / "form_template.yaml").write_text(source)
    (folder / "Row.py").write_text("")
    return read_templates([Package("shop", folder, {"dep_x": "other"})])


def template(folder: Path, source: str) -> Any:
    result = read(folder, source)
    assert result.problems == []
    return result.templates["shop.Main"]


def test_reads_a_form_in_a_container(tmp_path: Path) -> None:
    made = template(
        tmp_path,
        """
container:
  type: ColumnPanel
  properties: {col_widths: '{}'}
  event_bindings: {show: form_show}
components:
- type: form:Row
  name: row
  properties: {}
  layout_properties: {grid_position: 'ABC,DEF'}
- type: TextBox
  name: box
  properties: {text: hi, enabled: false}
  event_bindings: {pressed_enter: self.enter}
  data_bindings:
  - {property: text, code: "self.item['a']", writeback: true}
  - {property: visible, code: ''}
- type: LinearPanel
  name: panel
  components:
  - {type: RepeatingPanel, name: rows, properties: {item_template: Row}}
""",
    )
    assert made["container"]["event_bindings"] == {"show": "form_show"}
    row, box, panel = made["components"]
    assert row["type"] == "shop.Row"
    assert row["layout_properties"] == {"grid_position": "ABC,DEF"}
    assert box["event_bindings"] == {"pressed_enter": "enter"}
    assert box["data_bindings"] == [
        {"property": "text", "code": "self.item['a']", "writeback": True}
    ]
    assert panel["components"][0]["properties"]["item_template"] == "shop.Row"


def test_reads_a_form_in_a_layout_with_slots(tmp_path: Path) -> None:
    made = template(
        tmp_path,
        """
layout:
  type: form:Row
  properties: {title: A}
  event_bindings: {close: closed}
  form_event_bindings: {show: shown}
components_by_slot:
  body:
  - {type: Label, name: a, properties: {text: x}}
slots:
  inner:
    index: 1
    target: {type: slot, name: body}
    set_layout_properties: {width: 3}
    one_component: true
""",
    )
    assert made["layout"]["type"] == "shop.Row"
    assert made["layout"]["form_event_bindings"] == {"show": "shown"}
    assert made["components_by_slot"]["body"][0]["name"] == "a"
    assert made["slots"]["inner"] == {
        "target": {"type": "slot", "name": "body"},
        "index": 1,
        "set_layout_properties": {"width": 3},
        "one_component": True,
    }


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("container: {type: Clomn}", "1: unknown component type 'Clomn'"),
        ("components: []", "1: a form needs a 'container' or a 'layout'"),
        ("- a", "1: the template must be keys with values"),
        ("container: [", "1: the template is not valid YAML: "
         "expected the node content, but found '<stream end>'"),
        (
            "container: {type: LinearPanel}\ncomponents:\n- {type: Labl, name: a}",
            "3: unknown component type 'Labl' (did you mean 'Label'?)",
        ),
        (
            "container: {type: LinearPanel}\ncomponents:\n- {type: Label, name: a}\n"
            "- {type: Label, name: a}",
            "4: component name 'a' is used twice (first in line 3)",
        ),
        (
            "container: {type: LinearPanel}\ncomponents:\n- type: Label\n  name: a\n"
            "  data_bindings:\n  - property: text\n    code: 'a b'",
            "7: binding of 'text': 'a b' is not a Python expression: invalid syntax",
        ),
    ],
)  # fmt: skip
def test_tells_what_is_wrong_and_where(tmp_path: Path, source: str, fault: str) -> None:
    found = [f"{p.line}: {p.message}" for p in read(tmp_path, source).problems]
    assert found == [fault]


def test_reads_a_character_that_is_written_as_two_escapes(tmp_path: Path) -> None:
    source = 'container:\n  type: Label\n  properties: {text: "\\ud83d\\ude00 \\ud83d"}'
    template = read(tmp_path, source).templates["shop.Main"]
    assert template["container"]["properties"]["text"] == "\U0001f600 \ufffd"
