"""The console (``management/``): its own folder, database and server, apart from all instances."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import yaml

from app_server.files import replace_file
from scripts.operations.databases import (
    DatabaseServer,
    create_database,
    drop_database,
    finish_database,
)
from scripts.operations.home import ROOT, Home, OperationError
from scripts.operations.instances import M3_ID, TEMPLATE_ID, InstanceFolder, jdbc_url, make_config
from scripts.operations.provision import move_to_server

# A name that no instance can have (``instances.RESERVED``).
NAME = "management"
TITLE = "Mybizz"
CONSOLE_ID = "MYBIZZMANAGEMENT"
PORT = 3031
PACKAGES = {"management": CONSOLE_ID, "master_template": TEMPLATE_ID, "m3": M3_ID}
FEATURES: dict[str, bool] = {}


def management_folder(home: Home) -> InstanceFolder:
    """Where the console is, made or not. It has the files of an instance."""
    return InstanceFolder(NAME, home.data / NAME)


def require_management(home: Home) -> InstanceFolder:
    folder = management_folder(home)
    if not folder.exists():
        raise OperationError(
            "There is no console yet. Make it: scripts/mybizz management create --founder EMAIL"
        )
    return folder


def provision_management(home: Home, server: DatabaseServer, *, port: int) -> InstanceFolder:
    """Make the console's database and folder; what a killed run left is made anew."""
    folder = management_folder(home)
    password = create_database(server, folder.database_name)
    staging = InstanceFolder(NAME, home.data / f".making-{NAME}")
    try:
        shutil.rmtree(staging.path, ignore_errors=True)
        url = jdbc_url(
            server.host, server.port, folder.database_name, folder.database_name, password
        )
        _write_folder(staging, _make_config(folder, url, port))
        staging.log("provision", origin=origin(port))
        staging.path.rename(folder.path)
    except BaseException:
        shutil.rmtree(staging.path, ignore_errors=True)
        drop_database(server, folder.database_name)
        raise
    finish_database(server, folder.database_name)
    return folder


def complete_management(server: DatabaseServer, folder: InstanceFolder) -> None:
    """Follow the database server, and what the checkout says of tables, services and tasks."""
    finish_database(server, folder.database_name)
    move_to_server(folder, server)
    link_packages(folder)
    write_app(folder)


def origin(port: int) -> str:
    return f"http://{NAME}.localhost" + ("" if port == 80 else f":{port}")


def move_to_port(folder: InstanceFolder, port: int) -> None:
    """Let its address say the port on which it is served now, unless it is a public one."""
    config = folder.read_config()
    is_local = str(config.get("origin", "")).startswith(f"http://{NAME}.localhost")
    moved = {**config, "port": port, **({"origin": origin(port)} if is_local else {})}
    if moved != config:
        folder.write_config(moved)


def _make_config(folder: InstanceFolder, database: str, port: int) -> dict[str, Any]:
    config = make_config(folder, database, port)
    return {
        **config,
        "origin": origin(port),
        "dep-id": {app_id: package for package, app_id in PACKAGES.items()},
    }


def _write_folder(folder: InstanceFolder, config: dict[str, Any]) -> None:
    """It holds keys: readable by its owner only."""
    for each in (folder.path, folder.path / "data", folder.backups):
        each.mkdir(mode=0o700, parents=True)
    folder.unfinished_marker.write_text(
        "The first set-up of the console is not complete; run `management create` again.\n"
    )
    link_packages(folder)
    (folder.path / folder.package_name / "theme" / "assets").mkdir(parents=True)
    (folder.path / folder.package_name / "theme" / "parameters.yaml").write_text("roles: []\n")
    write_app(folder)
    folder.write_config(config)


def link_packages(folder: InstanceFolder, source: Path = ROOT) -> None:
    """The console runs the apps of the checkout whose commands run it."""
    for package in PACKAGES:
        link = folder.path / package
        if link.is_symlink() and Path(os.readlink(link)) == source / package:
            continue
        link.unlink(missing_ok=True)
        link.symlink_to(source / package, target_is_directory=True)


def write_app(folder: InstanceFolder) -> None:
    """Write the served app's ``anvil.yaml`` where it has changed: an App Server takes tables,
    services and tasks from that, never from a dependency."""
    text = yaml.safe_dump(make_app(folder), sort_keys=False, allow_unicode=True)
    path = folder.path / folder.package_name / "anvil.yaml"
    if not path.exists() or path.read_text() != text:
        replace_file(path, text)


def make_app(folder: InstanceFolder) -> dict[str, Any]:
    template, console = (
        yaml.safe_load((folder.path / package / "anvil.yaml").read_text())
        for package in ("master_template", "management")
    )
    doubled = set(template["db_schema"]) & set(console["db_schema"])
    if doubled:
        raise OperationError(f"Template and console both have tables {sorted(doubled)}.")
    return {
        "name": console["name"],
        "package_name": folder.package_name,
        "allow_embedding": False,
        "dependencies": [
            {
                "app_id": app_id,
                "version": {"dev": True},
                "resolution_hints": {"package_name": package, "app_id": app_id},
            }
            for package, app_id in PACKAGES.items()
        ],
        "services": [*template["services"], *console.get("services", [])],
        "db_schema": {**template["db_schema"], **console["db_schema"]},
        "scheduled_tasks": [*template["scheduled_tasks"], *console.get("scheduled_tasks", [])],
        "runtime_options": console["runtime_options"],
        "metadata": console["metadata"],
    }
