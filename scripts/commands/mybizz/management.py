"""``mybizz management ...``: the founder's console, apart from all businesses."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack

import click

from scripts.commands.mybizz.job import Answer, Job, database, dry_run, operation
from scripts.commands.mybizz.management_backup import backup_command, restore_command
from scripts.operations.home import ROOT, Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.management import (
    PORT,
    TITLE,
    complete_management,
    management_folder,
    move_to_port,
    origin,
    require_management,
)
from scripts.operations.management_setup import WantedConsole, create_management
from scripts.operations.owner_links import make_owner_link
from scripts.operations.reaching import alone_with
from scripts.operations.serving import (
    require_free_port,
    running,
    single_command,
    wait_until_served,
)
from scripts.operations.setup import BUSINESS

AGENT = ROOT / "scripts" / "uplink" / "operator_agent.py"


@click.group()
def management() -> None:
    """The console: see all businesses in the browser, and have them made, upgraded, billed.

    It is an app of its own, with its own database, keys and people, in .data/management/. Nobody
    gets in but the founder and those whom the founder invites.

    \b
      scripts/mybizz management create --founder you@example.com
      scripts/mybizz management run
    """


management.add_command(backup_command)
management.add_command(restore_command)


@management.command("create")
@click.option("--founder", required=True, metavar="EMAIL", help="Your log-in.")
@click.option("--founder-name", default="The Founder", metavar="'FIRST LAST'")
@click.option("--title", default=TITLE, show_default=True, help="What the console is called.")
@click.option("--time-zone", default=BUSINESS["time_zone"], show_default=True)
@click.option("--currency", default=BUSINESS["currency"], show_default=True)
@click.option("--locale", default=BUSINESS["locale"], show_default=True)
@click.option("--country", default=BUSINESS["country"], show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
@database
@dry_run
@operation()
def create_command(
    job: Job, founder: str, founder_name: str, title: str, port: int, **business: str
) -> Answer:
    """Make the console. It prints a link by which you choose your password: once, within days.

    Where the machine goes down meanwhile, run the same again: it completes.

    \b
      scripts/mybizz management create --founder you@example.com --founder-name "Thandi Mokoena"
    """
    if "@" not in founder:
        raise click.BadParameter(
            f"an e-mail address was expected, got {founder!r}", param_hint="--founder"
        )
    folder = management_folder(job.home)
    if job.is_dry:
        facts = {"folder": str(folder.path), "database": folder.database_name}
        done = "The console exists already." if folder.exists() else "Nothing was done."
        text = f"Would make {folder.path} and the database {folder.database_name}. {done}"
        return Answer({**facts, "origin": origin(port), "exists": folder.exists()}, text)
    first, _, last = founder_name.partition(" ")
    wanted = WantedConsole(founder, (first, last or first), port, title, business)
    with job.server() as server, alone_with(job.home, "management"):
        made, link = create_management(job.home, server, wanted, job.say)
    return Answer(
        {"origin": origin(port), "folder": str(made.path), "founder_link": link.to_json()},
        f"The console is made. Serve it: scripts/mybizz management run\n\n{link}",
    )


@management.command("founder-link")
@database
@operation()
def founder_link_command(job: Job) -> Answer:
    """Make a new link for the founder, who has lost the password or the first one.

    The link before stops working; so does the password, once the new one is chosen.
    """
    folder = require_management(job.home)
    with job.server() as server:
        complete_management(server, folder)
        link = make_owner_link(folder, job.say)
    return Answer({"founder_link": link.to_json()}, str(link))


@management.command("run")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
@click.option(
    "--agent/--no-agent",
    "has_agent",
    default=True,
    help="Also run the operator agent of this machine, which tells the console of the businesses "
    "and does what is asked for there (default).",
)
@database
@operation()
def run_command(job: Job, port: int, has_agent: bool) -> Answer:
    """Serve the console until Ctrl-C, in a process of its own.

    \b
      scripts/mybizz management run
      scripts/mybizz management run --port 8031 --no-agent
    """
    folder = require_management(job.home)
    if folder.unfinished_marker.exists():
        raise OperationError(
            "The console is unfinished: run `scripts/mybizz management create` again first."
        )
    require_free_port(port)
    try:
        with job.server() as server:
            complete_management(server, folder)
            move_to_port(folder, port)
            code = _serve(job, folder, port, has_agent)
    except KeyboardInterrupt:
        return Answer({"stopped": True}, "Stopped.")
    raise OperationError(f"The console's server stopped by itself (exit code {code}).")


def _serve(job: Job, folder: InstanceFolder, port: int, has_agent: bool) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        child = stack.enter_context(running(single_command(folder, port), folder.path))
        wait_until_served(folder, port, child)
        if has_agent:
            if job.database:
                # Not on its command line, which everybody on the machine can read.
                os.environ["MYBIZZ_DATABASE"] = job.database
            stack.enter_context(running(_agent_command(job)))
        click.echo(f"The console: {folder.read_config()['origin']}/\nCtrl-C stops it.", err=True)
        return child.wait()


def _agent_command(job: Job) -> list[str]:
    home = [] if job.home == Home.at(None) else ["--data-dir", str(job.home.data)]
    return [sys.executable, str(AGENT), *home]
