"""``mybizz release ...``: publish the template, and look at what was published."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import click

from scripts.commands.mybizz.job import NOT_PROVEN, Answer, Job, dry_run, operation
from scripts.commands.mybizz.tables import make_facts, make_table
from scripts.operations import release_diff
from scripts.operations.home import ROOT, Home
from scripts.operations.instances import list_instances
from scripts.operations.provision import pinned_release
from scripts.operations.publishing import KINDS, Plan, plan_release, publish_plan
from scripts.operations.releases import Release, find_changed_files, find_release, list_releases

RELEASE_KINDS = ("critical", *dict.fromkeys(reversed(KINDS.values())))


@click.group()
def release() -> None:
    """Publish the template as a frozen version, and look at what was published.

    A release never changes. Its manifest has the checksum of each file; `release show` compares
    them. Businesses stay on their release until they are moved to another.
    """


@release.command()
@click.argument("version")
@click.option("--notes", help="What changed, in the users' words.")
@click.option("--notes-file", type=click.File(), help="The same from a file; - for the input.")
@click.option(
    "--kind",
    type=click.Choice(RELEASE_KINDS),
    help="What tenants are told it is. Without it: a patch is a fix, a minor version a feature, a "
    "major one breaking.",
)
@click.option(
    "--migration-guide",
    type=click.File(),
    help="What people have to do or know before they take it (Markdown). A breaking release needs "
    "one; - for the input.",
)
@dry_run
@operation()
def publish(
    job: Job,
    version: str,
    notes: str | None,
    notes_file: Any,
    kind: str | None,
    migration_guide: Any,
) -> Answer:
    """Run the tests and freeze the template as it stands in this checkout.

    VERSION is one such as v1.2.0, or major, minor or patch: that part of the newest one raised
    (https://semver.org/). Refused: a version there is, a checkout with changes that are in no
    commit, a failing test. The notes get the subjects of the commits since the former release.

    \b
      scripts/mybizz release publish patch --notes "Invoices show the right tax again."
      scripts/mybizz release publish v2.0.0 --notes-file notes.md --migration-guide guide.md
    """
    if bool(notes) == bool(notes_file):
        raise click.UsageError("Give either --notes or --notes-file.")
    guide = migration_guide.read() if migration_guide else ""
    plan = plan_release(job.home, version, notes or notes_file.read(), kind, guide=guide)
    if job.is_dry:
        return Answer(_plan_facts(plan), f"Would run the tests and publish this:\n\n{_tell(plan)}")
    job.say(f"Running the tests before {plan.version} is published ...")
    job.home.make()
    made = publish_plan(job.home, plan, lambda: run_tests(job))
    facts = {**_plan_facts(plan), "folder": str(made.folder)}
    return Answer(facts, f"Published {made.version}: {made.folder}")


def run_tests(job: Job) -> bool:
    """Whether ``scripts/test`` passes. What it says goes to the standard error."""
    return not subprocess.run([str(ROOT / "scripts" / "test")], stdout=sys.stderr).returncode


def _plan_facts(plan: Plan) -> dict[str, Any]:
    return {
        "version": plan.version,
        "kind": plan.kind,
        "commit": plan.commit,
        "former": plan.former,
        "changes": list(plan.changes),
        "has_guide": bool(plan.guide.strip()),
    }


def _tell(plan: Plan) -> str:
    facts = {"version": plan.version, "kind": plan.kind, "commit": plan.commit}
    return f"{make_facts(facts)}\n\n{plan.text}"


@release.command("list")
@operation(is_reading=True)
def list_command(job: Job) -> Answer:
    """List all releases, oldest first, and who uses them."""
    users = _read_users(job.home)
    entries = [_facts(each, users) for each in list_releases(job.home)]
    rows = [
        [
            entry["version"],
            entry["kind"],
            str(entry["published_at"])[:16].replace("T", " "),
            entry["by"],
            ", ".join(entry["instances"]),
        ]
        for entry in entries
    ]
    heads = ["version", "kind", "published (UTC)", "by", "instances"]
    return Answer({"releases": entries}, make_table(heads, rows, "Nothing is published yet."))


@release.command()
@click.argument("version")
@operation(is_reading=True)
def show(job: Job, version: str) -> Answer:
    """Show a release's notes, and whether every file is as it was published.

    Ends with exit code 3 where a file was changed, added or removed since.
    """
    found = find_release(job.home, version)
    changed = find_changed_files(found)
    files = len(found.read_manifest()["files"])
    facts = _facts(found, _read_users(job.home))
    if changed:
        verdict = f"{len(changed)} of {files} differ from what was published:\n  " + "\n  ".join(
            changed
        )
    else:
        verdict = f"all {files} as they were published"
    lines = make_facts({**facts, "instances": ", ".join(facts["instances"]), "files": verdict})
    notes, guide = found.read_notes(), found.read_guide()
    told = f"{notes.strip()}\n\n" + (f"## Migration guide\n\n{guide.strip()}\n\n" if guide else "")
    return Answer(
        {**facts, "files": files, "changed_files": changed, "notes": notes, "guide": guide},
        f"{told}{lines}",
        NOT_PROVEN if changed else 0,
    )


@release.command()
@click.argument("old")
@click.argument("new")
@click.option("--patch", is_flag=True, help="Show the changed lines, too.")
@operation(is_reading=True)
def diff(job: Job, old: str, new: str, patch: bool) -> Answer:
    """Show what differs between two releases: tables, services, scheduled tasks, files.

    \b
      scripts/mybizz release diff v1.0.0 v1.1.0
      scripts/mybizz release diff v1.0.0 v1.1.0 --patch | less
    """
    before, after = find_release(job.home, old), find_release(job.home, new)
    difference = release_diff.compare(before, after)
    facts: dict[str, Any] = {
        part.replace(" ", "_"): [
            {"how": each.how, "name": each.name, "detail": each.detail} for each in changes
        ]
        for part, changes in difference.parts.items()
    }
    sections = [
        f"{part}\n" + "\n".join(f"  {each}" for each in changes)
        for part, changes in difference.parts.items()
        if changes
    ]
    if patch:
        facts["patch"] = release_diff.make_patch(before, after)
        sections.append(facts["patch"])
    shown = "\n\n".join(sections) or f"{old} and {new} are the same."
    return Answer({"old": old, "new": new, **facts}, shown)


def _facts(found: Release, users: dict[str, list[str]]) -> dict[str, Any]:
    manifest = found.read_manifest()
    kept = ("kind", "published_at", "by", "commit")
    return {
        "version": found.version,
        **{key: manifest.get(key) for key in kept},
        "folder": str(found.folder),
        "instances": users.get(found.version, []),
    }


def _read_users(home: Home) -> dict[str, list[str]]:
    """Names of the instances by the release that they are pinned to."""
    users: dict[str, list[str]] = {}
    for instance in list_instances(home):
        users.setdefault(pinned_release(home, instance).version, []).append(instance.name)
    return users
