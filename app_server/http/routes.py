"""The addresses of one instance."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from app_server.gate import Gated
from app_server.http import assets, problems
from app_server.http.client_session import (
    clear_session_cookie,
    find_session,
    is_same_origin,
    read_anvil_cookies,
    set_anvil_cookies,
    set_session_cookie,
)
from app_server.http.endpoint_request import BodyLease
from app_server.http.endpoints import Category, serve_endpoint
from app_server.http.lazy_media import serve_lazy_media
from app_server.http.metrics import serve_metrics
from app_server.http.pages import start_page
from app_server.http.sockets import serve_browser, serve_uplink
from app_server.http.startup import PageStart
from app_server.http.visitor import client_ip, request_path
from app_server.instance import Instance
from app_server.users.pages import routes as user_pages

ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
WELL_KNOWN = "/.well-known"
TICKET_HEADER = "x-anvil-ticket"
Serve = Callable[[HttpRequest, Instance], Awaitable[Response]]

_added: list[tuple[str, Serve, list[str]]] = []


def add_route(path: str, methods: list[str]) -> Callable[[Serve], Serve]:
    """Let another part of the server answer at an address below ``/_/`` (Starlette's syntax)."""

    def add(serve: Serve) -> Serve:
        _added.append((path, serve, methods))
        return serve

    return add


def list_routes(instance: Instance) -> list[BaseRoute]:
    """Every address, in the order in which they are tried."""

    def route(path: str, serve: Serve, methods: list[str] | None = None) -> Route:
        async def endpoint(http: HttpRequest) -> Response:
            with BodyLease(http):
                return await serve(http, instance)

        return Route(path, endpoint, methods=methods or ["GET"])

    async def browser(socket: WebSocket) -> None:
        await serve_browser(socket, instance)

    async def uplink(socket: WebSocket) -> None:
        await serve_uplink(socket, [instance])

    return [
        WebSocketRoute("/_/ws", browser),
        WebSocketRoute("/_/ws/{rest:path}", browser),
        WebSocketRoute("/_/uplink", uplink),
        *assets.routes,
        *(_with_session(page, instance) for page in user_pages),
        route("/_/lm/{rest:path}", serve_lazy_media, ["GET", "POST"]),
        route("/_/health", serve_health),
        route("/_/ready", serve_ready),
        route("/_/metrics", serve_metrics),
        route("/_/logout", serve_logout, ANY_METHOD),
        route("/_/request_cookies", serve_cookies, ["POST"]),
        route("/_/log", serve_nothing, ["POST"]),
        route("/_/check-app-online", serve_nothing),
        *(route(path, serve, methods) for path, serve, methods in _added),
        route("/_/api/{rest:path}", serve_api, ANY_METHOD),
        route("/_/{rest:path}", serve_not_found, ANY_METHOD),
        route("/{rest:path}", serve_page, ANY_METHOD),
    ]


def make_router(instance: Instance) -> ASGIApp:
    """The instance behind its gate."""
    router = Router(list_routes(instance), redirect_slashes=False, default=_default)

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"instance": instance}
        await router(scope, receive, send)

    instance.entrance = Gated(instance.gate, enter, problems.refuse_for_now)
    return instance.entrance


def _with_session(page: Route, instance: Instance) -> Route:
    """A page that also wants the visitor's session, as ``request.state.session``."""

    async def endpoint(http: HttpRequest) -> Response:
        if not instance.request_rates.allows(client_ip(http, instance)):
            return problems.too_many(http)
        session = find_session(http, instance) or instance.sessions.create()
        read_anvil_cookies(http, session)
        http.state.session = session
        response: Response = await page.endpoint(http)
        set_session_cookie(response, http, instance, session)
        return response

    return Route(page.path, endpoint, methods=list(page.methods or ("GET",)))


async def _default(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).close()
    else:
        await problems.not_found(HttpRequest(scope))(scope, receive, send)


async def serve_api(http: HttpRequest, instance: Instance) -> Response:
    return await serve_endpoint(
        http, instance, "http", request_path(http).removeprefix("/_/api") or "/"
    )


async def serve_page(http: HttpRequest, instance: Instance) -> Response:
    """The app's own start at ``/``, if it has one; routes everywhere else."""
    problem = instance.reload.problem
    if problem is not None and instance.config.is_local and problems.wants_html(http):
        return problems.broken_app(http, problem)
    is_start = request_path(http) == "/" and http.method in ("GET", "HEAD")
    if is_start and instance.app.startup is not None:
        if not instance.request_rates.allows(client_ip(http, instance)):
            return problems.too_many(http)
        session = find_session(http, instance) or instance.sessions.create()
        return await start_page(http, instance, session, PageStart())
    path = request_path(http)
    if path.startswith(WELL_KNOWN):
        # ``wellknown_endpoint`` is a route in the server's library, and still under its old name
        # in that of uplinks.
        old: tuple[Category, str] = ("http-wellknown", path.removeprefix(WELL_KNOWN))
        return await serve_endpoint(http, instance, "route", otherwise=old)
    return await serve_endpoint(http, instance, "route")


async def serve_health(http: HttpRequest, instance: Instance) -> Response:
    """``{"ok", "database", "server_code"}``; 503 where the database cannot be reached."""
    if not instance.request_rates.allows(client_ip(http, instance)):
        return problems.too_many(http)
    health = await instance.check_health()
    return JSONResponse(health, 200 if health["ok"] else 503, {"Cache-Control": "no-store"})


async def serve_ready(http: HttpRequest, instance: Instance) -> Response:
    """``{"ready", "reasons"}`` for whoever spreads visitors over servers; 503 where they should go
    elsewhere."""
    if not instance.request_rates.allows(client_ip(http, instance)):
        return problems.too_many(http)
    is_fit, reasons = instance.judge_readiness(await instance.check_health())
    answer = {"ready": is_fit, "reasons": reasons}
    return JSONResponse(answer, 200 if is_fit else 503, {"Cache-Control": "no-store"})


async def serve_logout(http: HttpRequest, instance: Instance) -> Response:
    """End the session."""
    if not is_same_origin(http, instance):
        return PlainTextResponse("Invalid origin", 403)
    session = find_session(http, instance)
    if session is not None:
        session.delete()
    response = PlainTextResponse("")
    clear_session_cookie(response, instance)
    return response


async def serve_cookies(http: HttpRequest, instance: Instance) -> Response:
    """Hand the browser what a call over the socket left for it: ``anvil.server.cookies``, and the
    new cookie of a session that was renewed, against the ticket that came by the socket."""
    if not is_same_origin(http, instance):
        return PlainTextResponse("Invalid origin", 403)
    session = instance.tickets.redeem(http.headers.get(TICKET_HEADER, ""))
    session = session or find_session(http, instance)
    response = PlainTextResponse("")
    if session is not None:
        if session.cookies is not None:
            set_anvil_cookies(response, instance, session)
        set_session_cookie(response, http, instance, session)
    return response


async def serve_nothing(_http: HttpRequest, _instance: Instance) -> Response:
    return PlainTextResponse("")


async def serve_not_found(http: HttpRequest, _instance: Instance) -> Response:
    return problems.not_found(http)
