"""Take back what a release renamed, when an instance goes back to the one before.

A rename is told once, in ``migrations.yaml``, and only forward. Without this, a column that has
another name in the newer release would be set aside, and be empty under its old one.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from app_server.apps.folder import read_yaml
from app_server.tables.migration_renames import RENAMES_FILE, Rename, parse_renames
from app_server.tables.names import META_SCHEMA
from scripts.operations.releases import APPS, Release

UNDO = "undo "


def find_undone(former: Release, target: Release) -> list[Rename]:
    """What takes back the renames that only the newer release knows, the last one first; none
    where ``target`` is the newer one."""
    if target.order >= former.order:
        return []
    return [
        _turn_round(entry)
        for app in reversed(APPS)
        for entry in reversed(_read(former, app))
        if entry.id not in {known.id for known in _read(target, app)}
    ]


def forget_undone(url: str, undone: Sequence[Rename]) -> None:
    """Have them be made again by the next upgrade, and taken back again by the next rollback."""
    if not undone:
        return
    with psycopg.connect(url) as connection:
        for entry in undone:
            names = [entry.id, entry.id.removeprefix(UNDO)]
            connection.execute(
                f"DELETE FROM {META_SCHEMA}.renames WHERE package = %s AND id = ANY(%s)".encode(),
                (entry.package, names),
            )


def _read(release: Release, app: str) -> list[Rename]:
    path = release.folder / app / RENAMES_FILE
    return parse_renames(read_yaml(path), app, str(path)) if path.is_file() else []


def _turn_round(entry: Rename) -> Rename:
    """``columns`` go by the names that tables have after the entry, which are the old ones now."""
    tables = {new: old for old, new in entry.tables.items()}
    columns = {
        tables.get(table, table): {new: old for old, new in names.items()}
        for table, names in entry.columns.items()
    }
    return Rename(entry.package, f"{UNDO}{entry.id}", tables, columns)
