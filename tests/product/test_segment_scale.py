"""Segments stay true: whatever is killed and whoever changes what meanwhile, each contact is where
the rules say, by a full recount in Python.

``MYBIZZ_FULL=1`` does it with 100,000 contacts instead of 1,500, and prints how long things took.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from master_template.server_customers import segment_language
from tests.product.conftest import fresh_database
from tests.product.studio import BUSINESS, Caller, Refused, Studio, copy_template, open_studio

IS_FULL = os.environ.get("MYBIZZ_FULL") == "1"
TOTAL, CHANGES = (100_000, 300) if IS_FULL else (1_500, 12)
BATCH = 500 if IS_FULL else 100
PATIENCE_SECONDS = 1200 if IS_FULL else 60
MODULE = "server_code/server_customers/segment_filling.py"
# Waits between batches while a file is there; and kills its process after so many batches each
# time, as another file says.
DYING = """
        import os
        import time
        from pathlib import Path
        orders = Path({file!r})
        while orders.with_name("hold").exists():
            time.sleep(0.01)
        left = [int(number) for number in orders.read_text().split()]
        if left:
            left[0] -= 1
            orders.write_text(" ".join(map(str, left if left[0] > 0 else left[1:])))
            if left[0] == 0:
                os.kill(os.getpid(), 9)
