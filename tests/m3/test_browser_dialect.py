"""Python that runs in the browser stays within the dialect that Anvil's browser engine has.

The facts are Anvil's list of modules for client code, and what was seen to fail on Anvil's server.
The engine of the embedded server is the same one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = ("m3", "master_template", "management")

# Standard modules of Anvil's browser Python that work on both servers.
MODULES = {
    "array",
    "builtins",
    "calendar",
    "collections",
    "datetime",
    "fractions",
    "functools",
    "itertools",
    "json",
    "keyword",
    "math",
    "operator",
    "platform",
    "random",
    "re",
    "string",
    "sys",
    "time",
    "types",
    "uuid",
}
PACKAGES = {"anvil", *APPS}
MISSING_NAMES = {
    ("collections", "abc"): "collections.abc",
    ("datetime", "timezone"): "datetime.timezone",
}
MISSING_BUILTINS = {"aiter", "anext", "breakpoint", "memoryview"}


def faults(source: str, name: str = "code.py") -> list[str]:
    """What in a module the browser would refuse, as ``file:line: what``, in order."""
    tree = ast.parse(source, name)
    found = [(node.lineno, what) for node, what in walk(tree)]
    return [f"{name}:{line}: {what}" for line, what in sorted(found)]


def walk(tree: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from imported(node, alias.name, None)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                yield from imported(node, node.module or "", alias.name)
        elif isinstance(node, ast.Nonlocal):
            yield node, "nonlocal"
        elif isinstance(node, ast.NamedExpr):
            yield node, "assignment expression (:=)"
        elif isinstance(node, ast.Match):
            yield node, "match statement"
        elif isinstance(node, (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)):
            yield node, "async"
        elif isinstance(node, ast.TryStar):
            yield node, "except*"
        elif isinstance(node, (ast.FunctionDef, ast.Lambda)):
            yield from arguments(node)
        elif isinstance(node, ast.AnnAssign):
            yield from annotation(node.annotation)
        elif isinstance(node, ast.JoinedStr):
            yield from debugging_fields(node)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            missing = MISSING_NAMES.get((node.value.id, node.attr))
            if missing:
                yield node, missing
        elif isinstance(node, ast.Name) and node.id in MISSING_BUILTINS:
            yield node, f"the builtin {node.id}"
        elif isinstance(node, ast.With) and len(node.items) > 1 and is_parenthesised(node):
            yield node, "parenthesised with"


def imported(node: ast.stmt, module: str, name: str | None) -> Iterator[tuple[ast.stmt, str]]:
    top = module.split(".")[0]
    if (
        top not in MODULES
        and top not in PACKAGES
        or top == "collections"
        and module != "collections"
    ):
        yield node, f"import of {module}"
    elif name and (module, name) in MISSING_NAMES:
        yield node, MISSING_NAMES[module, name]


def arguments(node: ast.FunctionDef | ast.Lambda) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    if node.args.posonlyargs:
        yield node, "positional-only parameters (/)"
    if node.args.kwarg and node.args.kwarg.arg == "arguments":
        # Skulpt binds it under another name than it reads it by.
        yield node, "a parameter called **arguments"
    if isinstance(node, ast.FunctionDef):
        every = [*node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        for found in [argument.annotation for argument in every if argument] + [node.returns]:
            if found:
                yield from annotation(found)
        if node.type_params if hasattr(node, "type_params") else None:
            yield node, "type parameters"


def annotation(node: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    """An annotation is evaluated in the browser, where types have no ``|``."""
    for part in ast.walk(node):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitOr):
            yield part, "X | Y in an annotation"


def debugging_fields(node: ast.JoinedStr) -> Iterator[tuple[ast.expr, str]]:
    """``f"{x=}"`` parses to the text ``x=`` before a field that is shown by repr."""
    for before, field in zip(node.values, node.values[1:], strict=False):
        if (
            isinstance(field, ast.FormattedValue)
            and field.conversion == ord("r")
            and isinstance(before, ast.Constant)
            and str(before.value).rstrip().endswith(ast.unparse(field.value) + "=")
        ):
            yield node, 'f"{x=}"'


def is_parenthesised(node: ast.With) -> bool:
    first = node.items[0].context_expr
    return first.lineno > node.lineno


def browser_modules() -> list[Path]:
    return [path for app in APPS for path in sorted((ROOT / app / "client_code").rglob("*.py"))]


def test_browser_code_stays_in_the_dialect() -> None:
    modules = browser_modules()
    assert any(path.is_relative_to(ROOT / "m3") for path in modules)
    found = [
        fault
        for path in modules
        for fault in faults(path.read_text("utf-8"), str(path.relative_to(ROOT)))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import dataclasses", "import of dataclasses"),
        ("from enum import Enum", "import of enum"),
        ("from decimal import Decimal", "import of decimal"),
        ("from zoneinfo import ZoneInfo", "import of zoneinfo"),
        ("import requests", "import of requests"),
        ("from collections.abc import Mapping", "import of collections.abc"),
        ("from datetime import timezone", "datetime.timezone"),
        ("import datetime\ndatetime.timezone.utc", "datetime.timezone"),
        ("def f():\n x = 1\n def g():\n  nonlocal x", "nonlocal"),
        ("if (x := 1): pass", "assignment expression (:=)"),
        ("match 1:\n case 1: pass", "match statement"),
        ("async def f(): pass", "async"),
        ("def f(a, /): pass", "positional-only parameters (/)"),
        ('x = 1\nprint(f"{x=}")', 'f"{x=}"'),
        ("def f(a: int | None): pass", "X | Y in an annotation"),
        ("def f(**arguments): pass", "a parameter called **arguments"),
    ],
)
def test_refuses_what_the_browser_lacks(source: str, what: str) -> None:
    found = faults(source)
    assert found
    assert found[0].endswith(what)


@pytest.mark.parametrize(
    "source",
    [
        "import anvil.server\nfrom anvil import alert\nfrom ..shared import api",
        "from datetime import date\nfrom m3.components import Button",
        'x = 1\nprint(f"{x!r} {x:02d}", f"a={x!r}")',
        "def f(a, *b, c=1, **d): return [*b, {**d}]",
        "def f(a: list[int]) -> dict[str, int]: return a[0] | 2",
    ],
)
def test_lets_pass_what_the_browser_has(source: str) -> None:
    assert not faults(source)
