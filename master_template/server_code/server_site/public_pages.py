"""Public pages, rendered here: plain HTML that needs no JavaScript and no second request."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import anvil.server
from jinja2 import DictLoader, Environment, Template
from markupsafe import Markup, escape

from ..server_settings.legal_texts import TITLES, LegalText, body_of
from ..server_shared import clock
from ..server_shared.config import Business
from ..server_shared.formatting import format_day
from . import page_templates
from .colours import palette

CACHE_SECONDS = 60

_environment = Environment(
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    loader=DictLoader(
        {
            "layout": page_templates.LAYOUT,
            "home": page_templates.HOME,
            "message": page_templates.MESSAGE,
            "text": page_templates.TEXT,
            "cookies": page_templates.COOKIES,
        }
    ),
)
_stylesheet = Environment(autoescape=False).from_string(page_templates.STYLESHEET)


def render_home(business: Business, **look: Any) -> str:
    """The home page. ``look`` may have ``asks_for_cookies``, ``scheme`` and ``logo``."""
    structured = Markup(_structured_data(business))
    return _render("home", business, "/", structured=structured, **look)


def render_legal(business: Business, text: LegalText, path: str, **look: Any) -> str:
    """A page with the privacy policy or the terms."""
    since = ""
    if text.published_at is not None:
        day = format_day(text.published_at, business)
        since = f"Version {text.version}, in force since {day}"
    # Harmless by the allow-list of legal_markup.
    body = Markup(body_of(text, business))
    heading = TITLES[text.kind]
    return _render("text", business, path, heading=heading, since=since, body=body, **look)


def render_policies(business: Business, words: Sequence[Sequence[str]], **look: Any) -> str:
    """A page with what the business has decided on cancelling and the like."""
    parts = [f"<h2>{escape(heading)}</h2><p>{escape(text)}</p>" for heading, text in words]
    body = Markup("".join(parts).replace("\n", "<br>"))
    return _render("text", business, "/policies", heading="Our policies", body=body, **look)


def render_cookies(business: Business, choice: str | None) -> str:
    """The page on which a visitor decides about cookies."""
    return _render("cookies", business, "/cookies", choice=choice)


def render_message(business: Business, heading: str, text: str, path: str) -> str:
    """A page that says one thing, such as that there is no such page."""
    return _render("message", business, path, heading=heading, text=text)


def render_page(source: str, business: Business, path: str, **more: Any) -> str:
    """A page of another area's own: the source of a template that extends ``layout``."""
    return _render(_compiled(source), business, path, **more)


@functools.lru_cache(maxsize=32)
def _compiled(source: str) -> Template:
    return _environment.from_string(source)


# For the pages of the app: scripts of this site alone (the browser's Python needs unsafe-eval),
# and no address but this site's to send anything to. An App Server that does not know this field
# of a page leaves it without effect.
APP_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob: https:; media-src 'self' blob:; frame-src 'self' blob:; "
    "font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'"
)


def content_policy(business: Business | None = None) -> str:
    """The Content-Security-Policy of a page: no script runs on it, nothing is loaded but what it
    carries, and nobody frames it. Without a business it has no style either.

    Source: CSP Level 3; JSON-LD is data, which ``script-src`` does not concern (HTML standard,
    "prepare the script element").
    """
    styles = "'none'" if business is None else _stylesheet_of(*_brand(business), "")[1]
    return (
        f"default-src 'none'; style-src {styles}; img-src 'self' data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def _brand(business: Business) -> tuple[str, str]:
    return business.primary_color, business.accent_color


@functools.lru_cache(maxsize=8)
def _stylesheet_of(primary: str, accent: str, scheme: str) -> tuple[str, str]:
    """The styles of these colours, and the source by which a policy allows them. ``scheme`` is ''
    for what the visitor's system says, or ``light`` or ``dark``."""
    text = _stylesheet.render(c=palette(primary, accent), scheme=scheme)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return text, f"'sha256-{digest}'"


def _render(
    name: str | Template, business: Business, path: str, scheme: str = "", **more: Any
) -> str:
    more = {"logo": business.logo_url, **more}
    colours = palette(*_brand(business))
    social = [
        ("Facebook", business.social_facebook),
        ("Instagram", business.social_instagram),
        ("X", business.social_twitter),
        ("LinkedIn", business.social_linkedin),
    ]
    summary = business.tagline or business.description or business.business_name
    return _environment.get_template(name).render(
        business=business,
        colours=colours,
        stylesheet=Markup(_stylesheet_of(*_brand(business), scheme)[0]),
        origin=(anvil.server.get_app_origin() or "").rstrip("/"),
        path=path,
        summary=" ".join(summary.split())[:160],
        initial=business.business_name[:1].upper(),
        icon=business.icon_url or _icon(business.business_name[:1].upper(), colours),
        year=clock.now().year,
        social=[(label, address) for label, address in social if address],
        address_lines=_address_lines(business.address),
        **more,
    )


def _icon(initial: str, colours: Mapping[str, str]) -> str:
    """A favicon with the business's initial, as a data address."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="9" fill="{colours["primary"]}"/>'
        f'<text x="16" y="22" font-family="sans-serif" font-size="17" font-weight="600" '
        f'text-anchor="middle" fill="{colours["on_primary"]}">{escape(initial)}</text></svg>'
    )
    return "data:image/svg+xml," + quote(svg)


def _address_lines(address: Mapping[str, str]) -> list[str]:
    town = " ".join(part for part in (address.get("postal_code"), address.get("city")) if part)
    lines = [address.get("line1"), address.get("line2"), town]
    lines += [address.get("region"), address.get("country")]
    return [line for line in lines if line]


def _structured_data(business: Business) -> str:
    """schema.org LocalBusiness as JSON-LD, safe inside a script element."""
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "LocalBusiness",
        "name": business.business_name,
        "url": anvil.server.get_app_origin(),
    }
    for key, value in (
        ("description", business.description or business.tagline),
        ("telephone", business.phone),
        ("email", business.email),
    ):
        if value:
            data[key] = value
    if business.address:
        data["address"] = {
            "@type": "PostalAddress",
            "streetAddress": business.address.get("line1", ""),
            "addressLocality": business.address.get("city", ""),
            "postalCode": business.address.get("postal_code", ""),
            "addressRegion": business.address.get("region", ""),
            "addressCountry": business.address.get("country", ""),
        }
    text = json.dumps(data, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("&", "\\u0026")
