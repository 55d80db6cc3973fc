"""``mybizz instance ...``: make businesses, look at them, take them away."""

from __future__ import annotations

import sys
import webbrowser
from typing import Any

import click

from scripts.commands.mybizz.job import Answer, Job, database, dry_run, operation
from scripts.commands.mybizz.tables import format_bytes, make_facts, make_table
from scripts.operations.creation import Wanted, choose_release, create
from scripts.operations.databases import DatabaseServer
from scripts.operations.destruction import destroy, find_destructible
from scripts.operations.home import OperationError
from scripts.operations.inspection import is_served, read_database, summarise
from scripts.operations.instances import (
    InstanceFolder,
    find_instance,
    list_instances,
    origin_of,
    require_instance,
)
from scripts.operations.names import choose_name
from scripts.operations.setup import read_log_ins

SHOWN_HISTORY = 10


@click.group()
def instance() -> None:
    """Make businesses, look at them, take them away.

    NAME is an instance's short name: its address is NAME.localhost on this machine, its folder
    client_instances/NAME, its database mybizz_NAME.
    """


@instance.command("create")
@click.argument("name", required=False)
@click.option("--title", help="The business's name as people see it.")
@click.option("--owner", required=True, metavar="EMAIL", help="The owner's log-in.")
@click.option("--owner-name", default="Business Owner", metavar="'FIRST LAST'")
@click.option("--release", "version", help="Pin this version (without it, the newest).")
@click.option("--sample-data", is_flag=True, help="Make a business to show around.")
@click.option("--port", type=click.IntRange(1, 65535), default=3030, help="Where it is served.")
@database
@dry_run
@operation()
def create_command(
    job: Job,
    name: str | None,
    title: str | None,
    owner: str,
    owner_name: str,
    version: str | None,
    sample_data: bool,
    port: int,
) -> Answer:
    """Make a business: database, role, keys, folder, owner's log-in.

    Without NAME, one is made from the title. Where a step fails, everything is undone; where the
    machine goes down meanwhile, run the same again: it completes.

    \b
      scripts/mybizz instance create sea-view-inn --title "Sea View Inn" --owner zoe@seaview.example
      scripts/mybizz instance create --title "Café Zoë" --owner zoe@cafe.example --dry-run
    """
    if not name and not title:
        raise click.UsageError("Give a NAME, a --title, or both.")
    if "@" not in owner:
        raise click.BadParameter(
            f"an e-mail address was expected, got {owner!r}", param_hint="--owner"
        )
    release = choose_release(job.home, version)
    first, _, last = owner_name.partition(" ")

    def want(server: DatabaseServer | None) -> Wanted:
        chosen = choose_name(job.home, server, name, title or "")
        names = (first, last or first)
        return Wanted(chosen, title or chosen, owner, names, release, port, sample_data)

    if job.is_dry and not job.has_server:
        return _tell_plan(job, want(None))
    with job.server() as server:
        wanted = want(server)
        if job.is_dry:
            return _tell_plan(job, wanted)
        made = create(job.home, server, wanted, job.say)
    log_ins = read_log_ins(made)
    origin = str(made.read_config()["origin"])
    lines = [f"{origin}/app", *(_tell_log_in(each) for each in log_ins)]
    return Answer({**summarise(job.home, made).to_json(), "log_ins": log_ins}, "\n".join(lines))


def _tell_plan(job: Job, wanted: Wanted) -> Answer:
    folder = find_instance(job.home, wanted.name)
    facts = {
        "name": wanted.name,
        "title": wanted.title,
        "origin": origin_of(wanted.name, wanted.port),
        "database": folder.database_name,
        "folder": str(folder.path),
        "release": wanted.release.version,
        "owner": wanted.owner_email,
    }
    return Answer(facts, f"Would make this instance:\n\n{make_facts(facts)}")


def _tell_log_in(log_in: dict[str, str]) -> str:
    return f"  {log_in['role']:<9}  {log_in['email']}  {log_in['password']}"


@instance.command("list")
@operation(is_reading=True)
def list_command(job: Job) -> Answer:
    """List all instances with their release and state.

    An "unfinished" one was interrupted while it was made: create it again to complete it.
    """
    found = [summarise(job.home, each) for each in list_instances(job.home)]
    rows = [[each.name, each.title, each.release, each.state, each.origin] for each in found]
    heads = ["name", "title", "release", "state", "address"]
    shown = make_table(heads, rows, "There is no instance yet.")
    return Answer({"instances": [each.to_json() for each in found]}, shown)


@instance.command()
@click.argument("name")
@database
@operation(is_reading=True)
def show(job: Job, name: str) -> Answer:
    """Show one instance: whether it is served, its database, and what was done to it."""
    found = require_instance(job.home, name)
    facts: dict[str, Any] = {
        **summarise(job.home, found).to_json(),
        "folder": str(found.path),
        "is_served": is_served(found),
    }
    with job.server() as server:
        facts["database"] = read_database(server, found)
    history = found.read_history()
    size = facts["database"]["bytes"]
    lines = make_facts(
        {
            **facts,
            "is_served": "yes" if facts["is_served"] else "no",
            "database": f"{found.database_name}, {format_bytes(size)}" if size else "missing",
        }
    )
    recent = [_tell_entry(entry) for entry in history[-SHOWN_HISTORY:]]
    return Answer({**facts, "history": history}, "\n".join([lines, "", "history", *recent]))


def _tell_entry(entry: dict[str, Any]) -> str:
    known = ("at", "by", "action")
    rest = ", ".join(f"{key}: {value}" for key, value in entry.items() if key not in known)
    return f"  {str(entry['at'])[:16].replace('T', ' ')}  {entry['by']}  {entry['action']}  {rest}"


@instance.command("open")
@click.argument("name")
@click.option("--print", "is_printed", is_flag=True, help="Only print the address and log-ins.")
@operation()
def open_command(job: Job, name: str, is_printed: bool) -> Answer:
    """Open an instance's app in the browser, and print its first log-ins."""
    found = require_instance(job.home, name)
    address = f"{found.read_config().get('origin')}/app"
    if not is_printed:
        if not is_served(found):
            raise OperationError(
                f"{name} is not served at {address}. Start it with scripts/run, or give --print."
            )
        webbrowser.open(address)
    log_ins = read_log_ins(found)
    lines = [address, *(_tell_log_in(each) for each in log_ins)]
    return Answer({"address": address, "log_ins": log_ins}, "\n".join(lines))


@instance.command("destroy")
@click.argument("name")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask for the name again.")
@database
@dry_run
@operation()
def destroy_command(job: Job, name: str, is_sure: bool) -> Answer:
    """Take an instance away for good: database, role, keys, folder.

    It asks for the name again; programs give --yes. Interrupted, it is completed by running it
    again.
    """
    found = find_destructible(job.home, name)
    facts = {"name": name, "folder": str(found.path), "database": found.database_name}
    if job.is_dry:
        return Answer(facts, f"Would remove for good:\n\n{make_facts(facts)}")
    _confirm(found, is_sure)
    with job.server() as server:
        destroy(server, found)
    return Answer(facts, f"{name} is gone.")


def _confirm(found: InstanceFolder, is_sure: bool) -> None:
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise OperationError("Nobody can be asked whether this is meant. Give --yes.")
    typed = click.prompt(f"This removes {found.name} for good. Type its name", err=True)
    if typed.strip() != found.name:
        raise OperationError("Nothing is removed: that was another name.")
