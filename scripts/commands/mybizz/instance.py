"""``mybizz instance ...``: make businesses, look at them, take them away."""

from __future__ import annotations

import webbrowser
from datetime import datetime
from typing import Any

import click

from scripts.commands.mybizz import backup, clone, drill, restore, upgrade
from scripts.commands.mybizz.job import Answer, Job, confirm, database, dry_run, operation
from scripts.commands.mybizz.tables import format_bytes, make_facts, make_table
from scripts.operations.backups import make_backup
from scripts.operations.creation import Wanted, choose_release, create
from scripts.operations.databases import DatabaseServer
from scripts.operations.destruction import destroy, find_destructible
from scripts.operations.home import OperationError
from scripts.operations.inspection import is_served, read_database, summarise
from scripts.operations.instances import (
    find_instance,
    list_instances,
    origin_of,
    require_instance,
)
from scripts.operations.names import choose_name
from scripts.operations.owner_links import make_owner_link
from scripts.operations.reaching import alone_with, reachable_database
from scripts.operations.setup import BUSINESS, VERTICALS, read_log_ins

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
@click.option("--time-zone", default=BUSINESS["time_zone"], show_default=True)
@click.option("--currency", default=BUSINESS["currency"], show_default=True)
@click.option("--locale", default=BUSINESS["locale"], show_default=True)
@click.option("--country", default=BUSINESS["country"], show_default=True)
@click.option(
    "--vertical",
    type=click.Choice(VERTICALS),
    help="The kind of business: its features, colours and policies to begin with.",
)
@click.option(
    "--sample-data",
    type=click.Choice(VERTICALS),
    help="Make a business of this kind to show around: contacts, bookings, payments, products, "
    "tasks, colours, policies.",
)
@click.option(
    "--with-log-ins",
    is_flag=True,
    help="For demonstrations: give everyone a password, print and keep it, in place of the "
    "owner's link.",
)
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
    vertical: str | None,
    sample_data: str | None,
    with_log_ins: bool,
    port: int,
    **business: str,
) -> Answer:
    """Make a business: database, role, keys, folder, owner's account.

    It prints a link by which the owner chooses a password: once, within seven days. It is kept
    nowhere; `instance owner-link` makes another.

    Without NAME, one is made from the title. Where a step fails, everything is undone; where the
    machine goes down meanwhile, run the same again: it completes.

    \b
      scripts/mybizz instance create sea-view-inn --title "Sea View Inn" --owner zoe@seaview.example
      scripts/mybizz instance create --title "Old Mill" --owner ann@mill.example \\
        --sample-data guesthouse
      scripts/mybizz instance create --title "Café Zoë" --owner zoe@cafe.example --dry-run
    """
    if not name and not title:
        raise click.UsageError("Give a NAME, a --title, or both.")
    if "@" not in owner:
        raise click.BadParameter(
            f"an e-mail address was expected, got {owner!r}", param_hint="--owner"
        )
    if vertical and sample_data and vertical != sample_data:
        raise click.UsageError(f"It can't be a {vertical} with the sample data of a {sample_data}.")
    release = choose_release(job.home, version)
    first, _, last = owner_name.partition(" ")

    def want(server: DatabaseServer | None) -> Wanted:
        chosen = choose_name(job.home, server, name, title or "")
        names = (first, last or first)
        named = title or chosen
        return Wanted(
            chosen,
            named,
            owner,
            names,
            release,
            port,
            sample_data or vertical,
            bool(sample_data),
            with_log_ins,
            business,
        )

    if job.is_dry and not job.has_server:
        return _tell_plan(job, want(None))
    with job.server() as server:
        wanted = want(server)
        if job.is_dry:
            return _tell_plan(job, wanted)
        with alone_with(job.home, wanted.name):
            created = create(job.home, server, wanted, job.say)
    made, link = created.instance, created.owner_link
    log_ins = read_log_ins(made)
    origin = str(made.read_config()["origin"])
    lines = [f"{origin}/app", *(_tell_log_in(each) for each in log_ins)]
    if link:
        lines += ["", str(link)]
    facts = {
        **summarise(job.home, made).to_json(),
        "log_ins": log_ins,
        "owner_link": link.to_json() if link else None,
    }
    return Answer(facts, "\n".join(lines))


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
        "vertical": wanted.vertical or "none in particular",
        "sample_data": wanted.sample_data,
    }
    return Answer(facts, f"Would make this instance:\n\n{make_facts(facts)}")


