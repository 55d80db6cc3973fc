"""Attributes of template elements: the prefixes, and the values they carry."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from app_server.templates.expressions import (
    binding_fault,
    expression_fault,
    handler_name,
    is_chained_assignment,
)
from app_server.templates.markup import Element
from app_server.templates.problems import Problems
from app_server.templates.shape import Json

_MAY_START_JSON = frozenset('{["-tfn0123456789')

#: Attributes of a plain HTML element that make it a component of its own.
PROMOTING = ("anvil:prop:", "anvil:on:", "anvil:bind:", "anvil:writeback:", "anvil:container:")
DOM_EVENT = "anvil:on-dom:"
DOM_NODE = "anvil:dom-node"
_OTHERS = ("anvil:name", DOM_NODE, "anvil:designer-editable-text")


def parse_value(written: str) -> Any:
    """The value of a `prop:` or `container:` attribute: JSON where it is JSON, else its text."""
    trimmed = written.strip()
    if trimmed[:1] not in _MAY_START_JSON:
        return written
    try:
        return json.loads(trimmed, parse_constant=_refuse_constant)
    except ValueError:
        return written


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


@dataclass
class Described:
    """What the attributes of one element say about its component."""

    properties: Json = field(default_factory=dict)
    event_bindings: dict[str, str] = field(default_factory=dict)
    layout_event_bindings: dict[str, str] = field(default_factory=dict)
    layout_properties: Json = field(default_factory=dict)
    data_bindings: list[Json] = field(default_factory=list)

    def into(self, component: Json) -> Json:
        """Add what there is to a component's JSON, and give it back."""
        component.setdefault("properties", {}).update(self.properties)
        for key in ("event_bindings", "layout_properties", "data_bindings"):
            if value := getattr(self, key):
                component[key] = value
        return component


def describe(
    element: Element, problems: Problems, *, allowed: tuple[str, ...], prefix: str = ""
) -> Described:
    """Sort an element's attributes by their prefix.

    ``allowed`` are plain attribute names that the caller reads itself; any other attribute without
    a known prefix is a problem, unless ``prefix`` is "anvil:" (a plain element has its own).
    """
    described = Described()
    for name, value in element.attributes:
        if prefix:
            if not name.startswith(PROMOTING):
                continue
            name = name.removeprefix(prefix)
        known = _sort_attribute(described, name, value, element.line, problems)
        if not known and name not in allowed:
            problems.add(element.line, f"<{element.tag}> has no attribute '{name}'")
    return described


def _sort_attribute(
    described: Described, name: str, value: str, line: int, problems: Problems
) -> bool:
    kind, _, key = name.partition(":")
    if kind == "prop" and key:
        described.properties[key] = parse_value(value)
    elif kind == "container" and key:
        described.layout_properties[key] = parse_value(value)
    elif kind == "on" and key:
        method = handler_name(value)
        if method is None:
            problems.add(line, f'{name}="{value}" names no method (write on:{key}="self.method")')
        elif key.startswith("layout:"):
            described.layout_event_bindings[key.removeprefix("layout:")] = method
        else:
            described.event_bindings[key] = method
    elif kind in ("bind", "writeback") and key:
        _add_binding(described.data_bindings, key, value, kind == "writeback", line, problems)
    else:
        return False
    return True


def _add_binding(
    bindings: list[Json], key: str, code: str, writeback: bool, line: int, problems: Problems
) -> None:
    is_chained = not writeback and is_chained_assignment(code)
    fault = None if is_chained else binding_fault(code, writeback=writeback)
    if fault:
        problems.add(line, f"binding of '{key}': {code!r} {fault}", is_fatal=True)
        return
    binding: Json = {"property": key, "code": code.strip()}
    if writeback:
        binding["writeback"] = True
    if is_chained:
        binding["chained"] = True
    # Where both stand, the later one wins, in the place of the first.
    for index, earlier in enumerate(bindings):
        if earlier["property"] == key:
            bindings[index] = binding
            return
    bindings.append(binding)


def check_dom_handlers(element: Element, problems: Problems) -> None:
    """Check the `anvil:on-dom:` attributes of a plain element, and refuse the usual slips."""
    for name, value in element.attributes:
        if name.startswith(DOM_EVENT):
            fault = expression_fault(value)
            if fault:
                problems.add(element.line, f"{name}: {value!r} {fault}")
        elif name.startswith("anvil:on-"):
            event = name.removeprefix("anvil:on-")
            problems.add(element.line, f"'{name}' is no event: write {DOM_EVENT}{event}")
        elif name.startswith(("prop:", "bind:", "writeback:", "on:", "container:")):
            problems.add(
                element.line,
                f"'{name}' on a plain <{element.tag}> has no effect: write anvil:{name}",
            )
        elif name.startswith("anvil:") and not name.startswith((*PROMOTING, *_OTHERS)):
            problems.add(element.line, f"unknown attribute '{name}'")


def is_promoted(element: Element) -> bool:
    """Whether a plain element is a component of its own (an HtmlComponent)."""
    return any(name == "anvil:name" or name.startswith(PROMOTING) for name, _ in element.attributes)


def kept_attributes(element: Element) -> list[tuple[str, str]]:
    """The attributes that stay in the HTML shown; those that describe a component are left out.

    An element with DOM handlers gets a bare `anvil:dom-node`, by which the browser finds it.
    """
    kept = [
        (name, value)
        for name, value in element.attributes
        if not name.startswith("anvil:") or name == DOM_NODE or name.startswith(DOM_EVENT)
    ]
    names = {name for name, _ in kept}
    if DOM_NODE not in names and any(name.startswith(DOM_EVENT) for name in names):
        kept.append((DOM_NODE, ""))
    return kept
