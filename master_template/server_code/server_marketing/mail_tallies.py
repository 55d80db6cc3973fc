"""How many mails of each source came to what, kept beside the ledger, so that a list or a report
asks once and not once a row.

Whoever changes what a row of the ledger counts for does it by :func:`change`, which writes into
``mail_tallies`` what becomes more and less, in the same transaction: the sums are true whatever is
killed. Such a line (NEW) is only added, so that any number of senders get in nobody's way;
:func:`fold` adds lines up now and then, into one for each source (TOTAL), each part of it (PART: a
step of a campaign) and each day of the business (DAY). A reader adds up what is folded and what is
not yet.

Sums stay when rows of the ledger have become too old to be kept.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import anvil.server
import anvil.tables as tables
from anvil.tables import TransactionConflict, app_tables
from anvil.tables import query as q

from ..server_analytics.periods import day_of, day_start
from ..server_shared import outbox
from ..server_shared.config import read_business
from ..server_shared.happenings import listen
from ..server_shared.transactions import in_transaction, once

NEW, TOTAL, PART, DAY = "new", "total", "part", "day"
SCOPES = (NEW, TOTAL, PART, DAY)
# Figure -> the column of the ledger whose being set it counts, of mails that were sent.
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
# States of the ledger, which imports this module. A mail that waits counts as planned alone.
_WAITING, _SENT = ("planned", "sending"), "sent"
FOLD_ROWS = 500
TASK = "fold_mail_tallies"
PAGE_ROWS = 2_000

log = logging.getLogger("mybizz.sending")

Line = tuple[str, str, datetime | None]  # source, part, day
_gathered: ContextVar[dict[Line, Counter[str]] | None] = ContextVar("mybizz_tallies", default=None)


def part_of(key: str) -> str:
    """Which part of its source a mail belongs to, by its key: ``<part>:<whatever>``."""
    part, colon, _ = key.partition(":")
    return part if colon else ""


def day_at(moment: datetime) -> datetime:
    """The beginning of the business's day that a moment is in."""
    zone = ZoneInfo(once("business", read_business).time_zone)
    return day_start(day_of(moment, zone), zone)


def change(row: Any, **columns: Any) -> None:
    """Write columns of a row of the ledger, and count what it stands for now. Call it inside a
    transaction."""
    count_change(row, columns)
    row.update(**columns)


def count_change(row: Any, columns: Mapping[str, Any]) -> None:
    """Count that a row of the ledger is about to have these columns."""
    day_before, before = _stands_for(row, {})
    day_after, after = _stands_for(row, columns)
    source, part = row["source"], part_of(row["key"])
    if day_before == day_after:
        after.subtract(before)
        add(source, after, part=part, day=day_after)
    else:
        add(source, Counter({name: -count for name, count in before.items()}), part, day_before)
        add(source, after, part, day_after)


def _stands_for(row: Any, columns: Mapping[str, Any]) -> tuple[datetime | None, Counter[str]]:
    """The day under which a row with these columns counts, and for what."""

    def read(name: str) -> Any:
        return columns[name] if name in columns else row[name]

    state = read("state")
    if state in _WAITING:
        return None, Counter()
    figures = Counter({state: 1})
    if state == _SENT:
        figures.update(name for name, column in MOMENTS.items() if read(column) is not None)
    return read("settled_day"), figures


def add(
    source: str, figures: Mapping[str, int], part: str = "", day: datetime | None = None
) -> None:
    """Count so much more of each figure. Call it inside a transaction."""
    changed = {name: count for name, count in figures.items() if count}
    if not changed:
        return
    gathered = _gathered.get()
    if gathered is None:
        app_tables.mail_tallies.add_row(**_columns(NEW, (source, part, day), changed))
    else:
        gathered.setdefault((source, part, day), Counter()).update(changed)


@contextmanager
def gathering() -> Iterator[None]:
    """Write what many rows change in as few lines as there are sources, parts and days."""
    if _gathered.get() is not None:
        yield
        return
    lines: dict[Line, Counter[str]] = {}
    token = _gathered.set(lines)
    try:
        yield
    finally:
        _gathered.reset(token)
    rows = [_columns(NEW, line, _without_zeros(figures)) for line, figures in lines.items()]
    if rows:
        app_tables.mail_tallies.add_rows(rows)


def _columns(scope: str, line: Line, figures: Mapping[str, int]) -> dict[str, Any]:
    source, part, day = line
    return {"scope": scope, "source": source, "part": part, "day": day, "figures": dict(figures)}


def _without_zeros(figures: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in figures.items() if count}


