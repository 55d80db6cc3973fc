"""TLS with a certificate from files, and the way there for those who come by plain HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from app_server.config import TlsConfig
from app_server.errors import StartupError

HEAD_BYTES = 8192
HEAD_SECONDS = 10.0


def make_tls_context(config: TlsConfig, *protocols: str) -> ssl.SSLContext:
    """For what is spoken inside (ALPN). StartupError where the files are none, or do not belong
    together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if protocols:
        context.set_alpn_protocols(list(protocols))
    load_certificate(context, config)
    return context


def load_certificate(context: ssl.SSLContext, config: TlsConfig) -> None:
    """Read the files, at start and when they were renewed; open connections go on."""
    for path in (config.cert_file, config.key_file):
        if not path.is_file():
            raise StartupError(f"There is no TLS certificate or key at {path}.")
    try:
        context.load_cert_chain(config.cert_file, config.key_file, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        raise StartupError(
            f"{config.cert_file} and {config.key_file} are not a certificate and its key in PEM: "
            f"{getattr(error, 'reason', None) or error}."
        ) from error


def _no_password() -> str:
    # Else OpenSSL asks for it at the terminal.
    raise StartupError("The key of the TLS certificate is encrypted. Give one that is not.")


class RedirectServer:
    """Answers every request with the same address by https. ``hosts`` tells whether a host name is
    one of ours: nobody is sent elsewhere."""

    def __init__(self, ip: str, port: int, origin_port: int | None, hosts: Callable[[str], bool]):
        self._ip = ip
        self._port = port
        self._origin_port = origin_port
        self._hosts = hosts
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """StartupError where the port is taken."""
        try:
            self._server = await asyncio.start_server(
                self._answer, self._ip, self._port, limit=HEAD_BYTES
            )
        except OSError as error:
            raise StartupError(
                f"--http-redirect-port {self._port} cannot be used: {error.strerror}."
            ) from error

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
            writer.write(self._make_answer(head.decode("latin-1")))
            await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _make_answer(self, head: str) -> bytes:
        request, *lines = head.split("\r\n")
        words = request.split(" ")
        fields = (line.partition(":") for line in lines)
        host = next((value.strip() for name, _, value in fields if name.lower() == "host"), "")
        name = (urlsplit(f"//{host}").hostname or "") if _is_plain(host) else ""
        if len(words) != 3 or not words[1].startswith("/") or not self._hosts(name):
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        port = "" if self._origin_port in (None, 443) else f":{self._origin_port}"
        target = f"https://{name}{port}{words[1]}"
        answer = f"HTTP/1.1 308 Permanent Redirect\r\nLocation: {target}\r\n"
        return f"{answer}Content-Length: 0\r\nConnection: close\r\n\r\n".encode("latin-1")


def _is_plain(host: str) -> bool:
    return all(c.isalnum() or c in ".-:[]" for c in host)
