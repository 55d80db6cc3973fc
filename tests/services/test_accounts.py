"""Accounts by e-mail address and password, from sign-up to log-out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app_server.errors import AnvilError
from app_server.users import signup
from app_server.users.keys import KeyState
from app_server.users.login import force_login, get_current_user, log_in_with_email, log_out
from app_server.users.mail import finish_sending
from app_server.users.remember import get_last_email
from app_server.users.request import UsersRequest
from app_server.users.reset import (
    check_reset_key,
    reset_password,
    reset_password_by_key,
    send_password_reset_email,
)
from app_server.users.signup import confirm_email, sign_up_with_email
from tests.services.doubles import Smtp
from tests.services.studio import PASSWORD, SERVICE, Browser, Studio

CARL = "carl@example.com"
OTHER = "another long password"


async def sign_up(studio: Studio, email: str = CARL, **options: Any) -> Browser:
    browser = studio.browser()
    await sign_up_with_email(browser.request(), email, PASSWORD, **options)
    return browser


async def log_in(browser: Browser, password: object = PASSWORD, **options: Any) -> Any:
    return await log_in_with_email(browser.request(), CARL, password, **options)


async def who(browser: Browser, **options: Any) -> str | None:
    row = await get_current_user(browser.request(), **options)
    return row.email if row else None


@contextmanager
def refused(kind: str) -> Iterator[None]:
    with pytest.raises(AnvilError) as caught:
        yield
    assert caught.value.type_name == f"anvil.users.{kind}", caught.value


def mailed_key(studio: Studio) -> str:
    return studio.last_link().rsplit("/", 1)[1]


# ---- signing up


async def test_sign_up_stores_the_account_and_logs_in(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    browser = await sign_up(studio, " Carl@Example.com ")
    [row] = studio.users.values()
    assert row["email"] == CARL
    assert row["enabled"] is True
    assert row["signed_up"] == studio.clock.time
    assert row["last_login"] == studio.clock.time
    assert row["password_hash"].startswith("$2a$10$")
    assert PASSWORD not in str(row)
    assert await who(browser) == CARL
    assert await who(studio.browser()) is None


@contextmanager
def locks_off(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The control of a race test: what it shows has to go wrong without the accounts' locks."""
    with monkeypatch.context() as patch:
        patch.setattr(UsersRequest, "account_lock", lambda _self, _email: asyncio.Lock())
        yield


async def sign_up_twice_at_once(folder: Path) -> Studio:
    studio = Studio(folder, require_secure_passwords=False)
    await asyncio.gather(
        *(sign_up(studio, email) for email in (CARL, "CARL@example.com")), return_exceptions=True
    )
    return studio


async def test_two_sign_ups_at_once_make_one_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hash_at_once(_password: str) -> str:
        return "$2a$"

    monkeypatch.setattr(signup, "hash_password", hash_at_once)
    assert len((await sign_up_twice_at_once(tmp_path)).users) == 1
    with locks_off(monkeypatch):
        assert len((await sign_up_twice_at_once(tmp_path)).users) == 2


async def test_browsers_sign_up_only_where_that_is_allowed(tmp_path: Path) -> None:
    studio = Studio(tmp_path, allow_signup=False)
    with pytest.raises(AnvilError, match="not enabled"):
        await sign_up(studio)
    await sign_up_with_email(studio.server(), CARL, PASSWORD)
    assert len(studio.users) == 1


async def test_an_account_may_wait_for_an_administrator(tmp_path: Path) -> None:
    studio = Studio(tmp_path, enable_automatically=False)
    browser = await sign_up(studio)
    assert await who(browser) is None
    with refused("AccountIsNotEnabled"):
        await log_in(browser)
    studio.users[1]["enabled"] = True
    await log_in(browser)
    assert await who(browser) == CARL


@pytest.mark.parametrize("email", [None, "", "carl", "a b@example.com", "a@b@c", "a,b@c.d", 3])
async def test_refuses_what_is_no_address(tmp_path: Path, email: Any) -> None:
    with refused("AuthenticationFailed"):
        await sign_up(Studio(tmp_path), email)


