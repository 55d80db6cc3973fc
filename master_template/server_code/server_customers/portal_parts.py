"""Which parts of the customer portal a customer sees: the rules of MB 2.2, in one place.

A part shows if it is built, and if it has no condition, or its feature is switched on, or the
customer was active in it before (someone with bookings keeps seeing them after the business has
stopped taking any).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import CUSTOMER, Actor
from ..server_shared.config import Business
from .account_contact import find_contact


@dataclass(frozen=True)
class PortalPart:
    """``name`` as CustomerLayout has it. ``feature`` switches it on; so does a past with
    ``activity``, a type of event on the customer's timeline."""

    name: str
    feature: str = ""
    activity: str = ""


# In the order of the menu.
PARTS = (
    PortalPart("my_dashboard"),
    PortalPart("my_bookings", feature="bookings", activity="booking"),
    PortalPart("my_orders", feature="ecommerce", activity="order"),
    PortalPart("my_membership", feature="memberships", activity="membership"),
    PortalPart("payment_methods"),
    PortalPart("invoices"),
    PortalPart("my_reviews", feature="reviews"),
    PortalPart("support"),
    PortalPart("account"),
)

# Where activities of a kind have rows of their own; a timeline need not repeat each of them.
_TABLES = {"booking": "bookings"}

# The parts that have pages. Whoever builds one adds it here, and it shows by its rule.
BUILT = frozenset({"my_dashboard", "account"})


def visible_parts(
    features: Mapping[str, bool],
    has_activity: Callable[[str], bool],
    built: frozenset[str] = BUILT,
) -> list[str]:
    """The names of the parts that show, in the order of the menu. ``has_activity`` is asked only
    where the answer counts."""
    return [
        part.name for part in PARTS if part.name in built and _shows(part, features, has_activity)
    ]


def _shows(
    part: PortalPart, features: Mapping[str, bool], has_activity: Callable[[str], bool]
) -> bool:
    if not part.feature or features.get(part.feature, False):
        return True
    return bool(part.activity) and has_activity(part.activity)


def parts_of(actor: Actor, business: Business) -> list[str]:
    """What whoever is calling sees of the portal: nothing, unless they are a customer."""
    if actor.row is None or actor.role != CUSTOMER:
        return []
    own: list[Any] = []  # the contact, once someone has asked for it

    def has_activity(kind: str) -> bool:
        if not own:
            own.append(find_contact(actor.row))
        return own[0] is not None and was_active(own[0], kind)

    return visible_parts(business.features_enabled, has_activity)


def was_active(contact: Any, kind: str) -> bool:
    """Whether a contact did something of this kind: their timeline says so, or a row of its own."""
    found = app_tables.contact_events.search(
        q.fetch_only(), q.page_size(1), contact_number=int(contact["number"]), event_type=kind
    )
    if next(iter(found), None) is not None:
        return True
    table = _TABLES.get(kind)
    if table is None:
        return False
    rows = app_tables[table].search(q.fetch_only(), q.page_size(1), contact=contact)
    return next(iter(rows), None) is not None
