"""``mybizz instance upgrade|rollback|stop|start``."""

from __future__ import annotations

import sys

import click

from scripts.commands.mybizz.job import Answer, Job, confirm, database, dry_run, operation
from scripts.operations.creation import choose_release
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import OperationError
from scripts.operations.instances import InstanceFolder, require_instance
from scripts.operations.pausing import find_pause, start_instance, stop_instance
from scripts.operations.provision import move_to_server, pinned_release
from scripts.operations.reaching import alone_with
from scripts.operations.upgrading import (
    MAX_WAIT_SECONDS,
    Changed,
    RollbackPlan,
    UpgradePlan,
    check_upgrade,
    plan_rollback,
    plan_upgrade,
    recover,
    rollback_instance,
    upgrade_instance,
)

max_wait = click.option(
    "--max-wait",
    "max_wait_seconds",
    type=click.FloatRange(1, 3600),
    default=MAX_WAIT_SECONDS,
    help=f"For how many seconds visitors may wait ({MAX_WAIT_SECONDS:.0f}). Where that is not "
    "enough, nothing is changed.",
)
sure = click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")


@click.command("upgrade")
@click.argument("name")
@click.option("--to", "version", metavar="VERSION", help="This release (without it, the newest).")
@click.option(
    "--allow-data-loss",
    is_flag=True,
    help="Values that do not fit their new type become empty; the old ones are kept aside.",
)
@click.option("--again", is_flag=True, help="Try a version once more that failed here before.")
@click.option(
    "--resume", is_flag=True, help="Only settle a change that was killed: complete it, or go back."
)
@max_wait
@sure
@database
@dry_run
@operation()
def upgrade_command(
    job: Job,
    name: str,
    version: str | None,
    allow_data_loss: bool,
    again: bool,
    resume: bool,
    max_wait_seconds: float,
    is_sure: bool,
) -> Answer:
    """Bring an instance to a newer release, or leave it exactly as it is.

    Release notes and the changes of its tables are shown first. It is backed up, the release is
    tried on a copy of that backup with a log-in and calls, and only then visitors wait for some
    seconds while the data change over. Whatever fails, the old release and its data go on. Killed
    at any moment, it is settled by running it again, or with --resume.

    \b
      scripts/mybizz instance upgrade yogastudio --dry-run
      scripts/mybizz instance upgrade yogastudio --to v1.1.0
      scripts/mybizz instance upgrade yogastudio --resume
    """
    found = require_instance(job.home, name)
    with alone_with(job.home, name), job.server() as server:
        follow_server(job, found, server)
        if resume:
            settled = recover(job.home, server, found, job.say)
            told = f"{name}: {settled}." if settled else f"{name} has no change to be settled."
            return Answer({"name": name, "settled": settled}, told)
        if not job.is_dry:
            recover(job.home, server, found, job.say)
        target = choose_release(job.home, version)
        if pinned_release(job.home, found).version == target.version:
            # Also where it was killed after that moment: to run it again is no mistake.
            facts = {"name": name, "from": target.version, "release": target.version}
            return Answer(facts, f"{name} has {target.version}.")
        check_upgrade(job.home, found, target, again=again)
        plan = plan_upgrade(job.home, server, found, target)
        refusal = plan.refusal(allow_data_loss=allow_data_loss)
        facts = {"name": name, **plan.to_json(), "refusal": refusal}
        if job.is_dry:
            return Answer(facts, describe_upgrade(name, plan, refusal), 1 if refusal else 0)
        job.say(describe_upgrade(name, plan, refusal))
        if refusal:
            raise OperationError(refusal)
        ask(f"Upgrade {name} to {target.version}?", is_sure)
        done = upgrade_instance(
            job.home,
            server,
            found,
            target,
            allow_data_loss=allow_data_loss,
            again=again,
            max_wait_seconds=max_wait_seconds,
            say=job.say,
        )
    return Answer({"name": name, **done.to_json()}, describe_change(name, done))


