"""Upgrades of one instance: what they show, do, refuse and take back; and ways back."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from scripts.operations.backups import list_backups
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError
from scripts.operations.inspection import summarise
from scripts.operations.instances import InstanceFolder
from scripts.operations.pausing import stop_instance
from scripts.operations.upgrading import (
    attending,
    changing,
    plan_upgrade,
    recover,
    recover_all,
    upgrade_instance,
)
from scripts.operations.upgrading.places import Places
from tests.scripts.calling import ask, call
from tests.scripts.upgradable import (
    SERVER_CODE,
    Template,
    databases_of,
    files_of,
    fingerprints,
    own_url,
    run_sql,
    version_of,
)

pytestmark = pytest.mark.timeout(300)
AGES = "SELECT age FROM app.contacts ORDER BY _id"


def quiet(_text: str) -> None:
    pass


@pytest.fixture
def whole(home: Home, server: DatabaseServer, shop: InstanceFolder) -> Iterator[None]:
    """Whatever is done in the test, the instance is as it was before it."""
    before = (version_of(home, shop), fingerprints(server, shop), files_of(shop))
    yield
    assert (version_of(home, shop), fingerprints(server, shop), files_of(shop)) == before
    assert databases_of(server, shop) == {shop.database_name}
    assert not (home.data / "upgrading" / shop.name).exists()


def test_upgrades_code_tables_and_data(
    home: Home, server: DatabaseServer, template: Template, shop: InstanceFolder
):
    target = template.publish(
        "v1.1.0", {"contacts": "name string, email string, age number", "orders": "number number"}
    )
    done = upgrade_instance(home, server, shop, target, say=quiet)
    assert (done.former, done.version, version_of(home, shop)) == ("v1.0.0", "v1.1.0", "v1.1.0")
    assert done.calls[-2:] == ("log_in", "count_contacts")
    assert run_sql(server, shop, AGES) == [(1,), (2,), (3,)]
    # The trial's log-in left nothing, and nothing else is left either.
    assert run_sql(server, shop, "SELECT count(*) FROM app.visits") == [(0,)]
    assert databases_of(server, shop) == {shop.database_name}
    assert not (shop.path / "paused.json").exists()
    assert [each.kind for each in list_backups(shop.backups)] == ["before-upgrade"]
    with pytest.raises(OperationError, match=r"has v1\.1\.0 already"):
        upgrade_instance(home, server, shop, target, say=quiet)


BROKEN = {
    "a module that is not there": ("import nothing_of_the_kind\n", "nothing_of_the_kind"),
    "a log-in that fails": (
        SERVER_CODE.replace("user = anvil.users", "1 / 0\n    user = anvil.users"),
        "log_in fails",
    ),
    "a call that is refused": (
        SERVER_CODE.replace("is None:", "is not None:"),
        "count_contacts is refused: Log in first",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_release_that_does_not_work_changes_nothing(
    home: Home,
    server: DatabaseServer,
    template: Template,
    shop: InstanceFolder,
    whole: None,
    fault: str,
):
    code, told = BROKEN[fault]
    target = template.publish("v1.1.0", {"contacts": "name string"}, code=code)
    with pytest.raises(OperationError, match=told):
        upgrade_instance(home, server, shop, target, say=quiet)


def test_a_failed_version_is_not_tried_again_without_a_word(
    home: Home,
    server: DatabaseServer,
    template: Template,
    shop: InstanceFolder,
    whole: None,
    without_trial: None,
    monkeypatch: pytest.MonkeyPatch,
):
    target = template.publish("v1.1.0", {"contacts": "name string"})

    def fail(*_given: Any) -> None:
        raise OperationError("The disk is full.")

    monkeypatch.setattr(changing, "migrate_tables", fail)
    with pytest.raises(OperationError, match="The disk is full"):
        upgrade_instance(home, server, shop, target, say=quiet)
    with pytest.raises(OperationError, match=r"failed on .* The disk is full(.|\n)*--again"):
        upgrade_instance(home, server, shop, target, say=quiet)
    with pytest.raises(OperationError, match=r"^The disk is full"):
        upgrade_instance(home, server, shop, target, again=True, say=quiet)


def test_refuses_what_rows_do_not_allow_and_loss_unless_told(
    home: Home,
    server: DatabaseServer,
    template: Template,
    shop: InstanceFolder,
    without_trial: None,
):
    run_sql(server, shop, "UPDATE app.contacts SET note = 'same', age = 'old' WHERE _id < 3")
    rule = "contacts: {unique: [{columns: [note]}]}"
    strict = template.publish("v1.1.0", constraints=rule)
    with pytest.raises(OperationError, match="cannot be changed as this app wants"):
        upgrade_instance(home, server, shop, strict, say=quiet)

    lossy = template.publish("v1.2.0", {"contacts": "name string, age number"})
    plan = plan_upgrade(home, server, shop, lossy)
    assert [version for version, _ in plan.notes] == ["v1.2.0", "v1.1.0"]
    assert "'old' (row 1)" in plan.refusal(allow_data_loss=False)
    with pytest.raises(OperationError, match="values would be lost"):
        upgrade_instance(home, server, shop, lossy, say=quiet)
    assert version_of(home, shop) == "v1.0.0"
    upgrade_instance(home, server, shop, lossy, allow_data_loss=True, say=quiet)
    assert run_sql(server, shop, AGES) == [(None,), (None,), (3,)]


class Writer:
    """Writes as fast as it can, and knows what was promised to be there."""

    def __init__(self, url: str):
        self.url = url
        self.written = 0
        self.refused = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _write(self) -> None:
        while not self._is_over.is_set():
            try:
                with psycopg.connect(self.url, autocommit=True) as connection:
                    while not self._is_over.is_set():
                        connection.execute("INSERT INTO app.contacts (name) VALUES ('written')")
                        self.written += 1
            except psycopg.Error:
                self.refused += 1


@pytest.mark.parametrize("is_failing", [False, True], ids=["it succeeds", "it is taken back"])
def test_nothing_that_was_written_meanwhile_is_lost(
    home: Home,
    server: DatabaseServer,
    template: Template,
    shop: InstanceFolder,
    without_trial: None,
    monkeypatch: pytest.MonkeyPatch,
    is_failing: bool,
):
    target = template.publish("v1.1.0", {"contacts": "name string, age number"})
    if is_failing:
        monkeypatch.setattr(Places, "exchange", _refuse)
    with Writer(own_url(server, shop)) as writer:
        try:
            done = upgrade_instance(home, server, shop, target, say=quiet)
        except OperationError:
            assert is_failing
    assert writer.written and writer.refused
    count = "SELECT count(*) FROM app.contacts WHERE name = 'written'"
    [(rows,)] = run_sql(server, shop, count)
    # One may have been done when its answer was cut off.
    assert writer.written <= rows <= writer.written + writer.refused
    if not is_failing:
        # The data of the very moment are kept, not only those of the backup from before.
        assert [each.kind for each in list_backups(shop.backups)] == ["before-upgrade"] * 2
        assert list_backups(shop.backups)[-1].id == done.backup
        assert list_backups(shop.backups)[-1].manifest["release"] == "v1.0.0"


def _refuse(*_given: object) -> None:
    raise OperationError("No.")


def test_what_fails_after_it_works_is_done_later(
    home: Home,
    server: DatabaseServer,
    template: Template,
    shop: InstanceFolder,
    without_trial: None,
    monkeypatch: pytest.MonkeyPatch,
):
    target = template.publish("v1.1.0", {"contacts": "name string"})
    with monkeypatch.context() as patch:
        patch.setattr(Places, "drop_former", _refuse)
        with pytest.raises(OperationError, match=r"has v1\.1\.0 and works(.|\n)*--resume"):
            upgrade_instance(home, server, shop, target, say=quiet)
    assert recover(home, server, shop, quiet) == "completed"
    assert databases_of(server, shop) == {shop.database_name}
    assert [each["action"] for each in shop.read_history()].count("upgrade") == 1


def test_visitors_wait_no_longer_than_allowed(
    home: Home,
    server: DatabaseServer,
    template: Template,
    shop: InstanceFolder,
    whole: None,
    without_trial: None,
):
    target = template.publish("v1.1.0", {"contacts": "name string"})
    with pytest.raises(OperationError, match="for which visitors may wait"):
        upgrade_instance(home, server, shop, target, max_wait_seconds=0.001, say=quiet)


def test_the_command_shows_what_it_will_do_and_does_it(
    home: Home, server: DatabaseServer, template: Template, shop: InstanceFolder
):
    target = template.publish("v1.1.0", {"contacts": "name string, age number"})
    words = ("instance", "upgrade", shop.name, "--database", server.admin_url)
    shown = call(*words, "--dry-run", data_dir=home.data).stdout
    assert "What is new in v1.1.0." in shown
    assert "[converts] Convert column 'age' of table 'contacts' from string to number" in shown
    assert "[set aside] Set column 'note'" in shown
    assert version_of(home, shop) == "v1.0.0"

    assert "Give --yes" in call(*words, data_dir=home.data, expected=1).stderr
    done = ask(*words, "--to", target.version, "--yes", data_dir=home.data)
    assert (done["ok"], done["from"], done["release"]) == (True, "v1.0.0", "v1.1.0")
    assert done["calls"][-1] == "count_contacts"
    assert ask(*words, "--resume", data_dir=home.data)["settled"] is None
    assert ask(*words, "--yes", data_dir=home.data)["release"] == "v1.1.0"
    history = ask("instance", "show", *words[2:], data_dir=home.data)["history"]
    assert (history[-1]["action"], history[-1]["to"]) == ("upgrade", "v1.1.0")


def test_stop_and_start_say_what_is(home: Home, shop: InstanceFolder):
    words = ("instance", "stop", shop.name, "--reason", "unpaid since May", "--yes")
    assert ask(*words, data_dir=home.data)["was_running"] is True
    assert ask(*words, data_dir=home.data)["was_running"] is False
    told = summarise(home, shop)
    assert (told.state, told.stopped_reason) == ("stopped", "unpaid since May")
    assert ask("instance", "start", shop.name, data_dir=home.data)["was_stopped"] is True
    assert ask("instance", "start", shop.name, data_dir=home.data)["was_stopped"] is False
    assert summarise(home, shop).state == "ready"


def test_a_stopped_instance_is_upgraded_and_stays_stopped(
    home: Home,
    server: DatabaseServer,
    template: Template,
    shop: InstanceFolder,
    without_trial: None,
):
    (shop.path / "paused.json").write_text('{"mode": "stopped", "reason": "unpaid"}')
    target = template.publish("v1.1.0", {"contacts": "name string"})
    upgrade_instance(home, server, shop, target, say=quiet)
    assert summarise(home, shop).state == "stopped"


def settled_by_a_server(
    home: Home,
    server: DatabaseServer,
    shop: InstanceFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> list[str]:
    """What is said while a server runs that ends when there is nothing left to be settled."""
    monkeypatch.setattr(attending, "LOOK_SECONDS", 0.01)
    said: list[str] = []
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        assert child.stdin

        def say(text: str) -> None:
            said.append(text.rpartition(": ")[2])
            child.stdin.close()

        assert attending.attend(child, home, server, say) == 0
    return said


def interrupt_after(monkeypatch: pytest.MonkeyPatch, name: str) -> Callable[[], None]:
    """Have a step of the change end like a kill: nothing is taken back. Gives what undoes it."""
    real = getattr(changing.Changing, name)

    def die(self: Any, *given: Any) -> None:
        real(self, *given)
        raise SystemExit("killed")

    monkeypatch.setattr(changing.Changing, name, die)
    monkeypatch.setattr(changing.Changing, "take_back", lambda *_given: None)
    return monkeypatch.undo


def test_an_interrupted_upgrade_is_told_of_and_settled(
    home: Home,
    server: DatabaseServer,
    template: Template,
    shop: InstanceFolder,
    monkeypatch: pytest.MonkeyPatch,
):
    """With what would settle it switched off, it is in neither state: the checks see that."""
    target = template.publish("v1.1.0", {"contacts": "name string"})
    monkeypatch.setattr(changing, "rehearse", lambda *_given, **_more: [])
    undo = interrupt_after(monkeypatch, "_hold")
    with pytest.raises(SystemExit):
        upgrade_instance(home, server, shop, target, say=quiet)
    assert (shop.path / "paused.json").exists()
    undo()
    # This process lives, and another one is to find what was left.
    journal = shop.path / "upgrade.json"
    journal.write_text(journal.read_text().replace('"pid": ', '"pid": 9999999'))
    assert summarise(home, shop).state == "interrupted"
    with pytest.raises(OperationError, match="--resume"):
        stop_instance(shop, "unpaid")

    assert settled_by_a_server(home, server, shop, monkeypatch) == ["taken back"]
    assert summarise(home, shop).state == "ready"
    assert version_of(home, shop) == "v1.0.0" and not (shop.path / "paused.json").exists()
    assert recover_all(home, server, quiet) == {}
    kept = journal.read_text()
    journal.write_text("{")
    assert summarise(home, shop).state == "interrupted"
    assert "cannot be read" in recover_all(home, server, quiet)[shop.name]
    journal.write_text(kept)
    # A kill is no fault of the version.
    monkeypatch.setattr(changing, "rehearse", lambda *_given, **_more: [])
    upgrade_instance(home, server, shop, target, say=quiet)
    assert version_of(home, shop) == "v1.1.0"
