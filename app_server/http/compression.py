"""Compresses what is worth it on its way out: brotli or gzip, as the visitor's browser says.

BREACH: whoever can have a victim's browser ask us many times, with text of their own in the
address, and sees the sizes of the answers on the wire, learns secrets that stand in the same
answer as that text (breachattack.com). Such requests come from another site's page, which a
browser tells by ``Sec-Fetch-Site`` (over https, which is what the attack is on). Those get no
compression, unless the answer is the same for everybody (``Cache-Control: public``).
"""

from __future__ import annotations

import asyncio
import zlib
from collections import OrderedDict
from typing import Protocol

import brotli  # type: ignore[import-untyped]
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Scope, Send

from app_server.limits import COMPRESSION_CACHE_BYTES, MAX_COMPRESSED_BYTES, MIN_COMPRESSED_BYTES

BROTLI_QUALITY, BROTLI_WINDOW = 5, 19
GZIP_LEVEL = 6
GZIP_WINDOW = 16 + 15
"""zlib's number for a gzip header around a window of 32 KB."""
BESIDE_BYTES = 64 * 1024
"""More than this is compressed beside the event loop: it takes a millisecond or so."""

COMPRESSIBLE = frozenset(
    {
        "application/javascript",
        "application/json",
        "application/ld+json",
        "application/manifest+json",
        "application/rss+xml",
        "application/wasm",
        "application/x-javascript",
        "application/xhtml+xml",
        "application/xml",
        "font/otf",
        "font/ttf",
        "image/bmp",
        "image/svg+xml",
        "image/vnd.microsoft.icon",
        "image/x-icon",
    }
)
"""Types beside ``text/*``. Pictures, films, archives and ``woff2`` are compressed already."""


class Compressor(Protocol):
    def process(self, data: bytes) -> bytes: ...
    def finish(self) -> bytes: ...


class _Gzip:
    def __init__(self) -> None:
        self._stream = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)

    def process(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def finish(self) -> bytes:
        return self._stream.flush()


def make_compressor(coding: str) -> Compressor:
    if coding == "br":
        made: Compressor = brotli.Compressor(quality=BROTLI_QUALITY, lgwin=BROTLI_WINDOW)
        return made
    return _Gzip()


def compress(coding: str, data: bytes) -> bytes:
    compressor = make_compressor(coding)
    return compressor.process(data) + compressor.finish()


def choose_coding(accept_encoding: str) -> str | None:
    """``br``, ``gzip`` or None by the header's weights (RFC 9110, section 12.5.3); brotli where
    both are as welcome."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameter = part.strip().partition(";")
        name, _, value = parameter.replace(" ", "").partition("=")
        try:
            weights[coding.strip()] = float(value) if name == "q" else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    anything = weights.get("*", 0.0)
    br, gzip = weights.get("br", anything), weights.get("gzip", anything)
    if max(br, gzip) <= 0:
        return None
    return "br" if br >= gzip else "gzip"


def is_compressible(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in COMPRESSIBLE or kind.endswith(("+json", "+xml"))


def is_from_another_site(request: Headers) -> bool:
    return request.get("sec-fetch-site", "none") not in ("none", "same-origin")


class CompressedCache:
    """What was compressed of files that many ask for, by their ETag: at most ``size`` bytes."""

    def __init__(self, size: int = COMPRESSION_CACHE_BYTES):
        self._size = size
        self._used = 0
        self._known: OrderedDict[tuple[str, ...], bytes] = OrderedDict()

    def get(self, key: tuple[str, ...]) -> bytes | None:
        if key in self._known:
            self._known.move_to_end(key)
        return self._known.get(key)

    def put(self, key: tuple[str, ...], data: bytes) -> None:
        if len(data) > self._size or key in self._known:
            return
        self._known[key] = data
        self._used += len(data)
        while self._used > self._size:
            _, dropped = self._known.popitem(last=False)
            self._used -= len(dropped)


_cache = CompressedCache()


class _CompressedSend:
    """Passes an answer on, compressed where that is possible. It looks at the first piece of the
    body before the head goes out."""

    def __init__(self, scope: Scope, send: Send, coding: str):
        self._scope = scope
        self._send = send
        self._coding = coding
        self._head: Message | None = None
        self._stream: Compressor | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers") or []))
            if not _may_differ(message["status"], headers):
                await self._send(message)
                return
            _add_vary(headers)
            self._head = {**message, "headers": headers.raw}
            if not _is_safe(self._scope, headers):
                await self._pass_head()
        elif message["type"] != "http.response.body":
            await self._send(message)
        elif self._head is not None:
            await self._begin(self._head, message)
        elif self._stream is not None:
            await self._go_on(self._stream, message)
        else:
            await self._send(message)

    async def _pass_head(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            await self._send(head)

    async def _begin(self, head: Message, message: Message) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        if not more and not MIN_COMPRESSED_BYTES <= len(body) <= MAX_COMPRESSED_BYTES:
            await self._pass_head()
            await self._send(message)
            return
        self._head = None
        headers = MutableHeaders(raw=head["headers"])
        etag = headers.get("etag", "")
        headers["Content-Encoding"] = self._coding
        if etag and not etag.startswith("W/"):
            # Other bytes than those that the strong one names (RFC 9110, section 8.8.3).
            headers["ETag"] = f"W/{etag}"
        if more:
            del headers["content-length"]
            self._stream = make_compressor(self._coding)
            await self._send(head)
            await self._go_on(self._stream, message)
            return
        data = await self._compress_whole(etag, bytes(body))
        headers["Content-Length"] = str(len(data))
        await self._send(head)
        await self._send({**message, "body": data})

    async def _compress_whole(self, etag: str, body: bytes) -> bytes:
        key = (self._scope.get("path", ""), etag, self._coding, str(len(body)))
        known = _cache.get(key) if etag else None
        if known is not None:
            return known
        if len(body) > BESIDE_BYTES:
            data = await asyncio.to_thread(compress, self._coding, body)
        else:
            data = compress(self._coding, body)
        if etag:
            _cache.put(key, data)
        return data

    async def _go_on(self, stream: Compressor, message: Message) -> None:
        data = stream.process(bytes(message.get("body", b"")))
        if not message.get("more_body", False):
            data += stream.finish()
        elif not data:
            return
        await self._send({**message, "body": data})


def _may_differ(status: int, headers: MutableHeaders) -> bool:
    """Whether the same answer could come compressed to another visitor."""
    if status < 200 or status in (204, 205, 206, 304, 416) or "content-encoding" in headers:
        return False
    if "no-transform" in headers.get("cache-control", ""):
        return False
    return is_compressible(headers.get("content-type", ""))


def _add_vary(headers: MutableHeaders) -> None:
    if "accept-encoding" not in headers.get("vary", "").lower():
        headers.add_vary_header("Accept-Encoding")


def _is_safe(scope: Scope, headers: MutableHeaders) -> bool:
    if "public" in headers.get("cache-control", ""):
        return True
    return not is_from_another_site(Headers(scope=scope))


def compressed(scope: Scope, send: Send) -> Send:
    """``send`` of an HTTP request, or one that compresses what goes through it. An answer that
    could have come compressed says ``Vary: Accept-Encoding``, whether it does or not."""
    coding = choose_coding(Headers(scope=scope).get("accept-encoding", ""))
    if coding is None:
        return _with_vary(send)
    return _CompressedSend(scope, send, coding)


def _with_vary(send: Send) -> Send:
    async def send_with_vary(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers") or []))
            if _may_differ(message["status"], headers):
                _add_vary(headers)
                message = {**message, "headers": headers.raw}
        await send(message)

    return send_with_vary
