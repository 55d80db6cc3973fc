"""Calls from the browser to server code, and what server code is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.app_server.running import Browser, CallFailed, RunningServer, serve_app

SERVER = """
import time
import anvil.server

class Broken(Exception):
    pass

@anvil.server.callable
def add(a, b=1):
    return a + b

@anvil.server.callable
def add_nested(a, depth):
    if depth == 0:
        return add(a)
    return anvil.server.call("add_nested", a, depth - 1)

@anvil.server.callable
def fail():
    raise Broken("the bottom fell out")

@anvil.server.callable
def describe_caller():
    c = anvil.server.context
    return {"type": c.type, "client": c.client.type, "ip": c.client.ip,
            "location": c.client.location, "caller": c.remote_caller.type,
            "trusted": c.remote_caller.is_trusted}

@anvil.server.callable
def describe_nested_caller():
    return anvil.server.call("describe_caller")

@anvil.server.callable
def remember(key, value, wait=0):
    time.sleep(wait)
    anvil.server.session[key] = value

@anvil.server.callable
def forget(key):
    del anvil.server.session[key]

@anvil.server.callable
def recall(key):
    return anvil.server.session.get(key)

@anvil.server.callable
def app_facts():
    return [anvil.app.id, anvil.app.package_name, anvil.server.get_app_origin(),
            anvil.server.get_api_origin()]

@anvil.server.callable
def echo(*args, **kwargs):
    return {"args": args, "kwargs": kwargs}

@anvil.server.callable
def native_echo(value):
    return anvil.server.call("anvil.private.echo", value)

@anvil.server.callable
def odd_values():
    class Word(str):
        pass
    class Count(int):
        pass
    values = [Word("w"), Count(3), -0.0, 1e308, 2**62, -(2**31), 10**40, "\\ud800x", (1, 2), True,
              float("-inf"), {"a": None}]
    return [repr(value) for value in anvil.server.call("anvil.private.echo", values)]

@anvil.server.callable
def refused_values():
    import dataclasses, enum, uuid
    @dataclasses.dataclass
    class Point:
        x: int
    class Colour(enum.Enum):
        RED = 1
    seen = []
    for value in (Point(1), Colour.RED, uuid.UUID(int=1), {1: 2}, {3}, b"b"):
        try:
            anvil.server.call("anvil.private.echo", [value])
        except anvil.server.SerializationError:
            seen.append(type(value).__name__)
    return seen

@anvil.server.callable
def make_point():
    from .shapes import Point
    return [Point(1), Point(2)]

@anvil.server.callable
def measure(point):
    from .shapes import Point
    assert isinstance(point, Point), type(point)
    return point.x

@anvil.server.background_task
def secret_task():
    return 1

@anvil.server.callable
def read_config(kind):
    from anvil import _server
    return _server.get_dep_config(kind)["package_name"]
"""
SHAPES = """
import anvil.server

@anvil.server.portable_class("shop.Point")
class Point:
    def __init__(self, x):
        self.x = x
    def __serialize__(self, info):
        data, _ = info.shared_data("points", transmitted_data_factory=dict)
        if data is not None:
            data["unit"] = "mm"
        return {"x": self.x}
    def __deserialize__(self, value, info):
        data, _ = info.shared_data("points")
        self.x = value["x"] * 1000 if data and data.get("unit") == "m" else value["x"]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    files: dict[str, str | bytes] = {
        "server_code/main.py": SERVER,
        "client_code/shapes.py": SHAPES,
    }
    with serve_app(tmp_path_factory.mktemp("calls"), files) as running:
        yield running


@pytest.fixture
def browser(server: RunningServer) -> Iterator[Browser]:
    server.client.cookies.clear()
    with server.browser() as connected:
        yield connected


def test_calls_a_function_and_gets_its_answer(browser: Browser):
    assert browser.call("add", 3, b=4) == 7


def test_server_code_calls_server_code(browser: Browser):
    assert browser.call("add_nested", 1, 3) == 2


def test_ends_endless_calls(browser: Browser):
    with pytest.raises(CallFailed, match="Too many nested") as failure:
        browser.call("add_nested", 1, 30)
    assert failure.value.type == "anvil.server.StackOverflow"


