"""Backups of an instance: made while it is in use, sealed, with what proves them.

``client_instances/<name>/backups/20261121T103000123Z/`` holds

- ``database.dump.sealed``: a dump by ``pg_dump``;
- ``files.tar.sealed``: its configuration with the keys, its app, its data folder;
- ``manifest.json``: checksums of both, rows and checksum of each table, signed with the key.

The tables are counted in the very snapshot that is dumped. The folder appears when it is whole.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import shutil
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg

from scripts.operations.backup_keys import BackupKey, make_backup_key, read_backup_key
from scripts.operations.dumps import dump, find_tool
from scripts.operations.fingerprints import Fingerprint, read_fingerprints
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.provision import pinned_release
from scripts.operations.sealing import Sealer, unseal

FORMAT = 1
KEEP_DAYS = 30
DATABASE_FILE = "database.dump.sealed"
FILES_FILE = "files.tar.sealed"
MANIFEST_FILE = "manifest.json"
# Log-ins of the moment and scraps; who is restored logs in anew.
LEFT_OUT_DATA = {
    "tmp",
    "postgres",
    "sessions.sqlite3",
    "sessions.sqlite3-wal",
    "sessions.sqlite3-shm",
}
BEFORE_RESTORE = "before-restore"
BEFORE_ROLLBACK = "before-rollback"

Advance = Callable[[int], None]
"""Told how many bytes more are done."""


def ignore_progress(_count: int) -> None:
    pass


@dataclass(frozen=True)
class Backup:
    """One backup as its manifest tells it. ``at`` is the moment whose data it holds."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def instance_name(self) -> str:
        return str(self.manifest["instance"])

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.manifest["at"])

    @property
    def kind(self) -> str:
        """``asked``, ``scheduled``, ``moment`` (taken out of the archive), ``final``, or what a
        command put aside: ``before-restore``, ``before-upgrade``, ``before-rollback``."""
        return str(self.manifest["kind"])

    @property
    def size(self) -> int:
        return sum(int(file["bytes"]) for file in self.manifest["files"].values())

    @property
    def fingerprints(self) -> dict[str, Fingerprint]:
        return {
            table: Fingerprint(int(entry["rows"]), str(entry["checksum"]))
            for table, entry in self.manifest["tables"].items()
        }

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.fingerprints.values())

    def label(self, file: str) -> str:
        """What a sealed file says it is."""
        return f"{self.instance_name}/{self.id}/{file}"

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "instance": self.instance_name,
            "at": self.manifest["at"],
            "kind": self.kind,
            "release": self.manifest["release"],
            "bytes": self.size,
            "rows": self.rows,
            "folder": str(self.folder),
        }


def make_backup(
    home: Home,
    instance: InstanceFolder,
    url: str,
    *,
    kind: str = "asked",
    target: Path | None = None,
    at: datetime | None = None,
    advance: Advance = ignore_progress,
) -> Backup:
    """Back up an instance whose database is at ``url``, into ``target`` or its own folder. It may
    be used meanwhile. Either the whole backup appears or nothing. ``at`` is the moment whose data
    are there, where it is not the present. Raises ``OperationError``, also where a disk is full."""
    try:
        return _make_backup(home, instance, url, kind, target or instance.backups, at, advance)
    except OSError as error:
        raise OperationError(
            f"{instance.name} can't be backed up to {target or instance.backups}: "
            f"{error.strerror or error}. Make room there, or give another folder by --to."
        ) from error


def _make_backup(
    home: Home,
    instance: InstanceFolder,
    url: str,
    kind: str,
    base: Path,
    moment: datetime | None,
    advance: Advance,
) -> Backup:
    key = make_backup_key(home)
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    started = time.monotonic()
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"[:-3] + "Z"
    staging = base / f".making-{name}-{os.getpid()}"
    staging.mkdir(mode=0o700)
    try:
        facts = {"format": FORMAT, "instance": instance.name, "kind": kind, "key": key.id}
        draft = Backup(base / name, facts)
        with exported_snapshot(url) as (connection, snapshot):
            row = connection.execute("SELECT now()").fetchone()
            tool = find_tool("pg_dump", connection.info.server_version)
            dumped = _seal_file(
                staging, draft, DATABASE_FILE, key, dump(tool, url, snapshot), advance
            )
            tables = read_fingerprints(connection)
            version = connection.info.server_version
        packed = _seal_file(staging, draft, FILES_FILE, key, _pack(instance), advance)
        assert row
        at: datetime = moment or row[0]
        manifest = {
            **facts,
            "at": at.astimezone(UTC).isoformat(),
            "title": instance.title,
            "release": pinned_release(home, instance).version,
            "server_version": version,
            "seconds": round(time.monotonic() - started, 3),
            "files": {DATABASE_FILE: dumped, FILES_FILE: packed},
            "tables": {
                table: {"rows": each.rows, "checksum": each.checksum}
                for table, each in tables.items()
            },
        }
        _write_manifest(staging, {**manifest, "signature": key.sign(manifest)})
        staging.rename(base / name)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return read_backup(base / name)


