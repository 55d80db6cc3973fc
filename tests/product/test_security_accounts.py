"""Log-in, sign-up and reset in the hands of a stranger: guessing, asking around, planting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default as default_policy
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from app_server import limits
from app_server.sessions import COOKIE_NAME
from app_server.users import passwords
from tests.app_server.running import CallFailed
from tests.product.conftest import fresh_database
from tests.product.customers import AGREED
from tests.product.mailbox import deliver_mail
from tests.product.studio import DOMAIN, PASSWORD, Caller, Studio, open_studio

NATIVE = "anvil.private.users."
LOCK_AFTER = 10  # max_password_failures of the template's Users service
STRANGER = "nobody.at.all@example.com"


@pytest.fixture
def fresh_studio(tmp_path: Path, postgres_url: str) -> Iterator[Studio]:
    """An instance of its own for a test that uses up its address's attempts."""
    with fresh_database(postgres_url) as url, open_studio(tmp_path, url) as running:
        yield running


def native_answer(caller: Caller, name: str, *args: Any) -> tuple[str, str]:
    """Type and text of what the Users service itself answers a browser; empty where it agrees."""
    try:
        caller.socket.call(NATIVE + name, *args)
    except CallFailed as refused:
        return str(refused.type), str(refused.message)
    return "", ""


def guesses(caller: Caller, address: str, count: int) -> list[dict[str, Any]]:
    return [caller.answer("log_in", address, f"wrong {n}") for n in range(count)]


def test_wrong_passwords_lock_and_tell_nothing(fresh_studio: Studio) -> None:
    """Word for word the same for an account and for an address without one, up to the lock."""
    with fresh_studio.person() as thief:
        known = guesses(thief, f"carl@{DOMAIN}", LOCK_AFTER + 2)
        unknown = guesses(thief, STRANGER, LOCK_AFTER + 2)
        assert known == unknown
        codes = [answer["code"] for answer in known]
        assert codes == ["wrong_password"] * (LOCK_AFTER - 1) + ["locked"] * 3
        assert thief.answer("log_in", f"carl@{DOMAIN}", PASSWORD)["code"] == "locked"
        again = native_answer(thief, "login_with_email", f"carl@{DOMAIN}", PASSWORD)
        assert again == native_answer(thief, "login_with_email", STRANGER, PASSWORD)
    fresh_studio.query("UPDATE app.users SET n_password_failures = 0")


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("enabled", False, "disabled"),
        ("confirmed_email", False, "not_confirmed"),
        ("status", "suspended", "disabled"),
    ],
)
def test_the_state_of_an_account_is_told_to_its_owner_only(
    empty_studio: Studio, column: str, value: Any, code: str
) -> None:
    address, other = f"sam@{DOMAIN}", f"no.{column}@example.com"
    statement = f"UPDATE app.users SET {column} = %s WHERE email = %s"
    [(before,)] = empty_studio.query(f"SELECT {column} FROM app.users WHERE email = %s", address)
    empty_studio.query(statement, value, address)
    try:
        with empty_studio.person() as thief:
            assert guesses(thief, address, 1) == guesses(thief, other, 1)
            assert native_answer(thief, "login_with_email", address, "wrong") == native_answer(
                thief, "login_with_email", other, "wrong"
            )
            assert thief.answer("log_in", address, PASSWORD)["code"] == code
    finally:
        empty_studio.query(statement, before, address)
        empty_studio.query("UPDATE app.users SET n_password_failures = 0")


@pytest.mark.parametrize("name", ["begin_fido_assertion", "get_available_mfa_types"])
def test_second_factors_tell_nothing_of_an_account(fresh_studio: Studio, name: str) -> None:
    """They ask for address and password too, so they are a log-in to whoever guesses."""
    address, other = f"sam@{DOMAIN}", f"{name}@example.com"
    states = (("enabled", "true"), ("enabled", "false"), ("confirmed_email", "false"))
    with fresh_studio.person() as thief:
        for column, value in states:
            fresh_studio.query(f"UPDATE app.users SET {column} = {value} WHERE email = %s", address)
            known = native_answer(thief, name, address, "wrong")
            assert known == native_answer(thief, name, other, "wrong"), (column, value)
        for _ in range(LOCK_AFTER):
            known = native_answer(thief, name, address, "wrong")
            assert known == native_answer(thief, name, other, "wrong")
        assert thief.answer("log_in", address, "x") == thief.answer("log_in", other, "x")
    fresh_studio.query(
        "UPDATE app.users SET n_password_failures = 0, enabled = true, confirmed_email = true"
    )


