"""A server in a process of its own, for tests: import ``serve_app`` or the fixtures built on it.

with serve_app(tmp_path, {"server_code/main.py": "..."}) as server:
    server.get("/")
    with server.browser() as browser:
        browser.call("name", 1, key=2)
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30
STOP_SECONDS = 10
ANVIL_YAML = "package_name: shop\nruntime_options: {version: 3, server_persist: true}\n"


def write_files(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Files by relative path below ``folder``, folders made as needed."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


class CallFailed(Exception):
    """The server answered a call with an error."""

    def __init__(self, error: dict[str, Any]):
        super().__init__(f"{error.get('type')}: {error.get('message')}")
        self.type = error.get("type")
        self.message = error.get("message")
        self.error = error


class Browser:
    """Speaks the browser's side of ``/_/ws``. ``call`` gives the JSON of the response; the whole
    message stays in ``last``, and media that came with it in ``media`` by id."""

    def __init__(self, socket: ClientConnection):
        self.socket = socket
        self.last: dict[str, Any] = {}
        self.media: dict[str, bytearray] = {}
        self.updates: list[dict[str, Any]] = []
        self.fetch_cookies: Callable[[Any], None] = lambda ticket: None
        self._ids = itertools.count(1)

    def call(self, function: str, *args: Any, **kwargs: Any) -> Any:
        return self.send_call({"command": function}, list(args), kwargs)

    def send_call(
        self,
        target: dict[str, Any],
        args: list[Any],
        kwargs: dict[str, Any] | None = None,
        objects: list[dict[str, Any]] | None = None,
        media: dict[str, list[bytes]] | None = None,
    ) -> Any:
        """``target`` is ``{"command": ...}`` or ``{"liveObjectCall": ...}``."""
        call_id = f"c{next(self._ids)}"
        message = {"type": "CALL", "id": call_id, "v": 1, **target, "args": args}
        message |= {"kwargs": kwargs or {}, "objects": objects or []}
        self.socket.send(json.dumps(message))
        for media_id, chunks in (media or {}).items():
            for index, chunk in enumerate(chunks):
                header = {"type": "CHUNK_HEADER", "requestId": call_id, "mediaId": media_id}
                header |= {"chunkIndex": index, "lastChunk": index == len(chunks) - 1}
                self.socket.send(json.dumps(header))
                self.socket.send(chunk)
        return self.wait(call_id)

    def wait(self, call_id: str) -> Any:
        """Read until the answer to a call is there with its media."""
        while True:
            message = json.loads(self.socket.recv(timeout=60))
            if message.get("type") == "CHUNK_HEADER":
                self._take_chunk(message)
            elif message.get("id") == call_id and ("response" in message or "error" in message):
                break
            else:
                self.updates.append(message)
                if "set-cookie" in message:
                    self.fetch_cookies(message["set-cookie"])
        self.last = message
        if "error" in message:
            raise CallFailed(message["error"])
        wanted = {o["id"] for o in message["objects"] if "DataMedia" in o["type"]}
        complete: set[str] = set()
        while wanted - complete:
            header = json.loads(self.socket.recv(timeout=60))
            if header.get("type") == "CHUNK_HEADER":
                self._take_chunk(header)
                if header["lastChunk"]:
                    complete.add(header["mediaId"])
        return message["response"]

    def _take_chunk(self, header: dict[str, Any]) -> None:
        data = self.socket.recv(timeout=60)
        assert isinstance(data, bytes)
        self.media.setdefault(header["mediaId"], bytearray()).extend(data)


def open_socket(
    port: int, path: str, host: str = "localhost", headers: dict[str, str] | None = None
) -> ClientConnection:
    """A WebSocket to a server on this machine under any host name."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    address = f"ws://{host}:{port}{path}"
    return connect(address, sock=connection, additional_headers=headers, max_size=None)


class RunningServer:
    """A server process, with an HTTP client that keeps cookies like a browser."""

    def __init__(self, process: subprocess.Popen[str], port: int, host: str = "localhost"):
        self.process = process
        self.port = port
        self.host = host
        self.log: list[str] = []
        hooks = {"response": [self._keep_cookies]}
        self.client = httpx.Client(base_url=self.url, timeout=60, event_hooks=hooks)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.client.post(path, **options)

    @contextlib.contextmanager
    def browser(
        self, *, with_session: bool = True, headers: dict[str, str] | None = None
    ) -> Iterator[Browser]:
        """A browser's socket with this client's cookies. ``with_session`` begins a session first,
        as a page would."""
        given = dict(headers or {})
        cookies = "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())
        if cookies and "Cookie" not in given:
            given["Cookie"] = cookies
        with open_socket(self.port, "/_/ws", self.host, given) as connection:
            response = connection.response
            for value in response.headers.get_all("set-cookie") if response else ():
                self.keep_cookie(value)
            browser = Browser(connection)
            browser.fetch_cookies = self._fetch_cookies
            if with_session and "anvil-session" not in given.get("Cookie", ""):
                browser.call("anvil.private.reset_session")
            yield browser

    def keep_cookie(self, header: str) -> None:
        """Take a Set-Cookie header in, in place of what the cookie was before."""
        name, _, rest = header.partition("=")
        jar = self.client.cookies.jar
        for cookie in [cookie for cookie in jar if cookie.name == name]:
            jar.clear(cookie.domain, cookie.path, name)
        if "max-age=0" not in header.lower():
            self.client.cookies.set(name, rest.partition(";")[0])

    def _keep_cookies(self, response: httpx.Response) -> None:
        for header in response.headers.get_list("set-cookie"):
            self.keep_cookie(header)

    def _fetch_cookies(self, ticket: Any) -> None:
        """As a page does when a message says `set-cookie`: a text is a ticket for the session's
        new cookie."""
        headers = {"X-Anvil-Ticket": ticket} if isinstance(ticket, str) else {}
        self.post("/_/request_cookies", headers=headers)

    def stop(self) -> int:
        """Stop it as an operator would; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_SECONDS)
        self.client.close()
        return code


def start_server(
    arguments: list[str],
    *,
    cwd: Path | None = None,
    host: str = "localhost",
    program: tuple[str, ...] = ("app_server",),
) -> RunningServer:
    """Start ``python -m app_server`` on a free port and wait until it listens. RuntimeError with
    its output where it ends instead. ``program``: another module, and its own arguments."""
    process = subprocess.Popen(
        [sys.executable, "-m", *program, "--ip", "127.0.0.1", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    lines: list[str] = []
    listening = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if "Listening on" in line:
                listening.set()
        listening.set()

    threading.Thread(target=read, daemon=True).start()
    listening.wait(START_SECONDS)
    match = re.search(r"Listening on .* port (\d+)", "".join(lines))
    if match is None:
        process.kill()
        process.wait()
        raise RuntimeError("".join(lines))
    server = RunningServer(process, int(match[1]), host)
    server.log = lines
    return server


@contextlib.contextmanager
def serve_app(
    tmp_path: Path,
    files: dict[str, str | bytes],
    *arguments: str,
    database_url: str | None = None,
    anvil_yaml: str = ANVIL_YAML,
    program: tuple[str, ...] = ("app_server",),
) -> Iterator[RunningServer]:
    """Write a tiny app to ``tmp_path/shop`` and serve it until the block ends. Without a
    ``database_url`` it runs without tables (``--database none``)."""
    app = write_files(tmp_path / "shop", {"anvil.yaml": anvil_yaml, **files})
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    given = ["--app", str(app), "--data-dir", str(data)]
    given += ["--database", database_url or "none", *arguments]
    server = start_server(given, cwd=tmp_path, program=program)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
