"""What differs between two releases: code, tables, services and scheduled tasks."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scripts.operations.releases import Release

# They differ in every release, and say nothing of the product.
LEFT_OUT = {"RELEASE.md"}
MAX_TEXT_BYTES = 500_000
TASKS = "scheduled_tasks"


@dataclass(frozen=True)
class Change:
    """One thing that is ``added``, ``removed`` or ``changed``; ``detail`` says how."""

    how: str
    name: str
    detail: str = ""

    @property
    def sign(self) -> str:
        return {"added": "+", "removed": "-", "changed": "~"}[self.how]

    def __str__(self) -> str:
        return f"{self.sign} {self.name}" + (f"  ({self.detail})" if self.detail else "")


@dataclass(frozen=True)
class Difference:
    """``schema`` names tables, columns (``contacts.email``), indexes and rules."""

    files: tuple[Change, ...]
    schema: tuple[Change, ...]
    services: tuple[Change, ...]
    tasks: tuple[Change, ...]

    @property
    def parts(self) -> dict[str, tuple[Change, ...]]:
        return {
            "schema": self.schema,
            "services": self.services,
            "scheduled tasks": self.tasks,
            "files": self.files,
        }


def compare(old: Release, new: Release) -> Difference:
    before, after = _read_app(old), _read_app(new)
    return Difference(
        files=tuple(_compare_files(old, new)),
        schema=(
            *_compare_tables(before.get("db_schema") or {}, after.get("db_schema") or {}),
            *_compare_maps(_read_rules(old), _read_rules(new)),
        ),
        services=tuple(_compare_maps(_by(before, "source"), _by(after, "source"))),
        tasks=tuple(_compare_maps(_by(before, "job_id", TASKS), _by(after, "job_id", TASKS))),
    )


def make_patch(old: Release, new: Release) -> str:
    """The changed text files as a unified diff."""
    lines: list[str] = []
    for change in _compare_files(old, new):
        before, after = (_read_text(each.folder / change.name) for each in (old, new))
        if before is None or after is None:
            lines.append(f"Binary files {old.version}/{change.name} differ\n")
            continue
        names = (f"{old.version}/{change.name}", f"{new.version}/{change.name}")
        lines += difflib.unified_diff(before, after, *names)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _compare_files(old: Release, new: Release) -> list[Change]:
    before, after = (each.read_manifest()["files"] for each in (old, new))
    names = (before.keys() | after.keys()) - LEFT_OUT
    changes = []
    for name in sorted(names):
        if before.get(name) == after.get(name):
            continue
        how = "added" if name not in before else "removed" if name not in after else "changed"
        changes.append(Change(how, name, _count_lines(old.folder / name, new.folder / name)))
    return changes


def _count_lines(old: Path, new: Path) -> str:
    before, after = _read_text(old), _read_text(new)
    if before is None or after is None:
        return "binary"
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    added = removed = 0
    for tag, low, high, new_low, new_high in matcher.get_opcodes():
        if tag != "equal":
            removed, added = removed + high - low, added + new_high - new_low
    return f"+{added} -{removed} lines"


def _read_text(path: Path) -> list[str] | None:
    """Its lines, none where there is no file; None where it is no text for people."""
    if not path.exists():
        return []
    if path.stat().st_size > MAX_TEXT_BYTES or ".min." in path.name:
        return None
    try:
        return path.read_text().splitlines(keepends=True)
    except UnicodeDecodeError:
        return None


def _read_app(release: Release) -> dict[str, Any]:
    loaded = yaml.safe_load((release.folder / "master_template" / "anvil.yaml").read_text())
    return dict(loaded or {})


def _read_rules(release: Release) -> dict[str, Any]:
    """Rules of ``constraints.yaml`` by the name that a person would look for."""
    path = release.folder / "master_template" / "constraints.yaml"
    if not path.exists():
        return {}
    return _flatten(yaml.safe_load(path.read_text()) or {}, "rule")


def _flatten(content: Any, name: str) -> dict[str, Any]:
    if isinstance(content, dict):
        found: dict[str, Any] = {}
        for key, value in content.items():
            found.update(_flatten(value, f"{name} {key}"))
        return found
    if isinstance(content, list) and all(isinstance(each, dict) for each in content):
        return {f"{name} {_label(each)}": each for each in content}
    return {name: content}


def _label(rule: Mapping[str, Any]) -> str:
    return str(rule.get("name") or yaml.safe_dump(dict(rule), default_flow_style=True).strip())


def _by(app: Mapping[str, Any], key: str, part: str = "services") -> dict[str, Any]:
    return {str(each.get(key)): each for each in app.get(part) or [] if isinstance(each, dict)}


def _compare_maps(
    before: Mapping[str, Any], after: Mapping[str, Any], name: str = ""
) -> list[Change]:
    changes = [Change("removed", name + key) for key in before if key not in after]
    for key, value in after.items():
        if key not in before:
            changes.append(Change("added", name + key))
        elif before[key] != value:
            changes.append(Change("changed", name + key, _tell(before[key], value)))
    return changes


def _compare_tables(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    changes = _compare_maps(dict.fromkeys(before), dict.fromkeys(after), "table ")
    for table in after:
        if table not in before:
            continue
        old, new = before[table], after[table]
        changes += _compare_maps(_columns(old), _columns(new), f"column {table}.")
        rest = [{k: v for k, v in each.items() if k != "columns"} for each in (old, new)]
        if rest[0] != rest[1]:
            changes.append(Change("changed", f"table {table}", _tell(*rest)))
    return changes


def _columns(table: Mapping[str, Any]) -> dict[str, Any]:
    return {str(column["name"]): column for column in table.get("columns") or []}


def _tell(before: Any, after: Any) -> str:
    """Which entries of a map differ, short enough for a line."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return f"{_short(before)} -> {_short(after)}"
    names = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return "; ".join(
        f"{key}: {_short(before.get(key))} -> {_short(after.get(key))}" for key in names
    )


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
