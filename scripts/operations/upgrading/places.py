"""The databases that a change of release works with: copied, closed to others, exchanged.

What is in use stays untouched under its own name until the changed copy takes its place, in one
transaction. That moment decides: before it the old release goes on, after it the new one.
"""

from __future__ import annotations

import time

import psycopg
from psycopg import sql

from app_server.tables.store import libpq_url
from scripts.operations.databases import (
    DatabaseServer,
    database_comment,
    drop_database_only,
    set_comment,
)
from scripts.operations.home import OperationError
from scripts.operations.instances import InstanceFolder

CLOSE_SECONDS = 10.0
CHECK_SECONDS = 0.05
# Larger ones are copied file by file: through the write-ahead log they would be written twice.
LOGGED_COPY_BYTES = 512 * 1024**2


class Places:
    """The databases of one instance on their server."""

    def __init__(self, server: DatabaseServer, instance: InstanceFolder):
        self.server = server
        self.name = instance.database_name
        self.trial = f"{self.name}__trial"
        self.copy = f"{self.name}__upgrading"
        self.former = f"{self.name}__before"
        self._given = libpq_url(str(instance.read_config()["database"]))

    def own_url(self, database: str) -> str:
        """The address of one of them, as the instance's own role."""
        return psycopg.conninfo.make_conninfo(
            self._given, dbname=database, host=self.server.host, port=self.server.port
        )

    def close(self) -> None:
        """Let nobody in, and end the connections there are. Only ``open`` opens it again."""
        with self.server.connect() as connection:
            self._set_open(connection, self.name, is_open=False)
            deadline = time.monotonic() + CLOSE_SECONDS
            while connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = %s AND backend_type = 'client backend'",
                (self.name,),
            ).fetchone() != (0,):
                if time.monotonic() > deadline:
                    raise OperationError(f"The connections to {self.name} do not end.")
                time.sleep(CHECK_SECONDS)

    def open(self) -> None:
        with self.server.connect() as connection:
            if database_comment(connection, self.name) is not None:
                self._set_open(connection, self.name, is_open=True)

    @staticmethod
    def _set_open(
        connection: psycopg.Connection[tuple[object, ...]], name: str, *, is_open: bool
    ) -> None:
        word = sql.SQL("true" if is_open else "false")
        connection.execute(
            sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}").format(
                sql.Identifier(name), word
            )
        )

    def copy_to(self, target: str, source: str, seconds: float) -> None:
        """Copy a database that nobody uses; one of the name goes. Raises ``OperationError`` where
        that takes longer."""
        drop_database_only(self.server, target)
        with self.server.connect() as connection:
            row = connection.execute("SELECT pg_database_size(%s)", (source,)).fetchone()
            is_large = row is not None and int(str(row[0])) > LOGGED_COPY_BYTES
            strategy = sql.SQL("file_copy" if is_large else "wal_log")
            connection.execute(f"SET statement_timeout = {max(1, int(seconds * 1000))}")
            try:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY {}").format(
                        sql.Identifier(target),
                        sql.Identifier(source),
                        sql.Identifier(self.name),
                        strategy,
                    )
                )
            except psycopg.errors.QueryCanceled as error:
                raise OperationError(
                    f"Copying the data takes longer than the {seconds:.0f} s for which visitors "
                    "may wait. Choose a quiet hour, and allow more by --max-wait."
                ) from error
            set_comment(connection, target, f"Mybizz scratch: copy of {source}")
            connection.execute(
                sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(target))
            )

    def exchange(self, change: str) -> None:
        """Put the copy in the place of what is in use; both or neither, then open."""
        with self.server.connect() as connection, connection.transaction():
            self._rename(connection, self.name, self.former)
            set_comment(connection, self.former, self._former_comment(change))
            self._rename(connection, self.copy, self.name)
            set_comment(connection, self.name, f"Mybizz instance {self.name}")
            self._keep_limit(connection, self.former, self.name)
            self._set_open(connection, self.former, is_open=True)

    def exchange_back(self) -> None:
        """What was in use before, in its place again, and closed; the other becomes the copy."""
        drop_database_only(self.server, self.copy)
        with self.server.connect() as connection, connection.transaction():
            self._rename(connection, self.name, self.copy)
            set_comment(connection, self.copy, f"Mybizz scratch: taken back from {self.name}")
            self._rename(connection, self.former, self.name)
            set_comment(connection, self.name, f"Mybizz instance {self.name}")

    def is_exchanged(self, change: str) -> bool:
        """Whether this change's copy is in use."""
        with self.server.connect() as connection:
            return database_comment(connection, self.former) == self._former_comment(change)

    def drop_scratch(self) -> None:
        for each in (self.trial, self.copy):
            drop_database_only(self.server, each)

    def drop_former(self) -> None:
        drop_database_only(self.server, self.former)

    def _former_comment(self, change: str) -> str:
        return f"Mybizz: {self.name} before change {change}"

    @staticmethod
    def _rename(
        connection: psycopg.Connection[tuple[object, ...]], name: str, new_name: str
    ) -> None:
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(name), sql.Identifier(new_name)
            )
        )

    @staticmethod
    def _keep_limit(
        connection: psycopg.Connection[tuple[object, ...]], source: str, target: str
    ) -> None:
        """A copy has no limit of connections of its own."""
        row = connection.execute(
            "SELECT datconnlimit FROM pg_database WHERE datname = %s", (source,)
        ).fetchone()
        limit = sql.Literal(int(str(row[0])) if row else -1)
        connection.execute(
            sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(sql.Identifier(target), limit)
        )
