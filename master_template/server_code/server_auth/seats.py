"""The seats of the roles: how many people a role may have, held by the database.

An active user with a role of the business sits on a numbered seat (``role_seat``, from 1 to the
limit of the role), and no two sit on the same one. So however many invitations are accepted at
once, the last seat is given once (constraints.yaml). Whoever is suspended gives the seat up.
"""

from __future__ import annotations

from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared.errors import ConflictError
from .rbac import ROLE_LIMITS

ACTIVE = "active"
SEAT_CONSTRAINT = "users_role_seat_unique"


def taken_seats(role: str) -> set[int]:
    """The seats of a role on which someone sits."""
    found = app_tables.users.search(
        q.fetch_only("role_seat"), role=role, status=ACTIVE, role_seat=q.not_(None)
    )
    return {int(row["role_seat"]) for row in found}


def free_seat(role: str, *, field: str | None = "role") -> int | None:
    """The lowest free seat of a role; None where the role has no limit. Call it inside the
    transaction that takes it. Raises :class:`ConflictError` (``role_full``)."""
    limit = ROLE_LIMITS.get(role)
    if limit is None:
        return None
    taken = taken_seats(role)
    for seat in range(1, limit + 1):
        if seat not in taken:
            return seat
    raise role_full(role, field=field)


def role_full(role: str, *, field: str | None = "role") -> ConflictError:
    """The refusal of one more person with this role."""
    limit = ROLE_LIMITS[role]
    people = "1 person" if limit == 1 else f"{limit} people"
    return ConflictError(
        f"A business has at most {people} with the role {role}, and all places are taken.",
        code="role_full",
        field=field,
    )


def named(error: Exception, role: str) -> Exception:
    """What a broken constraint of the seats stands for, or the error itself."""
    return role_full(role) if SEAT_CONSTRAINT in str(error) else error


def sit_down(row: Any, role: str) -> dict[str, Any]:
    """The columns of an active user who takes this role."""
    keeps = row is not None and row["role"] == role and row["role_seat"] is not None
    seat = int(row["role_seat"]) if keeps else free_seat(role)
    return {"role": role, "role_seat": seat}
