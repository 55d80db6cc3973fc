"""Sessions: cookies, expiry, restart, ending."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app_server.keys import InstanceKeys
from app_server.sessions import COOKIE_NAME, SessionStore
from tests.app_server.running import Browser, CallFailed, RunningServer, serve_app

SERVER = """
import anvil.server

@anvil.server.callable
def remember(value):
    anvil.server.session["value"] = value
    return anvil.server.get_session_id()

@anvil.server.callable
def recall():
    return anvil.server.session.get("value")

@anvil.server.route("/remember/:value")
def remember_route(value):
    anvil.server.session["value"] = value
    return "remembered"

@anvil.server.route("/recall")
def recall_route():
    return str(anvil.server.session.get("value"))

@anvil.server.http_endpoint("/recall", cross_site_session=True)
def recall_cross():
    return str(anvil.server.session.get("value"))

@anvil.server.http_endpoint("/recall-own")
def recall_own():
    return str(anvil.server.session.get("value"))

@anvil.server.callable
def keep(kind, **values):
    getattr(anvil.server.cookies, kind).set(5, **values)

@anvil.server.callable
def read(kind, name):
    return getattr(anvil.server.cookies, kind).get(name, "nothing")

@anvil.server.callable
def clear(kind):
    getattr(anvil.server.cookies, kind).clear()

@anvil.server.route("/keep/:value")
def keep_route(value):
    anvil.server.cookies.local["route"] = value
    return "kept"

@anvil.server.route("/read/:name")
def read_route(name):
    return anvil.server.cookies.local.get(name, "nothing")

@anvil.server.callable
def listen(channel):
    anvil.server.subscribe(channel)
    return anvil.server.get_subscriptions()

@anvil.server.callable
def tell(name, **target):
    anvil.server.raise_event(name, {"a": 1}, **target)

@anvil.server.callable
def everybody():
    return anvil.server.list_client_sessions()
