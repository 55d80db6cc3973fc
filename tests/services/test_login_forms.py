"""Anvil's own log-in forms in a real browser, against the real Users service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app_server.running import RunningServer, serve_app
from tests.services.mailbox import last_link

CARL = "carl@example.com"
PASSWORD = "correct horse battery"
OTHER = "another long password"

ANVIL_YAML = """
package_name: shop
name: Yoga Studio
runtime_options: {version: 3, server_persist: true}
startup: {type: module, module: Start}
services:
- source: /runtime/services/tables.yml
  client_config: {enable_v2: true}
- source: /runtime/services/anvil/users.yml
  client_config: {use_email: true, allow_signup: true, enable_automatically: true,
    confirm_email: true, allow_remember_me: true, remember_me_days: 30,
    require_secure_passwords: true}
  server_config: {user_table: users}
db_schema:
  users: {title: Users, client: none, server: full, columns: []}
"""

START = """
import anvil.users
from anvil import alert

user = anvil.users.login_with_form()
if alert("Welcome " + user["email"], buttons=[("Log out", "out"), ("Change", "change")]) == "out":
    anvil.users.logout()
else:
    anvil.users.change_password_with_form()
alert("Bye", buttons=[("OK", True)])
"""


@pytest.fixture
def server(tmp_path: Path, database_url: str, runtime: None) -> Iterator[RunningServer]:
    files = {"client_code/Start.py": START}
    with serve_app(tmp_path, files, database_url=database_url, anvil_yaml=ANVIL_YAML) as server:
        yield server


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as context:
        yield context.new_page()


def log_in(page: Page, password: str) -> None:
    page.get_by_placeholder("email@address.com").fill(CARL)
    page.get_by_placeholder("password").fill(password)
    page.get_by_role("button", name="Log In").click()


def test_from_sign_up_to_a_new_password(server: RunningServer, page: Page, tmp_path: Path) -> None:
    page.goto(server.url)
    page.get_by_text("Sign up for a new account").click()
    for password, outcome in [
        ("password1", "too easy to guess"),
        (PASSWORD, "sent a confirmation"),
    ]:
        page.get_by_placeholder("address@example.com").fill(CARL)
        for box in page.locator("input[type=password]").all():
            box.fill(password)
        page.get_by_role("button", name="Sign Up").click()
        expect(page.get_by_text(outcome)).to_be_visible()
    page.get_by_role("button", name="OK").click()
    log_in(page, PASSWORD)
    expect(page.get_by_text("haven't confirmed your email address")).to_be_visible()

    page.goto(server.url + last_link(tmp_path))
    expect(page.get_by_role("heading", name="Your address is confirmed")).to_be_visible()
    page.goto(server.url)
    log_in(page, "wrong")
    expect(page.get_by_text("Incorrect email address or password")).to_be_visible()
    log_in(page, PASSWORD)
    expect(page.get_by_text(f"Welcome {CARL}")).to_be_visible()

    # A new session: only the memory of the log-in is left.
    page.context.clear_cookies(name="anvil-session")
    page.goto(server.url)
    expect(page.get_by_text(f"Welcome {CARL}")).to_be_visible()
    page.get_by_role("button", name="Change").click()
    page.get_by_placeholder("Old password").fill(PASSWORD)
    page.get_by_placeholder("New password", exact=True).fill(OTHER)
    page.get_by_placeholder("Confirm new password").fill(OTHER)
    page.get_by_role("dialog").get_by_role("button", name="Change").click()
    expect(page.get_by_text("Bye")).to_be_visible()

    page.goto(server.url)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("Bye")).to_be_visible()
    page.goto(server.url)
    expect(page.get_by_placeholder("email@address.com")).to_have_value(CARL)
    log_in(page, OTHER)
    expect(page.get_by_text(f"Welcome {CARL}")).to_be_visible()


def test_forgotten_passwords(server: RunningServer, page: Page, tmp_path: Path) -> None:
    with server.browser() as browser:
        browser.call("anvil.private.users.signup_with_email", CARL, PASSWORD)
    page.goto(server.url)
    page.get_by_text("Forgot your password?").click()
    dialog = page.get_by_role("dialog").filter(has_text="Reset password by email")
    dialog.get_by_placeholder("email@address.com").fill(CARL)
    dialog.get_by_role("button", name="OK").click()
    expect(page.get_by_text("Requested password reset")).to_be_visible()

    page.goto(server.url + last_link(tmp_path, count=2))
    page.get_by_label("New password", exact=True).fill("password1")
    page.get_by_label("New password, once more").fill("password1")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_contain_text("too easy to guess")
    page.get_by_label("New password", exact=True).fill(OTHER)
    page.get_by_label("New password, once more").fill(OTHER)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("heading", name="Your password has been changed")).to_be_visible()
    page.get_by_role("link", name="Continue").click()
    log_in(page, OTHER)
    expect(page.get_by_text(f"Welcome {CARL}")).to_be_visible()