def test_tells_the_error_with_its_trace(browser: Browser):
    with pytest.raises(CallFailed) as failure:
        browser.call("fail")
    assert failure.value.type == "Broken"
    assert failure.value.message == "the bottom fell out"
    assert failure.value.error["trace"][0][0] == "shop/main.py"


def test_says_that_a_function_is_not_there(browser: Browser):
    with pytest.raises(CallFailed, match='No server function matching "nothing"') as failure:
        browser.call("nothing")
    assert failure.value.type == "anvil.server.NoServerFunctionError"


def test_a_browser_cannot_call_background_tasks_and_endpoints(browser: Browser):
    with pytest.raises(CallFailed) as failure:
        browser.call("task:secret_task")
    assert failure.value.type == "anvil.server.PermissionDenied"


def test_a_browser_cannot_read_server_config(browser: Browser):
    for function in ("get_dep_server_config", "get_session_id", "list_sessions"):
        with pytest.raises(CallFailed) as failure:
            browser.call(f"anvil.private.{function}")
        assert failure.value.type == "anvil.server.PermissionDenied"


def test_describes_who_calls(browser: Browser):
    assert browser.call("describe_caller") == {
        "type": "server_module",
        "client": "browser",
        "ip": "127.0.0.1",
        "location": None,
        "caller": "browser",
        "trusted": False,
    }
    nested = browser.call("describe_nested_caller")
    assert (nested["client"], nested["caller"]) == ("browser", "server_module")
    assert nested["trusted"] is True


def test_wrong_arguments_of_a_native_function_are_a_type_error(browser: Browser):
    with pytest.raises(CallFailed) as failure:
        browser.call("anvil.private.echo", 1, 2, 3)
    assert failure.value.type == "TypeError"


def test_tells_the_app_its_addresses(server: RunningServer, browser: Browser):
    name, package, origin, api = browser.call("app_facts")
    assert (name, package) == ("shop", "shop")
    assert origin == server.url and api == origin + "/_/api"


def test_session_data_lasts_and_belongs_to_one_session(server: RunningServer, browser: Browser):
    browser.call("remember", "colour", ["red", {"a": 1}])
    assert browser.call("recall", "colour") == ["red", {"a": 1}]
    with server.browser() as second_tab:
        assert second_tab.call("recall", "colour") == ["red", {"a": 1}]
    server.client.cookies.clear()
    with server.browser() as stranger:
        assert stranger.call("recall", "colour") is None
    browser.call("forget", "colour")
    assert browser.call("recall", "colour") is None


def test_session_data_of_overlapping_calls_is_merged(server: RunningServer, browser: Browser):
    browser.call("remember", "start", 0)
    with ThreadPoolExecutor() as pool, server.browser() as other_tab:
        slow = pool.submit(browser.call, "remember", "slow", 1, wait=0.5)
        other_tab.call("remember", "quick", 2)
        slow.result()
        found = {key: other_tab.call("recall", key) for key in ("start", "slow", "quick")}
    assert found == {"start": 0, "slow": 1, "quick": 2}


def test_values_that_are_not_json_travel(browser: Browser):
    objects: list[dict[str, Any]] = [
        {"path": ["args", 0], "type": ["DateTime"], "value": "2026-02-03 04:05:06.000007+0130"},
        {"path": ["args", 1, "day"], "type": ["Date"], "value": "2026-02-03"},
        {"path": ["kwargs", "big"], "type": ["Long"], "value": "12345678901234567890"},
        {"path": ["kwargs", "far"], "type": ["Float"], "value": "Infinity"},
    ]
    for function in ("echo", "anvil.private.echo"):
        args: list[Any] = [None, {"day": None}]
        kwargs: dict[str, Any] = {"big": None, "far": None}
        if function == "anvil.private.echo":
            args, kwargs, sent = [[None, {"day": None}]], {}, []
            for entry in objects[:2]:
                sent.append({**entry, "path": ["args", 0, *entry["path"][1:]]})
        else:
            sent = objects
        browser.send_call({"command": function}, args, kwargs, sent)
        back = {o["type"][0]: o["value"] for o in browser.last["objects"]}
        assert back["DateTime"] == "2026-02-03 04:05:06.000007+0130"
        assert back["Date"] == "2026-02-03"
        if function == "echo":
            assert back["Long"] == "12345678901234567890"
            assert back["Float"] == "Infinity"