async def test_refuses_a_weak_password(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    with refused("PasswordNotAcceptable"):
        await sign_up_with_email(studio.browser().request(), CARL, "password1")
    assert not studio.users


# ---- confirming the address


async def test_an_unconfirmed_address_cannot_log_in(tmp_path: Path) -> None:
    studio = Studio(tmp_path, confirm_email=True)
    browser = await sign_up(studio)
    assert await who(browser) is None
    with refused("EmailNotConfirmed"):
        await log_in(browser)
    [message] = studio.mail
    assert message["To"] == CARL
    assert message["From"] == "Yoga Studio Accounts <accounts@yogastudio.localhost>"
    key = mailed_key(studio)
    assert studio.last_link() == f"/_/email-confirm/carl%40example.com/{key}"
    assert key not in str(studio.users[1])
    assert await confirm_email(browser.request(), CARL, key + "x") is KeyState.UNKNOWN
    assert await confirm_email(browser.request(), CARL, key) is KeyState.VALID
    assert await confirm_email(browser.request(), CARL, key) is KeyState.USED
    await log_in(browser)
    assert await who(browser) == CARL


async def test_a_confirmation_link_ends_after_a_week(tmp_path: Path) -> None:
    studio = Studio(tmp_path, confirm_email=True)
    browser = await sign_up(studio)
    studio.clock.advance(days=7, seconds=1)
    assert await confirm_email(browser.request(), CARL, mailed_key(studio)) is KeyState.EXPIRED
    assert studio.users[1]["confirmed_email"] is False


async def test_a_key_of_anvils_server_still_confirms(tmp_path: Path) -> None:
    studio = Studio(tmp_path, confirm_email=True)
    browser = await sign_up(studio)
    studio.users[1]["email_confirmation_key"] = "kX3_plain-key"
    assert await check_reset_key(browser.request(), CARL, "kX3_plain-key") is KeyState.UNKNOWN
    assert await confirm_email(browser.request(), CARL, "") is KeyState.UNKNOWN
    assert await confirm_email(browser.request(), CARL, "kX3_plain-key") is KeyState.VALID


async def test_a_confirmation_key_resets_no_password(tmp_path: Path) -> None:
    studio = Studio(tmp_path, confirm_email=True)
    browser = await sign_up(studio)
    key = mailed_key(studio)
    assert await reset_password_by_key(browser.request(), CARL, key, OTHER) is KeyState.UNKNOWN


async def test_the_app_may_word_its_mail_itself(tmp_path: Path) -> None:
    own = {"subject": "Hi from\n{{app_name}}", "html": "<p>{{email}}: {{confirm_link}}</p>"}
    studio = Studio(
        tmp_path,
        confirm_email=True,
        email_content={"confirm_address": own},
        email_from_address="desk@studio.example",
    )
    await sign_up(studio, "a&b@example.com")
    [message] = studio.mail
    assert message["Subject"] == "Hi from Yoga Studio"
    assert message["From"].addresses[0].addr_spec == "desk@studio.example"
    html = message.get_body(("html",)).get_content()
    assert html.startswith("<p>a&amp;b@example.com: <a href=")


async def test_an_account_whose_link_cannot_be_sent_is_not_made(tmp_path: Path) -> None:
    studio = Studio(tmp_path, confirm_email=True)
    studio.instance.config.smtp = Smtp("127.0.0.1", 9)
    with pytest.raises(AnvilError) as caught:
        await sign_up(studio)
    assert caught.value.type_name == "anvil.email.SendFailure"
    assert not studio.users
    studio.instance.config.smtp = None
    await sign_up(studio)
    assert len(studio.users) == 1


# ---- logging in


async def test_log_in_and_out(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    studio.clock.advance(hours=1)
    browser = studio.browser()
    row = await log_in_with_email(browser.request(), " CARL@example.com", PASSWORD)
    assert row.email == CARL
    assert studio.users[1]["last_login"] == studio.clock.time
    assert await who(browser) == CARL
    assert await get_last_email(browser.request()) == CARL
    await log_out(browser.request())
    assert await who(browser) is None


async def test_nothing_tells_whether_an_address_has_an_account(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    problems = []
    for email, password in [(CARL, "wrong"), ("nobody@example.com", "wrong"), ("", "")]:
        with pytest.raises(AnvilError) as caught:
            await log_in_with_email(studio.browser().request(), email, password)
        problems.append((caught.value.type_name, caught.value.message))
    assert len(set(problems)) == 1


async def test_ten_wrong_passwords_lock_the_account(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    browser = studio.browser()
    for _ in range(9):
        with refused("AuthenticationFailed"):
            await log_in(browser, "wrong")
    with refused("TooManyPasswordFailures"):
        await log_in(browser, "wrong")
    with refused("TooManyPasswordFailures"):
        await log_in(browser)
    assert studio.users[1]["n_password_failures"] == 10


async def guess_at_once(folder: Path) -> list[str]:
    """Kinds of the answers to ten wrong passwords and then the right one; three are allowed."""
    studio = Studio(folder, max_password_failures=3)
    await sign_up(studio)
    guesses = [log_in(studio.browser(), f"wrong {number}") for number in range(10)]
    outcomes = await asyncio.gather(*guesses, log_in(studio.browser()), return_exceptions=True)
    return [outcome.type_name for outcome in outcomes if isinstance(outcome, AnvilError)]


async def test_guesses_sent_at_once_are_all_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = await guess_at_once(tmp_path)
    assert kinds.count("anvil.users.AuthenticationFailed") == 2
    assert kinds.count("anvil.users.TooManyPasswordFailures") == 9
    with locks_off(monkeypatch):
        kinds = await guess_at_once(tmp_path)
        assert kinds.count("anvil.users.AuthenticationFailed") > 2 or len(kinds) < 11


async def test_a_log_in_starts_the_count_again(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    with refused("AuthenticationFailed"):
        await log_in(studio.browser(), "wrong")
    await log_in(studio.browser())
    assert studio.users[1]["n_password_failures"] == 0


async def test_a_required_second_factor_is_never_skipped(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    studio.instance.app.services[SERVICE].server_config["require_mfa"] = True
    browser = studio.browser()
    with refused("MFARequired"):
        await log_in(browser)
    assert await who(browser) is None


async def test_only_server_code_forces_a_log_in(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    browser = studio.browser()
    with pytest.raises(AnvilError) as caught:
        await force_login(browser.request(), 1)
    assert caught.value.type_name == "anvil.server.PermissionDenied"
    await force_login(browser.request(is_client=False), 1)
    assert await who(browser) == CARL
    await force_login(browser.request(is_client=False), None)
    assert await who(browser) is None


async def test_a_deleted_user_is_logged_out(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    browser = await sign_up(studio)
    studio.users.clear()
    assert await who(browser) is None


# ---- being remembered


async def test_a_remembered_browser_stays_logged_in_for_its_days(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    first = await sign_up(studio, remember_me=True)
    assert await who(first.come_back()) == CARL
    assert await who(first.come_back(), allow_remembered=False) is None
    assert await who(studio.browser()) is None
    studio.clock.advance(days=29)
    assert await who(first.come_back()) == CARL
    studio.clock.advance(days=1)
    assert await who(first.come_back()) is None
    assert not [key for key in first.cookies.values if key.endswith("remember-me")]


async def test_the_stored_token_is_no_token(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    browser = await sign_up(studio, remember_me=True)
    [entry] = studio.users[1]["remembered_logins"]
    thief = studio.browser()
    thief.cookies.values = {key: entry["token_hash"] for key in browser.cookies.values}
    assert await who(thief) is None


async def test_log_out_forgets_this_browser_only(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    desk, phone = await sign_up(studio, remember_me=True), studio.browser()
    await log_in(phone, remember_me=True)
    stolen = dict(desk.cookies.values)
    await log_out(desk.request())
    assert await who(desk.come_back()) is None
    assert await who(phone.come_back()) == CARL
    thief = studio.browser()
    thief.cookies.values = stolen
    assert await who(thief) is None


async def test_a_disabled_user_is_not_remembered(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    browser = await sign_up(studio, remember_me=True)
    studio.users[1]["enabled"] = False
    assert await who(browser.come_back()) is None


async def test_nobody_is_remembered_where_that_is_off(tmp_path: Path) -> None:
    studio = Studio(tmp_path, allow_remember_me=False)
    browser = await sign_up(studio, remember_me=True)
    assert await who(browser.come_back()) is None


# ---- new passwords


async def test_changing_the_password_logs_out_everywhere_else(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    desk, phone = await sign_up(studio, remember_me=True), studio.browser()
    await log_in(phone, remember_me=True)
    with refused("AuthenticationFailed"):
        await reset_password(desk.request(), "wrong", OTHER)
    with refused("PasswordNotAcceptable"):
        await reset_password(desk.request(), PASSWORD, "password1")
    assert await reset_password(desk.request(), PASSWORD, OTHER)
    assert await who(desk) == CARL
    assert await who(desk.come_back()) == CARL
    assert await who(phone) is None
    assert await who(phone.come_back()) is None
    with refused("AuthenticationFailed"):
        await log_in(phone)
    await log_in(phone, OTHER)


async def test_a_remembered_user_changes_the_password_too(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    browser = (await sign_up(studio, remember_me=True)).come_back()
    assert await reset_password(browser.request(), PASSWORD, OTHER)
    assert await who(browser.come_back()) == CARL


async def test_nobody_changes_a_password_without_being_logged_in(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    with refused("AuthenticationFailed"):
        await reset_password(studio.browser().request(), PASSWORD, OTHER)


async def test_guessing_the_old_password_locks_too(tmp_path: Path) -> None:
    studio = Studio(tmp_path, max_password_failures=2)
    browser = await sign_up(studio)
    with refused("AuthenticationFailed"):
        await reset_password(browser.request(), "wrong", OTHER)
    with refused("TooManyPasswordFailures"):
        await reset_password(browser.request(), "wrong", OTHER)
    with refused("TooManyPasswordFailures"):
        await reset_password(browser.request(), PASSWORD, OTHER)


async def ask_for_reset(studio: Studio, email: str = CARL) -> str:
    assert await send_password_reset_email(studio.browser().request(), email) is None
    await finish_sending()
    return mailed_key(studio)


async def test_a_mailed_link_sets_a_new_password_once(tmp_path: Path) -> None:
    studio = Studio(tmp_path, confirm_email=True, max_password_failures=1)
    await sign_up(studio)
    with refused("TooManyPasswordFailures"):
        studio.users[1]["confirmed_email"] = True
        await log_in(studio.browser(), "wrong")
    studio.users[1]["confirmed_email"] = False
    older, key = await ask_for_reset(studio), await ask_for_reset(studio)
    visitor = studio.browser().request()
    with refused("PasswordNotAcceptable"):
        await reset_password_by_key(visitor, CARL, key, "short")
    assert await reset_password_by_key(visitor, CARL, key, OTHER) is KeyState.VALID
    assert await reset_password_by_key(visitor, CARL, key, PASSWORD) is KeyState.USED
    assert await reset_password_by_key(visitor, CARL, older, PASSWORD) is KeyState.UNKNOWN
    await log_in(studio.browser(), OTHER)


async def test_a_reset_link_ends_after_an_hour(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    key = await ask_for_reset(studio)
    studio.clock.advance(minutes=59)
    assert await check_reset_key(studio.browser().request(), CARL, key) is KeyState.VALID
    studio.clock.advance(minutes=1)
    assert await check_reset_key(studio.browser().request(), CARL, key) is KeyState.EXPIRED


async def test_a_browser_is_not_told_who_has_an_account(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    studio.users[1]["enabled"] = False
    for email in (CARL, "nobody@example.com"):
        assert await send_password_reset_email(studio.browser().request(), email) is None
    await finish_sending()
    assert studio.mail == []
    with refused("AuthenticationFailed"):
        await send_password_reset_email(studio.server(), "nobody@example.com")


async def test_mail_to_one_person_is_bounded(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    for _ in range(8):
        await ask_for_reset(studio)
    assert len(studio.mail) == 5
    studio.clock.advance(hours=1)
    await ask_for_reset(studio)
    assert len(studio.mail) == 6


async def test_an_old_reset_link_dies_with_the_old_password(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    browser = await sign_up(studio)
    key = await ask_for_reset(studio)
    await reset_password(browser.request(), PASSWORD, OTHER)
    assert await check_reset_key(browser.request(), CARL, key) is KeyState.UNKNOWN
