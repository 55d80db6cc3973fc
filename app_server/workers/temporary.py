"""The folder for temporary files of one instance's server code."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from app_server.errors import StartupError

KEPT_SECONDS = 24 * 3600.0


def make_temporary_folder(data_folder: Path) -> Path:
    """Where ``tempfile`` puts what server code makes, in an instance's data folder. One folder for
    all instances would let them meet: ``anvil.files`` keeps its copies by table number, which two
    databases may have in common. What was left there a day ago or longer goes. StartupError."""
    folder = data_folder / "tmp"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StartupError(f"Cannot make {folder}: {error.strerror}.") from error
    for left in folder.iterdir():
        try:
            if left.lstat().st_mtime < time.time() - KEPT_SECONDS:
                _remove(left)
        except FileNotFoundError:
            continue
    return folder


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
