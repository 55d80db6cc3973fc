"""Anvil's own forms for second factors in a real browser, with an authenticator app beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app_server.running import RunningServer, serve_app
from tests.services.mailbox import last_link

CARL = "carl@example.com"
PASSWORD = "correct horse battery"

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
    confirm_email: false, require_mfa: true, mfa_timeout_days: 3, allow_mfa_email_reset: true}
  server_config: {user_table: users}
db_schema:
  users: {title: Users, client: full, server: full, columns: []}
"""

START = """
import anvil.users
from anvil import alert

user = anvil.users.login_with_form()
secrets = [name for name in dict(user) if name in ("mfa", "password_hash")]
choice = alert("Welcome " + user["email"] + str(secrets), buttons=[("Out", 1), ("Configure", 2)])
if choice == 2:
    anvil.users.configure_account_with_form()
anvil.users.logout()
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


READ_SECRET = """
window.seen = [];
const { WebSocket: Real } = window;
window.WebSocket = class extends Real {
  constructor(...args) {
    super(...args);
    this.addEventListener("message", ({ data }) => window.seen.push(String(data)));
  }
};
"""


def scan(page: Page) -> pyotp.TOTP:
    """An authenticator app with the secret on the page. It is taken from the answer that brought
    the picture."""
    picture = page.get_by_role("dialog").locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("async (img) => (await img.decode(), img.naturalWidth)") >= 150
    secret = page.evaluate(
        "[...window.seen.join().matchAll(/.secret.: ?.([A-Z2-7]{32}).[,}]/g)].pop()[1]"
    )
    return pyotp.TOTP(secret)


def choose_authenticator(page: Page) -> pyotp.TOTP:
    page.get_by_text("Use Authenticator app").click()
    phone = scan(page)
    dialog = page.get_by_role("dialog").filter(has_text="Scan this QR-code")
    dialog.get_by_placeholder("Enter 6-digit code").fill(phone.now())
    return phone


def log_in(page: Page) -> None:
    page.get_by_placeholder("email@address.com").fill(CARL)
    page.get_by_placeholder("password").fill(PASSWORD)
    page.get_by_role("button", name="Log In").click()


def give_code(page: Page, code: str) -> None:
    dialog = page.get_by_role("dialog").filter(has_text="2-Factor Authentication")
    dialog.get_by_placeholder("Enter 6-digit code").fill(code)
    dialog.get_by_role("button", name="Log In").click()


def next_code(phone: pyotp.TOTP) -> str:
    """The code of the step that follows, which counts already: the one that is shown now was used
    when the factor was set up."""
    return phone.at(int(time.time()) + 30)


def sign_up(page: Page, server: RunningServer) -> pyotp.TOTP:
    page.add_init_script(READ_SECRET)
    page.goto(server.url)
    page.get_by_text("Sign up for a new account").click()
    page.get_by_placeholder("address@example.com").fill(CARL)
    for box in page.locator("input[type=password]").all():
        box.fill(PASSWORD)
    page.get_by_role("button", name="Sign Up").click()
    phone = choose_authenticator(page)
    page.get_by_role("button", name="Sign up", exact=True).click()
    expect(page.get_by_text(f"Welcome {CARL}[]")).to_be_visible()
    return phone


def test_sign_up_and_log_in_with_an_authenticator(server: RunningServer, page: Page) -> None:
    phone = sign_up(page, server)
    page.get_by_role("button", name="Out").click()
    expect(page.get_by_text("Bye")).to_be_visible()
    assert phone.secret not in "".join(server.log)

    page.goto(server.url)
    log_in(page)
    give_code(page, "000000")
    expect(page.get_by_text("Incorrect authentication code")).to_be_visible()
    log_in(page)
    give_code(page, next_code(phone))
    expect(page.get_by_text(f"Welcome {CARL}[]")).to_be_visible()
    page.get_by_role("button", name="Out").click()
    expect(page.get_by_text("Bye")).to_be_visible()

    # This browser is remembered for three days: the password alone is enough.
    page.goto(server.url)
    log_in(page)
    expect(page.get_by_text(f"Welcome {CARL}[]")).to_be_visible()


def test_configure_account_and_reset_by_mail(
    server: RunningServer, page: Page, tmp_path: Path, chromium: Browser
) -> None:
    sign_up(page, server)
    page.get_by_role("button", name="Configure").click()
    page.get_by_text("Configure two-factor authentication").click()
    page.get_by_placeholder("Current password").fill(PASSWORD)
    second = choose_authenticator(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("configuration has been reset")).to_be_visible()

    with chromium.new_context() as context:
        other = context.new_page()
        other.add_init_script(READ_SECRET)
        other.goto(server.url)
        log_in(other)
        other.get_by_text("Reset 2-factor authentication by email").click()
        expect(other.get_by_text("Requested 2-factor authentication reset")).to_be_visible()
        other.goto(server.url + last_link(tmp_path))
        other.get_by_role("button", name="Continue").click()
        dialog = other.get_by_role("dialog").filter(has_text="2-Factor Authentication")
        dialog.get_by_placeholder("Current password").fill(PASSWORD)
        third = choose_authenticator(other)
        other.get_by_role("button", name="Save").click()
        other.get_by_role("button", name="OK").click()
        log_in(other)
        give_code(other, next_code(second))
        expect(other.get_by_text("Incorrect authentication code")).to_be_visible()
        log_in(other)
        give_code(other, next_code(third))
        expect(other.get_by_text(f"Welcome {CARL}[]")).to_be_visible()


def add_security_key(page: Page) -> None:
    """One that says yes to everything, as Chromium's developer tools have it."""
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "usb",
        "automaticPresenceSimulation": True,
        "isUserVerified": True,
    }
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_security_key(server: RunningServer, page: Page, chromium: Browser) -> None:
    add_security_key(page)
    page.goto(server.url)
    page.get_by_text("Sign up for a new account").click()
    page.get_by_placeholder("address@example.com").fill(CARL)
    for box in page.locator("input[type=password]").all():
        box.fill(PASSWORD)
    page.get_by_role("button", name="Sign Up").click()
    page.get_by_text("Use hardware token").click()
    expect(page.get_by_text(f"Welcome {CARL}[]")).to_be_visible()
    page.get_by_role("button", name="Out").click()
    expect(page.get_by_text("Bye")).to_be_visible()
    for _ in range(2):
        page.context.clear_cookies()  # of the remembered device too
        page.goto(server.url)
        log_in(page)
        page.get_by_text("Use hardware token").click()
        expect(page.get_by_text(f"Welcome {CARL}[]")).to_be_visible()

    # Another key, that nobody registered.
    with chromium.new_context() as context:
        other = context.new_page()
        add_security_key(other)
        other.goto(server.url)
        log_in(other)
        other.get_by_text("Use hardware token").click()
        expect(other.get_by_role("dialog").filter(has_text="2-Factor")).to_be_visible()
        expect(other.get_by_text("Welcome")).to_have_count(0)
