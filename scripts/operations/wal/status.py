"""What there is to say about the archive of the write-ahead log, for people and for alerts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app_server.postgres import wal_spool
from scripts.operations.home import Home
from scripts.operations.wal.archive import WalArchive, archive_root, is_archiving
from scripts.operations.wal.bases import find_missing, list_bases

LATE = timedelta(minutes=10)
"""Twice what is promised, and a run every two minutes keeps well below it."""


@dataclass(frozen=True)
class ArchiveStatus:
    """``restorable_from``, ``restorable_until``: which moments can be restored. ``missing``:
    segments that should be there. ``problem``: one sentence with the next step, or ''."""

    is_on: bool
    folder: str
    restorable_from: datetime | None = None
    restorable_until: datetime | None = None
    bases: int = 0
    segments: int = 0
    bytes: int = 0
    spool_files: int = 0
    spool_bytes: int = 0
    missing: tuple[str, ...] = ()
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
        }


def read_status(home: Home, now: datetime | None = None) -> ArchiveStatus:
    """Read from the folders alone: it needs no running Postgres."""
    is_on, archive = is_archiving(home), _newest(home)
    spooled = list(wal_spool(home.postgres).glob("*.gz")) if is_on else []
    waiting = sum(_size(each) for each in spooled)
    if archive is None:
        problem = "No base backup was made yet: run `scripts/mybizz archive base`." if is_on else ""
        place = str(archive_root(home))
        return ArchiveStatus(
            is_on, place, spool_files=len(spooled), spool_bytes=waiting, problem=problem
        )
    bases = list_bases(archive)
    missing = tuple(find_missing(archive, bases[-1])) if bases else ()
    segments = archive.segments()
    return ArchiveStatus(
        is_on=is_on,
        folder=str(archive.folder),
        restorable_from=bases[0].at if bases else None,
        restorable_until=archive.until if bases else None,
        bases=len(bases),
        segments=len(segments),
        bytes=sum(base.size for base in bases) + sum(_size(archive.path_of(s)) for s in segments),
        spool_files=len(spooled),
        spool_bytes=waiting,
        missing=missing,
        problem=_find_problem(is_on, archive, bool(bases), missing, now or datetime.now(UTC)),
    )


def _newest(home: Home) -> WalArchive | None:
    """The archive that was written to last."""
    found = [WalArchive(path) for path in archive_root(home).glob("[0-9]*")]
    return max(found, key=lambda archive: archive.read_shipped().get("until", ""), default=None)


def _size(path: Any) -> int:
    try:
        return int(path.stat().st_size)
    except FileNotFoundError:
        # It was shipped meanwhile.
        return 0


def _find_problem(
    is_on: bool, archive: WalArchive, has_base: bool, missing: tuple[str, ...], now: datetime
) -> str:
    if not is_on:
        return ""
    if not has_base:
        return "No base backup was made yet: run `scripts/mybizz archive base`."
    if missing:
        return (
            f"{len(missing)} segments of the log are missing, the first is {missing[0]}: run "
            "`scripts/mybizz archive base`, so that moments from now on can be restored."
        )
    until = archive.until
    if until is None or now - until > LATE:
        told = f"since {until:%Y-%m-%d %H:%M} UTC" if until else "yet"
        return (
            f"Nothing was archived {told}: see that the timer of `scripts/mybizz instance backup "
            "--all --if-due` runs, and what it says."
        )
    return ""