@listen("row_erased")
def _count_erased(table: str, row: Any, columns: Mapping[str, Any]) -> None:
    """Of a person who is erased what waits is skipped."""
    if table == "mail_sends":
        count_change(row, columns)


# -- reading -----------------------------------------------------------------------------------


@in_transaction
def read_totals(sources: Iterable[str]) -> dict[str, Counter[str]]:
    """All figures of each of these sources, in one query."""
    found: dict[str, Counter[str]] = {source: Counter() for source in sources}
    if found:
        for row in _search(scope=q.any_of(NEW, TOTAL), source=q.any_of(*found)):
            found[row["source"]].update(row["figures"])
    return found


@in_transaction
def read_parts(source: str) -> dict[str, Counter[str]]:
    """All figures of each part of a source."""
    found: dict[str, Counter[str]] = {}
    for row in _search(scope=q.any_of(NEW, PART), source=source):
        found.setdefault(row["part"], Counter()).update(row["figures"])
    return found


@in_transaction
def read_days(start: datetime, end: datetime) -> list[tuple[str, datetime, Counter[str]]]:
    """(source, day, figures) of the days that begin from ``start`` until before ``end``. What was
    opened or clicked counts for the day on which the mail was sent, a purchase for its own."""
    span = q.between(start, end, max_inclusive=False)
    return [
        (row["source"], row["day"], Counter(row["figures"]))
        for row in _search(scope=q.any_of(NEW, DAY), day=span)
    ]


def _search(**query: Any) -> list[Any]:
    found = app_tables.mail_tallies.search(
        q.fetch_only("scope", "source", "part", "day", "figures"), q.page_size(PAGE_ROWS), **query
    )
    rows = list(found)
    if sum(row["scope"] == NEW for row in rows) >= FOLD_ROWS:
        # Opens and clicks of a large broadcast come faster than the schedule folds them.
        outbox.follow_up(_launch_folding)
    return rows


# -- folding -----------------------------------------------------------------------------------


@anvil.server.background_task
def fold_mail_tallies() -> int:
    """Fold, beside whoever noticed that there is much to."""
    return fold()


def _launch_folding() -> None:
    try:
        anvil.server.launch_background_task(TASK)
    except Exception:
        # Whoever reads has what they asked for; the schedule comes along.
        log.exception("the folding of tallies could not be started")


def fold() -> int:
    """Add up the lines that came since the last time; give how many. Runs at once or killed in
    between fold nothing twice: a line goes in the transaction in which it is added."""
    folded = 0
    try:
        while True:
            count: int = _fold_batch()
            folded += count
            if count < FOLD_ROWS:
                return folded
    except TransactionConflict:
        log.info("another run is folding the tallies")
        return folded


@in_transaction
def _fold_batch() -> int:
    found = app_tables.mail_tallies.search(q.page_size(FOLD_ROWS), scope=NEW)
    rows = list(islice(found, FOLD_ROWS))
    sums: dict[tuple[str, Line], Counter[str]] = {}
    for row in rows:
        for place in _places(row):
            sums.setdefault(place, Counter()).update(row["figures"])
    kept = _read_kept(sums) if sums else {}
    added = []
    with tables.batch_update:
        for place, figures in sums.items():
            row = kept.get(place)
            if row is None:
                added.append(_columns(*place, _without_zeros(figures)))
            else:
                figures.update(row["figures"])
                row["figures"] = _without_zeros(figures)
    if added:
        app_tables.mail_tallies.add_rows(added)
    with tables.batch_delete:
        for row in rows:
            row.delete()
    return len(rows)


def _places(row: Any) -> Iterator[tuple[str, Line]]:
    """Where a line is added."""
    source, part, day = row["source"], row["part"], row["day"]
    yield TOTAL, (source, "", None)
    if part:
        yield PART, (source, part, None)
    if day is not None:
        yield DAY, (source, "", day)


def _read_kept(places: Iterable[tuple[str, Line]]) -> dict[tuple[str, Line], Any]:
    """The rows that lines are added to, as far as there are any."""
    sources = {source for _, (source, _, _) in places}
    days = {day for _, (_, _, day) in places if day is not None}
    scopes = [q.all_of(scope=q.any_of(TOTAL, PART))]
    if days:
        scopes.append(q.all_of(scope=DAY, day=q.any_of(*days)))
    found = app_tables.mail_tallies.search(
        q.any_of(*scopes), q.page_size(PAGE_ROWS), source=q.any_of(*sources)
    )
    return {(row["scope"], (row["source"], row["part"], row["day"])): row for row in found}
