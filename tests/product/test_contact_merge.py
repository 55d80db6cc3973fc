"""Duplicates: which contacts are likely one person, and how two become one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from master_template.server_customers import contact_duplicates, contact_merge
from tests.product.studio import Caller, Refused, Studio

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = yaml.safe_load((ROOT / "master_template" / "anvil.yaml").read_text())["db_schema"]
CONSTRAINTS = yaml.safe_load((ROOT / "master_template" / "constraints.yaml").read_text())


def make(caller: Caller, **changes: Any) -> str:
    given = {"first_name": "Ana", "last_name": "Silva", **changes}
    contact_id: str = caller.call("create_contact", given)["contact_id"]
    return contact_id


def links() -> list[tuple[str, str]]:
    return [
        (table, column["name"])
        for table, spec in SCHEMA.items()
        for column in spec["columns"]
        if column.get("target") == "contacts"
    ]


def test_what_may_never_change_stays_and_what_is_one_of_a_kind_is_known() -> None:
    for table, _ in links():
        rules = CONSTRAINTS.get(table, {})
        if rules.get("append_only"):
            assert table in contact_merge.STAYING, f"{table} cannot be handed over"
        for unique in rules.get("unique", []):
            names = {name.split("(")[-1].rstrip(")") for name in unique["columns"]}
            if names & {"contact", "contact_number"} and table != "contacts":
                known = {*contact_merge.STAYING, *contact_merge.ONE_OF_A_KIND}
                assert table in known, f"two contacts may collide in {table}"


def test_everything_that_links_to_the_other_one_is_handed_over(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        keep = make(mia, email="keep@example.com", phone="082 555 0001", tags=["a"])
        other = make(
            mia,
            email="other@example.com",
            company="Other Ltd",
            tags=["a", "b"],
            internal_notes="Likes tea",
        )
        mia.call("add_note_to_contact", other, "A note of the other one")
        columns = {
            table: [name for linked, name in links() if linked == table and name != "merged_into"]
            for table, _ in links()
            if table not in (*contact_merge.STAYING, "contacts")
        }
        for table, names in columns.items():
            link_a_row(empty_studio, table, names, other)
        preview = mia.call("preview_merge", keep, other)
        assert preview["moves"]["contact_events"] == 3
        assert set(preview["moves"]) == set(columns)
        assert [each["field"] for each in preview["fields"]] == ["email"]
        empty_studio.query(
            "UPDATE app.contacts SET total_spent_cents = 1000, total_transactions = 2, currency = "
            "'ZAR' WHERE contact_id = ANY(%s)",
            [keep, other],
        )
        kept = mia.call("merge_contacts", keep, other)["contact"]
    assert (kept["email"], kept["company"]) == ("keep@example.com", "Other Ltd")
    assert (kept["tags"], kept["internal_notes"]) == (["a", "b"], "Likes tea")
    assert (kept["total_spent_cents"], kept["total_transactions"]) == (2000, 4)
    assert kept["average_order_value_cents"] == 500
    for table, names in columns.items():
        for name in names:
            left = empty_studio.query(
                f"SELECT 1 FROM app.{table} JOIN app.contacts c ON c._id = {table}.{name} "
                "WHERE c.contact_id = %s",
                other,
            )
            assert left == [], f"{table}.{name}"
    numbers = "SELECT DISTINCT contact_number FROM app.contact_events WHERE contact_number = %s"
    assert empty_studio.query(numbers, int(other.removeprefix("C-"))) == []
    with empty_studio.person("mia") as mia:
        gone = mia.call("get_contact", other)["contact"]
        assert (gone["merged_into"], gone["email"], gone["phone"]) == (keep, None, None)
        with pytest.raises(Refused, match="merged"):
            mia.call("restore_contact", other)
        notes = mia.call("get_contact_timeline", keep, event_types=["note"])["timeline"]
        assert notes[0]["description"] == "A note of the other one"
        assert mia.call("list_contacts", {"deleted": True, "search": "merged"})["total"] == 0
    entries = empty_studio.query(
        "SELECT action, details FROM app.audit_log WHERE resource_id = %s AND action = 'merge'",
        keep,
    )
    assert entries[0][1]["merged"] == other


def link_a_row(studio: Studio, table: str, columns: list[str], contact_id: str) -> None:
    """Make a row with nothing but links to this contact, whatever else the table asks for."""
    for (name,) in studio.query(
        "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass",
        f"app.{table}",
    ):
        studio.query(f'ALTER TABLE app.{table} DROP CONSTRAINT "{name}"')
    names = ", ".join(columns)
    values = ", ".join(["(SELECT _id FROM app.contacts WHERE contact_id = %s)"] * len(columns))
    if any(column["name"] == "contact_number" for column in SCHEMA[table]["columns"]):
        names += ", contact_number"
        values += f", {contact_id.removeprefix('C-')}"
    studio.query(
        f"INSERT INTO app.{table} ({names}) VALUES ({values})", *[contact_id] * len(columns)
    )


def test_what_is_chosen_counts_and_the_address_may_be_the_others(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        keep = make(mia, email="first@example.com", company="First", internal_notes="One")
        other = make(mia, email="second@example.com", company="Second", internal_notes="Two")
        choices = {"email": "merge", "company": "merge", "internal_notes": "both"}
        with pytest.raises(Refused, match="invalid"):
            mia.call("merge_contacts", keep, other, {"company": "both"})
        with pytest.raises(Refused, match="edited_meanwhile"):
            mia.call("merge_contacts", keep, other, choices, keep_version=7)
        kept = mia.call("merge_contacts", keep, other, choices, 1, 1)["contact"]
        assert (kept["email"], kept["company"]) == ("second@example.com", "Second")
        assert kept["internal_notes"] == "One\n\nTwo"
        for pair in ((keep, keep), (keep, other), (other, keep), (keep, "C-99999")):
            with pytest.raises(Refused, match="invalid|not_found"):
                mia.call("merge_contacts", *pair)


@pytest.mark.parametrize(
    ("kept", "other", "expected"),
    [(True, "never", True), (True, "withdrawn", False), (False, "given", False)],
)
def test_a_no_to_marketing_stays_a_no(
    empty_studio: Studio, kept: bool, other: str, expected: bool
) -> None:
    agreed = {"preferences": {"marketing_opt_in": True}}
    with empty_studio.person("mia") as mia:
        name = f"{kept}.{other}".lower()
        keep = make(mia, email=f"k.{name}@example.com", **(agreed if kept else {}))
        merge = make(mia, email=f"m.{name}@example.com", **({} if other == "never" else agreed))
        if other == "withdrawn":
            mia.call("update_contact", merge, {"preferences": {"marketing_opt_in": False}})
        assert mia.call("preview_merge", keep, merge)["is_opted_in"] is expected
        contact = mia.call("merge_contacts", keep, merge)["contact"]
        history = mia.call("get_consent_history", keep)
    assert contact["preferences"]["marketing_opt_in"] is expected
    assert len(history["consents"]) >= (0 if other == "never" and not kept else 1)


def test_finds_the_same_person_in_other_spellings(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        first = make(mia, first_name="Zoë", last_name="Quist", email="zoe.quist@gmail.com")
        second = make(mia, first_name="Z", last_name="Q", email="zoequist+shop@googlemail.com")
        third = make(mia, first_name="Zoe", last_name="Quist", phone="082 555 7777")
        fourth = make(mia, first_name="Bo", last_name="Li", phone="+27825557777")
        groups = mia.call("find_duplicates", page_size=50)["groups"]
        found = [
            (group["reasons"], [each["contact_id"] for each in group["contacts"]])
            for group in groups
        ]
        assert (["email", "phone", "name"], [first, second, third, fourth]) in found
        likely = mia.call("find_duplicates_of", third)["contacts"]
        assert {(each["contact_id"], *each["reasons"]) for each in likely} == {
            (first, "name"),
            (fourth, "phone"),
        }
        mia.call("delete_contact", fourth)
        mia.call("merge_contacts", first, second)
        mia.call("merge_contacts", first, third)
        everyone = mia.call("find_duplicates", page_size=50)["groups"]
    ids = {each["contact_id"] for group in everyone for each in group["contacts"]}
    assert not {first, second, third, fourth} & ids


def test_two_people_stay_two_whatever_they_share(empty_studio: Studio) -> None:
    pairs = "SELECT contact_number, other_number FROM app.duplicate_dismissals ORDER BY 1, 2"
    with empty_studio.person("mia") as mia:
        ids = [make(mia, first_name="Ruy", last_name="Dinis") for _ in range(4)]
        first, second, third, fourth = ids
        numbers = [int(each.removeprefix("C-")) for each in ids]

        def shown() -> list[list[str]]:
            groups = mia.call("find_duplicates", page_size=50)["groups"]
            found = [[each["contact_id"] for each in group["contacts"]] for group in groups]
            return [group for group in found if {*group} & {*ids}]

        assert shown() == [ids]
        assert mia.call("dismiss_duplicates", [third, first, second])["dismissed"] == 3
        assert mia.call("dismiss_duplicates", [first, third])["dismissed"] == 0
        likely = mia.call("find_duplicates_of", first)["contacts"]
        assert [each["contact_id"] for each in likely] == [fourth]
        assert shown() == [ids]  # The fourth may still be any of them.
        assert mia.call("dismiss_duplicates", [fourth, first, second])["dismissed"] == 2
        assert shown() == [[third, fourth]]
        assert mia.call("preview_merge", third, fourth)["is_dismissed"] is False
        assert mia.call("preview_merge", second, first)["is_dismissed"] is True
        # What was said of the one that goes holds for the one that stays.
        mia.call("merge_contacts", fourth, third)
        assert shown() == []
        kept = [numbers[0], numbers[1], numbers[3]]
        assert empty_studio.query(pairs) == [
            (kept[0], kept[1]), (kept[0], kept[2]), (kept[1], kept[2])
        ]  # fmt: skip
        mia.call("merge_contacts", first, second)
        assert empty_studio.query(pairs) == [(kept[0], kept[2])]
        assert mia.call("restore_duplicates", [fourth, first])["restored"] == 1
        assert shown() == [[first, fourth]]
        mia.call("dismiss_duplicates", [first, fourth])
        mia.call("erase_contact", fourth)
        assert empty_studio.query(pairs) == []
        for wrong in ([first], [first, first], [first, "C-99999"]):
            with pytest.raises(Refused, match="invalid|not_found"):
                mia.call("dismiss_duplicates", wrong)


def test_a_number_of_many_is_no_sign() -> None:
    crowd = [
        {"number": number, "email": None, "phone": "+27 21 555 0000", "sort_name": f"x y{number}"}
        for number in range(9)
    ]
    assert contact_duplicates.group_duplicates(crowd) == []
    assert contact_duplicates.group_duplicates(crowd[:8]) == [([*range(8)], ["phone"])]
    apart = {(0, number) for number in range(1, 8)}
    assert contact_duplicates.group_duplicates(crowd[:8], apart) == [([*range(1, 8)], ["phone"])]
