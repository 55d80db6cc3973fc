"""Rows through Anvil's own library: add, read, change, delete."""

from __future__ import annotations

from typing import Any


def test_adds_finds_and_changes_a_row(app_tables: Any) -> None:
    row = app_tables.people.add_row(first_name="Olga", is_member=True)
    row["Age in years"] = 41
    found = app_tables.people.search(first_name="Olga")
    assert [dict(r)["Age in years"] for r in found] == [41]
    assert app_tables.people.get(first_name="Olga") == row
    assert row["friend"] is None
    row.delete()
    assert len(app_tables.people.search()) == 0
