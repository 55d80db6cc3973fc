"""A log-in gives the browser a new cookie: whoever knew the one before is not logged in with it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from app_server.keys import InstanceKeys
from app_server.sessions import COOKIE_NAME, SessionStore
from tests.app_server.running import RunningServer, open_socket, serve_app

YAML = """
package_name: shop
runtime_options: {version: 3, server_persist: true}
services:
- source: /runtime/services/tables.yml
  client_config: {enable_v2: true}
- source: /runtime/services/anvil/users.yml
  client_config: {use_email: true}
  server_config: {user_table: users}
db_schema:
  users:
    title: Users
    client: none
    server: full
    columns:
    - {name: email, type: string}
    - {name: enabled, type: bool}
"""
SERVER = """
import anvil.server, anvil.users
from anvil.tables import app_tables

@anvil.server.callable
def log_in(email):
    user = app_tables.users.get(email=email) or app_tables.users.add_row(email=email, enabled=True)
    anvil.users.force_login(user)
    return anvil.server.get_session_id()

@anvil.server.callable
def who():
    user = anvil.users.get_user()
    return user and user["email"]

@anvil.server.callable
def keep(value):
    anvil.server.session["value"] = value
    anvil.server.subscribe("news")
    return anvil.server.get_session_id()

@anvil.server.callable
def recall():
    return anvil.server.session.get("value")

@anvil.server.callable
def sessions_of(email):
    return anvil.server.list_client_sessions(user=app_tables.users.get(email=email))

@anvil.server.callable
def tell():
    anvil.server.raise_event("headline", channel="news")

@anvil.server.callable
def get_cap():
    return anvil.server.Capability(["mine"])

@anvil.server.callable
def use(cap):
    return anvil.server.unwrap_capability(cap, ["mine"])

@anvil.server.route("/log-in/:email")
def log_in_route(email):
    log_in(email)
    return "in"

@anvil.server.route("/who")
def who_route():
    return str(who())
