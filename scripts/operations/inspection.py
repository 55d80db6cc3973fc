"""What can be told of an instance from outside: its release, its state, its database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app_server.pauses import Mode
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.pausing import find_pause
from scripts.operations.provision import pinned_release
from scripts.operations.serving import ask
from scripts.operations.upgrading.journal import read_journal

READY = "ready"
UNFINISHED = "unfinished"
STOPPED = "stopped"
CHANGING = "changing"
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Summary:
    """One instance as a list shows it. Its ``state`` is ``unfinished`` where its creation was
    interrupted, ``changing`` while its release is changed, ``interrupted`` where that was killed,
    ``stopped`` where its operator stopped it (``stopped_reason``), else ``ready``."""

    name: str
    title: str
    release: str
    state: str
    origin: str
    created_at: datetime | None
    backed_up_at: datetime | None
    stopped_reason: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "release": self.release,
            "state": self.state,
            "origin": self.origin,
            "created_at": self.created_at.isoformat() if self.created_at else None,
            "backed_up_at": self.backed_up_at.isoformat() if self.backed_up_at else None,
            "stopped_reason": self.stopped_reason,
        }


def summarise(home: Home, instance: InstanceFolder) -> Summary:
    history, pause = instance.read_history(), find_pause(instance)
    backed_up = [entry["of"] for entry in history if entry["action"] == "backup"]
    created = next((entry["at"] for entry in history if entry["action"] == "provision"), None)
    return Summary(
        name=instance.name,
        title=instance.title,
        release=pinned_release(home, instance).version,
        state=find_state(instance),
        origin=str(instance.read_config().get("origin", "")),
        created_at=datetime.fromisoformat(created) if created else None,
        backed_up_at=datetime.fromisoformat(backed_up[-1]) if backed_up else None,
        stopped_reason=pause.reason if pause and pause.mode is Mode.STOPPED else "",
    )


def find_state(instance: InstanceFolder) -> str:
    """See ``Summary``."""
    if instance.unfinished_marker.exists():
        return UNFINISHED
    try:
        journal = read_journal(instance)
    except OperationError:
        # It cannot be read: somebody has to look after it, and the others are listed all the same.
        return INTERRUPTED
    if journal is not None and journal.is_open:
        return CHANGING if journal.is_at_work else INTERRUPTED
    return READY if find_pause(instance) is None else STOPPED


def read_database(server: DatabaseServer, instance: InstanceFolder) -> dict[str, Any]:
    """``{"name", "bytes", "connections"}``; ``bytes`` is None where there is no such database."""
    with server.connect() as connection:
        row = connection.execute(
            "SELECT pg_database_size(datname), (SELECT count(*) FROM pg_stat_activity "
            "WHERE pg_stat_activity.datname = pg_database.datname) "
            "FROM pg_database WHERE datname = %s",
            (instance.database_name,),
        ).fetchone()
    size, connections = row if row else (None, 0)
    return {"name": instance.database_name, "bytes": size, "connections": connections}


def is_served(instance: InstanceFolder) -> bool:
    """Whether the port in its configuration answers for it and finds it healthy."""
    port = instance.read_config().get("port")
    return isinstance(port, int) and ask(instance, port, "/_/health") == ""
