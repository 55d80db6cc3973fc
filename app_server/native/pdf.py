"""``anvil.pdf``: server code prints a form of its app.

The worker keeps the arguments and asks ``do_print`` for a page with them. Anvil's server has the
printing browser fetch them by a call of its own (``get_component``); here the router fetches them
and puts them into the page, as it does for a ``FormResponse``.
Source: ``anvil/pdf.py`` of the server wheel, anvil.dispatcher.native-rpc-handlers.pdf.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response

from app_server.dispatch import call_peer
from app_server.errors import AnvilError
from app_server.http.endpoint_reply import make_start
from app_server.http.routes import add_route
from app_server.http.startup import PageStart
from app_server.instance import Instance
from app_server.limits import PDF_SECONDS, PDF_TASK_SECONDS
from app_server.media import resign_media
from app_server.native.registry import NativeCall, native
from app_server.pdf.options import PrintOptions, read_options
from app_server.pdf.render import PdfError, render_page
from app_server.request import Request
from app_server.sessions import Session
from app_server.wire.codec import decode, decode_vt_global, encode
from app_server.wire.values import Media
from app_server.workers.worker import Worker

GET_COMPONENT = "anvil.private.pdf.get_component"
DENIED = "anvil.server.PermissionDenied"


@dataclass(frozen=True, slots=True)
class PrintPage:
    """A page that may be fetched once, by whoever knows its id and key."""

    instance: Instance
    session: Session
    start: PageStart
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32))


_pages: dict[str, PrintPage] = {}


@native("anvil.private.pdf.do_print")
async def do_print(call: NativeCall, reference: list[Any], options: Any = None) -> Media:
    """The PDF. ``reference`` is ``[call id, key]`` of what the worker keeps for it.

    Errors: ValueError or TypeError for options that are none; see ``render_page`` for the others.
    """
    from app_server.pdf.listener import serve_to_browser  # it makes certificates: slow to load

    if call.origin != "server":
        raise AnvilError("Permission denied to private function", DENIED)
    wanted = _read_options(options)
    page = await _make_page(call, reference)
    page_id = secrets.token_urlsafe(16)
    _pages[page_id] = page
    is_task = call.request.root.client.get("type") == "background_task"
    try:
        async with serve_to_browser(call.instance) as flags:
            pdf = await render_page(
                f"{call.instance.origin}/_/print/{page_id}/{quote(page.key)}",
                flags,
                wanted,
                program=call.instance.config.pdf_browser,
                seconds=PDF_TASK_SECONDS if is_task else PDF_SECONDS,
            )
    finally:
        _pages.pop(page_id, None)
        page.session.delete()
    return Media("application/pdf", pdf, wanted.filename)


@native(GET_COMPONENT)
async def get_component(call: NativeCall, *_arguments: Any) -> None:
    """Nobody's but the server's own: what is kept for a print may be secret."""
    raise AnvilError("Invalid print session", DENIED)


def _read_options(options: Any) -> PrintOptions:
    try:
        return read_options(options or {})
    except (TypeError, ValueError) as error:
        raise PdfError(str(error), type(error).__name__) from error


async def _make_page(call: NativeCall, reference: list[Any]) -> PrintPage:
    """The page of the form that the worker names, for a copy of the caller's session: it sees the
    same user and data, and what it does to them there is gone when it is printed."""
    session = call.instance.sessions.make_copy(call.session)
    request = _child(call, session, GET_COMPONENT, {"args": [list(reference)], "kwargs": {}})
    worker = call.request.parent.worker if call.request.parent else None
    if not isinstance(worker, Worker):
        raise PdfError("only server code of the app can print", DENIED)
    worker.reserve()
    reply = await call_peer(worker, request, PDF_SECONDS)
    if reply.error is not None:
        session.delete()
        raise AnvilError(str(reply.error.get("message")), str(reply.error.get("type")))
    body = await decode(reply.payload)
    args, kwargs = resign_media(request, body.get("response")) or ([], {})
    form, *rest = args or [None]
    if not isinstance(form, str):
        session.delete()
        raise PdfError("the first argument has to be the name of a form", "TypeError")
    opening: dict[str, Any] = {"form": form, "args": list(rest), "kwargs": kwargs}
    vt_global = resign_media(request, decode_vt_global(body.get("vt_global")))
    start = await make_start(request, encode({"response": {"body": opening}}, vt_global))
    return PrintPage(call.instance, session, start)


def _child(call: NativeCall, session: Session, command: str, body: dict[str, Any]) -> Request:
    parent = call.request
    return Request(
        instance=call.instance,
        session=session,
        stack=call.stack,
        command=command,
        payload=encode(body, {}),
        origin=parent.origin,
        frames=parent.frames,
        client=parent.client,
        parent=parent,
    )


@add_route("/_/print/{page_id}/{key}", ["GET"])
async def serve_print_page(http: HttpRequest, instance: Instance) -> Response:
    """The page, once."""
    from app_server.http.pages import start_page

    page = _pages.get(http.path_params["page_id"])
    key = str(http.path_params["key"])
    if (
        page is None
        or page.instance is not instance
        or not hmac.compare_digest(page.key.encode(), key.encode())
    ):
        return PlainTextResponse("Invalid print session", 404)
    del _pages[http.path_params["page_id"]]
    return await start_page(http, instance, page.session, page.start)
