"""Each component has the properties that its template declares, and keeps what they are set to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.m3.conftest import ROOT, RunM3

COMPONENTS = ROOT / "m3" / "client_code" / "_Components"
# Shown differently from what is set: a list of menu items, the buttons that a group has, files.
DERIVED = {"menu_items", "selected_value", "file", "files", "navigate_to"}


def frontmatter(name: str) -> dict[str, Any]:
    text = (COMPONENTS / name / "form_template.html").read_text("utf-8")
    return dict(yaml.safe_load(text.split("---")[1]))


NAMES = sorted(path.name for path in COMPONENTS.iterdir() if (path / "__init__.py").exists())

SAMPLES: dict[str, Any] = {
    "string": "some text",
    "boolean": None,  # the opposite of the default
    "number": 7,
    "color": "theme:Primary",
    "icon": "home",
    "themeRole": "outlined",
    "margin": [1, 2, 3, 4],
    "spacing": {"margin": [1, 2, 3, 4], "padding": 5},
    "uri": "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==",
    "text[]": ["One", "Two"],
}


def samples(name: str) -> dict[str, Any]:
    """A value other than the default for each property."""
    values = {}
    for prop in frontmatter(name)["properties"]:
        kind, default = prop["type"], prop.get("default_value")
        if prop["name"] in DERIVED or kind == "object":
            continue
        if kind == "enum":
            values[prop["name"]] = next(o for o in prop["options"] if o != default)
        elif kind == "boolean":
            values[prop["name"]] = not default
        else:
            values[prop["name"]] = SAMPLES[kind]
    return values


def test_components_module_has_them_all() -> None:
    listed = (ROOT / "m3" / "client_code" / "components.py").read_text("utf-8")
    assert [
        name for name in NAMES if f"from ._Components.{name} import {name}\n" not in listed
    ] == []


def test_properties_of_anvils_theme_are_there() -> None:
    reference = json.loads((Path(__file__).parent / "anvil_properties.json").read_text("utf-8"))
    missing = [
        f"{name}.{prop}"
        for name, properties in reference.items()
        for prop in properties
        if prop not in {p["name"] for p in frontmatter(name)["properties"]} | {"visible"}
    ]
    assert not missing


@pytest.fixture(scope="module")
def program() -> str:
    spec = {
        name: {
            "defaults": {
                p["name"]: p.get("default_value")
                for p in frontmatter(name)["properties"]
                if p["type"] != "object" and p["name"] not in DERIVED
            },
            "samples": samples(name),
        }
        for name in NAMES
    }
    return f"""
import json
import m3.components as m3
from anvil import LinearPanel, open_form

class Page(LinearPanel):
    pass

page = Page()
open_form(page)
for name, spec in json.loads({json.dumps(json.dumps(spec))}).items():
    component = getattr(m3, name)()
    for prop, default in spec["defaults"].items():
        value = getattr(component, prop)
        if value != default and not (not value and not default):
            print("default", name, prop, value, default)
    for prop, value in spec["samples"].items():
        setattr(component, prop, value)
    page.add_component(component)
    at_once = getattr(m3, name)(**spec["samples"])
    page.add_component(at_once)
    for prop, value in spec["samples"].items():
        for made in (component, at_once):
            if getattr(made, prop) != value:
                print("kept", name, prop, getattr(made, prop), value)
    component.visible = False
    if component.visible or not at_once.visible:
        print("visible", name)
    component.tag = "mine"
    if component.tag != "mine":
        print("tag", name)
"""


def test_properties_begin_with_defaults_and_keep_values(run_m3: RunM3, program: str) -> None:
    page, lines = run_m3(program)
    # `text` of a numeric box is a number, and aliases share a value.
    expected = {"kept TextBox text None some text"}
    assert [line for line in lines if line not in expected] == []
    assert page.locator("#appGoesHere [anvil-visible-false]").count() == len(NAMES)