@contextmanager
def exported_snapshot(url: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """A connection that sees the database as it is at this moment, and the name by which others see
    the same."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row
        yield connection, str(row[0])
        connection.rollback()


def _seal_file(
    staging: Path,
    backup: Backup,
    name: str,
    key: BackupKey,
    pieces: Iterable[bytes],
    advance: Advance,
) -> dict[str, Any]:
    """Write one sealed file; gives its entry in the manifest."""
    descriptor = os.open(staging / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with Sealer(file, key.raw, backup.label(name)) as sealer:
            for piece in pieces:
                sealer.write(piece)
                advance(len(piece))
        file.flush()
        os.fsync(file.fileno())
    return {"bytes": sealer.size, "sha256": sealer.sha256}


def _pack(instance: InstanceFolder) -> Iterator[bytes]:
    """A tar archive of the instance's folder, without links to the release, backups and log-ins."""
    left_out = {instance.backups, instance.log_ins_file}
    left_out |= {instance.path / "data" / name for name in LEFT_OUT_DATA}

    def choose(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        path = instance.path / entry.name
        return None if path in left_out or not (entry.isfile() or entry.isdir()) else entry

    # Configuration and app: small. It is sealed before it touches the disk.
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted(instance.path.iterdir()):
            archive.add(path, path.name, filter=choose)
    yield packed.getvalue()


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    with (folder / MANIFEST_FILE).open("w") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def read_backup(folder: Path) -> Backup:
    """The backup in a folder. Raises ``OperationError`` where its manifest cannot be read."""
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_text())
        if manifest["format"] != FORMAT:
            raise OperationError(f"{folder} was made by another version of this program.")
        manifest = {**manifest, "instance": str(manifest["instance"])}
        datetime.fromisoformat(manifest["at"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OperationError(f"{folder} is no backup: {error}") from error
    return Backup(folder, manifest)


def list_backups(base: Path) -> list[Backup]:
    """The backups below a folder, oldest first; what is no backup is passed over."""
    found = []
    for folder in sorted(base.iterdir()) if base.exists() else ():
        if folder.name.startswith(".") or not (folder / MANIFEST_FILE).exists():
            continue
        try:
            found.append(read_backup(folder))
        except OperationError:
            continue
    return sorted(found, key=lambda backup: backup.at)


def find_backup(base: Path, wanted: str | None) -> Backup:
    """The one with this id, else the newest that was not put aside by a restore or a rollback: to
    restore twice is not to take it back. Raises ``OperationError``."""
    found = list_backups(base)
    if wanted is not None:
        found = [backup for backup in found if backup.id == wanted]
    else:
        put_aside = (BEFORE_RESTORE, BEFORE_ROLLBACK)
        found = [backup for backup in found if backup.kind not in put_aside]
    if not found:
        which = f"backup {wanted}" if wanted else "backup"
        raise OperationError(f"There is no {which} in {base}. `instance backups` lists them.")
    return found[-1]


def verify_backup(home: Home, backup: Backup) -> None:
    """Raise ``OperationError`` unless the manifest is the one that was signed, and each file is as
    it was written."""
    key = read_backup_key(home)
    if backup.manifest.get("key") != key.id:
        raise OperationError(
            f"Backup {backup.id} was sealed with the key {backup.manifest.get('key')}; the one in "
            f"{home.data} is {key.id}."
        )
    facts = {name: value for name, value in backup.manifest.items() if name != "signature"}
    if not hmac.compare_digest(str(backup.manifest.get("signature")), key.sign(facts)):
        raise OperationError(f"Backup {backup.id}: its manifest was changed since it was made.")
    for name, expected in backup.manifest["files"].items():
        path = backup.folder / name
        if not path.exists():
            raise OperationError(f"Backup {backup.id}: {name} is missing.")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected["sha256"]:
                raise OperationError(
                    f"Backup {backup.id}: {name} is not as it was written. Use another backup, and "
                    "check that disk."
                )


def read_sealed(
    home: Home, backup: Backup, name: str, advance: Advance = ignore_progress
) -> Iterator[bytes]:
    """The content of one of a backup's files."""
    key = read_backup_key(home)
    with (backup.folder / name).open("rb") as file:
        for piece in unseal(file, key.raw, backup.label(name)):
            yield piece
            advance(len(piece))


def prune_backups(base: Path, keep_days: int, now: datetime | None = None) -> list[Backup]:
    """Delete what is older than ``keep_days``, and what killed runs left. The newest stays however
    old it is. Gives what was deleted."""
    found = list_backups(base)
    oldest = (now or datetime.now(UTC)) - timedelta(days=keep_days)
    deleted = [backup for backup in found[:-1] if backup.at < oldest]
    for backup in deleted:
        # It is no backup any more from the first moment, however far the rest gets.
        backup.folder.rename(base / f".deleting-{backup.id}-{os.getpid()}")
    for left in (*base.glob(".making-*-*"), *base.glob(".deleting-*-*")):
        pid = int(left.name.rsplit("-", 1)[1])
        if pid == os.getpid() or not psutil.pid_exists(pid):
            shutil.rmtree(left)
    return deleted