"""


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, module_database_url: str
) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("renewal")
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    with serve_app(
        folder, files, "--auto-migrate", database_url=module_database_url, anvil_yaml=YAML
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def nobody_is_known(server: RunningServer) -> None:
    server.client.cookies.clear()


def session_cookie(server: RunningServer) -> str:
    return str(server.client.cookies.get(COOKIE_NAME))


def test_what_a_session_has_outlives_a_log_in(server: RunningServer):
    with server.browser() as browser:
        before = browser.call("keep", "basket")
        browser.call("get_cap")
        held = [{**browser.last["objects"][0], "path": ["args", 0]}]
        first = session_cookie(server)
        assert browser.call("log_in", "olga@example.com") == before, "the session stays the same"
        assert session_cookie(server) != first, "and has a new cookie"
        assert (browser.call("recall"), browser.call("who")) == ("basket", "olga@example.com")
        assert browser.send_call({"command": "use"}, [None], {}, held) == ["mine"]
        with server.browser() as another_tab:
            assert another_tab.call("who") == "olga@example.com"
            another_tab.call("tell")
            assert json.loads(browser.socket.recv(timeout=10))["event"]["name"] == "headline"
    assert server.get("/who").text == "olga@example.com"


def test_the_cookie_of_before_is_not_logged_in(server: RunningServer):
    with server.browser() as browser:
        browser.call("keep", "planted")
        planted = {"Cookie": f"{COOKIE_NAME}={session_cookie(server)}"}
        with server.browser(with_session=False, headers=planted) as thief:
            assert thief.call("recall") == "planted"
            browser.call("log_in", "olga@example.com")
            with pytest.raises(ConnectionClosed):
                thief.call("who")
    with open_socket(server.port, "/_/ws", headers=planted) as late:
        with pytest.raises(ConnectionClosed):
            late.recv(timeout=10)
        assert late.close_code == 1012, "a page that has got the new cookie comes again at once"


def test_a_page_asked_for_with_the_old_cookie_does_not_undo_the_new_one(server: RunningServer):
    with server.browser() as browser:
        browser.call("keep", "x")
        old = session_cookie(server)
        browser.call("log_in", "olga@example.com")
    new = session_cookie(server)
    server.client.cookies.clear()
    answer = server.get("/log-in/mia@example.com", headers={"Cookie": f"{COOKIE_NAME}={old}"})
    assert answer.text == "in" and COOKIE_NAME not in answer.headers.get("set-cookie", "")
    assert server.get("/who", headers={"Cookie": f"{COOKIE_NAME}={new}"}).text == "olga@example.com"


def test_a_ticket_is_good_once_and_for_its_session(server: RunningServer):
    with server.browser() as browser:
        browser.fetch_cookies = lambda ticket: None
        browser.call("log_in", "olga@example.com")
        ticket = next(
            given for u in browser.updates if isinstance(given := u.get("set-cookie"), str)
        )
    server.client.cookies.clear()
    first = server.post("/_/request_cookies", headers={"X-Anvil-Ticket": ticket})
    assert COOKIE_NAME in first.headers["set-cookie"]
    assert server.get("/who").text == "olga@example.com"
    server.client.cookies.clear()
    again = server.post("/_/request_cookies", headers={"X-Anvil-Ticket": ticket})
    assert "set-cookie" not in again.headers
    foreign = {"Origin": "https://evil.example", "X-Anvil-Ticket": "x"}
    assert server.post("/_/request_cookies", headers=foreign).status_code == 403


def test_a_log_in_by_a_route_comes_with_its_cookie(server: RunningServer):
    with server.browser() as browser:
        browser.call("keep", "x")
    before = session_cookie(server)
    assert server.get("/log-in/mia@example.com").text == "in"
    assert session_cookie(server) != before
    assert server.get("/who").text == "mia@example.com"
    stale = server.get("/who", headers={"Cookie": f"{COOKIE_NAME}={before}"})
    server.client.cookies.clear()
    assert server.get("/who", headers={"Cookie": f"{COOKIE_NAME}={before}"}).text == "None"
    assert stale.status_code == 200


def test_sessions_of_a_user_are_found(server: RunningServer):
    with server.browser() as one:
        first = one.call("log_in", "sam@example.com")
        server.client.cookies.clear()
        with server.browser() as two:
            second = two.call("log_in", "sam@example.com")
            assert set(two.call("sessions_of", "sam@example.com")) == {first, second}
            two.call("log_in", "zoe@example.com")
            assert two.call("sessions_of", "sam@example.com") == [first]


def test_a_renewed_session_is_kept(tmp_path):
    keys = InstanceKeys(b"x" * 32)
    store = SessionStore(tmp_path, keys)
    session = store.create()
    session.save()
    first = store.make_cookie(session)
    session.state["users"] = {"logged_in_id": 7}
    second = store.make_cookie(session)
    assert store.find(first) is None and store.find(second) is session
    assert store.is_superseded(first) and not store.is_superseded(second)
    session.state["users"] = {"logged_in_id": 7, "seen": 1}
    assert store.make_cookie(session) == second, "the same user is no new log-in"
    session_id = session.id
    store.close()
    again = SessionStore(tmp_path, keys)
    assert again.find(first) is None
    found = again.find(second)
    assert found is not None and found.id == session_id and found.version == 1
    again.close()


async def test_sessions_of_a_user_are_found_by_an_index(tmp_path):
    """Only what is asked for is read, however many there are."""
    store = SessionStore(tmp_path, InstanceKeys(b"x" * 32))
    store.wants_flush = lambda: None
    for number in range(2_000):
        session = store.create()
        session.state["users"] = {"logged_in_id": number % 200}
    assert len(await store.list_ids(user_id=5)) == 10
    assert len(await store.list_ids()) == 2_000
    query = "EXPLAIN QUERY PLAN SELECT id FROM sessions WHERE last_seen_at >= 0 AND user_id = '5'"
    with contextlib.closing(sqlite3.connect(tmp_path / "sessions.sqlite3")) as database:
        assert "sessions_by_user" in str(database.execute(query).fetchall())
    store.close()
