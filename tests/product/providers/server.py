"""What all provider servers share: an HTTP server on a free port that keeps what it was asked."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def bearer(self) -> str:
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind == "Bearer" else ""

    @property
    def basic(self) -> tuple[str, str]:
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        if kind != "Basic":
            return "", ""
        name, _, password = base64.b64decode(token).decode().partition(":")
        return name, password

    @property
    def form(self) -> dict[str, str]:
        assert self.headers["content-type"] == "application/x-www-form-urlencoded"
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


@dataclass
class Reply:
    """An answer: its status, JSON, and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


class Provider:
    """A provider's server. ``answer`` is the contract; ``trouble`` are replies that go before it,
    one for each request. What a request breaks is kept in ``faults``."""

    name = ""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.trouble: list[Reply | Callable[[], Reply]] = []
        self.faults: list[str] = []
        self.url = ""

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError

    def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        if self.trouble:
            trouble = self.trouble.pop(0)
            return trouble if isinstance(trouble, Reply) else trouble()
        try:
            return self.answer(request)
        except (AssertionError, KeyError) as error:
            self.faults.append(f"{request.method} {request.path}: {error!r}")
            return Reply(500, {"message": "The request breaks the contract."})


@contextmanager
def serve(*providers: Provider) -> Iterator[None]:
    """Serve each provider on a port of its own until the block ends."""
    servers = []
    for provider in providers:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(provider))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        provider.url = f"http://127.0.0.1:{server.server_port}"
        servers.append(server)
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _handler_of(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            size = int(self.headers.get("content-length") or 0)
            request = Request(
                method=self.command,
                path=parts.path,
                query={name: values[0] for name, values in parse_qs(parts.query).items()},
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(size),
            )
            reply = provider.reply(request)
            data = reply.raw if reply.raw is not None else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = _serve

        def log_message(self, *args: Any) -> None:
            pass

    return Handler
