"""Whose customers someone sees: all, or those that have been put in their care.

A user's ``scope`` is None, or a dict: ``can_manage_all``; ``locations``, towns whose contacts they
see; ``customer_tags``; ``customers``, numbers of single contacts; ``staff``, ids of the colleagues
whose contacts, bookings and tasks they see and whom they may suspend. What a person has entered
themselves they always see. An owner sees everything.

This module is the one place that turns a scope into conditions. A service that searches contacts
adds :func:`contact_terms`, one that searches what links to a contact :func:`linked_terms`, and one
that has found a contact's row calls :func:`refuse_outside`, which answers as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared.errors import NotFoundError
from .rbac import Actor, current_actor

ALL = "all"
MAX_LINKED = 10_000  # Contacts of one scope; the condition on what links to them names each.
NOBODY = -1  # No contact has this number.


@dataclass(frozen=True)
class Scope:
    """What one restricted person may see. ``row`` is their own, ``staff`` those of colleagues."""

    row: Any
    locations: tuple[str, ...] = ()
    customer_tags: tuple[str, ...] = ()
    customers: tuple[int, ...] = ()
    staff: tuple[Any, ...] = ()

    @property
    def key(self) -> str:
        """The same text for everybody who sees the same."""
        parts = [
            self.row.get_id(),
            sorted(self.locations),
            sorted(self.customer_tags),
            sorted(self.customers),
            sorted(row.get_id() for row in self.staff),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    def contact_condition(self) -> Any:
        """What is true of the contacts in it."""
        return q.any_of(
            q.all_of(number=q.any_of(NOBODY, *self.customers)),
            q.all_of(created_by=q.any_of(self.row, *self.staff)),
            *(q.all_of(tags=[tag]) for tag in self.customer_tags),
            *(q.all_of(address={"city": town}) for town in self.locations),
        )

    def covers(self, contact: Any) -> bool:
        """Whether a contact's row is in it."""
        author = contact["created_by"]
        return (
            int(contact["number"]) in self.customers
            or (author is not None and author in (self.row, *self.staff))
            or bool(set(self.customer_tags) & set(contact["tags"] or ()))
            or (contact["address"] or {}).get("city") in self.locations
        )

    def has_colleague(self, row: Any) -> bool:
        """Whether someone who works here is in it."""
        return row in self.staff


def read_scope(actor: Actor) -> Scope | None:
    """The scope of an actor; None for one who sees everything."""
    if actor.row is None or not actor.scope:
        return None
    given: Mapping[str, Any] = actor.scope
    ids: Sequence[str] = given.get("staff") or ()
    staff = (app_tables.users.get_by_id(user_id) for user_id in ids)
    return Scope(
        actor.row,
        locations=tuple(given.get("locations") or ()),
        customer_tags=tuple(given.get("customer_tags") or ()),
        customers=tuple(int(number) for number in given.get("customers") or ()),
        staff=tuple(row for row in staff if row is not None),
    )


def current_scope() -> Scope | None:
    """The scope of whoever is calling; None where they see everything."""
    return read_scope(current_actor())


def scope_key() -> str:
    """A short text that is the same for everybody who sees the same."""
    scope = current_scope()
    return ALL if scope is None else scope.key


def contact_terms() -> tuple[Any, ...]:
    """What narrows a search in ``contacts``: one condition, or none."""
    scope = current_scope()
    return () if scope is None else (scope.contact_condition(),)


def linked_terms(*, assigned: bool = False) -> tuple[Any, ...]:
    """What narrows a search in a table with a link ``contact``: one condition, or none.

    With ``assigned`` the table has a link ``assigned_to`` too, and what is assigned to the person
    themselves or to a colleague in the scope counts as well.
    """
    scope = current_scope()
    if scope is None:
        return ()
    found = app_tables.contacts.search(
        q.fetch_only("number"), q.page_size(MAX_LINKED), scope.contact_condition()
    )
    rows = list(islice(found, MAX_LINKED))
    conditions = [q.all_of(contact=q.any_of(*rows))] if rows else []
    if assigned:
        conditions.append(q.all_of(assigned_to=q.any_of(scope.row, *scope.staff)))
    if not conditions:
        # Both cannot be: there is nothing for someone who has nobody in their care.
        return (q.all_of(q.all_of(contact=None), q.not_(q.all_of(contact=None))),)
    return (q.any_of(*conditions),)


def refuse_outside(contact: Any) -> None:
    """Raise :class:`NotFoundError` where the caller may not know of this contact, in the words for
    one that is not there."""
    if not is_inside(contact):
        raise NotFoundError(f"There is no contact {contact['contact_id']}.", code="not_found")


def is_inside(contact: Any) -> bool:
    """Whether the caller may know of this contact."""
    scope = current_scope()
    return scope is None or scope.covers(contact)
