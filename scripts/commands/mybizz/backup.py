"""``mybizz instance backup|backups``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from scripts.commands.mybizz.choosing import choose, do_each, everyone, names, origin, progress
from scripts.commands.mybizz.job import (
    FAILED,
    Answer,
    Job,
    database,
    dry_run,
    operation,
)
from scripts.commands.mybizz.tables import format_bytes, make_table
from scripts.operations.backup_schedule import (
    EVERY_MINUTES,
    SCHEDULED,
    Failures,
    has_work_for_archive,
    is_due,
    keep_archive,
)
from scripts.operations.backups import (
    KEEP_DAYS,
    list_backups,
    make_backup,
    prune_backups,
)
from scripts.operations.instances import (
    InstanceFolder,
    find_instance,
)
from scripts.operations.management import management_folder
from scripts.operations.reaching import BusyError, alone_with, reachable_database
from scripts.operations.wal.archive import alone_at


@click.command("backup")
@names
@everyone
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write to DIR/NAME (another disk) instead of the instance's backups/.",
)
@click.option(
    "--keep-days",
    type=click.IntRange(1),
    default=KEEP_DAYS,
    help=f"Delete older ones there ({KEEP_DAYS}); the newest stays.",
)
@click.option(
    "--if-due",
    is_flag=True,
    help="For a timer, every two minutes: do only what is due, and archive the write-ahead log.",
)
@click.option(
    "--every",
    "every_minutes",
    type=click.IntRange(1),
    default=EVERY_MINUTES,
    metavar="MINUTES",
    help=f"With --if-due: an instance is due when its newest backup is so old ({EVERY_MINUTES}).",
)
@database
@dry_run
@operation()
def backup_command(
    job: Job,
    names: tuple[str, ...],
    is_all: bool,
    target: Path | None,
    keep_days: int,
    if_due: bool,
    every_minutes: int,
) -> Answer:
    """Back up instances while they are in use: database, configuration with keys, files.

    A backup is one moment of the database, sealed with the installation's key (.data/backup.key:
    keep a copy of it elsewhere), with checksums of files and tables. --all takes the console
    along, where there is one. Where one of several fails,
    the others are made all the same, and the exit code is 1.

    With --if-due a timer can ask often: a backup of each instance is made every hour, and what the
    embedded Postgres wrote meanwhile is archived at each run, so that every moment can be restored
    (see `scripts/mybizz archive --help`). Where another run is at it, nothing is done.

    \b
      scripts/mybizz instance backup yogastudio
      scripts/mybizz instance backup --all --if-due --to /mnt/other-disk/mybizz      # by a timer
    """
    chosen = choose(job, names, is_all)
    console = management_folder(job.home)
    if is_all and console.exists() and not console.unfinished_marker.exists():
        chosen.append(console)
    if if_due:
        now = datetime.now(UTC)
        chosen = [each for each in chosen if is_due(each, _base(each, target), every_minutes, now)]
        if not job.is_dry:
            return _do_due(job, chosen, target, keep_days)
    if job.is_dry:
        listed = ", ".join(each.name for each in chosen) or "nothing"
        return Answer({"instances": [each.name for each in chosen]}, f"Would back up: {listed}.")

    return _back_up_each(job, chosen, target, keep_days, "asked")


def _base(instance: InstanceFolder, target: Path | None) -> Path:
    return target / instance.name if target else instance.backups


def _back_up_each(
    job: Job, chosen: Sequence[InstanceFolder], target: Path | None, keep_days: int, kind: str
) -> Answer:
    def act(instance: InstanceFolder) -> tuple[dict[str, Any], str]:
        try:
            return back_up(instance)
        except BusyError as error:
            if kind != SCHEDULED:
                raise
            # An upgrade, say: the timer asks again in a moment.
            return {"skipped": str(error)}, f"{instance.name}: later. {error}"

    def back_up(instance: InstanceFolder) -> tuple[dict[str, Any], str]:
        base = _base(instance, target)
        with (
            alone_with(job.home, instance.name),
            reachable_database(job.home, instance, job.database) as url,
            progress(job, f"Backing up {instance.name}") as advance,
        ):
            made = make_backup(job.home, instance, url, kind=kind, target=base, advance=advance)
        deleted = prune_backups(base, keep_days)
        instance.log("backup", id=made.id, of=made.manifest["at"], folder=str(base))
        facts = {**made.to_json(), "deleted": [each.id for each in deleted]}
        return facts, f"{instance.name}: {made.rows} rows, {format_bytes(made.size)}: {made.folder}"

    return do_each(job, chosen, act)


def _do_due(job: Job, due: Sequence[InstanceFolder], target: Path | None, keep_days: int) -> Answer:
    """The archive first: it is what loses least."""
    with alone_at(job.home, "schedule", is_waiting=False) as is_ours:
        if not is_ours:
            return Answer({"instances": [], "archive": None}, "Another run is at it.")
        archived: dict[str, Any] | None = None
        code, lines = 0, []
        if job.database is None and has_work_for_archive(job.home):
            try:
                with job.server() as server:
                    archived = keep_archive(job.home, server, target, keep_days, job.say).to_json()
                lines.append(f"Archived until {archived['restorable_until'][:19]} UTC.")
            except Failures as error:
                code, archived = FAILED, {"error": str(error).strip()}
                lines.append(f"The archive: FAILED: {error}")
        answer = _back_up_each(job, due, target, keep_days, SCHEDULED)
    shown = "\n".join([*lines, str(answer.shown)]).strip() or "Nothing is due."
    return Answer({**answer.facts, "archive": archived}, shown, code or answer.code)


@click.command("backups")
@click.argument("name")
@origin
@operation(is_reading=True)
def list_command(job: Job, name: str, source: Path | None) -> Answer:
    """List the backups of an instance, oldest first."""
    found = list_backups(source or find_instance(job.home, name).backups)
    rows = [
        [
            each.id,
            each.kind,
            f"{each.at:%Y-%m-%d %H:%M:%S}",
            each.manifest["release"],
            each.rows,
            format_bytes(each.size),
        ]
        for each in found
    ]
    heads = ["backup", "kind", "as it was at (UTC)", "release", "rows", "size"]
    shown = make_table(heads, rows, "There is no backup.")
    return Answer({"backups": [each.to_json() for each in found]}, shown)
