"""Putting a part of the business in someone's care."""

from __future__ import annotations

from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared import audit
from ..server_shared.callables import server_callable
from ..server_shared.errors import ConflictError, InvalidError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool, Items, Record, Text
from . import authority
from .rbac import STAFF_ROLES
from .users_service import USER_ID, VERSION, UserId, find_colleague, user_item

MAX_CUSTOMERS = 500  # Named one by one; for more there are tags and towns.
MAX_TAGS = 30
MAX_LOCATIONS = 30

SCOPE = Record(
    "The scope",
    {
        "can_manage_all": Bool("Everything", required=True),
        "locations": Items(
            "Towns", Text("A town", max_chars=100), max_items=MAX_LOCATIONS, default=[]
        ),
        "customer_tags": Items("Tags", Text("A tag", max_chars=60), max_items=MAX_TAGS, default=[]),
        "customers": Items(
            "Customers",
            Text("The id of a contact", max_chars=20),
            max_items=MAX_CUSTOMERS,
            default=[],
        ),
        "staff": Items("Colleagues", UserId("A colleague"), max_items=50, default=[]),
    },
    required=True,
)


@server_callable(
    needs="users.manage",
    takes={"user_id": USER_ID, "scope": SCOPE, "version": VERSION},
    audit="user.change_scope",
)
def change_user_scope(user_id: str, scope: dict[str, Any], version: int) -> dict[str, Any]:
    """Let someone see all of the business, or a part of it; ``{"user": {...}}``.

    ``scope`` has ``can_manage_all``, ``locations`` (towns), ``customer_tags``, ``customers`` (ids
    like C-12) and ``staff`` (ids of users). ``version`` is that of the user the caller has read.
    Raises :class:`ConflictError` (``edited_meanwhile``), :class:`InvalidError` at the field.
    """
    return {"user": _change_scope(user_id, scope, version)}


@in_transaction
def _change_scope(user_id: str, scope: dict[str, Any], version: int) -> dict[str, Any]:
    actor = authority.fresh_actor()
    row = find_colleague(user_id)
    authority.refuse_unless_above(actor, row)
    authority.refuse_restricted(actor)
    if int(row["access_version"] or 0) != version:
        raise ConflictError(
            "Someone else has just changed what this person may do. Please look at it again.",
            code="edited_meanwhile",
        )
    before = row["scope"]
    after = {"can_manage_all": True} if scope["can_manage_all"] else _stored(scope)
    if (before or {"can_manage_all": True}) == after:
        audit.unchanged()
        return user_item(row, actor)
    row.update(scope=after, access_version=version + 1)
    audit.record("change_scope", "user", row["email"], {"scope": [before, after]})
    return user_item(row, actor)


def _stored(scope: dict[str, Any]) -> dict[str, Any]:
    """The scope as it is kept: contacts by number, and colleagues who are there."""
    for user_id in scope["staff"]:
        row = app_tables.users.get_by_id(user_id)
        if row is None or row["role"] not in STAFF_ROLES:
            raise InvalidError("One of these colleagues does not work here.", field="scope.staff")
    return {
        "can_manage_all": False,
        "locations": scope["locations"],
        "customer_tags": scope["customer_tags"],
        "customers": _numbers(scope["customers"]),
        "staff": scope["staff"],
    }


def _numbers(contact_ids: list[str]) -> list[int]:
    if not contact_ids:
        return []
    wanted = [contact_id.upper() for contact_id in contact_ids]
    found = app_tables.contacts.search(
        q.fetch_only("contact_id", "number"), contact_id=q.any_of(*wanted)
    )
    known = {row["contact_id"]: int(row["number"]) for row in found}
    missing = [contact_id for contact_id in wanted if contact_id not in known]
    if missing:
        raise InvalidError(
            f"There is no contact {', '.join(missing[:5])}.", field="scope.customers"
        )
    return sorted(known.values())
