"""Two at the same work: a task is made once, and an hour has no more mails than its limit.

The windows are held open: the copy of the template sleeps between looking and writing. While a file
is there it does without transactions, and the controls show that these races do harm then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from anvil.tables import TransactionConflict

from master_template.server_marketing import sending
from tests.product.conftest import fresh_database
from tests.product.studio import Caller, Studio, copy_template, open_studio
from tests.product.test_tasks import add_contact, book

# What no product has: the nightly work and the count of an hour, asked for by themselves.
OFFICE = """
from ..server_shared import clock
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Int
from . import automatic_tasks, quota


class Run:
    def report(self, **figures):
        pass


@server_callable(needs=TRUSTED_ONLY, atomic=False)
def make_tasks():
    return {"made": sum(automatic_tasks.create_automated_tasks(Run()).values())}


@server_callable(needs=TRUSTED_ONLY, takes={"limit": Int("Limit")}, atomic=False)
def take_one(limit):
    return {"is_taken": in_transaction(take)(limit)}


def take(limit):
    return quota.take(quota.state_row(), limit, clock.now())
"""
SLEEP = "    import time; time.sleep(0.03)\n"
LOOKED_FOR_TASKS = '    known = {row["automation_key"] for row in found}\n'
LOOKED_FOR_ROOM = "    minute = now.strftime(_MINUTE)\n"
BEGINS = "    outermost = anvil.tables.in_transaction(alone)\n"
BEGINS_OR_NOT = """    guarded = anvil.tables.in_transaction(alone)

    def outermost(*args, **kwargs):
        from pathlib import Path
        return (alone if Path({file!r}).exists() else guarded)(*args, **kwargs)
"""
PEOPLE, BOOKINGS, LIMIT = 3, 4, 5
DOUBLES = (
    "SELECT count(*)::int - count(DISTINCT automation_key)::int FROM app.tasks "
    "WHERE automation_key IS NOT NULL"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("races")


@pytest.fixture(scope="module")
def racing(folder: Path, postgres_url: str) -> Iterator[Studio]:
    template = copy_template(
        folder,
        {
            "server_code/server_marketing/automatic_tasks.py": [
                (LOOKED_FOR_TASKS, LOOKED_FOR_TASKS + SLEEP)
            ],
            "server_code/server_marketing/quota.py": [(LOOKED_FOR_ROOM, SLEEP + LOOKED_FOR_ROOM)],
            "server_code/server_shared/transactions.py": [
                (BEGINS, BEGINS_OR_NOT.format(file=str(folder / "unguarded")))
            ],
        },
    )
    (template / "server_code/server_marketing/trial_office.py").write_text(OFFICE)
    with (
        fresh_database(postgres_url) as database_url,
        open_studio(folder, database_url, template=template) as studio,
    ):
        with studio.person("olga") as olga:
            guest = add_contact(olga, "Guest")
        for number in range(1, BOOKINGS + 1):
            book(studio, guest, f"B-{number}", timedelta(days=number), "confirmed")
        studio.query(
            "INSERT INTO app.task_rules (name, is_enabled, days, version) "
            "VALUES ('arrival_instructions', true, 7, 1)"
        )
        yield studio


def all_at_once(studio: Studio, work: Callable[[Caller], Any]) -> list[Any]:
    with ExitStack() as stack:
        callers = [stack.enter_context(studio.uplink()) for _ in range(PEOPLE)]
        with ThreadPoolExecutor(PEOPLE) as pool:
            return list(pool.map(work, callers))


def make_tasks(studio: Studio) -> int:
    """Have them made by all at once; how many are there twice."""
    studio.query("DELETE FROM app.tasks")
    all_at_once(studio, lambda caller: caller.call("make_tasks"))
    ((made, doubles),) = studio.query(f"SELECT (SELECT count(*) FROM app.tasks), ({DOUBLES})")
    assert made - doubles == BOOKINGS
    return int(doubles)


def take_all(studio: Studio) -> int:
    """Have all take mails of an hour until there are none left for them; how many they got."""
    studio.query("UPDATE app.mail_sending SET starts = '{}'")

    def take(caller: Caller) -> int:
        return sum(caller.call("take_one", LIMIT)["is_taken"] for _ in range(LIMIT))

    return sum(all_at_once(studio, take))


def test_guards_hold_and_without_them_the_same_races_do_harm(racing: Studio, folder: Path) -> None:
    with racing.uplink() as script:
        script.call("take_one", 0)  # makes the row that counts
    assert make_tasks(racing) == 0
    assert take_all(racing) == LIMIT
    (folder / "unguarded").touch()
    try:
        # The rule of the database still holds; who came too late was told so.
        with pytest.raises(Exception, match="."):
            assert not [make_tasks(racing) for _ in range(10)]
        assert racing.query(DOUBLES) == [(0,)]
        # Until two meet: on a busy machine one round may go through in single file.
        assert any(take_all(racing) > LIMIT for _ in range(10))
        racing.query("DROP INDEX app.tasks_automation_key_unique")
        assert any(make_tasks(racing) > 0 for _ in range(10))
    finally:
        (folder / "unguarded").unlink()


def test_how_a_mail_ended_is_written_down_however_often_others_get_in_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[int] = []

    def settle(turn: Any, attempt: Any) -> str:
        tried.append(1)
        if len(tried) < 3:
            raise TransactionConflict("somebody else was faster")
        return "sent"

    monkeypatch.setattr(sending, "_settle", settle)
    monkeypatch.setattr(sending, "SETTLE_PAUSES", (0, 0, 0))
    turn: Any = None
    assert sending._insist_on_settling(turn, turn) == "sent"
    assert len(tried) == 3
    # In the end it is an error, and the mail becomes unknown: never silence, and never sent twice.
    monkeypatch.setattr(sending, "SETTLE_PAUSES", (0,))
    tried.clear()
    with pytest.raises(TransactionConflict):
        sending._insist_on_settling(turn, turn)
    assert len(tried) == 2
