"""SQL names: what tables, columns, indexes and rules are called in the database."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container

DATA_SCHEMA = "app"
"""Holds one real table for each data table: what a database administrator looks at."""

META_SCHEMA = "_mybizz"
"""Holds ids, titles and permissions of tables and columns, and the bytes of media."""

ASIDE_PREFIX = "_mybizz_removed"
"""A removed table is kept in a schema of this name and its id."""

ID = '"_id"'
OFFSETS = '"_offsets"'
"""Hidden column: minutes east of UTC of each datetime that did not come in UTC, by column id."""

MAX_IDENTIFIER_BYTES = 63
"""Postgres' NAMEDATALEN - 1."""


def aside_schema(table_id: int) -> str:
    """Where a removed table is kept: a schema of its own, so that names of its indexes are free."""
    return f"{ASIDE_PREFIX}_{table_id}"


def sanitise(name: str) -> str:
    """``First Name`` -> ``first_name``: a name that needs no quotes and is none of ours."""
    plain = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "unnamed"
    return shorten(f"n_{plain}" if plain[0].isdigit() else plain)


def shorten(name: str) -> str:
    if len(name) <= MAX_IDENTIFIER_BYTES:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: MAX_IDENTIFIER_BYTES - 9]}_{digest}"


def choose(name: str, taken: Container[str]) -> str:
    """``sanitise(name)``, with a number where that is taken."""
    base = sanitise(name)
    candidate, number = base, 2
    while candidate in taken:
        suffix = f"_{number}"
        candidate = base[: MAX_IDENTIFIER_BYTES - len(suffix)] + suffix
        number += 1
    return candidate


def quote(name: str) -> str:
    """An SQL identifier. Percent signs never occur in our names, so the result is safe in a
    statement with ``%s`` placeholders."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string literal, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"
