"""Changes of many contacts at once, and taking them back.

``MYBIZZ_FULL=1`` has 10,000 contacts changed and interrupted 60 times, instead of 400 and 3
times. Once the process is killed; were it always, the server would hold back with new ones.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.app_server.running import CallFailed
from tests.product.conftest import fresh_database
from tests.product.studio import Caller, Refused, Studio, copy_template, open_studio

IS_FULL = os.environ.get("MYBIZZ_FULL") == "1"
TOTAL, DEATHS = (10_000, 60) if IS_FULL else (400, 3)
MODULE = "server_code/server_customers/bulk_changes.py"
STATE = (
    "SELECT contact_id, tags, deleted_at IS NULL, segments, account FROM app.contacts "
    "ORDER BY number"
)
# Is interrupted before the end of a slice as often as a file says: after so many slices each time.
# A 0 is a kill.
DYING = '''    """Note that these rows are done; give whether there may be more."""
    import os
    from pathlib import Path
    orders = Path({file!r})
    left = [int(number) for number in orders.read_text().split()]
    if left:
        left[0] -= 1
        orders.write_text(" ".join(map(str, left if left[0] > 0 else left[1:])))
        if left[0] == 0:
            raise RuntimeError("interrupted")
        if left[0] == -1:
            os.kill(os.getpid(), 9)
'''


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    """An instance with TOTAL contacts; the file ``deaths`` says when its bulk changes break off."""
    folder = tmp_path_factory.mktemp("crowd")
    (folder / "deaths").write_text("")
    first_line = '    """Note that these rows are done; give whether there may be more."""\n'
    size = SLICE_OF_A_TEST
    template = copy_template(
        folder,
        {
            MODULE: [
                (first_line, DYING.format(file=str(folder / "deaths"))),
                ("SLICE = 250", f"SLICE = {size}"),
            ]
        },
    )
    with (
        fresh_database(postgres_url) as database_url,
        open_studio(folder, database_url, template=template) as running,
        running.uplink() as script,
    ):
        for start in range(0, TOTAL, 1000):
            rows = range(start, min(start + 1000, TOTAL))
            script.call("import_contacts", [person(number) for number in rows])
        yield running


SLICE_OF_A_TEST = 250 if IS_FULL else 40


def person(number: int) -> dict[str, Any]:
    return {
        "row": number,
        "first_name": f"First{number}",
        "last_name": "Odd" if number % 2 else "Even",
        "email": f"p{number}@example.com",
        "tags": ["old"] if number % 3 == 0 else ["old", "vip"] if number % 3 == 1 else [],
    }


@pytest.fixture
def mia(crowd: Studio) -> Iterator[Caller]:
    with crowd.person("mia") as caller:
        yield caller


def finish(crowd: Studio, change_id: str) -> dict[str, Any]:
    """Go on until a change is done, whatever interrupts it; give what is said of it then."""
    for _ in range(DEATHS * 3 + 10):
        try:
            with crowd.uplink() as script:
                script.call("run_bulk_changes_now")
            with crowd.person("mia") as caller:
                change: dict[str, Any] = caller.call("get_bulk_change", change_id)["change"]
        except (CallFailed, OSError, Refused):
            continue  # it was interrupted
        if change["state"] in ("done", "undone", "failed"):
            return change
    raise AssertionError("it never ends")


def plan_interruptions(crowd: Studio, seed: int, first: str) -> None:
    chance = random.Random(seed)
    spread = max(2, TOTAL // SLICE_OF_A_TEST * 2 // DEATHS)
    numbers = [str(chance.randint(1, spread)) for _ in range(DEATHS)]
    (crowd.data.parent / "deaths").write_text(" ".join([first, *numbers]))


@pytest.mark.parametrize(
    ("kind", "choices", "changed"),
    [
        ("add_tags", {"tags": ["vip", "new"]}, "true"),
        ("remove_tags", {"tags": ["old"]}, "number::int % 3 <> 0"),
        ("delete", {}, "true"),
    ],
)
def test_all_are_changed_once_and_undone_exactly_whatever_interrupts(
    crowd: Studio, kind: str, choices: dict[str, Any], changed: str
) -> None:
    before = crowd.query(STATE)
    ((sum_before,),) = crowd.query("SELECT sum(version) FROM app.contacts")
    ((expected,),) = crowd.query(f"SELECT count(*) FROM app.contacts WHERE {changed}")
    with crowd.person("mia") as mia:
        answer = mia.call("start_bulk_change", kind, {"query": {}}, choices)["change"]
        assert (answer["state"], answer["total"]) == ("running", TOTAL)
    plan_interruptions(crowd, 1, "0" if kind == "add_tags" else "1")
    change = finish(crowd, answer["change_id"])
    assert (change["state"], change["changed"], change["skipped"]) == (
        "done",
        expected,
        TOTAL - expected,
    )
    assert crowd.query(STATE) != before
    ((tagged,),) = crowd.query("SELECT count(*) FROM app.contacts WHERE tags ? 'old'")
    ((live,),) = crowd.query("SELECT count(*) FROM app.contacts WHERE deleted_at IS NULL")
    assert (tagged == 0) == (kind == "remove_tags")
    assert (live == 0) == (kind == "delete")
    ((sum_after,),) = crowd.query("SELECT sum(version) FROM app.contacts")
    assert sum_after - sum_before == expected, "nobody was changed twice"
    (crowd.data.parent / "deaths").write_text("")
    with crowd.person("mia") as mia:
        mia.call("undo_bulk_change", answer["change_id"])
    plan_interruptions(crowd, 2, "1")
    undone = finish(crowd, answer["change_id"])
    (crowd.data.parent / "deaths").write_text("")
    assert (undone["undone"], undone["kept"]) == (expected, 0)
    after = crowd.query(STATE)
    if kind == "delete":
        assert after == before
    else:
        assert [{*row[1]} for row in after] == [{*row[1]} for row in before]
    assert not undone["is_undoable"]


def test_what_runs_is_stopped_and_what_it_has_done_is_undone(crowd: Studio, mia: Caller) -> None:
    orders = crowd.data.parent / "deaths"
    orders.write_text("4")  # It breaks off after some slices, and nothing starts it again.
    started = mia.call("start_bulk_change", "add_tags", {"query": {}}, {"tags": ["halt"]})["change"]
    stopped = mia.call("stop_bulk_change", started["change_id"])["change"]
    orders.write_text("")
    done = stopped["changed"]
    assert (stopped["state"], stopped["is_undoable"]) == ("stopped", True)
    assert SLICE_OF_A_TEST <= done < TOTAL
    with crowd.uplink() as script:
        script.call("run_bulk_changes_now")
    assert mia.call("list_contacts", {"tag": "halt"})["total"] == done
    with pytest.raises(Refused, match="not_running"):
        mia.call("stop_bulk_change", started["change_id"])
    mia.call("undo_bulk_change", started["change_id"])
    undone = finish(crowd, started["change_id"])
    assert (undone["state"], undone["undone"]) == ("undone", done)
    assert mia.call("list_contacts", {"tag": "halt"})["total"] == 0


def test_many_are_put_into_a_segment_and_taken_out_again(crowd: Studio, mia: Caller) -> None:
    given = {"segment_name": "By hand", "segment_type": "static"}
    segment_id = mia.call("create_segment", given)["segment"]["segment_id"]
    mia.call("add_contacts_to_segment", segment_id, ["C-31"])
    where, choices = {"contact_ids": ["C-31", "C-32", "C-33"]}, {"segment_id": segment_id}

    def members() -> list[str]:
        found = mia.call("get_segment_contacts", segment_id)["contacts"]
        return sorted(contact["contact_id"] for contact in found)

    change = mia.call("start_bulk_change", "add_to_segment", where, choices)["change"]
    assert (change["changed"], change["skipped"]) == (2, 1)
    assert members() == ["C-31", "C-32", "C-33"]
    [first, *_] = mia.call("list_bulk_changes", page_size=1)["changes"]
    assert (first["change_id"], first["segment_name"]) == (change["change_id"], "By hand")
    assert first["author_name"].startswith("Mia")
    mia.call("remove_contacts_from_segment", segment_id, ["C-33"])
    mia.call("undo_bulk_change", change["change_id"])
    assert members() == ["C-31"]
    taken = mia.call("start_bulk_change", "remove_from_segment", where, choices)["change"]
    assert (taken["changed"], members()) == (1, [])
    mia.call("undo_bulk_change", taken["change_id"])
    assert members() == ["C-31"]
    rules = {"rules": [{"field": "tags", "operator": "has_any_of", "value": ["vip"]}]}
    dynamic = mia.call("create_segment", {"segment_name": "By rule", "filter_criteria": rules})
    with pytest.raises(Refused) as refused:
        choices = {"segment_id": dynamic["segment"]["segment_id"]}
        mia.call("start_bulk_change", "add_to_segment", where, choices)
    assert refused.value.code in ("not_static", "invalid")


def test_few_are_changed_at_once_and_only_those(crowd: Studio, mia: Caller) -> None:
    where = ["C-1", "C-2", "C-3"]
    answer = mia.call("start_bulk_change", "add_tags", {"contact_ids": where}, {"tags": ["few"]})
    change = answer["change"]
    assert (change["state"], change["changed"], change["is_undoable"]) == ("done", 3, True)
    found = mia.call("list_contacts", {"tag": "few", "sort": "number"})["contacts"]
    assert [contact["contact_id"] for contact in found] == where
    assert "few" in mia.call("list_contact_tags")["tags"]
    assert mia.call("list_bulk_changes")["changes"][0]["change_id"] == change["change_id"]
    assert mia.call("undo_bulk_change", change["change_id"])["change"]["state"] == "undone"
    assert mia.call("list_contacts", {"tag": "few"})["total"] == 0
    with pytest.raises(Refused, match="not_undoable"):
        mia.call("undo_bulk_change", change["change_id"])


def test_all_that_match_but_for_some(crowd: Studio, mia: Caller) -> None:
    selection = {"query": {"search": "first11"}, "but": ["C-12"]}
    total = mia.call("list_contacts", selection["query"])["total"]
    change = mia.call("start_bulk_change", "add_tags", selection, {"tags": ["but"]})["change"]
    assert change["changed"] == total - 1 > 1
    assert "but" not in mia.call("get_contact", "C-12")["contact"]["tags"]
    assert "but" in mia.call("get_contact", "C-112")["contact"]["tags"]
    # What was searched for may be a name, and is not kept.
    assert crowd.query("SELECT DISTINCT selection::text FROM app.bulk_changes") == [("{}",)]


def test_undoing_leaves_alone_what_somebody_has_changed_since(crowd: Studio, mia: Caller) -> None:
    where = ["C-21", "C-22", "C-23", "C-24"]
    change = mia.call("start_bulk_change", "delete", {"contact_ids": where})["change"]
    mia.call("restore_contact", "C-21")
    mia.call("restore_contact", "C-22")
    mia.call("delete_contact", "C-22")
    taken = {"first_name": "New", "last_name": "Owner", "email": "p22@example.com"}
    newcomer = mia.call("create_contact", taken)["contact"]["contact_id"]
    undone = mia.call("undo_bulk_change", change["change_id"])["change"]
    assert (undone["undone"], undone["kept"]) == (1, 3)
    reasons = mia.call("get_bulk_change", change["change_id"])["change"]["kept_contacts"]
    assert [(each["contact_id"], each["reason"]) for each in reasons] == [
        ("C-21", "It has been restored already."),
        ("C-22", "It has been deleted again since."),
        ("C-23", "Another contact has the address p22@example.com now."),
    ]
    for contact_id in (newcomer,):
        mia.call("delete_contact", contact_id)
    for contact_id in ("C-22", "C-23"):
        mia.call("restore_contact", contact_id)


def test_refuses_what_makes_no_sense(crowd: Studio, mia: Caller) -> None:
    for kind, selection, choices, field in (
        ("add_tags", {"contact_ids": ["C-1"]}, {"tags": []}, "tags"),
        ("add_tags", {"contact_ids": []}, {"tags": ["x"]}, "selection"),
        ("add_tags", {"query": {"legs": 4}}, {"tags": ["x"]}, "legs"),
        ("add_tags", {}, {"tags": ["x"]}, "selection"),
        ("explode", {"contact_ids": ["C-1"]}, {}, "kind"),
        ("add_to_segment", {"contact_ids": ["C-1"]}, {}, "segment_id"),
    ):
        with pytest.raises(Refused, match="invalid") as refused:
            mia.call("start_bulk_change", kind, selection, choices)
        assert set(refused.value.fields) == {field}
    with pytest.raises(Refused, match="not_found"):
        mia.call(
            "start_bulk_change",
            "add_to_segment",
            {"contact_ids": ["C-1"]},
            {"segment_id": "S-999999"},
        )
