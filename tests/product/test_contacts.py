"""Contacts through the server, as browsers reach them."""

from __future__ import annotations

import pytest

from master_template.server_customers.contact_fields import (
    BLANK,
    EDITABLE,
    NOBODY,
    contact_rules,
)
from tests.product.studio import Refused, Studio

LONG_NAME = "José María de la Fuente y Rodríguez-Santamaría"


def contact(**changes: object) -> dict[str, object]:
    return {"first_name": "Ana", "last_name": "Silva", **changes}


def test_makes_a_contact_with_the_next_number(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        first = mia.call("create_contact", contact(email="Ana@Example.com", phone="082 555 0199"))
        second = mia.call("create_contact", contact(first_name=LONG_NAME))
    number = int(first["contact"]["contact_id"].removeprefix("C-"))
    assert second["contact"]["contact_id"] == f"C-{number + 1}"
    assert first["contact"]["email"] == "ana@example.com"
    assert first["contact"]["phone"] == "+27 82 555 0199"
    assert first["contact"]["currency"] == "ZAR"
    assert first["contact"]["lifecycle_stage"] == "new"
    assert second["contact"]["full_name"] == f"{LONG_NAME} Silva"


def test_a_field_is_declared_in_every_place() -> None:
    assert set(EDITABLE) == set(contact_rules("ZA")) == set(BLANK)
    assert set(BLANK) - {"source"} <= set(NOBODY)


def test_a_birthday_is_a_day_that_has_been(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        made = mia.call("create_contact", contact(birthday="1988-02-29"))["contact"]["contact_id"]
        kept = "SELECT birthday::text FROM app.contacts WHERE contact_id = %s"
        assert empty_studio.query(kept, made) == [("1988-02-29",)]
        for wrong in ("2999-01-01", "1788-02-29", "29.2.1988"):
            with pytest.raises(Refused) as refused:
                mia.call("create_contact", contact(birthday=wrong))
            assert wrong in refused.value.fields["birthday"]


def test_reports_every_wrong_field_at_once(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia, pytest.raises(Refused) as refused:
        mia.call("create_contact", {"first_name": " ", "email": "ana@", "phone": "12", "vip": 1})
    assert refused.value.code == "invalid"
    assert set(refused.value.fields) == {"first_name", "last_name", "email", "phone", "vip"}
    assert '"ana@"' in refused.value.fields["email"]


def test_refuses_an_email_that_another_contact_has(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        mia.call("create_contact", contact(email="twice@example.com"))
        with pytest.raises(Refused) as refused:
            mia.call("create_contact", contact(email="TWICE@example.com"))
        other = mia.call("create_contact", contact())["contact"]
        with pytest.raises(Refused) as refused_update:
            mia.call("update_contact", other["contact_id"], {"email": "twice@example.com"}, 1)
    assert refused.value.code == refused_update.value.code == "duplicate_email"
    assert set(refused.value.fields) == {"email"}


def test_keeps_a_contacts_own_email_on_update(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        made = mia.call("create_contact", contact(email="own@example.com"))["contact"]
        changes = {"email": "own@example.com", "company": "Own Ltd"}
        changed = mia.call("update_contact", made["contact_id"], changes, made["version"])
    assert changed["contact"]["company"] == "Own Ltd"
    assert changed["contact"]["version"] == made["version"] + 1


def test_does_not_overwrite_what_someone_else_saved_meanwhile(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia, empty_studio.person("olga") as olga:
        made = mia.call("create_contact", contact())["contact"]
        where = made["contact_id"], made["version"]
        olga.call("update_contact", where[0], {"company": "Olga's"}, where[1])
        with pytest.raises(Refused) as refused:
            mia.call("update_contact", where[0], {"company": "Mia's"}, where[1])
        assert refused.value.code == "edited_meanwhile"
        current = refused.value.answer["current"]
        assert current["company"] == "Olga's"
        saved = mia.call("update_contact", where[0], {"company": "Mia's"}, current["version"])
    assert saved["contact"]["company"] == "Mia's"


def test_an_update_without_changes_is_no_new_version(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        made = mia.call("create_contact", contact())["contact"]
        same = mia.call("update_contact", made["contact_id"], contact(), made["version"])
    assert same["contact"]["version"] == made["version"]


def test_a_deleted_contact_is_in_no_list_and_can_come_back(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        made = mia.call("create_contact", contact(last_name="Quagga", email="q@example.com"))
        contact_id = made["contact"]["contact_id"]
        mia.call("delete_contact", contact_id)
        assert mia.call("list_contacts", {"search": "quagga"})["total"] == 0
        assert mia.call("list_contacts", {"search": "quagga", "deleted": True})["total"] == 1
        with pytest.raises(Refused, match="not_found"):
            mia.call("update_contact", contact_id, {"company": "x"}, 2)
        # Its address is free for someone else, until it comes back.
        mia.call("create_contact", contact(email="q@example.com"))
        with pytest.raises(Refused, match="duplicate_email"):
            mia.call("restore_contact", contact_id)
        other = mia.call("list_contacts", {"search": "q@example.com"})["contacts"][0]
        mia.call("delete_contact", other["contact_id"])
        assert mia.call("restore_contact", contact_id)["contact"]["status"] == "lead"
        assert mia.call("list_contacts", {"search": "quagga"})["total"] == 1


def test_the_timeline_tells_visible_and_internal_events_apart(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        contact_id = mia.call("create_contact", contact())["contact"]["contact_id"]
        mia.call("add_note_to_contact", contact_id, "Prefers the window\nand the front row")
        mia.call("update_contact", contact_id, {"company": "New Ltd", "status": "customer"}, 1)
        visible = mia.call("get_contact_timeline", contact_id)
        everything = mia.call("get_contact_timeline", contact_id, visibility="all")
        notes = mia.call("get_contact_timeline", contact_id, event_types=["note"])
    assert [e["event_type"] for e in visible["timeline"]] == ["status_changed", "note", "created"]
    assert "updated" in [e["event_type"] for e in everything["timeline"]]
    assert notes["timeline"][0]["description"] == "Prefers the window\nand the front row"
    assert notes["timeline"][0]["author_name"] == "Mia Tester"


def test_the_timeline_comes_in_pages(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        contact_id = mia.call("create_contact", contact())["contact"]["contact_id"]
        for number in range(7):
            mia.call("log_contact_event", contact_id, "call", description=f"Call {number}")
        found = []
        while True:
            page = mia.call("get_contact_timeline", contact_id, offset=len(found), page_size=3)
            found += [event["description"] for event in page["timeline"]]
            if not page["has_more"]:
                break
    assert found == [*(f"Call {number}" for number in range(6, -1, -1)), "Added by hand"]


def test_a_person_cannot_log_what_only_happens_by_itself(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        contact_id = mia.call("create_contact", contact())["contact"]["contact_id"]
        with pytest.raises(Refused, match="invalid"):
            mia.call("log_contact_event", contact_id, "payment", description="Paid a lot")


def test_every_change_leaves_an_audit_entry(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        contact_id = mia.call("create_contact", contact())["contact"]["contact_id"]
        mia.call("update_contact", contact_id, {"company": "Audited"}, 1)
        mia.call("delete_contact", contact_id)
    found = empty_studio.query(
        "SELECT action, user_email, changes FROM app.audit_log WHERE resource_id = %s "
        "ORDER BY logged_at",
        contact_id,
    )
    assert [row[0] for row in found] == ["create", "update", "delete"]
    assert {row[1] for row in found} == {"mia@yogastudio.example"}
    assert found[1][2] == {"company": [None, "Audited"]}


@pytest.mark.parametrize("given", ["c-1", "1", 1, " C-1 "])
def test_finds_a_contact_by_any_spelling_of_its_number(studio: Studio, given: object) -> None:
    with studio.person("sam") as sam:
        assert sam.call("get_contact", given)["contact"]["contact_id"] == "C-1"


@pytest.mark.parametrize("given", ["C-0", "C-", "X-1", "", None, True, "1;--", [1]])
def test_refuses_what_is_no_contact_number(studio: Studio, given: object) -> None:
    with studio.person("sam") as sam, pytest.raises(Refused, match="invalid"):
        sam.call("get_contact", given)


def test_the_functions_of_the_reference_keep_names_arguments_and_answers(
    empty_studio: Studio,
) -> None:
    with empty_studio.person("mia") as mia:
        made = mia.call(
            "create_contact",
            contact_data=contact(last_name="Reference", notes="Likes tea", tags=["tea", "vip"]),
        )
        where = made["contact_id"]
        assert made["contact"]["internal_notes"] == "Likes tea"
        mia.call("update_contact", contact_id=where, updates={"company": "Tea Ltd"})
        note = mia.call("add_note_to_contact", contact_id=where, note_text="Called")
        empty_studio.query(
            "UPDATE app.contacts SET total_spent_cents = 12345, average_order_value_cents = 615 "
            "WHERE contact_id = %s",
            where,
        )
        found = mia.call("get_contact_by_id", contact_id=where)["contact"]
        listed = mia.call("get_all_contacts", {"tags": ["tea", "vip"], "search": "reference"})
        none = mia.call("get_all_contacts", filters={"tags": ["tea", "coffee"]})
        mia.call("delete_contact", contact_id=where)
    assert (found["total_spent"], found["average_order_value"]) == (123.45, 6.15)
    assert found["timeline"][0]["event_id"] == note["event_id"]
    assert [event["event_type"] for event in found["timeline"]] == ["note", "created"]
    (only,) = listed["contacts"]
    assert {"full_name", "email", "phone", "status", "total_transactions", "source"} <= set(only)
    assert (only["contact_id"], only["total_spent"]) == (where, 123.45)
    assert only["customer_since"] == only["date_added"]
    assert (listed["total"], listed["next"], none["total"]) == (1, None, 0)
