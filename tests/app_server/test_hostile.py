"""Visitors who mean harm, or speak the protocol badly: each is refused, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import HTTPConnection
from websockets.exceptions import ConnectionClosed

from app_server import limits
from app_server.config import InstanceConfig
from app_server.http.browser_socket import BrowserLink
from app_server.http.visitor import client_ip
from app_server.keys import InstanceKeys
from app_server.sessions import SessionStore
from app_server.wire.payload import Payload, WireError, take_payload
from app_server.wire.peer import Peer
from app_server.wire.streams import MediaBudget, MediaError, MediaStream
from tests.app_server.running import CallFailed, RunningServer, open_socket, serve_app

SERVER = """
import time
import anvil.server

@anvil.server.callable
def echo(value):
    return value

@anvil.server.callable
def write_later(path):
    open(path + ".begun", "w").close()
    time.sleep(0.5)
    anvil.server.get_app_origin()  # needs the router
    open(path, "w").close()

@anvil.server.callable
def my_ip():
    return anvil.server.context.client.ip
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("hostile")
    with serve_app(folder, {"server_code/main.py": SERVER}) as running:
        yield running


def has_traceback(server: RunningServer) -> bool:
    return any("Traceback" in line for line in server.log)


@pytest.mark.parametrize(
    "members",
    [
        '"objects": 5',
        '"objects": [{"type": ["Capability"], "path": [[]], "scope": ["a"]}]',
        '"objects": [{"type": ["LiveObject"], "path": ["args", 0], "id": {"a": 1}}, 7]',
        '"liveObjectCall": {"method": 5}',
        '"command": ' + json.dumps("x" * (limits.MAX_NAME_CHARS + 1)),
        '"id": ' + json.dumps("x" * (limits.MAX_NAME_CHARS + 1)),
    ],
)
def test_a_malformed_call_is_refused_in_one_line(server: RunningServer, members: str):
    with server.browser() as browser:
        browser.socket.send(
            '{"type": "CALL", "id": "x", "command": "echo", "args": [1], ' + members + "}"
        )
        try:
            browser.wait("x")
        except CallFailed as refused:
            assert refused.type in (
                "anvil.server.SerializationError",
                "anvil.server.InvalidObjectError",
            )
        except ConnectionClosed as closed:
            assert closed.rcvd is not None and closed.rcvd.code == 1002
        else:
            pytest.fail("was served")
    assert not has_traceback(server)


@pytest.mark.parametrize("message", ["[" * 2000, '{"type": "MEDIA_ERROR", "mediaIds": 5}'])
def test_a_malformed_message_closes_its_socket(server: RunningServer, message: str):
    with server.browser() as browser:
        browser.socket.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            browser.socket.recv(timeout=60)
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1002
    assert not has_traceback(server)


def test_a_mac_that_has_no_utf8_form_is_wrong(server: RunningServer):
    with server.browser() as browser:
        browser.socket.send(
            '{"type": "CALL", "id": "x", "command": "echo", "args": [null], "objects": '
            '[{"type": ["Capability"], "path": ["args", 0], "scope": ["_"], "mac": "\\ud800"}]}'
        )
        with pytest.raises(CallFailed) as refused:
            browser.wait("x")
    assert refused.value.type == "anvil.server.InvalidObjectError"


@pytest.mark.parametrize("command", ["echo", "anvil.private.echo"])
def test_data_nested_too_deeply_are_refused(server: RunningServer, command: str):
    with server.browser() as browser:
        for depth, is_fine in ((200, True), (300, False), (900, False), (990, False)):
            value = "[" * depth + "]" * depth
            browser.socket.send(
                f'{{"type": "CALL", "id": "x", "command": "{command}", "args": [{value}]}}'
            )
            if is_fine:
                browser.wait("x")
                continue
            with pytest.raises(CallFailed) as refused:
                browser.wait("x")
            assert refused.value.type == "anvil.server.SerializationError"
            assert re.search("250 levels|nested too deeply", str(refused.value.message))
    assert not has_traceback(server)


def test_a_call_runs_to_its_end_when_the_browser_leaves(server: RunningServer, tmp_path: Path):
    path = tmp_path / "done"
    with server.browser() as browser:
        browser.call("echo", 1)
        call = {"type": "CALL", "id": "x", "command": "write_later", "args": [str(path)]}
        browser.socket.send(json.dumps(call))
        wait_for(tmp_path / "done.begun")
    wait_for(path)


def wait_for(path: Path) -> None:
    until = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} was not written"
        time.sleep(0.02)


def test_reports_of_errors_are_limited_too(server: RunningServer):
    report = json.dumps({"type": "LOG", "error": {"type": "Flood", "message": "one\ntwo"}})
    with server.browser() as browser:
        for _ in range(limits.CALL_BURST + 300):
            browser.socket.send(report)
        with pytest.raises(CallFailed, match="Too many calls"):
            browser.call("anvil.private.echo", 1)
    lines = [line for line in server.log if "Flood" in line]
    assert 0 < len(lines) < limits.CALL_BURST + 200
    assert not any(line.startswith("two") for line in server.log), "a report forged a line"


