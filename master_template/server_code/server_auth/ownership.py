"""Handing the business over: one owner before, one owner after, and no moment in between."""

from __future__ import annotations

from typing import Any

from anvil.tables import TableError, app_tables

from ..server_shared import audit
from ..server_shared.callables import server_callable
from ..server_shared.errors import ConflictError, DeniedError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice
from . import passwords, seats
from .rbac import ADMIN, CUSTOMER, MANAGER, OWNER, current_actor, display_name, require_role
from .users_service import USER_ID, find_colleague, user_item


@server_callable(
    needs="users.manage",
    takes={
        "user_id": USER_ID,
        "password": passwords.GivenPassword("Your password"),
        "new_role": Choice("Your new role", (MANAGER, ADMIN), default=MANAGER),
    },
    audit="user.transfer_ownership",
    atomic=False,
)
@require_role(OWNER)
def transfer_ownership(user_id: str, password: str, new_role: str = MANAGER) -> dict[str, Any]:
    """Make someone else the owner; the caller becomes ``new_role``. ``{"owner": {...}}``.

    Raises :class:`InvalidError` (field ``password``), :class:`DeniedError` and
    :class:`ConflictError` (``role_full`` at ``new_role``, ``not_active``). Not one transaction with
    the guard's: a wrong password is counted, whatever becomes of the rest.
    """
    actor = current_actor()
    if actor.row is None:
        raise DeniedError("Only the owner hands the business over.")
    passwords.confirm(actor.row, password)
    try:
        return {"owner": _transfer(actor.row.get_id(), user_id, new_role)}
    except TableError as error:
        raise seats.named(error, new_role) from error


@in_transaction
def _transfer(owner_id: str, user_id: str, new_role: str) -> dict[str, Any]:
    old = app_tables.users.get_by_id(owner_id)
    if old is None or old["role"] != OWNER or old["status"] != seats.ACTIVE:
        raise DeniedError("You do not own this business any more.")
    new = find_colleague(user_id)
    if new == old:
        raise ConflictError("You own this business already.", code="own_access")
    if new["status"] != seats.ACTIVE or new["confirmed_email"] is not True:
        raise ConflictError(
            f"{display_name(new)} cannot log in at present, so cannot own the business.",
            code="not_active",
        )
    before = new["role"]
    # Out of both roles first: the database knows one owner at a time, and the old one may need
    # the very seat that the new one leaves.
    new.update(role=CUSTOMER, role_seat=None)
    old.update(
        role=new_role,
        role_seat=seats.free_seat(new_role, field="new_role"),
        permissions={},
        access_version=int(old["access_version"] or 0) + 1,
    )
    new.update(
        role=OWNER,
        role_seat=1,
        permissions={},
        scope=None,
        access_version=int(new["access_version"] or 0) + 1,
    )
    audit.record("transfer_ownership", "user", new["email"], {"role": [before, OWNER]})
    audit.record("change_access", "user", old["email"], {"role": [OWNER, new_role]})
    return user_item(new, current_actor())
