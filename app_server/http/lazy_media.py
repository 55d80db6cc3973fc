"""``/_/lm/MANAGER/KEY/ID/NAME``: lazy media by address."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from app_server.app_log import log_error
from app_server.errors import AnvilError
from app_server.http import problems
from app_server.http.client_session import find_session
from app_server.http.visitor import client_ip, request_path
from app_server.instance import Instance
from app_server.media import fetch_media, safe_content_type
from app_server.request import Origin, Request
from app_server.stack import CallStack
from app_server.wire.payload import Payload
from app_server.wire.values import Media

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
    ok = False
    try:
        media = await fetch_media(request, manager, media_id, key)
        ok = True
    except AnvilError as error:
        if error.type_name == "anvil.server.InvalidObjectError":
            return problems.not_found(http)
        log_error(instance.name, f"lazy media {manager}", error.to_json())
        return problems.failed(http, plain=error.message)
    finally:
        await request.stack.close(ok)
    return media_response(http, media, is_download="nodl" not in http.query_params)


def media_response(http: HttpRequest, media: Media, *, is_download: bool) -> Response:
    """The bytes, or the one range of them that was asked for (RFC 9110, section 14).

    Media come from users: nothing in them may run as a page of ours, so they come in a sandbox.
    """
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=0",
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
        "img-src data:; media-src 'self'",
    }
    disposition = "attachment" if is_download else "inline"
    if media.name:
        disposition += f"; filename*=UTF-8''{quote(media.name, safe='', errors='replace')}"
    headers["Content-Disposition"] = disposition
    size = len(media.data)
    wanted = parse_range(http.headers.get("range", ""), size)
    content_type = safe_content_type(media.content_type)
    if wanted is None:
        return Response(media.data, 200, headers, media_type=content_type)
    start, end = wanted
    if start >= end:
        return Response(b"", 416, {"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return Response(media.data[start:end], 206, headers, media_type=content_type)


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Start and end (exclusive) of a single range; None where the whole is to be sent. Start is
    not below end where the range lies outside."""
    match = RANGE.fullmatch(header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = int(match[2])
        return (size, size) if length == 0 else (max(size - length, 0), size)
    start = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    return (start, end) if start < size else (size, size)
