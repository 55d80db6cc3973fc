"""Modules of accounts elsewhere: the imports with which many apps begin, and what calls say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app_server.running import CallFailed, serve_app
from tests.browser import conftest as browser
from tests.browser.stub_server import failure

page = browser.page
make_server = browser.make_server
run_module = browser.run_module

# What the service Google API puts at the top of every form and server module, and its old form.
PRELUDES = """
import anvil.google.auth, anvil.google.drive, anvil.google.mail
from anvil.google.drive import app_files
import anvil.facebook.auth
import anvil.microsoft.auth
import anvil.saml.auth
import anvil.stripe
"""
CLIENT_PRELUDES = """
import stripe.checkout
import google.auth, google.drive, google.mail
from google.drive import app_files as old_app_files
import facebook.auth
import tables
from tables import app_tables
"""
SAID = {
    "anvil.google.auth.get_user_access_token()": "no log-in with Google",
    "anvil.google.drive.get_user_files()": "no Google Drive",
    "anvil.google.mail.send(to='a@b.example', text='Hello')": "no Gmail",
    "anvil.google.sheets.get_sheet('x', 'y')": "no Google Sheets",
    "anvil.microsoft.auth.refresh_access_token('x')": "no log-in with Microsoft",
    "anvil.stripe.new_customer('a@b.example')": "no Stripe",
}
SERVER_CODE = f"""
import anvil.server
{PRELUDES}

@anvil.server.callable
def evaluate(code):
    return eval(code)

@anvil.server.callable
def refusal_of(code):
    try:
        eval(code)
    except anvil.server.ServiceNotAdded as error:
        return str(error)

@anvil.server.callable
def find_app_file():
    try:
        return app_files.budget
    except Exception as error:
        return str(error)
"""


def test_forms_may_begin_with_the_imports_of_every_service(run_module: browser.RunModule) -> None:
    lines = run_module(
        PRELUDES
        + CLIENT_PRELUDES
        + "print(stripe.checkout.charge.__name__, old_app_files is app_files, anvil.stripe)"
    )
    assert lines[0].startswith("charge True <module 'anvil.stripe'")


def test_a_log_in_elsewhere_says_in_the_browser_what_is_needed(
    run_module: browser.RunModule,
) -> None:
    refusal = failure("anvil.server.ServiceNotAdded", "This server has no log-in with Google.")
    lines = run_module(
        """
        import anvil.server, anvil.google.auth
        try:
            anvil.google.auth.login()
        except anvil.server.ServiceNotAdded as error:
            print(error)
        """,
        {"anvil.private.google.auth.login": lambda _call: refusal},
    )
    assert lines == ["This server has no log-in with Google."]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What server code and a browser get, by the code asked."""
    folder: Path = tmp_path_factory.mktemp("integrations")
    given: dict[str, object] = {}
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER_CODE}
    with serve_app(folder, files) as server, server.browser() as visitor:
        for code in SAID:
            given[code] = visitor.call("refusal_of", code)
        for provider in ("google", "facebook", "microsoft", "saml"):
            code = f"anvil.{provider}.auth.get_user_email()"
            given[code] = visitor.call("evaluate", code)
            native = f"anvil.private.{provider}.auth.login"
            with pytest.raises(CallFailed) as refused:
                visitor.call(native)
            given[native] = str(refused.value)
        given["app file"] = visitor.call("find_app_file")
    return given


@pytest.mark.parametrize("code", SAID)
def test_a_call_that_needs_an_account_says_so(answers: dict[str, object], code: str) -> None:
    said = str(answers[code])
    assert said.startswith(f"This server has {SAID[code]}. "), said
    assert "server" in said.removeprefix("This server has") or "anvil.email" in said


@pytest.mark.parametrize("provider", ["google", "facebook", "microsoft", "saml"])
def test_nobody_is_logged_in_elsewhere(answers: dict[str, object], provider: str) -> None:
    assert answers[f"anvil.{provider}.auth.get_user_email()"] is None
    said = str(answers[f"anvil.private.{provider}.auth.login"])
    assert said.startswith("anvil.server.ServiceNotAdded: This server has no log-in ")
    assert "anvil.users" in said


def test_an_unknown_app_file_is_named(answers: dict[str, object]) -> None:
    assert answers["app file"] == "No such app file: budget"
