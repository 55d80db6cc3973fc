"""Which rows count for whoever is looking at the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..server_auth import scopes

ALL = "all"


@dataclass(frozen=True)
class DashboardScope:
    """``key`` is the same for everyone who sees the same rows, so that they share the figures.

    ``conditions`` maps a table to the condition of a search in it; a table that is not in it is
    seen as a whole.
    """

    key: str
    conditions: dict[str, Any]

    def search_terms(self, table: str) -> tuple[Any, ...]:
        """What narrows a search in a table: one condition or none."""
        condition = self.conditions.get(table)
        return () if condition is None else (condition,)


def current_scope() -> DashboardScope:
    """The scope of whoever is calling."""
    scope = scopes.current_scope()
    if scope is None:
        return DashboardScope(ALL, {})
    (linked,) = scopes.linked_terms()
    (worked_on,) = scopes.linked_terms(assigned=True)
    conditions = {
        "contacts": scope.contact_condition(),
        "bookings": worked_on,
        "contact_events": linked,
        "payments": linked,
        "tasks": worked_on,
    }
    return DashboardScope(scope.key, conditions)
