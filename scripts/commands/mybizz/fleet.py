"""``mybizz fleet ...``: all instances together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from app_server.errors import StartupError
from scripts.commands.mybizz.alerts import alerts
from scripts.commands.mybizz.job import Answer, Job, database, operation
from scripts.commands.mybizz.tables import format_bytes, format_seconds, make_table
from scripts.commands.mybizz.watch import doctor_command, guard_command, watch_command
from scripts.operations.fleet_status import InstanceStatus, read_fleet, require_known, sum_up
from scripts.operations.home import OperationError
from scripts.operations.instances import InstanceFolder

HEADS = (
    *("name", "release", "health", "requests", "failed", "memory", "database"),
    *("contacts", "bookings", "e-mails", "storage", "last backup", "last seen (UTC)"),
)


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


for each in (doctor_command, watch_command, guard_command, alerts):
    fleet.add_command(each)