def _tell_log_in(log_in: dict[str, str]) -> str:
    return f"  {log_in['role']:<9}  {log_in['email']}  {log_in['password']}"


@instance.command("owner-link")
@click.argument("name")
@database
@dry_run
@operation()
def owner_link_command(job: Job, name: str) -> Answer:
    """Make a link by which the owner chooses a password, and print it.

    For the first log-in, and for an owner who has lost the password and gets no e-mail. It works
    once, within seven days; the link before it stops working. The password that there is goes on
    working until a new one is chosen.

    \b
      scripts/mybizz instance owner-link sea-view-inn
    """
    found = require_instance(job.home, name)
    if job.is_dry:
        return Answer({"name": name}, f"Would make a new link for the owner of {name}.")
    with alone_with(job.home, name), reachable_database(job.home, found, job.database):
        link = make_owner_link(found, job.say)
    return Answer({"name": name, **link.to_json()}, str(link))


@instance.command("list")
@operation(is_reading=True)
def list_command(job: Job) -> Answer:
    """List all instances with their release and state.

    An "unfinished" one was interrupted while it was made: create it again to complete it.
    """
    found = [summarise(job.home, each) for each in list_instances(job.home)]
    rows = [
        [
            each.name,
            each.title,
            each.release,
            each.state,
            each.origin,
            _tell_time(each.backed_up_at),
        ]
        for each in found
    ]
    heads = ["name", "title", "release", "state", "address", "last backup (UTC)"]
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


def _tell_time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "none"


def _tell_entry(entry: dict[str, Any]) -> str:
    known = ("at", "by", "action")
    rest = ", ".join(f"{key}: {value}" for key, value in entry.items() if key not in known)
    return f"  {str(entry['at'])[:16].replace('T', ' ')}  {entry['by']}  {entry['action']}  {rest}"


@instance.command("open")
@click.argument("name")
@click.option("--print", "is_printed", is_flag=True, help="Only print the address and log-ins.")
@operation()
def open_command(job: Job, name: str, is_printed: bool) -> Answer:
    """Open an instance's app in the browser, and print its log-ins where some were made."""
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
    if not log_ins:
        lines.append(f"  The owner's way in: scripts/mybizz instance owner-link {name}")
    return Answer({"address": address, "log_ins": log_ins}, "\n".join(lines))


@instance.command("destroy")
@click.argument("name")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask for the name again.")
@click.option("--no-backup", is_flag=True, help="Keep nothing of it.")
@database
@dry_run
@operation()
def destroy_command(job: Job, name: str, is_sure: bool, no_backup: bool) -> Answer:
    """Take an instance away for good: database, role, keys, folder and backups.

    A last backup is kept in .data/destroyed/NAME, from which `restore --from` brings it back. It
    asks for the name again; programs give --yes. Interrupted, it is completed by running it again.
    """
    found = find_destructible(job.home, name)
    facts = {"name": name, "folder": str(found.path), "database": found.database_name}
    if job.is_dry:
        return Answer(facts, f"Would remove for good:\n\n{make_facts(facts)}")
    confirm(f"This removes {name} for good", name, is_sure)
    kept = None
    with alone_with(job.home, name), job.server() as server:
        if found.exists() and not no_backup:
            with reachable_database(job.home, found, job.database) as url:
                target = job.home.data / "destroyed" / name
                kept = make_backup(job.home, found, url, kind="final", target=target)
        destroy(server, found)
    told = f" Its last backup is {kept.folder}." if kept else ""
    return Answer({**facts, "backup": kept.to_json() if kept else None}, f"{name} is gone.{told}")


for each in (
    backup.backup_command,
    backup.list_command,
    restore.restore_command,
    drill.drill_command,
    clone.clone_command,
    upgrade.upgrade_command,
    upgrade.rollback_command,
    upgrade.stop_command,
    upgrade.start_command,
):
    instance.add_command(each)
