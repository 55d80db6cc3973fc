"""The record of consent: every change leaves an entry, and an entry is never changed."""

from __future__ import annotations

import psycopg
import pytest

from tests.product.studio import Caller, Refused, Studio


def make(caller: Caller, **changes: object) -> str:
    given = {"first_name": "Ana", "last_name": "Silva", **changes}
    contact_id = caller.call("create_contact", given)["contact"]["contact_id"]
    assert isinstance(contact_id, str)
    return contact_id


def history(caller: Caller, contact_id: str) -> list[tuple[bool, str, str]]:
    """Oldest first: given or taken back, by whom, how it is known."""
    found = caller.call("get_consent_history", contact_id)["consents"]
    return [(one["is_given"], one["given_by"], one["evidence"]) for one in reversed(found)]


def test_records_consent_and_that_it_was_taken_back(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        ana = make(mia, email="ana@consent.example")
        for is_given, evidence in ((True, "On the paper form"), (True, "x"), (False, "By phone")):
            mia.call("set_marketing_consent", ana, is_given, evidence)
        assert history(mia, ana) == [
            (True, "business", "On the paper form"),
            (False, "business", "By phone"),
        ]
        newest = mia.call("get_consent_history", ana, limit=1)["consents"]
        contact = mia.call("get_contact", ana)["contact"]
    assert contact["preferences"]["marketing_opt_in"] is False
    [entry] = newest
    assert entry["kind"] == "marketing" and entry["author_name"] == "Mia Tester"
    assert entry["email"] == "ana@consent.example" and entry["ip_address"] == "127.0.0.1"
    assert empty_studio.query(
        "SELECT count(*) FROM app.consents c JOIN app.contacts a ON a._id = c.contact "
        "WHERE a.contact_id = %s AND recorded_at > now() - interval '1 minute'",
        ana,
    ) == [(2,)]


def test_the_editor_and_an_import_leave_a_record_too(empty_studio: Studio) -> None:
    opted = {"marketing_opt_in": True}
    with empty_studio.person("mia") as mia:
        ana = make(mia, preferences=opted)
        mia.call("update_contact", ana, {"preferences": {"marketing_opt_in": False}}, 1)
        mia.call("update_contact", ana, {"preferences": {"channel": "phone"}}, 2)
        entered = "Entered with the contact"
        assert history(mia, ana) == [(True, "business", entered), (False, "business", entered)]
        assert history(mia, make(mia)) == []
        with empty_studio.uplink() as script:
            row = {"row": 2, "first_name": "Bo", "last_name": "Im", "preferences": opted}
            assert script.call("import_contacts", [row])["created"] == 1
        found = mia.call("list_contacts", {"search": "Bo Im"})["contacts"]
        assert history(mia, found[0]["contact_id"]) == [
            (True, "business", "Said by the imported file")
        ]


def test_carl_decides_for_himself(empty_studio: Studio) -> None:
    with empty_studio.person("carl") as carl:
        carl.call("set_my_marketing_consent", True)
        carl.call("set_my_marketing_consent", False)
    with empty_studio.person("mia") as mia:
        [own] = mia.call("list_contacts", {"search": "carl@yogastudio.example"})["contacts"]
        choice = "The person's own choice"
        assert history(mia, own["contact_id"]) == [
            (True, "person", choice),
            (False, "person", choice),
        ]


def test_an_address_that_is_not_confirmed_opens_nothing(empty_studio: Studio) -> None:
    confirm = "UPDATE app.users SET confirmed_email = %s WHERE role = 'customer'"
    with empty_studio.person("carl") as carl:
        empty_studio.query(confirm, False)
        try:
            for name, given in (("set_my_marketing_consent", True), ("export_my_data", "json")):
                with pytest.raises(Refused, match="not_confirmed"):
                    carl.call(name, given)
        finally:
            empty_studio.query(confirm, True)


def test_consent_without_a_reason_is_refused(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        ana = make(mia)
        for is_given, evidence in ((True, " "), (None, "said so"), ("yes", "said so")):
            with pytest.raises(Refused, match="invalid"):
                mia.call("set_marketing_consent", ana, is_given, evidence)
        assert history(mia, ana) == []


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ("'spam', true, now(), NULL", "consents_kind_known"),
        ("NULL, true, now(), NULL", "consents_kind_known"),
        ("'marketing', NULL, now(), NULL", "consents_is_complete"),
        ("'marketing', true, NULL, NULL", "consents_is_complete"),
        ("'terms', true, now(), NULL", "consents_text_has_a_version"),
    ],
)
def test_the_database_takes_no_half_entry(
    empty_studio: Studio, values: str, constraint: str
) -> None:
    statement = f"INSERT INTO app.consents (kind, is_given, recorded_at, version) VALUES ({values})"
    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        empty_studio.query(statement)
