"""Small stand-ins for what the services are given, where a test needs no server around them."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiosmtpd.smtp import SMTP as SmtpProtocol
from aiosmtpd.smtp import AuthResult, LoginPassword


def make_app(services: dict[str, dict[str, Any]], **yaml: Any) -> SimpleNamespace:
    """An app with these services: source -> options."""
    return SimpleNamespace(
        name=yaml.get("name", "Yoga Studio"),
        services={
            source: SimpleNamespace(source=source, client_config={}, server_config=options)
            for source, options in services.items()
        },
        db_schema={},
        scheduled_tasks=yaml.get("scheduled_tasks", []),
    )


def make_instance(data_dir: Path, app: Any, **config: Any) -> SimpleNamespace:
    options = {"data_dir": data_dir, "smtp": None, "secrets": {}, "encryption_keys": {}, **config}
    return SimpleNamespace(
        name="yogastudio",
        origin="http://yogastudio.localhost:3030",
        app=app,
        config=SimpleNamespace(**options),
    )


@dataclass
class Smtp:
    """The ``smtp-*`` options."""

    host: str
    port: int
    encryption: str | None = None
    username: str | None = None
    password: str | None = None


@dataclass
class MailReceiver:
    """A real SMTP server on a free port that keeps what it is given."""

    refused: set[str] = field(default_factory=set)
    login: tuple[str, str] | None = None
    tls_context: Any = None
    messages: list[Any] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if address in self.refused:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):
        self.messages.append(envelope)
        return "250 OK"

    async def start(self) -> Smtp:
        """Where it listens."""

        def authenticate(_server, _session, _envelope, _mechanism, data):
            given = isinstance(data, LoginPassword) and (data.login, data.password)
            wanted = self.login and tuple(part.encode() for part in self.login)
            return AuthResult(success=given == wanted, handled=given == wanted)

        def make_protocol() -> SmtpProtocol:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "Requiring AUTH while not requiring TLS"
                return SmtpProtocol(
                    self,
                    authenticator=authenticate if self.login else None,
                    auth_required=bool(self.login),
                    auth_require_tls=False,
                    tls_context=self.tls_context,
                )

        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(make_protocol, "127.0.0.1", 0)
        return Smtp("127.0.0.1", self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()


class Tables:
    """The part of a TableStore that the Users service needs, in memory."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.transactions = self

    @asynccontextmanager
    async def database(self, stack: Any) -> AsyncIterator[None]:
        await asyncio.sleep(0)  # others get their turn, as with a real database
        yield None

    async def ensure_columns(self, table: str, columns: dict[str, str]) -> None:
        assert table == "users"

    async def get_row(self, table: str, row_id: int, **_options: Any) -> dict[str, Any] | None:
        row = self.rows.get(row_id)
        return dict(row) if row is not None else None

    async def find_row(self, table: str, *, connection: Any = None, **wanted: Any) -> Any:
        for row in self.rows.values():
            if all(_matches(row.get(name), value) for name, value in wanted.items()):
                return dict(row)
        return None

    async def insert_row(self, table: str, values: dict[str, Any], **_options: Any) -> int:
        row_id = len(self.rows) + 1
        self.rows[row_id] = {"_id": row_id, **values}
        return row_id

    async def update_row(
        self, table: str, row_id: int, values: dict[str, Any], **_options: Any
    ) -> bool:
        self.rows[row_id].update(values)
        return True

    async def delete_row(self, table: str, row_id: int, **_options: Any) -> None:
        del self.rows[row_id]


def _matches(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return isinstance(value, list) and all(
            any(item.items() <= entry.items() for entry in value) for item in wanted
        )
    return value == wanted


class Cookies:
    """The cookies of one browser."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    async def get(self, key: str) -> Any:
        return self.values.get(key)

    async def set(self, values: dict[str, Any], days: float) -> bool:
        self.values.update(values)
        return True

    async def delete(self, key: str) -> None:
        self.values.pop(key, None)


class Clock:
    """A clock that stands still until told to go on."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **step: float) -> None:
        self.time += timedelta(**step)


@dataclass
class LocalSite:
    """An HTTP server that notes each request as ``(request line, headers, body)`` and gives the
    prepared answers ``(status, headers, body)`` in turn, then ``200``."""

    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    is_silent: bool = False
    url: str = ""
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((head[0], headers, body))
        if self.is_silent:
            await reader.read()
        else:
            status, extra, content = self.answers.pop(0) if self.answers else (200, {}, b"")
            lines = [f"HTTP/1.1 {status} X", "Connection: close", f"Content-Length: {len(content)}"]
            lines += [f"{name}: {value}" for name, value in extra.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode() + content)
        writer.close()
