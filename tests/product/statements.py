"""What the server asks its database while a test looks on, by Postgres's own statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.product.studio import Studio

_OID = "SELECT oid FROM pg_database WHERE datname = current_database()"
TRIES = 5


def count_statements(studio: Studio, call: Callable[[], Any]) -> int:
    """How many statements on the app's tables a call takes: the fewest of some tries, as work in
    the background asks something too. A try does not count where another test has set back the
    statistics of the whole server meanwhile: then our own setting back is not in them either."""
    studio.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    counted = []
    for _ in range(TRIES):
        studio.query(f"SELECT pg_stat_statements_reset(0, ({_OID}), 0)")
        call()
        [(calls, was_set_back)] = studio.query(
            "SELECT coalesce(sum(calls) FILTER (WHERE query LIKE '%\"app\".%'), 0), "
            "count(*) FILTER (WHERE query LIKE '%pg_stat_statements_reset%') "
            f"FROM pg_stat_statements WHERE dbid = ({_OID})"
        )
        if was_set_back:
            counted.append(int(calls))
    return min(counted)
