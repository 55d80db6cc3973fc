"""The people who work here: list, change what they may do, suspend, bring back, remove."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import TableError, app_tables
from anvil.tables import query as q

from ..server_emails.mail_service import queue_mail
from ..server_shared import audit
from ..server_shared.callables import server_callable
from ..server_shared.errors import ConflictError, NotFoundError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool, Choice, Int, Record, Rule, Text
from . import authority, login_marks, seats, second_factor
from .rbac import (
    PERMISSIONS,
    ROLE_LIMITS,
    ROLE_PERMISSIONS,
    STAFF_ROLES,
    Actor,
    current_actor,
    display_name,
    permissions_of,
    scope_of,
)

ACTIVE, SUSPENDED = "active", "suspended"
MAX_PAGE = 100
LIST_COLUMNS = (
    "email",
    "first_name",
    "last_name",
    "role",
    "permissions",
    "status",
    "enabled",
    "last_login",
    "signed_up",
    "access_version",
    "scope",
    "second_factor",
)


class UserId(Rule):
    """The id of a user as :func:`list_users` gives it."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"\[\d{1,18},\d{1,18}\]", value):
            raise self.refuse("the id of a user", value)
        return value


class _Switches(Mapping[str, Rule]):
    """A rule for each permission there is; an app that depends on this one adds its own later."""

    def __getitem__(self, name: str) -> Rule:
        if name not in PERMISSIONS:
            raise KeyError(name)
        return Bool(name)

    def __iter__(self) -> Iterator[str]:
        return iter(PERMISSIONS)

    def __len__(self) -> int:
        return len(PERMISSIONS)


USER_ID = UserId("The user", required=True)
ROLE = Choice("Role", authority.GIVEN_ROLES, required=True)
# Those not named are as the role has them.
OWN_PERMISSIONS = Record("Permissions", _Switches(), partial=True, default={})
VERSION = Int("The version", minimum=0, required=True)


def find_colleague(user_id: str) -> Any:
    """The row of someone with a role of the business. Raises :class:`NotFoundError`."""
    row = app_tables.users.get_by_id(user_id)
    if row is None or row["role"] not in STAFF_ROLES:
        raise NotFoundError("This account is not there any more.")
    return row


def own_differences(role: str, wanted: Mapping[str, bool]) -> dict[str, bool]:
    """Of the wanted permissions those that differ from what the role has anyway."""
    usual = ROLE_PERMISSIONS[role]
    return {name: allowed for name, allowed in wanted.items() if allowed != (name in usual)}


def user_item(row: Any, actor: Actor) -> dict[str, Any]:
    """A user as the list shows them: ``user_id``, ``email``, ``name``, ``first_name``,
    ``last_name``, ``role``, ``permissions`` (all that they have, sorted), ``status``,
    ``last_login``, ``version``, ``is_you``, ``may_change``, ``has_second_factor``, and
    ``scope`` (see ``scopes``; None for someone who sees everything)."""
    return {
        "user_id": row.get_id(),
        "email": row["email"],
        "name": display_name(row),
        "first_name": row["first_name"] or "",
        "last_name": row["last_name"] or "",
        "role": row["role"],
        "permissions": sorted(permissions_of(row["role"], row["permissions"])),
        "status": row["status"] or ACTIVE,
        "last_login": row["last_login"],
        "version": int(row["access_version"] or 0),
        "is_you": actor.row is not None and actor.row == row,
        "may_change": authority.may_touch(actor, row),
        "scope": scope_of(row),
        "has_second_factor": second_factor.is_on(row),
    }


@server_callable(
    needs="users.view",
    takes={
        "search": Text("Search", max_chars=100, default=""),
        "role": Choice("Role", STAFF_ROLES),
        "status": Choice("Status", (ACTIVE, SUSPENDED)),
        "offset": Int("Offset", minimum=0, maximum=10_000, default=0),
        "page_size": Int("Page size", minimum=1, maximum=MAX_PAGE, default=25),
    },
)
def list_users(
    search: str = "",
    role: str | None = None,
    status: str | None = None,
    offset: int = 0,
    page_size: int = 25,
) -> dict[str, Any]:
    """One page of the people who work here, by name: ``users`` (see :func:`user_item`), ``total``,
    ``offset``, and ``seats``: for each role ``{"role", "limit", "taken"}``.

    ``is_restricted`` says whether the caller may only switch accounts off and on, and
    ``roles_to_give`` and ``permissions_to_give`` say what the caller may hand out, and
    ``role_permissions`` what each role has to begin with.
    """
    actor = current_actor()
    condition: dict[str, Any] = {"role": role or q.any_of(*STAFF_ROLES)}
    if status:
        condition["status"] = status
    found = app_tables.users.search(
        tables.order_by("first_name"),
        tables.order_by("last_name"),
        tables.order_by("email"),
        q.fetch_only(*LIST_COLUMNS),
        q.page_size(page_size),
        q.all_of(**condition),
        *_search_conditions(search),
    )
    total = len(found)
    rows = list(islice(found, offset, offset + page_size))
    return {
        "users": [user_item(row, actor) for row in rows],
        "total": total,
        "offset": offset,
        "seats": count_seats(),
        "is_restricted": actor.scope is not None,
        "roles_to_give": authority.roles_to_give(actor),
        "permissions_to_give": sorted(actor.permissions),
        "role_permissions": {name: sorted(ROLE_PERMISSIONS[name]) for name in STAFF_ROLES},
    }


