"""The page that starts an app in the browser."""

from __future__ import annotations

import importlib
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from app_server.http.client_session import read_anvil_cookies, set_session_cookie
from app_server.http.startup import PageStart
from app_server.instance import Instance
from app_server.sessions import Session


async def start_page(
    http: HttpRequest, instance: Instance, session: Session, start: PageStart
) -> Response:
    """The page, and the session's cookie with it: the browser will need both."""
    session.is_replacement = False
    read_anvil_cookies(http, session)
    session.save()
    page: Any = importlib.import_module("app_server.http.page")
    response: Response = await page.render_page(instance, session, start)
    set_session_cookie(response, http, instance, session)
    return response
