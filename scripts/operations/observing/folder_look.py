"""What an instance's folder tells: its configuration, its backups and drills, what was begun."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from app_server.errors import StartupError
from app_server.tables.store import libpq_url
from scripts.operations.backups import Backup, list_backups, verify_backup
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder

# A backup is read whole once a day, and at once when its files look different.
VERIFY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class BackupsLook:
    """``newest`` of those that can be found; ``problem`` is why it cannot be restored, '' where it
    can, as far as its files tell. ``drill`` is the newest entry of the
    history; one that failed goes before others."""

    newest: Backup | None = None
    problem: str = ""
    drill: Mapping[str, Any] | None = None
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class FolderLook:
    """``problem``: why the configuration cannot be read. ``exposed``: files that others may read.
    ``begun`` is what was begun and is not complete, with the moment."""

    name: str
    path: Path
    problem: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    exposed: tuple[Path, ...] = ()
    created_at: datetime | None = None
    unfinished_since: datetime | None = None
    destroying_since: datetime | None = None
    release: str = ""
    is_release_there: bool = True
    backups: BackupsLook = field(default_factory=BackupsLook)
    history: Sequence[Mapping[str, Any]] = ()

    @property
    def origin(self) -> str:
        return str(self.config.get("origin") or "")

    @property
    def database_url(self) -> str | None:
        found = self.config.get("database")
        return libpq_url(found) if isinstance(found, str) and "://" in found else None


def look_at_folder(
    home: Home, instance: InstanceFolder, verified: Verified, apps: dict[str, list[str]]
) -> FolderLook:
    """Never raises: what cannot be read is told in ``problem``. ``apps`` is what was read of each
    app's ``anvil.yaml``, by instance: its stamp and what is wrong with it."""
    history = _read_history(instance)
    problem, config = _read_config(instance)
    if config:
        problem = _find_app_problem(instance, apps)
    link = instance.path / "master_template"
    return FolderLook(
        name=instance.name,
        path=instance.path,
        problem=problem,
        config=config,
        exposed=tuple(
            path
            for path in (instance.config_file, instance.log_ins_file, instance.destroying_marker)
            if _is_exposed(path)
        ),
        created_at=next((_read_time(e) for e in history if e.get("action") == "provision"), None),
        unfinished_since=_changed_at(instance.unfinished_marker),
        destroying_since=_changed_at(instance.destroying_marker),
        release=link.resolve().parent.name if link.is_symlink() else "",
        is_release_there=link.exists() or not link.is_symlink(),
        backups=_look_at_backups(home, instance, history, verified),
        history=history,
    )


class Verified:
    """Remembers which backups were read whole, so that no round reads gigabytes again. ``known`` by
    folder: ``{"stamp", "at", "problem"}``, as the store keeps it."""

    def __init__(self, now: datetime, known: Mapping[str, Any] | None = None, *, is_all: bool):
        self._now = now.timestamp()
        self._known = dict(known or {})
        self._is_all = is_all
        self.kept: dict[str, Any] = {}

    def find_problem(self, home: Home, backup: Backup) -> str:
        """'' where every file is as it was written."""
        stamp = _stamp_of(backup.folder)
        entry = self._known.get(str(backup.folder))
        is_fresh = entry and entry["stamp"] == stamp and self._now - entry["at"] < VERIFY_SECONDS
        if entry and is_fresh and not self._is_all:
            self.kept[str(backup.folder)] = entry
            return str(entry["problem"])
        try:
            verify_backup(home, backup)
            problem = ""
        except (OperationError, OSError, KeyError) as error:
            problem = str(error)
        self.kept[str(backup.folder)] = {"stamp": stamp, "at": self._now, "problem": problem}
        return problem


def _look_at_backups(
    home: Home, instance: InstanceFolder, history: Sequence[Mapping[str, Any]], verified: Verified
) -> BackupsLook:
    folders = {instance.backups}
    folders |= {
        Path(str(e["folder"])) for e in history if e.get("action") == "backup" and "folder" in e
    }
    found = []
    for folder in folders:
        try:
            found += [each for each in list_backups(folder) if each.instance_name == instance.name]
        except OSError:
            continue
    newest = max(found, key=lambda backup: backup.at, default=None)
    drills = {entry.get("kind"): entry for entry in history if entry.get("action") == "drill"}
    # Dumps and moments are tried apart: the newest of each, and one that failed before others.
    drill = max(
        drills.values(),
        key=lambda entry: (not entry.get("is_proven"), str(entry.get("at"))),
        default=None,
    )
    return BackupsLook(
        newest=newest,
        problem=verified.find_problem(home, newest) if newest else "",
        drill=drill,
        folders=tuple(sorted(folders)),
    )


def _stamp_of(folder: Path) -> str:
    try:
        entries = sorted((each.name, each.stat()) for each in folder.iterdir())
    except OSError as error:
        return str(error)
    return " ".join(f"{name}:{status.st_size}:{status.st_mtime_ns}" for name, status in entries)


def _find_app_problem(instance: InstanceFolder, apps: dict[str, list[str]]) -> str:
    path = instance.path / instance.package_name / "anvil.yaml"
    try:
        status = path.stat()
        stamp = f"{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"
        if apps.get(instance.name, [""])[0] != stamp:
            # Long: it is read again only where it changed.
            apps[instance.name] = [stamp, "" if instance.title else "it has no name"]
        return apps[instance.name][1]
    except (OSError, StartupError, AttributeError) as error:
        return f"{instance.package_name}/anvil.yaml cannot be read: {error}"


def _read_config(instance: InstanceFolder) -> tuple[str, dict[str, Any]]:
    if not instance.config_file.exists():
        return "", {}
    try:
        return "", instance.read_config()
    except (OperationError, OSError, ValueError, yaml.YAMLError) as error:
        return " ".join(str(error).split()), {}


def _read_history(instance: InstanceFolder) -> list[dict[str, Any]]:
    try:
        return instance.read_history()
    except (OSError, ValueError):
        return []


def _read_time(entry: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(entry["at"]))
    except (KeyError, ValueError):
        return None


def _changed_at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None


def _is_exposed(path: Path) -> bool:
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False
