"""The components that ``table/components.yaml`` lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.compatibility.names import read


@dataclass(frozen=True, slots=True)
class Component:
    """``defaults`` are properties with their first values; ``objects`` properties that hold an
    object; ``samples`` values that come back as they were set."""

    name: str
    defaults: dict[str, Any]
    objects: list[str]
    samples: dict[str, Any]
    events: list[str]
    methods: list[str]

    @property
    def properties(self) -> list[str]:
        return sorted([*self.defaults, *self.objects])


def listed_components() -> list[Component]:
    content = read("components")
    return [_make(name, entry, content) for name, entry in content["components"].items()]


def _make(name: str, entry: dict[str, Any], content: dict[str, Any]) -> Component:
    properties: dict[str, Any] = {}
    for group in entry["groups"]:
        properties |= content["groups"][group]
    properties |= entry["properties"]
    objects = [key for key, value in properties.items() if value == f"<{key}>"]
    defaults = {key: value for key, value in properties.items() if key not in objects}
    samples = {}
    for key, value in defaults.items():
        if f"{name}.{key}" in content["read_only"]:
            continue
        if isinstance(value, bool):
            samples[key] = not value
        else:
            specific = f"{name}.{key}"
            samples[key] = content["samples"].get(specific, content["samples"].get(key))
    return Component(
        name,
        defaults,
        objects,
        {key: value for key, value in samples.items() if value is not None},
        ["show", "hide", *entry["events"]],
        entry.get("methods", []),
    )
