"""``mybizz instance drill``: prove that what is kept can be restored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from scripts.commands.mybizz.choosing import (
    choose,
    do_each,
    everyone,
    find_chosen,
    names,
    origin,
    progress,
)
from scripts.commands.mybizz.job import (
    FAILED,
    NOT_PROVEN,
    Answer,
    Job,
    database,
    operation,
)
from scripts.commands.mybizz.tables import format_seconds
from scripts.operations.backup_schedule import Failures
from scripts.operations.backups import make_backup
from scripts.operations.drills import RTO_SECONDS, Drill, drill
from scripts.operations.home import OperationError
from scripts.operations.instances import (
    InstanceFolder,
)
from scripts.operations.management import NAME as CONSOLE
from scripts.operations.management import management_folder
from scripts.operations.reaching import alone_with, reachable_database
from scripts.operations.wal.archive import alone_at, is_archiving, read_settings
from scripts.operations.wal.drills import drill_moment


@click.command("drill")
@names
@everyone
@click.option("--fresh", is_flag=True, help="Make a backup first, and restore that.")
@click.option(
    "--point-in-time",
    "is_moment",
    is_flag=True,
    help="Restore this very moment out of the archive, too.",
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
    --all takes the console along, where there is one.

    With --point-in-time, after that, the whole server is recovered out of the archive to the moment
    at which the drill began, beside the one that runs, and each instance is taken out of it and
    compared with what it was then; RPO is the age of the newest moment that was archived before.

    \b
      scripts/mybizz instance drill --all
      scripts/mybizz instance drill --all --point-in-time
    """
    chosen = choose(job, names, is_all)
    console = management_folder(job.home)
    if is_all and console.exists() and not console.unfinished_marker.exists():
        chosen.append(console)
    answers = [_drill_backups(job, chosen, fresh, source)]
    if is_moment:
        answers.append(_drill_moment(job, chosen))
    facts = [each for answer in answers for each in answer.facts["instances"]]
    shown = "\n".join(str(answer.shown) for answer in answers)
    return Answer({"instances": facts}, shown, max((a.code for a in answers), key=_rank))


def _rank(code: int) -> int:
    """A drill that could not be done is worse than one that proves nothing."""
    return {0: 0, NOT_PROVEN: 1}.get(code, 2)


def _drill_backups(
    job: Job, chosen: Sequence[InstanceFolder], fresh: bool, source: Path | None
) -> Answer:
    drills: list[Drill] = []
    with job.server() as server:

        def act(instance: InstanceFolder) -> tuple[dict[str, Any], str]:
            with alone_with(job.home, instance.name):
                if fresh:
                    with reachable_database(job.home, instance, job.database) as url:
                        found = make_backup(job.home, instance, url)
                    instance.log("backup", id=found.id, of=found.manifest["at"])
                else:
                    found = find_chosen(instance, None, source)
                with progress(job, f"Restoring {instance.name}", found) as advance:
                    is_console = instance.name == CONSOLE
                    console = instance if is_console else None
                    done = drill(job.home, server, found, advance, console)
            drills.append(done)
            return done.to_json(), _tell_drill(done)

        answer = do_each(job, chosen, act)
    if answer.code == 0 and not all(each.is_proven for each in drills):
        return Answer(answer.facts, answer.shown, NOT_PROVEN)
    return answer


def _drill_moment(job: Job, chosen: Sequence[InstanceFolder]) -> Answer:
    if read_settings(job.home).get("is_off"):
        return Answer({"instances": []}, "The archive is switched off: no moment was tried.")
    try:
        if job.database is not None or not is_archiving(job.home):
            raise OperationError("there is none. See `scripts/mybizz archive status`.")
        with (
            alone_at(job.home, "drill"),
            job.server() as server,
            progress(job, "Recovering this moment") as advance,
        ):
            done = drill_moment(job.home, server, chosen, advance)
    except Failures as error:
        reason = f"The archive: {str(error).strip()}"
        failed = [{"instance": each.name, "error": reason} for each in chosen]
        return Answer({"instances": failed}, f"{reason} FAILED.", FAILED)
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