def test_sign_up_answers_the_same_for_an_address_that_has_an_account(empty_studio: Studio) -> None:
    person = {
        "first_name": "Eve",
        "last_name": "X",
        "password": "quite a long one",
        "agreed": AGREED,
    }
    taken = f"mia@{DOMAIN}"
    rows = "SELECT email, password_hash, role, first_name FROM app.users WHERE email = %s"
    before = empty_studio.query(rows, taken)
    with empty_studio.person() as eve:
        new = eve.answer("sign_up", email="eve.new@example.com", **person)
        assert eve.answer("sign_up", email=taken, **person) == new
        assert eve.answer("sign_up", email=taken.upper(), **person) == new
        assert eve.answer("log_in", taken, person["password"])["code"] == "wrong_password"
    assert empty_studio.query(rows, taken) == before
    assert "/_/email-pw-reset/" in empty_studio.link_in_mail(taken), "its owner is told"


def test_the_users_service_makes_no_accounts_for_browsers(empty_studio: Studio) -> None:
    """It would tell which addresses are taken, and pass the rules of the callable by."""
    with empty_studio.person() as eve:
        taken = native_answer(eve, "signup_with_email", f"mia@{DOMAIN}", "quite a long one")
        new = native_answer(eve, "signup_with_email", "eve.native@example.com", "x")
    assert taken == new
    assert "not enabled" in new[1]
    assert empty_studio.query("SELECT 1 FROM app.users WHERE email LIKE 'eve.native%%'") == []


def test_a_reset_answers_the_same_for_everyone(empty_studio: Studio) -> None:
    with empty_studio.person() as thief:
        for address in (f"sam@{DOMAIN}", STRANGER):
            assert thief.answer("request_password_reset", address) == {"success": True}
            assert native_answer(thief, "send_password_reset_email", address) == ("", "")


@pytest.mark.parametrize("stored", [None, "", "no hash at all"])
def test_a_hash_is_computed_though_there_is_none_to_compare(
    monkeypatch: pytest.MonkeyPatch, stored: str | None
) -> None:
    """The time that a log-in takes is that of the hash, so an unknown account has to cost one."""
    passwords._check(PASSWORD, passwords._hash(PASSWORD))
    passwords._hash_of_nobody()
    compared = []
    real = passwords.bcrypt.checkpw

    def check(given: bytes, known: bytes) -> bool:
        result = real(given, known)
        compared.append(known[:7])
        return result

    monkeypatch.setattr(passwords.bcrypt, "checkpw", check)
    assert passwords._check(PASSWORD, stored) is False
    assert compared == [b"$2a$10$"]


def test_a_log_in_of_nobody_asks_for_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the address that is not found and the answer stands the comparison."""
    import asyncio

    from app_server.errors import AnvilError
    from app_server.users import login

    asked: list[object] = []

    async def compare(password: object, password_hash: object) -> bool:
        asked.append(password_hash)
        return False

    monkeypatch.setattr(login, "is_password_right", compare)

    class Request:
        class config:
            max_password_failures = LOCK_AFTER

        class instance:
            name = "nobody's"

    request: Any = Request()
    with pytest.raises(AnvilError, match="Incorrect"):
        asyncio.run(login.check_password(request, None, "wrong", address=STRANGER))
    assert asked == [None]


def test_one_address_cannot_try_many_accounts(fresh_studio: Studio) -> None:
    """Ten tries at each of many accounts lock none of them; the visitor's own limit ends it."""
    with fresh_studio.person() as thief:
        codes = [
            thief.answer("request_password_reset", f"guest{n}@example.com").get("code")
            for n in range(limits.ATTEMPT_BURST + 60)
        ]
        assert "busy" in codes
        assert thief.answer("log_in", f"olga@{DOMAIN}", PASSWORD)["code"] == "busy"
        assert thief.answer("log_in", f"olga@{DOMAIN}", "wrong")["code"] == "busy"
        sign_up = {"first_name": "E", "last_name": "X", "email": "e@example.com", "agreed": AGREED}
        assert thief.answer("sign_up", **sign_up, password=PASSWORD)["code"] == "busy"
        # Another socket, session or header is no other address.
    headers = {"X-Forwarded-For": "198.51.100.7"}
    fresh_studio.server.client.cookies.clear()
    with fresh_studio.server.browser(headers=headers) as other:
        assert other.call("log_in", f"olga@{DOMAIN}", "wrong")["code"] == "busy"


def test_a_link_in_a_mail_leads_to_this_site_whatever_the_request_said(
    empty_studio: Studio,
) -> None:
    """Reset poisoning: the attacker asks for somebody's link under a host name of their own."""
    headers = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "host=evil.example",
    }
    answer = httpx.get(empty_studio.url + "/", headers=headers)
    assert "evil.example" not in answer.text
    with empty_studio.server.browser(headers={"X-Forwarded-Host": "evil.example"}) as browser:
        browser.call("request_password_reset", f"sam@{DOMAIN}")
    for file in (empty_studio.data / "outbox").glob("*.eml"):
        assert b"evil.example" not in file.read_bytes()
    assert "/_/email-pw-reset/" in empty_studio.link_in_mail(f"sam@{DOMAIN}")


