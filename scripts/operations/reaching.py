"""Get at an instance's database, wherever it is, and at an instance alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import fasteners

from app_server.tables.store import libpq_url
from scripts.operations.databases import DatabaseServer, database_comment
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.postgres import database_server
from scripts.operations.provision import move_to_server


class BusyError(OperationError):
    """Somebody else works on it at the moment."""


@contextmanager
def reachable_database(
    home: Home, instance: InstanceFolder, url: str | None = None
) -> Iterator[str]:
    """The address of an instance's database for libpq, as its own role. The embedded Postgres is up
    meanwhile, where the database is in that; ``url`` says that it is elsewhere."""
    if url or not home.postgres.exists():
        yield _address(instance)
        return
    with database_server(home, None) as server:
        if _has_database(server, instance):
            move_to_server(instance, server)
        yield _address(instance)


def _has_database(server: DatabaseServer, instance: InstanceFolder) -> bool:
    with server.connect() as connection:
        return database_comment(connection, instance.database_name) is not None


def _address(instance: InstanceFolder) -> str:
    return libpq_url(str(instance.read_config()["database"]))


@contextmanager
def alone_with(home: Home, name: str) -> Iterator[None]:
    """Nobody else works on the instance meanwhile. Raises ``OperationError`` at once where somebody
    does; a command that is killed holds nothing."""
    folder = home.data / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = fasteners.InterProcessLock(folder / f"{name}.lock")
    if not lock.acquire(blocking=False):
        raise BusyError(f"Another command works on {name}. See `scripts/mybizz log`.")
    try:
        yield
    finally:
        lock.release()
