"""Templates use m3 as it is: properties, events and icons that exist.

Anvil passes over a property that a component does not have, so a slip of the pen shows nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from tests.m3.conftest import ROOT

COMPONENTS = ROOT / "m3" / "client_code" / "_Components"
TEMPLATES = [
    path
    for app in ("m3", "master_template", "management")
    for path in sorted((ROOT / app / "client_code").rglob("*.html"))
]
ICON_PROPERTIES = {"icon", "leading_icon", "trailing_icon", "fallback_icon", "selected_icon"}
EVERYWHERE = {"visible", "tag", "item"}


class Uses(HTMLParser):
    """The m3 components of a template: ``(line, component, attributes)`` each."""

    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[int, str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        kind = attributes.get("type", "")
        if tag == "anvil-component" and kind.startswith("m3._Components."):
            self.found.append((self.getpos()[0], kind.rsplit(".", 1)[-1], attributes))


def names(component: str, key: str) -> set[str]:
    text = (COMPONENTS / component / "form_template.html").read_text("utf-8")
    return {entry["name"] for entry in yaml.safe_load(text.split("---")[1])[key]}


def slips(text: str) -> Iterator[str]:
    """What a template asks of m3 that m3 does not have, with its line."""
    for line, component, attributes in Uses(text).found:
        if not (COMPONENTS / component).is_dir():
            yield f"{line}: no component {component}"
            continue
        for attribute, value in attributes.items():
            prefix, _, name = attribute.partition(":")
            if prefix in ("prop", "bind", "writeback"):
                if name not in names(component, "properties") | EVERYWHERE:
                    yield f"{line}: {component} has no property {name}"
            elif prefix == "on" and name not in names(component, "events"):
                yield f"{line}: {component} has no event {name}"
            if prefix == "prop" and name in ICON_PROPERTIES and not is_icon(value):
                yield f"{line}: no icon {value}"


def is_icon(value: str) -> bool:
    listed = json.loads((ROOT / "m3" / "web" / "icons.json").read_text("utf-8"))
    kind, _, bare = value.rpartition(":")
    if kind.startswith("fa"):
        return bare in listed["fontAwesome"]
    name = bare.replace("-", "_")
    if name in listed["core"] or name in listed["formerNames"]:
        return True
    shelf = ROOT / "m3" / "theme" / "assets" / f"m3-icons-{name[0]}.json"
    return name in json.loads(shelf.read_text("utf-8"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_template_uses_what_m3_has(path: Path, m3_assets: None) -> None:
    assert list(slips(path.read_text("utf-8"))) == []


def test_slips_are_found(m3_assets: None) -> None:
    text = """<anvil-component type="m3._Components.Button" prop:label="x" on:press="self.a">
        </anvil-component><anvil-component type="m3._Components.Butn"></anvil-component>
        <anvil-component type="m3._Components.IconButton" prop:icon="no_such_icon">"""
    assert list(slips(text)) == [
        "1: Button has no property label",
        "1: Button has no event press",
        "2: no component Butn",
        "3: no icon no_such_icon",
    ]
