"""Checks of what has to be kept: backups, drills, releases, and what was begun."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from scripts.operations.observing.folder_look import FolderLook
from scripts.operations.observing.looking import MANAGEMENT, InstanceLook, Look
from scripts.operations.observing.rules import RULES, Finding
from scripts.operations.observing.wording import shorten, tell_since, tell_span

CHANGES = ("upgrade", "upgrade failed", "rollback", "rollback failed")
FAILED_DAYS = 3
"""How long somebody has to be told of a change that failed and was taken back."""


def check_keeping(look: Look) -> Iterator[Finding]:
    for each in look.instances:
        folder = each.folder
        yield from _check_begun(look, each)
        yield from _check_config(folder)
        if folder.config and not folder.unfinished_since:
            yield from _check_backups(look, folder)
            yield from _check_drills(look, folder)
            yield from _check_release(folder)


def _check_begun(look: Look, each: InstanceLook) -> Iterator[Finding]:
    late = look.at - timedelta(minutes=look.settings.limits.unfinished_minutes)
    folder = each.folder
    if folder.unfinished_since and folder.unfinished_since < late:
        yield Finding(
            RULES["creation_unfinished"],
            f"{folder.name} was begun and is not complete {_since(look, folder.unfinished_since)}.",
            f"Run the same `scripts/mybizz instance create {folder.name} ...` again: it goes on "
            f"where it stopped. Or `instance destroy {folder.name}`.",
            folder.name,
        )
    if folder.destroying_since and folder.destroying_since < late:
        yield Finding(
            RULES["destruction_unfinished"],
            f"{folder.name} is half destroyed {_since(look, folder.destroying_since)}.",
            f"Run `scripts/mybizz instance destroy {folder.name}` again: it is completed.",
            folder.name,
        )
    yield from _check_upgrade(look, each, late)


def _check_upgrade(look: Look, each: InstanceLook, late: datetime) -> Iterator[Finding]:
    folder, since = each.folder, _read_time(each.pause.since if each.pause else None)
    is_held = each.is_changing and (since is None or since < late)
    if each.is_interrupted or is_held:
        waiting = "; its visitors wait" if each.is_changing else ""
        yield Finding(
            RULES["upgrade_unfinished"],
            f"An upgrade of {folder.name} stopped in the middle{waiting}"
            + (f", {_since(look, since)}." if since and is_held else "."),
            f"Run `scripts/mybizz instance upgrade {folder.name} --resume`: it is completed or "
            "taken back.",
            folder.name,
        )
    changes = [entry for entry in folder.history if str(entry.get("action")) in CHANGES]
    newest = changes[-1] if changes else {}
    at = _read_time(newest.get("at"))
    is_recent = at is not None and look.at - at < timedelta(days=FAILED_DAYS)
    if str(newest.get("action")).endswith("failed") and is_recent:
        kind = "rollback" if "rollback" in str(newest["action"]) else "upgrade"
        yield Finding(
            RULES["upgrade_failed"],
            f"The {kind} of {folder.name} to {newest.get('to')} failed and was taken back: "
            f"{shorten(newest.get('error'))}",
            "Mend what it names and publish a new version, or try the same one with "
            f"`scripts/mybizz instance upgrade {folder.name} --again`.",
            folder.name,
            facts={"from": newest.get("from"), "to": newest.get("to")},
        )


def _check_config(folder: FolderLook) -> Iterator[Finding]:
    if folder.problem:
        yield Finding(
            RULES["config_broken"],
            f"The configuration of {folder.name} cannot be read: {shorten(folder.problem)}",
            f"Mend {folder.path}/instance.yaml, or restore it from a backup. A server that runs "
            "goes on with what was before; it would not start again.",
            folder.name,
        )
    for path in folder.exposed:
        yield Finding(
            RULES["secrets_exposed"],
            f"Other accounts of the machine may read {path.name} of {folder.name}, which holds its "
            "keys.",
            f"chmod 600 {path}. If others use this machine, change the keys as well "
            "(docs/operators.md, rotate_keys.py).",
            folder.name,
            path.name,
        )


def _check_backups(look: Look, folder: FolderLook) -> Iterator[Finding]:
    limits, newest = look.settings.limits, folder.backups.newest
    allowed = timedelta(hours=limits.backup_hours)
    command = f"`scripts/mybizz instance backup {folder.name}`"
    if newest is None:
        if folder.name == MANAGEMENT:
            # No command makes one of the console; where somebody does, its age counts.
            return
        if folder.created_at is None or look.at - folder.created_at > allowed:
            yield Finding(
                RULES["backup_missing"],
                f"There is no backup of {folder.name}.",
                f"Make one now: {command}. Then look whether the timer runs: `systemctl "
                "list-timers "
                "mybizz-backup.timer`. A disk that is not mounted hides those on it.",
                folder.name,
            )
        return
    if folder.backups.problem:
        yield Finding(
            RULES["backup_damaged"],
            f"The newest backup of {folder.name} cannot be restored: "
            f"{shorten(folder.backups.problem)}",
            f"Make a new one now: {command}. Then check the disk of {newest.folder.parent}.",
            folder.name,
            facts={"backup": newest.id},
        )
    if look.at - newest.at > allowed:
        yield Finding(
            RULES["backup_old"],
            f"The newest backup of {folder.name} is "
            f"{tell_span((look.at - newest.at).total_seconds())}"
            f" old; at most {limits.backup_hours:g} hours are allowed.",
            f"Make one now: {command}. It says what is in the way. Then look whether the timer "
            "runs: "
            "`systemctl list-timers mybizz-backup.timer`.",
            folder.name,
            facts={"backup": newest.id, "at": newest.at.isoformat()},
        )


def _check_drills(look: Look, folder: FolderLook) -> Iterator[Finding]:
    drill, command = folder.backups.drill, f"`scripts/mybizz instance drill {folder.name}`"
    oldest = look.at - timedelta(days=look.settings.limits.drill_days)
    if drill is None:
        if folder.backups.newest and folder.created_at and folder.created_at < oldest:
            yield Finding(
                RULES["drill_old"],
                f"No backup of {folder.name} was ever restored to try it.",
                f"Run {command}; it does not touch the business. A timer does it weekly.",
                folder.name,
            )
        return
    if not drill.get("is_proven"):
        problems = "; ".join(map(str, drill.get("problems") or ()))
        yield Finding(
            RULES["drill_failed"],
            f"The last drill of {folder.name} proved nothing: {shorten(problems)}",
            f"Make a new backup and try that one: {command} --fresh. Until it is proven, keep the "
            "older backups.",
            folder.name,
            facts={"backup": drill.get("backup")},
        )
    elif drill.get("missed"):
        missed = " and ".join(map(str, drill["missed"]))
        yield Finding(
            RULES["promise_missed"],
            f"The last drill of {folder.name} missed what is promised: {missed} (data "
            f"{tell_span(float(drill.get('rpo_seconds') or 0))} old, back within "
            f"{tell_span(float(drill.get('rto_seconds') or 0))}).",
            "RPO: make backups more often. RTO: a faster disk or machine. Both are in "
            "docs/operating.md, Backups.",
            folder.name,
        )
    at = _read_time(drill.get("at"))
    if at is not None and at < oldest:
        yield Finding(
            RULES["drill_old"],
            f"The last restore drill of {folder.name} was "
            f"{tell_span((look.at - at).total_seconds())}"
            " ago.",
            f"Run {command}; it does not touch the business. Then look whether its timer runs: "
            "`systemctl list-timers mybizz-drill.timer`.",
            folder.name,
        )


def _check_release(folder: FolderLook) -> Iterator[Finding]:
    if not folder.is_release_there:
        yield Finding(
            RULES["release_missing"],
            f"{folder.name} is pinned to {folder.release}, and that release is not there.",
            f"Bring releases/{folder.release} back from a backup or another machine. The server "
            "goes on while it runs; it would not start again.",
            folder.name,
        )


def _since(look: Look, moment: datetime) -> str:
    return tell_since(moment, look.at)


def _read_time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
