"""Base backups: copies of the whole embedded Postgres, from which its write-ahead log is replayed.

``base/<id>/base.tar.gz.sealed`` is what ``pg_basebackup`` makes while the server is in use, and
``base.json`` tells where in the log it begins and when it ended: every later moment can be reached
from it. The folder appears when it is whole.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from scripts.operations.backup_keys import read_backup_key
from scripts.operations.databases import DatabaseServer
from scripts.operations.dumps import find_tool, stream
from scripts.operations.home import Home, OperationError
from scripts.operations.sealing import Sealer, unseal
from scripts.operations.wal.archive import WalArchive, alone_at, ship, sync_folder

BASE_FILE = "base.tar.gz.sealed"
FACTS_FILE = "base.json"
# Of a log of 16 MiB segments, as initdb makes it: so many have the same first half of their number.
SEGMENTS_PER_LOG = 256
SEGMENT = re.compile(r"[0-9A-F]{24}")


@dataclass(frozen=True)
class Base:
    """``start_segment``: the first of the log that it needs. ``at``: the first moment that can be
    reached from it."""

    folder: Path
    start_segment: str
    at: datetime
    size: int

    @property
    def id(self) -> str:
        return self.folder.name

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "at": self.at.isoformat(), "bytes": self.size}


def make_base(home: Home, server: DatabaseServer, archive: WalArchive) -> Base:
    """Copy the server as it is, while it is used. Either the whole base appears or nothing; what
    killed runs left goes. Raises ``OperationError``."""
    with alone_at(home, "base"):
        _sweep(archive)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"[:-3] + "Z"
        staging = archive.bases / f".making-{name}-{os.getpid()}"
        staging.mkdir(mode=0o700)
        try:
            facts = _copy(home, server, archive, staging, name)
            # Postgres has waited for the segments that it needs; here they become safe.
            ship(home, server)
            with (staging / FACTS_FILE).open("w") as file:
                json.dump(facts, file)
                file.flush()
                os.fsync(file.fileno())
            staging.rename(archive.bases / name)
            sync_folder(archive.bases)
        except OSError as error:
            shutil.rmtree(staging, ignore_errors=True)
            raise OperationError(
                f"A base backup can't be written to {archive.bases}: {error.strerror}."
            ) from error
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
    return read_base(archive.bases / name)


def _copy(
    home: Home, server: DatabaseServer, archive: WalArchive, staging: Path, name: str
) -> dict[str, Any]:
    key = read_backup_key(home)
    with server.connect() as connection:
        tool = find_tool("pg_basebackup", connection.info.server_version)
        # The copy begins with a checkpoint of its own, so here or later; at the end of a segment
        # the next one counts.
        begun = connection.execute(
            "SELECT pg_walfile_name(pg_current_wal_insert_lsn() + 1)"
        ).fetchone()
    options = "--pgdata=- --format=tar --gzip --compress=1 --wal-method=none --checkpoint=fast"
    command = [str(tool), *options.split(), "--no-manifest", "--no-password"]
    with tempfile.TemporaryFile() as said, (staging / BASE_FILE).open("wb") as file:
        os.chmod(staging / BASE_FILE, 0o600)
        with Sealer(file, key.raw, archive.label(f"base/{name}")) as sealer:
            for piece in stream(tool, command, server.admin_url, said):
                sealer.write(piece)
        file.flush()
        os.fsync(file.fileno())
    with server.connect() as connection:
        row: Any = connection.execute("SELECT clock_timestamp()").fetchone()
    assert begun
    return {
        "start_segment": begun[0],
        "at": row[0].astimezone(UTC).isoformat(),
        "bytes": sealer.size,
    }


def read_base(folder: Path) -> Base:
    facts = json.loads((folder / FACTS_FILE).read_text())
    return Base(
        folder, facts["start_segment"], datetime.fromisoformat(facts["at"]), int(facts["bytes"])
    )


def list_bases(archive: WalArchive) -> list[Base]:
    """Oldest first; what is not whole is passed over."""
    found = []
    for folder in archive.bases.glob("[0-9]*"):
        try:
            found.append(read_base(folder))
        except (OSError, ValueError, KeyError):
            continue
    return sorted(found, key=lambda base: base.at)


def read_base_file(home: Home, archive: WalArchive, base: Base) -> Iterator[bytes]:
    """The base's tar archive, packed by gzip."""
    key = read_backup_key(home)
    with (base.folder / BASE_FILE).open("rb") as file:
        yield from unseal(file, key.raw, archive.label(f"base/{base.id}"))


def find_missing(archive: WalArchive, base: Base) -> list[str]:
    """The segments from the base on that should be there and are not."""
    timeline = base.start_segment[:8]
    found = {
        _number_of(name)
        for name in archive.segments()
        if SEGMENT.fullmatch(name) and name.startswith(timeline)
    }
    first = _number_of(base.start_segment)
    last = max((number for number in found if number >= first), default=first)
    missing = [number for number in range(first, last + 1) if number not in found]
    return [_name_of(timeline, number) for number in missing]


def _number_of(segment: str) -> int:
    return int(segment[8:16], 16) * SEGMENTS_PER_LOG + int(segment[16:24], 16)


def _name_of(timeline: str, number: int) -> str:
    return f"{timeline}{number // SEGMENTS_PER_LOG:08X}{number % SEGMENTS_PER_LOG:08X}"


def prune_archive(
    home: Home, archive: WalArchive, keep_days: int, now: datetime | None = None
) -> list[Base]:
    """Delete what no moment of the last ``keep_days`` needs: the newest base before them stays, and
    the log from there on. Gives the bases that went."""
    oldest = (now or datetime.now(UTC)) - timedelta(days=keep_days)
    with alone_at(home, "base"):
        bases = list_bases(archive)
        before = [base for base in bases if base.at <= oldest]
        deleted = before[:-1]
        for base in deleted:
            base.folder.rename(archive.bases / f".deleting-{base.id}-{os.getpid()}")
        _sweep(archive)
        kept = [base for base in bases if base not in deleted]
        if kept:
            first = min(base.start_segment[8:] for base in kept)
            for name in archive.segments():
                if SEGMENT.fullmatch(name[:24]) and name[8:24] < first:
                    archive.path_of(name).unlink()
    return deleted


def _sweep(archive: WalArchive) -> None:
    for left in (*archive.bases.glob(".making-*-*"), *archive.bases.glob(".deleting-*-*")):
        pid = int(left.name.rsplit("-", 1)[1])
        if pid == os.getpid() or not psutil.pid_exists(pid):
            shutil.rmtree(left)
