"""Turns what an endpoint or route returned into an HTTP response."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterable
from typing import Any
from urllib.parse import quote

from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from app_server.errors import AnvilError
from app_server.http import problems
from app_server.http.endpoint_request import OWN_COOKIES
from app_server.http.lazy_media import media_response
from app_server.http.startup import PageStart
from app_server.instance import Instance
from app_server.media import open_media, safe_content_type
from app_server.request import Reply, Request
from app_server.wire.codec import decode_plain
from app_server.wire.payload import Payload, give_objects, object_type
from app_server.wire.text import write_json

BODY_PATH = ["response", "body"]
LOAD_APP = "anvil.server._LoadAppResponse"
NUMBERS = ("Long", "Float")
OK = 200
METHOD_NOT_ALLOWED = 405
FIRST_STATUS, LAST_STATUS = 200, 599
# RFC 9110, sections 5.1 and 5.5; beyond ASCII a header is Latin-1.
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
HEADER_VALUE = re.compile(r"[\t -~\x80-\xff]*")


async def make_response(
    http: HttpRequest, instance: Instance, category: str, request: Request, reply: Reply
) -> Response:
    """``response`` of the reply is ``{"status", "headers", "body"}``. AnvilError where the body
    cannot be sent over HTTP."""
    answer = reply.payload.body.get("response")
    if not isinstance(answer, dict):
        raise AnvilError("The endpoint did not return an HTTP response.")
    whole = _find_body_object(reply.payload)
    if whole is not None and object_type(whole) == "ValueType":
        return await _load_app(http, instance, category, request, reply.payload, whole)
    status = _read_status(answer.get("status"))
    headers = list(_header_pairs(answer.get("headers")))
    if status == METHOD_NOT_ALLOWED and category == "route" and problems.wants_html(http):
        response = problems.make_problem(
            http, status, "This cannot be done here", f"{http.method} is not possible here."
        )
    elif whole is not None and object_type(whole) in ("DataMedia", "LazyMedia"):
        response = await _media_response(http, request, reply.payload, whole, status)
    else:
        response = _plain_response(reply.payload, answer.get("body"), status)
    _add_headers(response, headers)
    return response


def _read_status(status: Any) -> int:
    if status is None or status == "":
        return 200
    try:
        number = int(status)
    except (TypeError, ValueError):
        number = 0
    if not FIRST_STATUS <= number <= LAST_STATUS:
        raise AnvilError(f"{status!r} is not the status of an HTTP response.")
    return number


def _find_body_object(payload: Payload) -> dict[str, Any] | None:
    for entry in payload.objects:
        if entry["path"] == BODY_PATH:
            return entry
    return None


async def _media_response(
    http: HttpRequest, request: Request, payload: Payload, entry: dict[str, Any], status: int
) -> Response:
    """Media that travelled are passed on as they arrive; others are read as they are sent, in the
    range that was asked for."""
    if object_type(entry) == "LazyMedia":
        names = (str(entry.get(name) or "") for name in ("manager", "id", "key"))
        source = await open_media(request, *names)
        name = source.name
        if status == OK:
            response = await media_response(http, source, is_download=False)
            # How it may be used and kept is for the endpoint to say.
            for header in ("Content-Security-Policy", "Cache-Control", "Content-Disposition"):
                del response.headers[header]
        else:
            response = _stream(source.read(0, None), source.content_type, status)
    else:
        stream = payload.media[entry["id"]]
        name = stream.name
        pieces = (chunk async for chunk, _ in stream.chunks())
        response = _stream(pieces, stream.content_type, status)
    if name:
        quoted = quote(name.replace('"', "_"), safe="", errors="replace")
        response.headers["Content-Disposition"] = f'inline; filename="{quoted}"'
    return response


def _stream(pieces: AsyncIterable[bytes], content_type: str, status: int) -> Response:
    return StreamingResponse(pieces, status, media_type=safe_content_type(content_type))


def _plain_response(payload: Payload, body: Any, status: int) -> Response:
    if isinstance(body, str):
        return Response(body, status, media_type="text/plain")
    for entry in payload.objects:
        if entry["path"][: len(BODY_PATH)] == BODY_PATH:
            _put_number(payload.body, entry)
    return Response(
        write_json(payload.body["response"].get("body")), status, media_type="application/json"
    )


def _put_number(body: dict[str, Any], entry: dict[str, Any]) -> None:
    """JSON can hold large integers; nothing else that needs a description."""
    kind = object_type(entry)
    if kind not in NUMBERS or (value := decode_plain(kind, entry["value"])) != value:
        where = "".join(f"[{step!r}]" for step in entry["path"][len(BODY_PATH) :])
        raise AnvilError(
            f"Cannot send a {kind} object over HTTP as response{where}.\nYou must return either "
            "Media, a string, or a JSON-compatible object (lists/dicts/strings/numbers/bools/None)."
        )
    *way, last = entry["path"]
    holder: Any = body
    for step in way:
        holder = holder[step]
    holder[last] = value


async def _load_app(
    http: HttpRequest,
    instance: Instance,
    category: str,
    request: Request,
    payload: Payload,
    entry: dict[str, Any],
) -> Response:
    """A FormResponse, or another answer that starts the app in the browser. Only routes may."""
    from app_server.http.pages import start_page

    if entry.get("typeName") != LOAD_APP or category != "route":
        raise AnvilError(
            f"Cannot return a {entry.get('typeName')} from an anvil.server.http_endpoint."
        )
    start = await make_start(request, payload)
    session = request.alternate_session or request.session
    return await start_page(http, instance, session, start)


async def make_start(request: Request, payload: Payload) -> PageStart:
    """What the browser is to open, with its arguments in wire form and MACs for its session."""
    value = payload.body["response"]["body"]
    session = request.alternate_session or request.session
    data = {name: value.get(name) for name in ("data", "args", "kwargs") if name in value}
    objects = []
    for entry in give_objects(payload, session.client_key):
        path = entry["path"]
        if path[:2] == BODY_PATH and len(path) > 2 and path[2] in data:
            objects.append({**entry, "path": path[2:]})
        elif path[0] == "vt_global":
            objects.append(entry)
    media = {
        name: base64.b64encode(await stream.read()).decode()
        for name, stream in payload.media.items()
    }
    message = {**data, "objects": objects, "media": media}
    if "vt_global" in payload.body:
        message["vt_global"] = payload.body["vt_global"]
    meta = value.get("meta")
    return PageStart(
        form=value.get("form"),
        module=value.get("module"),
        message=message,
        meta={str(k): str(v) for k, v in meta.items()} if isinstance(meta, dict) else {},
    )


def _header_pairs(headers: Any) -> list[tuple[str, str]]:
    pairs = headers.items() if isinstance(headers, dict) else headers or ()
    return [(str(name), str(value)) for name, value in pairs]


def _add_headers(response: Response, headers: list[tuple[str, str]]) -> None:
    """Content-Type and -Disposition override ours; the server's own cookies cannot be set."""
    for name, value in headers:
        if "\n" in value or "\r" in value or "\n" in name or "\r" in name:
            raise AnvilError(f"The header {name!r} holds a line break.")
        if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
            raise AnvilError(f"The header {name!r} holds characters that HTTP does not allow.")
        lower = name.lower()
        if lower == "set-cookie":
            if value.partition("=")[0].strip() in OWN_COOKIES:
                continue
            response.headers.append(lower, value)
        elif lower in ("content-type", "content-disposition"):
            response.headers[lower] = value
        elif lower not in ("content-length", "transfer-encoding", "connection"):
            response.headers.append(lower, value)
