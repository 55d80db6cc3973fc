"""Provisioning: database, role and folder appear together or not at all, and are one tenant's."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import psycopg
import pytest
import yaml

from scripts.operations import provision as provisioning
from scripts.operations.databases import DatabaseServer, create_database, drop_database
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import check_name, find_instance
from scripts.operations.provision import move_to_port, move_to_server, pinned_release, provision
from scripts.operations.releases import Release, publish

NAME = "river-inn"


@pytest.fixture
def release(home: Home, source: Path) -> Release:
    return publish(home, "v1.0.0", "First.", source)


@pytest.fixture(autouse=True)
def _clean(server: DatabaseServer):
    yield
    for name in ("mybizz_river_inn", "mybizz_hill_shop"):
        drop_database(server, name)


def make(home: Home, server: DatabaseServer, release: Release, name: str = NAME):
    return provision(home, server, name, release, title="River Inn & Café", port=4040)


def count(server: DatabaseServer, what: str, name: str = "mybizz_river_inn") -> int:
    column = {"pg_database": "datname", "pg_roles": "rolname"}[what]
    with server.connect() as connection:
        row = connection.execute(
            f"SELECT count(*) FROM {what} WHERE {column} = %s", (name,)
        ).fetchone()
    assert row
    return int(str(row[0]))


def test_makes_folder_database_and_role(home: Home, server: DatabaseServer, release: Release):
    instance = make(home, server, release)

    config = instance.read_config()
    app = yaml.safe_load((instance.path / config["app"] / "anvil.yaml").read_text())
    assert app["name"] == "River Inn & Café"
    assert app["db_schema"] and app["services"]
    assert {d["version"]["version_tag"] for d in app["dependencies"]} == {"v1.0.0"}
    assert config["origin"] == "http://river-inn.localhost:4040"
    assert (instance.path / "master_template" / "anvil.yaml").exists()
    assert pinned_release(home, instance).version == "v1.0.0"
    assert count(server, "pg_database") == count(server, "pg_roles") == 1
    assert "provision" in (instance.path / "history.jsonl").read_text()


def test_encryption_keys_are_what_both_servers_read(
    home: Home, server: DatabaseServer, release: Release
):
    keys = make(home, server, release).read_config()["encryption-key"]

    assert [len(base64.b64decode(key, validate=True)) for key in keys.values()] == [32]


def test_keeps_keys_to_its_owner(home: Home, server: DatabaseServer, release: Release):
    instance = make(home, server, release)

    assert stat.S_IMODE(instance.config_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(instance.path.stat().st_mode) == 0o700


def test_no_two_instances_share_a_key(home: Home, server: DatabaseServer, release: Release):
    first, second = make(home, server, release), make(home, server, release, "hill-shop")

    one, two = first.read_config(), second.read_config()
    keys = ("uplink-key", "client-uplink-key", "encryption-key", "secret", "database", "origin")
    for key in keys:
        assert one[key] != two[key]


def test_a_role_may_not_enter_another_tenants_database(
    home: Home, server: DatabaseServer, release: Release
):
    make(home, server, release)
    make(home, server, release, "hill-shop")

    with server.connect() as connection:
        row = connection.execute(
            "SELECT has_database_privilege('mybizz_hill_shop', 'mybizz_river_inn', 'CONNECT'),"
            " has_database_privilege('mybizz_hill_shop', 'mybizz_hill_shop', 'CONNECT')"
        ).fetchone()
    assert row == (False, True)


def test_undoes_everything_when_a_step_fails(
    home: Home, server: DatabaseServer, release: Release, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_args: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(provisioning, "make_app", fail)
    with pytest.raises(OSError, match="no space left"):
        make(home, server, release)

    assert list(home.instances.iterdir()) == []
    assert count(server, "pg_database") == count(server, "pg_roles") == 0


def test_picks_up_after_a_killed_run(home: Home, server: DatabaseServer, release: Release):
    # A run that died between the database and the folder left these.
    create_database(server, "mybizz_river_inn")
    (home.instances / f".provisioning-{NAME}").mkdir()

    assert make(home, server, release).exists()


def test_never_touches_a_database_that_is_somebodys(
    home: Home, server: DatabaseServer, release: Release
):
    with server.connect() as connection:
        connection.execute("CREATE DATABASE mybizz_river_inn")

    with pytest.raises(OperationError, match="exists already"):
        make(home, server, release)
    assert count(server, "pg_database") == 1


def test_refuses_a_name_that_is_taken(home: Home, server: DatabaseServer, release: Release):
    make(home, server, release)

    with pytest.raises(OperationError, match="exists already"):
        make(home, server, release)
    assert count(server, "pg_database") == 1


@pytest.mark.parametrize(
    "name",
    ["Yoga", "1yoga", "yoga studio", "yoga--studio", "-yoga", "y", "yoga.x", "../x", "x" * 41],
)
def test_refuses_what_cannot_be_a_name(name: str):
    with pytest.raises(OperationError, match="can't be an instance's name"):
        check_name(name)


def test_refuses_a_reserved_name():
    with pytest.raises(OperationError, match="reserved"):
        check_name("admin")


def test_follows_a_new_port(home: Home, server: DatabaseServer, release: Release):
    instance = make(home, server, release)
    move_to_port(instance, 5050)

    assert instance.read_config()["origin"] == "http://river-inn.localhost:5050"


def test_a_public_address_stays_when_the_port_moves(
    home: Home, server: DatabaseServer, release: Release
):
    instance = make(home, server, release)
    instance.write_config({**instance.read_config(), "origin": "https://river-inn.example"})
    move_to_port(instance, 5050)

    assert instance.read_config()["origin"] == "https://river-inn.example"


def test_follows_the_database_server(home: Home, server: DatabaseServer, release: Release):
    instance = make(home, server, release)
    before = instance.read_config()["database"]
    move_to_server(instance, DatabaseServer(server.admin_url, "127.0.0.1", 6543))

    after = instance.read_config()["database"]
    assert after.startswith("jdbc:postgresql://127.0.0.1:6543/mybizz_river_inn?")
    assert after.partition("?")[2] == before.partition("?")[2]
    assert find_instance(home, NAME).read_config()["database"] == after


def test_an_instance_role_logs_in_with_its_password(server: DatabaseServer):
    password = create_database(server, "mybizz_river_inn")

    address = psycopg.conninfo.make_conninfo(
        server.admin_url, user="mybizz_river_inn", password=password, dbname="mybizz_river_inn"
    )
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE notes (text text)")
        row = connection.execute(
            "SELECT count(*) FROM pg_extension WHERE extname IN ('pg_trgm', 'btree_gist')"
        ).fetchone()
    assert row == (2,)
