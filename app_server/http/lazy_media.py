"""``/_/lm/MANAGER/KEY/ID/NAME``: lazy media by address."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import quote, unquote

from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from app_server.app_log import log_error
from app_server.errors import AnvilError
from app_server.http import problems
from app_server.http.client_session import find_session
from app_server.http.visitor import client_ip, request_path
from app_server.instance import Instance
from app_server.media import open_media, safe_content_type
from app_server.request import Origin, Request
from app_server.stack import CallStack
from app_server.wire.payload import Payload
from app_server.wire.values import MediaSource

PREFIX = "/_/lm/"
RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


async def serve_lazy_media(http: HttpRequest, instance: Instance) -> Response:
    parts = request_path(http).removeprefix(PREFIX).split("/")
    session = find_session(http, instance)
    if len(parts) != 4 or session is None:
        return problems.not_found(http)
    manager, key, media_id, _ = (unquote(part) for part in parts)
    request = Request(
        instance=instance,
        session=session,
        stack=CallStack(),
        command="anvil.private.fetch_lazy_media",
        payload=Payload(),
        origin=Origin.HTTP,
        frames=({"type": "lazy_media_server"},),
        client={"type": "browser", "ip": client_ip(http, instance), "location": None},
    )
    answer: Response | None = None
    try:
        source = await open_media(request, manager, media_id, key)
        is_download = "nodl" not in http.query_params
        answer = await media_response(http, source, is_download=is_download)
    except AnvilError as error:
        if error.type_name == "anvil.server.InvalidObjectError":
            return problems.not_found(http)
        log_error(instance, f"lazy media {manager}", error.to_json())
        return problems.failed(http, plain=error.message)
    finally:
        await request.stack.close(answer is not None)
    return answer


async def media_response(http: HttpRequest, source: MediaSource, *, is_download: bool) -> Response:
    """The bytes as they are read, or the one range of them that was asked for (RFC 9110, sections
    13 and 14). AnvilError where the first of them cannot be read.

    Media come from users: nothing in them may run as a page of ours, so they come in a sandbox.
    """
    headers = {
        "Cache-Control": "private, max-age=0",
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
        "img-src data:; media-src 'self'",
    }
    disposition = "attachment" if is_download else "inline"
    if source.name:
        disposition += f"; filename*=UTF-8''{quote(source.name, safe='', errors='replace')}"
    headers["Content-Disposition"] = disposition
    content_type = safe_content_type(source.content_type)
    if source.tag:
        headers["ETag"] = f'"{source.tag}"'
        if _is_known(http.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(None, 304, headers)
    if source.length is None:
        headers["Accept-Ranges"] = "none"
        return await _streamed(http, source, 0, None, 200, headers, content_type)
    headers["Accept-Ranges"] = "bytes"
    wanted = parse_range(_range_header(http, headers.get("ETag")), source.length)
    start, end = wanted or (0, source.length)
    if wanted is not None and start >= end:
        return Response(None, 416, headers | {"Content-Range": f"bytes */{source.length}"})
    if wanted is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{source.length}"
    headers["Content-Length"] = str(end - start)
    status = 200 if wanted is None else 206
    return await _streamed(http, source, start, end, status, headers, content_type)


async def _streamed(
    http: HttpRequest,
    source: MediaSource,
    start: int,
    end: int | None,
    status: int,
    headers: dict[str, str],
    content_type: str,
) -> Response:
    """The first bytes are read before the status is sent, so that a failure can still be told. One
    after that ends the connection: what came is not the whole, and the reader sees it."""
    if http.method == "HEAD":
        return Response(None, status, headers, media_type=content_type)
    pieces = source.read(start, end)
    first = await anext(pieces, b"")

    async def body() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return StreamingResponse(body(), status, headers, media_type=content_type)


def _range_header(http: HttpRequest, tag: str | None) -> str:
    """The wanted range, unless it is one of something else (RFC 9110, section 13.1.5)."""
    condition = http.headers.get("if-range")
    if condition is not None and condition != tag:
        return ""
    return http.headers.get("range", "")


def _is_known(header: str, tag: str) -> bool:
    """Whether the visitor has it already (RFC 9110, section 13.1.2)."""
    tags = [each.strip().removeprefix("W/") for each in header.split(",")]
    return "*" in tags or tag in tags


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of a single range; None where the whole is to be sent. Start is
    not below end where the range lies outside."""
    match = RANGE.fullmatch(header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if match[1] and match[2] and int(match[1]) > int(match[2]):
        return None  # no valid range (RFC 9110, section 14.1.1), which counts as none
    if not match[1]:
        length = int(match[2])
        return (size, size) if length == 0 else (max(size - length, 0), size)
    start = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    return (start, end) if start < size else (size, size)
