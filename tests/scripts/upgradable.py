"""A small template in several versions, and instances of it with data, for tests of upgrades."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bcrypt
import psycopg
import yaml

from scripts.operations.databases import DatabaseServer, drop_database
from scripts.operations.fingerprints import Fingerprint, read_fingerprints
from scripts.operations.home import Home
from scripts.operations.instances import InstanceFolder
from scripts.operations.provision import pinned_release, provision
from scripts.operations.releases import Release, publish
from scripts.operations.upgrading.places import Places
from scripts.operations.upgrading.planning import migrate_tables
from scripts.operations.upgrading.staging import read_target, stage, unstage

USERS = "email string, enabled bool, password_hash string, confirmed_email bool, role string"
SERVER_CODE = """
import anvil.server
import anvil.users
from anvil.tables import app_tables

@anvil.server.callable
def log_in(email, password):
    user = anvil.users.login_with_email(email, password)
    app_tables.visits.add_row(email=user["email"])
    return {"success": True}

@anvil.server.callable
def count_contacts():
    if anvil.users.get_user() is None:
        return {"success": False, "error": "Log in first.", "code": "not_logged_in"}
    return {"success": True, "number": len(app_tables.contacts.search())}

@anvil.server.route("/app")
def show():
    return str(len(app_tables.contacts.search()))
"""
CHECKS = "calls: [{name: count_contacts}]\n"
SERVICES = [
    {"source": "/runtime/services/tables.yml", "client_config": {"enable_v2": True}},
    {"source": "/runtime/services/anvil/users.yml", "server_config": {"use_email": True}},
]
# Whoever reads the numbers of one table wants these.
CONTACTS = "name string, email string, age string, note string"
PASSWORD = "a password of the business"


def columns(text: str) -> list[dict[str, str]]:
    """From ``"name string, age number"``."""
    return [dict(zip(("name", "type"), each.split(), strict=True)) for each in text.split(", ")]


class Template:
    """A checkout with the small template, published in one version after another."""

    def __init__(self, home: Home, source: Path):
        self.home = home
        self.folder = source / "master_template"
        self.source = source
        (self.folder / "server_code").mkdir()
        (self.folder / "checks.yaml").write_text(CHECKS)

    def publish(
        self,
        version: str,
        tables: Mapping[str, str] | None = None,
        *,
        code: str = SERVER_CODE,
        constraints: str = "",
        renames: str = "",
    ) -> Release:
        """``tables``: columns by name, beside users and visits."""
        wanted = {"contacts": CONTACTS} if tables is None else tables
        schema = {
            name: {"server": "full", "client": "none", "columns": columns(text)}
            for name, text in {"users": USERS, "visits": "email string", **wanted}.items()
        }
        app = {
            "package_name": "master_template",
            "services": SERVICES,
            "db_schema": schema,
            "runtime_options": {"version": 3, "server_persist": True},
            "dependencies": [{"app_id": "4UK6WHQ6UX7AKELK", "version": {"dev": True}}],
        }
        (self.folder / "anvil.yaml").write_text(yaml.safe_dump(app))
        (self.folder / "server_code" / "main.py").write_text(code)
        for name, text in (("constraints.yaml", constraints), ("migrations.yaml", renames)):
            if text:
                (self.folder / name).write_text(text)
            else:
                (self.folder / name).unlink(missing_ok=True)
        return publish(self.home, version, f"What is new in {version}.", self.source)


def make_business(
    home: Home,
    server: DatabaseServer,
    release: Release,
    name: str,
    *,
    rows: int = 3,
    port: int = 1,
) -> InstanceFolder:
    """An instance with tables and data, as it is after its set-up."""
    made = provision(home, server, name, release, title=name.title(), port=port)
    folder = stage(home, made, release, "test")
    url = Places(server, made).own_url(made.database_name)
    migrate_tables(url, read_target(folder, allow_data_loss=False), 60)
    unstage(home, made)
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, prefix=b"2a")).decode()
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO app.users (email, enabled, password_hash, confirmed_email, role) "
            "VALUES (%s, true, %s, true, 'owner')",
            (f"zoe@{name}.example", hashed),
        )
        connection.execute(
            "INSERT INTO app.contacts (name, email, age, note) "
            "SELECT 'Contact ' || i, i || '@example.com', i::text, 'n' "
            "FROM generate_series(1, %s) i",
            (rows,),
        )
    made.unfinished_marker.unlink()
    return made


def own_url(server: DatabaseServer, instance: InstanceFolder) -> str:
    return Places(server, instance).own_url(instance.database_name)


def run_sql(server: DatabaseServer, instance: InstanceFolder, statement: str) -> list[Any]:
    with psycopg.connect(own_url(server, instance)) as connection:
        done = connection.execute(statement.encode())
        return done.fetchall() if done.description else []


def fingerprints(server: DatabaseServer, instance: InstanceFolder) -> dict[str, Fingerprint]:
    """Of every table, also of those in which the server keeps what it needs."""
    with psycopg.connect(own_url(server, instance)) as connection:
        return read_fingerprints(connection)


def files_of(instance: InstanceFolder) -> dict[str, str]:
    """What its folder says, without what is only added to and what a server keeps there."""
    found = {}
    for path in sorted(instance.path.rglob("*")):
        name = str(path.relative_to(instance.path))
        if name.startswith(("backups", "data", "history.jsonl", "upgrade.json")):
            continue
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file() and "master_template" not in name and not name.startswith("m3"):
            found[name] = path.read_text(errors="replace")
    return found


def databases_of(server: DatabaseServer, instance: InstanceFolder) -> set[str]:
    name = instance.database_name
    with server.connect() as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s", (f"{name}%",)
        ).fetchall()
    return {str(row[0]) for row in rows}


def version_of(home: Home, instance: InstanceFolder) -> str:
    return pinned_release(home, instance).version


def drop_all(server: DatabaseServer, instance: InstanceFolder) -> None:
    drop_database(server, instance.database_name)
