"""The marketing page: how mails did lately against the time before, and what runs now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_analytics.periods import day_of, day_start
from ..server_shared import clock
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.validators import Int
from . import ledger, mail_figures, report_service

SHOWN = 5


@server_callable(
    needs="marketing.view", takes={"days": Int("Days", minimum=7, maximum=365, default=30)}
)
def get_marketing_dashboard(days: int = 30) -> dict[str, Any]:
    """The last ``days`` days up to today: ``totals`` as ``mail_figures.of_days`` and ``before``,
    those of as many days before; ``unit`` and ``buckets`` as a report has them; ``campaigns`` that
    run and ``broadcasts`` that went out last; ``waiting``, how many mails wait; ``opted_in``, how
    many contacts may be written to; ``currency``."""
    business = read_business()
    zone = ZoneInfo(business.time_zone)
    today = day_of(clock.now(), zone)
    first = today - timedelta(days=days - 1)
    start, end = day_start(first, zone), day_start(today + timedelta(days=1), zone)
    earlier = day_start(first - timedelta(days=days), zone)
    days_now = mail_figures.read_days(start, end)
    unit, buckets = report_service.buckets_of(first, today, zone, days_now)
    return {
        "totals": mail_figures.of_days(days_now),
        "before": mail_figures.of_days(mail_figures.read_days(earlier, start)),
        "unit": unit,
        "buckets": buckets,
        "campaigns": report_service.running_campaigns(SHOWN),
        "broadcasts": report_service.recent_broadcasts(SHOWN),
        "waiting": len(
            app_tables.mail_sends.search(
                q.fetch_only("state"), q.page_size(1), state=ledger.PLANNED
            )
        ),
        "opted_in": len(
            app_tables.contacts.search(
                q.fetch_only("number"),
                q.page_size(1),
                deleted_at=None,
                email=q.not_(None),
                preferences={"marketing_opt_in": True},
            )
        ),
        "currency": business.currency,
    }
