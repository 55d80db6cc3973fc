"""Confirmations and resets go out in the business's words, and never not at all."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tests.product.customers import AGREED
from tests.product.mailbox import body_of, deliver_mail, read_mails
from tests.product.studio import PASSWORD, Refused, Studio

SAM, CARL = "sam@yogastudio.example", "carl@yogastudio.example"
NEW = {
    "first_name": "Nia",
    "last_name": "Achieng",
    "email": "nia@example.com",
    "password": "a long password",
    "agreed": AGREED,
}


def link_in(page: str) -> str:
    found = re.search(r'href="([^"]+)"', page)
    assert found
    return found[1]


def test_a_reset_goes_out_in_the_words_of_the_business(empty_studio: Studio) -> None:
    with empty_studio.person() as nobody:
        nobody.call("request_password_reset", SAM)
    deliver_mail(empty_studio)
    [message] = read_mails(empty_studio, SAM)
    assert message["subject"] == "Choose a new password for Sunrise Yoga"
    assert message["from"].startswith("Sunrise Yoga <")
    page = body_of(message)
    assert "Hello Sam Tester," in page
    assert "/_/email-pw-reset/" in link_in(page)
    assert "within 60 minutes" in page
    opened = empty_studio.server.client.get(link_in(page).removeprefix(empty_studio.url))
    assert opened.status_code in (200, 302, 303)


def test_nothing_goes_to_whoever_has_no_account(empty_studio: Studio) -> None:
    with empty_studio.person() as nobody:
        nobody.call("request_password_reset", "who@example.com")
    deliver_mail(empty_studio)
    assert read_mails(empty_studio, "who@example.com") == []


def test_a_confirmation_goes_out_in_the_words_of_the_business(empty_studio: Studio) -> None:
    with empty_studio.person() as nobody:
        nobody.call("sign_up", **NEW)
    deliver_mail(empty_studio)
    [message] = read_mails(empty_studio, "nia@example.com")
    assert message["subject"] == "Please confirm your e-mail address"
    assert "Confirm my e-mail address" in body_of(message)
    assert "/_/email-confirm/" in link_in(body_of(message))


@pytest.mark.parametrize("who", [None, "carl", "olga"])
def test_no_browser_can_have_such_a_mail_sent(empty_studio: Studio, who: str | None) -> None:
    with empty_studio.person(who) as caller, pytest.raises(Refused, match="permission_denied"):
        caller.call("send_account_mail", "reset_password", SAM, "https://evil.example/")


def test_the_servers_own_words_go_out_where_ours_fail(empty_studio: Studio) -> None:
    """The business's settings are gone, so that its words cannot be filled in."""
    empty_studio.query("ALTER TABLE app.email_log RENAME TO away")
    try:
        with empty_studio.person() as nobody:
            nobody.call("request_password_reset", CARL)
    finally:
        empty_studio.query("ALTER TABLE app.away RENAME TO email_log")
    [message] = read_mails(empty_studio, CARL)
    assert message["subject"] == "Choose a new password"
    assert "/_/email-pw-reset/" in link_in(body_of(message))


def test_whose_password_is_changed_hears_of_it(empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        mia.call("change_password", PASSWORD, "quite another one")
    deliver_mail(empty_studio)
    [message] = read_mails(empty_studio, "mia@yogastudio.example")
    assert message["subject"] == "Your password was changed"
    year = datetime.now(UTC).year
    assert re.search(rf"was changed on \d+ \w+ {year}.*\d\d:\d\d", body_of(message))
