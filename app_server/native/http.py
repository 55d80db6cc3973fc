"""``anvil.http`` as server code and uplinks use it. Browsers make their requests themselves.

Source: anvil.dispatcher.native-rpc-handlers.http, and ``anvil/http.py`` of the server wheel.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes, urlencode, urlsplit, urlunsplit

from app_server.errors import AnvilError
from app_server.limits import MAX_MEDIA_BYTES
from app_server.media import read_media
from app_server.native.registry import NativeCall, native
from app_server.wire.text import write_json
from app_server.wire.values import LazyMedia, Media

if TYPE_CHECKING:
    import httpx

DEFAULT_TIMEOUT_SECONDS = 60.0
"""As on Anvil's server (http-kit's default)."""

MAX_REDIRECTS = 10


def _failed(message: str) -> AnvilError:
    return AnvilError(message, "anvil.http.HttpRequestFailed")


@native("anvil.private.http.request")
async def request(
    call: NativeCall,
    *,
    url: str,
    method: str | None = "GET",
    data: Any = None,
    headers: dict[str, Any] | None = None,
    username: str | None = None,
    password: str | None = None,
    timeout: float | None = None,
) -> dict[str, Any]:
    """``{"status": int, "headers": {lower-case name: text}, "content": Media}``.

    ``timeout`` is in milliseconds and counts for the whole request. Raises HttpRequestFailed when
    no answer comes; a status of 400 or more is an answer.
    """
    import httpx  # loaded with the first request

    call.require_server("make HTTP requests")
    chosen = str(method or "GET").upper()
    sent_headers = {str(name).lower(): str(value) for name, value in (headers or {}).items()}
    body: bytes | None = None
    has_body = chosen not in ("GET", "HEAD")
    if has_body:
        body, content_type = await _read_body(call, data, sent_headers)
        if content_type and "content-type" not in sent_headers:
            sent_headers["content-type"] = content_type
    seconds = timeout / 1000 if timeout else DEFAULT_TIMEOUT_SECONDS
    auth = httpx.BasicAuth(username, password or "") if username else None
    try:
        async with asyncio.timeout(seconds):
            address = url if has_body else _add_query(url, data)
            return await _send(chosen, address, sent_headers, body, auth)
    except TimeoutError as error:
        raise _failed(f"No answer came from {_host(url)} within {seconds:g} seconds") from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise _failed(f"The request to {_host(url)} failed: {error or type(error).__name__}") from (
            error
        )


async def _send(
    method: str, url: str, headers: dict[str, str], body: bytes | None, auth: httpx.Auth | None
) -> dict[str, Any]:
    import httpx

    async with (
        httpx.AsyncClient(
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
            timeout=None,
            trust_env=False,  # no proxy, no .netrc: an app decides itself what it sends to whom
        ) as client,
        client.stream(method, url, headers=headers, content=body, auth=auth) as response,
    ):
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > MAX_MEDIA_BYTES:
                raise _failed(
                    f"The answer of {_host(url)} is larger than {MAX_MEDIA_BYTES // 1024**2} MB"
                )
        content_type = response.headers.get("content-type") or "application/octet-stream"
        return {
            "status": response.status_code,
            "headers": dict(response.headers),
            "content": Media(content_type, bytes(content)),
        }


async def _read_body(
    call: NativeCall, data: Any, headers: dict[str, str]
) -> tuple[bytes | None, str | None]:
    """The body and its type: text and media as they are; a dict as a form, or as JSON where a
    content type is given."""
    if data is None or data == "":
        return None, None
    if isinstance(data, str):
        return data.encode(), None
    if isinstance(data, Media | LazyMedia):
        media = await read_media(call, data)
        return media.data, media.content_type
    if isinstance(data, dict):
        if "content-type" in headers:
            return write_json(data).encode(), None
        return urlencode(data).encode(), "application/x-www-form-urlencoded"
    raise AnvilError(f"Cannot use a {type(data).__name__} as the body of an HTTP request")


def _add_query(url: str, data: Any) -> str:
    """The address with ``data`` as its query, if that is something and there is none yet."""
    parts = urlsplit(url)
    if not data or parts.query or not isinstance(data, str | dict):
        return url
    query = data if isinstance(data, str) else urlencode(data)
    return urlunsplit(parts._replace(query=query))


def _host(url: object) -> str:
    """The part of an address that may stand in an error: the rest may hold secrets."""
    try:
        return urlsplit(str(url)).hostname or repr(url)
    except ValueError:
        return "an invalid address"


@native("anvil.private.http.url_encode")
async def url_encode(call: NativeCall, text: str) -> str:
    """The text with all but letters, digits and ``-._~`` escaped."""
    return quote(text, safe="-._~")


@native("anvil.private.http.url_decode")
async def url_decode(call: NativeCall, text: str) -> str:
    """Raises UrlEncodingError when it stands for no UTF-8. A ``%`` that starts no escape stays."""
    try:
        return unquote_to_bytes(text).decode()
    except (AttributeError, TypeError, ValueError) as error:
        raise AnvilError(
            "This is not a valid URL-encoded string", "anvil.http.UrlEncodingError"
        ) from error