def _search_conditions(text: str) -> list[Any]:
    """Each word somewhere in name or address."""
    conditions = []
    for word in text.split()[:8]:
        like = q.ilike("%" + re.sub(r"([\\%_])", r"\\\1", word) + "%")
        conditions.append(
            q.any_of(q.all_of(first_name=like), q.all_of(last_name=like), q.all_of(email=like))
        )
    return conditions


def count_seats() -> list[dict[str, Any]]:
    """For each role of the business how many may have it, and how many active people do."""
    found = app_tables.users.search(
        q.fetch_only("role"), role=q.any_of(*STAFF_ROLES), status=ACTIVE
    )
    taken = dict.fromkeys(STAFF_ROLES, 0)
    for row in found:
        taken[row["role"]] += 1
    return [
        {"role": role, "limit": ROLE_LIMITS[role], "taken": taken[role]} for role in STAFF_ROLES
    ]


@server_callable(
    needs="users.manage",
    takes={
        "user_id": USER_ID,
        "role": ROLE,
        "permissions": OWN_PERMISSIONS,
        "version": VERSION,
    },
    audit="user.change_access",
)
def change_user_access(
    user_id: str, role: str, permissions: dict[str, bool], version: int
) -> dict[str, Any]:
    """Give someone another role, and permissions that differ from what it has; ``{"user": ...}``.

    ``permissions`` maps a permission to yes or no; those not named are as the role has them.
    ``version`` is the one that the caller has read. Raises :class:`ConflictError` (``role_full``,
    ``edited_meanwhile``), :class:`InvalidError` and :class:`DeniedError` as ``authority`` says.
    """
    try:
        return {"user": _change(user_id, role, permissions, version)}
    except TableError as error:
        raise seats.named(error, role) from error


@in_transaction
def _change(user_id: str, role: str, permissions: dict[str, bool], version: int) -> dict[str, Any]:
    actor = authority.fresh_actor()
    row = find_colleague(user_id)
    authority.refuse_unless_above(actor, row)
    authority.refuse_restricted(actor)
    if int(row["access_version"] or 0) != version:
        raise ConflictError(
            "Someone else has just changed what this person may do. Please look at it again.",
            code="edited_meanwhile",
        )
    authority.refuse_role(actor, role)
    own = own_differences(role, permissions)
    authority.refuse_gain(
        actor, permissions_of(row["role"], row["permissions"]), permissions_of(role, own)
    )
    before = {"role": row["role"], "permissions": dict(row["permissions"] or {})}
    after = {"role": role, "permissions": own}
    if before == after:
        audit.unchanged()
        return user_item(row, actor)
    seat = seats.sit_down(row, role) if row["status"] == ACTIVE else {"role": role}
    row.update(**seat, permissions=own, access_version=version + 1)
    changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    audit.record("change_access", "user", row["email"], changes)
    return user_item(row, actor)


@server_callable(
    needs="users.manage", takes={"user_id": USER_ID}, audit="user.suspend", atomic=False
)
def suspend_user(user_id: str) -> dict[str, Any]:
    """Switch an account off: every log-in of it ends now, and its seat is free; ``{"user": ...}``.

    Not one transaction with the guard's: open tabs are told after it.
    """
    item, tabs = _suspend(user_id)
    login_marks.tell_tabs(tabs)
    return {"user": item}


@in_transaction
def _suspend(user_id: str) -> tuple[dict[str, Any], list[str]]:
    actor = authority.fresh_actor()
    row = find_colleague(user_id)
    authority.refuse_unless_above(actor, row)
    if row["status"] == SUSPENDED:
        audit.unchanged()
        return user_item(row, actor), []
    row.update(
        status=SUSPENDED,
        enabled=False,
        role_seat=None,
        access_version=int(row["access_version"] or 0) + 1,
        **login_marks.end_all(row),
    )
    audit.record("suspend", "user", row["email"], {"status": [ACTIVE, SUSPENDED]})
    queue_mail("account_suspended", row["email"], {"person_name": display_name(row)})
    return user_item(row, actor), login_marks.list_tabs(row)


@server_callable(needs="users.manage", takes={"user_id": USER_ID}, audit="user.reactivate")
def reactivate_user(user_id: str) -> dict[str, Any]:
    """Switch a suspended account on again, where its role has a free seat; ``{"user": ...}``."""
    row = find_colleague(user_id)
    try:
        return {"user": _reactivate(user_id)}
    except TableError as error:
        raise seats.named(error, row["role"]) from error


@in_transaction
def _reactivate(user_id: str) -> dict[str, Any]:
    actor = authority.fresh_actor()
    row = find_colleague(user_id)
    authority.refuse_unless_above(actor, row)
    if row["status"] == ACTIVE:
        audit.unchanged()
        return user_item(row, actor)
    before = row["status"]
    row.update(
        status=ACTIVE,
        enabled=True,
        access_version=int(row["access_version"] or 0) + 1,
        role_seat=seats.free_seat(row["role"], field=None),
    )
    audit.record("reactivate", "user", row["email"], {"status": [before, ACTIVE]})
    return user_item(row, actor)


@server_callable(
    needs="users.manage", takes={"user_id": USER_ID}, audit="user.remove", atomic=False
)
def remove_user(user_id: str) -> dict[str, Any]:
    """Delete the account of someone who has left. What they did stays, with their name."""
    login_marks.tell_tabs(_remove(user_id))
    return {}


@in_transaction
def _remove(user_id: str) -> list[str]:
    actor = authority.fresh_actor()
    row = find_colleague(user_id)
    authority.refuse_unless_above(actor, row)
    authority.refuse_restricted(actor)
    tabs = login_marks.list_tabs(row)
    audit.record("remove", "user", row["email"], {"role": [row["role"], None]})
    row.delete()
    return tabs
