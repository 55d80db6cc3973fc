"""Serves ``@anvil.server.http_endpoint`` and ``@anvil.server.route``.

Source: ``serve-http-endpoint`` in anvil.runtime.serve-app.core.
"""

from __future__ import annotations

import logging
from typing import Any, Literal

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from app_server.app_log import log_error
from app_server.dispatch import dispatch
from app_server.errors import AnvilError
from app_server.http import problems
from app_server.http.client_session import (
    find_session,
    is_same_origin,
    read_anvil_cookies,
    set_anvil_cookies,
    set_session_cookie,
)
from app_server.http.endpoint_reply import make_response
from app_server.http.endpoint_request import BadRequestError, make_endpoint_arguments
from app_server.http.visitor import client_ip, request_path
from app_server.instance import Instance
from app_server.request import Origin, Reply, Request
from app_server.stack import CallStack
from app_server.wire.codec import encode

logger = logging.getLogger(__name__)

Category = Literal["http", "route", "http-wellknown"]
NO_FUNCTION = "anvil.server.NoServerFunctionError"
UNAVAILABLE = "anvil.server.RuntimeUnavailableError"


async def serve_endpoint(
    http: HttpRequest,
    instance: Instance,
    category: Category,
    path: str | None = None,
    *,
    otherwise: tuple[Category, str] | None = None,
) -> Response:
    """Answer with what the app's endpoint returns. ``path`` is what the endpoint is looked up by,
    the whole path unless given; ``otherwise`` is where to look where there is none. HEAD is served
    as GET, without the body (RFC 9110, 9.3.2)."""
    path = path or request_path(http)
    method = "GET" if http.method == "HEAD" else http.method
    ip = client_ip(http, instance)
    if not instance.request_rates.allows(ip):
        return problems.too_many(http)
    try:
        arguments = await make_endpoint_arguments(http, method, path, ip)
    except BadRequestError as error:
        return problems.make_problem(
            http, error.status, "This request cannot be served", error.message, plain=error.message
        )
    updates: set[str] = set()

    async def call(category: Category, path: str) -> tuple[Request, Reply]:
        command, given = f"{category}:{path}", {**arguments, "path": path}
        request = _make_request(http, instance, command, given, ip)
        request.on_update = lambda update: updates.update(update)
        return request, await dispatch(request)

    request, reply = await call(category, path)
    if otherwise is not None and _is_missing(category, reply):
        await request.stack.close(False)
        category, path = otherwise
        request, reply = await call(category, path)
    try:
        if reply.error is not None:
            response = _make_error_response(http, instance, category, request, reply.error)
        else:
            response = await make_response(http, instance, category, request, reply)
    except AnvilError as error:
        log_error(instance, request.command, error.to_json())
        response = problems.failed(http, plain=error.message)
    finally:
        await request.stack.close(reply.error is None)
    if request.session is not request.alternate_session or is_same_origin(http, instance):
        _set_cookies(response, http, request, updates)
    else:
        set_session_cookie(response, http, instance, request.session)
    return response


def _make_request(
    http: HttpRequest, instance: Instance, command: str, arguments: dict[str, Any], ip: str
) -> Request:
    """A page of another site gets a session of its own: its scripts must not act with the rights
    of the visitor's. An endpoint with ``cross_site_session`` switches to that one."""
    session = find_session(http, instance) or instance.sessions.create()
    alternate = None
    if not is_same_origin(http, instance):
        session, alternate = instance.sessions.create(), session
    for known in (session, alternate):
        if known is not None:
            read_anvil_cookies(http, known)
    return Request(
        instance=instance,
        session=session,
        stack=CallStack(),
        command=command,
        payload=encode({"args": [], "kwargs": arguments}),
        origin=Origin.HTTP,
        frames=({"type": "http"},),
        client={"type": "http", "ip": ip, "location": None},
        alternate_session=alternate,
    )


def _set_cookies(
    response: Response, http: HttpRequest, request: Request, updates: set[str]
) -> None:
    if request.alternate_session is None:
        set_session_cookie(response, http, request.instance, request.session)
        if "set-cookie" in updates:
            set_anvil_cookies(response, request.instance, request.session)


def _make_error_response(
    http: HttpRequest,
    instance: Instance,
    category: Category,
    request: Request,
    error: dict[str, Any],
) -> Response:
    message = str(error.get("message"))
    if _is_missing(category, Reply(error=error)):
        return problems.not_found(http, plain="No matching API endpoint")
    log_error(instance, request.command, error)
    if error.get("type") == UNAVAILABLE:
        return problems.unavailable(http, message)
    return problems.failed(
        http, plain="An exception was raised. Check the application logs for details."
    )


def _is_missing(category: Category, reply: Reply) -> bool:
    """Whether the app has no such endpoint; one that calls a function that is missing differs."""
    error = reply.error or {}
    return error.get("type") == NO_FUNCTION and f"{category}:" in str(error.get("message"))
