"""Reports on mails: by day, week or month, and by campaign and broadcast, of any span of days.

Days are those of the business. Figures are counted in the database; a source takes a handful of
counts, so a report shows MAX_SOURCES of a kind, the newest.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import anvil
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_analytics.periods import Period, day_of, day_start
from ..server_privacy.export_files import to_csv
from ..server_shared import clock
from ..server_shared.audit import Reads, add_details
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import InvalidError
from ..server_shared.money import to_major
from ..server_shared.validators import Day
from . import broadcast_fields, campaign_fields, ledger, mail_figures

DEFAULT_DAYS = 30
MAX_DAYS = 366
MAX_SOURCES = 20
# The longest span of days that is shown by such a unit, and how many days one of it has.
UNITS = (("day", 31, 1), ("week", 186, 7), ("month", MAX_DAYS, 30))
SHOWN = ("opens", "clicks", "bounces", "unsubscribes")
CSV_COLUMNS = [
    "kind",
    "name",
    "sent",
    "opens",
    "clicks",
    "bounces",
    "unsubscribes",
    "conversions",
    "revenue",
    "currency",
    "open_rate",
    "click_rate",
]

_SPAN = {"since": Day("From"), "until": Day("Until")}


@server_callable(needs="marketing.view", takes=_SPAN)
def get_marketing_report(since: date | None = None, until: date | None = None) -> dict[str, Any]:
    """What became of the mails from one day to another, both included; the last 30 days where none
    are given.

    ``since``, ``until``, ``currency``; ``totals`` as ``mail_figures.of_span``; ``unit`` (day, week,
    month) and ``buckets``, each with ``day``, ``sent``, ``opens`` and ``clicks``; ``sources``, each
    with ``kind``, ``id``, ``name`` and its figures, the most revenue first.
    Raises :class:`InvalidError` where the span is none, or longer than MAX_DAYS.
    """
    first, last, zone = read_span(since, until)
    whole = _period(first, last, zone)
    unit, buckets = buckets_of(first, last, zone)
    return {
        "since": first,
        "until": last,
        "currency": read_business().currency,
        "totals": mail_figures.of_span(whole.start, whole.end),
        "unit": unit,
        "buckets": buckets,
        "sources": sources_of(whole),
    }


@server_callable(
    needs="marketing.view",
    takes=_SPAN,
    audit=Reads("marketing.export", noting=("since", "until")),
)
def export_marketing_report(since: date | None = None, until: date | None = None) -> dict[str, Any]:
    """``{"file": media, "rows": count}``: the report's campaigns and broadcasts as CSV."""
    first, last, zone = read_span(since, until)
    currency = read_business().currency
    rows = [_csv_row(source, currency) for source in sources_of(_period(first, last, zone))]
    add_details(rows=len(rows))
    content = to_csv(CSV_COLUMNS, rows)
    name = f"mail-report-{first.isoformat()}-{last.isoformat()}.csv"
    return {"file": anvil.BlobMedia("text/csv", content, name=name), "rows": len(rows)}


def read_span(since: date | None, until: date | None) -> tuple[date, date, ZoneInfo]:
    """The first and last day that are meant, and the zone in which they are days."""
    zone = ZoneInfo(read_business().time_zone)
    last = until or day_of(clock.now(), zone)
    first = since or last - timedelta(days=DEFAULT_DAYS - 1)
    if first > last:
        raise InvalidError("The first day must not be after the last.", field="since")
    if (last - first).days >= MAX_DAYS:
        raise InvalidError(f"A report may be of at most {MAX_DAYS} days.", field="since")
    return first, last, zone


def _period(first: date, last: date, zone: ZoneInfo) -> Period:
    return Period(day_start(first, zone), day_start(last + timedelta(days=1), zone))


def buckets_of(first: date, last: date, zone: ZoneInfo) -> tuple[str, list[dict[str, Any]]]:
    """The unit that suits a span, and for each of its units how many mails were sent, and opened
    and clicked by now."""
    count = (last - first).days + 1
    unit, _, size = next(each for each in UNITS if count <= each[1])
    begin = _first_sent_at(_period(first, last, zone))
    buckets = []
    for number in range(0, count, size):
        day = first + timedelta(days=number)
        period = _period(day, min(day + timedelta(days=size - 1), last), zone)
        bucket = {"day": day, "sent": 0, "opens": 0, "clicks": 0}
        if begin is not None and period.end > begin:
            bucket |= _count_bucket(period)
        buckets.append(bucket)
    return unit, buckets


