"""Which of the known releases runs here, where that has changed since the operator told of them."""

from __future__ import annotations

from typing import Any

from anvil.tables import app_tables

from .release_fields import order_of


def note_installed(version: str) -> bool:
    """Mark a known release as the one that runs here, and forget those before it; whether that was
    news. One that nobody has told of stays unknown. Call it inside a transaction."""
    row = app_tables.platform_releases.get(version=version)
    if row is None or row["is_installed"]:
        return False
    former = app_tables.platform_releases.get(is_installed=True)
    if former is not None:
        former["is_installed"] = False
    row["is_installed"] = True
    for each in list(app_tables.platform_releases.search()):
        if order_of(each["version"]) < order_of(version):
            forget(each)
    return True


def forget(release: Any) -> None:
    """Take a release away, and what people said of its notice."""
    for each in app_tables.release_dismissals.search(release=release):
        each.delete()
    release.delete()
