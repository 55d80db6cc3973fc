"""Roles, permissions, and who is asking.

Nothing here registers a callable: ``server_shared.callables`` asks this module before it lets
anyone through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import anvil.server
import anvil.users

OWNER, MANAGER, ADMIN, STAFF, CUSTOMER = "owner", "manager", "admin", "staff", "customer"
ROLES = (OWNER, MANAGER, ADMIN, STAFF, CUSTOMER)
STAFF_ROLES = (OWNER, MANAGER, ADMIN, STAFF)

# How many active users a role may have in one instance; customers are not limited.
ROLE_LIMITS = {OWNER: 1, MANAGER: 3, ADMIN: 10, STAFF: 20}

PERMISSIONS = (
    "analytics.view",
    "bookings.manage",
    "bookings.view",
    "content.manage",
    "content.view",
    "customers.manage",
    "customers.view",
    "finance.manage",
    "finance.view",
    "marketing.manage",
    "marketing.view",
    "products.manage",
    "products.view",
    "settings.manage",
    "settings.view",
)

# What a role may do unless a user's own ``permissions`` say otherwise.
ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    OWNER: frozenset(PERMISSIONS),
    MANAGER: frozenset(PERMISSIONS) - {"settings.manage"},
    ADMIN: frozenset(PERMISSIONS) - {"settings.manage", "finance.manage"},
    STAFF: frozenset({"bookings.view", "bookings.manage", "customers.view", "products.view"}),
    CUSTOMER: frozenset(),
}


@dataclass(frozen=True)
class Actor:
    """Who is behind a call: a logged-in ``user``, the ``system`` (an uplink script, a background
    task), or ``nobody``."""

    kind: str
    role: str = ""
    email: str = ""
    name: str = ""
    permissions: frozenset[str] = frozenset()
    row: Any = None
    ip: str = ""
    may_choose_password: bool = False

    def may(self, permission: str) -> bool:
        """Whether this actor has the permission. The system has them all."""
        return self.kind == "system" or permission in self.permissions

    @property
    def is_staff(self) -> bool:
        """Whether this is someone of the business, or the system on its behalf."""
        return self.kind == "system" or self.role in STAFF_ROLES

    @property
    def author_name(self) -> str:
        """How a timeline names the actor."""
        return self.name or self.email or "Mybizz"


_current: ContextVar[Actor | None] = ContextVar("mybizz_actor", default=None)


def is_trusted_caller() -> bool:
    """Whether the code that called is ours: server code, a background task or a server uplink.

    A browser, a client uplink and an HTTP request are not.
    """
    caller = anvil.server.context.remote_caller
    return caller is not None and bool(caller.is_trusted)


def permissions_of(role: str, own: Mapping[str, Any] | None) -> frozenset[str]:
    """The permissions of a role, changed by a user's own ``{permission: True or False}``.

    An owner's cannot be taken away, and nothing can be given to a customer: what a customer sees
    is their own data, which no permission describes.
    """
    granted = set(ROLE_PERMISSIONS.get(role, frozenset()))
    if role in (OWNER, CUSTOMER) or not own:
        return frozenset(granted)
    for permission, allowed in own.items():
        if permission in PERMISSIONS:
            (granted.add if allowed is True else granted.discard)(permission)
    return frozenset(granted)


def display_name(row: Any) -> str:
    """``First Last`` of a users row, as far as it is known."""
    return " ".join(part for part in (row["first_name"], row["last_name"]) if part)


def _client_ip() -> str:
    client = anvil.server.context.client
    return (client.ip or "") if client is not None else ""


def read_actor() -> Actor:
    """Find out who is calling, by the session's log-in and by where the call came from.

    A user who has been switched off since logging in counts as nobody.
    """
    ip = _client_ip()
    try:
        user = anvil.users.get_user()
    except anvil.users.PasswordResetRequested:
        # The link of a reset message has been opened in this session.
        return Actor("nobody", ip=ip, may_choose_password=True)
    except anvil.users.MFARequired:
        return Actor("nobody", ip=ip)
    if user is not None:
        if user["enabled"] is False or user["status"] in ("inactive", "suspended"):
            return Actor("nobody", ip=ip)
        role = user["role"] if user["role"] in ROLES else CUSTOMER
        return Actor(
            "user",
            role=role,
            email=user["email"] or "",
            name=display_name(user),
            permissions=permissions_of(role, user["permissions"]),
            row=user,
            ip=ip,
        )
    return Actor("system" if is_trusted_caller() else "nobody", ip=ip)


def current_actor() -> Actor:
    """The actor of the call that runs now."""
    return _current.get() or read_actor()


@contextmanager
def acting_as(actor: Actor) -> Iterator[Actor]:
    """Everything inside runs on behalf of ``actor``."""
    token = _current.set(actor)
    try:
        yield actor
    finally:
        _current.reset(token)
