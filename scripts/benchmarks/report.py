"""The figures as the table in docs/benchmarks.md."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from scripts.benchmarks.figures import Figure, rounded

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "benchmarks.md"
BEGIN = "<!-- figures: written by scripts/bench --write -->"
END = "<!-- end of figures -->"


class ReportError(Exception):
    """The page has no place for the figures."""


def write_table(figures: Sequence[Figure], page: Path = PAGE) -> None:
    """Put the figures in the place of those that stand there. ReportError where the page has lost
    its marks."""
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ReportError(f"{page} has to hold the lines {BEGIN!r} and {END!r}.")
    page.write_text(f"{before}{BEGIN}\n{make_table(figures)}\n{END}{after}")


def make_table(figures: Sequence[Figure]) -> str:
    """Markdown: a line of circumstances and a row a figure."""
    day = dt.datetime.now(dt.UTC).date().isoformat()
    cores = os.cpu_count()
    python = platform.python_version()
    lines = [
        f"Measured on {day}, {cores} cores, Python {python}, all on one machine.",
        "",
        "| figure | here | to reach | Anvil's server 1.17 | in the same run |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_row, figures)])


def _row(figure: Figure) -> str:
    unit = "/s" if figure.unit == "1/s" else f" {figure.unit}"
    goal = anvil = base = ""
    if figure.goal is not None:
        goal = f"{'at least' if figure.is_rate else 'at most'} {_text(figure.goal)}{unit}"
    if figure.anvil is not None:
        low, high = figure.anvil
        anvil = f"{_text(low)}{unit}" if low == high else f"{_text(low)}-{_text(high)}{unit}"
    if figure.baseline is not None:
        base = f"{figure.baseline_name}: {_text(figure.baseline)}{unit}"
        if figure.baseline:
            base += f" (x {_text(figure.value / figure.baseline)})"
    here = f"{_text(figure.value)}{unit}"
    if figure.reaches_goal is False:
        here = f"**{here}**"
    return f"| {figure.name} | {here} | {goal} | {anvil} | {base} |"


def _text(value: float) -> str:
    number = rounded(value)
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:g}"
