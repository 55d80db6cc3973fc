"""A log-in gives the session's browser a new cookie.

Whoever planted a cookie of their own in somebody's browser beforehand must not be logged in with
them (session fixation, OWASP Session Management Cheat Sheet, "Renew the Session ID After Any
Privilege Level Change"). What the session is stays the same: its id for server code, its data, its
subscriptions, the objects that its pages hold.

A log-in comes over a WebSocket, which cannot set a cookie. So the socket gets a ticket, good once
and for a short while, and its page fetches the new cookie with it from ``/_/request_cookies``. The
other sockets of the session are closed: the browser's own tabs come back with the new cookie.
"""

from __future__ import annotations

import secrets
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app_server.request import Request
    from app_server.sessions import Session

TICKET_SECONDS = 60.0
MAX_TICKETS = 10_000

serving: ContextVar[Request | None] = ContextVar("serving", default=None)
"""The call that the native function at work was made for."""


class Tickets:
    """Tickets of one instance that have not been used."""

    def __init__(self) -> None:
        self._sessions: dict[str, tuple[Session, float]] = {}

    def issue(self, session: Session) -> str:
        now = time.monotonic()
        if len(self._sessions) >= MAX_TICKETS:
            self._sessions = {k: v for k, v in self._sessions.items() if v[1] > now}
        ticket = secrets.token_urlsafe(24)
        self._sessions[ticket] = (session, now + TICKET_SECONDS)
        return ticket

    def redeem(self, ticket: str) -> Session | None:
        """The session of a ticket, once."""
        session, expires_at = self._sessions.pop(ticket, (None, 0.0))
        return session if session is not None and time.monotonic() < expires_at else None


def tell_caller(session: Session) -> None:
    """The session has a new cookie: see to it that its browser gets it, and nobody else."""
    request = serving.get()
    root = request.root if request is not None else None
    own = root.socket if root is not None and root.session is session else None
    if root is not None and own is not None:
        root.on_update({"set-cookie": root.instance.tickets.issue(session)})
    for socket in list(session.sockets):
        if socket is not own:
            socket.retire()
