"""Managers of a part of the business: what they see, and that nothing shows them the rest."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from master_template.server_customers.contact_fields import ContactId
from master_template.server_customers.segment_members import SegmentId
from tests.product import importing
from tests.product.studio import DOMAIN, PASSWORD, Caller, Studio
from tests.product.test_contact_exports import content, export
from tests.product.walking import arguments, everything_stored, leaves, put, specs

MARK = "Quxwort"  # A name that stands in no other text.
_numbers = itertools.count(1)
ENDS_THE_TEST = {"log_out", "change_password", "log_in", "accept_invitation"}


def scope(**parts: Any) -> dict[str, Any]:
    empty = {"locations": [], "customer_tags": [], "customers": [], "staff": []}
    return {"can_manage_all": False, **empty, **parts}


def people(caller: Caller) -> dict[str, dict[str, Any]]:
    found = caller.call("list_users", page_size=100)["users"]
    return {user["email"].split("@")[0]: user for user in found}


def give(studio: Studio, who: str, wanted: dict[str, Any]) -> dict[str, Any]:
    with studio.person("olga") as olga:
        user = people(olga)[who]
        answer = olga.call("change_user_scope", user["user_id"], wanted, user["version"])
        found: dict[str, Any] = answer["user"]
        return found


def contact(caller: Caller, name: str, **more: Any) -> str:
    values = {"first_name": name, "last_name": MARK, "email": f"{name.lower()}@quxwort.example"}
    made = caller.call("create_contact", {**values, **more})["contact"]["contact_id"]
    return str(made)


@pytest.fixture(scope="module")
def contacts(empty_studio: Studio) -> dict[str, str]:
    """One contact for each way into a scope, and one that is outside of all of them."""
    with empty_studio.uplink() as script:
        person = {"first_name": "Ada", "last_name": "Admin", "password": PASSWORD}
        script.call("add_staff_user", email=f"ada@{DOMAIN}", role="admin", **person)
    with empty_studio.person("ada") as ada:
        by_ada = contact(ada, "Byada")
    with empty_studio.person("olga") as olga:
        return {
            "ada": by_ada,
            "tagged": contact(olga, "Tagged", tags=["vip", "yin"]),
            "town": contact(olga, "Town", address={"city": "Paarl"}),
            "named": contact(olga, "Named"),
            "outside": contact(olga, "Outside", tags=["yang"], address={"city": "Cape Town"}),
        }


@pytest.fixture(autouse=True)
def everyone_sees_all(empty_studio: Studio) -> Iterator[None]:
    yield
    empty_studio.query("UPDATE app.users SET scope = NULL")


def seen(caller: Caller) -> set[str]:
    return {c["contact_id"] for c in caller.call("list_contacts")["contacts"]}


def test_each_part_of_a_scope_opens_its_contacts(
    empty_studio: Studio, contacts: dict[str, str]
) -> None:
    ways: list[tuple[dict[str, Any], set[str]]] = [
        ({}, set()),
        ({"customer_tags": ["vip"]}, {"tagged"}),
        ({"locations": ["Paarl"]}, {"town"}),
        ({"customers": [contacts["named"]]}, {"named"}),
        ({"customers": [contacts["named"]], "locations": ["Paarl"]}, {"named", "town"}),
    ]
    with empty_studio.person("olga") as olga:
        ada = people(olga)["ada"]["user_id"]
    ways.append(({"staff": [ada]}, {"ada"}))
    for parts, names in ways:
        give(empty_studio, "mia", scope(**parts))
        expected = {contacts[name] for name in names}
        with empty_studio.person("mia") as mia:
            assert seen(mia) == expected, parts
            assert mia.call("list_contacts")["total"] == len(expected)
            for name, contact_id in contacts.items():
                for call in ("get_contact", "get_contact_timeline", "get_consent_history"):
                    answer = mia.answer(call, contact_id)
                    assert answer["success"] == (name in names), (call, name)
            activity = mia.call("get_recent_activity")["activity"]
            assert {event["contact_id"] for event in activity} == expected
    give(empty_studio, "mia", {"can_manage_all": True})
    with empty_studio.person("mia") as mia:
        assert seen(mia) >= set(contacts.values())


def test_files_neither_show_nor_change_who_is_outside(
    empty_studio: Studio, contacts: dict[str, str]
) -> None:
    everybody = {"contact_ids": [contacts["tagged"], contacts["outside"]]}
    data = (
        b"First name,Last name,E-mail,Company\n"
        b"Tagged,Quxwort,tagged@quxwort.example,Taken over\n"
        b"Outside,Quxwort,outside@quxwort.example,Taken over\n"
        b"Fresh,Quxwort,fresh@quxwort.example,Their own\n"
    )
    companies = "SELECT contact_id, company FROM app.contacts WHERE company IS NOT NULL"

    def exported(caller: Caller, selection: dict[str, Any]) -> set[str]:
        ready = export(caller, selection, columns=["contact_id"], format="json")
        return {each["contact_id"] for each in json.loads(content(caller, ready["export_id"]))}

    with empty_studio.person("olga") as olga:
        assert exported(olga, everybody) == set(everybody["contact_ids"]), "the control"
    give(empty_studio, "mia", scope(customer_tags=["vip"]))
    with empty_studio.person("mia") as mia:
        assert exported(mia, everybody) == {contacts["tagged"]}
        assert exported(mia, {"query": {}}) == {contacts["tagged"]}
        done = importing.bring_in(mia, data, on_duplicate="overwrite")
        assert done["counts"] == {"updated": 1, "created": 1, "refused": 1}
        refused = importing.problems(mia, done["import_id"])
        assert "outside@quxwort.example" in refused
        assert contacts["outside"] not in refused
        [fresh] = mia.call("list_contacts", {"search": "fresh@quxwort"})["contacts"]
        assert seen(mia) == {contacts["tagged"], fresh["contact_id"]}
    found = dict(empty_studio.query(companies))
    assert found == {contacts["tagged"]: "Taken over", fresh["contact_id"]: "Their own"}
    # What was exported or imported before stays with who asked for it.
    with empty_studio.person("olga") as olga:
        answer = olga.answer("get_contact_import", done["import_id"])
        assert answer["success"]
    give(empty_studio, "mia", scope())
    empty_studio.query(
        "DELETE FROM app.contact_events WHERE contact IN "
        "(SELECT _id FROM app.contacts WHERE company = 'Their own')"
    )
    empty_studio.query("UPDATE app.contacts SET deleted_at = now() WHERE company = 'Their own'")
    empty_studio.query("UPDATE app.contacts SET company = NULL")


def test_what_one_enters_oneself_one_sees(empty_studio: Studio, contacts: dict[str, str]) -> None:
    give(empty_studio, "mia", scope())
    with empty_studio.person("mia") as mia:
        own = contact(mia, "Own")
        assert seen(mia) == {own}
        dashboard = mia.call("get_dashboard")
        assert {event["contact_id"] for event in dashboard["activity"]} == {own}
    empty_studio.query("UPDATE app.contacts SET deleted_at = now() WHERE contact_id = %s", own)


def test_counts_on_the_dashboard_are_those_of_the_scope(
    empty_studio: Studio, contacts: dict[str, str]
) -> None:
    empty_studio.query(
        "INSERT INTO app.tasks (title, contact, task_type, status, due_date)"
        " SELECT 'Call', _id, 'custom', 'pending', '2026-01-01' FROM app.contacts"
        " WHERE deleted_at IS NULL"
    )

    def figures(who: str) -> Any:
        if who == "mia":
            # What an earlier test looked at moments ago is not worked out anew so soon.
            empty_studio.query("DELETE FROM app.dashboard_cache WHERE scope_key <> 'all'")
        with empty_studio.person(who) as caller:
            metrics = caller.call("get_dashboard", refresh=True)["metrics"]
            return {name: metrics[name]["figures"] for name in ("contacts", "tasks")}

    whole = figures("olga")
    assert whole["contacts"]["total"] >= len(contacts)
    give(empty_studio, "mia", scope(customer_tags=["vip"]))
    part = figures("mia")
    assert part["contacts"]["total"] == part["contacts"]["new"] == 1
    assert whole["tasks"]["overdue"] >= len(contacts) and part["tasks"]["overdue"] == 1
    assert figures("olga") == whole, "each scope has figures of its own"
    give(empty_studio, "mia", scope())
    nothing = figures("mia")
    assert nothing["contacts"]["total"] == nothing["tasks"]["overdue"] == 0
    empty_studio.query("DELETE FROM app.tasks")


def test_an_address_outside_is_not_named(empty_studio: Studio, contacts: dict[str, str]) -> None:
    give(empty_studio, "mia", scope())
    taken = {"first_name": "A", "last_name": "B", "email": "outside@quxwort.example"}
    with empty_studio.person("mia") as mia:
        answer = mia.answer("create_contact", taken)
        assert answer["code"] == "duplicate_email"
        assert MARK not in str(answer) and contacts["outside"] not in str(answer)
    with empty_studio.person("olga") as olga:
        assert MARK in str(olga.answer("create_contact", taken))


def lists_by_hand(studio: Studio, contact_id: str) -> list[str]:
    """Two segments that are filled by hand: an empty one, and one that holds this contact."""
    with studio.person("olga") as olga:
        made: list[str] = []
        for _ in range(2):
            values = {"segment_name": f"Chosen {next(_numbers)}", "segment_type": "static"}
            made.append(olga.call("create_segment", values)["segment_id"])
        empty, holding = made
        assert olga.call("add_contacts_to_segment", holding, [contact_id])["changed"] == 1
    return [empty, holding]


def test_a_list_by_hand_takes_and_loses_only_contacts_inside(
    empty_studio: Studio, contacts: dict[str, str]
) -> None:
    both = [contacts["named"], contacts["outside"]]
    empty, holding = lists_by_hand(empty_studio, contacts["outside"])
    with empty_studio.person("olga") as olga:
        olga.call("add_contacts_to_segment", holding, both)
    give(empty_studio, "mia", scope(customers=[contacts["named"]]))
    with empty_studio.person("mia") as mia:
        assert mia.call("add_contacts_to_segment", empty, both)["changed"] == 1
        assert mia.call("remove_contacts_from_segment", holding, both)["changed"] == 1
    with empty_studio.person("olga") as olga:
        for segment_id, name in ((empty, "named"), (holding, "outside")):
            held = olga.call("get_segment_contacts", segment_id)["contacts"]
            assert [each["contact_id"] for each in held] == [contacts[name]]


@pytest.mark.parametrize("who", ["mia", "ada", "sam"])
def test_no_callable_gives_or_changes_a_contact_outside(
    empty_studio: Studio, contacts: dict[str, str], who: str
) -> None:
    """Every callable, called with the id of a contact outside wherever one goes."""
    give(empty_studio, who, scope(customers=[contacts["named"]]))
    outside = contacts["outside"]
    number = int(outside.removeprefix("C-"))

    def stored() -> list[Any]:
        return [
            empty_studio.query("SELECT t::text FROM app.contacts t WHERE number = %s", number),
            empty_studio.query(
                "SELECT t::text FROM app.contact_events t WHERE contact_number = %s ORDER BY 1",
                number,
            ),
        ]

    segments = lists_by_hand(empty_studio, outside)
    before = stored()
    called = 0
    with empty_studio.person(who) as caller:
        for name, spec in sorted(specs().items()):
            if name in ENDS_THE_TEST:
                continue
            given = arguments(spec)
            found = [each for at, rule in spec.takes.items() for each in leaves(rule, (at,))]
            contact_paths = [path for path, leaf in found if isinstance(leaf, ContactId)]
            segment_paths = [path for path, leaf in found if isinstance(leaf, SegmentId)]
            # Where two contacts go, each of them in turn is the one outside.
            lists = segments if contact_paths and segment_paths else [""]
            for outside_path, segment_id in itertools.product(contact_paths or [()], lists):
                for path in contact_paths:
                    put(given, path, outside if path == outside_path else contacts["named"])
                for path in segment_paths if segment_id else []:
                    put(given, path, segment_id)
                answer = caller.answer(name, **given)
                text = str({**answer, "echo": None})
                assert f"Outside {MARK}" not in text and "outside@quxwort" not in text, name
                if contact_paths:
                    called += 1
                    refusal = answer.get("code")
                    assert refusal in ("not_found", "permission_denied"), (name, answer)
        for search in ("Outside", MARK, outside, "outside@quxwort.example"):
            answer = caller.answer("list_contacts", {"search": search})
            assert f"Outside {MARK}" not in str(answer)
    assert called >= 10
    assert stored() == before


def test_the_walk_finds_what_it_looks_for(empty_studio: Studio, contacts: dict[str, str]) -> None:
    """The control: without a scope the same calls do show the contact."""
    with empty_studio.person("mia") as mia:
        assert MARK in str(mia.answer("get_contact", contacts["outside"]))
        assert "Outside" in str(mia.answer("list_contacts", {"search": "Outside"}))


def test_who_sees_a_part_cannot_see_or_change_the_whole(
    empty_studio: Studio, contacts: dict[str, str]
) -> None:
    with empty_studio.person("olga") as olga:
        known = people(olga)
    give(empty_studio, "mia", scope(staff=[known["sam"]["user_id"]]))
    with empty_studio.person("mia") as mia:
        me = mia.call("get_config")["user"]
        assert "settings.view" not in me["permissions"]
        answer = mia.call("list_users")
        assert answer["is_restricted"] and answer["roles_to_give"] == []
        found = people(mia)
        assert {name for name, user in found.items() if user["may_change"]} == {"sam"}
        before = everything_stored(empty_studio)
        sam, ada, own = found["sam"], found["ada"], found["mia"]
        attempts: list[tuple[str, list[Any], str]] = [
            ("change_user_access", [sam["user_id"], "staff", {}, sam["version"]], "restricted"),
            ("change_user_access", [ada["user_id"], "staff", {}, ada["version"]], "not_below"),
            ("change_user_scope", [sam["user_id"], scope(), sam["version"]], "restricted"),
            (
                "change_user_scope",
                [own["user_id"], {"can_manage_all": True}, own["version"]],
                "own_access",
            ),
            ("remove_user", [sam["user_id"]], "restricted"),
            ("suspend_user", [ada["user_id"]], "not_below"),
            ("invite_user", ["friend@example.com", "staff", {}], "restricted"),
        ]
        for call, given, code in attempts:
            assert mia.answer(call, *given)["code"] == code, call
        assert everything_stored(empty_studio) == before
        assert mia.call("suspend_user", sam["user_id"])["user"]["status"] == "suspended"
        assert mia.call("reactivate_user", sam["user_id"])["user"]["status"] == "active"


def test_what_is_wrong_with_a_scope_is_said_at_its_field(
    empty_studio: Studio, contacts: dict[str, str]
) -> None:
    with empty_studio.person("olga") as olga:
        user = people(olga)["mia"]
        for wanted, field in (
            (scope(customers=["C-99999"]), "scope.customers"),
            (scope(staff=["[1,99999]"]), "scope.staff"),
            ({"locations": []}, "can_manage_all"),
            (scope(locations=["x" * 101]), "locations"),
        ):
            answer = olga.answer("change_user_scope", user["user_id"], wanted, user["version"])
            assert (answer["code"], answer["field"]) == ("invalid", field)
        answer = olga.answer("change_user_scope", user["user_id"], scope(), user["version"] + 1)
        assert answer["code"] == "edited_meanwhile"
