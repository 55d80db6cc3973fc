"""Upgrades killed at any step: each ends on the old version or the new one, with all its data."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scripts.operations.databases import DatabaseServer
from scripts.operations.fingerprints import Fingerprint
from scripts.operations.home import Home, OperationError
from scripts.operations.instances import InstanceFolder
from scripts.operations.releases import Release, find_release
from scripts.operations.upgrading import (
    changing,
    read_journal,
    recover,
    rehearsing,
    upgrade_instance,
)
from scripts.operations.upgrading.journal import Journal, Phase
from scripts.operations.upgrading.places import Places
from tests.scripts.dying import Steps, count_statements
from tests.scripts.upgradable import (
    CONTACTS,
    Template,
    databases_of,
    drop_all,
    files_of,
    fingerprints,
    make_business,
    run_sql,
    version_of,
)

pytestmark = pytest.mark.timeout(600)
BUSINESSES = 4
POINTS = 12
# Steps differ by a few from run to run: how often a connection is looked for.
SPARE = 12
# MYBIZZ_KILL_POINTS=all tries each step there is, which takes some minutes.
SEED = 20261121
REHEARSE = changing.rehearse
REFUSED = "Rows break a rule."
State = tuple[object, dict[str, Fingerprint], dict[str, str], set[str]]


def quiet(_text: str) -> None:
    pass


def refuse(*_given: object) -> None:
    raise OperationError(REFUSED)


class Fleet:
    """Some businesses, and versions to which they can be upgraded, one after the other. Each other
    one keeps the contacts' age as a number."""

    def __init__(self, home: Home, server: DatabaseServer, template: Template):
        self.home = home
        self.server = server
        self.template = template
        first = template.publish("v1.0.0")
        self.shops = [
            make_business(home, server, first, f"shop-{number}", rows=5 + number)
            for number in range(BUSINESSES)
        ]

    def state_of(self, shop: InstanceFolder) -> State:
        """All that an upgrade must leave alone where it does not succeed, and in others."""
        return (
            version_of(self.home, shop),
            fingerprints(self.server, shop),
            files_of(shop),
            databases_of(self.server, shop),
        )

    def content_of(self, shop: InstanceFolder) -> list[Any]:
        """What every version has to show of the data."""
        read = "SELECT _id, name, email, age::numeric FROM app.contacts ORDER BY _id"
        return run_sql(self.server, shop, read)

    def newer(self, shop: InstanceFolder) -> Release:
        """The version after the one it has."""
        minor = int(version_of(self.home, shop).split(".")[1]) + 1
        version = f"v1.{minor}.0"
        if (self.home.releases / version).exists():
            return find_release(self.home, version)
        contacts = "name string, email string, age number" if minor % 2 else CONTACTS
        return self.template.publish(version, {"contacts": contacts})

    def upgrade(self, shop: InstanceFolder, target: Release, *, is_failing: bool = False) -> None:
        """``is_failing``: the database refuses the change of the tables."""
        real = changing.migrate_tables
        changing.migrate_tables = refuse if is_failing else real
        try:
            upgrade_instance(self.home, self.server, shop, target, again=True, say=quiet)
        except OperationError as error:
            assert is_failing and str(error) == REFUSED, error
        finally:
            changing.migrate_tables = real

    def settle(self, shop: InstanceFolder) -> str | None:
        return recover(self.home, self.server, shop, quiet)

    def check_settled(self, shop: InstanceFolder, old: State, content: list[Any]) -> str:
        """It is exactly as it was, or whole on the next version; which of the two."""
        journal = read_journal(shop)
        assert journal is None or not journal.is_open
        state = self.state_of(shop)
        if state[0] == old[0]:
            assert state == old
            return "old"
        assert self.content_of(shop) == content
        app = (shop.path / shop.package_name / "anvil.yaml").read_text()
        assert f"version_tag: {state[0]}" in app
        assert state[3] == {shop.database_name} and set(state[2]) == set(old[2])
        kind = "number" if int(str(state[0]).split(".")[1]) % 2 else "string"
        assert f"name: age\n      type: {kind}" in app
        read = "SELECT data_type FROM information_schema.columns WHERE table_name = 'contacts'"
        found = run_sql(self.server, shop, f"{read} AND column_name = 'age'")
        assert found == [("numeric" if kind == "number" else "text",)]
        return "new"


@pytest.fixture
def fleet(
    home: Home, server: DatabaseServer, source: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fleet]:
    # What a trial does is tested elsewhere; it takes seconds, and its leavings have a test below.
    monkeypatch.setattr(changing, "rehearse", lambda *_given, **_more: ["log_in"])
    made = Fleet(home, server, Template(home, source))
    yield made
    for shop in made.shops:
        drop_all(server, shop)


