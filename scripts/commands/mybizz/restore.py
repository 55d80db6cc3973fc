"""``mybizz instance restore``: a backup, or any moment that the archive holds."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.commands.mybizz.choosing import find_chosen, origin, progress
from scripts.commands.mybizz.job import (
    Answer,
    Job,
    confirm,
    database,
    dry_run,
    operation,
)
from scripts.operations.backups import (
    Backup,
)
from scripts.operations.home import OperationError
from scripts.operations.instances import (
    find_instance,
    require_instance,
)
from scripts.operations.moments import back_up_moment, read_moment
from scripts.operations.reaching import alone_with
from scripts.operations.restoring import Restored, restore_instance
from scripts.operations.wal.archive import is_archiving, ship
from scripts.operations.wal.status import read_status


@click.command("restore")
@click.argument("name")
@click.option("--backup", "wanted", metavar="ID", help="This one (without it, the newest).")
@click.option(
    "--at",
    "moment",
    metavar="MOMENT",
    help="Any moment that the archive holds, such as '2026-11-21 13:05' (UTC), or latest.",
)
@click.option(
    "--archive",
    "archive_root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="With --at: the archive is here (without it, where `archive status` says).",
)
@origin
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask for the name again.")
@click.option(
    "--discard", is_flag=True, help="Do not keep what is there now as a backup: it cannot be read."
)
@database
@dry_run
@operation()
def restore_command(
    job: Job,
    name: str,
    wanted: str | None,
    moment: str | None,
    archive_root: Path | None,
    source: Path | None,
    is_sure: bool,
    discard: bool,
) -> Answer:
    """Bring an instance back to a backup, or by --at to any moment that the archive holds.

    The backup is restored beside it first and compared, table by table; then the two change places
    in one step, and what was there becomes a backup of its own. The instance may be served: it is
    away for seconds. An instance that is lost altogether is made anew from the backup.

    \b
      scripts/mybizz instance restore yogastudio --backup 20261121T103000123Z
      scripts/mybizz instance restore yogastudio --from /mnt/other-disk/mybizz/yogastudio
      scripts/mybizz instance restore yogastudio --at '2026-11-21 13:05'
    """
    if moment is not None:
        if wanted or source:
            raise click.UsageError(
                "--at goes with the archive: give it without --backup and --from."
            )
        return _restore_moment(job, name, moment, archive_root, is_sure, discard)
    instance = find_instance(job.home, name)
    found = find_chosen(instance, wanted, source)
    if found.instance_name != name:
        raise OperationError(f"{found.folder} is a backup of {found.instance_name}, not of {name}.")
    if job.is_dry:
        return Answer(found.to_json(), f"Would bring {name} back to {found.manifest['at']}.")
    if instance.exists():
        confirm(f"This replaces the data of {name}", name, is_sure)
    with (
        alone_with(job.home, name),
        job.server() as server,
        progress(job, f"Restoring {name}", found) as advance,
    ):
        restored = restore_instance(
            job.home, server, found, is_former_kept=not discard, advance=advance
        )
    return _tell_restored(name, found, restored)


def _restore_moment(
    job: Job, name: str, text: str, archive_root: Path | None, is_sure: bool, discard: bool
) -> Answer:
    """The server is recovered beside the running one; only this instance is taken out of it."""
    instance, moment = require_instance(job.home, name), read_moment(text)
    if job.database is not None:
        raise OperationError(
            "A moment can be restored where the Postgres is the embedded one; for yours, restore a "
            "backup, or use what your provider offers."
        )
    told = f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "the end of the archive"
    if job.is_dry:
        status = read_status(job.home).to_json()
        return Answer({"at": moment, "archive": status}, f"Would bring {name} back to {told}.")
    confirm(f"This replaces the data of {name}", name, is_sure)
    with alone_with(job.home, name), job.server() as server:
        if archive_root is None and is_archiving(job.home):
            job.say("Archiving what is there now ...")
            ship(job.home, server)
        with progress(job, f"Recovering {name} at {told}") as advance:
            found = back_up_moment(
                job.home, server, instance, moment, archive_root=archive_root, advance=advance
            )
        with progress(job, f"Restoring {name}", found) as advance:
            restored = restore_instance(
                job.home, server, found, is_former_kept=not discard, advance=advance
            )
    return _tell_restored(name, found, restored)


def _tell_restored(name: str, found: Backup, restored: Restored) -> Answer:
    former = restored.former.id if restored.former else None
    kept = f" What was there before is backup {former}." if former else ""
    return Answer(
        {**found.to_json(), "former": former},
        f"{name} is as it was at {found.manifest['at']}: {found.rows} rows.{kept}",
    )