def test_a_planted_session_is_not_logged_in(empty_studio: Studio) -> None:
    """Session fixation: the thief knows the cookie from before the log-in, and held a socket."""
    server = empty_studio.server
    server.client.cookies.clear()
    with server.browser() as victim:
        planted = str(server.client.cookies.get(COOKIE_NAME))
        stolen = {"Cookie": f"{COOKIE_NAME}={planted}"}
        with server.browser(with_session=False, headers=stolen) as thief:
            assert thief.call("get_config")["user"] is None
            assert victim.call("log_in", f"olga@{DOMAIN}", PASSWORD)["success"]
            with pytest.raises(ConnectionClosed):
                thief.call("get_settings")
        assert victim.call("get_settings")["success"]
    assert server.client.cookies.get(COOKIE_NAME) != planted
    with (
        pytest.raises((ConnectionClosed, CallFailed)),
        server.browser(with_session=False, headers=stolen) as late,
    ):
        late.call("get_settings")
    page = httpx.get(empty_studio.url + "/app/settings", headers=stolen)
    assert "auth.LoginForm" in page.text


@pytest.mark.parametrize("value", ["", "x", "~", "a~1~b", "../../etc/passwd~0", "\u00e9~1"])
def test_a_made_up_session_is_nobodys(empty_studio: Studio, value: str) -> None:
    """No session begins under an id that the visitor chose."""
    cookie = f"{COOKIE_NAME}={value}".encode("latin-1")
    page = httpx.get(empty_studio.url + "/app/settings", headers={b"Cookie": cookie})
    assert "auth.LoginForm" in page.text
    given = page.headers.get("set-cookie", "")
    assert not value or f"{COOKIE_NAME}={value}" not in given


def test_a_session_cookie_is_out_of_reach_of_scripts_and_of_other_sites(
    empty_studio: Studio,
) -> None:
    cookie = httpx.get(empty_studio.url + "/app/login").headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie


def test_logging_out_ends_what_the_cookie_opened(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        cookie = str(empty_studio.server.client.cookies.get(COOKIE_NAME))
        olga.call("log_out")
    headers = {"Cookie": f"{COOKIE_NAME}={cookie}"}
    page = httpx.get(empty_studio.url + "/app/settings", headers=headers)
    assert "auth.LoginForm" in page.text
    assert "olga@" not in json.dumps(page.text)


def test_a_name_with_line_breaks_adds_nothing_to_a_mail(fresh_studio: Studio) -> None:
    """Header injection: through names, addresses, and the settings that a mail may quote."""
    breaks = "X\r\nBcc: evil@example.org\r\nSubject: Pay here\n\n<b>now</b>\u2028Cc: e@example.org"
    person = {
        "first_name": breaks,
        "last_name": breaks,
        "password": "quite a long one",
        "agreed": AGREED,
    }
    with fresh_studio.person() as eve:
        for address in (
            "a@example.com\r\nBcc: evil@example.org",
            "a@example.com\nBcc: evil@example.org",
            "a@example.com, evil@example.org",
            "a@example.com%0d%0aBcc: evil@example.org",
            "<a@example.com> evil@example.org",
        ):
            for answer in (
                eve.answer("sign_up", email=address, **person),
                eve.answer("request_password_reset", address),
            ):
                assert answer["code"] == "invalid", address
            native_answer(eve, "send_password_reset_email", address)
        assert eve.call("sign_up", email="breaks@example.com", **person)
    with fresh_studio.person("olga") as olga:
        version = olga.call("get_settings")["settings"]["version"]
        profile = {"business_name": breaks[:100], "tagline": breaks[:100]}
        saved = olga.call("update_business_profile", profile, version)["settings"]
        assert "\n" not in saved["business_name"] and "\r" not in saved["tagline"]
    with fresh_studio.person() as eve:
        eve.call("request_password_reset", f"mia@{DOMAIN}")
    [(name,)] = fresh_studio.query(
        "SELECT first_name FROM app.users WHERE email = 'breaks@example.com'"
    )
    assert "\n" not in name and "\r" not in name and "\u2028" not in name
    deliver_mail(fresh_studio)
    files = list((fresh_studio.data / "outbox").glob("*.eml"))
    assert files
    for file in files:
        message = message_from_bytes(file.read_bytes(), policy=default_policy)
        assert message["bcc"] is None and message["cc"] is None
        assert len(message.get_all("to") or []) == len(message.get_all("subject") or []) == 1
        assert len(message["to"].addresses) == 1
        assert "evil@example.org" not in str(message["to"])
        # A subject may quote the business's name, on its one line.
        assert len(str(message["subject"]).splitlines()) == 1