def in_child(home: Home, last: int, work: Callable[[], None]) -> int:
    """Do the work in a process that is killed at this step (0: never); how many steps it took, or
    the signal that ended it, negative."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 and later: pytest's workers have a thread, which holds nothing that is used.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        steps = Steps(last, str(home.data.resolve()))
        try:
            count_statements(steps)
            sys.addaudithook(steps.hear)
            work()
            os.write(write, str(steps.count).encode())
            os._exit(0)
        except BaseException:  # noqa: BLE001  the end of the child
            traceback.print_exc()
            os._exit(1)
    os.close(write)
    _, status = os.waitpid(child, 0)
    said = os.read(read, 20)
    os.close(read)
    if os.WIFSIGNALED(status):
        return -os.WTERMSIG(status)
    assert os.waitstatus_to_exitcode(status) == 0, "it failed; see what it wrote"
    return int(said)


def test_killed_at_any_step_it_is_old_or_new_and_others_are_untouched(fleet: Fleet):
    """At points chosen at random; now and then the tables refuse to be changed, or whoever settles
    it is killed, too."""
    shop, others = fleet.shops[0], fleet.shops[1:]
    steps = in_child(fleet.home, 0, partial(fleet.upgrade, shop, fleet.newer(shop)))
    seen = {shop.name: fleet.state_of(shop)} | {each.name: fleet.state_of(each) for each in others}
    # What comes after the journal's last line is the command's, not the upgrade's.
    possible = range(1, steps - SPARE)
    count = len(possible) if os.environ.get("MYBIZZ_KILL_POINTS") == "all" else POINTS
    chosen = random.Random(SEED).sample(possible, count)
    ends = set()
    for number, last in enumerate(sorted(chosen)):
        shop = fleet.shops[number % BUSINESSES]
        old, content = fleet.state_of(shop), fleet.content_of(shop)
        assert old == seen[shop.name], "a neighbour's upgrade changed it"
        target, is_failing = fleet.newer(shop), number % 4 == 2
        work = partial(fleet.upgrade, shop, target, is_failing=is_failing)
        ended = in_child(fleet.home, last, work)
        assert ended == -signal.SIGKILL or is_failing, f"it lived at step {last} of {steps}"
        if number % 3 == 0:
            in_child(fleet.home, 1 + number, partial(fleet.settle, shop))
        fleet.settle(shop)
        ends.add(fleet.check_settled(shop, old, content))
        seen[shop.name] = fleet.state_of(shop)
    assert ends == {"old", "new"}
    for each in fleet.shops:
        assert fleet.state_of(each) == seen[each.name]


FORWARD = [phase for phase in Phase if phase not in (Phase.RETURNING, Phase.FAILED)]
NEW = {Phase.EXCHANGED, Phase.SWITCHED, Phase.PROVEN, Phase.DONE}


def test_killed_at_each_boundary_of_its_steps(fleet: Fleet, monkeypatch: pytest.MonkeyPatch):
    """Just before the journal says that something is done, and just after. The way back, too:
    there the tables refuse to be changed."""
    boundaries = itertools.product([*FORWARD, Phase.RETURNING, Phase.FAILED], (False, True))
    for number, (phase, is_noted) in enumerate(boundaries):
        shop = fleet.shops[number % BUSINESSES]
        others = [each for each in fleet.shops if each is not shop]
        old, content = fleet.state_of(shop), fleet.content_of(shop)
        beside = [fleet.state_of(each) for each in others]
        target, is_failing = fleet.newer(shop), phase not in FORWARD
        with monkeypatch.context() as patch:
            die_at(patch, phase, is_noted=is_noted)
            work = partial(fleet.upgrade, shop, target, is_failing=is_failing)
            assert in_child(fleet.home, 0, work) == -signal.SIGKILL, phase
        fleet.settle(shop)
        # The exchange itself is what counts, whether or not it was noted.
        end = "new" if phase in NEW else "old"
        assert fleet.check_settled(shop, old, content) == end, (phase, is_noted)
        assert [fleet.state_of(each) for each in others] == beside, (phase, is_noted)


def test_without_settling_it_would_be_neither(fleet: Fleet, monkeypatch: pytest.MonkeyPatch):
    """The checks above see a state that nobody settled."""
    shop = fleet.shops[0]
    old, content = fleet.state_of(shop), fleet.content_of(shop)
    for place in ("copy_to", "exchange_after", "drop_former"):
        with monkeypatch.context() as patch:
            die_in(patch, place)
            work = partial(fleet.upgrade, shop, fleet.newer(shop))
            assert in_child(fleet.home, 0, work) == -signal.SIGKILL
        with pytest.raises((AssertionError, psycopg.OperationalError)):
            fleet.check_settled(shop, old, content)
        fleet.settle(shop)
        is_old = place == "copy_to"
        assert fleet.check_settled(shop, old, content) == ("old" if is_old else "new")
        old = fleet.state_of(shop)


def test_a_trial_that_is_killed_leaves_nothing(fleet: Fleet, monkeypatch: pytest.MonkeyPatch):
    shop = fleet.shops[0]
    old, content = fleet.state_of(shop), fleet.content_of(shop)
    monkeypatch.setattr(changing, "rehearse", REHEARSE)
    monkeypatch.setattr(rehearsing, "try_release", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    work = partial(fleet.upgrade, shop, fleet.newer(shop))
    assert in_child(fleet.home, 0, work) == -signal.SIGKILL
    assert f"{shop.database_name}__trial" in databases_of(fleet.server, shop)
    fleet.settle(shop)
    assert fleet.check_settled(shop, old, content) == "old"
    assert not (fleet.home.data / "upgrading" / shop.name).exists()


def die_at(patch: pytest.MonkeyPatch, phase: Phase, *, is_noted: bool) -> None:
    """Be killed just before, or just after, the journal says that this is done."""
    real = Journal.advance

    def advance(self: Journal, done: Phase, **facts: Any) -> None:
        if done is phase and not is_noted:
            os.kill(os.getpid(), signal.SIGKILL)
        real(self, done, **facts)
        if done is phase:
            os.kill(os.getpid(), signal.SIGKILL)

    patch.setattr(Journal, "advance", advance)


def die_in(patch: pytest.MonkeyPatch, place: str) -> None:
    """Be killed where this begins, or where it has just ended."""
    name = place.removesuffix("_after")
    real = getattr(Places, name)

    def die(self: Places, *given: Any) -> None:
        if name != place:
            real(self, *given)
        os.kill(os.getpid(), signal.SIGKILL)

    patch.setattr(Places, name, die)
