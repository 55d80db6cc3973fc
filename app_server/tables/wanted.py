"""What an app and its dependencies want of the database: ``db_schema`` and ``table_id_hints`` of
``anvil.yaml``, ``constraints.yaml`` and ``migrations.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app_server.apps import App
from app_server.apps.folder import read_yaml
from app_server.errors import StartupError
from app_server.tables.migration_renames import RENAMES_FILE, Rename, parse_renames
from app_server.users.schema import complete_schema

CONSTRAINTS_FILE = "constraints.yaml"


def schema_of(app: App) -> dict[str, Any]:
    """Arguments of ``TableStore.open`` and ``TableStore.migrate``. StartupError where a file is
    wrong."""
    return {
        "db_schema": complete_schema(app),
        "constraints": read_constraints(app),
        "renames": read_renames(app),
        "hints": read_hints(app),
        "app_version": describe_version(app),
    }


def describe_version(app: App) -> str:
    """The versions of dependencies that are pinned, such as ``master_template v1.2.0``, and of the
    app itself."""
    pinned = [
        f"{dependency.package_name} {dependency.version_spec['version_tag']}"
        for dependency in app.dependencies
        if dependency.version_spec.get("version_tag")
    ]
    return ", ".join([*pinned, f"{app.package_name} {app.version}"])


def read_hints(app: App) -> dict[str, Any] | None:
    """``table_id_hints`` of the app; what it does not say, its dependencies may: an instance has
    its ``db_schema`` from one of them."""
    merged: dict[str, Any] = {}
    for package in app.packages:
        hints = package.yaml.get("table_id_hints")
        merged |= hints if isinstance(hints, dict) else {}
    return merged or None


def read_renames(app: App) -> list[Rename]:
    """The renames in ``migrations.yaml`` of the dependencies, and then of the app itself."""
    found = []
    for package in app.packages:
        path = package.folder / RENAMES_FILE
        if path.is_file():
            found += parse_renames(read_yaml(path), package.package_name, str(path))
    return found


def read_constraints(app: App) -> Any:
    """The rules in ``constraints.yaml`` of the app and of its dependencies, by table; the app's own
    come last."""
    merged: dict[str, dict[str, Any]] = {}
    for package in app.packages:
        path = package.folder / CONSTRAINTS_FILE
        if not path.is_file():
            continue
        content = read_yaml(path) or {}
        if not isinstance(content, dict):
            raise StartupError(f"{path} has to be a mapping of tables to their rules.")
        for table, rules in content.items():
            _merge_rules(merged.setdefault(str(table), {}), rules, path)
    return merged or None


def _merge_rules(into: dict[str, Any], rules: Any, path: Path) -> None:
    if not isinstance(rules, dict):
        raise StartupError(f"{path}: the rules of a table have to be a mapping.")
    for kind, entries in rules.items():
        present = into.get(kind)
        if isinstance(entries, list) and isinstance(present, list):
            into[kind] = [*present, *entries]
        elif isinstance(entries, dict) and isinstance(present, dict):
            into[kind] = {**present, **entries}
        else:
            into[kind] = entries
