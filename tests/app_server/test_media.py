"""Media in both directions, and lazy media by address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from app_server import limits
from tests.app_server.running import Browser, CallFailed, RunningServer, serve_app

SERVER = """
import anvil, anvil.server

@anvil.server.callable
def size(media):
    return [media.name, media.content_type, media.length, len(media.get_bytes())]

@anvil.server.callable
def give_back(*media):
    return list(media)

@anvil.server.callable
def make(n):
    return anvil.BlobMedia("text/plain", b"x" * n, name="made.txt")

@anvil.server.callable
def make_report(title):
    return anvil.BlobMedia("text/html", ("<h1>%s</h1>" % title).encode(), name="report.html")

@anvil.server.callable
def lazy_report(title):
    return anvil.server.call("anvil.private.mk_LazyMedia", "text/html", "make_report", title)

@anvil.server.callable
def lazy_address(title, download):
    return lazy_report(title).get_url(download)

@anvil.server.callable
def read_lazy(media):
    return media.get_bytes().decode()

@anvil.server.callable
def asset(name):
    return anvil.server.call("anvil.private.get_app_asset", name)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    files: dict[str, str | bytes] = {
        "server_code/main.py": SERVER,
        "theme/assets/logo.bin": bytes(range(256)),
    }
    with serve_app(tmp_path_factory.mktemp("media"), files) as running:
        yield running


@pytest.fixture
def browser(server: RunningServer) -> Iterator[Browser]:
    server.client.cookies.clear()
    with server.browser() as connected:
        yield connected


def media_object(path: list[Any], media_id: str, name: str = "a.bin") -> dict[str, Any]:
    kind = "application/x-test"
    return {"path": path, "type": ["DataMedia"], "id": media_id, "name": name, "mime-type": kind}


def test_media_go_to_server_code_whole(browser: Browser):
    chunks = [b"a" * 70_000, b"", b"b" * 30_000]
    answer = browser.send_call(
        {"command": "size"}, [None], {}, [media_object(["args", 0], "m1")], {"m1": chunks}
    )
    assert answer == ["a.bin", "application/x-test", 100_000, 100_000]


def test_media_go_through_server_code_and_back(browser: Browser):
    first, second = bytes(range(256)) * 1000, b"second"
    objects = [media_object(["args", 0], "m1"), media_object(["args", 1], "m2", "b.bin")]
    browser.send_call(
        {"command": "give_back"}, [None, None], {}, objects, {"m1": [first], "m2": [second]}
    )
    by_name = {o["name"]: browser.media[o["id"]] for o in browser.last["objects"]}
    assert by_name == {"a.bin": first, "b.bin": second}


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 5_000_000])
def test_media_of_any_size_come_from_server_code(browser: Browser, size: int):
    browser.call("make", size)
    (entry,) = browser.last["objects"]
    assert browser.media[entry["id"]] == b"x" * size
    assert (entry["name"], entry["mime-type"]) == ("made.txt", "text/plain")


def test_assets_come_as_media(browser: Browser):
    browser.call("asset", "logo.bin")
    (entry,) = browser.last["objects"]
    assert browser.media[entry["id"]] == bytes(range(256))
    assert browser.call("asset", "no.bin") is None


def test_an_upload_that_is_never_finished_harms_nobody(server: RunningServer, browser: Browser):
    import json

    entry = media_object(["args", 0], "m1")
    call = {"type": "CALL", "id": "u1", "command": "size", "args": [None], "objects": [entry]}
    with server.browser() as other:
        other.socket.send(json.dumps(call))
    assert browser.send_call({"command": "size"}, [None], {}, [entry], {"m1": [b"whole"]})[2] == 5


def test_a_message_that_is_too_large_is_refused_with_a_reason(server: RunningServer):
    with server.browser() as browser, pytest.raises(CallFailed, match="use Media objects"):
        browser.call("anvil.private.echo", 1)
        browser.call("give_back", "x" * (limits.MAX_MESSAGE_BYTES - 200))


def lazy(browser: Browser, title: str) -> dict[str, Any]:
    browser.call("lazy_report", title)
    (entry,) = browser.last["objects"]
    assert entry["type"] == ["LazyMedia"]
    return entry


def test_lazy_media_are_made_when_asked_for(browser: Browser):
    entry = {**lazy(browser, "Hello"), "path": ["args", 0]}
    assert browser.send_call({"command": "read_lazy"}, [None], {}, [entry]) == "<h1>Hello</h1>"


def test_lazy_media_have_an_address_in_their_session(server: RunningServer, browser: Browser):
    address = urlsplit(browser.call("lazy_address", "Ünder / way", True))
    path = address.path
    got = server.get(path)
    assert got.text == "<h1>Ünder / way</h1>"
    assert got.headers["content-type"].startswith("text/html")
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''report.html"
    assert "sandbox" in got.headers["content-security-policy"]
    assert server.get(path + "?nodl=1").headers["content-disposition"].startswith("inline")
    with httpx.Client(base_url=server.url) as stranger:
        assert stranger.get(path).status_code == 404
    with server.browser(headers={"Cookie": ""}):
        assert server.get(path).status_code == 404, "a key is good in its own session only"


def test_lazy_media_come_in_ranges(server: RunningServer, browser: Browser):
    path = urlsplit(browser.call("lazy_address", "Hello", False)).path
    whole = b"<h1>Hello</h1>"
    for header, start, end in (("bytes=0-3", 0, 4), ("bytes=4-", 4, 14), ("bytes=-5", 9, 14)):
        got = server.get(path, headers={"Range": header})
        assert (got.status_code, got.content) == (206, whole[start:end])
        assert got.headers["content-range"] == f"bytes {start}-{end - 1}/14"
    assert server.get(path, headers={"Range": "bytes=99-"}).status_code == 416
    assert server.get(path, headers={"Range": "lines=1-2"}).content == whole


def test_lazy_media_with_a_changed_id_are_refused(browser: Browser):
    entry = {**lazy(browser, "Hello"), "path": ["args", 0]}
    entry["id"] = entry["id"].replace("Hello", "Other")
    with pytest.raises(CallFailed, match="Invalid"):
        browser.send_call({"command": "read_lazy"}, [None], {}, [entry])
