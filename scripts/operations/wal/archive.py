"""The archive of the embedded Postgres's write-ahead log: what makes any moment restorable.

``<data>/archive/<cluster>/``, or below the folder that ``archive on --to`` named, holds

- ``wal/<segment>.sealed``: what was written, segment by segment, packed and sealed;
- ``base/<id>/``: copies of the whole server to begin from (see ``wal_bases.py``);
- ``shipped.json``: until when nothing that was committed would be lost.

Postgres puts full segments into a spool beside its data; :func:`ship` moves them here. A segment
leaves the spool when its sealed file is on the disk.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fasteners
import psycopg

from app_server.files import replace_file
from app_server.postgres import switch_archiving, wal_spool
from scripts.operations.backup_keys import make_backup_key, read_backup_key
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.sealing import Sealer, unseal

SPOOL_SECONDS = 60
"""How long Postgres may take to put its current segment into the spool."""

BEATS = """
    CREATE SCHEMA IF NOT EXISTS mybizz_archive;
    CREATE TABLE IF NOT EXISTS mybizz_archive.beats (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT clock_timestamp())
"""
KEPT_BEATS = "7 days"


@dataclass(frozen=True)
class WalArchive:
    """The archive of one Postgres server, told by the number that ``initdb`` gave it: two servers
    never mix their segments."""

    folder: Path

    @property
    def cluster(self) -> str:
        return self.folder.name

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    @property
    def bases(self) -> Path:
        return self.folder / "base"

    def path_of(self, segment: str) -> Path:
        return self.wal / f"{segment}.sealed"

    def label(self, name: str) -> str:
        """What a sealed file says it is."""
        return f"archive/{self.cluster}/{name}"

    def segments(self) -> list[str]:
        """All that is archived, oldest first, also history files."""
        return sorted(path.stem for path in self.wal.glob("*.sealed"))

    def read_shipped(self) -> dict[str, Any]:
        """``until`` (of what was committed by then nothing is missing) and ``segment``; empty
        before the first."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "shipped.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    @property
    def until(self) -> datetime | None:
        until = self.read_shipped().get("until")
        return datetime.fromisoformat(until) if until else None


@dataclass(frozen=True)
class Shipped:
    """What one run moved into the archive. ``until``: see :class:`WalArchive`."""

    segments: int
    size: int
    until: datetime


def settings_file(home: Home) -> Path:
    return home.data / "archive.json"


def read_settings(home: Home) -> dict[str, Any]:
    """``to`` (a folder, or none) and ``is_off``; empty where nobody has said anything."""
    path = settings_file(home)
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def archive_root(home: Home) -> Path:
    """Where the archives of this installation's servers are."""
    wanted = read_settings(home).get("to")
    return Path(wanted) if wanted else home.data / "archive"


def is_archiving(home: Home) -> bool:
    return wal_spool(home.postgres).exists() and not read_settings(home).get("is_off")


def open_archive(home: Home, server: DatabaseServer) -> WalArchive:
    """The archive of a running server; its folders are made."""
    with server.connect() as connection:
        row = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    assert row
    archive = WalArchive(archive_root(home) / str(row[0]))
    for folder in (archive.wal, archive.bases):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return archive


def switch_on(home: Home, server: DatabaseServer, to: Path | None = None) -> WalArchive:
    """Have the embedded server archive from now on, to ``to`` where it is given. Safe to repeat.
    Raises ``OperationError`` where the server has to be started anew first."""
    known = read_settings(home)
    place = str(to.expanduser().resolve()) if to else known.get("to")
    replace_file(settings_file(home), json.dumps({"to": place, "is_off": False}) + "\n")
    make_backup_key(home)
    with server.connect() as connection:
        row = connection.execute("SHOW archive_mode").fetchone()
        if not row or row[0] != "on":
            raise OperationError(
                "The Postgres server that runs was started by an older version of this program and "
                "does not archive. Stop what uses it (scripts/run), and start it again."
            )
        connection.execute(BEATS)
    switch_archiving(home.postgres, True)
    return open_archive(home, server)


