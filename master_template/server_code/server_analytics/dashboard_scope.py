"""Which rows count for whoever is looking at the dashboard."""

from __future__ import annotations

import functools
from typing import Any

from ..server_auth import scopes

ALL = scopes.ALL


class DashboardScope:
    """``key`` is the same for everyone who sees the same rows, so that they share the figures."""

    def __init__(self, scope: scopes.Scope | None) -> None:
        self._scope = scope
        self.key = ALL if scope is None else scope.key

    @functools.cached_property
    def conditions(self) -> dict[str, Any]:
        """The condition of a search in each table that is not seen as a whole.

        Found when the first figure is worked out, which costs reading who is in the scope; not for
        figures that are kept.
        """
        if self._scope is None:
            return {}
        (linked,) = scopes.linked_terms()
        (worked_on,) = scopes.linked_terms(assigned=True)
        return {
            "contacts": self._scope.contact_condition(),
            "bookings": worked_on,
            "payments": linked,
            "tasks": worked_on,
        }

    def search_terms(self, table: str) -> tuple[Any, ...]:
        """What narrows a search in a table: one condition or none."""
        condition = self.conditions.get(table)
        return () if condition is None else (condition,)


def current_scope() -> DashboardScope:
    """The scope of whoever is calling."""
    return DashboardScope(scopes.current_scope())
