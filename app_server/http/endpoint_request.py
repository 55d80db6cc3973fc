"""What an HTTP endpoint or route is told about the request that it serves."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request

from app_server.errors import AnvilError
from app_server.http.client_session import ANVIL_COOKIES
from app_server.limits import MAX_BODY_BYTES
from app_server.sessions import COOKIE_NAME, SECURE_COOKIE_NAME
from app_server.wire.streams import TOO_MANY_UPLOADS, VISITORS
from app_server.wire.values import Media

OWN_COOKIES = frozenset({COOKIE_NAME, SECURE_COOKIE_NAME, *ANVIL_COOKIES.values()})
MAX_FORM_FIELDS = 1000


class BadRequestError(AnvilError):
    """The request cannot be understood; ``status`` is the HTTP status to answer."""

    def __init__(self, message: str, status: int = 400):
        super().__init__(message, "anvil.server.InvalidRequestError")
        self.status = status


class BodyLease:
    """The memory that the bodies of requests may take together (VISITORS), as long as the request
    is served: ``with BodyLease(request):``."""

    def __init__(self, request: Request):
        self._size = 0
        request.state.body_lease = self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_error: object) -> None:
        VISITORS.add(-self._size)

    def take(self, size: int) -> None:
        """BadRequestError where there is no room at the moment."""
        if not VISITORS.takes(size):
            raise BadRequestError(TOO_MANY_UPLOADS, 503)
        VISITORS.add(size)
        self._size += size


async def read_body(request: Request) -> bytes:
    """The whole body. BadRequestError where it is larger than MAX_BODY_BYTES."""
    lease: BodyLease | None = getattr(request.state, "body_lease", None)
    chunks: list[bytes] = []
    size = 0
    _check_size(_announced_size(request))
    try:
        async for chunk in request.stream():
            size += len(chunk)
            _check_size(size)
            if lease is not None:
                lease.take(len(chunk))
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise BadRequestError("The connection was closed.") from error
    body = b"".join(chunks)
    request._body = body  # the form parsers below read it again
    return body


def _announced_size(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 20 else 0


def _check_size(size: int) -> None:
    if size > MAX_BODY_BYTES:
        limit = MAX_BODY_BYTES // 1024 // 1024
        raise BadRequestError(f"A request may have at most {limit} MB.", 413)


async def make_endpoint_arguments(request: Request, method: str, path: str, ip: str) -> Any:
    """The keyword arguments of an endpoint's call, as ``http_endpoint`` in anvil/_server.py takes
    them: ``method, path, query_params, form_params, origin, headers, remote_address, body,
    username, password``. A parameter that comes several times is a list; an uploaded file is a
    Media object."""
    body = await read_body(request)
    username, password = read_credentials(request.headers.get("authorization", ""))
    content_type = request.headers.get("content-type")
    return {
        "method": method,
        "path": path,
        "query_params": gather(parse_query(request)),
        "form_params": await read_form(request, content_type or ""),
        "origin": request.headers.get("origin"),
        "headers": read_headers(request),
        "remote_address": ip,
        "body": Media(content_type or "application/octet-stream", body) if body else None,
        "username": username,
        "password": password,
    }


def parse_query(request: Request) -> list[tuple[str, str]]:
    """BadRequestError where there are more than MAX_FORM_FIELDS."""
    try:
        return parse_qsl(request.url.query, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError as error:
        raise BadRequestError("The address has too many parameters.") from error


def gather(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A dict of pairs; what comes more than once becomes a list."""
    gathered: dict[str, list[Any]] = {}
    for name, value in pairs:
        gathered.setdefault(name, []).append(value)
    return {name: v[0] if len(v) == 1 else v for name, v in gathered.items()}


async def read_form(request: Request, content_type: str) -> dict[str, Any]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return {}
    body = await request.body()
    if kind == "application/x-www-form-urlencoded" and body.count(b"&") >= MAX_FORM_FIELDS:
        # The parser of this kind has no limit of its own.
        raise BadRequestError(f"A form may have at most {MAX_FORM_FIELDS} fields.", 413)
    pairs: list[tuple[str, Any]] = []
    try:
        async with request.form(
            max_fields=MAX_FORM_FIELDS, max_files=MAX_FORM_FIELDS, max_part_size=MAX_BODY_BYTES
        ) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    data = await value.read()
                    kind = value.content_type or "application/octet-stream"
                    pairs.append((name, Media(kind, data, value.filename)))
                else:
                    pairs.append((name, value))
    except (MultiPartException, ValueError) as error:
        raise BadRequestError("The form in this request is damaged.") from error
    return gather(pairs)


def read_headers(request: Request) -> dict[str, str]:
    """Headers by lower-case name, without the cookies that are the server's own affair."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if "cookie" in headers:
        cookies = headers["cookie"].split("; ")
        headers["cookie"] = "; ".join(
            cookie for cookie in cookies if cookie.partition("=")[0].strip() not in OWN_COOKIES
        )
    return headers


def read_credentials(header: str) -> tuple[str | None, str | None]:
    """User name and password of HTTP Basic authentication (RFC 7617), or None for both."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise BadRequestError("Invalid Authorization header for HTTP Basic auth") from error
    username, _, password = text.partition(":")
    return username, password
