"""How often a lead form was seen and sent, by day: figures that say nothing of anyone.

A busy website counts many at once, so that a day has several rows (shards) which are added up.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared import clock
from ..server_shared.config import read_business
from ..server_shared.transactions import in_transaction

SHARDS = 8
FIGURES = ("views", "submissions", "confirmations", "spam")


@in_transaction
def count(form: Any, figure: str) -> None:
    """Count one more of FIGURES today, where the business is."""
    today = clock.now().astimezone(ZoneInfo(read_business().time_zone)).date()
    place = {"form": form, "day": today.isoformat(), "shard": random.randrange(SHARDS)}
    row = app_tables.lead_counts.get(**place)
    if row is None:
        app_tables.lead_counts.add_row(**place, **{**dict.fromkeys(FIGURES, 0), figure: 1})
    else:
        row[figure] += 1


def totals(forms: list[Any]) -> dict[str, dict[str, Any]]:
    """The figures of forms since they were made, and their ``rate`` of submissions a view (0 to 1,
    None without a view), by ``form_id``."""
    found: dict[str, dict[str, Any]] = {
        form["form_id"]: dict.fromkeys(FIGURES, 0) for form in forms
    }
    if forms:
        columns = q.fetch_only(*FIGURES, form=q.fetch_only("form_id"))
        for row in app_tables.lead_counts.search(columns, form=q.any_of(*forms)):
            _add(found[row["form"]["form_id"]], row)
    for figures in found.values():
        figures["rate"] = rate_of(figures)
    return found


def by_day(form: Any, days: int) -> list[dict[str, Any]]:
    """The figures of the last days, the oldest first, with ``day`` as a date."""
    today = clock.now().astimezone(ZoneInfo(read_business().time_zone)).date()
    wanted = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    made: dict[date, dict[str, Any]] = {
        day: {"day": day, **dict.fromkeys(FIGURES, 0)} for day in wanted
    }
    first = q.greater_than_or_equal_to(wanted[0].isoformat())
    for row in app_tables.lead_counts.search(form=form, day=first):
        day = date.fromisoformat(row["day"])
        if day in made:
            _add(made[day], row)
    return list(made.values())


def rate_of(figures: dict[str, Any]) -> float | None:
    """Submissions a view; more than one where people came by other ways is shown as one."""
    views = figures["views"]
    return min(1.0, figures["submissions"] / views) if views else None


def _add(figures: dict[str, Any], row: Any) -> None:
    for name in FIGURES:
        figures[name] += int(row[name] or 0)
