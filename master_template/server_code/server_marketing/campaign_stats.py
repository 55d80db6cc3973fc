"""How a campaign does: its people, its mails, and each of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from . import enrolments, mail_figures, mail_tallies, subject_tests
from .broadcast_fields import BROADCAST_ID, find_broadcast, full_broadcast
from .broadcast_fields import source_of as broadcast_source
from .campaign_fields import CAMPAIGN_ID, source_of
from .campaign_running import find_campaign


@server_callable(needs="marketing.view", takes={"campaign_id": CAMPAIGN_ID})
def get_campaign_stats(campaign_id: str) -> dict[str, Any]:
    """``{"stats": {...}}``: ``campaign_name``, ``campaign_type``, ``status``, how many people were
    enrolled (``total_enrolled``) and are ``active``, ``paused``, ``completed``, ``exited``,
    ``unsubscribed`` or ``cancelled``; ``emails_sent`` and the figures of
    ``mail_figures.of_source``; ``revenue_generated`` in cents of ``currency``; ``open_rate`` and
    ``click_rate`` as percentages, 0 where nothing was sent; ``created_date``, ``last_run_date``;
    ``figures``, the same with rates as shares of one; and ``steps``, each with its figures."""
    row = find_campaign(campaign_id)
    source = source_of(row)
    figures = mail_figures.of_source(source)
    by_step = mail_tallies.read_parts(source)
    people = {status: _count(row, status) for status in enrolments.STATUSES}
    currency = read_business().currency
    stats = {
        **figures,
        **people,
        "figures": {**figures, "currency": currency},
        "campaign_name": row["campaign_name"],
        "campaign_type": row["campaign_type"],
        "status": row["status"],
        "total_enrolled": sum(people.values()),
        "emails_sent": figures["sent"],
        "revenue_generated": figures["revenue_cents"],
        "currency": currency,
        "open_rate": as_percentage(figures["open_rate"]),
        "click_rate": as_percentage(figures["click_rate"]),
        "created_date": row["created_at"],
        "last_run_date": _last_run(row),
        "steps": [
            _step_figures(place, step, by_step.get(step["step_id"], {}))
            for place, step in enumerate(row["steps"])
        ],
    }
    return {"stats": stats}


def as_percentage(share: float | None) -> float:
    """A share of one as a percentage with one decimal; 0 where there is none."""
    return 0.0 if share is None else round(share * 100, 1)


def _count(campaign: Any, status: str) -> int:
    return len(
        app_tables.contact_campaigns.search(
            q.fetch_only("status"), q.page_size(1), campaign=campaign, status=status
        )
    )


def _last_run(campaign: Any) -> Any:
    """When the campaign last gave out a mail."""
    found = app_tables.contact_campaigns.search(
        tables.order_by("last_email_sent_at", ascending=False),
        q.fetch_only("last_email_sent_at"),
        q.page_size(1),
        campaign=campaign,
        last_email_sent_at=q.not_(None),
    )
    latest = next(iter(found), None)
    return None if latest is None else latest["last_email_sent_at"]


def _step_figures(place: int, step: Any, tallied: Mapping[str, int]) -> dict[str, Any]:
    """What became of one step's mails. Its keys in the ledger begin with its id."""
    return {
        "step_id": step["step_id"],
        "place": place + 1,
        "subject": step["content"].get("subject", ""),
        **{name: tallied.get(name, 0) for name in ("sent", "opens", "clicks")},
    }


@server_callable(needs="marketing.view", takes={"broadcast_id": BROADCAST_ID})
def get_broadcast_stats(broadcast_id: str) -> dict[str, Any]:
    """``{"broadcast": {...}, "stats": {...}, "subjects": [...]}``: the figures of
    ``mail_figures.of_source``, with rates as shares of one, and ``currency``; and of each of two
    subjects that were tried what ``subject_tests.describe`` says."""
    row = find_broadcast(broadcast_id)
    stats = mail_figures.of_source(broadcast_source(row))
    return {
        "broadcast": full_broadcast(row),
        "stats": {**stats, "currency": read_business().currency},
        "subjects": subject_tests.describe(row, broadcast_source(row)),
    }