def switch_off(home: Home) -> None:
    """Archive nothing any more; what is archived stays."""
    known = read_settings(home)
    replace_file(settings_file(home), json.dumps({**known, "is_off": True}) + "\n")
    switch_archiving(home.postgres, False)


@contextmanager
def alone_at(home: Home, what: str, *, is_waiting: bool = True) -> Iterator[bool]:
    """Nobody else ships (or makes a base, ...) meanwhile; whether that is so, where it does not
    wait."""
    folder = home.data / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    # No instance can have a name with a dot.
    lock = fasteners.InterProcessLock(folder / f".archive-{what}.lock")
    is_ours = lock.acquire(blocking=is_waiting)
    try:
        yield is_ours
    finally:
        if is_ours:
            lock.release()


def beat(connection: psycopg.Connection[Any]) -> tuple[int, datetime]:
    """Commit a moment, by which a restored server tells how far it got; its number and time."""
    row = connection.execute(
        "INSERT INTO mybizz_archive.beats DEFAULT VALUES RETURNING number, at"
    ).fetchone()
    assert row
    connection.execute(
        "DELETE FROM mybizz_archive.beats WHERE at < now() - %s::interval", (KEPT_BEATS,)
    )
    return int(row[0]), row[1]


def ship(home: Home, server: DatabaseServer) -> Shipped:
    """Archive all that is committed by now. Killed anywhere, the next run goes on. Raises
    ``OperationError`` where Postgres or the disk cannot do it; nothing is lost by that."""
    archive = open_archive(home, server)
    with alone_at(home, "ship"):
        with server.connect() as connection:
            _number, until = beat(connection)
            segment = _finish_segment(connection)
            _wait_until_spooled(home, connection, segment, archive)
        count = size = 0
        for path in sorted(wal_spool(home.postgres).glob("*.gz")):
            size += _ship_one(home, archive, path)
            count += 1
        told = {"until": until.astimezone(UTC).isoformat(), "segment": segment}
        replace_file(archive.folder / "shipped.json", json.dumps(told) + "\n")
    return Shipped(count, size, until)


def _finish_segment(connection: psycopg.Connection[Any]) -> str:
    """Close the segment that is written to; its name."""
    row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    assert row
    return str(row[0])


def _wait_until_spooled(
    home: Home, connection: psycopg.Connection[Any], segment: str, archive: WalArchive
) -> None:
    spooled = wal_spool(home.postgres) / f"{segment}.gz"
    deadline = time.monotonic() + SPOOL_SECONDS
    while not spooled.exists() and not archive.path_of(segment).exists():
        if time.monotonic() > deadline:
            row = connection.execute("SELECT failed_count FROM pg_stat_archiver").fetchone()
            raise OperationError(
                f"Postgres has not put {segment} into {spooled.parent} for {SPOOL_SECONDS} s "
                f"({row[0] if row else '?'} tries failed). Is that disk full? See "
                f"{home.postgres / 'server.log'}."
            )
        time.sleep(0.02)


def _ship_one(home: Home, archive: WalArchive, spooled: Path) -> int:
    """Seal one segment into the archive; its size there."""
    name = spooled.name.removesuffix(".gz")
    draft = archive.wal / f".{name}.part"
    key = read_backup_key(home)
    try:
        with spooled.open("rb") as packed, draft.open("wb") as file:
            os.chmod(draft, 0o600)
            with Sealer(file, key.raw, archive.label(name)) as sealer:
                while piece := packed.read(1024 * 1024):
                    sealer.write(piece)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(archive.path_of(name))
        sync_folder(archive.wal)
    except OSError as error:
        raise OperationError(
            f"The segment {name} can't be archived in {archive.wal}: {error.strerror}. It waits in "
            f"{spooled.parent}; make room, and run this again."
        ) from error
    spooled.unlink()
    return sealer.size


def sync_folder(folder: Path) -> None:
    """Have the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_segment(home: Home, archive: WalArchive, name: str) -> Iterator[bytes]:
    """A segment as it was spooled: packed by gzip."""
    key = read_backup_key(home)
    with archive.path_of(name).open("rb") as file:
        yield from unseal(file, key.raw, archive.label(name))
