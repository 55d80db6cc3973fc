"""The log-in form's other ways in: an e-mailed link, and accounts of other sites."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app_server.running import RunningServer, serve_app
from tests.services.mailbox import last_link

CARL = "carl@example.com"

ANVIL_YAML = """
package_name: shop
name: Yoga Studio
runtime_options: {version: 3, server_persist: true}
startup: {type: module, module: Start}
services:
- source: /runtime/services/tables.yml
  client_config: {enable_v2: true}
- source: /runtime/services/anvil/users.yml
  client_config: {use_email: false, use_token: true, use_google: true, use_saml: true,
    allow_signup: false}
  server_config: {user_table: users}
db_schema:
  users: {title: Users, client: none, server: full, columns: [{name: email, type: string}]}
"""

START = """
import anvil.users
from anvil import alert

user = anvil.users.login_with_form()
alert("Welcome " + user["email"], buttons=[("OK", True)])
"""

SERVER_CODE = """
import anvil.server
from anvil.tables import app_tables


@anvil.server.callable
def add(email):
    app_tables.users.add_row(email=email, enabled=True)
"""


@pytest.fixture
def server(tmp_path: Path, database_url: str, runtime: None) -> Iterator[RunningServer]:
    files = {"client_code/Start.py": START, "server_code/main.py": SERVER_CODE}
    with serve_app(tmp_path, files, database_url=database_url, anvil_yaml=ANVIL_YAML) as server:
        with server.browser() as browser:
            browser.call("add", CARL)
        yield server


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as context:
        yield context.new_page()


def ask_for_link(page: Page, email: str) -> None:
    page.get_by_text("Send a login link by email").click()
    dialog = page.get_by_role("dialog").filter(has_text="magic link")
    dialog.get_by_placeholder("Email address").fill(email)
    dialog.get_by_role("button", name="Send email").click()
    expect(page.get_by_text("An email with a login link has been sent to you")).to_be_visible()


def test_a_link_by_mail(server: RunningServer, page: Page, tmp_path: Path) -> None:
    page.goto(server.url)
    ask_for_link(page, CARL)
    page.goto(server.url + last_link(tmp_path))
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text(f"Welcome {CARL}")).to_be_visible()
    # A stranger is told the same, and gets nothing.
    page.context.clear_cookies()
    page.goto(server.url)
    ask_for_link(page, "nobody@example.com")
    assert len(list((tmp_path / "data" / "outbox").glob("*.eml"))) == 1


def test_an_account_elsewhere_says_what_it_would_need(server: RunningServer, page: Page) -> None:
    page.goto(server.url)
    for button, problem in [
        ("Sign in with Google", "This server has no log-in with Google"),
        ("Log in via SAML", "This server has no log-in by SAML"),
    ]:
        page.get_by_text(button).click()
        expect(page.get_by_text(problem)).to_be_visible()
    expect(page.get_by_text("Send a login link by email")).to_be_visible()
