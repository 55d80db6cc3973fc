"""HTTP answers of the public side: whole pages with their headers, and small ones for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import anvil.server

from ..server_shared.config import Business, read_business
from ..server_shared.errors import AppError
from .admission import is_closed_to_public
from .cookie_choice import read_choice
from .public_pages import CACHE_SECONDS, content_policy

# What every answer says, whatever it is.
SAFE_HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


def html_answer(
    body: str, status: int = 200, cache: str = "no-store", business: Business | None = None
) -> Any:
    """A page; ``business`` is the one whose colours it has."""
    return anvil.server.HttpResponse(
        status=status,
        body=body,
        headers={
            **SAFE_HEADERS,
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": cache,
            "Vary": "Cookie",  # whether it asks about cookies
            "Content-Security-Policy": content_policy(business),
        },
    )


def public_answer(
    render: Callable[..., str],
    cache: str = f"private, max-age={CACHE_SECONDS}",
    status: int = 200,
) -> Any:
    """A page for everyone, which asks about cookies until there is an answer."""
    if is_closed_to_public():
        return html_answer("<!doctype html><title>Mybizz</title><p>There is no such page.</p>", 404)
    try:
        business = read_business()
    except AppError as error:
        return html_answer(f"<!doctype html><title>Mybizz</title><p>{error.message}</p>", 503)
    asks = read_choice(anvil.server.request.headers) is None
    body = render(business, asks_for_cookies=asks)
    return html_answer(body, status, cache=cache, business=business)


def json_answer(
    values: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Any:
    """An answer for a script: never kept, never shown as a page."""
    return anvil.server.HttpResponse(
        status=status,
        body=json.dumps(dict(values), ensure_ascii=False),
        headers={
            **SAFE_HEADERS,
            "Content-Type": "application/json; charset=utf-8",
            "Cache-Control": "no-store",
            **(headers or {}),
        },
    )
