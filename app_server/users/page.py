"""The look of the pages behind mailed links: one small page of its own, without JavaScript."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse

from app_server.instance import Instance

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader  # loaded with the first page

    loader = FileSystemLoader(_FOLDER)
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)


@cache
def _style() -> str:
    return (_FOLDER / "page.css").read_text()


@cache
def _headers() -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        # The address of such a page is a secret. (With "no-referrer" a browser would not tell the
        # form's origin either.)
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def render(
    instance: Instance, heading: str, *paragraphs: str, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page with these paragraphs. ``form`` is ``password`` (with ``email``, ``rules``,
    ``problem``) or ``button``; without one there is a link home (``link_text``)."""
    from markupsafe import Markup

    html = (
        _environment()
        .get_template("page.html")
        .render(
            {
                "app_name": instance.app.name,
                "heading": heading,
                "paragraphs": paragraphs,
                "home": "/",
                "link_text": "Continue",
                "style": Markup(_style()),
                **values,
            }
        )
    )
    return HTMLResponse(html, status_code=status, headers=_headers())
