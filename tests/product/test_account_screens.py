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
        screen.type("E-mail", "nia@example.com")
        screen.type("Password", "short")
        screen.press("Create account")
        screen.sees("Password needs at least 10 characters.")
        screen.sees("Please agree to the terms and the privacy policy.")
        expect(screen.field("First name")).to_have_value("Nia")
        screen.type("Password", "long enough now")
        screen.page.get_by_label("I agree to the terms and the privacy policy").check()
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
        screen.sees("we send you a link")  # the log-in has a field of that name too
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


def test_someone_sets_a_new_password_by_the_mailed_link(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio) as screen:
        screen.open("/app/reset")
        screen.field("E-mail").fill("mia@yogastudio.example")
        screen.press("Send the link")
        screen.sees("a message with a link is on its way")
        link = studio.link_in_mail("mia@yogastudio.example")
        screen.page.goto(link)
        screen.page.locator("input[type=password]").first.fill("mia has a new password")
        for again in screen.page.locator("input[type=password]").all()[1:]:
            again.fill("mia has a new password")
        screen.page.locator("button[type=submit]").click()
        screen.page.wait_for_load_state()

        screen.open("/app/login")
        screen.field("E-mail").fill("mia@yogastudio.example")
        screen.field("Password").fill("mia has a new password")
        screen.press("Log in")
        screen.heading("Hello Mia")

        # The link has done its work.
        answer = screen.page.goto(link)
        assert answer and answer.status == 410
        assert screen.page.locator("input[type=password]").count() == 0
        screen.problems.clear()  # Chromium notes the 410.
