"""The dashboard's figures, kept for an hour in a table (MB 7.1).

A row holds one figure of one scope, and for what it was worked out: the day, the zone and the
currency. When any of these has changed the row is worth nothing, however young it is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import anvil.tables as tables
from anvil.tables import TableError, app_tables
from anvil.tables import query as q

from ..server_shared.transactions import in_transaction

log = logging.getLogger("mybizz.analytics")

KEPT_FOR = timedelta(hours=1)
# Whoever asks for new figures again at once gets those that are there.
REFRESHED_AT_MOST_EVERY = timedelta(seconds=5)


@dataclass(frozen=True)
class CachedFigures:
    """Figures, when they were worked out, and for what (``basis``)."""

    figures: dict[str, Any]
    basis: str
    computed_at: datetime

    def is_fresh(self, now: datetime, *, refresh: bool) -> bool:
        """Whether they may stand as they are; with ``refresh`` only if they are seconds old.

        One from the future was written before a clock was put right.
        """
        limit = REFRESHED_AT_MOST_EVERY if refresh else KEPT_FOR
        return timedelta(0) <= now - self.computed_at < limit


def read_all(scope_key: str, basis: str) -> dict[str, CachedFigures]:
    """What is kept of a scope for this basis, by the name of the figure, in one query."""
    kept = {}
    for row in app_tables.dashboard_cache.search(
        tables.order_by("computed_at"), scope_key=scope_key, basis=basis
    ):
        kept[row["name"]] = CachedFigures(dict(row["figures"]), row["basis"], row["computed_at"])
    return kept


def write_all(scope_key: str, basis: str, figures: Mapping[str, Any], now: datetime) -> None:
    """Keep new figures. Where someone else writes at the same time, theirs may stay: they are as
    new."""
    try:
        _write(scope_key, basis, figures, now)
    except (TableError, tables.TransactionConflict) as error:
        # The unique rule refuses a second row; the figures themselves are in hand.
        log.info("the figures of scope %s were not kept: %s", scope_key, error)


@in_transaction
def _write(scope_key: str, basis: str, figures: Mapping[str, Any], now: datetime) -> None:
    query: dict[str, Any] = {"scope_key": scope_key, "name": q.any_of(*figures)}
    present = {row["name"]: row for row in app_tables.dashboard_cache.search(**query)}
    fresh = []
    with tables.batch_update:
        for name, value in figures.items():
            columns = {"basis": basis, "figures": value, "computed_at": now}
            if name in present:
                present[name].update(**columns)
            else:
                fresh.append({"name": name, "scope_key": scope_key, **columns})
    if fresh:
        app_tables.dashboard_cache.add_rows(fresh)
