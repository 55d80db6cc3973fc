"""The page says what the data say, and the data cite tests that are there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.compatibility.names import TABLE, modules_of, names_in, read
from tests.compatibility.page import PAGE, all_rows, render

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == render(), "run `python -m tests.compatibility.page`"


@cache
def functions_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def cited(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value.get("tests", ())
        for inner in value.values():
            yield from cited(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from cited(inner)


@pytest.mark.parametrize("part", sorted(file.stem for file in TABLE.glob("*.yaml")))
def test_cited_tests_are_there(part: str) -> None:
    for test in cited(read(part)):
        file, _, name = test.partition("::")
        assert (ROOT / file).is_file(), test
        assert name.partition("[")[0] in functions_in(ROOT / file), test


def test_every_behaviour_cites_a_test() -> None:
    for entries in read("behaviours").values():
        assert all(entry["tests"] for entry in entries)
    for part in ("anvil.yaml", "services", "templates"):
        for key, entry in read("files")[part].items():
            assert entry.get("tests") or entry.get("designer") or "not there" in entry, key


def test_what_does_not_simply_work_says_why() -> None:
    for rows in all_rows().values():
        assert [row for row in rows if row.status != "works" and not row.note] == []


@pytest.mark.parametrize("side", ["browser", "server"])
def test_no_name_is_listed_twice(side: str) -> None:
    names = [name.name for module in modules_of(side) for name in names_in(module)]
    assert len(names) == len(set(names))
