"""Accounts, from the first click to the customer's own pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.product.screens import tab
from tests.product.studio import Studio

pytestmark = pytest.mark.usefixtures("m3_assets")


def test_someone_signs_up_confirms_and_logs_in(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio) as screen:
        screen.open("/")
        screen.page.get_by_role("link", name="Create your account").click()
        screen.type("First name", "Nia")
        screen.type("Last name", "Achieng")
        screen.type("E-mail", "olga@yogastudio.example")
        screen.type("Password", "short")
        screen.press("Create account")
        screen.sees("Password needs at least 10 characters.")
        screen.type("Password", "long enough now")
        screen.press("Create account")
        screen.sees("There is an account with this e-mail address already.")
        expect(screen.field("First name")).to_have_value("Nia")
        screen.type("E-mail", "nia@example.com")
        screen.press("Create account")
        screen.sees("We have sent a message to nia@example.com.")

        screen.open("/app/login")
        screen.field("E-mail").fill("nia@example.com")
        screen.field("Password").fill("long enough now")
        screen.press("Log in")
        screen.sees("Please confirm your e-mail address first")
        screen.page.goto(studio.link_in_mail("nia@example.com"))
        screen.open("/app/login")
        screen.field("E-mail").fill("nia@example.com")
        screen.field("Password").fill("long enough now")
        screen.press("Log in")
        screen.heading("Hello Nia")


def test_the_reset_form_answers_the_same_for_everyone(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio) as screen:
        screen.open("/app/login")
        screen.page.get_by_role("link", name="Forgot your password?").click()
        screen.is_at("/app/reset")
        screen.field("E-mail").fill("not an address")
        screen.press("Send the link")
        screen.sees("E-mail must be an e-mail address")
        screen.field("E-mail").fill("sam@yogastudio.example")
        screen.press("Send the link")
        screen.sees("a message with a link is on its way")
    assert "/_/" in studio.link_in_mail("sam@yogastudio.example")


def test_someone_changes_their_password(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "carl") as screen:
        screen.open("/app/account")
        screen.type("Old password", "correct horse battery")
        screen.type("New password", "quite another one")
        screen.press("Save the new password")
        screen.sees("Your new password is saved.")
    with studio.person() as nobody:
        assert nobody.call("log_in", "carl@yogastudio.example", "quite another one")
