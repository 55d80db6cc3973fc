"""Erasing a person: what goes, what stays without a name, and that nothing is forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from master_template.server_privacy.erasure_rules import RULES
from master_template.server_privacy.person_rows import (
    NOT_ABOUT_PEOPLE,
    REFERENCES,
    ROOTS,
    holds_email,
    is_about,
)
from master_template.server_shared.table_walk import Column
from tests.product.studio import Caller, Refused, Studio

ROOT = Path(__file__).resolve().parents[2]


def make(caller: Caller, **changes: object) -> str:
    given = {"first_name": "Ana", "last_name": "Silva", **changes}
    contact_id = caller.call("create_contact", given)["contact"]["contact_id"]
    assert isinstance(contact_id, str)
    return contact_id


def everything(studio: Studio) -> str:
    """Every row of every table, as text."""
    tables = studio.query("SELECT tablename FROM pg_tables WHERE schemaname = 'app'")
    return "\n".join(
        str(line)
        for (table,) in tables
        for line in studio.query(f'SELECT row_to_json(t)::text FROM app."{table}" t')
    )


def about_people(db_schema: dict[str, Any]) -> set[str]:
    """The tables that may hold something about a person, as the walk of an export finds them."""
    columns = {
        table: [Column(one["name"], one["type"], one.get("target", "")) for one in spec["columns"]]
        for table, spec in db_schema.items()
        if table not in NOT_ABOUT_PEOPLE
    }
    found = {
        table
        for table, own in columns.items()
        if any((one.target in ROOTS and is_about(one)) or holds_email(one) for one in own)
    }
    found |= {*ROOTS, *REFERENCES}
    while True:
        more = {
            table
            for table, own in columns.items()
            if any(one.target in found and is_about(one) for one in own)
        }
        if more <= found:
            return found
        found |= more


def test_every_table_about_people_has_a_rule() -> None:
    manifest = yaml.safe_load((ROOT / "master_template" / "anvil.yaml").read_text())
    found = about_people(manifest["db_schema"])
    assert found == set(RULES)


def test_the_walk_sees_a_table_without_a_rule() -> None:
    manifest = yaml.safe_load((ROOT / "master_template" / "anvil.yaml").read_text())
    link = {"name": "buyer", "type": "link_single", "target": "contacts"}
    child = {"name": "beads", "type": "link_multiple", "target": "beads"}
    author = {"name": "created_by", "type": "link_single", "target": "users"}
    schema = manifest["db_schema"] | {
        "beads": {"columns": [link]},
        "strings": {"columns": [child]},
        "news": {"columns": [author]},
    }
    assert about_people(schema) - set(RULES) == {"beads", "strings"}


def test_erases_someone_who_never_paid(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        ana = make(
            mia,
            first_name="Quintessa",
            email="quintessa@erase.example",
            phone="082 555 0177",
            preferences={"marketing_opt_in": True},
        )
        other = make(mia, first_name="Stays")
        mia.call("add_note_to_contact", ana, "Quintessa likes mornings")
        mia.call("update_contact", ana, {"company": "Quintessa Ltd"}, 1)
        answer = mia.call("erase_contact", ana)
        assert answer["kept_for_tax"] is False
        with pytest.raises(Refused, match="not_found"):
            mia.call("get_contact", ana)
        assert mia.call("get_contact", other)["contact"]["first_name"] == "Stays"
        assert mia.call("get_contact_timeline", other, visibility="all")["total"] == 1
    left = everything(empty_studio)
    assert "Stays" in left
    for trace in ("quintessa", "Quintessa", "555 0177"):
        assert trace not in left, trace
    entries = empty_studio.query(
        "SELECT action, user_email, changes::text, details::text FROM app.audit_log "
        "WHERE resource_id = %s ORDER BY logged_at",
        ana,
    )
    assert [action for action, _, _, _ in entries] == ["create", "add_note", "update", "erase"]
    assert {who for _, who, _, _ in entries} == {"mia@yogastudio.example"}
    assert '"company": "erased"' in entries[2][2]
    assert '"contact_events": 3' in entries[3][3] and '"consents": 1' in entries[3][3]


def test_keeps_the_sums_of_someone_who_paid(studio: Studio) -> None:
    [(ana, name, email, spent)] = studio.query(
        "SELECT contact_id, first_name, email, total_spent_cents FROM app.contacts "
        "WHERE total_transactions > 1 AND email IS NOT NULL ORDER BY number LIMIT 1"
    )
    count = "SELECT count(*), sum((event_data->>'amount_cents')::float)::bigint "
    count += "FROM app.contact_events WHERE event_type = 'payment'"
    before = studio.query(count)
    with studio.person("mia") as mia:
        mia.call("add_note_to_contact", ana, f"{name} is a friend")
        assert mia.call("erase_contact", ana)["kept_for_tax"] is True
        kept = mia.call("get_contact", ana)["contact"]
        assert (kept["full_name"], kept["email"], kept["tags"]) == ("Erased contact", None, [])
        assert kept["total_spent_cents"] == spent > 0
        events = mia.call("get_contact_timeline", ana, visibility="all")["timeline"]
        assert {event["description"] for event in events} == {"Payment"}
        for name_of_call in ("restore_contact", "erase_contact"):
            with pytest.raises(Refused, match="erased"):
                mia.call(name_of_call, ana)
        assert mia.call("list_contacts", {"search": email})["contacts"] == []
        found = mia.call("list_contacts", {"search": ana})["contacts"]
        assert ana not in [one["contact_id"] for one in found]
    assert studio.query(count) == before
    assert email not in everything(studio)


def test_a_customers_account_goes_and_its_session_with_it(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia, empty_studio.uplink() as script:
        script.call(
            "add_staff_user",
            email="dora@yogastudio.example",
            password="correct horse battery",
            first_name="Dora",
            last_name="Vanish",
            role="customer",
        )
        contact_id = make(mia, first_name="Dora", email="dora@yogastudio.example")
        with empty_studio.person("dora") as dora:
            dora.call("set_my_marketing_consent", True)
            dora.call("export_my_data", "json")
            answer = mia.call("erase_contact", contact_id)
            assert answer["tables"]["users"] == 1
            with pytest.raises(Refused, match="not_authenticated"):
                dora.call("export_my_data", "json")
    left = everything(empty_studio)
    assert "dora@" not in left and "Vanish" not in left


def test_someone_who_works_here_is_not_erased(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        contact_id = make(mia, first_name="Sam", email="sam@yogastudio.example")
        before = everything(empty_studio)
        with pytest.raises(Refused, match="works_here"):
            mia.call("erase_contact", contact_id)
    assert everything(empty_studio) == before
