"""Uplinks, with the real client."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from tests.app_server.running import Browser, CallFailed, RunningServer, serve_app
from tests.app_server.uplinks import Uplink, run_uplink

SERVER = """
import anvil, anvil.server

@anvil.server.callable
def add(a, b=1):
    return a + b

@anvil.server.callable
def who():
    c = anvil.server.context
    return [c.client.type, c.remote_caller.type, c.remote_caller.is_trusted]

@anvil.server.callable
def through_uplink(n):
    anvil.server.session["trail"] = "server"
    found = anvil.server.call("double", n)
    return [found, anvil.server.session["trail"]]

@anvil.server.callable
def make(n):
    return anvil.BlobMedia("text/plain", b"x" * n, name="made.txt")

@anvil.server.callable
def hand_out():
    return anvil.server.Capability(["order", 7])

@anvil.server.callable
def open_up(cap):
    return cap.scope
"""
SERVING = """
@anvil.server.callable
def double(n):
    c = anvil.server.context
    return [n * 2, c.client.type, c.remote_caller.type, c.remote_caller.is_trusted]

@anvil.server.callable("area:.*|match_.*")
def any_match(*args):
    return "matched"

@anvil.server.callable
def call_back(n):
    return anvil.server.call("add", n, b=100)

@anvil.server.callable
def size(media):
    return [media.name, len(media.get_bytes())]

@anvil.server.callable
def fail():
    raise ValueError("from the uplink")

connect()
tell("ready", anvil.app.environment.name)
anvil.server.wait_forever()
"""
KEYS = ("--uplink-key", "server-key", "--client-uplink-key", "client-key")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    with serve_app(tmp_path_factory.mktemp("uplinks"), files, *KEYS) as running:
        yield running


@pytest.fixture(scope="module")
def uplink(server: RunningServer) -> Iterator[Uplink]:
    with run_uplink(server.port, "server-key", SERVING) as running:
        assert running.hear() == ["ready", "shop"]
        yield running


@pytest.fixture
def browser(server: RunningServer) -> Iterator[Browser]:
    with server.browser() as connected:
        yield connected


@pytest.mark.usefixtures("uplink")
class TestServing:
    def test_a_browser_calls_a_function_of_an_uplink(self, browser: Browser):
        assert browser.call("double", 4) == [8, "browser", "browser", False]
        assert browser.call("match_this", 1) == "matched"

    def test_server_code_calls_a_function_of_an_uplink(self, browser: Browser):
        found, trail = browser.call("through_uplink", 4)
        assert found == [8, "browser", "server_module", True]
        assert trail == "server"

    def test_an_uplink_calls_back_while_it_serves(self, browser: Browser):
        assert browser.call("call_back", 5) == 105

    def test_media_go_to_an_uplink(self, browser: Browser):
        entry = {"path": ["args", 0], "type": ["DataMedia"], "id": "m", "name": "a.bin"}
        entry["mime-type"] = "x/y"
        sent = {"m": [b"a" * 100_000, b"b"]}
        got = browser.send_call({"command": "size"}, [None], {}, [entry], sent)
        assert got == ["a.bin", 100_001]

    def test_errors_come_from_an_uplink(self, browser: Browser):
        with pytest.raises(CallFailed, match="from the uplink") as failure:
            browser.call("fail")
        assert failure.value.type == "ValueError"

    def test_a_browser_cannot_call_what_is_scoped(self, browser: Browser):
        with pytest.raises(CallFailed) as failure:
            browser.call("area:51")
        assert failure.value.type == "anvil.server.PermissionDenied"


def test_an_uplink_calls_server_code(server: RunningServer):
    script = """
connect()
tell(anvil.server.call("add", 2, b=3))
tell(anvil.server.call("who"))
tell(len(anvil.server.call("make", 200000).get_bytes()))
cap = anvil.server.call("hand_out")
tell(cap.scope, anvil.server.call("open_up", cap))
try:
    anvil.server.call("nothing")
except anvil.server.NoServerFunctionError as e:
    tell(str(e))
"""
    with run_uplink(server.port, "server-key", script) as uplink:
        assert uplink.hear() == [5]
        assert uplink.hear() == [["uplink", "uplink", True]]
        assert uplink.hear() == [200_000]
        assert uplink.hear() == [["order", 7], ["order", 7]]
        assert "nothing" in uplink.hear()[0]


def test_a_client_uplink_is_trusted_like_a_browser(server: RunningServer):
    script = """
