"""How lists and facts look on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text


def make_table(
    heads: Sequence[str], rows: Iterable[Sequence[Any]], otherwise: str
) -> RenderableType:
    """A table, or one line where there are no rows."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return table if table.row_count else otherwise


def make_facts(facts: Mapping[str, Any]) -> str:
    """``name  value`` lines; those without a value are left out."""
    kept = {name: value for name, value in facts.items() if value not in (None, "")}
    width = max((len(name) for name in kept), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in kept.items())


def format_bytes(count: int | None) -> str:
    if count is None:
        return ""
    size = float(count)
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def format_seconds(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)
