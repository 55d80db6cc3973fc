"""The Users service through the real server: a browser, server code and an uplink share it."""

from __future__ import annotations

import email
import subprocess
import sys
from collections.abc import Iterator
from email.policy import default as modern
from pathlib import Path

import psycopg
import pytest

from tests.app_server.running import CallFailed, RunningServer, serve_app
from tests.services.mailbox import last_link

CARL = "carl@example.com"
PASSWORD = "correct horse battery"
OTHER = "another long password"
USERS = "anvil.private.users."

ANVIL_YAML = """
package_name: shop
name: Yoga Studio
runtime_options: {version: 3, server_persist: true}
services:
- source: /runtime/services/tables.yml
  client_config: {enable_v2: true}
- source: /runtime/services/anvil/users.yml
  client_config: {use_email: true, allow_signup: true, enable_automatically: true,
    confirm_email: true, allow_remember_me: true, remember_me_days: 30,
    require_secure_passwords: true, use_token: true, use_microsoft: true}
  server_config: {user_table: users}
- source: /runtime/services/anvil/email.yml
db_schema:
  users:
    title: Users
    client: none
    server: full
    columns:
    - {name: email, type: string}
    - {name: enabled, type: bool}
    - {name: nickname, type: string}
"""

SERVER_CODE = """
import anvil.email
import anvil.server
import anvil.tables as tables
import anvil.users
from anvil.tables import app_tables, query as q


@anvil.server.callable
def who():
    user = anvil.users.get_user(fetch=q.fetch_only("email"))
    return user and user["email"]


@anvil.server.callable
def log_in(email, password):
    try:
        return anvil.users.login_with_email(email, password)["email"]
    except anvil.users.EmailNotConfirmed:
        return "not confirmed"
    except anvil.users.AuthenticationFailed as error:
        return str(error.args[0])


@anvil.server.callable
@tables.in_transaction
def log_in_transaction(email, password):
    user = app_tables.users.get(email=email)
    return anvil.users.login_with_email(email, password)["email"]


@anvil.server.callable
def force(email):
    user = app_tables.users.get(email=email)
    with tables.Transaction():
        user["nickname"] = "forced"
        anvil.users.force_login(user)
    return anvil.users.get_user()["nickname"]


@anvil.server.callable
def log_out():
    anvil.users.logout()


@anvil.server.callable
def change_password(old, new):
    anvil.users.reset_password(old, new)


@anvil.server.callable
def ask_for_reset(email):
    anvil.users.send_password_reset_email(email)


@anvil.server.callable
def token(email, kind):
    return anvil.server.call("anvil.private.users.generate_email_link_token", email, kind)


@anvil.server.http_endpoint("/me", authenticate_users=True)
def me():
    return anvil.server.request.user["email"]


@anvil.server.callable
def send_mail(to, media):
    report = anvil.email.send(to=to, subject="Hello", text="Hi", attachments=[media])
    return report.message_id
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("users")


@pytest.fixture(scope="module")
def running(folder: Path, shared_database: str) -> Iterator[RunningServer]:
    with serve_app(
        folder,
        {"server_code/main.py": SERVER_CODE},
        "--uplink-key=server-key",
        database_url=shared_database,
        anvil_yaml=ANVIL_YAML,
    ) as server:
        yield server


@pytest.fixture
def server(running: RunningServer, shared_database: str, folder: Path) -> RunningServer:
    """The server without users, mail and cookies."""
    for path in (folder / "data" / "outbox").glob("*.eml"):
        path.unlink()
    running.client.cookies.clear()
    with psycopg.connect(shared_database) as db:
        db.execute("DELETE FROM app.users")
    return running


def sign_up(server: RunningServer, folder: Path) -> None:
    with server.browser() as browser:
        browser.call(USERS + "signup_with_email", CARL, PASSWORD)
    assert "is confirmed" in server.get(last_link(folder)).text


def test_sign_up_confirm_and_log_in(server: RunningServer, folder: Path) -> None:
    with server.browser() as browser:
        row = browser.call(USERS + "signup_with_email", CARL, PASSWORD)
        assert browser.call("who") is None
        assert browser.call("log_in", CARL, PASSWORD) == "not confirmed"
        with pytest.raises(CallFailed) as caught:
            browser.call(USERS + "login_with_email", CARL, PASSWORD)
        assert caught.value.type == "anvil.users.EmailNotConfirmed"
        assert "Your address is confirmed" in server.get(last_link(folder)).text
        assert browser.call("log_in", CARL, "wrong") == "Incorrect email address or password"
        row = browser.call(USERS + "login_with_email", CARL, PASSWORD)
        assert isinstance(row, list)
        assert "$2a$" not in str(browser.last)
        assert browser.call("who") == CARL
        assert browser.call(USERS + "get_current_user_email") == CARL
        browser.call("log_out")
        assert browser.call("who") is None


def test_wrong_passwords_count_though_the_transaction_rolls_back(
    server: RunningServer, folder: Path
) -> None:
    sign_up(server, folder)
    with server.browser() as browser:
        for _ in range(9):
            with pytest.raises(CallFailed) as caught:
                browser.call("log_in_transaction", CARL, "wrong")
            assert caught.value.type == "anvil.users.AuthenticationFailed"
        for password in ("wrong", PASSWORD):
            with pytest.raises(CallFailed) as caught:
                browser.call("log_in_transaction", CARL, password)
            assert caught.value.type == "anvil.users.TooManyPasswordFailures"


def test_force_login_inside_a_transaction(server: RunningServer, folder: Path) -> None:
    sign_up(server, folder)
    with server.browser() as browser:
        assert browser.call("force", CARL) == "forced"
        assert browser.call("who") == CARL
        with pytest.raises(CallFailed) as caught:
            browser.call(USERS + "force_login", None)
        assert caught.value.type == "anvil.server.PermissionDenied"


def test_a_remembered_browser_is_logged_in_in_its_next_session(
    server: RunningServer, folder: Path
) -> None:
    sign_up(server, folder)
    with server.browser() as browser:
        browser.call(USERS + "login_with_email", CARL, PASSWORD, remember=True)
        assert {"id": browser.last["id"], "set-cookie": True} in browser.updates
        server.post("/_/request_cookies").raise_for_status()
    server.client.cookies.delete("anvil-session")
    with server.browser() as browser:
        assert browser.call("who") == CARL
        assert browser.call(USERS + "get_current_user", allow_remembered=False) is None
        assert browser.call(USERS + "get_last_login_email") == CARL
        browser.call(USERS + "logout")
        server.post("/_/request_cookies").raise_for_status()
    server.client.cookies.delete("anvil-session")
    with server.browser() as browser:
        assert browser.call("who") is None


def test_a_new_password_logs_out_other_browsers(server: RunningServer, folder: Path) -> None:
    sign_up(server, folder)
    with server.browser() as desk:
        assert desk.call("log_in", CARL, PASSWORD) == CARL
        server.client.cookies.clear()
        with server.browser() as phone:
            phone.call("log_in", CARL, PASSWORD)
            phone.call("change_password", PASSWORD, OTHER)
            assert phone.call("who") == CARL
            assert desk.call("who") is None
            assert desk.call("log_in", CARL, PASSWORD).startswith("Incorrect")
            assert desk.call("log_in", CARL, OTHER) == CARL


def test_reset_by_mail(server: RunningServer, folder: Path) -> None:
    sign_up(server, folder)
    with server.browser() as browser:
        assert browser.call(USERS + "send_password_reset_email", "nobody@example.com") is None
        browser.call("ask_for_reset", CARL)
        link = last_link(folder)
        assert "Choose a new password" in server.get(link).text
        done = server.post(link, data={"password": OTHER, "again": OTHER})
        assert "has been changed" in done.text
        assert server.get(link).status_code == 410
        assert browser.call("log_in", CARL, OTHER) == CARL


def test_log_in_by_a_link(server: RunningServer, folder: Path) -> None:
    sign_up(server, folder)
    with server.browser() as browser:
        link = f"/_/login/{browser.call('token', CARL, 'login')}"
        reset = f"/_/reset_password/{browser.call('token', CARL, 'pw-reset')}"
    server.client.cookies.clear()
    assert server.get(link).status_code == 200
    assert server.post(link).status_code == 303
    with server.browser(with_session=False) as browser:
        assert browser.call("who") == CARL
    server.client.cookies.clear()
    assert server.post(reset).status_code == 303
    with server.browser(with_session=False) as browser:
        with pytest.raises(CallFailed) as caught:
            browser.call(USERS + "get_current_user")
        assert caught.value.type == "anvil.users.PasswordResetRequested"
        browser.call(USERS + "reset_password", None, OTHER)
        assert browser.call("log_in", CARL, OTHER) == CARL


def test_an_endpoint_takes_a_password(server: RunningServer, folder: Path) -> None:
    sign_up(server, folder)
    assert server.get("/_/api/me").status_code == 401
    assert server.get("/_/api/me", auth=(CARL, "wrong")).status_code == 401
    assert server.get("/_/api/me", auth=(CARL, PASSWORD)).text == CARL


def test_what_is_not_set_up_is_refused(server: RunningServer) -> None:
    with server.browser() as browser:
        assert browser.call(USERS + "get_enabled_mfa_types") == ["totp", "fido"]
        assert browser.call(USERS + "get_available_mfa_types", CARL, PASSWORD) == []
        with pytest.raises(CallFailed, match="need an account at Twilio") as caught:
            browser.call(USERS + "twilio.generate_mfa_method", "+441234567890")
        assert caught.value.type == "anvil.users.MFAException"
        with pytest.raises(CallFailed, match="Google authentication is not enabled"):
            browser.call(USERS + "login_with_google", remember=True)
        with pytest.raises(CallFailed, match="needs an account and keys at Microsoft"):
            browser.call(USERS + "login_with_microsoft", remember=True)


def test_an_uplink_uses_the_same_accounts(server: RunningServer, folder: Path) -> None:
    code = f"""
