"""Contacts are written in one place, which keeps their segments and tells the other areas."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from master_template.server_customers import contact_changes, segment_members
from master_template.server_customers.segment_members import Judge

SERVER_CODE = Path(__file__).resolve().parents[2] / "master_template" / "server_code"
GATE = "server_customers/contact_changes.py"
# Who may write contacts past it, each with the reason.
PAST_IT = {
    "server_privacy/erasure_service.py": "a person who is erased leaves without a word",
}
WRITES = {"add_row", "add_rows", "delete_all_rows"}


def _is_contacts(node: ast.expr) -> bool:
    """``app_tables.contacts`` or ``app_tables["contacts"]``."""
    if isinstance(node, ast.Attribute):
        return node.attr == "contacts" and ast.unparse(node.value).endswith("app_tables")
    return ast.unparse(node) in ("app_tables['contacts']", "tables.app_tables['contacts']")


def _is_row_of_contacts(node: ast.expr, rows: set[str]) -> bool:
    """Whether this is a name that stands for a contact's row."""
    return isinstance(node, ast.Name) and node.id in rows


def _rows_found(function: ast.AST) -> set[str]:
    """The names that stand for a contact's row in a function: by what they are called, unless they
    are given something plain, or by what they are given."""
    found = {"contact", "contact_row"}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.For):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            source = node.value if isinstance(node, ast.Assign) else node.iter
            if isinstance(target, ast.Name) and ast.unparse(source).startswith(("dict(", "{")):
                found.discard(target.id)
            calls = [each for each in ast.walk(source) if isinstance(each, ast.Call)]
            if isinstance(target, ast.Name) and any(
                isinstance(call.func, ast.Attribute)
                and call.func.attr in ("get", "get_by_id", "search")
                and _is_contacts(call.func.value)
                for call in calls
            ):
                found.add(target.id)
    return found


def find_writes(source: str) -> Iterator[str]:
    """Each place in some code that writes to the table of contacts or to one of its rows."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        rows = _rows_found(function)
        for node in ast.walk(function):
            place = f"line {getattr(node, 'lineno', 0)} in {function.name}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                holder, verb = node.func.value, node.func.attr
                is_row = verb in ("update", "delete") and _is_row_of_contacts(holder, rows)
                if is_row or (verb in WRITES and _is_contacts(holder)):
                    yield place
            elif isinstance(node, ast.Assign | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    if isinstance(target, ast.Subscript) and _is_row_of_contacts(
                        target.value, rows
                    ):
                        yield place


def test_nobody_writes_contacts_past_it() -> None:
    past = {}
    for file in sorted(SERVER_CODE.rglob("*.py")):
        name = str(file.relative_to(SERVER_CODE))
        if name != GATE and name not in PAST_IT:
            found = sorted(set(find_writes(file.read_text())))
            if found:
                past[name] = found
    assert past == {}


@pytest.mark.parametrize(
    "line",
    [
        "app_tables.contacts.add_row(email=None)",
        "app_tables['contacts'].add_rows([])",
        "contact.update(status='lead')",
        "contact['tags'] = []",
        "row = app_tables.contacts.get(number=1); row.update(status='lead')",
        "row = app_tables.contacts.get(number=1); row['status'] = 'lead'",
        "app_tables.contacts.delete_all_rows()",
    ],
)
def test_the_walk_sees_a_write(line: str) -> None:
    assert list(find_writes(f"def change(contact):\n    {line}"))


def test_the_walk_lets_others_be() -> None:
    source = (
        "def change(contact):\n    row = app_tables.tasks.get(contact=contact)\n"
        "    row['title'] = contact['email']\n    values['contact'] = contact"
    )
    assert not list(find_writes(source))


class FakeRow(dict[str, Any]):
    """A row as the services use one."""


def _segment(number: int, tag: str | None, **more: Any) -> FakeRow:
    rules = [{"field": "tags", "operator": "has_any_of", "value": [tag]}]
    return FakeRow(
        segment_id=f"S-{number}",
        segment_type="custom" if tag else "static",
        filter_criteria={"match": "all", "rules": rules} if tag else None,
        is_active=True,
        state="ready",
        **more,
    )


class _Tables:
    """Stands for the tables: what a search in ``segments`` gives."""

    def __init__(self, rows: list[FakeRow]) -> None:
        self.segments = self
        self._rows = rows

    def search(self, *_query: Any, **_columns: Any) -> list[FakeRow]:
        return self._rows


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What is told, in this order, and with the names of segments for their rows."""
    told: list[tuple[str, Any]] = []

    def tell(name: str, **facts: Any) -> None:
        told.append((name, facts["segment"]["segment_id"] if "segment" in facts else facts))

    monkeypatch.setattr(contact_changes, "tell", tell)
    return told