connect()
tell(anvil.server.call("who"))
cap = anvil.server.call("hand_out")
tell(anvil.server.call("open_up", cap))
for wanted in (lambda: anvil.server.call("open_up", anvil.server.Capability(["order", 8])),
               lambda: anvil.server.call("anvil.private.get_session_id")):
    try:
        wanted()
        tell("allowed")
    except Exception as e:
        tell(getattr(e, "error_obj", {}).get("type", type(e).__name__))
"""
    with run_uplink(server.port, "client-key", script) as uplink:
        assert uplink.hear() == [["client_uplink", "client_uplink", False]]
        assert uplink.hear() == [["order", 7]]
        assert uplink.hear() == ["anvil.server.InvalidObjectError"]
        assert uplink.hear() == ["PermissionDenied"]


def say(port: int, *messages: object) -> list[dict[str, object]]:
    """Send messages as an uplink would; all answers until the server closes."""
    answers: list[dict[str, object]] = []
    with connect(f"ws://127.0.0.1:{port}/_/uplink") as socket:
        for message in messages:
            socket.send(json.dumps(message))
        with contextlib.suppress(ConnectionClosedError):
            while True:
                answers.append(json.loads(socket.recv(timeout=10)))
    return answers


def test_a_client_uplink_registers_nothing(server: RunningServer):
    hello = {"key": "client-key", "v": 8}
    _, refusal = say(server.port, hello, {"type": "REGISTER", "name": "add"})
    assert "Cannot register" in str(refusal["error"])


@pytest.mark.parametrize("key", ["wrong", "", None, "server-ke", "server-keyy", 5])
def test_a_wrong_key_is_refused(server: RunningServer, key: object):
    assert say(server.port, {"key": key, "v": 8}) == [{"error": "Incorrect uplink key"}]


def test_refuses_what_is_no_uplink(server: RunningServer):
    assert "outdated" in str(say(server.port, {"key": "server-key", "v": 3})[0]["error"])
    assert "error" in say(server.port, "hello")[0]
    hello = {"key": "server-key", "v": 8}
    assert "Invalid" in str(say(server.port, hello, {"type": "REGISTER", "name": "("})[1]["error"])


def test_a_server_without_keys_lets_no_uplink_in(tmp_path: Path):
    with serve_app(tmp_path, {"server_code/main.py": SERVER}) as server:
        for key in (None, "", "none"):
            assert say(server.port, {"key": key, "v": 8}) == [{"error": "Incorrect uplink key"}]


def test_callers_learn_that_an_uplink_has_gone(server: RunningServer):
    script = """
@anvil.server.callable
def vanish():
    import os
    os._exit(1)
connect()
tell("ready")
anvil.server.wait_forever()
"""
    with server.browser() as browser:
        with run_uplink(server.port, "server-key", script) as uplink:
            uplink.hear()
            with pytest.raises(CallFailed) as failure:
                browser.call("vanish")
            assert failure.value.type == "anvil.server.UplinkDisconnectedError"
        with pytest.raises(CallFailed, match='"vanish" has been disconnected') as failure:
            browser.call("vanish")
        assert failure.value.type == "anvil.server.UplinkDisconnectedError"
        with run_uplink(server.port, "server-key", script.replace("os._exit(1)", "return 1")) as u:
            u.hear()
            assert browser.call("vanish") == 1


def test_an_uplink_comes_back_when_the_server_does(tmp_path: Path):
    from tests.app_server.running import start_server

    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    with serve_app(tmp_path, files, *KEYS) as server:
        port = server.port
        with run_uplink(port, "server-key", SERVING) as uplink:
            uplink.hear()
            server.stop()
            arguments = ["--app", str(tmp_path / "shop"), "--data-dir", str(tmp_path / "data")]
            again = start_server([*arguments, "--database", "none", *KEYS, "--port", str(port)])
            try:
                wait_until_served(again)
                with again.browser() as browser:
                    assert browser.call("double", 2)[0] == 4
            finally:
                again.stop()


def wait_until_served(server: RunningServer) -> None:
    """The client tries again after a second or ten."""
    import time

    end = time.monotonic() + 30
    while time.monotonic() < end:
        if any("serves double" in line for line in server.log):
            return
        time.sleep(0.05)
    raise AssertionError("".join(server.log))