def _first_sent_at(period: Period) -> Any:
    """When the first mail of a period was sent; before it there is nothing to count."""
    found = app_tables.mail_sends.search(
        tables.order_by("settled_at"),
        q.fetch_only("settled_at"),
        q.page_size(1),
        state=ledger.SENT,
        settled_at=q.between(period.start, period.end, max_inclusive=False),
    )
    row = next(iter(found), None)
    return None if row is None else row["settled_at"]


def _count_bucket(period: Period) -> dict[str, int]:
    span = q.between(period.start, period.end, max_inclusive=False)
    sent = mail_figures.count_sent(settled_at=span)
    if not sent:
        return {}
    return {"sent": sent, **mail_figures.count_moments(("opens", "clicks"), settled_at=span)}


def sources_of(period: Period) -> list[dict[str, Any]]:
    """The campaigns and broadcasts that sent something in a period, with their figures of it."""
    campaigns = app_tables.email_campaigns.search(
        tables.order_by("updated_at", ascending=False),
        q.page_size(MAX_SOURCES),
        activated_at=q.less_than(period.end),
    )
    broadcasts = app_tables.email_broadcasts.search(
        tables.order_by("started_at", ascending=False),
        q.page_size(MAX_SOURCES),
        started_at=q.less_than(period.end),
    )
    bought = mail_figures.revenue_by_source(period.start, period.end)
    found = [
        _source("campaign", row["campaign_id"], row["campaign_name"], period, bought)
        for row in islice(campaigns, MAX_SOURCES)
    ]
    found += [
        _source("broadcast", row["broadcast_id"], row["broadcast_name"], period, bought)
        for row in islice(broadcasts, MAX_SOURCES)
    ]
    busy = [source for source in found if source["sent"] or source["conversions"]]
    return sorted(busy, key=lambda source: (-source["revenue_cents"], -source["sent"]))


def _source(
    kind: str, identifier: str, name: str, period: Period, bought: dict[str, tuple[int, int]]
) -> dict[str, Any]:
    span = q.between(period.start, period.end, max_inclusive=False)
    source = f"{kind}:{identifier}"
    sent = mail_figures.count_sent(source=source, settled_at=span)
    figures: dict[str, Any] = {"sent": sent, **dict.fromkeys(SHOWN, 0)}
    if sent:
        figures |= mail_figures.count_moments(SHOWN, source=source, settled_at=span)
    conversions, revenue_cents = bought.get(source, (0, 0))
    figures |= {"conversions": conversions, "revenue_cents": revenue_cents}
    rated = mail_figures.with_rates(figures)
    return {"kind": kind, "id": identifier, "name": name, **rated}


def _csv_row(source: dict[str, Any], currency: str) -> dict[str, Any]:
    """Rates as percentages, revenue in whole units of the currency."""
    rates = {
        name: "" if source[name] is None else round(100 * source[name], 1)
        for name in ("open_rate", "click_rate")
    }
    revenue = to_major(source["revenue_cents"], currency)
    return {**source, **rates, "revenue": str(revenue), "currency": currency}


def recent_broadcasts(limit: int) -> list[dict[str, Any]]:
    """The broadcasts that went out last, as a list shows them."""
    found = app_tables.email_broadcasts.search(
        tables.order_by("started_at", ascending=False),
        q.page_size(limit),
        started_at=q.not_(None),
    )
    rows = list(islice(found, limit))
    counts = ledger.counts_by_source([broadcast_fields.source_of(row) for row in rows])
    return [
        broadcast_fields.list_item(row, counts[broadcast_fields.source_of(row)]) for row in rows
    ]


def running_campaigns(limit: int) -> list[dict[str, Any]]:
    """The campaigns that run, the newest first, as a list shows them."""
    found = app_tables.email_campaigns.search(
        tables.order_by("activated_at", ascending=False),
        q.page_size(limit),
        status=campaign_fields.ACTIVE,
    )
    rows = list(islice(found, limit))
    counts = ledger.counts_by_source([campaign_fields.source_of(row) for row in rows])
    return [
        {**campaign_fields.list_item(row), "counts": counts[campaign_fields.source_of(row)]}
        for row in rows
    ]
