"""Which session a browser has, and the cookies that say so."""

from __future__ import annotations

import time
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from app_server.instance import Instance
from app_server.logs import note_session
from app_server.sessions import COOKIE_NAME, SECURE_COOKIE_NAME, Session

ANVIL_COOKIES = {"local": "anvil-cookie-local", "shared": "anvil-cookie-shared"}
URL_TOKEN = "_anvil_session"
PATHS_WITH_TOKEN = ("/_/ws", "/_/lm/")
ANVIL_COOKIE_SECONDS = 400 * 86400
"""Browsers keep a cookie for no longer (RFC 6265bis, section 5.5)."""


def session_cookie_name(instance: Instance) -> str:
    """Over https a browser takes a cookie with this prefix from the very host only, so that no
    site beside it under the same domain can plant a session (RFC 6265bis, section 4.1.3.2)."""
    return SECURE_COOKIE_NAME if instance.config.is_https else COOKIE_NAME


def find_session(connection: HTTPConnection, instance: Instance) -> Session | None:
    """By its cookie. An app that may be embedded also has it by the token in the address of its
    socket and of its media: browsers keep cookies from a page in another site's frame. Pages take
    no such token: a link with one would put whoever follows it into somebody else's session."""
    session = instance.sessions.find(connection.cookies.get(session_cookie_name(instance)))
    note_session(session)
    if not instance.app.allow_embedding:
        return session
    if session is not None:
        if not session.has_cookies:
            session.has_cookies = True
            session.save()
        return session
    token = connection.query_params.get(URL_TOKEN)
    if token is None or not connection.url.path.startswith(PATHS_WITH_TOKEN):
        return None
    return instance.sessions.find_by_url_token(token)


def make_address_token(instance: Instance, session: Session) -> str:
    """The query that shows this session in an address (``_anvil_session=...``), for an app that may
    be embedded; else nothing."""
    if not instance.app.allow_embedding:
        return ""
    return f"{URL_TOKEN}={instance.sessions.make_url_token(session)}"


def has_superseded_cookie(connection: HTTPConnection, instance: Instance) -> bool:
    """Whether the browser is just getting a new cookie for its session: what it brings is the one
    before, and a session made for it now would take the new one's place."""
    return instance.sessions.is_superseded(connection.cookies.get(session_cookie_name(instance)))


def session_cookie_header(instance: Instance, session: Session) -> tuple[bytes, bytes]:
    return (b"set-cookie", _make_cookie(instance, session).encode("latin-1"))


def _make_cookie(instance: Instance, session: Session) -> str:
    cookie: SimpleCookie = SimpleCookie()
    name = session_cookie_name(instance)
    cookie[name] = instance.sessions.make_cookie(session)
    morsel = cookie[name]
    morsel["path"] = "/"
    morsel["httponly"] = True
    morsel["samesite"] = "Lax"
    if instance.config.is_https:
        morsel["secure"] = True
    return morsel.OutputString()


def set_session_cookie(
    response: Response, connection: HTTPConnection, instance: Instance, session: Session
) -> None:
    """Tell the browser its session, once that is to be kept, unless it knows it already."""
    if not session.is_stored or session.is_deleted:
        return
    known = connection.cookies.get(session_cookie_name(instance))
    if known == instance.sessions.make_cookie(session):
        return
    # A page that was asked for before the new cookie was there must not undo it.
    claim = instance.sessions.read_cookie(known)
    is_other = claim is None or claim.session_id != session.id
    header = _make_cookie(instance, session)
    is_there = header in response.headers.getlist("set-cookie")
    if not is_there and not (is_other and instance.sessions.is_superseded(known)):
        response.headers.append("set-cookie", header)


def clear_session_cookie(response: Response, instance: Instance) -> None:
    response.delete_cookie(
        session_cookie_name(instance),
        secure=instance.config.is_https,
        httponly=True,
        samesite="lax",
    )


def read_anvil_cookies(connection: HTTPConnection, session: Session) -> None:
    """Take ``anvil.server.cookies`` from the browser into the session, still sealed. What the
    browser has not fetched yet is newer than what it sends."""
    now = time.monotonic()
    before = session.cookies or {}
    session.cookies = {
        kind: before.get(kind, "")
        if session.unsent_cookies.get(kind, 0.0) > now
        else connection.cookies.get(name, "")
        for kind, name in ANVIL_COOKIES.items()
    }


def set_anvil_cookies(response: Response, instance: Instance, session: Session) -> None:
    session.unsent_cookies.clear()
    for kind, name in ANVIL_COOKIES.items():
        response.set_cookie(
            name,
            (session.cookies or {}).get(kind, ""),
            max_age=ANVIL_COOKIE_SECONDS,
            httponly=True,
            secure=instance.config.is_https,
            samesite="lax",
        )


def is_same_origin(connection: HTTPConnection, instance: Instance) -> bool:
    """Whether a request comes from a page of this instance, or from no page at all.

    A page is ours when its origin is the configured one or the very host that it asks for: a
    browser sets ``Origin`` itself (Fetch standard, section 3.2).
    """
    origin = connection.headers.get("origin")
    if origin is None or origin == instance.origin:
        return True
    try:
        host = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return host != "" and host == connection.headers.get("host", "").lower()
