"""One database and one role for each instance, on a server where we have the right to make them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import psycopg
from psycopg import sql

from scripts.operations.home import OperationError

EXTENSIONS = ("pg_trgm", "btree_gist")


@dataclass(frozen=True)
class DatabaseServer:
    """A Postgres server: where an administrator connects, and where instances do."""

    admin_url: str
    host: str
    port: int

    def url(self, database: str) -> str:
        """The administrator's address of one database."""
        return psycopg.conninfo.make_conninfo(self.admin_url, dbname=database)

    def connect(self, database: str | None = None) -> psycopg.Connection[tuple[object, ...]]:
        try:
            address = self.url(database) if database else self.admin_url
            return psycopg.connect(address, autocommit=True, connect_timeout=5)
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[-1]
            raise OperationError(
                f"The Postgres server given can't be reached as its administrator: {reason}"
            ) from error


def external_server(url: str) -> DatabaseServer:
    """The server behind ``--database URL``: a role there that may create roles and databases."""
    try:
        admin_url = psycopg.conninfo.make_conninfo(url.removeprefix("jdbc:"))
        parts = psycopg.conninfo.conninfo_to_dict(admin_url)
    except psycopg.ProgrammingError as error:
        raise OperationError(
            f"--database expects an address like postgresql://admin:password@db.example.com:5432/"
            f"postgres; this one can't be read: {str(error).strip()}"
        ) from error
    server = DatabaseServer(
        admin_url=admin_url,
        host=str(parts.get("host") or "127.0.0.1"),
        port=int(parts.get("port") or 5432),
    )
    with server.connect() as connection:
        row = connection.execute(
            "SELECT (rolcreatedb AND rolcreaterole) OR rolsuper FROM pg_roles "
            "WHERE rolname = current_user"
        ).fetchone()
    if not row or not row[0]:
        raise OperationError(
            "The role in --database may not create roles and databases; each instance gets its "
            "own. Grant it CREATEDB and CREATEROLE."
        )
    return server


def create_database(server: DatabaseServer, name: str) -> str:
    """Make the role and the database ``name``; give the role's password (again: a new one).

    It is made under another name, and gets its own together with the comment by which the next run
    knows what a killed one left; a database that belongs to somebody is never touched.
    """
    password = secrets.token_urlsafe(24)
    identifier = sql.Identifier(name)
    with server.connect() as connection:
        comment = database_comment(connection, name)
        if comment not in (None, unfinished_comment(name)):
            raise OperationError(
                f"A database {name!r} exists already on that server and no instance folder "
                "goes with it. Rename or drop it, or choose another instance name."
            )
        set_role(connection, name, password)
    draft = f"{name}__making"
    make_empty_database(server, draft, name, unfinished_comment(name))
    with server.connect(draft) as connection:
        for extension in EXTENSIONS:
            connection.execute(
                sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension))
            )
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        connection.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(identifier))
    drop_database_only(server, name)
    with server.connect() as connection:
        # Its comment goes along.
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        connection.execute(rename.format(sql.Identifier(draft), identifier))
    return password


def set_role(connection: psycopg.Connection[tuple[object, ...]], name: str, password: str) -> None:
    """Make the role, or give the one there is this password."""
    identifier = sql.Identifier(name)
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
    action = "ALTER ROLE {} LOGIN PASSWORD {}" if exists else "CREATE ROLE {} LOGIN PASSWORD {}"
    connection.execute(sql.SQL(action).format(identifier, sql.Literal(password)))
    # A superuser owns what it creates for another role at once; others must be a member of it.
    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(identifier))


def make_empty_database(server: DatabaseServer, name: str, owner: str, comment: str) -> None:
    """Make a database that only its owner may enter; one of that name goes. ``comment`` says what
    it is, so that the next command knows what a killed one left."""
    identifier = sql.Identifier(name)
    with server.connect() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(identifier, sql.Identifier(owner))
        )
        set_comment(connection, name, comment)
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(identifier))


def unfinished_comment(name: str) -> str:
    return f"Mybizz: {name} is being provisioned"


def finish_database(server: DatabaseServer, name: str) -> None:
    """Mark a database as belonging to its instance, so that nothing makes it anew."""
    with server.connect() as connection:
        set_comment(connection, name, f"Mybizz instance {name}")


def set_comment(
    connection: psycopg.Connection[tuple[object, ...]], name: str, comment: str
) -> None:
    connection.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(comment))
    )


def drop_database_only(server: DatabaseServer, name: str) -> None:
    with server.connect() as connection:
        identifier = sql.Identifier(name)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))


def drop_database(server: DatabaseServer, name: str) -> None:
    """Remove a database and its role, with everything in it, and what killed commands left beside
    it: no instance's own has two underscores in a row."""
    with server.connect() as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE datname = %s OR starts_with(datname, %s)",
            (name, f"{name}__"),
        ).fetchall()
    for row in rows:
        drop_database_only(server, str(row[0]))
    with server.connect() as connection:
        identifier = sql.Identifier(name)
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(identifier))


def database_comment(connection: psycopg.Connection[tuple[object, ...]], name: str) -> str | None:
    """The comment of a database ('' without one); None where there is no such database."""
    row = connection.execute(
        "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database "
        "WHERE datname = %s",
        (name,),
    ).fetchone()
    return None if row is None else str(row[0])
