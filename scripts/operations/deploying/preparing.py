"""What a container does before the server starts: folders, and the image's releases."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import fasteners

from scripts.operations.databases import external_server
from scripts.operations.home import ROOT, Home, OperationError
from scripts.operations.releases import (
    Release,
    list_releases,
    remove_folder,
    set_writable,
    verify,
)

WAIT_SECONDS = 120.0
RETRY_SECONDS = 2.0


def take_releases(home: Home, source: Path) -> list[Release]:
    """Copy the releases that the installation has not yet; gives them. Each is checked against its
    manifest and appears whole; of several that do so at once, one does."""
    home.make()
    there = Home(source, source, source)
    taken = []
    with fasteners.InterProcessLock(home.data / ".releases.lock"):
        for left in home.releases.glob(".taking-*"):
            remove_folder(left)
        known = {release.version for release in list_releases(home)}
        for release in list_releases(there):
            if release.version in known:
                continue
            draft = home.releases / f".taking-{release.version}"
            shutil.copytree(release.folder, draft)
            verify(Release(release.version, draft))
            set_writable(draft, writable=False)
            # A folder that is moved has to be writable itself.
            draft.chmod(0o755)
            draft.rename(home.releases / release.version)
            (home.releases / release.version).chmod(0o555)
            taken.append(Release(release.version, home.releases / release.version))
    return taken


def wait_for_database(
    url: str,
    say: Callable[[str], None],
    seconds: float = WAIT_SECONDS,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Return once Postgres takes us, with the rights that making instances needs. Raises
    ``OperationError`` with the last reason when the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            external_server(url)
            return
        except OperationError as error:
            if time.monotonic() >= deadline:
                raise
            say(f"{error} Trying again ...")
            pause(RETRY_SECONDS)


def image_releases() -> Path:
    """Where an image brings its releases: beside its program."""
    return ROOT / "releases"
