"""An installation of its own with two small instances on an embedded Postgres that archives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from app_server.tables.store import libpq_url
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home
from scripts.operations.instances import InstanceFolder
from scripts.operations.postgres import database_server
from scripts.operations.provision import provision
from scripts.operations.releases import publish, remove_folder
from scripts.operations.wal.archive import WalArchive, switch_on
from scripts.operations.wal.bases import make_base

NAMES = ("willow-spa", "cape-yoga")
TABLES = """
    CREATE SCHEMA app;
    CREATE TABLE app.contacts (id int PRIMARY KEY, name text);
    CREATE TABLE app.sales (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, writer int, number int,
        UNIQUE (writer, number));
    INSERT INTO app.contacts SELECT i, 'Zoë ' || i FROM generate_series(1, 500) i;
"""


@dataclass(frozen=True)
class Installation:
    home: Home
    server: DatabaseServer
    archive: WalArchive
    instances: tuple[InstanceFolder, ...]

    def url(self, instance: InstanceFolder) -> str:
        return libpq_url(str(instance.read_config()["database"]))

    def run(self, instance: InstanceFolder, statement: str, *values: Any) -> Any:
        """The first row of what a statement answers."""
        with psycopg.connect(self.url(instance)) as connection:
            done = connection.execute(statement.encode(), values)
            return done.fetchone() if done.description else None

    def now(self) -> Any:
        """The moment on the database's clock."""
        with self.server.connect() as connection:
            row: Any = connection.execute("SELECT clock_timestamp()").fetchone()
        return row[0]


@contextmanager
def archived_installation(source: Path) -> Iterator[Installation]:
    # Not pytest's folder: as root the server runs as another user, who must be able to walk there.
    with TemporaryDirectory(prefix="mybizz-archived-") as folder:
        home = Home.at(Path(folder))
        home.make()
        try:
            with database_server(home, None) as server:
                release = publish(home, "v1.0.0", "First.", source)
                archive = switch_on(home, server)
                made = tuple(
                    provision(home, server, name, release, title=name.title(), port=4040)
                    for name in NAMES
                )
                for each in made:
                    each.unfinished_marker.unlink()
                    with psycopg.connect(libpq_url(str(each.read_config()["database"]))) as own:
                        own.execute(TABLES)
                make_base(home, server, archive)
                yield Installation(home, server, archive, made)
        finally:
            remove_folder(home.releases)
