"""Provision an instance: database, role, keys, folder. All of it or nothing.

The set-up of the data inside (owner, settings, sample data) needs the instance to be served; see
``setup.py``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from scripts.operations.databases import (
    DatabaseServer,
    create_database,
    drop_database,
    finish_database,
)
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import (
    InstanceFolder,
    find_instance,
    jdbc_url,
    make_app,
    make_config,
    origin_of,
)
from scripts.operations.releases import APPS, Release, verify


def provision(
    home: Home,
    server: DatabaseServer,
    name: str,
    release: Release,
    *,
    title: str,
    port: int,
    prepare: Callable[[InstanceFolder], None] = lambda folder: None,
) -> InstanceFolder:
    """Make the instance's database and folder. Undoes everything on failure; a killed run is
    picked up by the next. Raises ``OperationError`` when the name is taken.

    ``prepare`` is given the folder before it gets its name, and so before any server sees it.
    """
    instance = find_instance(home, name)
    if instance.exists():
        raise OperationError(f"The instance {name!r} exists already in {instance.path}.")
    verify(release)
    password = create_database(server, instance.database_name)
    staging = home.instances / f".provisioning-{name}"
    try:
        # What a killed run left there has no folder of its own yet: nobody uses it.
        shutil.rmtree(staging, ignore_errors=True)
        database = jdbc_url(
            server.host, server.port, instance.database_name, instance.database_name, password
        )
        folder = InstanceFolder(name, staging)
        write_folder(folder, release, title, make_config(instance, database, port))
        folder.log("provision", release=release.version, origin=origin_of(name, port))
        prepare(folder)
        if instance.path.exists():
            raise OperationError(f"{instance.path} is there already and holds no instance.yaml.")
        staging.rename(instance.path)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        drop_database(server, instance.database_name)
        raise
    finish_database(server, instance.database_name)
    return instance


def write_folder(
    folder: InstanceFolder, release: Release, title: str, config: dict[str, Any]
) -> None:
    """Fill a new instance folder. It is readable by its owner only: it holds keys."""
    folder.path.mkdir(mode=0o700, parents=True)
    (folder.path / "data").mkdir(mode=0o700)
    (folder.path / "backups").mkdir(mode=0o700)
    folder.unfinished_marker.write_text(
        "The first set-up of this instance is not complete; start it again to complete it.\n"
    )
    link_release(folder, release)
    app_folder = folder.path / folder.package_name
    (app_folder / "theme" / "assets").mkdir(parents=True)
    write_app(folder, release, title)
    (app_folder / "theme" / "parameters.yaml").write_text("roles: []\ncolor_schemes: []\n")
    folder.write_config(config)


def link_release(folder: InstanceFolder, release: Release) -> None:
    """Pin a new folder to a release."""
    for app in APPS:
        target = os.path.relpath(release.folder / app, folder.path)
        (folder.path / app).symlink_to(target, target_is_directory=True)


def write_app(folder: InstanceFolder, release: Release, title: str) -> bool:
    """Write the tenant's ``anvil.yaml``; whether it was another before."""
    path = folder.path / folder.package_name / "anvil.yaml"
    text = yaml.safe_dump(make_app(folder, release, title), sort_keys=False, allow_unicode=True)
    if path.exists() and path.read_text() == text:
        return False
    path.write_text(text)
    return True


def pinned_release(home: Home, instance: InstanceFolder) -> Release:
    """The release that an instance's links point to."""
    link = instance.path / "master_template"
    folder = Path(os.path.realpath(link)).parent
    return Release(folder.name, folder)


def move_to_port(instance: InstanceFolder, port: int) -> None:
    """Let the instance's own address say the port on which it is served now."""
    config = instance.read_config()
    local = str(config.get("origin", "")).startswith(f"http://{instance.name}.localhost")
    origin = origin_of(instance.name, port) if local else config["origin"]
    if config.get("port") != port or config.get("origin") != origin:
        instance.write_config({**config, "port": port, "origin": origin})


def move_to_server(instance: InstanceFolder, server: DatabaseServer) -> None:
    """Follow the embedded Postgres when it got another port at its start."""
    config = instance.read_config()
    url, _, query = str(config["database"]).partition("?")
    moved = f"jdbc:postgresql://{server.host}:{server.port}/{url.rsplit('/', 1)[1]}?{query}"
    if moved != config["database"]:
        instance.write_config({**config, "database": moved})
