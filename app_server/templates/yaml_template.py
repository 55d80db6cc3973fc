"""`form_template.yaml` (Anvil's older format) into the JSON shape.

The format is nearly the shape itself; types are resolved, `self.` taken off handlers, and bindings
checked (form-yaml.d.ts of anvil-works/anvil-agent-references).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from app_server.templates.expressions import (
    binding_fault,
    handler_name,
    is_chained_assignment,
)
from app_server.templates.metadata import read_metadata
from app_server.templates.names import FormNames, UnknownNameError
from app_server.templates.problems import Problems
from app_server.templates.shape import FORM_PROPERTIES, Json


class _Lined(dict[Hashable, Any]):
    """A mapping that knows the line on which it begins, and its keys' lines."""

    line = 1
    key_lines: dict[str, int]


class _Loader(yaml.SafeLoader):
    """Safe YAML whose mappings know their lines."""


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> _Lined:
    mapping = _Lined(loader.construct_mapping(node, deep=True))
    mapping.line = node.start_mark.line + 1
    mapping.key_lines = {
        str(key.value): key.start_mark.line + 1
        for key, _ in node.value
        if isinstance(key, yaml.ScalarNode)
    }
    return mapping


def _construct_string(loader: _Loader, node: yaml.ScalarNode) -> str:
    """A text whose characters beyond the basic plane may be written as two escapes, as JSON does
    and Anvil's editor: "\\ud83d\\ude00"."""
    text = loader.construct_scalar(node)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_Loader.add_constructor("tag:yaml.org,2002:str", _construct_string)
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping)


def read_yaml_template(source: str, names: FormNames, problems: Problems) -> Json:
    """The template's JSON without its name. Faults go to ``problems``; raises TemplateError."""
    try:
        # _Loader is a SafeLoader: it makes plain values only.
        data = yaml.load(source, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error)
        line = mark.line + 1 if mark else 1
        raise problems.fatal(line, f"the template is not valid YAML: {reason}") from error
    if not isinstance(data, _Lined):
        raise problems.fatal(1, "the template must be keys with values")
    return _Reader(names, problems).form(data)


class _Reader:
    def __init__(self, names: FormNames, problems: Problems):
        self.names = names
        self.problems = problems
        self.taken: dict[str, int] = {}

    def form(self, data: _Lined) -> Json:
        template = read_metadata(data, data.key_lines, self.problems)  # type: ignore[arg-type]
        if data.get("slots"):
            template["slots"] = {name: self.slot(slot) for name, slot in data["slots"].items()}
        if "layout" in data:
            layout = self.described(data["layout"])
            if handlers := data["layout"].get("form_event_bindings"):
                layout["form_event_bindings"] = self.handlers(handlers)
            template["layout"] = layout
            template["components_by_slot"] = {
                slot: self.components(components)
                for slot, components in (data.get("components_by_slot") or {}).items()
            }
            return template
        if "container" not in data:
            raise self.problems.fatal(1, "a form needs a 'container' or a 'layout'")
        template["container"] = self.described(data["container"])
        template["components"] = self.components(data.get("components"))
        return template

    def components(self, items: Any) -> list[Json]:
        return [self.component(item) for item in items or []]

    def component(self, item: Any) -> Json:
        if not isinstance(item, _Lined) or not isinstance(item.get("name"), str):
            raise self.problems.fatal(
                getattr(item, "line", 1), f"a component needs a type and a name, not {item!r}"
            )
        name = item["name"]
        if name in self.taken:
            first = self.taken[name]
            message = f"component name '{name}' is used twice (first in line {first})"
            self.problems.add(item.line, message)
        self.taken.setdefault(name, item.line)
        component = {"name": name, **self.described(item)}
        if item.get("components"):
            component["components"] = self.components(item["components"])
        return component

    def described(self, item: Any) -> Json:
        """What container, layout and component have in common."""
        if not isinstance(item, _Lined):
            raise self.problems.fatal(1, f"expected a type with properties, not {item!r}")
        properties = dict(item.get("properties") or {})
        kind = self.type(item, properties)
        described: Json = {"type": kind, "line": item.line, "properties": properties}
        if item.get("layout_properties"):
            described["layout_properties"] = dict(item["layout_properties"])
        if item.get("event_bindings"):
            described["event_bindings"] = self.handlers(item["event_bindings"])
        bindings = [
            made for entry in item.get("data_bindings") or [] if (made := self.binding(entry))
        ]
        if bindings:
            described["data_bindings"] = bindings
        return described

    def type(self, item: _Lined, properties: Json) -> str:
        kind = str(item.get("type"))
        line = item.key_lines.get("type", item.line)
        try:
            kind = self.names.component(kind)
        except UnknownNameError as error:
            self.problems.add(line, str(error))
        for key in FORM_PROPERTIES.get(kind, ()):
            if isinstance(properties.get(key), str) and properties[key]:
                try:
                    properties[key] = self.names.form(properties[key])
                except UnknownNameError as error:
                    self.problems.add(line, f"{key}: {error}")
        return kind

    def handlers(self, bindings: _Lined) -> dict[str, str]:
        found: dict[str, str] = {}
        for event, written in bindings.items():
            method = handler_name(str(written))
            if method is None:
                line = bindings.key_lines.get(str(event), bindings.line)
                self.problems.add(line, f"event '{event}': {written!r} names no method")
            else:
                found[str(event)] = method
        return found

    def binding(self, entry: _Lined) -> Json | None:
        code = str(entry.get("code") or "").strip()
        if not code:  # Anvil's editor leaves bindings behind that say nothing.
            return None
        writeback = bool(entry.get("writeback"))
        binding: Json = {"property": str(entry.get("property")), "code": code}
        if is_chained_assignment(code) and not writeback:
            return {**binding, "chained": True}
        fault = binding_fault(code, writeback=writeback)
        if fault:
            line = entry.key_lines.get("code", entry.line)
            message = f"binding of '{entry.get('property')}': {code!r} {fault}"
            self.problems.add(line, message, is_fatal=True)
            return None
        if writeback:
            binding["writeback"] = True
        return binding

    def slot(self, slot: _Lined) -> Json:
        target = slot.get("target") or {"type": "container", "name": ""}
        made: Json = {
            "target": {"type": target["type"], "name": target.get("name", "")},
            "index": int(slot.get("index") or 0),
            "set_layout_properties": dict(slot.get("set_layout_properties") or {}),
        }
        if slot.get("one_component"):
            made["one_component"] = True
        return made
