"""``mybizz instance address``: where the public reaches an instance."""

from __future__ import annotations

import click

from scripts.commands.mybizz.job import Answer, Job, dry_run, operation
from scripts.operations.addresses import CONSOLE, find_console, set_origin
from scripts.operations.instances import require_instance
from scripts.operations.reaching import alone_with


@click.command("address")
@click.argument("name")
@click.argument("origin", required=False)
@dry_run
@operation()
def address(job: Job, name: str, origin: str | None) -> Answer:
    """Show or set the address by which people reach an instance.

    A running server follows within a second; links in e-mails that are already sent keep the old
    address. Let the name lead to this machine first (DNS), so that a certificate can be had. The
    console is called "management" here; it follows when it is started anew.

    \b
      scripts/mybizz instance address sea-view-inn
      scripts/mybizz instance address sea-view-inn https://www.seaview.example
    """
    is_console = name == CONSOLE and find_console(job.home).exists()
    found = find_console(job.home) if is_console else require_instance(job.home, name)
    before = str(found.read_config().get("origin", ""))
    if origin is None:
        return Answer({"name": name, "origin": before}, before)
    with alone_with(job.home, name):
        after = set_origin(job.home, found, origin, is_dry=job.is_dry)
    told = "Would be reached at" if job.is_dry else "Is reached at"
    return Answer({"name": name, "origin": after, "former": before}, f"{told} {after}/")
