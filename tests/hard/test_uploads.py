"""Large media and bodies: bounded memory, and a refusal that names the limit."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from starlette.requests import Request

from app_server import limits
from app_server.http import endpoint_request
from app_server.http.endpoint_request import BadRequestError, BodyLease, read_body
from app_server.wire import streams
from app_server.wire.streams import MediaBudget, MediaError, MediaStream
from tests.app_server.running import Browser, CallFailed, RunningServer, serve_app

MEGABYTE = 1024 * 1024
SERVER = """
import anvil, anvil.server, hashlib

@anvil.server.callable
def digest(media):
    return [media.length, hashlib.sha256(media.get_bytes()).hexdigest()]

@anvil.server.callable
def echo(value):
    return value

@anvil.server.callable
def make(megabytes):
    return anvil.BlobMedia("application/octet-stream", bytes(range(256)) * 4096 * megabytes)

@anvil.server.http_endpoint("/size", methods=["POST"])
def size(**_given):
    return anvil.server.request.body.length
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("uploads")
    with serve_app(folder, {"server_code/main.py": SERVER}) as running:
        yield running


class Watcher:
    """The largest resident memory of a process while the block runs, in MB above its beginning."""

    def __init__(self, server: RunningServer):
        self._process = psutil.Process(server.process.pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.grown = 0.0

    def __enter__(self) -> Watcher:
        self._start = self._process.memory_info().rss
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            grown = (self._process.memory_info().rss - self._start) / MEGABYTE
            self.grown = max(self.grown, grown)


def upload(browser: Browser, function: str, megabytes: float, chunk_bytes: int = 65536) -> Any:
    data = bytes(range(256)) * int(megabytes * 4096)
    chunks = [data[start : start + chunk_bytes] for start in range(0, len(data), chunk_bytes)]
    entry = {"type": ["DataMedia"], "path": ["args", 0], "id": "m", "mime-type": "video/mp4"}
    return browser.send_call({"command": function}, [None], objects=[entry], media={"m": chunks})


def test_a_hundred_megabytes_go_up_in_pieces(server: RunningServer, record_figure: Any):
    """They pass through the router on their way to the server code."""
    with server.browser() as browser, Watcher(server) as memory:
        length, _ = upload(browser, "digest", 100)
    assert length == 100 * MEGABYTE
    record_figure("MB of memory for 100 MB up", round(memory.grown))
    assert memory.grown < 250


def test_a_hundred_megabytes_come_down(server: RunningServer, record_figure: Any):
    with server.browser() as browser, Watcher(server) as memory:
        browser.call("make", 100)
        (data,) = browser.media.values()
    assert data == bytes(range(256)) * 4096 * 100
    record_figure("MB of memory for 100 MB down", round(memory.grown))
    assert memory.grown < 250


def test_more_is_refused_with_the_number(server: RunningServer):
    with server.browser() as browser:
        with pytest.raises(CallFailed, match="larger than 128 MB"):
            upload(browser, "digest", limits.MAX_MEDIA_BYTES / MEGABYTE + 1)
        assert browser.call("echo", 1) == 1, "the socket is as good as before"


def test_a_body_of_the_limit_arrives(server: RunningServer, record_figure: Any):
    megabytes = limits.MAX_BODY_BYTES // MEGABYTE
    with Watcher(server) as memory:
        response = server.post("/_/api/size", content=bytes(limits.MAX_BODY_BYTES))
    assert response.json() == limits.MAX_BODY_BYTES
    record_figure("MB of memory for 32 MB as a body", round(memory.grown))
    assert memory.grown < 5 * megabytes


def test_a_larger_body_is_refused_before_it_has_come(server: RunningServer):
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += MEGABYTE
            yield bytes(MEGABYTE)

    with Watcher(server) as memory:
        try:
            response = server.post("/_/api/size", content=pieces())
        except (httpx.WriteError, httpx.ReadError):
            pass  # who goes on sending may miss the answer
        else:
            assert response.status_code == 413 and "32 MB" in response.text
    assert sent < 200 * MEGABYTE and memory.grown < 150
    assert server.post("/_/api/size", content=b"abc").json() == 3


def test_a_length_that_is_too_large_is_refused_at_once(server: RunningServer):
    import socket

    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        length = limits.MAX_BODY_BYTES + 1
        connection.sendall(
            f"POST /_/api/size HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")


async def test_all_uploads_together_are_bounded(monkeypatch: pytest.MonkeyPatch):
    visitors = MediaBudget(10_000)
    monkeypatch.setattr(streams, "VISITORS", visitors)
    budgets = [MediaBudget(8000, visitors) for _ in range(2)]
    first, second = (MediaStream("a/b", None, budget) for budget in budgets)
    first.feed(b"x" * 6000, False)
    second.feed(b"x" * 6000, False)
    with pytest.raises(MediaError, match="too many uploads"):
        await second.read()
    del first, second
    gc.collect()
    assert visitors.used == 0, "a call that was forgotten gives back what it had"


async def test_bodies_count_as_uploads(monkeypatch: pytest.MonkeyPatch):
    visitors = MediaBudget(10_000)
    monkeypatch.setattr(endpoint_request, "VISITORS", visitors)

    def request(size: int) -> Request:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": bytes(size), "more_body": False}

        return Request({"type": "http", "headers": [], "state": {}}, receive)

    first, second = request(6000), request(6000)
    with BodyLease(first):
        await read_body(first)
        assert visitors.used == 6000
        with pytest.raises(BadRequestError, match="too many uploads") as refused, BodyLease(second):
            await read_body(second)
        assert refused.value.status == 503
    assert visitors.used == 0


def test_tiny_chunks_take_no_more_memory_than_they_may(server: RunningServer):
    """A hundred thousand chunks of a byte cost what they take beside their bytes."""
    header = {"type": "CHUNK_HEADER", "requestId": "c1", "mediaId": "m", "lastChunk": False}
    text = json.dumps(header)
    entry = {"type": ["DataMedia"], "path": ["args", 0], "id": "m"}
    call = {"type": "CALL", "id": "c1", "command": "anvil.private.echo", "args": [None]}
    with server.browser() as browser, Watcher(server) as memory:
        browser.socket.send(json.dumps({**call, "objects": [entry]}))
        for _ in range(20_000):
            browser.socket.send(text)
            browser.socket.send(b"x")
        browser.socket.send(json.dumps({**header, "lastChunk": True}))
        browser.socket.send(b"x")
        browser.wait("c1")
    assert memory.grown < 60


def test_the_data_folder_of_an_upload_stays_clean(server: RunningServer, tmp_path: Path):
    """Nothing of a body or of media is put into files that somebody would have to remove."""
    data = server.post("/_/api/size", files={"file": ("a.bin", bytes(5 * MEGABYTE))})
    assert data.json() > 5 * MEGABYTE
    process = psutil.Process(server.process.pid)
    assert not [
        file.path for file in process.open_files() if "tmp" in file.path and "del" in file.path
    ]
