"""Reports on mails: by day, week or month, and by campaign and broadcast, of any span of days.

Days are those of the business. Figures come from ``mail_tallies``: a report takes the same few
queries however many mails, sources and days it tells of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import anvil
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_analytics.periods import day_of, day_start
from ..server_privacy.export_files import to_csv
from ..server_shared import clock
from ..server_shared.audit import Reads, add_details
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import InvalidError
from ..server_shared.money import to_major
from ..server_shared.validators import Day
from . import broadcast_fields, campaign_fields, ledger, mail_figures
from .mail_figures import DayFigures

DEFAULT_DAYS = 30
MAX_DAYS = 366
MAX_SOURCES = 100
# The longest span of days that is shown by such a unit, and how many days one of it has.
UNITS = (("day", 31, 1), ("week", 186, 7), ("month", MAX_DAYS, 30))
SHOWN = ("sent", "opens", "clicks", "bounces", "unsubscribes", "conversions", "revenue_cents")
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

    ``since``, ``until``, ``currency``; ``totals`` as ``mail_figures.of_days``; ``unit`` (day, week,
    month) and ``buckets``, each with ``day``, ``sent``, ``opens`` and ``clicks``; ``sources``, each
    with ``kind``, ``id``, ``name`` and its figures, the most revenue first.
    Raises :class:`InvalidError` where the span is none, or longer than MAX_DAYS.
    """
    first, last, zone = read_span(since, until)
    days = _read(first, last, zone)
    unit, buckets = buckets_of(first, last, zone, days)
    return {
        "since": first,
        "until": last,
        "currency": read_business().currency,
        "totals": mail_figures.of_days(days),
        "unit": unit,
        "buckets": buckets,
        "sources": sources_of(days),
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
    rows = [_csv_row(source, currency) for source in sources_of(_read(first, last, zone))]
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


def _read(first: date, last: date, zone: ZoneInfo) -> list[DayFigures]:
    start, end = day_start(first, zone), day_start(last + timedelta(days=1), zone)
    return mail_figures.read_days(start, end)


def buckets_of(
    first: date, last: date, zone: ZoneInfo, days: Sequence[DayFigures]
) -> tuple[str, list[dict[str, Any]]]:
    """The unit that suits a span, and for each of its units how many mails were sent, and opened
    and clicked by now."""
    count = (last - first).days + 1
    unit, _, size = next(each for each in UNITS if count <= each[1])
    by_bucket: dict[int, list[DayFigures]] = {}
    for each in days:
        # Where the business has moved to another zone since, a day begins beside its midnight.
        number = max(0, (day_of(each.day, zone) - first).days) // size
        by_bucket.setdefault(number, []).append(each)
    buckets = []
    for number in range(0, count, size):
        figures = mail_figures.total(by_bucket.get(number // size, ()))
        shown = {name: figures[name] for name in ("sent", "opens", "clicks")}
        buckets.append({"day": first + timedelta(days=number), **shown})
    return unit, buckets


def sources_of(days: Iterable[DayFigures]) -> list[dict[str, Any]]:
    """The campaigns and broadcasts that sent something on these days, or after which something was
    bought, with their figures; the most revenue first, at most MAX_SOURCES."""
    by_source: dict[str, list[DayFigures]] = {}
    for each in days:
        by_source.setdefault(each.source, []).append(each)
    totals = {source: mail_figures.total(found) for source, found in by_source.items()}
    busy = [source for source, sums in totals.items() if sums["sent"] or sums["conversions"]]
    busy.sort(key=lambda source: (-totals[source]["revenue_cents"], -totals[source]["sent"]))
    names = _names_of(busy[:MAX_SOURCES])
    found = []
    for source in busy[:MAX_SOURCES]:
        kind, _, identifier = source.partition(":")
        if source in names:
            shown = {name: totals[source][name] for name in SHOWN}
            rated = mail_figures.with_rates(shown)
            found.append({"kind": kind, "id": identifier, "name": names[source], **rated})
    return found


def _names_of(sources: Iterable[str]) -> dict[str, str]:
    """What people call these campaigns and broadcasts."""
    ids: dict[str, list[str]] = {"campaign": [], "broadcast": []}
    for source in sources:
        kind, _, identifier = source.partition(":")
        ids.setdefault(kind, []).append(identifier)
    names = {}
    if ids["campaign"]:
        for row in app_tables.email_campaigns.search(
            q.fetch_only("campaign_id", "campaign_name"),
            q.page_size(MAX_SOURCES),
            campaign_id=q.any_of(*ids["campaign"]),
        ):
            names[f"campaign:{row['campaign_id']}"] = row["campaign_name"]
    if ids["broadcast"]:
        for row in app_tables.email_broadcasts.search(
            q.fetch_only("broadcast_id", "broadcast_name"),
            q.page_size(MAX_SOURCES),
            broadcast_id=q.any_of(*ids["broadcast"]),
        ):
            names[f"broadcast:{row['broadcast_id']}"] = row["broadcast_name"]
    return names


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
