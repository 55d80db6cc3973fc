"""Restore a backup: into a scratch database first, proven there, and then in one step in place.

An instance is never half restored: the two databases change names in one transaction. What was
there before becomes a backup of its own (``before-restore``) before it is dropped. An instance
whose folder is lost is made anew from the backup alone.
"""

from __future__ import annotations

import io
import shutil
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import sql

from scripts.operations.backups import (
    BEFORE_RESTORE,
    DATABASE_FILE,
    FILES_FILE,
    Advance,
    Backup,
    ignore_progress,
    make_backup,
    read_sealed,
    verify_backup,
)
from scripts.operations.databases import (
    DatabaseServer,
    create_database,
    database_comment,
    drop_database,
    drop_database_only,
    finish_database,
    make_empty_database,
    set_comment,
    set_role,
)
from scripts.operations.dumps import find_tool, restore
from scripts.operations.fingerprints import find_differences, read_fingerprints
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder, find_instance, jdbc_url
from scripts.operations.provision import link_release
from scripts.operations.releases import find_release, verify

SHOWN_DIFFERENCES = 5
EXCHANGE_ATTEMPTS = 5
SHOWING_OUT_SECONDS = 0.05
Admin = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class Restored:
    """``former`` is the backup of what was there before; None where nothing was."""

    instance: InstanceFolder
    former: Backup | None


@contextmanager
def scratch_database(
    home: Home,
    server: DatabaseServer,
    backup: Backup,
    name: str,
    owner: str,
    advance: Advance = ignore_progress,
) -> Iterator[list[str]]:
    """The backup's data in a database of its own, dropped on leaving unless it got another name;
    gives what differs from the backup's manifest, which should be nothing. Raises
    ``OperationError`` where the backup cannot be read or restored."""
    verify_backup(home, backup)
    make_empty_database(server, name, owner, f"Mybizz scratch: backup {backup.id} of {owner}")
    try:
        url = server.url(name)
        with server.connect(name) as connection:
            tool = find_tool("pg_restore", connection.info.server_version)
        restore(tool, url, read_sealed(home, backup, DATABASE_FILE, advance))
        with psycopg.connect(url) as connection:
            found = read_fingerprints(connection)
        yield find_differences(backup.fingerprints, found)
    finally:
        drop_database_only(server, name)


def restore_instance(
    home: Home,
    server: DatabaseServer,
    backup: Backup,
    *,
    is_former_kept: bool = True,
    advance: Advance = ignore_progress,
    console: InstanceFolder | None = None,
) -> Restored:
    """Bring the instance back to the moment of the backup. It may be served: its server takes over
    what was restored within seconds. ``is_former_kept``: what is there now becomes a backup.
    ``console`` is the folder of the console, where the backup is one of that."""
    instance = console or find_instance(home, backup.instance_name)
    if not instance.exists():
        return Restored(_recreate(home, server, backup, advance), None)
    put_aside = save_former if is_former_kept else drop_former
    put_aside(home, server, instance)
    owner = instance.database_name
    with server.connect() as connection:
        has_database = database_comment(connection, owner) is not None
        if not has_database:
            # The whole database server was lost; the password is in the configuration.
            set_role(connection, owner, _read_password(instance))
    scratch = f"{owner}__restoring"
    with scratch_database(home, server, backup, scratch, owner, advance) as differences:
        _require_equal(backup, differences)
        _exchange(server, owner, scratch, has_former=has_database)
    _tell_server(instance, backup)
    instance.log("restore", backup=backup.id, of=backup.manifest["at"])
    return Restored(instance, put_aside(home, server, instance))


def save_former(home: Home, server: DatabaseServer, instance: InstanceFolder) -> Backup | None:
    """Back up and drop what a restore put aside, also one that was killed."""
    name = _former_name(instance.database_name)
    with server.connect() as connection:
        if database_comment(connection, name) is None:
            return None
    backup = make_backup(home, instance, server.url(name), kind=BEFORE_RESTORE)
    drop_database_only(server, name)
    return backup


def drop_former(_home: Home, server: DatabaseServer, instance: InstanceFolder) -> None:
    """Drop what a restore put aside."""
    drop_database_only(server, _former_name(instance.database_name))


