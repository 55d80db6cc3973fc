"""``docs/limits.md`` tells every limit as it is."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from app_server import limits

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "limits.md"
ROW = re.compile(r"\| `([\w.]+)` \| ([0-9.,]+)(?: (\w+)[^|]*)? \| ([^|]+) \| ([^|]+) \|")
UNITS = {
    "KB": 1024,
    "MB": 1024**2,
    "GB": 1024**3,
    "s": 1,
    "min": 1,
    "bytes": 1,
    "characters": 1,
    "of": 1,
    "": 1,
}
ROWS = [match.groups() for match in map(ROW.fullmatch, PAGE.read_text().splitlines()) if match]


def number_of(name: str) -> float:
    module, _, constant = name.rpartition(".")
    holder = importlib.import_module(f"app_server.tables.{module}") if module else limits
    return float(getattr(holder, constant))


@pytest.mark.parametrize(("name", "number", "unit", "_error", "places"), ROWS)
def test_the_page_tells_the_number(
    name: str, number: str, unit: str | None, _error: str, places: str
):
    assert float(number.replace(",", "")) * UNITS[unit or ""] == number_of(name)
    for place in re.findall(r"`([^`]+)`", places):
        path = ROOT / "app_server" / place
        assert path.exists(), f"there is no {place}"


def test_the_page_has_every_limit():
    told = {name for name, *_ in ROWS}
    named = {name for name in vars(limits) if name.isupper()}
    assert named <= told, f"docs/limits.md lacks {named - told}"


def test_a_row_for_each_line_of_the_tables():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert len(lines) == len(ROWS), "a row is not as the others"


@pytest.mark.parametrize("name", sorted(name for name in vars(limits) if name.isupper()))
def test_a_limit_is_used_where_the_page_says(name: str):
    (places,) = (row[4] for row in ROWS if row[0] == name)
    paths = [ROOT / "app_server" / place for place in re.findall(r"`([^`]+)`", places)]
    files = [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]
    assert any(name in file.read_text() for file in files), f"{name} is not used there"
