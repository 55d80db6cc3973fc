"""A copy of an instance for staging: its business, without its people.

The copy is filled before its folder gets its name: killed anywhere, there is either a whole copy or
nothing that anybody serves. People's data never touch the copy's own database: they are replaced in
a scratch database, and only what comes out of that is copied on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from app_server.files import replace_file
from app_server.tables.store import libpq_url
from scripts.operations.anonymising import anonymise, read_rules
from scripts.operations.backups import Advance, exported_snapshot, ignore_progress
from scripts.operations.databases import (
    DatabaseServer,
    drop_database_only,
    make_empty_database,
)
from scripts.operations.dumps import dump, find_tool, restore
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder, find_instance
from scripts.operations.provision import pinned_release, provision, write_app
from scripts.operations.reaching import BusyError, alone_with

# Each instance's objects belong to its own role, and what belongs to the server stays as it is.
OWN_OBJECTS = ("--no-owner", "--no-privileges", "--no-comments")
SCRATCH_COMMENT = "Mybizz scratch: a copy for "
SCRATCHES = """
    SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database
    WHERE shobj_description(oid, 'pg_database') LIKE %s
"""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Cloned:
    """``counts``: how many values were replaced, by what they became."""

    instance: InstanceFolder
    counts: dict[str, int]


def clone_instance(
    home: Home,
    server: DatabaseServer,
    source: InstanceFolder,
    name: str,
    *,
    source_url: str,
    keeps_personal: bool = False,
    say: Say = lambda text: None,
    advance: Advance = ignore_progress,
) -> Cloned:
    """Copy ``source``, whose database is at ``source_url`` and may be in use, to a new instance on
    the same release. Its mails go into its own outbox folder, and nothing is done there by a
    schedule. Raises ``OperationError``."""
    release = pinned_release(home, source)
    if find_instance(home, name).exists():
        raise OperationError(
            f"The instance {name!r} exists already. Choose another name, or take it away first: "
            f"scripts/mybizz instance destroy {name}"
        )
    sweep(home, server, name)
    # Before anything is copied: may be, it cannot be.
    read_rules(release.folder / "master_template")
    title = f"{source.title} (copy)"
    counts: dict[str, int] = {}

    def prepare(folder: InstanceFolder) -> None:
        facts = {"of": source.name, "at": datetime.now(UTC).isoformat(timespec="seconds")}
        kept = {**facts, "keeps_personal_data": keeps_personal}
        replace_file(folder.clone_marker, json.dumps(kept) + "\n")
        write_app(folder, release, title)
        _copy_theme(source, folder)
        counts.update(
            _fill(server, source_url, folder, release_rules, keeps_personal, say, advance)
        )
        folder.log("clone", **kept)
        folder.unfinished_marker.unlink()

    release_rules = read_rules(release.folder / "master_template")
    port = int(source.read_config().get("port") or 3030)
    made = provision(home, server, name, release, title=title, port=port, prepare=prepare)
    source.log("cloned", to=name, keeps_personal_data=keeps_personal)
    return Cloned(made, counts)


def sweep(home: Home, server: DatabaseServer, own_name: str) -> None:
    """Drop what killed runs left: people's data are in it. ``own_name``: the copy that we have to
    ourselves; what belongs to others that still run stays."""
    with server.connect() as connection:
        found = connection.execute(SCRATCHES, (f"{SCRATCH_COMMENT}%",)).fetchall()
    for database, comment in found:
        name = str(comment).removeprefix(SCRATCH_COMMENT)
        # Never twice: to let go of a lock once is to let go of it.
        alone = nullcontext() if name == own_name else alone_with(home, name)
        try:
            with alone:
                drop_database_only(server, str(database))
        except BusyError:
            continue


def _copy_theme(source: InstanceFolder, folder: InstanceFolder) -> None:
    theme = source.path / source.package_name / "theme"
    if theme.is_dir():
        target = folder.path / folder.package_name / "theme"
        shutil.copytree(theme, target, dirs_exist_ok=True)


def _fill(
    server: DatabaseServer,
    source_url: str,
    folder: InstanceFolder,
    rules: dict[str, dict[str, str] | str],
    keeps_personal: bool,
    say: Say,
    advance: Advance,
) -> dict[str, int]:
    own = libpq_url(str(folder.read_config()["database"]))
    scratch = f"{folder.database_name}__cloning"
    scratch_url = psycopg.conninfo.make_conninfo(own, dbname=scratch)
    comment = f"{SCRATCH_COMMENT}{folder.name}"
    make_empty_database(server, scratch, folder.database_name, comment)
    try:
        say("  Copying the data ...")
        _pour(source_url, scratch_url, advance)
        say("  Keeping what is personal ..." if keeps_personal else "  Replacing the people ...")
        counts = anonymise(scratch_url, rules, keeps_personal=keeps_personal)
        say("  Filling the copy ...")
        _pour(scratch_url, own, advance)
        return counts
    finally:
        drop_database_only(server, scratch)


def _pour(source_url: str, target_url: str, advance: Advance) -> None:
    """One moment of a database into another; its objects belong to whoever is at the target."""
    with exported_snapshot(source_url) as (connection, snapshot):
        version = connection.info.server_version
        pieces = dump(find_tool("pg_dump", version), source_url, snapshot)
        counted = (_count(piece, advance) for piece in pieces)
        restore(find_tool("pg_restore", version), target_url, counted, OWN_OBJECTS)


def _count(piece: bytes, advance: Advance) -> bytes:
    advance(len(piece))
    return piece
