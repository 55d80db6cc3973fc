"""What is due by now: backups of instances, and the archive of the write-ahead log.

One timer asks every two minutes, by ``instance backup --all --if-due``. Nothing is remembered but
the backups themselves, so a machine that was off, or a run that was killed, changes nothing: what
is due is done by the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg

from app_server.errors import StartupError
from scripts.operations.backups import list_backups
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.wal.archive import (
    is_archiving,
    open_archive,
    read_settings,
    ship,
    switch_on,
)
from scripts.operations.wal.bases import find_missing, list_bases, make_base, prune_archive

EVERY_MINUTES = 55
"""An hour's work at most is what is promised; making one takes a while, too."""
BASE_HOURS = 24
SCHEDULED = "scheduled"
# Taken of the present by somebody else; what a restore put aside is of the past.
COUNTED = {"asked", SCHEDULED, "before-upgrade"}
# Below the folder of backups on another disk; no instance can have such a name.
ARCHIVE_FOLDER = ".wal-archive"


def is_due(instance: InstanceFolder, base: Path, every_minutes: int, now: datetime) -> bool:
    """Whether the instance's newest backup in ``base`` is as old as that. One whose first set-up is
    not complete has nothing to lose."""
    if instance.unfinished_marker.exists():
        return False
    taken = [each.at for each in list_backups(base) if each.kind in COUNTED]
    return not taken or now - max(taken) >= timedelta(minutes=every_minutes)


@dataclass(frozen=True)
class Archived:
    """What was done for the archive. ``base``: the id of a new base backup."""

    segments: int
    until: datetime
    base: str | None
    deleted: int

    def to_json(self) -> dict[str, Any]:
        return {
            "segments": self.segments,
            "restorable_until": self.until.astimezone(UTC).isoformat(),
            "base": self.base,
            "bases_deleted": self.deleted,
        }


def has_work_for_archive(home: Home) -> bool:
    """Whether the embedded Postgres may have written something that is not archived: it runs, or
    ended after the last shipping. Somebody who switched it off wants none."""
    if not home.postgres.exists() or read_settings(home).get("is_off"):
        return False
    pid_file = home.postgres / "data" / "postmaster.pid"
    if pid_file.exists() and psutil.pid_exists(int(pid_file.read_text().split()[0])):
        return True
    control = home.postgres / "data" / "global" / "pg_control"
    shipped = home.data / "archived-at"
    return control.exists() and (
        not shipped.exists() or control.stat().st_mtime - shipped.stat().st_mtime > STOPPED_SECONDS
    )


STOPPED_SECONDS = 60
"""A server that was started only to archive ends so soon afterwards."""


def keep_archive(
    home: Home,
    server: DatabaseServer,
    target: Path | None,
    keep_days: int,
    say: Callable[[str], None],
) -> Archived:
    """Archive what is new; make a base backup where the newest is a day old, or of no use; delete
    what is too old. The first time, archiving is switched on, below ``target`` where backups go
    there. Raises ``OperationError``."""
    if not is_archiving(home):
        place = target / ARCHIVE_FOLDER if target and not read_settings(home).get("to") else None
        switch_on(home, server, place)
    shipped = ship(home, server)
    archive = open_archive(home, server)
    bases = list_bases(archive)
    made, deleted = None, 0
    old = datetime.now(UTC) - timedelta(hours=BASE_HOURS)
    if not bases or bases[-1].at < old or find_missing(archive, bases[-1]):
        say("Making a base backup ...")
        made = make_base(home, server, archive).id
        deleted = len(prune_archive(home, archive, keep_days))
    (home.data / "archived-at").touch()
    return Archived(shipped.segments, archive.until or shipped.until, made, deleted)


Failures = (OperationError, StartupError, psycopg.Error, OSError)
"""What keeps one thing from being done, and must not keep the others from it."""
