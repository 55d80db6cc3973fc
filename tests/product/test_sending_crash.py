"""Sending through kills and time-outs: nobody is forgotten and nobody gets a mail twice.

The suite kills the sending process a few times. ``MYBIZZ_FULL=1`` has 10,000 recipients and 1,000
kills; the seed of the chance is printed, and ``MYBIZZ_SEED`` takes one.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.product.conftest import fresh_database
from tests.product.outside_world import World, connect, open_world
from tests.product.providers.mail import MailServer
from tests.product.sender_process import Nursery, open_nursery
from tests.product.tallies import recount, tallied

IS_FULL = os.environ.get("MYBIZZ_FULL") == "1"
RECIPIENTS, KILLS = (10_000, 1_000) if IS_FULL else (60, 7)
MOODS = ("well", "silent_taken", "silent", "later", "never")
WEIGHTS = (950, 15, 10, 15, 10) if IS_FULL else (88, 4, 2, 4, 2)
SOURCE, KEY = "broadcast:crash", "mail"
CONTENT = {
    "subject": "Hello {{ first_name }}",
    "preheader": "",
    "format": "markdown",
    "markdown": "News for you.",
    "blocks": [],
}
# Of whom some may not get it.
CONTACTS = """
INSERT INTO app.contacts (contact_id, number, first_name, last_name, email, status, source, tags,
  preferences, total_spent_cents, total_transactions, lifecycle_stage, date_added, version,
  sort_name, search_text)
SELECT 'C-' || n, n, 'Person', n::text,
  CASE WHEN n % 20 = 1 THEN NULL ELSE 'person' || n || '@example.com' END,
  'customer', 'import', '[]',
  jsonb_build_object('marketing_opt_in', n % 20 <> 2), 0, 0, 'new', now(), 1, '', ''
FROM generate_series(100001, 100000 + %s) AS n
"""


class MoodyServer(MailServer):
    """Now and then it takes a mail and does not say so, says nothing at all, or wants it later."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance = chance
        self.moods: Counter[str] = Counter()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mood = self.chance.choices(MOODS, WEIGHTS)[0]
        self.moods[mood] += 1
        if mood in ("well", "silent_taken"):
            await super().handle_DATA(server, session, envelope)
        if mood.startswith("silent"):
            await asyncio.sleep(5)  # far longer than the sender waits
        answers = {"later": "451 4.3.0 try again later", "never": "554 5.7.1 no thanks"}
        return answers.get(mood, "250 OK")


@pytest.fixture(scope="module")
def chance() -> random.Random:
    seed = int(os.environ.get("MYBIZZ_SEED") or random.randrange(10**6))
    sys.stdout.write(f"MYBIZZ_SEED={seed}\n")
    return random.Random(seed)


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str, chance: random.Random
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("crash")
    with (
        fresh_database(postgres_url) as database_url,
        open_world(
            folder,
            database_url,
            mail=MoodyServer(chance),
            secrets={"mails_per_hour": "1000000"},
        ) as running,
    ):
        with running.studio.person("olga") as olga:
            connect(olga, "smtp", running.right_fields()["smtp"])
            olga.call("update_sending_limit", 100_000)
        running.studio.query(CONTACTS.replace("%s", str(RECIPIENTS)))
        yield running


@pytest.fixture(scope="module")
def nursery(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    log = tmp_path_factory.mktemp("nursery") / "log"
    with open_nursery(world.studio.uplink_url, world.studio.config_file, log) as nursery:
        yield nursery


def states(world: World) -> dict[str, int]:
    found = world.studio.query("SELECT state, count(*) FROM app.mail_sends GROUP BY 1")
    return {state: int(count) for state, count in found}


def expire(world: World) -> None:
    """What was leased by the dead is free, what was put off is due, and a pause is over."""
    for statement in (
        "UPDATE app.mail_sends SET leased_until = now() - interval '1 s' WHERE state = 'sending'",
        "UPDATE app.mail_sends SET due_at = now() WHERE state = 'planned' AND due_at > now()",
        "UPDATE app.mail_sending SET paused_until = NULL WHERE paused_until IS NOT NULL",
    ):
        world.studio.query(statement)


def kill_soon(nursery: Nursery, step: list[Any], seconds: float) -> None:
    nursery.begin(step)
    nursery.kill(seconds)


@pytest.mark.timeout(6_000 if IS_FULL else 180)
def test_kills_and_time_outs_lose_nobody_and_double_nobody(
    world: World, nursery: Nursery, chance: random.Random
) -> None:
    # Planning is killed too, until it comes through.
    for _ in range(3):
        kill_soon(nursery, ["plan", [SOURCE, KEY, CONTENT]], chance.uniform(0, 0.8))
    nursery.run(["plan", [SOURCE, KEY, CONTENT]])
    assert sum(states(world).values()) == RECIPIENTS

    started = time.monotonic()
    for _ in range(KILLS):
        if not {"planned", "sending"} & set(states(world)):
            break
        kill_soon(nursery, ["send", []], chance.uniform(0, 0.7))
        expire(world)
    seconds = time.monotonic() - started
    while {"planned", "sending"} & set(states(world)):
        nursery.run(["send", []])
        expire(world)

    ended = states(world)
    sys.stdout.write(f"{ended} {dict(world.mail.moods)} {seconds:.0f} s\n")
    got = Counter(
        str(message["Message-ID"]).strip("<>").split("@")[0] for message in world.mail.messages
    )
    assert [key for key, count in got.items() if count > 1] == []
    rows = dict(world.studio.query("SELECT send_key, state FROM app.mail_sends"))
    # Whoever got it is sent or unknown, and whoever is sent got it.
    assert {rows[key] for key in got} <= {"sent", "unknown"}
    assert {key for key, state in rows.items() if state == "sent"} <= set(got)
    [counts] = nursery.run(["counts", [SOURCE]])
    assert counts["planned"] == RECIPIENTS == len(rows)
    assert counts["waiting"] == 0
    assert counts["skipped"] == 2 * (RECIPIENTS // 20)
    parts = ("sent", "skipped", "failed", "unknown")
    assert sum(counts[part] for part in parts) == RECIPIENTS
    # What is kept beside the ledger has come through as well.
    assert tallied(world.studio) == recount(world.studio)
    assert nursery.run(["tallies", [[SOURCE]]]) == [{SOURCE: counts}]
