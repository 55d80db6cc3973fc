"""How often a stranger may try passwords, sign up, or have mail sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from app_server import limits
from app_server.rates import RateLimits
from tests.app_server.running import Browser, CallFailed, serve_app
from tests.services.test_users_in_app import ANVIL_YAML, PASSWORD, USERS

SERVER = """
import anvil.server
import anvil.users

@anvil.server.callable
def log_in_here(email, password):
    anvil.users.login_with_email(email, password)
"""


def test_what_is_given_back_does_not_count():
    rates = RateLimits(1, 2, clock=lambda: 0.0)
    for _ in range(10):
        assert rates.allows("a")
        rates.give_back("a")
    assert rates.allows("a") and rates.allows("a") and not rates.allows("a")
    rates.give_back("never seen")


def test_guesses_from_one_address_are_limited(tmp_path: Path, database_url: str):
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    yaml = ANVIL_YAML.replace("confirm_email: true", "confirm_email: false")
    with (
        serve_app(tmp_path, files, database_url=database_url, anvil_yaml=yaml) as server,
        server.browser() as browser,
    ):
        browser.call(USERS + "signup_with_email", "mia@example.com", PASSWORD)
        for _ in range(3):
            browser.call(USERS + "login_with_email", "mia@example.com", PASSWORD)
        answers = [guess(browser, number) for number in range(limits.ATTEMPT_BURST + 50)]
        taken = answers.count("")
        assert limits.ATTEMPT_BURST - 10 <= taken < len(answers)
        assert set(answers[taken:]) <= {"", "anvil.server.QuotaExceededError"}
        with pytest.raises(CallFailed, match="Too many attempts"):
            browser.call(USERS + "signup_with_email", "zoe@example.com", PASSWORD)
        with pytest.raises(CallFailed, match="Too many attempts"):
            browser.call(USERS + "login_with_email", "mia@example.com", "a wrong password")
        with pytest.raises(CallFailed, match="Too many attempts"):
            browser.call("log_in_here", "mia@example.com", "through server code")


def guess(browser: Browser, number: int) -> str:
    """Each at another account, whose own counter does not notice; the type of the error, if any.
    A link is asked for, since that takes no time for a hash; log-ins count the same."""
    try:
        browser.call(USERS + "send_token_login_email", f"guest{number}@example.com")
    except CallFailed as refused:
        return str(refused.type)
    return ""
