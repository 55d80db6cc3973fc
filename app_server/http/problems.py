"""Pages that tell a person what went wrong. They name nothing of the app or of other instances."""

from __future__ import annotations

import html

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

TRY_AGAIN_LATER = 1013
NOT_RUNNING = "This site cannot be reached at the moment. Please try again shortly."
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.6 system-ui, sans-serif; display: grid; place-content: center;
  min-height: 90vh; margin: 0 1.5rem }}
h1 {{ font-size: 1.5rem; margin: 0 }}
p {{ white-space: pre-line; overflow-wrap: anywhere; max-width: 45rem }}
</style></head>
<body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""


def wants_html(connection: HTTPConnection) -> bool:
    return "text/html" in connection.headers.get("accept", "")


def make_problem(
    connection: HTTPConnection,
    status: int,
    title: str,
    text: str,
    *,
    plain: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """A page for a browser; for a program one line of text (``plain``, else title and text)."""
    if wants_html(connection):
        page = PAGE.format(title=html.escape(title), text=html.escape(text))
        return HTMLResponse(page, status, {"Content-Security-Policy": POLICY, **(headers or {})})
    return PlainTextResponse(plain or f"{title}. {text}", status, headers)


def not_found(connection: HTTPConnection, plain: str | None = None) -> Response:
    return make_problem(
        connection, 404, "Page not found", "There is nothing at this address.", plain=plain
    )


def failed(connection: HTTPConnection, plain: str | None = None) -> Response:
    return make_problem(
        connection,
        500,
        "Something went wrong",
        "The server could not answer this request. Please try again; if it happens again, tell "
        "whoever runs this site.",
        plain=plain,
    )


def too_many(connection: HTTPConnection) -> Response:
    return make_problem(
        connection,
        429,
        "Too many requests",
        "Please wait a moment and try again.",
        headers={"Retry-After": "5"},
    )


def unavailable(connection: HTTPConnection, message: str) -> Response:
    return make_problem(
        connection,
        503,
        "Not available at the moment",
        message,
        plain=message,
        headers={"Retry-After": "5"},
    )


def closed(connection: HTTPConnection) -> Response:
    """For a site that its operator has stopped."""
    return make_problem(
        connection,
        503,
        "This site is closed for now",
        "It is not being served at the moment. Please come back later.",
        headers={"Retry-After": "3600", "Cache-Control": "no-store"},
    )


def changing(connection: HTTPConnection) -> Response:
    """For a site that is being changed for longer than a visitor waits. A browser looks again by
    itself."""
    return make_problem(
        connection,
        503,
        "Back in a moment",
        "This site is being improved right now. Nothing is lost; this page looks again by itself.",
        headers={"Retry-After": "5", "Refresh": "5", "Cache-Control": "no-store"},
    )


async def refuse_for_now(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI app that stands where an instance cannot be reached."""
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).close(TRY_AGAIN_LATER)
    else:
        await unavailable(HTTPConnection(scope), NOT_RUNNING)(scope, receive, send)


def broken_app(connection: HTTPConnection, problem: str) -> Response:
    """For whoever is working on the app: it cannot be loaded as its files are now."""
    return make_problem(
        connection,
        500,
        "This app cannot be loaded",
        problem,
        plain=f"This app cannot be loaded: {problem}",
        headers={"Cache-Control": "no-store"},
    )
