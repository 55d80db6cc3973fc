"""The commands of ``scripts/mybizz``, by noun."""

from __future__ import annotations

import shlex
from typing import Any

import click

from scripts.commands.mybizz.address import address
from scripts.commands.mybizz.archive import archive
from scripts.commands.mybizz.deploy import deploy
from scripts.commands.mybizz.fleet import fleet
from scripts.commands.mybizz.instance import instance
from scripts.commands.mybizz.job import Answer, Job, operation
from scripts.commands.mybizz.management import management
from scripts.commands.mybizz.release import release
from scripts.commands.mybizz.serve import serve
from scripts.commands.mybizz.tables import make_table
from scripts.operations.command_log import read_log


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 refused or failed, with the reason on the standard error; 2 not "
    "understood; 3 done, and what was to be shown does not hold (a changed file, a drill that "
    "proves nothing); 130 interrupted.",
)
def mybizz() -> None:
    """Publish releases of the template, and run the businesses that use them.

    A RELEASE is a frozen, numbered copy of the template. An INSTANCE is one business, with an
    address, a database and keys of its own, pinned to one release.

    \b
    A first business, from nothing:
      scripts/mybizz release publish minor --notes "Customers can book a class."
      scripts/mybizz instance create sea-view-inn --title "Sea View Inn" --owner zoe@seaview.example
      scripts/run                          # serves all instances
      scripts/mybizz instance open sea-view-inn

    Every command takes --json, and --data-dir where the installation is not in this checkout;
    those that change something also --dry-run. Each is noted: see `scripts/mybizz log`.
    """


@mybizz.command()
@click.option("--limit", type=click.IntRange(1), default=50, help="So many of the newest (50).")
@operation(is_reading=True)
def log(job: Job, limit: int) -> Answer:
    """Show who ran which command, when, and how it ended."""
    entries = read_log(job.home, limit)
    rows: list[list[Any]] = [
        [
            str(entry["at"])[:19].replace("T", " "),
            entry["by"],
            entry["state"],
            shlex.join(entry["command"]),
        ]
        for entry in entries
    ]
    shown = make_table(["when (UTC)", "who", "state", "command"], rows, "No command was run yet.")
    return Answer({"commands": entries}, shown)


mybizz.add_command(release)
mybizz.add_command(instance)
mybizz.add_command(fleet)
mybizz.add_command(archive)
mybizz.add_command(management)
mybizz.add_command(deploy)
mybizz.add_command(serve)
instance.add_command(address)


def main() -> None:
    mybizz(prog_name="scripts/mybizz")
