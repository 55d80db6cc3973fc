"""Sums of marketing mails: nobody writes what they count past them."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from master_template.server_marketing.mail_tallies import MOMENTS

CODE = Path(__file__).resolve().parents[2] / "master_template" / "server_code"
# Columns that the ledger alone has, and by which a mail counts for something.
COUNTED = {"settled_at", "settled_day", *MOMENTS.values()}
# What makes rows, and what tells the tallies of what it is about to write.
KNOWING = {"server_marketing/mail_tallies.py", "server_privacy/erasure_rules.py"}


def written_columns(tree: ast.AST) -> Iterator[str]:
    """Names of columns that are written into a row: ``row[name] = …``, ``row.update(name=…)``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                    yield str(target.slice.value)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "update":
            yield from (keyword.arg for keyword in node.keywords if keyword.arg)


def test_only_the_tallies_write_what_they_count() -> None:
    found = Counter(
        f"{file.relative_to(CODE)}: {column}"
        for file in sorted(CODE.rglob("*.py"))
        if str(file.relative_to(CODE)) not in KNOWING
        for column in written_columns(ast.parse(file.read_text()))
        if column in COUNTED
    )
    assert found == Counter()
    # The walk would see it.
    seen = written_columns(ast.parse("send['opened_at'] = now\nrow.update(settled_at=now)"))
    assert set(seen) == {"opened_at", "settled_at"}
