"""The codes that a caller may get: those of the page are those of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVER_CODE = ROOT / "master_template" / "server_code"
CLIENT_API = ROOT / "master_template" / "client_code" / "shared" / "api.py"
PAGE = ROOT / "docs" / "error-codes.md"
# Raised by callables.py itself, where it is a key of the envelope.
OF_THE_GUARD = {"internal"}


def words(node: ast.AST) -> Iterator[str]:
    """The texts that an expression can be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from words(node.body)
        yield from words(node.orelse)


def raised() -> set[str]:
    """Every ``code = "..."`` of a class and ``code="..."`` of a call in the server code."""
    found = set(OF_THE_GUARD)
    for file in SERVER_CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                for step in node.body:
                    if isinstance(step, ast.Assign) and ast.unparse(step.targets[0]) == "code":
                        found |= set(words(step.value))
            elif isinstance(node, ast.Call):
                for keyword in node.keywords:
                    if keyword.arg == "code":
                        found |= set(words(keyword.value))
    return found


def documented() -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.M))


def test_each_code_is_on_the_page_and_no_other() -> None:
    assert len(documented()) > 30
    assert raised() == documented()


def test_codes_are_words() -> None:
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in documented())


def test_the_browsers_own_codes_are_told() -> None:
    own = set(re.findall(r'ApiError\("(\w+)"', CLIENT_API.read_text()))
    assert own and all(f"`{code}`" in PAGE.read_text() for code in own)
