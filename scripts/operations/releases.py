"""Releases: frozen, numbered copies of the template that instances pin.

``releases/v1.2.0/`` holds ``master_template/``, ``m3/``, ``RELEASE.md``, ``manifest.json`` with the
SHA-256 of every file, and ``MIGRATION.md`` where it breaks something. A release never changes once
it is published; ``verify`` tells if it did.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from scripts.operations.home import ROOT, Home, OperationError

APPS = ("master_template", "m3")
# Sources of m3's bundle are not part of the app that a browser gets.
LEFT_OUT = {"__pycache__", ".DS_Store", "web", ".ruff_cache", ".mypy_cache"}
GUIDE = "MIGRATION.md"
VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Release:
    """A published version: ``v1.2.0`` and the folder it lies in. Or, not published, the checkout as
    it stands (``scripts/develop``)."""

    version: str
    folder: Path
    is_published: bool = True

    def read_manifest(self) -> dict[str, Any]:
        """``version``, ``published_at``, ``files`` (SHA-256 by path) and, where it was published
        from git, ``commit``, ``kind`` (``fix``, ``feature``, ...), ``by``."""
        loaded: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text())
        return loaded

    def read_notes(self) -> str:
        return (self.folder / "RELEASE.md").read_text()

    def read_guide(self) -> str:
        """What people have to do or know before they take it; '' where that is nothing."""
        path = self.folder / GUIDE
        return path.read_text() if path.exists() else ""

    @property
    def order(self) -> tuple[int, ...]:
        match = VERSION.fullmatch(self.version)
        assert match
        return tuple(int(part) for part in match.groups())


def list_releases(home: Home) -> list[Release]:
    """All published releases, oldest first."""
    if not home.releases.exists():
        return []
    found = [
        Release(folder.name, folder)
        for folder in home.releases.iterdir()
        if VERSION.fullmatch(folder.name) and (folder / "manifest.json").exists()
    ]
    return sorted(found, key=lambda release: release.order)


def find_release(home: Home, version: str) -> Release:
    for release in list_releases(home):
        if release.version == version:
            return release
    known = ", ".join(release.version for release in list_releases(home)) or "none"
    raise OperationError(f"There is no release {version}; published are: {known}.")


def project_version() -> str:
    """``v`` and the version of ``pyproject.toml``."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return f"v{data['project']['version']}"


def check_new_version(home: Home, version: str) -> None:
    """Raise ``OperationError`` unless this is a version that is not published yet."""
    if not VERSION.fullmatch(version):
        raise OperationError(f"A version looks like v1.2.0; this is {version!r}.")
    if (home.releases / version).exists():
        raise OperationError(
            f"Release {version} exists already and never changes. Raise the version."
        )


def publish(
    home: Home,
    version: str,
    notes: str,
    source: Path = ROOT,
    facts: Mapping[str, object] | None = None,
    guide: str = "",
) -> Release:
    """Freeze the apps of ``source`` as ``version``, with ``facts`` in its manifest and perhaps a
    migration ``guide``. Either the whole release appears or nothing. What has to be checked before
    is in ``publishing.py``."""
    check_new_version(home, version)
    target = home.releases / version
    if not (source / "m3" / "theme" / "assets" / "m3.js").exists():
        raise OperationError("m3's browser bundle is not built: run `node m3/web/build.mjs` first.")
    home.releases.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".publishing-", dir=home.releases))
    try:
        for app in APPS:
            shutil.copytree(source / app, staging / app, ignore=shutil.ignore_patterns(*LEFT_OUT))
        pin_dependencies(staging / "master_template" / "anvil.yaml", version)
        (staging / "RELEASE.md").write_text(f"# {version}\n\n{notes.strip()}\n")
        if guide.strip():
            (staging / GUIDE).write_text(f"{guide.strip()}\n")
        manifest = {
            "version": version,
            "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **(facts or {}),
            "files": hash_files(staging),
        }
        (staging / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
        set_writable(staging, writable=False)
        staging.chmod(0o755)
        try:
            staging.rename(target)
        except OSError:
            # Somebody else published the same version meanwhile.
            check_new_version(home, version)
            raise
        target.chmod(0o555)
    except BaseException:
        remove_folder(staging)
        raise
    return Release(version, target)


def pin_dependencies(manifest: Path, version: str) -> None:
    """Name the release's own version for each dependency: an app can hold one version of each, and
    both servers refuse one that asks for another than its dependencies do."""
    app = yaml.safe_load(manifest.read_text())
    for dependency in app.get("dependencies") or []:
        dependency["version"] = {"version_tag": version}
    manifest.write_text(yaml.safe_dump(app, sort_keys=False, allow_unicode=True))


def hash_files(folder: Path) -> dict[str, str]:
    """SHA-256 by relative path of every file below ``folder``, the manifest excepted."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }


def verify(release: Release) -> None:
    """Raise ``OperationError`` naming the files, if any differs from what was published. The
    checkout may change as it likes."""
    if not release.is_published:
        return
    changed = find_changed_files(release)
    if changed:
        shown = ", ".join(changed[:5]) + (" ..." if len(changed) > 5 else "")
        raise OperationError(
            f"Release {release.version} is not what was published; {len(changed)} file(s) differ: "
            f"{shown}. Restore {release.folder} from a backup, or publish a new version."
        )


def find_changed_files(release: Release) -> list[str]:
    """Paths that are not as they were published: changed, added or missing."""
    expected, found = release.read_manifest()["files"], hash_files(release.folder)
    return sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )


def set_writable(folder: Path, *, writable: bool) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | 0o200 if writable else mode & ~0o222)


def remove_folder(folder: Path) -> None:
    """Remove a folder even where its files were made read-only."""
    if folder.exists():
        set_writable(folder, writable=True)
        for path in folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                os.chmod(path, 0o755)
        shutil.rmtree(folder)
