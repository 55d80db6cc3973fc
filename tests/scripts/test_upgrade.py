"""Upgrades of one instance: what they show, do, refuse and take back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.upgrading import upgrade_instance
from tests.scripts.upgradable import (
    Template,
    databases_of,
    drop_all,
    files_of,
    fingerprints,
    make_business,
    run_sql,
    version_of,
)

pytestmark = pytest.mark.timeout(300)


def quiet(_text: str) -> None:
    pass


@pytest.fixture
def template(home: Home, source: Path) -> Template:
    return Template(home, source)


@pytest.fixture
def shop(home: Home, server: DatabaseServer, template: Template) -> Iterator[InstanceFolder]:
    made = make_business(home, server, template.publish("v1.0.0"), "corner-shop")
    yield made
    drop_all(server, made)


def test_upgrades_code_tables_and_data(
    home: Home, server: DatabaseServer, template: Template, shop: InstanceFolder
):
    target = template.publish(
        "v1.1.0", {"contacts": "name string, email string, age number", "orders": "number number"}
    )
    done = upgrade_instance(home, server, shop, target, say=quiet)
    assert (done.former, done.version, version_of(home, shop)) == ("v1.0.0", "v1.1.0", "v1.1.0")
    assert done.calls[-2:] == ("log_in", "count_contacts")
    assert run_sql(server, shop, "SELECT name, age FROM app.contacts ORDER BY _id")[:2] == [
        ("Contact 1", 1),
        ("Contact 2", 2),
    ]
    # The trial's log-in left nothing, and nothing else is left either.
    assert run_sql(server, shop, "SELECT count(*) FROM app.visits") == [(0,)]
    assert databases_of(server, shop) == {shop.database_name}
    assert not (shop.path / "paused.json").exists()


def test_a_release_that_cannot_run_is_taken_back(
    home: Home, server: DatabaseServer, template: Template, shop: InstanceFolder
):
    before, files = fingerprints(server, shop), files_of(shop)
    target = template.publish("v1.1.0", code="import nothing_of_the_kind\n")
    with pytest.raises(OperationError, match="nothing_of_the_kind"):
        upgrade_instance(home, server, shop, target, say=quiet)
    assert fingerprints(server, shop) == before and files_of(shop) == files
    assert databases_of(server, shop) == {shop.database_name}
