"""Take an instance away for good: its database, role and folder."""

from __future__ import annotations

import shutil
import time

from scripts.operations.databases import DatabaseServer, drop_database
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder, find_instance, require_instance
from scripts.operations.serving import ask

RELEASE_SECONDS = 15.0
CHECK_SECONDS = 0.1


def find_destructible(home: Home, name: str) -> InstanceFolder:
    """An instance that is there, whole or half destroyed."""
    instance = find_instance(home, name)
    return instance if instance.destroying_marker.exists() else require_instance(home, name)


def destroy(server: DatabaseServer, instance: InstanceFolder) -> None:
    """Remove it. From the first step on it is no instance any more, and a run that was killed is
    completed by the next."""
    if instance.exists():
        port = instance.read_config().get("port")
        # A server lets go of what has no instance.yaml, before its database is dropped under it.
        instance.config_file.rename(instance.destroying_marker)
        if isinstance(port, int):
            _wait_until_released(instance, port)
    drop_database(server, instance.database_name)
    # In one step, so that what is left of a killed run still says what it was.
    gone = instance.path.with_name(f".destroyed-{instance.name}")
    shutil.rmtree(gone, ignore_errors=True)
    instance.path.rename(gone)
    shutil.rmtree(gone)


def is_half_created(instance: InstanceFolder) -> bool:
    """Whether a creation was being undone when it was killed."""
    return instance.destroying_marker.exists() and instance.unfinished_marker.exists()


def _wait_until_released(instance: InstanceFolder, port: int) -> None:
    """Until no server on this machine answers for it. Raises ``OperationError`` after a while."""
    deadline = time.monotonic() + RELEASE_SECONDS
    while ask(instance, port, "/_/health") == "":
        if time.monotonic() > deadline:
            raise OperationError(
                f"{instance.name} is still served on port {port}. Stop that server, then run this "
                "again to complete it."
            )
        time.sleep(CHECK_SECONDS)
