"""Who may see to whose account.

Nobody touches their own access, nor an account that is not below their own; nobody gives a role
that is not below their own, nor a permission that they lack. What counts is what the actor may do
when the change is made, so it is read anew inside its transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from anvil.tables import app_tables

from ..server_shared.errors import DeniedError, InvalidError
from .rbac import (
    ADMIN,
    MANAGER,
    OWNER,
    RANKS,
    STAFF,
    Actor,
    current_actor,
    permissions_of_row,
    scope_of,
)
from .scopes import read_scope

# The roles that one may be given by someone else, highest first. An owner is made by transfer.
GIVEN_ROLES = (MANAGER, ADMIN, STAFF)


def fresh_actor() -> Actor:
    """Who is calling, with role and permissions as they are in this transaction.

    Raises :class:`DeniedError` where the account has been switched off, or has lost the
    permission, since the call began.
    """
    actor = current_actor()
    if actor.kind == "system":
        return actor
    row = app_tables.users.get_by_id(actor.row.get_id())
    if row is None or row["enabled"] is False or row["status"] != "active":
        raise DeniedError("Your account may not do this any more.")
    permissions = permissions_of_row(row)
    if "users.manage" not in permissions:
        raise DeniedError("Your account may not do this any more.")
    return replace(actor, role=row["role"], permissions=permissions, row=row, scope=scope_of(row))


def roles_to_give(actor: Actor) -> list[str]:
    """The roles that an actor may give to others, highest first."""
    if actor.kind == "system" or actor.role == OWNER:
        return list(GIVEN_ROLES)
    if not actor.may("users.manage") or actor.scope:
        return []
    return [role for role in GIVEN_ROLES if RANKS[role] < RANKS.get(actor.role, 0)]


def may_touch(actor: Actor, row: Any) -> bool:
    """Whether the actor may change the access of the user in this row."""
    if actor.kind == "system":
        return True
    if not actor.may("users.manage") or actor.row == row:
        return False
    scope = read_scope(actor)
    if scope is not None and not scope.has_colleague(row):
        return False
    return RANKS.get(row["role"], 0) < RANKS.get(actor.role, 0)


def refuse_unless_above(actor: Actor, row: Any) -> None:
    """Raise :class:`DeniedError` unless the actor may change this user's access."""
    if actor.kind != "system" and actor.row == row:
        raise DeniedError(
            "Nobody changes their own access. Someone else has to.", code="own_access"
        )
    if not may_touch(actor, row):
        raise DeniedError(
            "This account is not below yours, so you may not change it.", code="not_below"
        )


def refuse_restricted(actor: Actor) -> None:
    """Raise :class:`DeniedError` for an actor who sees a part of the business only. They may switch
    the accounts in their care off and on, but whatever they gave could reach beyond that part."""
    if actor.scope:
        raise DeniedError(
            "Your account sees a part of the business, so it may not do this.", code="restricted"
        )


def refuse_role(actor: Actor, role: str) -> None:
    """Raise :class:`InvalidError` (field ``role``) unless the actor may give this role."""
    if role not in roles_to_give(actor):
        raise InvalidError(f"Your account may not give the role {role}.", field="role")


def refuse_gain(actor: Actor, before: Iterable[str], after: Iterable[str]) -> None:
    """Raise :class:`InvalidError` (field ``permissions``) where someone would gain a permission
    that the actor lacks."""
    if actor.kind == "system":
        return
    beyond = sorted(set(after) - set(before) - set(actor.permissions))
    if beyond:
        raise InvalidError(
            f"You can only give what you have yourself. You lack {', '.join(beyond)}.",
            field="permissions",
        )
