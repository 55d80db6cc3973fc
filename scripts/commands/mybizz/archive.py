"""``mybizz archive ...``: the archive of the embedded Postgres's write-ahead log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from scripts.commands.mybizz.job import NOT_PROVEN, Answer, Job, dry_run, operation
from scripts.commands.mybizz.tables import format_bytes, make_facts
from scripts.operations.home import OperationError
from scripts.operations.wal.archive import is_archiving, open_archive, ship, switch_off, switch_on
from scripts.operations.wal.bases import list_bases, make_base
from scripts.operations.wal.status import ArchiveStatus, read_status


@click.group()
def archive() -> None:
    """Archive all that the embedded Postgres writes, so that any moment can be restored.

    A base backup is a copy of the whole server; the write-ahead log tells what was written since.
    Both are sealed by the installation's key (.data/backup.key). Usually nobody needs these
    commands: `scripts/mybizz instance backup --all --if-due`, run by a timer every two minutes,
    switches it on, ships the log, makes a base each day, and keeps 30 days.

    \b
      scripts/mybizz archive status
      scripts/mybizz instance restore yogastudio --at '2026-11-21 13:05'
    """


@archive.command("status")
@operation(is_reading=True)
def status_command(job: Job) -> Answer:
    """Tell which moments can be restored; exit code 3 where something is wrong."""
    found = read_status(job.home)
    return Answer(found.to_json(), _tell(found), NOT_PROVEN if found.problem else 0)


def _tell(found: ArchiveStatus) -> str:
    spooled = f"{found.spool_files} segments, {format_bytes(found.spool_bytes)}"
    facts: dict[str, Any] = {
        "archiving": "on" if found.is_on else "off",
        "folder": found.folder,
        "restorable from": _tell_moment(found.restorable_from),
        "restorable until": _tell_moment(found.restorable_until),
        "base backups": found.bases,
        "segments": found.segments,
        "size": format_bytes(found.bytes),
        "not shipped yet": spooled if found.spool_files else "nothing",
    }
    return make_facts(facts) + (f"\n\n{found.problem}" if found.problem else "")


def _tell_moment(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "nothing yet"


@archive.command("on")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Archive to this folder, best on another disk; it is remembered (.data/archive).",
)
@dry_run
@operation()
def on_command(job: Job, target: Path | None) -> Answer:
    """Switch archiving on, and make a first base backup. Safe to repeat."""
    if job.is_dry:
        return Answer({}, "Would switch archiving on and make a base backup.")
    with job.server() as server:
        made = switch_on(job.home, server, target)
        ship(job.home, server)
        if not list_bases(made):
            job.say("Making a base backup ...")
            make_base(job.home, server, made)
    found = read_status(job.home)
    return Answer(found.to_json(), _tell(found))


@archive.command("off")
@dry_run
@operation()
def off_command(job: Job) -> Answer:
    """Archive nothing any more, also where a timer asks for it. What is archived stays."""
    if job.is_dry:
        return Answer({}, "Would switch archiving off.")
    with job.server() as server:
        if is_archiving(job.home):
            ship(job.home, server)
        switch_off(job.home)
    found = read_status(job.home)
    return Answer(found.to_json(), _tell(found))


@archive.command("base")
@operation()
def base_command(job: Job) -> Answer:
    """Make a base backup now, while everything is in use."""
    with job.server() as server:
        _require_on(job)
        made = make_base(job.home, server, open_archive(job.home, server))
    return Answer(made.to_json(), f"Base backup {made.id}, {format_bytes(made.size)}.")


@archive.command("ship")
@operation()
def ship_command(job: Job) -> Answer:
    """Archive what was written until now."""
    with job.server() as server:
        _require_on(job)
        shipped = ship(job.home, server)
    facts = {"segments": shipped.segments, "restorable_until": shipped.until.isoformat()}
    told = _tell_moment(shipped.until)
    return Answer(facts, f"{shipped.segments} segments; all until {told} is archived.")


def _require_on(job: Job) -> None:
    if not is_archiving(job.home):
        raise OperationError("Archiving is off. Switch it on: scripts/mybizz archive on")