def test_portable_classes_travel_with_their_shared_data(browser: Browser):
    assert browser.call("make_point") == [{"x": 1}, {"x": 2}]
    assert [o["typeName"] for o in browser.last["objects"]] == ["shop.Point", "shop.Point"]
    assert browser.last["vt_global"] == [":points", {"unit": "mm"}]
    sent = {"type": "CALL", "id": "p1", "command": "measure", "args": [{"x": 2}], "kwargs": {}}
    sent["objects"] = [{"path": ["args", 0], "type": ["ValueType"], "typeName": "shop.Point"}]
    sent["vt_global"] = [":points", {"unit": "m"}]
    browser.socket.send(__import__("json").dumps(sent))
    assert browser.wait("p1") == 2000


def test_values_of_server_code_travel_as_they_are(browser: Browser):
    expected = ["'w'", "3", "-0.0", "1e+308", str(2**62), str(-(2**31)), str(10**40), r"'\ud800x'"]
    expected += ["[1, 2]", "True", "-inf", "{'a': None}"]
    assert browser.call("odd_values") == expected


def test_what_has_no_place_in_json_is_refused(browser: Browser):
    names = ["Point", "Colour", "UUID", "dict", "set", "bytes"]
    assert browser.call("refused_values") == names


def test_text_of_every_kind_travels(browser: Browser):
    text = 'ünïcödé \U0001f600 \u2028 \x00 \\ "'
    assert browser.call("echo", text)["args"] == [text]
    assert browser.call("native_echo", text) == text


def test_many_calls_at_once_are_each_answered(server: RunningServer, browser: Browser):
    with ThreadPoolExecutor(8) as pool:

        def run(number: int) -> list[int]:
            with server.browser() as tab:
                return [tab.call("add", number, b=i) for i in range(20)]

        results = list(pool.map(run, range(8)))
    assert results == [[n + i for i in range(20)] for n in range(8)]


def test_a_message_that_is_none_closes_the_socket_and_nothing_else(
    server: RunningServer, browser: Browser
):
    from websockets.exceptions import ConnectionClosed

    for nonsense in ("no json", "[]", '{"type": "CALL"}', '{"type": "SHUTDOWN", "id": "x"}', b"x"):
        with server.browser() as other:
            other.socket.send(nonsense)
            with pytest.raises(ConnectionClosed):
                other.socket.recv(timeout=10)
    assert browser.call("add", 1) == 2


@pytest.mark.parametrize(
    "entry",
    [
        {"path": ["args", 5], "type": ["Date"], "value": "2026-01-01"},
        {"path": ["args", "x"], "type": ["Date"], "value": "2026-01-01"},
        {"path": [], "type": ["Date"], "value": "2026-01-01"},
        {"path": ["args", 0], "type": ["Nothing"]},
        {"path": ["args", 0], "type": ["Date"], "value": "yesterday"},
    ],
)
def test_refuses_objects_that_make_no_sense(browser: Browser, entry: dict[str, Any]):
    with pytest.raises(CallFailed) as failure:
        browser.send_call({"command": "anvil.private.echo"}, [None], {}, [entry])
    assert failure.value.type == "anvil.server.SerializationError"
    assert browser.call("add", 1) == 2


async def test_a_call_that_takes_too_long_fails():
    from app_server.dispatch import call_peer

    given_up: list[str] = []

    class Call:
        id = "c1"
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    class Peer:
        pending: dict[str, Any] = {"c1": Call}

        async def start_call(self, _request: Any) -> Any:
            return Call

        def give_up(self, call_id: str) -> None:
            given_up.append(call_id)

    class Request:
        description = "slow"

    reply = await call_peer(Peer(), Request(), 0.01)  # type: ignore[arg-type]
    assert reply.error is not None
    assert reply.error["type"] == "anvil.server.TimeoutError"
    assert "slow did not answer" in reply.error["message"]
    assert not Peer.pending and given_up == ["c1"]
