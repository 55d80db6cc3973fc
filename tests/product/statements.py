"""What the server asks its database while a test looks on, by Postgres's own statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.product.studio import Studio

_OID = "SELECT oid FROM pg_database WHERE datname = current_database()"
TRIES = 2


def count_statements(studio: Studio, call: Callable[[], Any]) -> int:
    """How many statements on the app's tables a call takes: the most of some tries, as another test
    may set back the statistics of the whole server meanwhile."""
    studio.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    counted = []
    for _ in range(TRIES):
        studio.query(f"SELECT pg_stat_statements_reset(0, ({_OID}), 0)")
        call()
        [(calls,)] = studio.query(
            f"SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE dbid = ({_OID}) "
            "AND query LIKE '%\"app\".%'"
        )
        counted.append(int(calls))
    return max(counted)
