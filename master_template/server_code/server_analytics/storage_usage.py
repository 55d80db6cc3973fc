"""How much the instance holds, against what one instance is built for."""

from __future__ import annotations

from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared.table_walk import read_schema

# MB 7.3 promises 10,000 contacts. The others are what the product is measured with: lists and
# figures keep their speed up to there, and nothing is refused beyond.
MAX_CONTACTS = 10_000
MAX_ROWS = 1_000_000
MAX_MEDIA_BYTES = 5_000_000_000

_PAGE_ROWS = 500


def measure_storage() -> dict[str, Any]:
    """``contacts``, ``rows`` and ``media``, each as ``[used, built for]``, media in bytes, and
    ``largest``: ``[table, rows]`` of the three tables with the most rows."""
    schema = read_schema()
    counts = {
        table: len(app_tables[table].search(q.fetch_only(), q.page_size(1))) for table in schema
    }
    media_bytes = 0
    for table, columns in schema.items():
        for column in columns:
            if column.type == "media":
                media_bytes += _size_of_media(table, column.name)
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:3]
    live = len(app_tables.contacts.search(q.fetch_only(), q.page_size(1), deleted_at=None))
    return {
        "contacts": [live, MAX_CONTACTS],
        "rows": [sum(counts.values()), MAX_ROWS],
        "media": [media_bytes, MAX_MEDIA_BYTES],
        "largest": [list(item) for item in largest],
    }


def _size_of_media(table: str, column: str) -> int:
    """The bytes in a column. A media object knows its length without its content."""
    query: dict[str, Any] = {column: q.not_(None)}
    rows = app_tables[table].search(q.fetch_only(column), q.page_size(_PAGE_ROWS), **query)
    return sum(int(row[column].length or 0) for row in rows)
