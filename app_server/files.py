"""Files that are replaced in one step: whoever is killed meanwhile leaves the former one."""

from __future__ import annotations

import os
from pathlib import Path


def draft_of(path: Path) -> Path:
    """Where a file is written before it takes its place."""
    return path.with_name(f".{path.name}.new")


def replace_file(
    path: Path, text: str, *, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> None:
    """Write a file and put it into its place, with this mode whatever it was before. ``owner``:
    the ids of the user and the group that it is given to."""
    draft = draft_of(path)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(mode)
    if owner is not None:
        os.chown(draft, *owner)
    draft.replace(path)
