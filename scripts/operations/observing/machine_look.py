"""What can be seen of the machine: its disks, its memory, its releases, its keys, its clock."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from scripts.operations.backup_keys import key_file, read_backup_key
from scripts.operations.home import Home, OperationError
from scripts.operations.releases import Release, find_changed_files, list_releases
from scripts.operations.wal.status import read_status


@dataclass(frozen=True, slots=True)
class DiskLook:
    """``used_by``: which of our folders lie there. ``inodes_percent``: of the files it can hold."""

    path: Path
    total_bytes: int
    free_bytes: int
    inodes_percent: float
    used_by: tuple[str, ...]

    @property
    def used_percent(self) -> float:
        return 100 * (1 - self.free_bytes / self.total_bytes) if self.total_bytes else 0.0


@dataclass(frozen=True, slots=True)
class MachineLook:
    """``changed_releases``: files that differ, by version. ``key_id`` is None where the backups'
    key is not there; ``clock_jump`` in seconds since the former round; ``archive_problem``: why
    changes of the embedded database are not archived, where they are to be."""

    disks: tuple[DiskLook, ...]
    free_memory_percent: float
    changed_releases: Mapping[str, list[str]] = field(default_factory=dict)
    key_id: str | None = None
    key_problem: str = ""
    write_problem: str = ""
    clock_jump: float = 0.0
    archive_problem: str = ""


def look_at_machine(
    home: Home, folders: Mapping[str, Path], stamps: dict[str, Any], clock_jump: float
) -> MachineLook:
    """``folders`` by what they are used for; ``stamps`` is what the former round saw of the
    releases, and is brought up to date."""
    memory = psutil.virtual_memory()
    key_id, key_problem = _read_key(home)
    return MachineLook(
        disks=tuple(_look_at_disks(folders)),
        free_memory_percent=100 * memory.available / memory.total,
        changed_releases=_find_changed(home, stamps),
        key_id=key_id,
        key_problem=key_problem,
        write_problem=_try_to_write(home.data / "observing" / ".probe"),
        clock_jump=clock_jump,
        archive_problem=_read_archive(home),
    )


def _look_at_disks(folders: Mapping[str, Path]) -> Iterable[DiskLook]:
    by_device: dict[int, tuple[Path, list[str]]] = {}
    for use, path in folders.items():
        there = next((each for each in (path, *path.parents) if each.exists()), None)
        if there is not None:
            entry = by_device.setdefault(there.stat().st_dev, (there, []))
            entry[1].append(use)
    for path, uses in by_device.values():
        usage, files = shutil.disk_usage(path), os.statvfs(path)
        inodes = 100 * (1 - files.f_favail / files.f_files) if files.f_files else 0.0
        yield DiskLook(path, usage.total, usage.free, inodes, tuple(uses))


def _find_changed(home: Home, stamps: dict[str, Any]) -> dict[str, list[str]]:
    """Files are hashed when their sizes or times are other ones than at the former look."""
    changed = {}
    there = {release.version: release for release in list_releases(home)}
    for version in set(stamps) - set(there):
        del stamps[version]
    for version, release in there.items():
        stamp = _stamp_of(release)
        entry = stamps.get(version)
        if entry is None or entry["stamp"] != stamp:
            entry = stamps[version] = {"stamp": stamp, "changed": _compare(release)}
        if entry["changed"]:
            changed[version] = list(entry["changed"])
    return changed


def _compare(release: Release) -> list[str]:
    try:
        return find_changed_files(release)
    except (OSError, ValueError, KeyError):
        return ["manifest.json"]


def _stamp_of(release: Release) -> str:
    entries = 0
    folded = 0
    for base, _folders, files in os.walk(release.folder):
        for name in files:
            status = os.lstat(os.path.join(base, name))
            entries += 1
            folded ^= hash((status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return f"{entries}:{folded}"


def _read_key(home: Home) -> tuple[str | None, str]:
    if not key_file(home).exists():
        return None, f"{key_file(home)} is not there"
    try:
        return read_backup_key(home).id, ""
    except (OperationError, OSError) as error:
        return None, str(error)


def _read_archive(home: Home) -> str:
    try:
        status = read_status(home)
    except (OperationError, OSError, ValueError) as error:
        return str(error)
    return status.problem if status.is_on else ""


def _try_to_write(path: Path) -> str:
    if not path.parent.parent.exists():
        # There is no installation yet.
        return ""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    except OSError as error:
        return f"{path.parent}: {error.strerror}"
    return ""
