"""A release for the whole fleet: rehearsed, a canary first, batch by batch, killed and gone on."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from scripts.operations.backups import list_backups, make_backup
from scripts.operations.databases import DatabaseServer
from scripts.operations.fleet import upgrade as fleet_upgrade
from scripts.operations.fleet.records import Wish
from scripts.operations.fleet.upgrade import FleetUpgrade
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder, find_instance
from scripts.operations.provision import link_release
from scripts.operations.reaching import BusyError
from scripts.operations.releases import Release
from scripts.operations.upgrading import Changed
from tests.scripts.calling import ask, command_of
from tests.scripts.dying import STEPS_FILE
from tests.scripts.running import ROOT
from tests.scripts.upgradable import (
    Template,
    databases_of,
    drop_all,
    fingerprints,
    make_business,
    own_url,
    run_sql,
    version_of,
)

pytestmark = pytest.mark.timeout(300)
NUMBERS = {"contacts": "name string, email string, age number, note string"}


@pytest.fixture
def template(home: Home, source: Path) -> Template:
    return Template(home, source)


# In which order, and when it ends: with upgrades that only note that they were asked for.


class Upgrades:
    """What was begun, in that order; those in ``failing`` fail."""

    def __init__(self, failing: Sequence[str] = ()):
        self.begun: list[str] = []
        self.failing = set(failing)

    def __call__(
        self, home: Home, _server: object, instance: InstanceFolder, target: Release, **_: Any
    ) -> Changed:
        self.begun.append(instance.name)
        if instance.name in self.failing:
            raise OperationError("It does not start.\nIts last words.")
        for app in ("master_template", "m3"):
            (instance.path / app).unlink()
        link_release(instance, target)
        return Changed("upgrade", "v1.0.0", target.version, "B1", 0.5, ())


@pytest.fixture
def upgrades(monkeypatch: pytest.MonkeyPatch) -> Upgrades:
    noted = Upgrades()
    monkeypatch.setattr(fleet_upgrade, "upgrade_instance", noted)
    return noted


@pytest.fixture
def start(
    home: Home, server: DatabaseServer, template: Template
) -> Callable[..., tuple[FleetUpgrade, list[str]]]:
    """Begin with seven folders, `shop-a` to `shop-g`, on v1.0.0."""
    first, target = template.publish("v1.0.0"), template.publish("v1.1.0")
    for letter in "abcdefg":
        made = find_instance(home, f"shop-{letter}")
        made.path.mkdir(parents=True)
        made.write_config({"app": "client", "port": 1, "origin": "http://a.localhost"})
        link_release(made, first)

    def begin(**wishes: Any) -> tuple[FleetUpgrade, list[str]]:
        said: list[str] = []
        wish = Wish(target, **{"batch": 2, "canary": "shop-c", **wishes})
        folders = [find_instance(home, f"shop-{letter}") for letter in "abcdefg"]
        run = FleetUpgrade(home, server, folders, wish, said.append, is_embedded=False)
        run.run()
        return run, said

    return begin


Start = Callable[..., tuple[FleetUpgrade, list[str]]]


def states(run: FleetUpgrade) -> dict[str, str]:
    return {each.name.removeprefix("shop-"): each.state.value for each in run.records}


def test_the_canary_goes_first_and_the_others_in_batches(start: Start, upgrades: Upgrades):
    run, said = start()
    assert "".join(name[-1] for name in upgrades.begun) == "cabdefg"
    assert set(states(run).values()) == {"done"}
    assert [line for line in said if line.startswith(("The canary", "Batch"))] == [
        "The canary is shop-c.",
        "Batch 1 of 3: shop-a, shop-b",
        "Batch 2 of 3: shop-d, shop-e",
        "Batch 3 of 3: shop-f, shop-g",
    ]


def test_nothing_is_begun_after_a_canary_that_fails(start: Start, upgrades: Upgrades):
    upgrades.failing = {"shop-c"}
    run, _ = start()
    assert upgrades.begun == ["shop-c"]
    assert run.stopped == "The canary shop-c was not upgraded."
    assert states(run) == {"c": "failed", **dict.fromkeys("abdefg", "waiting")}


def test_a_failure_ends_it_where_that_is_asked_for(start: Start, upgrades: Upgrades):
    upgrades.failing = {"shop-d"}
    run, _ = start(stops=True)
    assert "".join(name[-1] for name in upgrades.begun) == "cabd"
    assert run.stopped == "shop-d was not upgraded."
    assert states(run) == {**dict.fromkeys("cab", "done"), "d": "failed"} | dict.fromkeys(
        "efg", "waiting"
    )


def test_a_failure_is_passed_over_else_and_a_batch_of_them_is_not(start: Start, upgrades: Upgrades):
    upgrades.failing = {"shop-a", "shop-d", "shop-e"}
    run, _ = start()
    assert "".join(name[-1] for name in upgrades.begun) == "cabde"
    assert run.stopped == "All of batch 2 failed."
    assert run.failed[0].error == "It does not start.\nIts last words."


def test_goes_on_where_it_was_and_leaves_alone_what_is_done(start: Start, upgrades: Upgrades):
    upgrades.failing = {"shop-d"}
    start(stops=True)
    upgrades.begun.clear()
    upgrades.failing = set()
    run, said = start(stops=True)
    assert "".join(name[-1] for name in upgrades.begun) == "defg", "without a second canary"
    assert set(states(run).values()) == {"done"}
    assert run.records[0].stopped_seconds == 0.5, "what is known of those from before stays"
    assert not any("canary" in line for line in said)


def test_some_are_upgraded_side_by_side(start: Start, monkeypatch: pytest.MonkeyPatch):
    """The two of a batch wait for each other: one after the other, they would never end."""
    noted, meeting = Upgrades(), Barrier(2)

    def upgrade(home: Home, server: object, instance: InstanceFolder, target: Release, **_: Any):
        if instance.name != "shop-c":
            meeting.wait(30)
        return noted(home, server, instance, target)

    monkeypatch.setattr(fleet_upgrade, "upgrade_instance", upgrade)
    run, _ = start(at_once=2)
    assert set(states(run).values()) == {"done"}


def test_one_that_is_not_ready_any_more_ends_it(
    start: Start, upgrades: Upgrades, monkeypatch: pytest.MonkeyPatch
):
    """shop-b is served when its batch begins, and is not when that is done."""
    asked: list[str] = []

    def probe(instance: InstanceFolder, _path: str) -> tuple[int, dict[str, Any]]:
        asked.append(instance.name)
        is_ready = instance.name != "shop-b" or asked.count("shop-b") == 1
        return (200, {}) if is_ready else (503, {"reasons": ["The database cannot be reached."]})

    monkeypatch.setattr(fleet_upgrade, "probe", probe)
    run, _ = start()
    assert run.stopped == "shop-b is not ready any more: The database cannot be reached."
    assert "".join(name[-1] for name in upgrades.begun) == "cab"


def test_a_backup_that_is_being_made_is_waited_for(
    start: Start, upgrades: Upgrades, monkeypatch: pytest.MonkeyPatch
):
    left = {"shop-c": 3}
    waited: list[float] = []

    @contextmanager
    def alone_with(_home: Home, name: str) -> Iterator[None]:
        if left.get(name):
            left[name] -= 1
            raise BusyError(f"Another command works on {name}.")
        yield

    monkeypatch.setattr(fleet_upgrade, "alone_with", alone_with)
    monkeypatch.setattr(fleet_upgrade.time, "sleep", waited.append)
    run, _ = start()
    assert set(states(run).values()) == {"done"} and len(waited) == 3


def test_a_canary_that_is_none_of_them_is_refused(start: Start, upgrades: Upgrades):
    with pytest.raises(OperationError, match="'shop-x' is not among those to be upgraded"):
        start(canary="shop-x")
    assert upgrades.begun == []


# With real upgrades.


@pytest.fixture
def shops(home: Home, server: DatabaseServer, template: Template) -> Iterator[list[InstanceFolder]]:
    """Two, of which the second has less data."""
    first = template.publish("v1.0.0")
    made = [
        make_business(home, server, first, name, rows=rows)
        for name, rows in (("bakery", 2500), ("kiosk", 3))
    ]
    yield made
    for each in made:
        drop_all(server, each)


def test_rehearses_all_before_the_smallest_goes_first(
    home: Home, server: DatabaseServer, template: Template, shops: list[InstanceFolder]
):
    """The bakery holds an age that is no number: its rehearsal says so, and it is not touched."""
    bakery, kiosk = shops
    run_sql(server, bakery, "UPDATE app.contacts SET age = 'old' WHERE _id = 1")
    make_backup(home, bakery, own_url(server, bakery))
    untouched = fingerprints(server, bakery)
    template.publish("v1.1.0", NUMBERS)
    words = ("fleet", "upgrade", "--to", "v1.1.0", "--database", server.admin_url)
    planned = ask(*words, "--dry-run", data_dir=home.data)
    assert [(each["name"], each["is_canary"]) for each in planned["instances"]] == [
        ("kiosk", True),
        ("bakery", False),
    ]
    done = ask(*words, "--rehearse", "--yes", data_dir=home.data, expected=1)
    told = {each["name"]: each for each in done["instances"]}
    assert {name: each["state"] for name, each in told.items()} == {
        "kiosk": "done",
        "bakery": "failed",
    }
    assert told["bakery"]["error"].startswith("Rehearsal: ")
    assert "age" in told["bakery"]["error"]
    assert fingerprints(server, bakery) == untouched
    assert databases_of(server, bakery) == {bakery.database_name}
    assert [version_of(home, each) for each in shops] == ["v1.0.0", "v1.1.0"]
    assert told["kiosk"]["rehearsed"] in {each.id for each in list_backups(kiosk.backups)}
    assert {each.kind for each in list_backups(kiosk.backups)} == {"asked", "before-upgrade"}


def test_killed_anywhere_it_goes_on_to_the_end(
    home: Home,
    server: DatabaseServer,
    template: Template,
    shops: list[InstanceFolder],
    tmp_path: Path,
):
    """At a few steps of one and the same run; each time the next run goes on from there."""
    counts = [
        run_sql(server, each, "SELECT count(*), max(email) FROM app.contacts") for each in shops
    ]
    template.publish("v1.1.0", NUMBERS)
    words = ("fleet", "upgrade", "--to", "v1.1.0", "--yes", "--database", server.admin_url)
    deaths = 0
    for last in (60, 110):
        command = command_of(*words, data_dir=home.data)
        at = command.index("scripts.commands.mybizz")
        dying = [*command[:at], "tests.scripts.dying", str(last), *command[at + 1 :]]
        env = {**os.environ, STEPS_FILE: str(tmp_path / "steps")}
        done = subprocess.run(dying, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
        deaths += done.returncode == -signal.SIGKILL
        assert done.returncode in (0, -signal.SIGKILL), done.stdout + done.stderr
    assert deaths, "it has to be killed for this to show anything"
    finished = ask(*words, data_dir=home.data)
    assert finished["counts"]["done"] == 2 and not finished["stopped"]
    assert [version_of(home, each) for each in shops] == ["v1.1.0"] * 2
    after = [
        run_sql(server, each, "SELECT count(*), max(email) FROM app.contacts") for each in shops
    ]
    assert after == counts
    for each in shops:
        assert databases_of(server, each) == {each.database_name}
        assert run_sql(server, each, "SELECT DISTINCT pg_typeof(age)::text FROM app.contacts") != [
            ("text",)
        ]
