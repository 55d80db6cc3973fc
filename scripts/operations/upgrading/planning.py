"""What an upgrade or a rollback will do, said before anything is done."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import psycopg

from app_server.errors import StartupError
from app_server.tables.migration import Migration, Plan, migrate, plan_migration
from app_server.tables.migration_plan import Kind
from app_server.tables.pool import connect
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.provision import pinned_release
from scripts.operations.release_diff import Difference, compare
from scripts.operations.releases import Release, list_releases, verify
from scripts.operations.upgrading.places import Places
from scripts.operations.upgrading.renaming import find_undone
from scripts.operations.upgrading.staging import read_target, stage, unstage


@dataclass(frozen=True)
class UpgradePlan:
    """``notes`` are those of all releases on the way, the newest first; ``tables`` is what happens
    to this instance's tables and the values in them."""

    former: Release
    target: Release
    notes: tuple[tuple[str, str], ...]
    difference: Difference
    tables: Plan

    @property
    def kind(self) -> str:
        return str(self.target.read_manifest().get("kind", ""))

    @property
    def left_behind(self) -> list[str]:
        """What the app no longer sees afterwards: columns, tables and values."""
        kinds = (Kind.ASIDE, Kind.LOSES, Kind.IMPOSSIBLE)
        return [str(change) for change in self.tables.changes if change.kind in kinds]

    def refusal(self, *, allow_data_loss: bool) -> str:
        return self.tables.refusal(allow_data_loss=allow_data_loss)

    def to_json(self) -> dict[str, Any]:
        parts = self.difference.parts
        return {
            "from": self.former.version,
            "to": self.target.version,
            "kind": self.kind,
            "notes": [{"version": version, "text": text} for version, text in self.notes],
            "schema": self.tables.to_json(),
            "services": [str(change) for change in parts["services"]],
            "tasks": [str(change) for change in parts["scheduled tasks"]],
            "files": len(parts["files"]),
            "left_behind": self.left_behind,
        }


def plan_upgrade(
    home: Home, server: DatabaseServer, instance: InstanceFolder, target: Release
) -> UpgradePlan:
    """What leads from the instance's release to ``target``. Nothing is changed or locked. Raises
    ``OperationError`` where the release is not what was published, or cannot be read."""
    verify(target)
    former = pinned_release(home, instance)
    folder = stage(home, instance, target, "plan")
    try:
        wanted = read_target(folder, allow_data_loss=False, undone=find_undone(former, target))
        places = Places(server, instance)
        tables = plan_tables(places.own_url(places.name), wanted)
    except StartupError as error:
        raise OperationError(f"Release {target.version} cannot be planned: {error}") from error
    finally:
        unstage(home, instance)
    notes = tuple(
        (each.version, each.read_notes())
        for each in reversed(list_releases(home))
        if former.order < each.order <= target.order
    )
    return UpgradePlan(former, target, notes, compare(former, target), tables)


def plan_tables(url: str, wanted: Migration) -> Plan:
    """The measured plan for the tables of a database."""

    async def ask() -> Plan:
        connection = await connect(url)
        async with connection:
            return await plan_migration(connection, wanted)

    return asyncio.run(ask())


def migrate_tables(url: str, wanted: Migration, seconds: float) -> Plan:
    """Change the tables of a database. Raises ``OperationError`` where they cannot be, or where it
    takes longer; then nothing is changed."""

    async def change() -> Plan:
        connection = await connect(url)
        async with connection:
            _, plan = await migrate(connection, wanted)
            return plan

    try:
        return asyncio.run(asyncio.wait_for(change(), seconds))
    except TimeoutError as error:
        raise OperationError(
            f"Changing the tables takes longer than the {seconds:.0f} s for which visitors may "
            "wait. Choose a quiet hour, and allow more by --max-wait."
        ) from error
    except (StartupError, psycopg.Error) as error:
        raise OperationError(str(error).strip()) from error
