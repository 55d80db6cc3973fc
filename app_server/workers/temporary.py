"""Folders that worker processes use: for temporary files of one instance's server code, and for
what modules were compiled to."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

from app_server.errors import StartupError

KEPT_SECONDS = 24 * 3600.0
CODE_KEPT_SECONDS = 30 * KEPT_SECONDS


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


@functools.cache
def find_code_folder() -> str:
    """Where the processes of all servers of this user keep compiled modules (``CodeStore``); ''
    where there can be no folder that is only this user's. What was put there 30 days ago goes."""
    if not hasattr(os, "getuid"):
        return ""
    folder = Path(tempfile.gettempdir()) / f"app-server-code-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            return ""
        for left in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if left.lstat().st_mtime < time.time() - CODE_KEPT_SECONDS:
                    left.unlink()
    except OSError:
        return ""
    return str(folder)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
