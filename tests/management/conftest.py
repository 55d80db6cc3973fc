"""A running console with people in it, for each file of tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    # A test file is imported by path, so the root is not on it by itself.
    sys.path.insert(0, ROOT)

from scripts.operations.instances import InstanceFolder  # noqa: E402
from scripts.operations.management import PACKAGES, link_packages, write_app  # noqa: E402
from tests.app_server.running import start_server  # noqa: E402
from tests.product.studio import (  # noqa: E402
    CLIENT_UPLINK_KEY,
    SECRETS,
    UPLINK_KEY,
    Studio,
)

if TYPE_CHECKING:
    from tests.management.billing_office import Office


def write_console(folder: Path, secrets: dict[str, str] | None = None) -> InstanceFolder:
    """The console's folder, as `management create` makes it, with keys that are known and maybe
    more secrets."""
    console = InstanceFolder("management", folder)
    (folder / "data").mkdir(parents=True)
    (folder / console.package_name).mkdir()
    link_packages(console)
    write_app(console)
    config: dict[str, object] = {"uplink-key": UPLINK_KEY, "client-uplink-key": CLIENT_UPLINK_KEY}
    config["secret"] = {**SECRETS, **(secrets or {})}
    (folder / "instance.yaml").write_text(yaml.safe_dump(config))
    return console


@contextmanager
def open_console(
    folder: Path, database_url: str, *options: str, secrets: dict[str, str] | None = None
) -> Iterator[Studio]:
    """Serve a console with olga (the founder), mia, sam and carl, until the block ends."""
    app = write_console(folder, secrets)
    server = start_server(
        [
            f"--app={folder / app.package_name}",
            *(f"--dep-id={app_id}={package}" for package, app_id in PACKAGES.items()),
            f"--database={database_url}",
            f"--data-dir={folder / 'data'}",
            f"--config-file={folder / 'instance.yaml'}",
            *options,
        ],
        cwd=folder,
    )
    console = Studio(server, database_url, folder / "data")
    try:
        console.set_up(sample_data=False)
        yield console
    finally:
        server.stop()


@contextmanager
def fresh_database(postgres_url: str, kind: str = "console") -> Iterator[str]:
    """An empty database that is dropped when the block ends."""
    name = f"{kind}_{os.getpid()}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "{name}"')
    parts = psycopg.conninfo.conninfo_to_dict(postgres_url)
    parts["dbname"] = name
    yield psycopg.conninfo.make_conninfo(**parts)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    """A running console: olga is the founder, mia a manager, sam an operator."""
    folder = tmp_path_factory.mktemp("console") / "management"
    with (
        fresh_database(postgres_url) as database_url,
        open_console(folder, database_url) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Office]:
    """A console that bills tenants. All tests of billing share it, each with tenants of its own."""
    from tests.management.billing_office import open_office  # which itself opens a console

    folder = tmp_path_factory.mktemp("office") / "management"
    with fresh_database(postgres_url, "office") as url, open_office(folder, url) as running:
        yield running
