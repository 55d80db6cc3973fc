"""Tenants hear of a release, their owner asks for it, and the operator's side carries it out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app_server.tables.store import libpq_url
from scripts.operations.databases import DatabaseServer
from scripts.operations.destruction import destroy
from scripts.operations.home import Home
from scripts.operations.inside import calling
from scripts.operations.instances import InstanceFolder, find_instance
from scripts.operations.notices import Look, correct, describe_releases, look, notify, take_request
from scripts.operations.provision import pinned_release
from scripts.operations.releases import find_release, publish, remove_folder
from scripts.operations.serving import (
    embedded_command,
    find_free_port,
    running,
    wait_until_served,
)
from tests.scripts.calling import ask

pytestmark = pytest.mark.timeout(400)
GUIDE = "1. Print the new price list."


@pytest.fixture(scope="module")
def home(runtime: None, m3_assets: None) -> Iterator[Home]:
    """An installation with the real template in three releases."""
    with tempfile.TemporaryDirectory(prefix="mybizz-notices-") as name:
        home = Home.at(Path(name))
        home.make()
        publish(home, "v1.0.0", "First.", facts={"kind": "feature"})
        publish(home, "v1.1.0", "**Quicker** lists.", facts={"kind": "critical"})
        publish(home, "v2.0.0", "All new.", facts={"kind": "breaking"}, guide=GUIDE)
        yield home
        remove_folder(home.releases)


@pytest.fixture(scope="module")
def shop(home: Home, postgres_url: str) -> Iterator[InstanceFolder]:
    """A business on the first release, served as `scripts/run` does."""
    name, port = f"shop-{os.getpid()}", find_free_port()
    wanted = ("--owner", "zoe@shop.example", "--release", "v1.0.0", "--port", port)
    ask("instance", "create", name, *wanted, "--database", postgres_url, data_dir=home.data)
    instance = find_instance(home, name)
    with running(embedded_command(home, port)) as child:
        wait_until_served(instance, port, child)
        yield instance
    destroy(DatabaseServer(postgres_url, "", 0), instance)


def query(instance: InstanceFolder, statement: str) -> list[Any]:
    with psycopg.connect(libpq_url(str(instance.read_config()["database"]))) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def request(instance: InstanceFolder, version: str, **more: Any) -> None:
    with calling(instance) as call:
        answer = call("request_upgrade", release=version, when="now", **more)
    assert answer["success"], answer


def newest_request(instance: InstanceFolder) -> Any:
    [found] = query(
        instance,
        "SELECT version, state, message FROM app.upgrade_requests "
        "ORDER BY requested_at DESC LIMIT 1",
    )
    return found


def test_a_release_is_described_with_what_changes_since_the_one_before(home: Home) -> None:
    first, last = find_release(home, "v1.0.0"), find_release(home, "v2.0.0")
    told = {each["version"]: each for each in describe_releases(home, first, last)}
    assert list(told) == ["v1.0.0", "v1.1.0", "v2.0.0"]
    assert (told["v1.1.0"]["kind"], told["v1.1.0"]["notes"]) == ("critical", "**Quicker** lists.")
    assert told["v2.0.0"]["guide"] == GUIDE and told["v1.1.0"]["changes"] == []


def test_an_instance_is_told_and_told_again(
    home: Home, shop: InstanceFolder, postgres_url: str
) -> None:
    told = ask("fleet", "notify", "--database", postgres_url, data_dir=home.data)["instances"]
    assert told == [{"name": shop.name, "installed": "v1.0.0", "available": ["v2.0.0", "v1.1.0"]}]
    assert notify(home, shop, find_release(home, "v2.0.0")).to_json() == told[0]
    assert notify(home, shop, find_release(home, "v1.1.0")).available == ("v1.1.0",)


def test_what_an_owner_asks_for_is_carried_out(
    home: Home, shop: InstanceFolder, postgres_url: str
) -> None:
    serve = ("fleet", "serve-requests", "--once", "--database", postgres_url)
    notify(home, shop, find_release(home, "v2.0.0"))
    assert take_request(home, shop, 60) is None and not look(shop).is_due

    # A release that is not as it was published is refused, and the owner is told so.
    damaged = find_release(home, "v1.1.0").folder / "master_template" / "anvil.yaml"
    kept = damaged.read_text()
    damaged.chmod(0o644)
    damaged.write_text(kept + "\n")
    request(shop, "v1.1.0")
    assert look(shop).is_due
    [outcome] = ask(*serve, data_dir=home.data)["requests"]
    assert outcome["state"] == "failed" and "not what was published" in outcome["message"]
    assert newest_request(shop)[1] == "failed"
    assert pinned_release(home, shop).version == "v1.0.0"

    damaged.write_text(kept)
    request(shop, "v1.1.0")
    # As if whoever took it first had been killed, and its lease run out.
    taken = take_request(home, shop, 60)
    assert taken and taken.version == "v1.1.0" and take_request(home, shop, 60) is None
    assert not look(shop).is_due
    query(shop, "UPDATE app.upgrade_requests SET lease_until = now() WHERE lease_until > now()")
    [outcome] = ask(*serve, data_dir=home.data)["requests"]
    assert outcome["state"] == "done", outcome
    assert pinned_release(home, shop).version == "v1.1.0"
    assert newest_request(shop) == ("v1.1.0", "done", "")
    steps = query(
        shop,
        "SELECT changes->'step'->>1 FROM app.audit_log "
        "WHERE resource_type = 'upgrade_request' AND action = 'report' ORDER BY logged_at",
    )
    assert ("The new version is tried on a copy of your data.",) in steps
    rows = query(shop, "SELECT version, is_installed FROM app.platform_releases ORDER BY number")
    assert rows == [("v1.1.0", True), ("v2.0.0", False)]

    # Where it was brought elsewhere without a word, as by a rollback, it is told anew.
    assert look(shop) == Look(False, "v1.1.0", "v2.0.0") and not correct(home, shop, look(shop))
    query(shop, "UPDATE app.platform_releases SET version = 'v1.0.0' WHERE is_installed")
    assert correct(home, shop, look(shop))
    assert look(shop) == Look(False, "v1.1.0", "v2.0.0")
