"""The database of an instance that was given none: one of its own in the embedded Postgres."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from app_server import postgres

FOLDER = "postgres"
ADDRESS_FILE = "database.password"
ROLE = "app"
DATABASE = "app"


@dataclass(frozen=True, slots=True)
class EmbeddedDatabase:
    """``url`` logs in as the instance's own role, which owns its database and nothing else."""

    server: postgres.EmbeddedPostgres
    url: str

    def stop(self) -> None:
        self.server.stop()


def open_embedded(data_dir: Path) -> EmbeddedDatabase:
    """Start the embedded Postgres below ``data_dir`` and make role and database at the first time.
    StartupError where it does not start."""
    server = postgres.start(data_dir / FOLDER)
    try:
        password = _read_password(data_dir / ADDRESS_FILE)
        with psycopg.connect(server.admin_url, autocommit=True) as admin:
            _ensure_role(admin, password)
            _ensure_database(admin)
    except BaseException:
        server.stop()
        raise
    url = f"postgresql://{ROLE}:{password}@{server.host}:{server.port}/{DATABASE}"
    return EmbeddedDatabase(server, url)


def _read_password(path: Path) -> str:
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
    return path.read_text().strip()


def _ensure_role(admin: psycopg.Connection, password: str) -> None:
    known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone()
    statement = "ALTER ROLE {} PASSWORD {}" if known else "CREATE ROLE {} LOGIN PASSWORD {}"
    admin.execute(sql.SQL(statement).format(sql.Identifier(ROLE), sql.Literal(password)))


def _ensure_database(admin: psycopg.Connection) -> None:
    if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
        return
    name, role = sql.Identifier(DATABASE), sql.Identifier(ROLE)
    admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, role))
    admin.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(name))
    admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, role))
