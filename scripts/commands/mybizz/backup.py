"""``mybizz instance backup|backups|restore|drill``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from scripts.commands.mybizz.job import (
    FAILED,
    NOT_PROVEN,
    Answer,
    Job,
    confirm,
    database,
    dry_run,
    operation,
)
from scripts.commands.mybizz.tables import format_bytes, format_seconds, make_table
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
    MANIFEST_FILE,
    Advance,
    Backup,
    find_backup,
    list_backups,
    make_backup,
    prune_backups,
    read_backup,
)
from scripts.operations.drills import RTO_SECONDS, Drill, drill
from scripts.operations.home import OperationError
from scripts.operations.instances import (
    InstanceFolder,
    find_instance,
    list_instances,
    require_instance,
)
from scripts.operations.moments import back_up_moment, read_moment
from scripts.operations.reaching import alone_with, reachable_database
from scripts.operations.restoring import Restored, restore_instance
from scripts.operations.wal_archive import alone_at, is_archiving, ship
from scripts.operations.wal_drills import drill_moment
from scripts.operations.wal_status import read_status

names = click.argument("names", nargs=-1)
everyone = click.option("--all", "is_all", is_flag=True, help="Every instance.")
origin = click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Take the backup from here: a backup's folder, or one with several.",
)


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
    keep a copy of it elsewhere), with checksums of files and tables. Where one of several fails,
    the others are made all the same, and the exit code is 1.

    With --if-due a timer can ask often: a backup of each instance is made every hour, and what the
    embedded Postgres wrote meanwhile is archived at each run, so that every moment can be restored
    (see `scripts/mybizz archive --help`). Where another run is at it, nothing is done.

    \b
      scripts/mybizz instance backup yogastudio
      scripts/mybizz instance backup --all --if-due --to /mnt/other-disk/mybizz      # by a timer
    """
    chosen = _choose(job, names, is_all)
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

    return _do_each(job, chosen, act)


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
        [each.id, each.kind, each.manifest["release"], each.rows, format_bytes(each.size)]
        for each in found
    ]
    shown = make_table(["backup", "kind", "release", "rows", "size"], rows, "There is no backup.")
    return Answer({"backups": [each.to_json() for each in found]}, shown)


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
    found = _find(instance, wanted, source)
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


@click.command("drill")
@names
@everyone
@click.option("--fresh", is_flag=True, help="Make a backup first, and restore that.")
@click.option(
    "--point-in-time",
    "is_moment",
    is_flag=True,
    help="Restore this very moment out of the archive instead of a backup.",
)
@origin
@database
@operation()
def drill_command(
    job: Job,
    names: tuple[str, ...],
    is_all: bool,
    fresh: bool,
    is_moment: bool,
    source: Path | None,
) -> Answer:
    """Prove that the newest backup can be restored, and tell how long it takes.

    It is restored into a scratch database, every table's rows and checksum are compared with the
    moment of the backup, and it is dropped again; the instance is not touched. RPO is what would
    be lost (the backup's age), RTO how long the restore takes. Exit code 3 where it is not proven.

    With --point-in-time the whole server is recovered out of the archive to the moment at which the
    drill began, beside the one that runs, and each instance is taken out of it and compared with
    what it was then; RPO is the age of the newest moment that was archived before.

    \b
      scripts/mybizz instance drill --all
      scripts/mybizz instance drill --all --point-in-time
    """
    chosen = _choose(job, names, is_all)
    if is_moment:
        if fresh or source:
            raise click.UsageError("--point-in-time takes neither --fresh nor --from.")
        return _drill_moment(job, chosen)
    drills: list[Drill] = []
    with job.server() as server:

        def act(instance: InstanceFolder) -> tuple[dict[str, Any], str]:
            with alone_with(job.home, instance.name):
                if fresh:
                    with reachable_database(job.home, instance, job.database) as url:
                        found = make_backup(job.home, instance, url)
                    instance.log("backup", id=found.id, of=found.manifest["at"])
                else:
                    found = _find(instance, None, source)
                with progress(job, f"Restoring {instance.name}", found) as advance:
                    done = drill(job.home, server, found, advance)
            drills.append(done)
            return done.to_json(), _tell_drill(done)

        answer = _do_each(job, chosen, act)
    if answer.code == 0 and not all(each.is_proven for each in drills):
        return Answer(answer.facts, answer.shown, NOT_PROVEN)
    return answer


def _drill_moment(job: Job, chosen: Sequence[InstanceFolder]) -> Answer:
    if job.database is not None or not is_archiving(job.home):
        raise OperationError(
            "There is no archive to restore a moment from: see `scripts/mybizz archive status`."
        )
    with (
        alone_at(job.home, "drill"),
        job.server() as server,
        progress(job, "Recovering this moment") as advance,
    ):
        done = drill_moment(job.home, server, chosen, advance)
    facts = [{"instance": each.instance_name, **each.to_json()} for each in done]
    is_proven = all(each.is_proven for each in done)
    shown = "\n".join(_tell_drill(each) for each in done)
    return Answer({"instances": facts}, shown, 0 if is_proven else NOT_PROVEN)


def _tell_drill(done: Drill) -> str:
    name = f"{done.instance_name} ({done.kind})"
    if not done.is_proven:
        return f"{name}: NOT PROVEN\n  " + "\n  ".join(done.problems)
    rpo = _tell_promise(done.rpo_seconds, done.promised_rpo_seconds)
    rto = _tell_promise(done.rto_seconds, RTO_SECONDS)
    return (
        f"{name}: proven, {done.tables} tables and {done.rows} rows are equal\n"
        f"  RPO {rpo}: so old are the data in it\n"
        f"  RTO {rto}: so long it took to have them back"
    )


def _tell_promise(seconds: float, promised: float) -> str:
    verdict = "kept" if seconds <= promised else "MISSED"
    return f"{format_seconds(seconds)} (promised: {format_seconds(promised)}; {verdict})"


def _choose(job: Job, names: Sequence[str], is_all: bool) -> list[InstanceFolder]:
    if bool(names) == is_all:
        raise click.UsageError("Name instances, or give --all.")
    return list_instances(job.home) if is_all else [require_instance(job.home, n) for n in names]


def _find(instance: InstanceFolder, wanted: str | None, source: Path | None) -> Backup:
    if source is not None and (source / MANIFEST_FILE).exists():
        return read_backup(source)
    base = source or instance.backups
    inside = base / instance.name
    return find_backup(inside if inside.is_dir() else base, wanted)


def _do_each(
    job: Job,
    instances: Sequence[InstanceFolder],
    act: Callable[[InstanceFolder], tuple[dict[str, Any], str]],
) -> Answer:
    """One failure does not keep the others from being done."""
    results, lines, failed = [], [], False
    for instance in instances:
        try:
            facts, line = act(instance)
        except Failures as error:
            failed, reason = True, str(error).strip()
            facts, line = {"error": reason}, f"{instance.name}: FAILED: {reason}"
        results.append({"instance": instance.name, **facts})
        lines.append(line)
    return Answer({"instances": results}, "\n".join(lines), FAILED if failed else 0)


@contextmanager
def progress(job: Job, title: str, backup: Backup | None = None) -> Iterator[Advance]:
    """A bar on the terminal while bytes go by; of a known number where a backup is read."""
    if job.is_json or not sys.stderr.isatty():
        job.say(f"{title} ...")
        yield lambda _count: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=job.progress, transient=True) as bar:
        task = bar.add_task(title, total=backup.size if backup else None)
        yield lambda count: bar.advance(task, count)
