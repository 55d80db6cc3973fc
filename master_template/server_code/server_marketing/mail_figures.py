"""What became of mails, in figures: of one campaign or broadcast, or of a span of time.

Opens and clicks are those of people; what machines opened or followed (mail scanners, pre-loading
by a mail program) is counted beside them. A rate is None where there is nothing to divide by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from . import ledger

# Figure -> the column of the ledger whose being set it counts.
MOMENTS = {
    "delivered": "delivered_at",
    "opens": "opened_at",
    "clicks": "clicked_at",
    "scanner_opens": "scanner_opened_at",
    "scanner_clicks": "scanner_clicked_at",
    "bounces": "bounced_at",
    "complaints": "complained_at",
    "unsubscribes": "unsubscribed_at",
}


def of_source(source: str) -> dict[str, Any]:
    """The figures of a source: ``planned``, ``waiting``, ``sent``, ``skipped``, ``failed`` and
    ``unknown``, those of MOMENTS, ``conversions`` and ``revenue_cents``, and the rates."""
    figures: dict[str, Any] = dict(ledger.counts(source))
    figures |= count_moments(source=source)
    conversions, revenue_cents = revenue(source=source)
    figures |= {"conversions": conversions, "revenue_cents": revenue_cents}
    return with_rates(figures)


def of_span(start: datetime, end: datetime) -> dict[str, Any]:
    """The figures of the mails that were sent from ``start`` until before ``end``, and of what was
    bought after a mail in that time."""
    span = q.between(start, end, max_inclusive=False)
    figures: dict[str, Any] = {"sent": count_sent(settled_at=span)}
    figures |= count_moments(settled_at=span)
    conversions, revenue_cents = revenue(converted_at=span)
    figures |= {"conversions": conversions, "revenue_cents": revenue_cents}
    return with_rates(figures)


def count_moments(names: Iterable[str] = tuple(MOMENTS), **query: Any) -> dict[str, int]:
    """These figures of MOMENTS among the sent mails that match."""
    return {name: count_sent(**query, **{MOMENTS[name]: q.not_(None)}) for name in names}


def count_sent(**query: Any) -> int:
    """How many sent mails match."""
    found = app_tables.mail_sends.search(
        q.fetch_only("state"), q.page_size(1), state=ledger.SENT, **query
    )
    return len(found)


def revenue(**query: Any) -> tuple[int, int]:
    """How many purchases followed the mails that match, and what they came to, in cents."""
    found = app_tables.mail_conversions.search(
        q.fetch_only("amount_cents"), q.page_size(1_000), **query
    )
    amounts = [int(row["amount_cents"]) for row in found]
    return len(amounts), sum(amounts)


def revenue_by_source(start: datetime, end: datetime) -> dict[str, tuple[int, int]]:
    """The same of each source, of what was bought from ``start`` until before ``end``."""
    found = app_tables.mail_conversions.search(
        q.fetch_only("source", "amount_cents"),
        q.page_size(1_000),
        converted_at=q.between(start, end, max_inclusive=False),
    )
    sums: dict[str, tuple[int, int]] = {}
    for row in found:
        count, cents = sums.get(row["source"], (0, 0))
        sums[row["source"]] = count + 1, cents + int(row["amount_cents"])
    return sums


def with_rates(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures with their rates, as shares of one: of the mails that were delivered, or, where the
    provider does not tell, of those that were sent."""
    reached = (figures["sent"] or 0) - (figures["bounces"] or 0)
    return {
        **figures,
        "reached": reached,
        "open_rate": _share(figures["opens"], reached),
        "click_rate": _share(figures["clicks"], reached),
        "bounce_rate": _share(figures["bounces"], figures["sent"]),
        "unsubscribe_rate": _share(figures["unsubscribes"], reached),
        "conversion_rate": _share(figures["conversions"], reached),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None
