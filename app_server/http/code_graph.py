"""Which modules of client code need which others, as far as their sources and templates say.

A page is given the code that its first form needs before anything else. What this does not see is
fetched where it is imported, which has to wait. So it also looks into the strings of modules that
import by name (``__import__``): packages do so in a ``__getattr__``, where Python cannot wait.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from app_server import python_source

MODULES_KEPT = 5000
"""Instances share the modules of a release: a hundred of them are read once, which is most of what
their start takes."""

#: Modules by full name, each with the full names that it imports or shows.
Graph = Mapping[str, frozenset[str]]


@lru_cache(MODULES_KEPT)
def read_imports(name: str, is_package: bool, code: str) -> frozenset[str]:
    """Full names that may be modules and that ``code`` imports anywhere in it; none where it is no
    Python. ``from a import b`` gives both ``a`` and ``a.b``."""
    try:
        tree = python_source.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _resolve(name, is_package, node.level, node.module)
            if base is not None:
                found.add(base)
                found.update(f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute):
            # Anvil's modules are attributes of ``anvil`` without an import.
            if isinstance(node.value, ast.Name) and node.value.id == "anvil":
                found.add(f"anvil.{node.attr}")
        elif isinstance(node, ast.Name) and node.id == "__import__":
            found.update(_read_names(name, is_package, tree))
    return frozenset(found)


def _read_names(name: str, is_package: bool, tree: ast.AST) -> Iterator[str]:
    """Full names that texts in a module may mean: ``"._helpers"`` and ``"shop.helpers"``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.lstrip(".")
            if all(part.isidentifier() for part in text.split(".")):
                full = _resolve(name, is_package, len(node.value) - len(text), text)
                if full is not None:
                    yield full


def _resolve(name: str, is_package: bool, level: int, module: str | None) -> str | None:
    """What ``from ..module`` means in the module ``name``; None above the topmost package."""
    if level == 0:
        return module
    parts = name.split(".")
    kept = len(parts) - level + (1 if is_package else 0)
    if kept <= 0:
        return None
    return ".".join([*parts[:kept], *([module] if module else [])])


def read_forms(template: Any) -> Iterator[str]:
    """Full names of the forms that a template shows, in the JSON of app_server/templates."""
    if isinstance(template, dict):
        for key, value in template.items():
            is_name = key in ("type", "item_template") and isinstance(value, str)
            if is_name and "." in value:
                yield value
            yield from read_forms(value)
    elif isinstance(template, list):
        for item in template:
            yield from read_forms(item)


def module_name(path: str) -> str:
    """The full name of the module at a virtual path: ``src/lib/anvil/tables/__init__.js`` is
    ``anvil.tables``."""
    for root in ("src/builtin/", "src/lib/", "app/"):
        path = path.removeprefix(root)
    return path.removesuffix(".js").removesuffix("/__init__").replace("/", ".")


def find_needed(graph: Graph, names: Iterable[str]) -> set[str]:
    """The modules among ``names``, and all that they need in turn, with the packages around
    them."""
    needed: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in needed or not name:
            continue
        if name in graph:
            needed.add(name)
            waiting.extend(graph[name])
        waiting.append(name.rpartition(".")[0])
    return needed
