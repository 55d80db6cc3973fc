"""The body of an HTML template: components lifted out of the markup that surrounds them.

A component in plain HTML leaves an ``<anvil-dropzone name="$n">`` where it stood and carries
``layout_properties.dropzone`` of that name; in any other container, plain HTML between components
becomes an HtmlComponent of its own.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from app_server.templates.attributes import (
    check_dom_handlers,
    describe,
    is_promoted,
    kept_attributes,
    parse_value,
)
from app_server.templates.markup import (
    RAW_TEXT,
    Comment,
    Element,
    Node,
    Text,
    escape_text,
    is_blank,
    render_element,
)
from app_server.templates.names import FormNames, UnknownNameError
from app_server.templates.problems import Problems
from app_server.templates.shape import FORM_PROPERTIES, Json

HTML_CONTAINER = "HtmlComponent"
_SLOT_ATTRIBUTES = ("name", "placeholder", "one-component", "one_component")


@dataclass(frozen=True)
class Target:
    """Where slots found in a part of the template add to: a container or a slot of the layout."""

    type: str
    name: str


ROOT = Target("container", "")


class Fragments:
    """Reads the parts of one template. ``slots`` gathers the slots it defines."""

    def __init__(self, root: Element, names: FormNames, problems: Problems):
        self.names = names
        self.problems = problems
        self.slots: dict[str, Json] = {}
        self._dropzones = itertools.count()
        self._anonymous = itertools.count(1)
        self._anonymous_slots = itertools.count(1)
        self._counts: dict[Target, int] = {}
        self._taken: dict[str, int] = {}
        self._reserved = _explicit_names(root)

    def html(self, nodes: list[Node], target: Target) -> tuple[str, list[Json]]:
        """The markup of ``nodes`` with dropzones, and the components lifted out of it."""
        parts: list[str] = []
        components: list[Json] = []
        for node in nodes:
            if isinstance(node, Text):
                parts.append(escape_text(node.value))
            elif isinstance(node, Comment):
                parts.append(f"<!--{node.value}-->")
            else:
                parts.append(self._html_element(node, target, components))
        return "".join(parts), components

    def _html_element(self, element: Element, target: Target, components: list[Json]) -> str:
        if element.tag in ("anvil-component", "anvil-slot") or is_promoted(element):
            zone = f"${next(self._dropzones)}"
            if element.tag == "anvil-slot":
                self.slot(element, target, zone)
            else:
                component = self.component(element, target)
                zone = component.setdefault("layout_properties", {}).setdefault("dropzone", zone)
                components.append(component)
            return f'<anvil-dropzone name="{zone}"></anvil-dropzone>'
        if element.tag in ("anvil-form", "anvil-block"):
            self.problems.add(element.line, f"<{element.tag}> cannot stand here")
        check_dom_handlers(element, self.problems)
        if element.tag in RAW_TEXT:
            inner = "".join(child.value for child in element.children if isinstance(child, Text))
        else:
            inner, lifted = self.html(element.children, target)
            components.extend(lifted)
        return render_element(element.tag, kept_attributes(element), inner)

    def children(self, nodes: list[Node], target: Target) -> list[Json]:
        """The components of a container that is no HTML: each element is a child of it."""
        components: list[Json] = []
        for node in nodes:
            if is_blank(node):
                continue
            if isinstance(node, Element) and node.tag == "anvil-slot":
                self.slot(node, target, None)
            elif isinstance(node, Element) and (node.tag == "anvil-component" or is_promoted(node)):
                components.append(self.component(node, target))
            else:
                components.append(self._plain_component(node, target))
        return components

    def _plain_component(self, node: Node, target: Target) -> Json:
        name = self._anonymous_name()
        markup, components = self.html([node], Target("container", name))
        self._count(target)
        return _component(HTML_CONTAINER, name, node.line, {"html": markup}, components)

    def component(self, element: Element, target: Target) -> Json:
        """An `<anvil-component>`, or a plain element that is promoted to one."""
        if element.tag == "anvil-component":
            component = self._declared(element)
        else:
            component = self._promoted(element)
        self._count(target)
        return component

    def _declared(self, element: Element) -> Json:
        described = describe(element, self.problems, allowed=("type", "name"))
        name = self._name(element, element.get("name"))
        kind = self.resolve_type(element, element.get("type"))
        inside = Target("container", name)
        if kind == HTML_CONTAINER and any(not is_blank(node) for node in element.children):
            markup, components = self.html(element.children, inside)
            described.properties.setdefault("html", markup)
        else:
            components = self.children(element.children, inside)
        component = _component(kind, name, element.line, {}, components)
        self.resolve_form_properties(kind, described.properties, element.line)
        return described.into(component)

    def _promoted(self, element: Element) -> Json:
        described = describe(element, self.problems, allowed=(), prefix="anvil:")
        check_dom_handlers(element, self.problems)
        name = self._name(element, element.get("anvil:name"))
        markup, components = self.html(element.children, Target("container", name))
        shown = render_element(element.tag, kept_attributes(element), markup)
        component = _component(HTML_CONTAINER, name, element.line, {"html": shown}, components)
        return described.into(component)

    def slot(self, element: Element, target: Target, zone: str | None) -> None:
        """Note an `<anvil-slot>`: a place that forms with this layout fill."""
        name = element.get("name") or f"$slot_{next(self._anonymous_slots)}"
        if name in self.slots:
            self.problems.add(element.line, f"slot '{name}' is defined twice")
        described = describe(element, self.problems, allowed=_SLOT_ATTRIBUTES)
        layout_properties = described.layout_properties
        if zone is not None:
            layout_properties.setdefault("dropzone", zone)
        slot: Json = {
            "target": {"type": target.type, "name": target.name},
            "index": self._counts.get(target, 0),
            "set_layout_properties": layout_properties,
        }
        one = element.get("one-component")
        if one is None:
            one = element.get("one_component")
        if one is not None and parse_value(one) in ("", True):
            slot["one_component"] = True
        self.slots[name] = slot

    def resolve_type(self, element: Element, written: str | None) -> str:
        """The component type that ``written`` names; where there is none, a problem and itself."""
        if not written:
            self.problems.add(element.line, f"<{element.tag}> does not say its type")
            return ""
        try:
            return self.names.component(written)
        except UnknownNameError as error:
            self.problems.add(element.line, str(error))
            return written

    def resolve_form_properties(self, kind: str, properties: dict[str, Any], line: int) -> None:
        """Qualify the properties of a component that name a form."""
        for key in FORM_PROPERTIES.get(kind, ()):
            if isinstance(properties.get(key), str) and properties[key]:
                try:
                    properties[key] = self.names.form(properties[key])
                except UnknownNameError as error:
                    self.problems.add(line, f"{key}: {error}")

    def _name(self, element: Element, written: str | None) -> str:
        if not written:
            return self._anonymous_name()
        if written in self._taken:
            first = self._taken[written]
            message = f"component name '{written}' is used twice (first in line {first})"
            self.problems.add(element.line, message)
        self._taken.setdefault(written, element.line)
        return written

    def _anonymous_name(self) -> str:
        # A name beginning with $ cannot clash with a Python attribute.
        return next(
            name
            for name in (f"$component_{n}" for n in self._anonymous)
            if name not in self._reserved
        )

    def _count(self, target: Target) -> None:
        self._counts[target] = self._counts.get(target, 0) + 1


def _component(kind: str, name: str, line: int, properties: Json, components: list[Json]) -> Json:
    component: Json = {"type": kind, "name": name, "line": line, "properties": properties}
    if components:
        component["components"] = components
    return component


def _explicit_names(root: Element) -> set[str]:
    names: set[str] = set()
    waiting = [root]
    while waiting:
        element = waiting.pop()
        attribute = "name" if element.tag == "anvil-component" else "anvil:name"
        names.add(element.get(attribute) or "")
        waiting.extend(child for child in element.children if isinstance(child, Element))
    return names