def _judge(monkeypatch: pytest.MonkeyPatch, *segments: FakeRow) -> Judge:
    monkeypatch.setattr(segment_members, "app_tables", _Tables(list(segments)))
    monkeypatch.setattr(segment_members, "business_now", lambda: None)
    return Judge()


def test_who_comes_in_is_told_and_who_leaves(
    monkeypatch: pytest.MonkeyPatch, heard: list[tuple[str, Any]]
) -> None:
    _judge(monkeypatch, _segment(1, "red"), _segment(2, "blue"), _segment(3, None))
    row = FakeRow(tags=["red"], segments=["S-1", "S-3"], deleted_at=None, version=1)
    before = contact_changes.change_contact(row, {"tags": ["blue"], "version": 2})
    assert row["segments"] == ["S-3", "S-2"]
    assert before == {"tags": ["red"], "version": 1}
    assert [name for name, _ in heard] == ["contact_changed", "segment_left", "segment_entered"]
    assert heard[0][1]["before"] == {"tags": ["red"]}
    assert [facts for _, facts in heard[1:]] == ["S-1", "S-2"]


def test_bookkeeping_alone_is_not_told(
    monkeypatch: pytest.MonkeyPatch, heard: list[tuple[str, Any]]
) -> None:
    _judge(monkeypatch, _segment(1, "red"))
    row = FakeRow(tags=["red"], segments=["S-1"], deleted_at=None, version=1)
    contact_changes.change_contact(row, {"tags": ["red"], "version": 2})
    assert heard == [] and row["version"] == 2


def test_nobody_is_told_of_a_segment_that_is_being_filled(
    monkeypatch: pytest.MonkeyPatch, heard: list[tuple[str, Any]]
) -> None:
    filling = _segment(1, "red") | {"state": "filling"}
    _judge(monkeypatch, FakeRow(filling))
    row = FakeRow(tags=[], segments=[], deleted_at=None)
    contact_changes.change_contact(row, {"tags": ["red"]})
    assert row["segments"] == ["S-1"]
    assert [name for name, _ in heard] == ["contact_changed"]


def test_a_deleted_contact_keeps_only_what_was_chosen_by_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge = _judge(monkeypatch, _segment(1, "red"), _segment(2, None))
    values = {"tags": ["red"], "deleted_at": "now"}
    assert judge.judge(values, ["S-1", "S-2", "S-99"]).segments == ["S-2"]


def test_hand_picked_lists_are_told_too(heard: list[tuple[str, Any]], studio_batch: None) -> None:
    row, chosen, other = FakeRow(segments=["S-1"]), _segment(2, None), _segment(1, None)
    assert contact_changes.change_membership([row], add=[chosen], remove=[other]) == 1
    assert row["segments"] == ["S-2"]
    assert heard == [("segment_left", "S-1"), ("segment_entered", "S-2")]
    assert contact_changes.change_membership([row], add=[chosen], remove=[other]) == 0


@pytest.fixture
def studio_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that needs no server."""
    monkeypatch.setattr(contact_changes.tables, "batch_update", nullcontext())
