"""One page of a table, with how many rows there are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import query as q

from master_template.server_shared.validators import Int, Rule, fold

MAX_PAGE = 100
MAX_WORDS = 8

PAGE_RULES: dict[str, Rule] = {
    "offset": Int("Offset", minimum=0, maximum=100_000, default=0),
    "page_size": Int("Page size", minimum=1, maximum=MAX_PAGE, default=25),
}


def search_words(text: str) -> list[Any]:
    """A condition for each word, which may stand anywhere in a column that ``fold`` has made."""
    words = fold(text).split()[:MAX_WORDS]
    return [q.ilike("%" + re.sub(r"([\\%_])", r"\\\1", word) + "%") for word in words]


def read_page(
    table: Any,
    order: Sequence[tuple[str, bool]],
    condition: Mapping[str, Any],
    *,
    offset: int,
    page_size: int,
) -> tuple[list[Any], int]:
    """The rows of one page, and how many rows match. ``order`` has (column, whether ascending)."""
    found = table.search(
        *(tables.order_by(column, ascending=ascending) for column, ascending in order),
        q.page_size(page_size),
        **condition,
    )
    return list(islice(found, offset, offset + page_size)), len(found)
