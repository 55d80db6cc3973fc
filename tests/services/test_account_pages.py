"""The pages behind mailed links, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from app_server.errors import AnvilError
from app_server.users.links import (
    generate_email_link_token,
    log_in_with_token,
    send_token_login_email,
)
from app_server.users.login import get_current_user, log_in_with_email
from app_server.users.mail import finish_sending
from app_server.users.pages import make_routes
from app_server.users.reset import (
    cancel_password_reset,
    reset_password,
    send_password_reset_email,
)
from app_server.users.signup import sign_up_with_email
from tests.services.studio import PASSWORD, Browser, Studio

CARL = "carl@example.com"
OTHER = "another long password"


@asynccontextmanager
async def open_pages(browser: Browser) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose requests carry this browser's session, as the host of the pages sets it."""
    app = Starlette(routes=make_routes(browser.studio.clock))

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"instance": browser.studio.instance, "session": browser.session}
        await app(scope, receive, send)

    transport = httpx.ASGITransport(app=serve)
    origin = browser.studio.instance.origin
    async with httpx.AsyncClient(transport=transport, base_url=origin) as client:
        yield client


async def sign_up(studio: Studio, email: str = CARL) -> None:
    await sign_up_with_email(studio.browser().request(), email, PASSWORD)


async def ask_for_reset(studio: Studio) -> str:
    await send_password_reset_email(studio.browser().request(), CARL)
    await finish_sending()
    return studio.last_link()


async def test_the_mailed_link_confirms_the_address(tmp_path: Path) -> None:
    studio = Studio(tmp_path, confirm_email=True)
    await sign_up(studio)
    async with open_pages(studio.browser()) as client:
        link = studio.last_link()
        assert (await client.head(link)).status_code == 200
        assert studio.users[1]["confirmed_email"] is False
        page = await client.get(link)
        assert page.status_code == 200
        assert "Your address is confirmed" in page.text
        assert 'href="/"' in page.text
        assert studio.users[1]["confirmed_email"] is True
        assert "Your address is confirmed" in (await client.get(link)).text
        wrong = await client.get(link + "x")
        assert wrong.status_code == 404
        assert "This link does not work" in wrong.text


async def test_an_expired_link_says_so(tmp_path: Path) -> None:
    studio = Studio(tmp_path, confirm_email=True)
    await sign_up(studio)
    studio.clock.advance(days=8)
    async with open_pages(studio.browser()) as client:
        page = await client.get(studio.last_link())
    assert page.status_code == 410
    assert "This link has expired" in page.text


async def test_a_new_password_by_the_mailed_link(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    link = await ask_for_reset(studio)
    async with open_pages(studio.browser()) as client:
        page = await client.get(link)
        assert page.status_code == 200
        assert "At least 8 characters" in page.text
        assert f'value="{CARL}"' in page.text
        differs = await client.post(link, data={"password": OTHER, "again": OTHER + "x"})
        assert differs.status_code == 422
        assert "not the same" in differs.text
        weak = await client.post(link, data={"password": "password1", "again": "password1"})
        assert weak.status_code == 422
        assert "too easy to guess" in weak.text
        for body in ({}, {"password": "x" * 20_000, "again": "x" * 20_000}):
            assert (await client.post(link, data=body)).status_code == 422
        done = await client.post(link, data={"password": OTHER, "again": OTHER})
        assert done.status_code == 200
        assert "Your password has been changed" in done.text
        for used in (
            await client.get(link),
            await client.post(link, data={"password": PASSWORD, "again": PASSWORD}),
        ):
            assert used.status_code == 410
            assert "This link was used already" in used.text
    await log_in_with_email(studio.browser().request(), CARL, OTHER)


async def test_pages_give_nothing_away(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    link = await ask_for_reset(studio)
    async with open_pages(studio.browser()) as client:
        page = await client.get(link)
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert page.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        known = await client.get(f"/_/email-pw-reset/{CARL}/wrong")
        unknown = await client.get("/_/email-pw-reset/nobody@example.com/wrong")
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)


async def test_an_address_is_shown_as_text(tmp_path: Path) -> None:
    studio = Studio(tmp_path, confirm_email=True)
    await sign_up(studio, "&/x@example.com")
    async with open_pages(studio.browser()) as client:
        page = await client.get(studio.last_link())
    assert page.status_code == 200
    assert "Thank you, &amp;/x@example.com." in page.text


async def test_a_log_in_link_works_once_and_only_when_pressed(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    await send_token_login_email(studio.browser().request(), CARL)
    await finish_sending()
    link, browser = studio.last_link(), studio.browser()
    async with open_pages(browser) as client:
        for _ in range(2):
            page = await client.get(link)
            assert (page.status_code, 'method="post"' in page.text) == (200, True)
        elsewhere = await client.post(link, headers={"Origin": "https://evil.example"})
        assert elsewhere.status_code == 403
        assert await get_current_user(browser.request()) is None
        done = await client.post(link, headers={"Origin": studio.instance.origin})
        assert done.status_code == 303
        assert done.headers["Location"] == "/"
        row = await get_current_user(browser.request())
        assert row is not None
        assert row.email == CARL
        for again in (await client.get(link), await client.post(link)):
            assert again.status_code == 410


async def test_log_in_links_need_to_be_switched_on(tmp_path: Path) -> None:
    studio = Studio(tmp_path, use_token=False)
    await sign_up(studio)
    with pytest.raises(AnvilError, match="not enabled"):
        await send_token_login_email(studio.server(), CARL)
    token = await generate_email_link_token(studio.server(), CARL, "login")
    assert await log_in_with_token(studio.browser().request(), token) is None


async def test_a_log_in_link_ends_after_ten_minutes(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    token = await generate_email_link_token(studio.server(), CARL, "login")
    studio.clock.advance(minutes=10)
    assert await log_in_with_token(studio.browser().request(), token) is None


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "!.login.x", "_w.login.x", None, 3])
async def test_what_is_no_token_logs_nobody_in(tmp_path: Path, token: Any) -> None:
    assert await log_in_with_token(Studio(tmp_path).browser().request(), token) is None


async def test_only_server_code_makes_tokens(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    with pytest.raises(AnvilError) as caught:
        await generate_email_link_token(studio.browser().request(), CARL, "login")
    assert caught.value.type_name == "anvil.server.PermissionDenied"


async def test_a_reset_token_asks_the_browser_for_a_new_password(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    await sign_up(studio)
    browser = studio.browser()
    token = await generate_email_link_token(studio.server(), CARL, "pw-reset")
    assert await log_in_with_token(browser.request(), token) is True
    with pytest.raises(AnvilError) as caught:
        await get_current_user(browser.request())
    assert caught.value.type_name == "anvil.users.PasswordResetRequested"
    await reset_password(browser.request(), None, OTHER)
    assert await get_current_user(browser.request()) is None
    cancel_password_reset(browser.request())
    await log_in_with_email(browser.request(), CARL, OTHER)
