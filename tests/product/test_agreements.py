"""Agreeing to the terms and the privacy policy, at sign-up and when a text has changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.product.customers import AGREED, CONTACTS, customer, make_contact, make_customer
from tests.product.mailbox import deliver_mail
from tests.product.studio import PASSWORD, Caller, Refused, Studio

ENTRIES = (
    "SELECT kind, is_given, version, given_by, ip_address FROM app.consents "
    "WHERE email = %s ORDER BY kind"
)


def sign_up(caller: Caller, email: str, **changes: Any) -> dict[str, Any]:
    given = {"first_name": "Nia", "last_name": "Achieng", "agreed": AGREED, **changes}
    return caller.answer("sign_up", email=email, password=PASSWORD, **given)


def confirm(studio: Studio, email: str) -> None:
    """Open the link in the message that asks whether the address is theirs."""
    deliver_mail(studio)
    answer = studio.server.client.get(studio.link_in_mail(email), follow_redirects=True)
    assert answer.status_code == 200
    confirmed = "SELECT confirmed_email FROM app.users WHERE email = %s"
    assert studio.query(confirmed, email) == [(True,)]


def history(studio: Studio, contact_id: str) -> list[tuple[str, bool, str | None]]:
    """What staff see of a contact's consents, oldest first."""
    with studio.person("mia") as mia:
        found = mia.call("get_consent_history", contact_id)["consents"]
    return [(one["kind"], one["is_given"], one["version"]) for one in reversed(found)]


def test_signing_up_goes_on_record_with_the_versions(empty_studio: Studio) -> None:
    nia = "nia@agree.example"
    with empty_studio.person() as caller:
        assert caller.call("get_agreement_texts") == {"success": True, "versions": AGREED}
        assert sign_up(caller, nia) == {"success": True, "confirm": True}
    assert empty_studio.query(ENTRIES, nia) == [
        ("privacy_policy", True, AGREED["privacy_policy"], "person", "127.0.0.1"),
        ("terms", True, AGREED["terms"], "person", "127.0.0.1"),
    ]
    confirm(empty_studio, nia)
    with customer(empty_studio, nia) as caller:
        [(own,)] = empty_studio.query(CONTACTS, nia)
        assert caller.call("get_my_dashboard")["outstanding"] == {}
        assert len(caller.call("get_my_account")["consents"]) == 2
    kinds = [kind for kind, _, _ in history(empty_studio, own)]
    assert sorted(kinds) == ["privacy_policy", "terms"]


@pytest.mark.parametrize(
    "agreed",
    [
        None,
        {},
        {"terms": AGREED["terms"]},
        {**AGREED, "terms": "0"},
        {**AGREED, "marketing": "1"},
        {**AGREED, "terms": True},
        "terms",
        ["terms", "privacy_policy"],
    ],
)
def test_nobody_signs_up_without_agreeing_to_what_holds_now(
    empty_studio: Studio, agreed: Any
) -> None:
    before = empty_studio.query("SELECT count(*) FROM app.users")
    with empty_studio.person() as caller:
        answer = sign_up(caller, "no@agree.example", agreed=agreed)
    assert answer["code"] == "invalid" and set(answer["fields"]) == {"agreed"}
    assert empty_studio.query("SELECT count(*) FROM app.users") == before
    assert empty_studio.query(ENTRIES, "no@agree.example") == []


def test_an_address_with_an_account_gets_no_entry_from_a_stranger(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    with empty_studio.person() as stranger:
        assert sign_up(stranger, nia, marketing=True) == {"success": True, "confirm": True}
        assert sign_up(stranger, nia, agreed=None)["code"] == "invalid"
    assert empty_studio.query(ENTRIES, nia) == []
    with customer(empty_studio, nia) as caller:
        assert caller.call("get_my_account")["is_opted_in"] is False


def test_marketing_counts_once_the_address_is_known_to_be_theirs(empty_studio: Studio) -> None:
    nia = "opted@agree.example"
    with empty_studio.person("mia") as mia:
        known = make_contact(mia, email=nia)
    with empty_studio.person() as caller:
        sign_up(caller, nia, marketing=True)
    opted_in = (
        "SELECT 1 FROM app.contacts WHERE contact_id = %s "
        "AND (preferences ->> 'marketing_opt_in')::boolean"
    )
    assert empty_studio.query(opted_in, known) == [], "a stranger may have typed it"
    confirm(empty_studio, nia)
    with customer(empty_studio, nia) as caller:
        assert caller.call("get_my_account")["is_opted_in"] is True
        caller.call("set_my_marketing_consent", False)
    with customer(empty_studio, nia) as caller:
        assert caller.call("get_my_account")["is_opted_in"] is False, "the newest word counts"
    assert [entry[:2] for entry in history(empty_studio, known) if entry[0] == "marketing"] == [
        ("marketing", True),
        ("marketing", True),
        ("marketing", False),
    ]


def test_what_was_ticked_does_not_undo_what_was_said_later(empty_studio: Studio) -> None:
    """On the phone to the front desk before the first log-in; and with a new contact after it."""
    nia = "later@agree.example"
    with empty_studio.person("mia") as mia:
        known = make_contact(mia, email=nia, preferences={"marketing_opt_in": True})
        with empty_studio.person() as caller:
            sign_up(caller, nia, marketing=True)
    with empty_studio.person("mia") as mia:
        mia.call("set_marketing_consent", known, False, "said so by phone")
    confirm(empty_studio, nia)
    with customer(empty_studio, nia) as caller:
        assert caller.call("get_my_account")["is_opted_in"] is False
    with empty_studio.person("mia") as mia:
        mia.call("delete_contact", known)
    with customer(empty_studio, nia) as caller:
        assert empty_studio.query(CONTACTS, nia) != [(known,)]
        assert caller.call("get_my_account")["is_opted_in"] is False


def test_people_who_work_here_agree_to_nothing(empty_studio: Studio) -> None:
    with empty_studio.person("sam") as sam, pytest.raises(Refused, match="not_a_customer"):
        sam.call("agree_to_texts", AGREED)


# The last one here, since a text that was published stays.
def test_a_new_text_is_asked_about_once(empty_studio: Studio) -> None:
    nia = make_customer(empty_studio, "nia")
    with customer(empty_studio, nia) as caller:
        assert caller.call("get_my_dashboard")["outstanding"] == AGREED
        caller.call("agree_to_texts", AGREED)
        assert caller.call("get_my_dashboard")["outstanding"] == {}
        with empty_studio.person("olga") as olga:
            olga.call("publish_legal_text", "terms", "# Terms\n\nBe kind.", 0)
        current = caller.call("get_agreement_texts")["versions"]
        assert current["terms"] != AGREED["terms"]
        assert caller.call("get_my_dashboard")["outstanding"] == {"terms": current["terms"]}
        with pytest.raises(Refused, match="have just changed") as refusal:
            caller.call("agree_to_texts", AGREED)
        assert set(refusal.value.fields) == {"agreed"}
        caller.call("agree_to_texts", current)
        caller.call("agree_to_texts", current)
        assert caller.call("get_my_dashboard")["outstanding"] == {}
    [(own,)] = empty_studio.query(CONTACTS, nia)
    assert sorted(history(empty_studio, own)) == [
        ("privacy_policy", True, AGREED["privacy_policy"]),
        ("terms", True, current["terms"]),
        ("terms", True, AGREED["terms"]),
    ]
