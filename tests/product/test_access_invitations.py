"""Invitations to work here: one person, one answer, seven days; and who may give which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.product.mailbox import deliver_mail
from tests.product.studio import DOMAIN, PASSWORD, Caller, Refused, Studio
from tests.product.walking import everything_stored

PERSON = {"first_name": "Nia", "last_name": "Achieng", "password": "a fine new password"}


@pytest.fixture(autouse=True)
def without_invitations(empty_studio: Studio) -> Iterator[None]:
    """Each test begins and ends with the cast alone."""
    yield
    empty_studio.query("DELETE FROM app.invitations")
    cast = [f"{name}@{DOMAIN}" for name in ("olga", "mia", "sam", "carl")]
    empty_studio.query("DELETE FROM app.users WHERE NOT email = ANY(%s)", cast)


def token_for(studio: Studio, address: str) -> str:
    """The token in the newest invitation to an address."""
    deliver_mail(studio)
    link = studio.link_in_mail(address)
    found = re.fullmatch(re.escape(studio.url) + r"/app/invitation/([\w-]{43})", link)
    assert found, link
    return found[1]


def invite(caller: Caller, address: str, role: str = "staff", **permissions: bool) -> Any:
    own = {name.replace("__", "."): allowed for name, allowed in permissions.items()}
    return caller.call("invite_user", address, role, own)["invitation"]


def test_someone_is_invited_accepts_and_works_here(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        invitation = invite(mia, "Nia@Example.com", "admin", content__manage=False)
        assert invitation["email"] == "nia@example.com"
        assert invitation["invited_by"] == "Mia Tester" and not invitation["is_expired"]
        assert "content.manage" not in invitation["permissions"]
        assert len(mia.call("list_invitations")["invitations"]) == 1
    token = token_for(empty_studio, "nia@example.com")
    with empty_studio.person() as nia:
        shown = nia.call("get_invitation", token)
        assert (shown["email"], shown["role"]) == ("nia@example.com", "admin")
        assert (shown["inviter_name"], shown["business_name"]) == ("Mia Tester", "Sunrise Yoga")
        assert nia.call("accept_invitation", token, **PERSON)["email"] == "nia@example.com"
        nia.call("log_in", "nia@example.com", PERSON["password"])
        me = nia.call("get_config")["user"]
        assert (me["role"], me["name"]) == ("admin", "Nia Achieng")
        assert "content.manage" not in me["permissions"] and "content.view" in me["permissions"]
    with empty_studio.person("mia") as mia:
        assert mia.call("list_invitations")["invitations"] == []
    entries = empty_studio.query(
        "SELECT action, user_email FROM app.audit_log WHERE resource_type = 'invitation'"
        " AND resource_id = 'nia@example.com' ORDER BY logged_at"
    )
    assert entries == [("create", f"mia@{DOMAIN}"), ("accept", "nia@example.com")]


def test_the_token_stands_nowhere_but_in_the_mail(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        invite(olga, "nia@example.com")
        token = token_for(empty_studio, "nia@example.com")
        assert token not in repr(olga.call("list_invitations"))
    [(table_text,)] = empty_studio.query("SELECT string_agg(t::text, '') FROM app.invitations t")
    assert token not in table_text
    [(log_text,)] = empty_studio.query("SELECT string_agg(t::text, '') FROM app.audit_log t")
    assert token not in log_text


def test_a_used_token_opens_nothing_again(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        invite(olga, "nia@example.com")
    token = token_for(empty_studio, "nia@example.com")
    with empty_studio.person() as nobody:
        nobody.call("accept_invitation", token, **PERSON)
        before = everything_stored(empty_studio)
        thief = {**PERSON, "password": "the thief's own password"}
        used = nobody.answer("accept_invitation", token, **thief)
        never = nobody.answer("accept_invitation", "x" * 43, **thief)
        assert used == never and used["code"] == "invitation_unusable"
        assert nobody.answer("get_invitation", token) == never
        assert everything_stored(empty_studio) == before


def test_sending_again_replaces_the_link_and_withdrawing_ends_it(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        invitation = invite(olga, "nia@example.com")
        first = token_for(empty_studio, "nia@example.com")
        olga.call("resend_invitation", invitation["invitation_id"])
        second = token_for(empty_studio, "nia@example.com")
        assert first != second
        with empty_studio.person() as nia:
            assert nia.answer("get_invitation", first)["code"] == "invitation_unusable"
            assert nia.call("get_invitation", second)
        olga.call("revoke_invitation", invitation["invitation_id"])
        assert olga.call("list_invitations")["invitations"] == []
        for call in ("resend_invitation", "revoke_invitation"):
            assert olga.answer(call, invitation["invitation_id"])["code"] == "not_found"
    with empty_studio.person() as nia:
        answer = nia.answer("accept_invitation", second, **PERSON)
        assert answer["code"] == "invitation_unusable"


def test_an_invitation_gets_too_old_and_can_be_sent_again(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        invitation = invite(olga, "nia@example.com")
        empty_studio.query("UPDATE app.invitations SET expires_at = now() - interval '1 second'")
        token = token_for(empty_studio, "nia@example.com")
        with empty_studio.person() as nia:
            answer = nia.answer("accept_invitation", token, **PERSON)
            assert answer["code"] == "invitation_expired"
        [listed] = olga.call("list_invitations")["invitations"]
        assert listed["is_expired"]
        again = olga.call("resend_invitation", invitation["invitation_id"])["invitation"]
        assert not again["is_expired"]
    with empty_studio.person() as nia:
        nia.call("accept_invitation", token_for(empty_studio, "nia@example.com"), **PERSON)


def test_what_is_wrong_is_said_at_its_field_and_the_link_stays_good(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        invite(olga, "nia@example.com")
    token = token_for(empty_studio, "nia@example.com")
    with empty_studio.person() as nia:
        answer = nia.answer("accept_invitation", token, "", " ", "short")
        assert set(answer["fields"]) == {"first_name", "last_name", "password"}
        assert nia.call("accept_invitation", token, **PERSON)


def test_a_customer_who_is_invited_keeps_the_account(empty_studio: Studio) -> None:
    [(row_id,)] = empty_studio.query("SELECT _id FROM app.users WHERE role = 'customer'")
    with empty_studio.person("carl") as carl:
        with empty_studio.person("olga") as olga:
            invite(olga, f"carl@{DOMAIN}")
        with empty_studio.person() as nobody:
            token = token_for(empty_studio, f"carl@{DOMAIN}")
            assert nobody.call("get_invitation", token)["first_name"] == "Carl"
            nobody.call("accept_invitation", token, **{**PERSON, "first_name": "Carl"})
        # Whoever was in the account before has to show the new password.
        assert carl.answer("get_dashboard")["code"] == "not_authenticated"
    with empty_studio.person() as carl:
        assert carl.answer("log_in", f"carl@{DOMAIN}", PASSWORD)["code"] == "wrong_password"
        assert carl.call("log_in", f"carl@{DOMAIN}", PERSON["password"])["role"] == "staff"
    found = empty_studio.query("SELECT _id FROM app.users WHERE email = %s", f"carl@{DOMAIN}")
    assert found == [(row_id,)]
    empty_studio.query("DELETE FROM app.invitations")
    empty_studio.query("DELETE FROM app.users WHERE email = %s", f"carl@{DOMAIN}")
    with empty_studio.uplink() as script:
        person = {"first_name": "Carl", "last_name": "Tester", "password": PASSWORD}
        script.call("add_staff_user", email=f"carl@{DOMAIN}", role="customer", **person)


REFUSED = [
    ("mia", "nia@example.com", "manager", {}, "invalid", "role"),
    ("mia", "nia@example.com", "owner", {}, "invalid", "role"),
    ("olga", "nia@example.com", "owner", {}, "invalid", "role"),
    ("mia", "nia@example.com", "admin", {"settings.manage": True}, "invalid", "permissions"),
    ("olga", f"sam@{DOMAIN}", "staff", {}, "works_here", "email"),
    ("olga", f"SAM@{DOMAIN}", "staff", {}, "works_here", "email"),
    ("olga", "nobody", "staff", {}, "invalid", "email"),
    ("olga", "a@example.com\r\nBcc: b@example.com", "staff", {}, "invalid", "email"),
    ("sam", "nia@example.com", "staff", {}, "permission_denied", None),
]


@pytest.mark.parametrize(("who", "email", "role", "permissions", "code", "field"), REFUSED)
def test_who_may_invite_whom(
    empty_studio: Studio,
    who: str,
    email: str,
    role: str,
    permissions: dict[str, bool],
    code: str,
    field: str | None,
) -> None:
    with empty_studio.person(who) as caller:
        before = everything_stored(empty_studio)
        mails = len(list((empty_studio.data / "outbox").glob("*.eml")))
        answer = caller.answer("invite_user", email, role, permissions)
        assert (answer["code"], answer.get("field")) == (code, field), answer
        assert everything_stored(empty_studio) == before
        assert len(list((empty_studio.data / "outbox").glob("*.eml"))) == mails


def test_an_address_is_invited_once_at_a_time(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        invite(olga, "nia@example.com")
        with pytest.raises(Refused, match="invited_already"):
            invite(olga, "NIA@example.com", "admin")


def test_invitations_promise_no_more_seats_than_there_are(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        invite(olga, "m2@example.com", "manager")
        last = invite(olga, "m3@example.com", "manager")
        with pytest.raises(Refused, match="role_full"):
            invite(olga, "m4@example.com", "manager")
        olga.call("revoke_invitation", last["invitation_id"])
        invite(olga, "m4@example.com", "manager")


def test_who_was_demoted_since_cannot_send_their_invitation_again(empty_studio: Studio) -> None:
    """Mia invites an admin, becomes one herself, and may no longer give that role."""
    with empty_studio.person("mia") as mia:
        invitation = invite(mia, "nia@example.com", "admin")
        empty_studio.query(
            "UPDATE app.users SET role = 'admin', role_seat = 10 WHERE email = %s", f"mia@{DOMAIN}"
        )
        try:
            for call in ("resend_invitation", "revoke_invitation"):
                assert mia.answer(call, invitation["invitation_id"])["code"] == "invalid"
        finally:
            empty_studio.query(
                "UPDATE app.users SET role = 'manager', role_seat = 1 WHERE email = %s",
                f"mia@{DOMAIN}",
            )
