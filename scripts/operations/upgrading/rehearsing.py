"""Rehearse a change of release: on a backup, beside the instance, which notices nothing."""

from __future__ import annotations

from scripts.operations.backups import Backup
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.provision import pinned_release
from scripts.operations.releases import Release
from scripts.operations.restoring import scratch_database
from scripts.operations.upgrading.places import Places
from scripts.operations.upgrading.planning import migrate_tables
from scripts.operations.upgrading.renaming import find_undone
from scripts.operations.upgrading.staging import read_target, stage, unstage
from scripts.operations.upgrading.trying import try_release

TRIAL_SECONDS = 3600.0
"""Nobody waits for it."""
SHOWN_DIFFERENCES = 3


def rehearse(
    home: Home,
    server: DatabaseServer,
    instance: InstanceFolder,
    backup: Backup,
    target: Release,
    *,
    allow_data_loss: bool,
) -> list[str]:
    """Restore a backup beside the instance, change its tables, start the release on it and use it;
    what was called. Nothing of it stays. Raises ``OperationError`` where it does not work."""
    places = Places(server, instance)
    folder = stage(home, instance, target, "trial")
    try:
        with scratch_database(home, server, backup, places.trial, places.name) as differences:
            require_equal(backup, differences)
            undone = find_undone(pinned_release(home, instance), target)
            wanted = read_target(folder, allow_data_loss=allow_data_loss, undone=undone)
            migrate_tables(places.own_url(places.trial), wanted, TRIAL_SECONDS)
            return try_release(folder, target, places)
    finally:
        unstage(home, instance)


def require_equal(backup: Backup, differences: list[str]) -> None:
    """Raise ``OperationError`` where a backup does not give what it should."""
    if differences:
        shown = "; ".join(differences[:SHOWN_DIFFERENCES])
        raise OperationError(f"Backup {backup.id} does not give what was backed up: {shown}.")
