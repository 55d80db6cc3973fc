"""The plans of the very statements that a server sends: Postgres writes them into its log."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.product.studio import Studio

_SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_format": "text",
}
_LOG = "current_setting('data_directory') || '/../server.log'"
MAX_LOG_BYTES = 10_000_000
_PLAN = re.compile(r"duration: [\d.]+ ms +plan:\n((?:\t.*\n)+)")


def explain_everything(studio: Studio) -> None:
    """Have each statement of this database explained from now on, the server's too."""
    for name, value in _SETTINGS.items():
        studio.query(f"ALTER DATABASE {_name(studio)} SET {name} = '{value}'")
    # Only a new connection reads that; the server takes new ones.
    studio.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def plans_of(studio: Studio, table: str, call: Callable[[], Any]) -> list[str]:
    """The statements that read a table while a call runs, each with its plan."""
    [(begin,)] = studio.query(f"SELECT size FROM pg_stat_file({_LOG})")
    call()
    [(log,)] = studio.query(f"SELECT pg_read_binary_file({_LOG}, %s, %s)", begin, MAX_LOG_BYTES)
    return [
        plan
        for plan in _PLAN.findall(bytes(log).decode(errors="replace"))
        if f'"app"."{table}"' in plan and "FROM" in plan
    ]


def _name(studio: Studio) -> str:
    [(name,)] = studio.query("SELECT quote_ident(current_database())")
    return str(name)
