"""Forms that contain themselves: opening one would never end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app_server.templates.problems import Problems
from app_server.templates.shape import Json


def check_nesting(templates: Mapping[str, Json], problems: Mapping[str, Problems]) -> None:
    """Note, for each form whose template leads back to itself, where it does and by which way."""
    for name in templates:
        for line, used in _forms_in(templates[name]):
            way = _way(used, name, templates, set())
            if way:
                chain = " -> ".join((name, *way))
                problems[name].add(line, f"the form contains itself: {chain}", is_fatal=True)
                break


def _way(start: str, goal: str, templates: Mapping[str, Json], seen: set[str]) -> list[str] | None:
    """The forms from ``start`` to ``goal``, each in the template of the one before."""
    if start == goal:
        return [goal]
    if start in seen or start not in templates:
        return None
    seen.add(start)
    for _, used in _forms_in(templates[start]):
        rest = _way(used, goal, templates, seen)
        if rest:
            return [start, *rest]
    return None


def _forms_in(template: Json) -> Iterator[tuple[int, str]]:
    """Line and type of everything that opening the form makes, forms and others."""
    root = template.get("layout") or template.get("container")
    if root:
        yield root.get("line", 1), root["type"]
    waiting = [*template.get("components", [])]
    for components in template.get("components_by_slot", {}).values():
        waiting += components
    while waiting:
        component = waiting.pop(0)
        yield component.get("line", 1), component["type"]
        waiting = [*component.get("components", []), *waiting]
