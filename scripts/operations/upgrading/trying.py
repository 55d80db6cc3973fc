"""Try a release on a copy of an instance's data: start it, log in, call.

The copy is thrown away afterwards, and so is what the trial leaves in it. Its owner gets a password
there that nobody else knows. Nothing leaves the machine: no scheduled task runs, nothing waits to
be sent, there is no mail server, and requests to other sites are led nowhere.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import psycopg
import yaml
from psycopg import sql

from scripts.operations.home import ROOT, OperationError
from scripts.operations.instances import InstanceFolder, jdbc_url
from scripts.operations.releases import Release
from scripts.operations.serving import (
    find_free_port,
    running,
    single_command,
    wait_until_served,
)
from scripts.operations.upgrading.places import Places
from scripts.operations.upgrading.staging import app_file, read_app

CHECKS_FILE = "checks.yaml"
START_SECONDS = 120.0
CALLS_SECONDS = 120.0
SAID_CHARS = 1500
# Nobody listens there (RFC 863's port, on this machine only).
NOWHERE = "http://127.0.0.1:9"
NO_WAY_OUT = ("env", *(f"{name}={NOWHERE}" for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")))
# What keeps an account from logging in by its password alone.
LOCKS = ("mfa", "n_password_failures", "second_factor", "second_factor_encrypted")


@dataclass(frozen=True)
class Visitor:
    """Who logs in at the trial."""

    email: str
    password: str


NOBODY = Visitor("", "")
"""Of an app that has users, and none yet."""


def try_release(folder: InstanceFolder, release: Release, places: Places) -> list[str]:
    """Serve the staged folder on the trial database and use it; what was called. Raises
    ``OperationError`` with the server's words where anything does not work."""
    visitor = _prepare_database(places)
    port = find_free_port()
    key = _prepare_folder(folder, places, port)
    with tempfile.TemporaryFile() as output:
        command = [*NO_WAY_OUT, *single_command(folder, port)]
        try:
            with running(command, folder.path, output) as child:
                wait_until_served(folder, port, child, path="/_/ready", seconds=START_SECONDS)
                return _use(port, key, visitor, read_checks(release))
        except OperationError as error:
            output.seek(0)
            said = _read_complaints(output.read().decode(errors="replace"))
            raise OperationError(f"{release.version} does not work: {error}{said}") from error


def read_checks(release: Release) -> list[dict[str, Any]]:
    """The calls by which a release says that it can be tried: ``{"name", "arguments"}``."""
    path = release.folder / "master_template" / CHECKS_FILE
    content = yaml.safe_load(path.read_text()) if path.exists() else None
    return list((content or {}).get("calls") or [])


def _prepare_folder(folder: InstanceFolder, places: Places, port: int) -> str:
    """Point it to the trial database, and cut it off; its key for visitors' calls."""
    app = {key: value for key, value in read_app(folder).items() if key != "scheduled_tasks"}
    app_file(folder).write_text(yaml.safe_dump(app, sort_keys=False, allow_unicode=True))
    config = {
        name: value
        for name, value in folder.read_config().items()
        if not name.startswith(("smtp-", "manual-cert"))
    }
    parts = psycopg.conninfo.conninfo_to_dict(places.own_url(places.trial))
    server = places.server
    url = jdbc_url(
        server.host, server.port, places.trial, str(parts["user"]), str(parts.get("password", ""))
    )
    key = "client_" + secrets.token_urlsafe(24)
    private = {
        "database": url,
        "origin": f"http://localhost:{port}",
        "port": port,
        "uplink-key": "server_" + secrets.token_urlsafe(24),
        "client-uplink-key": key,
    }
    folder.write_config({**config, **private})
    return key


def _prepare_database(places: Places) -> Visitor | None:
    """Empty what waits to be sent, and let the owner in by a new password. None where the app keeps
    no users, NOBODY where it has none yet."""
    with psycopg.connect(places.own_url(places.trial)) as connection:
        tables = _read_columns(connection)
        if "outbox" in tables:
            connection.execute("DELETE FROM app.outbox")
        columns = tables.get("users", set())
        if not {"email", "password_hash"} <= columns:
            return None
        order = "role = 'owner' DESC NULLS LAST, " if "role" in columns else ""
        row = connection.execute(
            f"SELECT _id, email FROM app.users WHERE email IS NOT NULL ORDER BY {order}_id LIMIT 1"
        ).fetchone()
        if row is None:
            return NOBODY
        visitor = Visitor(str(row[1]), secrets.token_urlsafe(18))
        hashed = bcrypt.hashpw(visitor.password.encode(), bcrypt.gensalt(10, prefix=b"2a"))
        values: dict[str, object] = {"password_hash": hashed.decode()}
        values |= {name: True for name in ("enabled", "confirmed_email") if name in columns}
        values |= {name: None for name in LOCKS if name in columns}
        values |= {"status": "active"} if "status" in columns else {}
        changes = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in values
        )
        connection.execute(
            sql.SQL("UPDATE app.users SET {} WHERE _id = {}").format(changes, sql.Literal(row[0])),
            list(values.values()),
        )
    return visitor


def _read_columns(connection: psycopg.Connection[Any]) -> dict[str, set[str]]:
    rows = connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'app'"
    ).fetchall()
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found


def _use(port: int, key: str, visitor: Visitor | None, checks: list[dict[str, Any]]) -> list[str]:
    """Log in and call as a browser's code would, in a process of its own."""
    asked: Mapping[str, Any] = {
        "url": f"ws://127.0.0.1:{port}/_/uplink",
        "key": key,
        "visitor": vars(visitor) if visitor and visitor != NOBODY else None,
        "calls": checks if visitor != NOBODY else [],
        "pages": [f"http://127.0.0.1:{port}/app", f"http://127.0.0.1:{port}/"],
    }
    command = [sys.executable, "-m", "scripts.operations.upgrading.visiting"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=CALLS_SECONDS,
            cwd=Path(ROOT),
        )
    except subprocess.TimeoutExpired as error:
        raise OperationError(
            f"it gave no answer to a log-in and a call within {CALLS_SECONDS:.0f} s"
        ) from error
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError) as error:
        raise OperationError(f"it could not be used: {done.stderr.strip()[-500:]}") from error
    if answer["error"]:
        raise OperationError(answer["error"])
    return list(answer["done"])


def _read_complaints(said: str) -> str:
    """The end of what the server said, where there is anything of note in it."""
    lines = [line for line in said.splitlines() if line.strip() and " INFO " not in line]
    told = "\n".join(lines)[-SAID_CHARS:]
    return f"\n{told}" if told else ""