@click.command("rollback")
@click.argument("name")
@click.option(
    "--keep-data", "is_kept", flag_value="keep", help="Keep what was entered since the upgrade."
)
@click.option(
    "--restore-data", "is_kept", flag_value="restore", help="Bring back the data of before, too."
)
@max_wait
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask for the name again.")
@database
@dry_run
@operation()
def rollback_command(
    job: Job, name: str, is_kept: str | None, max_wait_seconds: float, is_sure: bool
) -> Answer:
    """Bring an instance back to the release that it had before.

    What cannot be kept is listed first. With --keep-data the tables are changed back: what only the
    newer release knows stays set aside in the database, and is there again after an upgrade. With
    --restore-data the data are those of the moment of the upgrade. Either way, what was there
    becomes a backup.

    \b
      scripts/mybizz instance rollback yogastudio --keep-data --dry-run
      scripts/mybizz instance rollback yogastudio --restore-data
    """
    if is_kept is None:
        raise click.UsageError(
            "Choose --keep-data or --restore-data; --dry-run shows what is lost."
        )
    found = require_instance(job.home, name)
    keep_data = is_kept == "keep"
    with alone_with(job.home, name), job.server() as server:
        follow_server(job, found, server)
        if not job.is_dry:
            recover(job.home, server, found, job.say)
        plan = plan_rollback(job.home, server, found, keep_data=keep_data)
        facts = {"name": name, **plan.to_json(), "refusal": plan.refusal()}
        if job.is_dry:
            return Answer(facts, describe_rollback(name, plan), 1 if plan.refusal() else 0)
        job.say(describe_rollback(name, plan))
        confirm(f"This takes {name} back to {plan.target.version}", name, is_sure)
        done = rollback_instance(
            job.home,
            server,
            found,
            keep_data=keep_data,
            max_wait_seconds=max_wait_seconds,
            say=job.say,
        )
    facts = {"name": name, **done.to_json(), "lost": list(plan.lost)}
    return Answer(facts, describe_change(name, done))


@click.command("stop")
@click.argument("name")
@click.option("--reason", default="", help="For operators; visitors are not told.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask for the name again.")
@dry_run
@operation()
def stop_command(job: Job, name: str, reason: str, is_sure: bool) -> Answer:
    """Take an instance off the air: visitors see a page that says it is closed for now.

    Its data, backups and settings stay as they are, and it stays stopped when the server starts
    anew. The server follows within a second.

    \b
      scripts/mybizz instance stop yogastudio --reason "unpaid since May"
      scripts/mybizz instance start yogastudio
    """
    found = require_instance(job.home, name)
    facts = {"name": name, "reason": reason}
    if job.is_dry:
        return Answer(facts, f"Would stop {name}.")
    confirm(f"This takes {name} off the air", name, is_sure)
    with alone_with(job.home, name):
        is_new = stop_instance(found, reason)
    told = f"{name} is stopped." if is_new else f"{name} was stopped already."
    return Answer({**facts, "was_running": is_new}, told)


@click.command("start")
@click.argument("name")
@dry_run
@operation()
def start_command(job: Job, name: str) -> Answer:
    """Put an instance on the air again that was stopped.

    \b
      scripts/mybizz instance start yogastudio
    """
    found = require_instance(job.home, name)
    if job.is_dry:
        is_stopped = find_pause(found) is not None
        told = f"Would start {name}." if is_stopped else f"{name} is not stopped."
        return Answer({"name": name, "was_stopped": is_stopped}, told)
    with alone_with(job.home, name):
        was_stopped = start_instance(found)
    told = f"{name} is served again." if was_stopped else f"{name} was not stopped."
    return Answer({"name": name, "was_stopped": was_stopped}, told)


def follow_server(job: Job, instance: InstanceFolder, server: DatabaseServer) -> None:
    """The embedded Postgres may have got another port."""
    if not job.database:
        move_to_server(instance, server)


def ask(question: str, is_sure: bool) -> None:
    """Raise ``OperationError`` unless somebody says yes."""
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise OperationError("Nobody can be asked whether this is meant. Give --yes.")
    if not click.confirm(question, err=True):
        raise OperationError("Nothing was done.")


def describe_upgrade(name: str, plan: UpgradePlan, refusal: str) -> str:
    lines = [f"{name}: {plan.former.version} -> {plan.target.version} ({plan.kind or 'release'})"]
    for _, text in plan.notes:
        lines += ["", text.strip()]
    parts = plan.difference.parts
    lines += ["", "Its tables"]
    lines += str(plan.tables).splitlines() or ["  stay as they are"]
    for title in ("services", "scheduled tasks"):
        if parts[title]:
            lines += ["", title.capitalize(), *(f"  {change}" for change in parts[title])]
    lines += ["", f"{len(parts['files'])} files differ: see `scripts/mybizz release diff`.", ""]
    return "\n".join(lines if not refusal else [*lines, "This would be refused.", ""])


def describe_rollback(name: str, plan: RollbackPlan) -> str:
    lines = [f"{name}: {plan.former.version} -> {plan.target.version}", ""]
    lines += ["What cannot be kept:" if plan.lost else "Everything is kept."]
    lines += [f"  - {each}" for each in plan.lost]
    if plan.refusal():
        lines += ["", "This would be refused.", plan.refusal()]
    return "\n".join([*lines, ""])


def describe_change(name: str, done: Changed) -> str:
    used = f" Tried: {', '.join(done.calls)}." if done.calls else ""
    return (
        f"{name} has {done.version} (before: {done.former}). Visitors waited "
        f"{done.stopped_seconds:.1f} s.{used}\nThe data of before are backup {done.backup}."
    )