"""
FILES: dict[str, str | bytes] = {"server_code/main.py": SERVER}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serve_app(tmp_path_factory.mktemp("sessions"), FILES) as running:
        yield running


@pytest.fixture
def browser(server: RunningServer) -> Iterator[Browser]:
    server.client.cookies.clear()
    with server.browser() as connected:
        yield connected


def test_the_cookie_is_for_the_server_alone(server: RunningServer):
    server.client.cookies.clear()
    cookie = server.get("/remember/x").headers["set-cookie"]
    assert cookie.startswith(COOKIE_NAME + "=")
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    assert "Secure" not in cookie
    assert server.get("/recall").text == "x"


def test_the_cookie_is_secure_on_https(tmp_path: Path):
    with serve_app(tmp_path, FILES, "--origin", "https://shop.example") as server:
        assert "; Secure" in server.get("/remember/x").headers["set-cookie"]


def test_a_visitor_who_leaves_nothing_behind_gets_no_cookie(server: RunningServer):
    server.client.cookies.clear()
    assert "set-cookie" not in server.get("/recall").headers


@pytest.mark.parametrize("change", ["other", "longer", "cut", "empty", "no mac", "swapped"])
def test_a_forged_cookie_opens_nothing(server: RunningServer, change: str):
    server.client.cookies.clear()
    server.get("/remember/secret")
    value = server.client.cookies[COOKIE_NAME]
    session_id, _, mac = value.partition("~")
    forged = {
        "other": f"{'A' if session_id[0] != 'A' else 'B'}{session_id[1:]}~{mac}",
        "longer": value + "0",
        "cut": value[:-1],
        "empty": "",
        "no mac": session_id,
        "swapped": f"{mac}~{session_id}",
    }[change]
    server.client.cookies.clear()
    headers = {"Cookie": f"{COOKIE_NAME}={forged}"}
    assert server.get("/recall", headers=headers).text == "None"
    with (
        server.browser(with_session=False, headers=headers) as browser,
        pytest.raises(CallFailed) as failure,
    ):
        browser.call("recall")
    assert failure.value.type == "anvil.server.SessionExpiredError"


def test_sessions_survive_a_restart(tmp_path: Path):
    with serve_app(tmp_path, FILES) as server:
        with server.browser() as browser:
            browser.call("remember", {"deep": [1]})
        cookies = dict(server.client.cookies)
    with serve_app(tmp_path, FILES) as server:
        server.client.cookies.update(cookies)
        with server.browser(with_session=False) as browser:
            assert browser.call("recall") == {"deep": [1]}


def test_an_expired_session_says_so_until_it_is_reset(tmp_path: Path):
    with serve_app(tmp_path, FILES) as server:
        with server.browser() as browser:
            browser.call("remember", "old")
        cookies = dict(server.client.cookies)
    database = sqlite3.connect(tmp_path / "data" / "sessions.sqlite3")
    database.execute("UPDATE sessions SET last_seen_at = last_seen_at - 100 * 3600")
    database.commit()
    database.close()
    with serve_app(tmp_path, FILES) as server:
        server.client.cookies.update(cookies)
        with server.browser(with_session=False) as browser:
            with pytest.raises(CallFailed) as failure:
                browser.call("recall")
            assert failure.value.type == "anvil.server.SessionExpiredError"
            browser.call("anvil.private.reset_session")
            assert browser.call("recall") is None
            browser.call("remember", "new")
        with server.browser(with_session=False) as browser:
            assert browser.call("recall") == "new"


def test_logging_out_ends_the_session_for_open_pages_too(server: RunningServer, browser: Browser):
    browser.call("remember", "mine")
    response = server.post("/_/logout")
    assert response.status_code == 200 and "Max-Age=0" in response.headers["set-cookie"]
    with pytest.raises(CallFailed) as failure:
        browser.call("recall")
    assert failure.value.type == "anvil.server.SessionExpiredError"


def test_another_site_cannot_act_with_a_visitors_session(server: RunningServer, browser: Browser):
    browser.call("remember", "mine")
    foreign = {"Origin": "https://evil.example"}
    assert server.post("/_/api/recall-own", headers=foreign).text == "None"
    assert server.post("/_/api/recall", headers=foreign).text == "mine"
    assert server.post("/_/api/recall-own", headers={"Origin": server.url}).text == "mine"
    assert server.post("/_/logout", headers=foreign).status_code == 403
    assert browser.call("recall") == "mine"


def test_a_page_of_another_site_gets_no_socket(server: RunningServer):
    from websockets.exceptions import InvalidStatus

    with (
        pytest.raises(InvalidStatus, match="403"),
        server.browser(headers={"Origin": "https://evil.example"}),
    ):
        pass


def test_cookies_go_to_the_browser_and_come_back(server: RunningServer, browser: Browser):
    browser.call("keep", "local", colour="red", n=5)
    assert any(update.get("set-cookie") for update in browser.updates)
    assert browser.call("read", "local", "colour") == "red"
    for value in server.post("/_/request_cookies").headers.get_list("set-cookie"):
        assert "HttpOnly" in value and "colour" not in value
    with server.browser() as later:
        assert later.call("read", "local", "n") == 5
        assert later.call("read", "shared", "n") == "nothing"
        later.call("clear", "local")
        assert later.call("read", "local", "n") == "nothing"


def test_cookies_set_by_a_route_come_with_its_answer(server: RunningServer):
    server.client.cookies.clear()
    assert server.get("/keep/blue").text == "kept"
    assert server.get("/read/route").text == "blue"
    server.client.cookies.set("anvil-cookie-local", "gAAAAABforged")
    assert server.get("/read/route").text == "nothing"


def test_cookies_that_are_too_big_are_refused(browser: Browser):
    with pytest.raises(CallFailed, match="Cookie too big") as failure:
        browser.call("keep", "local", text="x" * 5000)
    assert failure.value.type == "anvil.server.CookieError"


def test_events_reach_those_who_subscribed(server: RunningServer, browser: Browser):
    assert browser.call("listen", "news") == ["news"]
    server.client.cookies.clear()
    with server.browser() as sender:
        sender.call("tell", "headline", channel="news")
        event = json.loads(browser.socket.recv(timeout=10))
        assert event["event"] == {"name": "headline", "payload": {"a": 1}}
        own = sender.call("remember", 1)
        assert own in sender.call("everybody")
        browser.call("tell", "direct", session_id=own)
        assert json.loads(sender.socket.recv(timeout=10))["event"]["name"] == "direct"


async def test_a_store_forgets_what_has_expired(tmp_path: Path):
    store = SessionStore(tmp_path, InstanceKeys(b"x" * 32))
    old, young = store.create(), store.create()
    old.last_seen_at = time.time() - 100 * 3600
    for session in (old, young):
        session.state["n"] = 1
    store.sweep()
    assert await store.list_ids() == [young.id]
    assert store.find(store.make_cookie(old)) is None
    assert store.find(store.make_cookie(young)) is young
    store.close()
    other = SessionStore(tmp_path, InstanceKeys(b"y" * 32))
    assert other.find(store.make_cookie(young)) is None, "a key of another instance"
    assert other.find(other.make_cookie(young)) is not None
    other.close()
