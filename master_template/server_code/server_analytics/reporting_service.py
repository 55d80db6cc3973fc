"""Figures for the dashboard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_customers.contact_list import count
from ..server_customers.timeline_service import get_recent_activity
from ..server_shared import clock
from ..server_shared.callables import STAFF_ONLY, server_callable

NEW_DAYS = 30


@server_callable(needs=STAFF_ONLY)
def get_dashboard() -> dict[str, Any]:
    """What the dashboard shows to this user.

    ``contacts``: counts ``total``, ``leads``, ``customers``, ``new`` (added in the last 30 days)
    and ``at_risk``; ``activity``: as ``get_recent_activity``. Both None without
    ``customers.view``.
    """
    if not current_actor().may("customers.view"):
        return {"contacts": None, "activity": None}
    since = clock.now() - timedelta(days=NEW_DAYS)
    live: dict[str, Any] = {"deleted_at": None}
    counts = {
        "total": count(q.all_of(**live)),
        "leads": count(q.all_of(**live, status="lead")),
        "customers": count(q.all_of(**live, status="customer")),
        "new": count(q.all_of(**live, date_added=q.greater_than(since))),
        "at_risk": count(q.all_of(**live, lifecycle_stage="at_risk")),
    }
    activity = get_recent_activity(days=NEW_DAYS, limit=12)["activity"]
    return {"contacts": counts, "activity": activity, "new_days": NEW_DAYS}