def _former_name(database: str) -> str:
    return f"{database}__former"


def _require_equal(backup: Backup, differences: list[str]) -> None:
    if differences:
        shown = "; ".join(differences[:SHOWN_DIFFERENCES])
        raise OperationError(
            f"Backup {backup.id} is not restored: what came out is not what was backed up. {shown}."
        )


def _exchange(server: DatabaseServer, name: str, scratch: str, *, has_former: bool) -> None:
    """Give the scratch database the name of the real one, and that one another; both or none."""
    for attempt in range(EXCHANGE_ATTEMPTS):
        try:
            with _showing_out(server, [name, scratch]), server.connect() as connection:
                _rename_both(connection, name, scratch, has_former=has_former)
            return
        except psycopg.errors.ObjectInUse:
            if attempt + 1 == EXCHANGE_ATTEMPTS:
                raise


@contextmanager
def _showing_out(server: DatabaseServer, databases: list[str]) -> Iterator[None]:
    """End the connections to these databases again and again. A renaming waits up to 5 s for them
    to go, and meanwhile lets nobody new in; so nothing has to be closed that a kill would leave
    closed."""
    is_over = threading.Event()

    def act() -> None:
        with server.connect() as connection:
            while not is_over.is_set():
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = ANY(%s)",
                    (databases,),
                )
                is_over.wait(SHOWING_OUT_SECONDS)

    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _rename_both(connection: Admin, name: str, scratch: str, *, has_former: bool) -> None:
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    former = _former_name(name)
    with connection.transaction():
        if has_former:
            connection.execute(rename.format(sql.Identifier(name), sql.Identifier(former)))
            set_comment(connection, former, f"Mybizz: {name} before a restore")
        connection.execute(rename.format(sql.Identifier(scratch), sql.Identifier(name)))
        set_comment(connection, name, f"Mybizz instance {name}")


def _tell_server(instance: InstanceFolder, backup: Backup) -> None:
    """Have a server that serves the instance open its database anew: it does so when the address
    changes. ``application_name`` means nothing to either server."""
    config = instance.read_config()
    address, _, query = str(config["database"]).partition("?")
    kept = [each for each in query.split("&") if not each.startswith("application_name=")]
    told = "&".join([*kept, f"application_name=restored-{backup.id}"])
    instance.write_config({**config, "database": f"{address}?{told}"})


def _read_password(instance: InstanceFolder) -> str:
    database = str(instance.read_config()["database"]).removeprefix("jdbc:")
    return parse_qs(urlsplit(database).query)["password"][0]


def _recreate(
    home: Home, server: DatabaseServer, backup: Backup, advance: Advance
) -> InstanceFolder:
    """Make database, role and folder from the backup alone. Undoes everything on failure; a killed
    run is picked up by the next."""
    verify_backup(home, backup)
    release = find_release(home, str(backup.manifest["release"]))
    verify(release)
    instance = find_instance(home, backup.instance_name)
    name = instance.database_name
    password = create_database(server, name)
    staging = InstanceFolder(instance.name, home.instances / f".provisioning-{instance.name}")
    try:
        shutil.rmtree(staging.path, ignore_errors=True)
        staging.path.mkdir(mode=0o700)
        _unpack(b"".join(read_sealed(home, backup, FILES_FILE)), staging.path)
        staging.backups.mkdir(mode=0o700, exist_ok=True)
        link_release(staging, release)
        database = jdbc_url(server.host, server.port, name, name, password)
        staging.write_config({**staging.read_config(), "database": database})
        scratch = f"{name}__restoring"
        with scratch_database(home, server, backup, scratch, name, advance) as differences:
            _require_equal(backup, differences)
            drop_database_only(server, name)
            _exchange(server, name, scratch, has_former=False)
        if instance.path.exists():
            raise OperationError(f"{instance.path} is there already and holds no instance.yaml.")
        staging.path.rename(instance.path)
    except BaseException:
        shutil.rmtree(staging.path, ignore_errors=True)
        drop_database(server, name)
        raise
    finish_database(server, name)
    instance.log("restore", backup=backup.id, of=backup.manifest["at"], made_anew=True)
    return instance


def _unpack(packed: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
