"""The owner's one-time link: the way in without a password that somebody else has seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.product.mailbox import deliver_mail, read_mails
from tests.product.screens import tab
from tests.product.studio import DOMAIN, PASSWORD, Refused, Studio

OLGA = f"olga@{DOMAIN}"
CHOSEN = {"first_name": "Olga", "last_name": "Naidoo", "password": "a password of her own"}


@pytest.fixture(autouse=True)
def as_before(empty_studio: Studio) -> Iterator[None]:
    """Each test ends with olga as she was."""
    columns = "password_hash, session_version, remembered_logins, n_password_failures"
    [kept] = empty_studio.query(f"SELECT {columns} FROM app.users WHERE role = 'owner'")
    yield
    empty_studio.query("DELETE FROM app.invitations")
    empty_studio.query(
        "UPDATE app.users SET password_hash = %s, n_password_failures = 0 WHERE email = %s",
        kept[0],
        OLGA,
    )


def make_link(studio: Studio) -> dict[str, Any]:
    with studio.uplink() as script:
        return script.call("create_owner_link")


def without_password(studio: Studio) -> None:
    """As an instance stands before its owner was ever there."""
    studio.query("UPDATE app.users SET password_hash = NULL WHERE email = %s", OLGA)


def test_a_new_owner_chooses_a_password_and_is_in(empty_studio: Studio) -> None:
    without_password(empty_studio)
    link = make_link(empty_studio)
    assert link["email"] == OLGA
    with empty_studio.person() as olga:
        with pytest.raises(Refused, match="wrong_password"):
            olga.call("log_in", OLGA, PASSWORD)
        shown = olga.call("get_invitation", link["token"])
        assert (shown["role"], shown["email"], shown["first_name"]) == ("owner", OLGA, "Olga")
        olga.call("accept_invitation", link["token"], **CHOSEN)
        assert olga.call("log_in", OLGA, CHOSEN["password"])["role"] == "owner"
        assert "settings.manage" in olga.call("get_config")["user"]["permissions"]


def test_the_page_welcomes_the_owner_and_leads_in(
    m3_assets: None, chromium: Browser, empty_studio: Studio
) -> None:
    without_password(empty_studio)
    link = make_link(empty_studio)
    with tab(chromium, empty_studio) as screen:
        screen.open(f"/app/invitation/{link['token']}")
        screen.sees("Sunrise Yoga is yours. Choose the password that you will log in with.")
        screen.type("Password", CHOSEN["password"])
        screen.press("Open the business")
        screen.is_at("/app/dashboard")
        screen.open(f"/app/invitation/{link['token']}")
        screen.sees("This link does not work")


def test_it_works_once_and_the_next_ends_it(empty_studio: Studio) -> None:
    first = make_link(empty_studio)
    second = make_link(empty_studio)
    with empty_studio.person() as olga:
        with pytest.raises(Refused, match="invitation_unusable"):
            olga.call("accept_invitation", first["token"], **CHOSEN)
        olga.call("accept_invitation", second["token"], **CHOSEN)
        with pytest.raises(Refused, match="invitation_unusable"):
            olga.call("accept_invitation", second["token"], **CHOSEN)


def test_it_ends_after_seven_days(empty_studio: Studio) -> None:
    link = make_link(empty_studio)
    empty_studio.query("UPDATE app.invitations SET expires_at = now() - interval '1 minute'")
    with empty_studio.person() as olga, pytest.raises(Refused, match="invitation_expired"):
        olga.call("accept_invitation", link["token"], **CHOSEN)


def test_a_new_password_ends_the_log_ins_and_is_told(empty_studio: Studio) -> None:
    link = make_link(empty_studio)
    with empty_studio.server.browser() as before:
        assert before.call("log_in", OLGA, PASSWORD)["success"]
        with empty_studio.person() as olga:
            olga.call("accept_invitation", link["token"], **CHOSEN)
        assert before.call("get_config")["user"] is None
    deliver_mail(empty_studio)
    assert any("password" in mail["subject"].lower() for mail in read_mails(empty_studio, OLGA))


def test_it_dies_when_somebody_else_becomes_owner(empty_studio: Studio) -> None:
    link = make_link(empty_studio)
    with empty_studio.person("olga") as olga:
        users = olga.call("list_users")["users"]
        [mia] = [each["user_id"] for each in users if each["email"].startswith("mia@")]
        [her] = [each["user_id"] for each in users if each["is_you"]]
        olga.call("transfer_ownership", mia, PASSWORD)
    try:
        with empty_studio.person() as somebody:
            for name, more in (("get_invitation", {}), ("accept_invitation", CHOSEN)):
                with pytest.raises(Refused, match="invitation_unusable"):
                    somebody.call(name, link["token"], **more)
    finally:
        with empty_studio.person("mia") as mia_caller:
            mia_caller.call("transfer_ownership", her, PASSWORD)


def test_nobody_but_the_operator_makes_one_and_nobody_sees_it(empty_studio: Studio) -> None:
    link = make_link(empty_studio)
    for who in (None, "olga", "mia"):
        with empty_studio.person(who) as caller:
            assert not caller.answer("create_owner_link")["success"]
    with empty_studio.person("olga") as olga:
        assert olga.call("list_invitations")["invitations"] == []
    for table in ("invitations", "audit_log"):
        [(text,)] = empty_studio.query(f"SELECT string_agg(t::text, '') FROM app.{table} t")
        assert link["token"] not in text
