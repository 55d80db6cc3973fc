"""Segments: making, changing and deleting them, and that contacts move in and out at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.product.customers import make_contact
from tests.product.sender_process import open_nursery
from tests.product.studio import Caller, Refused, Studio

_numbers = count(1)
VIP = {"match": "all", "rules": [{"field": "tags", "operator": "has_any_of", "value": ["VIP!"]}]}
QUIET = {
    "rules": [
        {"field": "tags", "operator": "has_any_of", "value": ["quiet"]},
        {"field": "last_contact_date", "operator": "more_than_days_ago", "value": 30},
    ]
}


@pytest.fixture(scope="module")
def mia(studio: Studio) -> Iterator[Caller]:
    with studio.person("mia") as caller:
        yield caller


@pytest.fixture(scope="module")
def script(studio: Studio) -> Iterator[Caller]:
    with studio.uplink() as caller:
        yield caller


def make_segment(mia: Caller, criteria: Any = None, **more: Any) -> dict[str, Any]:
    kind = "static" if criteria is None else "custom"
    given = {"segment_name": f"Group {next(_numbers)}", "segment_type": kind, **more}
    segment: dict[str, Any] = mia.call("create_segment", {**given, "filter_criteria": criteria})[
        "segment"
    ]
    return segment


def people_in(caller: Caller, segment: dict[str, Any]) -> list[str]:
    answer = caller.call("get_segment_contacts", segment["segment_id"])
    assert answer["total"] == len(answer["contacts"])
    return [contact["contact_id"] for contact in answer["contacts"]]


def held_by(studio: Studio, contact_id: str) -> list[str]:
    [(held,)] = studio.query("SELECT segments FROM app.contacts WHERE contact_id = %s", contact_id)
    return list(held or [])


def change(mia: Caller, contact_id: str, **changes: Any) -> None:
    version = mia.call("get_contact", contact_id)["contact"]["version"]
    mia.call("update_contact", contact_id, changes, version)


def update(mia: Caller, segment: dict[str, Any], **changes: Any) -> dict[str, Any]:
    version = mia.call("get_segment", segment["segment_id"])["version"]
    answer: dict[str, Any] = mia.call("update_segment", segment["segment_id"], changes, version)
    return answer


def test_a_new_segment_has_who_is_there_already(mia: Caller) -> None:
    first, other = make_contact(mia, tags=["VIP!"]), make_contact(mia, tags=["other"])
    segment = make_segment(mia, VIP)
    assert segment["state"] == "ready" and segment["contact_count"] == 1
    assert segment["summary"] == "Tags include any of VIP!"
    assert people_in(mia, segment) == [first] and other
    assert mia.call("get_segment_count", segment["segment_id"])["count"] == 1
    change(mia, first, tags=[])


def test_people_move_with_every_change(studio: Studio, mia: Caller) -> None:
    segment = make_segment(mia, VIP)
    made = make_contact(mia, tags=["VIP!"])
    assert people_in(mia, segment) == [made]
    change(mia, made, tags=["other"])
    assert people_in(mia, segment) == []
    change(mia, made, tags=["other", "VIP!"])
    assert people_in(mia, segment) == [made]
    mia.call("delete_contact", made)
    assert people_in(mia, segment) == []
    assert segment["segment_id"] not in held_by(studio, made)
    mia.call("restore_contact", made)
    assert people_in(mia, segment) == [made]
    change(mia, made, tags=[])
    assert people_in(mia, segment) == []


def test_notes_count_as_contact(studio: Studio, mia: Caller, script: Caller) -> None:
    quiet = make_contact(mia, tags=["quiet"])
    segment = make_segment(mia, QUIET)
    studio.query(
        "UPDATE app.contacts SET last_contact_date = %s WHERE contact_id = %s",
        datetime.now(UTC) - timedelta(days=31),
        quiet,
    )
    assert people_in(mia, segment) == []
    script.call("run_schedule_now", job="segment_sweep")
    assert people_in(mia, segment) == [quiet]
    script.call("run_schedule_now", job="segment_sweep")  # again: nothing to do
    mia.call("add_note_to_contact", quiet, "Rang, and will come again.")
    assert people_in(mia, segment) == []


def test_editing_the_rules_moves_people(mia: Caller) -> None:
    one, two = make_contact(mia, tags=["red"]), make_contact(mia, tags=["blue"])
    red = {"rules": [{"field": "tags", "operator": "has_any_of", "value": ["red"]}]}
    blue = {"rules": [{"field": "tags", "operator": "has_any_of", "value": ["blue"]}]}
    segment = make_segment(mia, red)
    assert people_in(mia, segment) == [one]
    answer = update(mia, segment, filter_criteria=blue)
    assert answer["segment"]["contact_count"] == 1 and answer["remaining"] == 0
    assert people_in(mia, segment) == [two]


def test_switched_off_it_is_empty_and_fills_again(mia: Caller) -> None:
    one = make_contact(mia, tags=["green"])
    green = {"rules": [{"field": "tags", "operator": "has_any_of", "value": ["green"]}]}
    segment = make_segment(mia, green)
    update(mia, segment, is_active=False)
    two = make_contact(mia, tags=["green"])
    assert people_in(mia, segment) == []
    update(mia, segment, is_active=True)
    assert sorted(people_in(mia, segment)) == sorted([one, two])


def test_a_list_by_hand_keeps_whom_it_was_given(studio: Studio, mia: Caller) -> None:
    one, two = make_contact(mia), make_contact(mia)
    chosen = make_segment(mia)
    add = mia.call("add_contacts_to_segment", chosen["segment_id"], [one, two, one])
    assert add["changed"] == 2
    change(mia, one, tags=["VIP!"])  # goes by rules elsewhere; the list stays
    assert sorted(people_in(mia, chosen)) == sorted([one, two])
    mia.call("delete_contact", one)
    assert people_in(mia, chosen) == [two]
    mia.call("restore_contact", one)
    assert sorted(people_in(mia, chosen)) == sorted([one, two])
    again = mia.call("add_contacts_to_segment", chosen["segment_id"], [one])
    assert again["changed"] == 0
    gone = mia.call("remove_contacts_from_segment", chosen["segment_id"], [one, two])
    assert gone["changed"] == 2
    assert people_in(mia, chosen) == []
    change(mia, one, tags=[])


def test_nobody_is_put_into_one_with_rules(mia: Caller) -> None:
    segment, contact = make_segment(mia, VIP), make_contact(mia)
    with pytest.raises(Refused) as refused:
        mia.call("add_contacts_to_segment", segment["segment_id"], [contact])
    assert refused.value.code == "not_static"


def test_deleting_takes_it_from_everybody(studio: Studio, mia: Caller) -> None:
    made = make_contact(mia, tags=["VIP!"])
    segment = make_segment(mia, VIP)
    assert segment["segment_id"] in held_by(studio, made)
    mia.call("delete_segment", segment["segment_id"])
    assert segment["segment_id"] not in held_by(studio, made)
    with pytest.raises(Refused, match="not_found"):
        mia.call("get_segment", segment["segment_id"])
    # Its name and nothing else is free again.
    assert (
        make_segment(mia, VIP, segment_name=segment["segment_name"])["segment_id"]
        != (segment["segment_id"])
    )
    change(mia, made, tags=[])


def test_one_that_is_used_is_kept(mia: Caller) -> None:
    segment = make_segment(mia, VIP)
    recipients = {"segments": [segment["segment_id"]]}
    draft = {"broadcast_name": "Spring news", "recipients": recipients}
    mia.call("create_broadcast", draft)
    uses = mia.call("get_segment", segment["segment_id"])["uses"]
    assert [(use["kind"], use["name"]) for use in uses] == [("broadcast", "Spring news")]
    for refuse in (
        lambda: mia.call("delete_segment", segment["segment_id"]),
        lambda: update(mia, segment, is_active=False),
    ):
        with pytest.raises(Refused, match="in_use: .*broadcast Spring news"):
            refuse()


def test_refuses_a_taken_name_however_it_is_spelt(mia: Caller) -> None:
    make_segment(mia, VIP, segment_name="Élite  guests")
    with pytest.raises(Refused) as refused:
        make_segment(mia, VIP, segment_name="elite guests")
    assert refused.value.code == "duplicate_name"
    assert "segment_name" in refused.value.fields


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"segment_name": ""}, "segment_name"),
        ({"filter_criteria": {"rules": []}}, "filter_criteria.rules"),
        ({"filter_criteria": None}, "filter_criteria.rules"),
        ({"segment_type": "static"}, "filter_criteria.rules"),
        (
            {"filter_criteria": {"rules": [{"field": "status", "operator": "is_any_of"}]}},
            "filter_criteria.rules.0.value",
        ),
    ],
)
def test_tells_what_is_missing(mia: Caller, given: dict[str, Any], field: str) -> None:
    whole = {"segment_name": "Whole", "segment_type": "custom", "filter_criteria": VIP}
    with pytest.raises(Refused) as refused:
        mia.call("create_segment", {**whole, **given})
    assert field in refused.value.fields


def test_an_edit_by_two_is_told(mia: Caller) -> None:
    segment = make_segment(mia, VIP)
    mia.call("update_segment", segment["segment_id"], {"description": "First"}, 1)
    with pytest.raises(Refused) as refused:
        mia.call("update_segment", segment["segment_id"], {"description": "Second"}, 1)
    assert refused.value.code == "edited_meanwhile"


def test_counts_a_page_of_them_at_once(mia: Caller) -> None:
    listed = mia.call("list_segments", page_size=50, sort="newest")
    ids = [segment["segment_id"] for segment in listed["segments"]]
    counts = mia.call("count_segments", ids)["counts"]
    for segment_id in ids[:5]:
        assert counts[segment_id] == mia.call("get_segment_count", segment_id)["count"]
    assert set(counts) == set(ids)


def test_finds_them_by_name(mia: Caller) -> None:
    make_segment(mia, VIP, segment_name="Zumba 100%")
    make_segment(mia, VIP, segment_name="Zumba others")
    found = mia.call("list_segments", search="100%")
    assert [each["segment_name"] for each in found["segments"]] == ["Zumba 100%"]
    assert mia.call("list_segments", search="zumba")["total"] == 2
    page = mia.call("list_segments", search="zumba", page_size=1, offset=1)
    assert [each["segment_name"] for each in page["segments"]] == ["Zumba others"]


def test_pre_built_ones_are_there_and_can_be_switched(mia: Caller) -> None:
    listed = mia.call("list_segments", segment_type="prebuilt", page_size=100)["segments"]
    by_name = {segment["segment_name"]: segment for segment in listed}
    assert {"Newsletter readers", "Regular clients", "Nothing booked"} <= set(by_name)
    assert "Repeat buyers" not in by_name  # nothing is sold here
    readers = by_name["Newsletter readers"]
    assert readers["contact_count"] == 0  # as of the day it was made
    assert mia.call("get_segment_count", readers["segment_id"])["count"] > 10
    with pytest.raises(Refused, match="prebuilt"):
        mia.call("delete_segment", readers["segment_id"])
    with pytest.raises(Refused, match="prebuilt"):
        update(mia, readers, segment_name="Mine")
    assert update(mia, readers, is_active=False)["segment"]["contact_count"] == 0
    assert update(mia, readers, is_active=True)["segment"]["contact_count"] > 10


def test_a_feature_brings_its_segments(studio: Studio, mia: Caller) -> None:
    with studio.person("olga") as olga:
        olga.call("update_features", {"ecommerce": True, "hospitality": True})
    listed = mia.call("list_segments", segment_type="prebuilt", page_size=100)["segments"]
    by_name = {segment["segment_name"]: segment for segment in listed}
    assert {"VIP guests", "Repeat guests", "Lost guests", "High-value customers"} <= set(by_name)
    for name, condition in (
        ("VIP guests", "total_transactions >= 3"),
        ("Repeat buyers", "total_transactions >= 2"),
        ("Lost guests", "last_contact_date < now() - interval '180 days'"),
        ("High-value customers", "total_spent_cents >= 500000"),
    ):
        [(expected,)] = studio.query(
            f"SELECT count(*) FROM app.contacts WHERE deleted_at IS NULL AND {condition}"
        )
        assert mia.call("get_segment_count", by_name[name]["segment_id"])["count"] == expected


def test_server_code_counts_pre_built_ones_by_name(
    studio: Studio, mia: Caller, tmp_path: Path
) -> None:
    names = {
        "get_vip_guests": "VIP guests",
        "get_repeat_guests": "Repeat guests",
        "get_lost_guests": "Lost guests",
        "get_high_value_customers": "High-value customers",
        "get_repeat_buyers": "Repeat buyers",
    }
    listed = mia.call("list_segments", segment_type="prebuilt", page_size=100)["segments"]
    ids = {segment["segment_name"]: segment["segment_id"] for segment in listed}
    with open_nursery(studio.uplink_url, studio.config_file, tmp_path / "log") as nursery:
        counted = nursery.run(*(["prebuilt", [name]] for name in names))
    expected = [mia.call("get_segment_count", ids[name])["count"] for name in names.values()]
    assert counted == expected and max(counted) > min(counted)


def test_every_contact_is_where_the_rules_say(studio: Studio, mia: Caller, script: Caller) -> None:
    """What the events have kept is what counting anew finds; and what was lost comes back."""
    before = studio.query("SELECT contact_id, segments FROM app.contacts ORDER BY number")
    figures = script.call("run_schedule_now", job="segment_counts")
    after = studio.query("SELECT contact_id, segments FROM app.contacts ORDER BY number")
    assert [(row[0], sorted(row[1] or [])) for row in before] == [
        (row[0], sorted(row[1] or [])) for row in after
    ], figures
    studio.query("""UPDATE app.contacts SET segments = '["S-1", "S-999"]'""")
    script.call("run_schedule_now", job="segment_counts")
    healed = studio.query("SELECT contact_id, segments FROM app.contacts ORDER BY number")
    static = {
        segment["segment_id"]
        for segment in mia.call("list_segments", segment_type="static", page_size=100)["segments"]
    }
    for (contact_id, held), (_, expected) in zip(healed, after, strict=True):
        assert set(held) - {"S-999"} == set(expected or []) - static, contact_id


def test_who_sees_a_part_counts_a_part(studio: Studio, mia: Caller) -> None:
    segment = make_segment(
        mia, {"rules": [{"field": "status", "operator": "is_none_of", "value": ["inactive"]}]}
    )
    with studio.person("olga") as olga:
        people = olga.call("list_users")["users"]
        sam = next(user for user in people if user["email"].startswith("sam@"))
        scope = {"can_manage_all": False, "customers": ["C-1", "C-2"]}
        olga.call("change_user_scope", sam["user_id"], scope, sam["version"])
    with studio.person("sam") as caller:
        shown = set(people_in(caller, segment))
        assert shown <= {"C-1", "C-2"}
        listed = caller.call("list_segments", search=segment["segment_name"])["segments"]
        assert listed[0]["contact_count"] is None
        counts = caller.call("count_segments", [segment["segment_id"]])["counts"]
        assert counts == {segment["segment_id"]: len(shown)}
        with pytest.raises(Refused, match="permission_denied"):
            caller.call("delete_segment", segment["segment_id"])