def test_sockets_know_the_visitor_behind_a_proxy(tmp_path: Path):
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    with (
        serve_app(tmp_path, files, "--origin=https://shop.example") as server,
        server.browser(headers={"X-Forwarded-For": "6.6.6.6, 1.2.3.4"}) as browser,
    ):
        assert browser.call("my_ip") == "1.2.3.4"


class AnInstance:
    name = "shop"
    config = InstanceConfig("shop", Path("."), Path("."), "https://shop.example")

    def __init__(self, folder: Path):
        self.sessions = SessionStore(folder, InstanceKeys.load(folder))
        self.calls: set[Any] = set()


@pytest.mark.parametrize(
    "headers",
    [
        [b"9.9.9.9, 1.2.3.4"],
        [b"9.9.9.9", b"1.2.3.4"],  # a proxy that adds a line of its own
    ],
)
def test_only_the_proxy_is_believed_about_an_address(tmp_path: Path, headers: list[bytes]):
    scope = {"type": "http", "client": ("127.0.0.1", 5)}
    scope["headers"] = [(b"x-forwarded-for", value) for value in headers]
    assert client_ip(HTTPConnection(scope), AnInstance(tmp_path)) == "1.2.3.4"  # type: ignore[arg-type]


async def test_who_does_not_read_answers_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    never = asyncio.Event()

    async def send_frame(_frame: str | bytes) -> None:
        await never.wait()

    instance: Any = AnInstance(tmp_path)
    session = instance.sessions.create()
    session.is_deleted = True  # so that every call is answered at once
    link = BrowserLink(send_frame, instance, session, "1.2.3.4", lambda: None)
    message = {"type": "CALL", "id": "x", "command": "echo"}
    for _ in range(limits.MAX_UNSENT_PER_SOCKET + 1):
        await link.receive(dict(message))
    with pytest.raises(WireError, match="wait to be read"):
        await link.receive(dict(message))
    await asyncio.sleep(0)
    link.close({})


async def test_media_that_nobody_reads_are_bounded():
    budget = MediaBudget(10_000)
    first, second = (MediaStream("text/plain", None, budget) for _ in range(2))
    first.feed(b"x" * 100, False)
    for _ in range(50):
        second.feed(b"", False)  # costs memory all the same
    with pytest.raises(MediaError, match="at once cannot be sent"):
        await second.read()
    assert budget.used <= budget.limit
    first.discard({"message": "over"})
    assert budget.used == 0
    third = MediaStream("text/plain", None, budget)
    third.feed(b"x" * 5000, True)
    assert await third.read() == b"x" * 5000
    assert budget.used == 0


async def test_media_of_a_call_that_ended_are_forgotten():
    async def send_frame(_frame: str | bytes) -> None:
        return

    peer = Peer(send_frame)
    peer._budget = MediaBudget(1000)
    entry = {"type": ["DataMedia"], "path": ["args", 0], "id": "m"}
    payload = take(peer, {"args": [None], "objects": [entry]})
    header = {"type": "CHUNK_HEADER", "requestId": "c1", "mediaId": "m", "lastChunk": False}
    await peer.receive_frame(json.dumps(header))
    await peer.receive_frame(b"x" * 500)
    assert peer._budget.used > 500
    peer.discard_media("c1", payload)
    assert peer._budget.used == 0 and not peer._streams
    await peer.receive_frame(json.dumps(header))
    await peer.receive_frame(b"x" * 500)
    assert peer._budget.used == 0


def test_a_call_carries_so_many_media():
    async def send_frame(_frame: str | bytes) -> None:
        return

    number = limits.MAX_MEDIA_PER_CALL + 1
    objects = [{"type": ["DataMedia"], "path": ["args", i], "id": str(i)} for i in range(number)]
    with pytest.raises(WireError, match="at most"):
        take(Peer(send_frame), {"args": [None] * number, "objects": objects})


def take(peer: Peer, message: dict[str, Any]) -> Payload:
    key: Any = None
    return take_payload(message, ("args",), key, peer.stream_opener("c1"), is_trusted=False)


def test_uplink_keys_cannot_be_guessed_for_long(tmp_path: Path):
    files: dict[str, str | bytes] = {"server_code/main.py": SERVER}
    with serve_app(tmp_path, files, "--uplink-key=the-right-key") as server:
        answers = [greet(server, f"guess-{n}") for n in range(limits.ATTEMPT_BURST + 20)]
        assert answers[0] == "Incorrect uplink key"
        assert "Too many wrong uplink keys" in answers[-1]
        assert "Too many wrong uplink keys" in greet(server, "the-right-key")


def greet(server: RunningServer, key: str) -> str:
    with open_socket(server.port, "/_/uplink") as socket:
        socket.send(json.dumps({"key": key, "v": 7}))
        return str(json.loads(socket.recv(timeout=60)).get("error"))
