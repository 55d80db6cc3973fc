"""The sums that the product keeps of marketing mails, and the same counted from every mail."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

from master_template.server_marketing.mail_tallies import MOMENTS, part_of
from tests.product.studio import BUSINESS, Studio

Sums = dict[tuple[Any, ...], Counter[str]]
_ENDED = ("sent", "skipped", "failed", "unknown")
_BOUGHT = ("conversions", "revenue_cents")  # No purchase says which part of a source it is of.


def recount(studio: Studio) -> Sums:
    """All sums by (scope, source, part or day), from the ledger itself."""
    return _recount(studio.query)


def _recount(query: Callable[..., list[tuple[Any, ...]]]) -> Sums:
    sums: Sums = {}

    def add(source: str, part: str, day: Any, figures: Counter[str]) -> None:
        places = [("total", source, None), ("part", source, part), ("day", source, day)]
        for place in places:
            if place[2] or place[0] == "total":
                sums.setdefault(place, Counter()).update(figures)

    columns = ", ".join(MOMENTS.values())
    for source, key, state, day, *moments in query(
        f"SELECT source, key, state, settled_day, {columns} FROM app.mail_sends"
    ):
        add(source, part_of(key), None, Counter(planned=1))
        if state in _ENDED:
            figures = Counter({state: 1})
            if state == "sent":
                happened = zip(MOMENTS, moments, strict=True)
                figures.update(name for name, moment in happened if moment is not None)
            add(source, part_of(key), day, figures)
    for source, day, cents in query(
        "SELECT source, date_trunc('day', converted_at, %s), amount_cents FROM "
        "app.mail_conversions",
        BUSINESS["time_zone"],
    ):
        add(source, "", day, Counter(conversions=1, revenue_cents=int(cents)))
    return _without_zeros(sums)


def tallied(studio: Studio) -> Sums:
    """The same as the product keeps them, folded or not."""
    sums: Sums = {}
    for scope, source, part, day, figures in studio.query(
        "SELECT scope, source, part, day, figures FROM app.mail_tallies"
    ):
        new = scope == "new"
        if new or scope == "total":
            sums.setdefault(("total", source, None), Counter()).update(figures)
        if part and (new or scope == "part"):
            mails = {name: count for name, count in figures.items() if name not in _BOUGHT}
            sums.setdefault(("part", source, part), Counter()).update(mails)
        if day and (new or scope == "day"):
            sums.setdefault(("day", source, day), Counter()).update(figures)
    return _without_zeros(sums)


def _without_zeros(sums: Sums) -> Sums:
    plain = {
        place: Counter({name: count for name, count in figures.items() if count})
        for place, figures in sums.items()
    }
    return {place: figures for place, figures in plain.items() if figures}


def set_right(studio: Studio) -> None:
    """After a test has written into the ledger behind the product's back. Nobody else writes
    meanwhile; where the database chooses us to give way, we try again."""
    while True:
        with (
            suppress(psycopg.errors.DeadlockDetected),
            psycopg.connect(studio.database_url) as connection,
        ):
            _set_right(connection)
            return


def _set_right(connection: psycopg.Connection[Any]) -> None:
    connection.execute("LOCK TABLE app.mail_sends, app.mail_tallies IN EXCLUSIVE MODE")
    connection.execute(
        "UPDATE app.mail_sends SET settled_day = date_trunc('day', settled_at, %s) "
        "WHERE settled_at IS NOT NULL",
        [BUSINESS["time_zone"]],
    )
    sums = _recount(lambda statement, *values: connection.execute(statement, values).fetchall())
    connection.execute("DELETE FROM app.mail_tallies")
    for (scope, source, detail), figures in sums.items():
        part, day = (detail, None) if scope == "part" else ("", detail)
        connection.execute(
            "INSERT INTO app.mail_tallies (scope, source, part, day, figures) "
            "VALUES (%s, %s, %s, %s, %s)",
            [scope, source, part, day, json.dumps(figures)],
        )
