"""What has to hold before the template is frozen: a clean commit, a new version, passing tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.operations.command_log import read_operator
from scripts.operations.home import ROOT, Home, OperationError
from scripts.operations.releases import (
    APPS,
    VERSION,
    Release,
    check_new_version,
    list_releases,
    project_version,
    publish,
)

LEVELS = ("major", "minor", "patch")
# What tenants are told it is, where nobody says otherwise (https://semver.org/).
KINDS = {"major": "breaking", "minor": "feature", "patch": "fix"}
SHOWN_FILES = 5


@dataclass(frozen=True)
class Plan:
    """A release about to be published. ``changes`` are the subjects of the commits since
    ``former`` that touch the template, oldest first."""

    version: str
    kind: str
    notes: str
    commit: str
    former: str | None
    changes: tuple[str, ...]
    guide: str = ""

    @property
    def text(self) -> str:
        """What ``RELEASE.md`` says below its title."""
        listed = "".join(f"- {subject}\n" for subject in self.changes)
        heading = f"\n\n## Changes since {self.former}\n\n" if self.former else "\n\n## Changes\n\n"
        return self.notes.strip() + (heading + listed if listed else "")


def plan_release(
    home: Home,
    wanted: str,
    notes: str,
    kind: str | None = None,
    source: Path = ROOT,
    guide: str = "",
) -> Plan:
    """Check what can be checked at once. ``wanted`` is a version, or which part of the newest one
    to raise. Raises ``OperationError`` for a version there is, for a tree with changes that no
    commit has, and for one that breaks something and has no migration ``guide``."""
    version = next_version(home, wanted) if wanted in LEVELS else wanted
    check_new_version(home, version)
    if not notes.strip():
        raise OperationError("A release needs notes: what changed, in the users' words.")
    commit = read_clean_commit(source)
    _check_tag(source, version, commit)
    published = list_releases(home)
    former = next((each for each in reversed(published) if each.order < _order(version)), None)
    known = former.read_manifest().get("commit") if former else None
    # Where nothing was published before there is nothing to break.
    kind = kind or (KINDS[_level(version)] if former else "feature")
    if kind == "breaking" and former and not guide.strip():
        raise OperationError(
            f"{version} breaks something that {former.version} does, so it needs a migration "
            "guide: what people have to do or know before they take it. Give "
            "--migration-guide FILE, or another --kind if nothing breaks."
        )
    return Plan(
        version,
        kind,
        notes,
        commit,
        former.version if former else None,
        # The first release is everything; a list of all commits ever made tells nobody anything.
        _read_subjects(source, str(known), commit) if known else (),
        guide,
    )


def publish_plan(
    home: Home, plan: Plan, run_tests: Callable[[], bool], source: Path = ROOT
) -> Release:
    """Run the tests, freeze the template, tag the commit. Raises ``OperationError`` where the tests
    fail, or somebody changed the tree while they ran."""
    if not run_tests():
        raise OperationError("Not published: the tests failed.")
    if read_clean_commit(source) != plan.commit:
        raise OperationError("Not published: another commit was checked out while the tests ran.")
    facts = {"commit": plan.commit, "kind": plan.kind, "by": read_operator()}
    release = publish(home, plan.version, plan.text, source, facts, plan.guide)
    # After the release: a tag without one would keep the version from ever being published.
    _git(source, "tag", "--force", plan.version, plan.commit)
    return release


def next_version(home: Home, level: str) -> str:
    """The newest version with one part raised; the project's own where nothing is published."""
    published = list_releases(home)
    if not published:
        return project_version()
    major, minor, patch = published[-1].order
    raised = {
        "major": (major + 1, 0, 0),
        "minor": (major, minor + 1, 0),
        "patch": (major, minor, patch + 1),
    }
    return "v" + ".".join(map(str, raised[level]))


def read_clean_commit(source: Path) -> str:
    """The commit that the files of a checkout are. Raises ``OperationError`` where they are not."""
    status = _git(source, "status", "--porcelain", "--untracked-files=all", "--", ".")
    changed = [line[3:] for line in status.splitlines()]
    if changed:
        more = f" and {len(changed) - SHOWN_FILES} more" if len(changed) > SHOWN_FILES else ""
        raise OperationError(
            "A release is a commit, and this checkout has changes that are in none: "
            f"{', '.join(changed[:SHOWN_FILES])}{more}. Commit them, or put them away."
        )
    return _git(source, "rev-parse", "HEAD").strip()


def _check_tag(source: Path, version: str, commit: str) -> None:
    tagged = _git(source, "tag", "--list", version, "--format=%(objectname)").strip()
    if tagged and _git(source, "rev-parse", f"{version}^{{commit}}").strip() != commit:
        raise OperationError(
            f"The tag {version} stands at another commit already: somebody published this version "
            "elsewhere. Raise the version."
        )


def _read_subjects(source: Path, since: str, until: str) -> tuple[str, ...]:
    try:
        subjects = _git(source, "log", "--reverse", "--format=%s", f"{since}..{until}", "--", *APPS)
    except OperationError:
        # The former release came from a history that this checkout does not have.
        return ()
    return tuple(subjects.splitlines())


def _git(source: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(source), *arguments], capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise OperationError("Publishing needs git, and there is none on the PATH.") from error
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise OperationError(f"git {arguments[0]} in {source} failed: {reason[0]}")
    return done.stdout


def _order(version: str) -> tuple[int, ...]:
    match = VERSION.fullmatch(version)
    assert match
    return tuple(int(part) for part in match.groups())


def _level(version: str) -> str:
    _, minor, patch = _order(version)
    return "patch" if patch else "minor" if minor else "major"
