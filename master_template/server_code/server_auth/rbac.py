"""Roles, permissions, and who is asking.

Nothing here registers a callable: ``server_shared.callables`` asks this module before it lets
anyone through.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import anvil.server
import anvil.users
from anvil.tables import app_tables

from ..server_shared.errors import DeniedError, NotAuthenticatedError
from . import login_marks, second_factor

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

OWNER, MANAGER, ADMIN, STAFF, CUSTOMER = "owner", "manager", "admin", "staff", "customer"
ROLES = (OWNER, MANAGER, ADMIN, STAFF, CUSTOMER)
STAFF_ROLES = (OWNER, MANAGER, ADMIN, STAFF)
# Who stands above whom: a larger number may see to the accounts of the smaller ones.
RANKS = {OWNER: 4, MANAGER: 3, ADMIN: 2, STAFF: 1, CUSTOMER: 0}

# How many active users a role may have in one instance; customers are not limited.
ROLE_LIMITS = {OWNER: 1, MANAGER: 3, ADMIN: 10, STAFF: 20}

PERMISSIONS = [
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
    "users.manage",
    "users.view",
]

# What a role may do unless a user's own ``permissions`` say otherwise.
ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    OWNER: frozenset(PERMISSIONS),
    MANAGER: frozenset(PERMISSIONS) - {"settings.manage"},
    ADMIN: frozenset(PERMISSIONS) - {"settings.manage", "finance.manage"},
    STAFF: frozenset({"bookings.view", "bookings.manage", "customers.view", "products.view"}),
    CUSTOMER: frozenset(),
}


def add_permissions(given: Mapping[str, Collection[str]]) -> None:
    """Let an app that depends on this one have permissions of its own: ``{permission: roles that
    have it}``, the owner always. Said while its modules are imported."""
    PERMISSIONS.extend(name for name in given if name not in PERMISSIONS)
    for name, roles in given.items():
        for role in (OWNER, *roles):
            ROLE_PERMISSIONS[role] |= {name}


# What shows or changes the business as a whole, and so is not for someone who sees a part of it.
BEYOND_A_SCOPE = frozenset({"settings.view", "settings.manage"})


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
    # What part of the business a person sees (see ``scopes``); None for all of it.
    scope: Mapping[str, Any] | None = None
    # Whether the business wants a second factor that this person has not set up. Until then they
    # may do nothing but that.
    owes_factor: bool = False

    def may(self, permission: str) -> bool:
        """Whether this actor has the permission. The system has them all."""
        return self.kind == "system" or permission in self.permissions

    @property
    def is_staff(self) -> bool:
        """Whether this is someone of the business, or the system on its behalf."""
        return self.kind == "system" or (self.role in STAFF_ROLES and not self.owes_factor)

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


def scope_of(row: Any) -> Mapping[str, Any] | None:
    """What part of the business the user in this row sees; None for all of it."""
    given = row["scope"]
    if not given or given.get("can_manage_all") is not False or row["role"] not in STAFF_ROLES:
        return None
    return None if row["role"] == OWNER else dict(given)


def permissions_of_row(row: Any) -> frozenset[str]:
    """What the user in this row may do."""
    granted = permissions_of(row["role"], row["permissions"])
    return granted - BEYOND_A_SCOPE if scope_of(row) else granted


def display_name(row: Any) -> str:
    """``First Last`` of a users row, as far as it is known."""
    return " ".join(part for part in (row["first_name"], row["last_name"]) if part)


def is_factor_required(role: str) -> bool:
    """Whether the business wants a second factor of people with this role."""
    if role not in STAFF_ROLES:
        return False
    row = app_tables.settings.get(is_singleton=True)
    return row is not None and row["require_second_factor"] is True


def _client_ip() -> str:
    client = anvil.server.context.client
    return (client.ip or "") if client is not None else ""


def read_actor() -> Actor:
    """Find out who is calling, by the session's log-in and by where the call came from.

    A user who has been switched off since logging in counts as nobody; so does a log-in that has
    been ended from elsewhere, or that still owes its second factor.
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
        switched_off = user["enabled"] is False or user["status"] in ("inactive", "suspended")
        if switched_off or not login_marks.is_good(user):
            return Actor("nobody", ip=ip)
        return actor_of(user, ip)
    return Actor("system" if is_trusted_caller() else "nobody", ip=ip)


def actor_of(user: Any, ip: str = "") -> Actor:
    """The actor that the user in this row is: who has logged in, or in whose name a task goes on
    with what they have begun."""
    role = user["role"] if user["role"] in ROLES else CUSTOMER
    owes_factor = not second_factor.is_on(user) and is_factor_required(role)
    return Actor(
        "user",
        role=role,
        email=user["email"] or "",
        name=display_name(user),
        permissions=frozenset() if owes_factor else permissions_of_row(user),
        row=user,
        ip=ip,
        scope=scope_of(user),
        owes_factor=owes_factor,
    )


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


Decorator = Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]


def require_role(*roles: str) -> Decorator[Parameters, Result]:
    """Have a plain function refuse whoever has none of these roles; the system may always.

    Raises :class:`NotAuthenticatedError` or :class:`DeniedError` when it is called.
    """
    unknown = set(roles) - set(ROLES)
    if unknown or not roles:
        raise ValueError(f"There are no roles {sorted(unknown)}; there are {', '.join(ROLES)}.")
    return _refuse_unless(
        lambda actor: actor.kind == "system" or actor.role in roles,
        f"This is for the role {' or '.join(roles)}.",
    )


def require_permission(permission: str) -> Decorator[Parameters, Result]:
    """Have a plain function refuse whoever lacks a permission; the system has them all.

    Raises :class:`NotAuthenticatedError` or :class:`DeniedError` when it is called.
    """
    if permission not in PERMISSIONS:
        raise ValueError(f"There is no permission called {permission!r}.")
    return _refuse_unless(
        lambda actor: actor.may(permission),
        f"Your account may not do this: it lacks the permission {permission}.",
    )


def _refuse_unless(
    is_allowed: Callable[[Actor], bool], refusal: str
) -> Decorator[Parameters, Result]:
    def decorate(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        @functools.wraps(function)
        def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            actor = current_actor()
            if actor.kind == "nobody":
                raise NotAuthenticatedError()
            if not is_allowed(actor):
                raise DeniedError(refusal)
            return function(*args, **kwargs)

        return guarded

    return decorate
