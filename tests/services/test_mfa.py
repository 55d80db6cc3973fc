"""Second factors: codes of an authenticator app."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest

from app_server.errors import AnvilError
from app_server.keys import InstanceKeys
from app_server.users import mfa, totp
from app_server.users.links import log_in_with_token, send_mfa_reset_email
from app_server.users.login import get_current_user, log_in_with_email, log_out
from app_server.users.mail import finish_sending
from app_server.users.mfa_setup import (
    add_mfa_method,
    available_types,
    check_setup_code,
    generate_totp,
)
from app_server.users.request import UsersRequest
from app_server.users.sealing import seal
from app_server.users.signup import sign_up_with_email
from tests.services.studio import PASSWORD, Browser, Studio

CARL = "carl@example.com"
WRONG_CODE = "000000"


@contextmanager
def refused(kind: str, text: str = "") -> Iterator[None]:
    with pytest.raises(AnvilError) as caught:
        yield
    assert caught.value.type_name == f"anvil.users.{kind}", caught.value
    assert text in caught.value.message


class Phone:
    """An authenticator app."""

    def __init__(self, studio: Studio, setup: totp.TotpSetup):
        self.studio = studio
        self.totp = pyotp.TOTP(setup.secret)

    def code(self, *, seconds: int = 0) -> str:
        return self.totp.at(self.studio.clock.time + timedelta(seconds=seconds))


async def sign_up(studio: Studio) -> tuple[Browser, Phone]:
    """A user with one factor; time has gone on since it was set up."""
    browser = studio.browser()
    setup = await generate_totp(browser.request(), CARL)
    phone = Phone(studio, setup)
    assert check_setup_code(browser.request(), setup.method, phone.code())
    await sign_up_with_email(browser.request(), CARL, PASSWORD, mfa_method=setup.method)
    studio.clock.advance(minutes=5)
    return browser, phone


async def log_in(browser: Browser, code: object = None, password: str = PASSWORD) -> Any:
    factor = None if code is None else {"type": "totp", "code": code}
    return await log_in_with_email(browser.request(), CARL, password, factor=factor)


async def is_in(browser: Browser) -> bool:
    return await get_current_user(browser.request()) is not None


def test_codes_are_those_of_the_rfc(tmp_path: Path) -> None:
    """RFC 6238, appendix B (SHA-1), of which an app shows the last six digits."""
    keys = InstanceKeys.load(tmp_path)
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    sealed = seal(keys, "totp", "m1", secret)
    method = {"type": "totp", "id": "m1", "serial": 1, "secret": sealed}
    for now, code in [
        (59, "287082"),
        (1111111109, "081804"),
        (1234567890, "005924"),
        (20000000000, "353130"),
    ]:
        assert totp.match_code(keys, method, code, now) == now // 30
        assert totp.match_code(keys, method, f" {code[:3]} {code[3:]} ", now) == now // 30
        assert totp.match_code(keys, method, int(code), now) == now // 30
        assert totp.match_code(keys, method, code, now + 30) == now // 30
        assert totp.match_code(keys, method, code, now - 30) == now // 30
        assert totp.match_code(keys, method, code, now + 90) is None
        assert totp.match_code(keys, method, code, now - 90) is None
        assert totp.match_code(keys, method, code, now, after=now // 30) is None
    for nonsense in ("", "28708", "2870822", "２８７０８２", None, True, 1.5, [], "0" * 10_000):
        assert totp.match_code(keys, method, nonsense, 59) is None


async def test_the_secret_is_shown_once_and_kept_sealed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    studio = Studio(tmp_path, require_mfa=True)
    setup = await generate_totp(studio.browser().request(), CARL)
    assert len(setup.secret) >= 32  # 160 bits, as RFC 4226 recommends
    assert setup.qr_code.content_type == "image/png"
    assert setup.qr_code.data.startswith(b"\x89PNG")
    assert setup.secret not in str(setup.method)
    await sign_up_with_email(
        studio.browser().request(), CARL, PASSWORD, mfa_method={**setup.method, "more": "x" * 99}
    )
    [row] = studio.users.values()
    assert row["mfa"] == [setup.method]
    assert setup.secret not in str(row)
    assert setup.secret not in caplog.text


async def test_sign_up_wants_a_factor_where_the_app_does(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True)
    with refused("MFARequired"):
        await sign_up_with_email(studio.browser().request(), CARL, PASSWORD)
    # What is wrong with the password is said first: nobody sets up a phone in vain.
    with refused("PasswordNotAcceptable"):
        await sign_up_with_email(studio.browser().request(), CARL, "password1")
    setup = await generate_totp(studio.browser().request(), CARL)
    changed = {**setup.method, "id": "other"}
    for method in ({"type": "totp", "secret": "forged", "id": "1", "serial": 1}, changed, "x", {}):
        with refused("MFAException", "not a second factor"):
            await sign_up_with_email(studio.browser().request(), CARL, PASSWORD, mfa_method=method)
    with refused("MFAException", "Twilio"):
        await sign_up_with_email(
            studio.browser().request(), CARL, PASSWORD, mfa_method={"type": "twilio-verify"}
        )
    assert not studio.users


async def test_log_in_wants_password_and_code(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True)
    _, phone = await sign_up(studio)
    browser = studio.browser()
    with refused("MFARequired"):
        await log_in(browser)
    assert not await is_in(browser)
    with refused("AuthenticationFailed", "Incorrect email"):
        await log_in(browser, phone.code(), "wrong")
    with refused("AuthenticationFailed", "Incorrect authentication code"):
        await log_in(browser, WRONG_CODE)
    with refused("AuthenticationFailed", "No matching"):
        await log_in_with_email(browser.request(), CARL, PASSWORD, factor={"type": "fido"})
    for factor in ("totp", [], {}, {"type": []}):
        with refused("AuthenticationFailed", "No matching"):
            await log_in_with_email(browser.request(), CARL, PASSWORD, factor=factor)
    assert not await is_in(browser)
    assert (await log_in(browser, phone.code())).email == CARL
    assert await is_in(browser)
    assert studio.users[1]["n_password_failures"] == 0


async def test_wrong_codes_lock_the_account(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True, max_password_failures=3)
    _, phone = await sign_up(studio)
    for _ in range(2):
        with refused("AuthenticationFailed"):
            await log_in(studio.browser(), WRONG_CODE)
        with refused("MFARequired"):  # the right password alone takes back no failure
            await log_in(studio.browser())
    with refused("TooManyPasswordFailures"):
        await log_in(studio.browser(), WRONG_CODE)
    with refused("TooManyPasswordFailures"):
        await log_in(studio.browser(), phone.code())


async def test_a_code_is_good_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = Studio(tmp_path, require_mfa=True)
    _, phone = await sign_up(studio)
    code = phone.code()
    await log_in(studio.browser(), code)
    with refused("AuthenticationFailed"):
        await log_in(studio.browser(), code)
    with refused("AuthenticationFailed"):
        await log_in(studio.browser(), phone.code(seconds=-30))
    monkeypatch.setattr(mfa, "_used_steps", {})  # the server was started again
    with refused("AuthenticationFailed"):
        await log_in(studio.browser(), code)
    studio.clock.advance(seconds=30)
    await log_in(studio.browser(), phone.code())


async def test_one_code_sent_twice_at_once_opens_one_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def race(folder: Path) -> int:
        folder.mkdir()
        studio = Studio(folder, require_mfa=True)
        _, phone = await sign_up(studio)
        code = phone.code()
        results = await asyncio.gather(
            *(log_in(studio.browser(), code) for _ in range(4)), return_exceptions=True
        )
        return sum(not isinstance(result, Exception) for result in results)

    assert await race(tmp_path / "guarded") == 1
    # The control: without what it guards with, the same race lets several in.
    monkeypatch.setattr(UsersRequest, "account_lock", lambda *_: asyncio.Lock())
    monkeypatch.setattr(mfa, "note_used", lambda *_: None)
    assert await race(tmp_path / "unguarded") > 1


async def test_a_code_of_the_setup_does_not_log_in(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True)
    browser = studio.browser()
    setup = await generate_totp(browser.request(), CARL)
    code = Phone(studio, setup).code()
    assert check_setup_code(browser.request(), setup.method, code)
    assert not check_setup_code(browser.request(), setup.method, WRONG_CODE)
    await sign_up_with_email(browser.request(), CARL, PASSWORD, mfa_method=setup.method)
    with refused("AuthenticationFailed"):
        await log_in(studio.browser(), code)


async def test_a_device_is_remembered_for_its_days(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True, mfa_timeout_days=2)
    browser, phone = await sign_up(studio)
    await log_out(browser.request())
    await log_in(browser, phone.code())
    await log_out(browser.request())
    studio.clock.advance(hours=47)
    await log_in(browser)
    await log_out(browser.request())
    with refused("MFARequired"):
        await log_in(studio.browser())
    with refused("AuthenticationFailed"):
        await log_in(browser, password="wrong")
    studio.clock.advance(hours=2)
    with refused("MFARequired"):
        await log_in(browser)


async def test_a_device_is_forgotten_with_its_factor(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True, mfa_timeout_days=30)
    browser, phone = await sign_up(studio)
    await log_in(browser, phone.code())
    new = await generate_totp(browser.request(), None)
    await add_mfa_method(browser.request(), PASSWORD, new.method, clear_existing=True)
    await log_out(browser.request())
    with refused("MFARequired"):
        await log_in(browser)


async def test_without_days_no_device_is_remembered(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True)
    browser, phone = await sign_up(studio)
    await log_in(browser, phone.code())
    with refused("MFARequired"):
        await log_in(browser)


async def test_adding_a_factor_wants_the_password(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    browser = studio.browser()
    await sign_up_with_email(browser.request(), CARL, PASSWORD)
    first, second = [await generate_totp(browser.request(), None) for _ in range(2)]
    for password in ("wrong", "", None):
        with refused("AuthenticationFailed"):
            await add_mfa_method(browser.request(), password, first.method)
    with refused("AuthenticationFailed", "not logged in"):
        await add_mfa_method(studio.browser().request(), PASSWORD, first.method)
    await add_mfa_method(browser.request(), PASSWORD, first.method)
    with refused("MFAException", "already"):
        await add_mfa_method(browser.request(), PASSWORD, first.method)
    added = await add_mfa_method(browser.request(), PASSWORD, second.method)
    assert [one["id"] for one in added] == [first.method["id"], second.method["id"]]
    assert "secret" not in str(added)
    third = await generate_totp(browser.request(), None)
    await add_mfa_method(browser.request(), PASSWORD, third.method, clear_existing=True)
    assert studio.users[1]["mfa"] == [third.method]


async def test_types_are_told_to_who_knows_the_password(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True, max_password_failures=3)
    await sign_up(studio)
    request = studio.browser().request()
    assert await available_types(request, CARL, PASSWORD) == ["totp"]
    assert await available_types(request, "nobody@example.com", PASSWORD) == []
    for _ in range(3):  # it is no way around the lock of the log-in
        assert await available_types(request, CARL, "wrong") == []
    assert await available_types(request, CARL, PASSWORD) == []


async def test_a_lost_phone_is_replaced_by_mail(tmp_path: Path) -> None:
    studio = Studio(tmp_path, require_mfa=True, allow_mfa_email_reset=True)
    _, lost = await sign_up(studio)
    browser = studio.browser()
    await send_mfa_reset_email(browser.request(), CARL)
    await finish_sending()
    token = studio.last_link().rsplit("/", 1)[1]
    assert await log_in_with_token(browser.request(), token) is True
    assert await log_in_with_token(browser.request(), token) is None
    with refused("MFARequired"):  # what makes the browser show its form
        await is_in(browser)
    setup = await generate_totp(browser.request(), None)
    with refused("AuthenticationFailed"):
        await add_mfa_method(browser.request(), "wrong", setup.method)
    await add_mfa_method(browser.request(), PASSWORD, setup.method)
    assert not await is_in(browser)
    with refused("AuthenticationFailed"):
        await log_in(browser, lost.code())
    await log_in(browser, Phone(studio, setup).code())


@pytest.mark.parametrize(
    ("options", "has_factor", "is_mailed"),
    [
        ({"require_mfa": True}, True, False),
        ({"require_mfa": True}, False, True),
        ({"require_mfa": True, "allow_mfa_email_reset": True}, True, True),
    ],
)
async def test_who_may_reset_by_mail(
    tmp_path: Path, options: dict[str, Any], has_factor: bool, is_mailed: bool
) -> None:
    studio = Studio(tmp_path, **options)
    await sign_up(studio)
    if not has_factor:
        studio.users[1]["mfa"] = None
    # A browser is told the same in all cases, and for a stranger.
    for email in (CARL, "nobody@example.com"):
        assert await send_mfa_reset_email(studio.browser().request(), email) is None
    await finish_sending()
    assert len(studio.mail) == is_mailed
    with refused("AuthenticationFailed"):
        await send_mfa_reset_email(studio.server(), "nobody@example.com")


async def test_no_reset_where_the_app_wants_no_factor(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    with refused("AuthenticationFailed", "Cannot reset"):
        await send_mfa_reset_email(studio.browser().request(), CARL)
