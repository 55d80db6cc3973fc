"""Small stand-ins for the two apps, so that release and provisioning tests need no build."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from anvil._server import registrations

from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home
from scripts.operations.instances import InstanceFolder
from scripts.operations.releases import remove_folder
from scripts.operations.upgrading import changing
from tests.scripts.upgradable import Template, drop_all, make_business

TEMPLATE_YAML = """\
name: Template
package_name: master_template
services:
- source: /runtime/services/tables.yml
  client_config: {enable_v2: true}
db_schema:
  contacts: {title: Contacts, client: none, server: full, columns: [{name: email, type: string}]}
runtime_options: {version: 3}
dependencies: [{app_id: 4UK6WHQ6UX7AKELK, version: {dev: true}}]
"""


@pytest.fixture(scope="module", autouse=True)
def no_functions_of_the_app() -> None:
    """An operator's script knows none of the product's functions. Where this process has imported
    them, the uplink would offer them to the server in place of its own."""
    registrations.clear()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_checkout(tmp_path)


def make_checkout(folder: Path) -> Path:
    """A checkout's worth of apps: just enough to publish."""
    root = folder / "checkout"
    (root / "master_template" / "client_code").mkdir(parents=True)
    (root / "master_template" / "anvil.yaml").write_text(TEMPLATE_YAML)
    (root / "master_template" / "client_code" / "Main.py").write_text("x = 1\n")
    (root / "m3" / "theme" / "assets").mkdir(parents=True)
    (root / "m3" / "theme" / "assets" / "m3.js").write_text("export {};\n")
    (root / "m3" / "web").mkdir()
    (root / "m3" / "web" / "source.js").write_text("export {};\n")
    (root / "m3" / "anvil.yaml").write_text("name: m3\npackage_name: m3\n")
    return root


@pytest.fixture
def home(tmp_path: Path):
    home = Home.at(tmp_path / "home")
    home.make()
    yield home
    remove_folder(home.releases)


@pytest.fixture
def server(postgres_url: str) -> DatabaseServer:
    parts = psycopg.conninfo.conninfo_to_dict(postgres_url)
    return DatabaseServer(postgres_url, str(parts.get("host")), int(parts.get("port") or 5432))


@pytest.fixture
def template(home: Home, source: Path) -> Template:
    """A template that can be upgraded, with nothing published yet."""
    return Template(home, source)


@pytest.fixture
def shop(home: Home, server: DatabaseServer, template: Template) -> Iterator[InstanceFolder]:
    """A business on the first version of that template."""
    made = make_business(home, server, template.publish("v1.0.0"), "corner-shop")
    yield made
    drop_all(server, made)


@pytest.fixture
def without_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial starts a server; where it is not what is tested it can be passed over."""
    monkeypatch.setattr(changing, "rehearse", lambda *_given, **_more: ["log_in"])