import anvil.server, anvil.users
from anvil.tables import app_tables
anvil.server.connect("server-key", url="ws://127.0.0.1:{server.port}/_/uplink", quiet=True)
anvil.users.signup_with_email("{CARL}", "{PASSWORD}")
row = app_tables.users.get(email="{CARL}")
row["confirmed_email"] = True
print(anvil.users.login_with_email("{CARL}", "{PASSWORD}", remember=True)["email"])
print(anvil.users.get_user()["email"])
anvil.users.logout()
print(anvil.users.get_user())
anvil.users.force_login(row)
print(anvil.users.get_user() == row)
try:
    anvil.server.call("anvil.private.secrets.get_secret", "x")
except Exception as error:
    print(error)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [
        CARL,
        CARL,
        "None",
        "True",
        "Uplink code cannot access secrets for this app.",
    ]


def test_server_code_sends_mail_and_browsers_do_not(server: RunningServer, folder: Path) -> None:
    media = {"path": ["args", 1], "type": ["DataMedia"], "id": "m1", "mime-type": "text/plain"}
    with server.browser() as browser:
        browser.send_call(
            {"command": "send_mail"},
            ["zoe@example.com", None],
            objects=[{**media, "name": "notes.txt"}],
            media={"m1": [b"one ", b"two"]},
        )
        with pytest.raises(CallFailed) as caught:
            browser.call("anvil.private.email.send.v2", to="zoe@example.com", text="spam")
        assert caught.value.type == "anvil.server.PermissionDenied"
    [path] = (folder / "data" / "outbox").glob("*.eml")
    message = email.message_from_bytes(path.read_bytes(), policy=modern)
    [attachment] = message.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content()) == ("notes.txt", "one two")
