"""Prove that a backup can be restored, by restoring it beside the instance."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from scripts.operations.backups import (
    FILES_FILE,
    Advance,
    Backup,
    ignore_progress,
    read_sealed,
)
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder, find_instance
from scripts.operations.restoring import scratch_database

RPO_SECONDS = 3600
RTO_SECONDS = 4 * 3600
"""What is promised (see docs/operating.md): an hour's work lost at most, back within four."""
RPO_SECONDS_OF_ARCHIVE = 300
"""Where the write-ahead log is archived, five minutes' work."""
DUMP = "dump"
POINT_IN_TIME = "point-in-time"


@dataclass(frozen=True)
class Drill:
    """What a drill found. ``kind``: what was restored from, ``source``: the backup's or the base's
    id. ``rpo_seconds``: how old the data in it were, so what would have been lost.
    ``rto_seconds``: how long it took to have them back. ``tables`` and ``rows`` were compared."""

    instance_name: str
    kind: str
    source: str
    rpo_seconds: float
    rto_seconds: float
    tables: int
    rows: int
    problems: tuple[str, ...]

    @property
    def promised_rpo_seconds(self) -> int:
        return RPO_SECONDS if self.kind == DUMP else RPO_SECONDS_OF_ARCHIVE

    @property
    def is_proven(self) -> bool:
        return not self.problems

    @property
    def missed(self) -> tuple[str, ...]:
        """The promises that were not kept."""
        kept = {
            "RPO": self.rpo_seconds <= self.promised_rpo_seconds,
            "RTO": self.rto_seconds <= RTO_SECONDS,
        }
        return tuple(name for name, is_kept in kept.items() if not is_kept)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "backup": self.source,
            "is_proven": self.is_proven,
            "problems": list(self.problems),
            "tables": self.tables,
            "rows": self.rows,
            "rpo_seconds": round(self.rpo_seconds, 1),
            "rto_seconds": round(self.rto_seconds, 1),
            "missed": list(self.missed),
        }


def drill(
    home: Home,
    server: DatabaseServer,
    backup: Backup,
    advance: Advance = ignore_progress,
    console: InstanceFolder | None = None,
) -> Drill:
    """Restore a backup into a scratch database, compare every table, unseal the files, and drop it
    all again. The instance is not touched; it gets a line in its history. ``console`` is the folder
    of the console, where the backup is one of that."""
    instance = console or find_instance(home, backup.instance_name)
    now, started = datetime.now(UTC), time.monotonic()
    scratch, owner = f"{instance.database_name}__drill", instance.database_name
    try:
        with scratch_database(home, server, backup, scratch, owner, advance) as differences:
            problems = tuple(differences)
        for _piece in read_sealed(home, backup, FILES_FILE):
            pass
    except OperationError as error:
        problems = (str(error),)
    found = Drill(
        instance.name,
        DUMP,
        backup.id,
        rpo_seconds=(now - backup.at).total_seconds(),
        rto_seconds=time.monotonic() - started,
        tables=len(backup.fingerprints),
        rows=backup.rows,
        problems=problems,
    )
    if instance.exists():
        instance.log("drill", **found.to_json())
    return found
