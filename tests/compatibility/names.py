"""The names of Anvil's Python that the table lists.

The data are facts: names, parameters, kinds. Their source is Anvil's published API stubs, the
published Python and the source of its browser side. A file of ``table/`` holds ``modules``, each

    module: anvil.http
    functions: {request: "url * method data"}      name: parameters, as in a signature
    values: [UTC]                                   anything that is there
    objects: {app: {attributes: [id], methods: {get_asset: path}}}
    classes: {Media: {make: ..., instance: "expression", of: "module.Class",
                      attributes: [...], methods: {...}}}
    differs: {name: why}
    absent: {name: {why: ..., try: "expression", says: "part of Type: message"}}

or ``module: name`` with ``lacking: why``, where an import says that there is no such module.

``instance`` is an expression for an object of which the attributes are read; ``of`` names the class
that has the methods, where the public one only stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TABLE = Path(__file__).parent / "table"


def read(name: str) -> Any:
    return yaml.safe_load((TABLE / f"{name}.yaml").read_text("utf-8"))


def modules_of(side: str) -> list[dict[str, Any]]:
    """What is listed for ``side``: ``browser`` or ``server``."""
    found: list[dict[str, Any]] = []
    for part in ("core", "services"):
        found += read(f"{side}_{part}")["modules"]
    return found


@dataclass(frozen=True, slots=True)
class Name:
    """One name of the table. ``status`` is ``works``, ``differs`` or ``not there``."""

    name: str
    kind: str
    status: str = "works"
    note: str = ""


def names_in(module: dict[str, Any]) -> Iterator[Name]:
    """All that a module's entry lists, members as ``anvil.Media.name``."""
    prefix = module["module"]
    differs = dict(module.get("differs", {}))
    absent = module.get("absent", {})

    def make(name: str, kind: str) -> Name:
        note = differs.pop(name, "")
        return Name(f"{prefix}.{name}", kind, "differs" if note else "works", note)

    if "lacking" in module:
        yield Name(prefix, "module", "not there", module["lacking"])
        return
    yield Name(prefix, "module")
    for name in module.get("functions", {}):
        yield make(name, "function")
    for name in module.get("values", ()):
        yield make(name, "value")
    for kind in ("objects", "classes"):
        for name, entry in module.get(kind, {}).items():
            yield make(name, "class" if kind == "classes" else "value")
            for member in entry.get("methods", {}):
                yield make(f"{name}.{member}", "method")
            for member in entry.get("attributes", ()):
                yield make(f"{name}.{member}", "attribute")
    for name, entry in absent.items():
        yield Name(f"{prefix}.{name}", "name", "not there", entry["why"])
    if differs:
        raise ValueError(f"{prefix}: differs lists what is not there: {', '.join(differs)}")
