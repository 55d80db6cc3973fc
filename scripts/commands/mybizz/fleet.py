"""``mybizz fleet ...``: all instances together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Group

from app_server.errors import StartupError
from scripts.commands.mybizz.alerts import alerts
from scripts.commands.mybizz.job import FAILED, Answer, Job, database, dry_run, operation
from scripts.commands.mybizz.notices import notify_command, serve_requests_command
from scripts.commands.mybizz.tables import format_bytes, format_seconds, make_table
from scripts.commands.mybizz.upgrade import ask
from scripts.commands.mybizz.watch import doctor_command, guard_command, watch_command
from scripts.operations.creation import choose_release
from scripts.operations.fleet.records import State, Wish
from scripts.operations.fleet.status import InstanceStatus, read_fleet, require_known, sum_up
from scripts.operations.fleet.upgrade import FleetUpgrade
from scripts.operations.home import OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.reaching import alone_with
from scripts.operations.releases import verify

HEADS = (
    *("name", "release", "health", "requests", "failed", "memory", "database"),
    *("contacts", "bookings", "e-mails", "storage", "last backup", "last seen (UTC)"),
)

# No instance has such a name.
FLEET_LOCK = "the fleet"
UNFINISHED = (State.WAITING, State.REHEARSED)


@click.group()
def fleet() -> None:
    """All instances together: how they are, and what is done to many of them."""


@fleet.command("status")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@database
@operation(is_reading=True)
def status_command(job: Job, names: tuple[str, ...]) -> Answer:
    """Show how every instance is: release, health, load, data, last backup, last seen.

    Requests are those since its server was started, e-mails those of the last 30 days; what
    cannot be learnt is left empty. With --json it is what the management app shows.

    \b
      scripts/mybizz fleet status
      scripts/mybizz fleet status yogastudio sea-view-inn --json
    """
    chosen = require_known(job.home, names)
    found, problem = _read(job, chosen)
    facts = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "problem": problem,
        "fleet": sum_up(found),
        "instances": [each.to_json() for each in found],
    }
    shown: Any = make_table(HEADS, map(_make_row, found), "There is no instance yet.")
    if problem:
        job.say(f"  {problem}")
    for each in found:
        if each.problem:
            job.say(f"  {each.name}: {each.problem}")
    return Answer(facts, shown)


@fleet.command("upgrade")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--to", "version", metavar="VERSION", help="This release (without it, the newest).")
@click.option(
    "--batch",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help="Upgrade so many, then see whether all are well, then the next.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 8),
    default=1,
    show_default=True,
    help="So many of a batch side by side.",
)
@click.option(
    "--canary",
    default="",
    metavar="NAME",
    help="First this one (without it, the one with the smallest database).",
)
@click.option("--stop-on-failure", "stops", is_flag=True, help="Begin no other after a failure.")
@click.option(
    "--rehearse",
    "rehearses",
    is_flag=True,
    help="First restore each one's newest backup beside it, upgrade and use that; one whose "
    "rehearsal fails is not touched.",
)
@click.option(
    "--allow-data-loss",
    is_flag=True,
    help="Values that do not fit their new type become empty; the old ones are kept aside.",
)
@click.option("--again", is_flag=True, help="Also those whose upgrade to this version failed.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@database
@dry_run
@operation()
def upgrade_command(
    job: Job, names: tuple[str, ...], version: str | None, is_sure: bool, **wishes: Any
) -> Answer:
    """Bring all instances (or those named) to a release, a canary first, then batch by batch.

    Each is upgraded as by `instance upgrade`: backed up, tried on a copy, and left as it was if
    anything fails. Nothing more is begun when the canary fails, when a whole batch fails, when one
    that was upgraded is not ready any more, or with --stop-on-failure when any fails. Interrupted
    or killed, it goes on where it was when the same command is given again. Exit code 1 says that
    one failed or was not begun.

    \b
      scripts/mybizz fleet upgrade --to v1.1.0 --dry-run
      scripts/mybizz fleet upgrade --to v1.1.0 --batch 5 --stop-on-failure --rehearse
      scripts/mybizz fleet upgrade --to v1.1.0 --canary yogastudio --at-once 2 --yes
    """
    chosen = require_known(job.home, names)
    wish = Wish(choose_release(job.home, version), **wishes)
    verify(wish.target)
    if not chosen:
        return Answer({"to": wish.target.version, "instances": []}, "There is no instance yet.")
    with alone_with(job.home, FLEET_LOCK), job.server() as server:
        run = FleetUpgrade(
            job.home, server, chosen, wish, job.say, is_embedded=job.database is None
        )
        if job.is_dry:
            return Answer(run.to_json(), _show_upgrade(run, is_planned=True))
        todo = [each.name for each in run.records if each.state is State.WAITING]
        if todo:
            ask(f"Upgrade {len(todo)} instances to {wish.target.version}?", is_sure)
        run.run()
    unfinished = run.failed or [each for each in run.records if each.state in UNFINISHED]
    code = FAILED if run.stopped or unfinished else 0
    return Answer(run.to_json(), _show_upgrade(run), code)


def _show_upgrade(run: FleetUpgrade, *, is_planned: bool = False) -> Any:
    rows = []
    for each in run.records:
        turn = "canary" if each.is_canary else each.batch or ""
        told = each.error.splitlines()[0] if each.error else ""
        stopped = "" if each.stopped_seconds is None else format_seconds(each.stopped_seconds)
        rows.append([each.name, each.former, turn, each.state.value, stopped, told])
    heads = ["name", "from", "batch", "state", "writes stopped", "why"]
    table = make_table(heads, rows, "Nothing to do.")
    target = run.wish.target.version
    head = f"Would be upgraded to {target}:" if is_planned else f"Upgraded to {target}:"
    return Group(*([run.stopped] if run.stopped else []), head, table)


def _read(job: Job, chosen: list[InstanceFolder]) -> tuple[list[InstanceStatus], str | None]:
    """The instances' state, also where there is no database server to be reached."""
    if not chosen:
        return [], None
    try:
        with job.server() as server:
            return read_fleet(job.home, server, chosen), None
    except (OperationError, StartupError) as error:
        return read_fleet(job.home, None, chosen), str(error)


def _make_row(each: InstanceStatus) -> list[Any]:
    age = each.backup_age_seconds
    return [
        each.name,
        each.release,
        each.health,
        each.requests,
        each.requests_failed,
        format_bytes(each.memory_bytes),
        format_bytes(each.database_bytes),
        each.contacts,
        each.bookings,
        each.emails,
        format_bytes(each.storage_bytes),
        "none" if age is None else f"{format_seconds(max(60, age))} ago",
        f"{each.last_seen_at:%Y-%m-%d %H:%M}" if each.last_seen_at else "never",
    ]


for each in (
    doctor_command,
    watch_command,
    guard_command,
    alerts,
    notify_command,
    serve_requests_command,
):
    fleet.add_command(each)