"""
STEP = "        count, floor, rules = _settle_batch(number, floor, rules)\n"
TAGS = ["VIP", "yoga", "late payer", "new", "press"]
COLUMNS = (
    "contact_id, number, first_name, last_name, email, status, source, lifecycle_stage, tags, "
    "segments, address, preferences, total_spent_cents, total_transactions, "
    "average_order_value_cents, currency, date_added, last_contact_date, version, sort_name, "
    "search_text"
)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    """An instance with TOTAL contacts; the file ``deaths`` says when a filling dies."""
    folder = tmp_path_factory.mktemp("crowd")
    deaths = folder / "deaths"
    deaths.write_text("")
    template = copy_template(
        folder,
        {
            MODULE: [
                (STEP, STEP + DYING.format(file=str(deaths))),
                ("BATCH_ROWS = 500", f"BATCH_ROWS = {BATCH}"),
            ]
        },
    )
    with (
        fresh_database(postgres_url) as database_url,
        open_studio(folder, database_url, template=template) as running,
    ):
        insert_crowd(running)
        # The pre-built ones are empty, as these people came in behind their back.
        running.query("UPDATE app.segments SET is_active = false")
        running.deaths = deaths  # type: ignore[attr-defined]
        yield running


def insert_crowd(studio: Studio) -> None:
    dice, now = random.Random(9), datetime.now(UTC)
    with psycopg.connect(studio.database_url) as connection:
        copy = connection.cursor().copy(f"COPY app.contacts ({COLUMNS}) FROM STDIN")
        with copy as rows:
            for number in range(1, TOTAL + 1):
                rows.write_row(_person(dice, now, number))
        connection.execute("UPDATE app.sequences SET value = %s WHERE name = 'contacts'", (TOTAL,))


def _person(dice: random.Random, now: datetime, number: int) -> tuple[Any, ...]:
    # Half days, so that no moment falls between two ways of counting.
    added, last = (now - timedelta(days=dice.randrange(400) + 0.5) for _ in range(2))
    spent = dice.choice([0, 0, 12_000, 499_999, 500_000, 800_000])
    name = f"Person {number}"
    return (
        f"C-{number}",
        number,
        "Person",
        str(number),
        dice.choice([None, f"p{number}@example.com"]),
        dice.choice(["lead", "customer", "inactive"]),
        "import",
        dice.choice(["new", "active", "at_risk", "lost"]),
        json.dumps(dice.sample(TAGS, dice.randrange(3))),
        "[]",
        json.dumps({"city": dice.choice(["Durban", "Cape Town"])}),
        json.dumps({"marketing_opt_in": dice.random() < 0.5}),
        spent,
        dice.randrange(5),
        spent,
        "ZAR",
        added,
        last,
        1,
        name,
        name,
    )


def _rule(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


RULES: list[dict[str, Any]] = [
    {"match": "all", "rules": [_rule("tags", "has_any_of", ["VIP", "press"])]},
    {
        "match": "none",
        "rules": [_rule("email", "is_empty"), _rule("status", "is_any_of", ["lead"])],
    },
    {
        "match": "all",
        "rules": [
            _rule("total_spent", "at_least", 500_000),
            {
                "match": "any",
                "rules": [
                    _rule("last_contact_date", "more_than_days_ago", 180),
                    _rule("date_added", "in_last_days", 60),
                ],
            },
        ],
    },
]


def make_segment(caller: Caller, name: str, criteria: dict[str, Any]) -> str:
    given = {"segment_name": name, "filter_criteria": criteria}
    segment_id: str = caller.call("create_segment", given)["segment_id"]
    return segment_id


def finish(studio: Studio) -> None:
    """Have filling go on, as often as it dies, until nothing is left."""
    orders: Path = studio.deaths  # type: ignore[attr-defined]

    def is_ready() -> bool:
        return not studio.query("SELECT 1 FROM app.segments WHERE state <> 'ready'")

    while not is_ready():
        deaths = len(orders.read_text().split())
        with studio.uplink() as script:
            script.socket.call("anvil.private.background_tasks.launch", "fill_segments")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_ready() and len(orders.read_text().split()) == deaths:
            assert time.monotonic() < deadline, "filling does not come to an end"
            threading.Event().wait(0.05)


def sweep(studio: Studio, job: str) -> None:
    """Have a scheduled job run in the background, as at night, and wait for its end."""
    ended = "SELECT count(*) FROM app.scheduled_runs WHERE job = %s AND finished_at IS NOT NULL"
    [(before,)] = studio.query(ended, job)
    with studio.person("olga") as olga:
        olga.call("run_scheduled_job", job)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while studio.query(ended, job) == [(before,)]:
        assert time.monotonic() < deadline, f"{job} does not come to an end"
        threading.Event().wait(0.05)


def astray(studio: Studio) -> dict[str, tuple[list[str], list[str]]]:
    """By segment whom a full recount finds outside who belongs in, and inside who does not."""
    now = datetime.now(ZoneInfo(BUSINESS["time_zone"]))
    criteria = dict(
        studio.query("SELECT segment_id, filter_criteria FROM app.segments WHERE is_active")
    )
    wrong: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for name in criteria}
    with psycopg.connect(studio.database_url, row_factory=psycopg.rows.dict_row) as connection:
        for row in connection.execute("SELECT * FROM app.contacts"):
            held = set(row["segments"] or [])
            for name, rules in criteria.items():
                belongs = row["deleted_at"] is None and segment_language.matches(rules, row, now)
                if belongs != (name in held):
                    wrong[name][0 if belongs else 1].append(row["contact_id"])
    return {name: found for name, found in wrong.items() if any(found)}


def told(text: str, began: float) -> None:
    if IS_FULL:
        print(f"{text}: {time.monotonic() - began:.1f} s")  # noqa: T201 - the figures of a trial


def test_filling_survives_being_killed(crowd: Studio) -> None:
    orders: Path = crowd.deaths  # type: ignore[attr-defined]
    orders.write_text("2 3 1 4")
    began = time.monotonic()
    with crowd.person("olga") as olga:
        ids = [make_segment(olga, f"Group {n}", rules) for n, rules in enumerate(RULES)]
    finish(crowd)
    told(f"{len(ids)} segments over {TOTAL} contacts, killed 4 times", began)
    assert orders.read_text() == "", "it has to have died four times"
    assert astray(crowd) == {}
    with crowd.person("olga") as olga:
        for segment_id in ids:
            [(held,)] = crowd.query(
                "SELECT count(*) FROM app.contacts WHERE segments @> to_jsonb(%s::text)", segment_id
            )
            assert olga.call("get_segment_count", segment_id)["count"] == held > 0


def test_a_segment_edited_while_it_fills_holds_for_all(crowd: Studio) -> None:
    """Those of the first batches were moved by the rules of before."""
    hold: Path = crowd.deaths.with_name("hold")  # type: ignore[attr-defined]
    with crowd.person("olga") as olga, crowd.uplink() as script:
        hold.touch()
        try:
            made = make_segment(olga, "Edited on the way", RULES[0])
            script.socket.call("anvil.private.background_tasks.launch", "fill_segments")
            held = "SELECT count(*) FROM app.contacts WHERE segments @> to_jsonb(%s::text)"
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not crowd.query(held, made)[0][0]:
                assert time.monotonic() < deadline, "filling does not begin"
                threading.Event().wait(0.05)
            version = olga.call("get_segment", made)["version"]
            olga.call("update_segment", made, {"filter_criteria": RULES[2]}, version)
        finally:
            hold.unlink()
    finish(crowd)
    assert astray(crowd) == {}


def test_the_recount_sees_who_is_astray(crowd: Studio) -> None:
    """The control."""
    [(before,)] = crowd.query("SELECT segments FROM app.contacts WHERE number = 7")
    [(other,)] = crowd.query("SELECT min(segment_id) FROM app.segments WHERE is_active")
    swap = "UPDATE app.contacts SET segments = %s::jsonb WHERE number = 7"
    crowd.query(swap, json.dumps([*before, other] if other not in before else []))
    assert astray(crowd)
    crowd.query(swap, json.dumps(before))
    assert astray(crowd) == {}


def change_some(crowd: Studio, seed: int) -> None:
    """What a person does in a while: edits, new contacts, deletions."""
    dice = random.Random(seed)
    with crowd.server.browser() as browser:
        caller = Caller(browser)
        caller.call("log_in", "olga@yogastudio.example", "correct horse battery")
        for number in range(CHANGES):
            contact_id = f"C-{dice.randrange(1, TOTAL)}"
            kind = dice.randrange(5)
            try:
                if kind == 0:
                    caller.call("delete_contact", contact_id)
                elif kind == 1:
                    made = {"first_name": "New", "last_name": f"{seed}-{number}", "tags": ["VIP"]}
                    caller.call("create_contact", made)
                elif kind == 2:
                    caller.call("add_note_to_contact", contact_id, "Rang.")
                else:
                    changes = {
                        "tags": dice.sample(TAGS, dice.randrange(3)),
                        "status": dice.choice(["lead", "customer"]),
                    }
                    caller.call("update_contact", contact_id, changes)
            except Refused as refused:
                # Busy, deleted already, or saved by the other one meanwhile: nothing was changed.
                assert refused.code in ("busy", "not_found", "edited_meanwhile", "conflict")


def test_changes_while_segments_change(crowd: Studio) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool, crowd.person("olga") as olga:
        changing = [pool.submit(change_some, crowd, seed) for seed in (1, 2)]
        made = make_segment(olga, "Made meanwhile", RULES[0])
        version = olga.call("get_segment", made)["version"]
        try:
            olga.call("update_segment", made, {"filter_criteria": RULES[2]}, version)
        except Refused as refused:
            assert refused.code == "busy"
        for each in changing:
            each.result()
    finish(crowd)
    told(f"{2 * CHANGES} changes by two people while a segment was made and edited", began)
    assert astray(crowd) == {}


def test_time_moves_people(crowd: Studio) -> None:
    """The sweep finds whom only time has moved, and the nightly count whatever got lost."""
    shifted = "UPDATE app.contacts SET last_contact_date = last_contact_date - interval '90 days'"
    crowd.query(shifted)
    assert astray(crowd)
    began = time.monotonic()
    sweep(crowd, "segment_sweep")
    told("the hourly sweep after 90 days", began)
    assert astray(crowd) == {}
    crowd.query("UPDATE app.contacts SET segments = '[]' WHERE number % 3 = 0")
    began = time.monotonic()
    sweep(crowd, "segment_counts")
    told("the nightly count with a third of all lost", began)
    assert astray(crowd) == {}
