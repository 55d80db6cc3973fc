"""``mybizz management backup|restore``: the console is backed up as a business is."""

from __future__ import annotations

from pathlib import Path

import click

from scripts.commands.mybizz.choosing import progress
from scripts.commands.mybizz.job import Answer, Job, confirm, database, dry_run, operation
from scripts.commands.mybizz.tables import format_bytes
from scripts.operations.backups import KEEP_DAYS, find_backup, make_backup, prune_backups
from scripts.operations.home import OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.management import NAME, complete_management, require_management
from scripts.operations.reaching import alone_with, reachable_database
from scripts.operations.restoring import restore_instance

TARGET = click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write to DIR/management (another disk) instead of the console's backups/.",
)


def _base(folder: InstanceFolder, target: Path | None) -> Path:
    return target / NAME if target else folder.backups


@click.command("backup")
@TARGET
@click.option("--keep-days", type=click.IntRange(1), default=KEEP_DAYS, show_default=True)
@database
@dry_run
@operation()
def backup_command(job: Job, target: Path | None, keep_days: int) -> Answer:
    """Back up the console while it is in use: plans, bills, people, history, keys.

    Sealed with the key of the installation (.data/backup.key), like the backups of businesses.

    \b
      scripts/mybizz management backup --to /mnt/other-disk/mybizz        # by a timer, every hour
    """
    folder = require_management(job.home)
    base = _base(folder, target)
    if job.is_dry:
        return Answer({"folder": str(base)}, f"Would back up the console to {base}.")
    with (
        alone_with(job.home, NAME),
        reachable_database(job.home, folder, job.database) as url,
        progress(job, "Backing up the console") as advance,
    ):
        made = make_backup(job.home, folder, url, target=base, advance=advance)
    deleted = [each.id for each in prune_backups(base, keep_days)]
    folder.log("backup", id=made.id, of=made.manifest["at"], folder=str(base))
    return Answer(
        {**made.to_json(), "deleted": deleted},
        f"{made.rows} rows, {format_bytes(made.size)}: {made.folder}",
    )


@click.command("restore")
@click.option("--backup", "wanted", metavar="ID", help="Which one (without it, the newest).")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="The folder that holds the backups, such as /mnt/other-disk/mybizz/management.",
)
@click.option("--yes", "is_sure", is_flag=True, help="For programs: do not ask.")
@database
@dry_run
@operation()
def restore_command(job: Job, wanted: str | None, source: Path | None, is_sure: bool) -> Answer:
    """Bring the console back to a backup. What is there now becomes a backup itself.

    \b
      scripts/mybizz management restore
      scripts/mybizz management restore --backup 20261121T080000123Z
    """
    folder = require_management(job.home)
    backup = find_backup(source or folder.backups, wanted)
    if backup.instance_name != NAME:
        raise OperationError(
            f"That is a backup of {backup.instance_name}, not of the console: "
            f"scripts/mybizz instance restore {backup.instance_name} --from ..."
        )
    if job.is_dry:
        return Answer(backup.to_json(), f"Would restore {backup.id} of {backup.manifest['at']}.")
    confirm("This replaces the data of the console", NAME, is_sure)
    with job.server() as server, alone_with(job.home, NAME):
        complete_management(server, folder)
        with progress(job, "Restoring the console") as advance:
            restored = restore_instance(job.home, server, backup, advance=advance, console=folder)
    former = restored.former.id if restored.former else None
    return Answer(
        {**backup.to_json(), "former": former},
        f"The console is as it was at {backup.manifest['at']}. What was there is backup {former}.",
    )
