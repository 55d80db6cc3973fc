"""Back to the former release: with what was entered since, or with the data of then."""

from __future__ import annotations

import pytest

from scripts.operations.backups import find_backup, list_backups
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.upgrading import plan_rollback, rollback_instance, upgrade_instance
from tests.scripts.calling import ask, call
from tests.scripts.upgradable import CONTACTS, Template, fingerprints, run_sql, version_of

pytestmark = pytest.mark.timeout(300)


def quiet(_text: str) -> None:
    pass


def test_a_renamed_column_keeps_its_values_there_and_back(
    home: Home,
    server: DatabaseServer,
    template: Template,
    shop: InstanceFolder,
    without_trial: None,
):
    renames = (
        """renames: [{id: '1', tables: {contacts: people}, columns: {people: {name: title}}}]"""
    )
    people = {"people": CONTACTS.replace("name", "title", 1)}
    target = template.publish("v1.1.0", people, renames=renames)
    for _ in range(2):
        upgrade_instance(home, server, shop, target, say=quiet)
        titles = run_sql(server, shop, "SELECT title FROM app.people ORDER BY _id")
        assert plan_rollback(home, server, shop, keep_data=True).lost == ()
        rollback_instance(home, server, shop, keep_data=True, say=quiet)
        names = run_sql(server, shop, "SELECT name FROM app.contacts ORDER BY _id")
        assert names == titles == [("Contact 1",), ("Contact 2",), ("Contact 3",)]


def test_goes_back_with_the_data_or_to_those_of_before(
    home: Home,
    server: DatabaseServer,
    template: Template,
    shop: InstanceFolder,
    without_trial: None,
):
    before = fingerprints(server, shop)
    target = template.publish("v1.1.0", {"contacts": f"{CONTACTS}, points number"})
    upgrade_instance(home, server, shop, target, say=quiet)
    run_sql(server, shop, "UPDATE app.contacts SET points = 7, name = 'New' WHERE _id = 1")
    words = ("instance", "rollback", shop.name, "--database", server.admin_url)

    plan = ask(*words, "--keep-data", "--dry-run", data_dir=home.data)
    assert (plan["from"], plan["to"], plan["keeps_data"]) == ("v1.1.0", "v1.0.0", True)
    [lost] = plan["lost"]
    assert "'points'" in lost and "1 value" in lost
    assert "Give --yes" in call(*words, "--keep-data", data_dir=home.data, expected=1).stderr
    assert "Choose --keep-data" in call(*words, data_dir=home.data, expected=2).stderr

    rollback_instance(home, server, shop, keep_data=True, say=quiet)
    assert version_of(home, shop) == "v1.0.0"
    assert run_sql(server, shop, "SELECT name FROM app.contacts WHERE _id = 1") == [("New",)]
    upgrade_instance(home, server, shop, target, say=quiet)
    kept = run_sql(server, shop, "SELECT points FROM app.contacts WHERE _id = 1")
    assert kept == [(7,)], "what was set aside did not come back"

    run_sql(server, shop, "UPDATE app.contacts SET name = 'Newer' WHERE _id = 1")
    run_sql(server, shop, "DELETE FROM app.contacts WHERE _id = 2")
    plan = ask(*words, "--restore-data", "--dry-run", data_dir=home.data)
    assert "contacts: 2 rows now, 3 then" in plan["lost"]
    done = rollback_instance(home, server, shop, keep_data=False, say=quiet)
    assert run_sql(server, shop, "SELECT name FROM app.contacts ORDER BY _id")[:2] == [
        ("New",),
        ("Contact 2",),
    ]
    assert {"app.users", "app.contacts"} <= {t for t in before if t.startswith("app.")}
    assert list_backups(shop.backups)[-1].id == done.backup
    assert list_backups(shop.backups)[-1].kind == "before-rollback"
    # Whoever asks for the newest does not mean what was just given up.
    assert find_backup(shop.backups, None).kind == "before-upgrade"
    with pytest.raises(OperationError, match="no former release to go back"):
        rollback_instance(home, server, shop, keep_data=True, say=quiet)
