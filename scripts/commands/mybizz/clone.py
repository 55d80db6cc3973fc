"""``mybizz instance clone``."""

from __future__ import annotations

import click

from scripts.commands.mybizz.choosing import progress
from scripts.commands.mybizz.job import Answer, Job, database, dry_run, operation
from scripts.commands.mybizz.tables import make_facts
from scripts.operations.anonymising import read_rules
from scripts.operations.cloning import clone_instance
from scripts.operations.home import OperationError
from scripts.operations.instances import find_instance, origin_of, require_instance
from scripts.operations.owner_links import make_owner_link
from scripts.operations.provision import pinned_release
from scripts.operations.reaching import alone_with, reachable_database


@click.command("clone")
@click.argument("name")
@click.argument("new_name", metavar="NEW")
@click.option(
    "--keep-personal-data",
    is_flag=True,
    help="Copy people as they are. Only what opens something or acts outside is left out.",
)
@database
@dry_run
@operation()
def clone_command(job: Job, name: str, new_name: str, keep_personal_data: bool) -> Answer:
    """Copy an instance for staging, with believable people in place of its own.

    Names, e-mail addresses, telephone numbers, addresses and notes are made up; equal ones become
    equal ones, so that duplicates and links stay. The audit log, mails, invitations, integrations
    and all secrets stay behind. The copy sends no mail (it lies in its data/outbox), and nothing
    is done there by a schedule. It is on the same release, with keys of its own. The original may
    be used meanwhile; it is not changed. Interrupted, run it again.

    The answer has a link by which you get in as its owner, once.

    \b
      scripts/mybizz instance clone yogastudio yogastudio-staging
      scripts/mybizz instance clone yogastudio yogastudio-staging --dry-run
    """
    source, target = require_instance(job.home, name), find_instance(job.home, new_name)
    if source.unfinished_marker.exists():
        raise OperationError(f"{name} is unfinished: there is nothing to copy yet.")
    release = pinned_release(job.home, source)
    facts = {
        "name": new_name,
        "of": name,
        "release": release.version,
        "origin": origin_of(new_name, int(source.read_config().get("port") or 3030)),
        "database": target.database_name,
        "keeps_personal_data": keep_personal_data,
    }
    if target.exists():
        raise OperationError(f"The instance {new_name!r} exists already. Choose another name.")
    if job.is_dry:
        read_rules(release.folder / "master_template")
        return Answer(facts, f"Would make this copy:\n\n{make_facts(facts)}")
    with (
        alone_with(job.home, name),
        alone_with(job.home, new_name),
        reachable_database(job.home, source, job.database) as url,
        job.server() as server,
    ):
        with progress(job, f"Copying {name}") as advance:
            made = clone_instance(
                job.home,
                server,
                source,
                new_name,
                source_url=url,
                keeps_personal=keep_personal_data,
                say=job.say,
                advance=advance,
            )
        job.say("  Making a link to get in ...")
        link = make_owner_link(made.instance, job.say)
    replaced = ", ".join(f"{count} {kind}" for kind, count in sorted(made.counts.items()))
    shown = f"{facts['origin']}/app\n\n{link}\n\nReplaced or left out: {replaced or 'nothing'}."
    return Answer({**facts, "replaced": made.counts, "owner_link": link.to_json()}, shown)
