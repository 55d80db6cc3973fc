"""Upgrade an instance to another release, and go back to the former one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from scripts.operations.backups import Backup, find_backup
from scripts.operations.databases import DatabaseServer
from scripts.operations.fingerprints import read_fingerprints
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.provision import pinned_release
from scripts.operations.releases import VERSION, Release, find_release, verify
from scripts.operations.upgrading.changing import (
    MAX_WAIT_SECONDS,
    Change,
    Changed,
    Say,
    begin,
)
from scripts.operations.upgrading.journal import read_journal
from scripts.operations.upgrading.places import Places
from scripts.operations.upgrading.planning import UpgradePlan, plan_upgrade
from scripts.operations.upgrading.recovering import recover


@dataclass(frozen=True)
class RollbackPlan:
    """``plan`` where the data are kept; ``backup`` where those of before come back. ``lost`` says
    in a sentence each what cannot be kept."""

    former: Release
    target: Release
    lost: tuple[str, ...]
    plan: UpgradePlan | None = None
    backup: Backup | None = None

    def refusal(self) -> str:
        if self.plan is None or not self.plan.tables.obstacles:
            return ""
        return self.plan.refusal(allow_data_loss=True)

    def to_json(self) -> dict[str, Any]:
        return {
            "from": self.former.version,
            "to": self.target.version,
            "keeps_data": self.backup is None,
            "backup": self.backup.to_json() if self.backup else None,
            "lost": list(self.lost),
            "plan": self.plan.to_json() if self.plan else None,
        }


def check_upgrade(
    home: Home, instance: InstanceFolder, target: Release, *, again: bool = False
) -> None:
    """Raise ``OperationError`` where this upgrade makes no sense, or failed before."""
    former = pinned_release(home, instance)
    if instance.unfinished_marker.exists():
        raise OperationError(
            f"{instance.name} is unfinished: create it again to complete it, then upgrade it."
        )
    if not VERSION.fullmatch(former.version):
        raise OperationError(
            f"{instance.name} runs on the checkout itself ({former.folder}), not on a release."
        )
    if former.version == target.version:
        raise OperationError(f"{instance.name} has {target.version} already.")
    if former.order > target.order:
        raise OperationError(
            f"{instance.name} has {former.version}, which is newer than {target.version}. To go "
            f"back: `scripts/mybizz instance rollback {instance.name}`."
        )
    failed = find_failure(instance, target.version)
    if failed is not None and not again:
        raise OperationError(
            f"The upgrade of {instance.name} to {target.version} failed on "
            f"{str(failed['at'])[:16].replace('T', ' ')} UTC: {failed['error']}\n"
            "Publish a version in which that is mended, or try the same once more with --again."
        )


def find_failure(instance: InstanceFolder, version: str) -> dict[str, Any] | None:
    """How the last upgrade to this version failed; None where it did not."""
    tries = [
        each
        for each in instance.read_history()
        if each["action"] in ("upgrade", "upgrade failed") and each.get("to") == version
    ]
    return tries[-1] if tries and tries[-1]["action"] == "upgrade failed" else None


def upgrade_instance(
    home: Home,
    server: DatabaseServer,
    instance: InstanceFolder,
    target: Release,
    *,
    allow_data_loss: bool = False,
    again: bool = False,
    max_wait_seconds: float = MAX_WAIT_SECONDS,
    say: Say,
) -> Changed:
    """Upgrade it, or leave it as it was and raise ``OperationError``. A change that was killed is
    settled first. Whoever calls this works on the instance alone (``reaching.alone_with``)."""
    settled = recover(home, server, instance, say)
    if settled == "completed" and pinned_release(home, instance).version == target.version:
        return _read_changed(instance)
    check_upgrade(home, instance, target, again=again)
    plan = plan_upgrade(home, server, instance, target)
    refusal = plan.refusal(allow_data_loss=allow_data_loss)
    if refusal:
        raise OperationError(refusal)
    change = Change("upgrade", target, allow_data_loss, max_wait_seconds=max_wait_seconds)
    return begin(home, server, instance, change, say).carry_out(change)


def plan_rollback(
    home: Home, server: DatabaseServer, instance: InstanceFolder, *, keep_data: bool
) -> RollbackPlan:
    """What going back to the former release means. Raises ``OperationError`` where there is none,
    or where the backup of then is gone."""
    former = pinned_release(home, instance)
    entry = find_upgrade(instance, former.version)
    target = find_release(home, str(entry["from"]))
    verify(target)
    if keep_data:
        plan = plan_upgrade(home, server, instance, target)
        return RollbackPlan(former, target, tuple(plan.left_behind), plan)
    backup = find_backup(instance.backups, str(entry["backup"]))
    places = Places(server, instance)
    with psycopg.connect(places.own_url(places.name)) as connection:
        lost = _compare_rows(backup, read_fingerprints(connection))
    at = f"{backup.at:%Y-%m-%d %H:%M} UTC"
    told = f"Everything that was done since {at} goes: the data are again as they were then."
    return RollbackPlan(former, target, (told, *lost), backup=backup)


def rollback_instance(
    home: Home,
    server: DatabaseServer,
    instance: InstanceFolder,
    *,
    keep_data: bool,
    max_wait_seconds: float = MAX_WAIT_SECONDS,
    say: Say,
) -> Changed:
    """Go back to the former release. What cannot be kept (``plan_rollback``) was agreed to; where
    data are kept, it stays set aside in the database. What was there becomes a backup."""
    journal = read_journal(instance)
    settled = recover(home, server, instance, say)
    if settled == "completed" and journal and journal.facts["kind"] == "rollback":
        return _read_changed(instance)
    plan = plan_rollback(home, server, instance, keep_data=keep_data)
    if plan.refusal():
        raise OperationError(plan.refusal())
    change = Change("rollback", plan.target, True, plan.backup, max_wait_seconds)
    return begin(home, server, instance, change, say).carry_out(change)


def find_upgrade(instance: InstanceFolder, version: str) -> dict[str, Any]:
    """How the instance came to this version. Raises ``OperationError`` where it was made with
    it."""
    history = instance.read_history()
    found = [each for each in history if each["action"] == "upgrade" and each["to"] == version]
    if found:
        return found[-1]
    raise OperationError(
        f"{instance.name} was not upgraded to {version}, so there is no former release to go back "
        "to."
    )


def _compare_rows(backup: Backup, found: Any) -> list[str]:
    """In which tables something has changed since."""
    told = []
    for table, now in sorted(found.items()):
        then = backup.fingerprints.get(table)
        name = table.partition(".")[2]
        if not table.startswith("app.") or now == then:
            continue
        if then is None:
            told.append(f"{name}: the whole table, {now.rows} rows")
        elif then.rows != now.rows:
            told.append(f"{name}: {now.rows} rows now, {then.rows} then")
        else:
            told.append(f"{name}: {now.rows} rows, some of them changed since")
    return told


def _read_changed(instance: InstanceFolder) -> Changed:
    """The change that was completed just now, from the history."""
    history = reversed(instance.read_history())
    entry = next(each for each in history if each["action"] in ("upgrade", "rollback"))
    return Changed(
        entry["action"], entry["from"], entry["to"], entry["backup"], entry["stopped_seconds"], ()
    )
