"""What earlier pages of a search have given, so that changes between pages do no harm.

A page after another begins behind the last row's values. That alone loses a row whose value moved
before that point meanwhile, and doubles one that moved behind it. So the rows given are remembered
here: the next page is made of those that were not, and may be a late one that moved. A search
without an order needs none of this: row ids do not change.
"""

from __future__ import annotations

import json
import secrets
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

MAX_ROWS = 200_000
"""Row ids remembered for one instance (8 bytes each). Beyond that the oldest pages are forgotten,
and a search that goes on from them relies on the values alone."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins. ``after``: the last row's values as text, and its id; None where
    they are not for everyone, then ``given`` alone tells. ``given``: the token of the pages before.
    ``newest``: the highest row id when the search began; rows added since come only where the order
    puts them behind ``after``."""

    after: list[str | None] | None
    given: str | None = None
    newest: int = 0

    def to_text(self) -> str:
        return json.dumps([self.after, self.given, self.newest])

    @classmethod
    def from_text(cls, text: str) -> Cursor:
        after, given, newest = json.loads(text)
        return cls(after, given, newest)


class GivenPages:
    """The row ids of pages, each with the token of the page before it."""

    def __init__(self) -> None:
        self._pages: OrderedDict[str, tuple[str | None, array[int]]] = OrderedDict()
        self._rows = 0

    def add(self, before: str | None, row_ids: Sequence[int]) -> str:
        """Remember a page; answers the token that stands for it and all before."""
        token = secrets.token_hex(8)
        self._pages[token] = (before, array("q", row_ids))
        self._rows += len(row_ids)
        while self._rows > MAX_ROWS:
            _, (_, forgotten) = self._pages.popitem(last=False)
            self._rows -= len(forgotten)
        return token

    def find(self, token: str | None) -> list[int] | None:
        """The ids of a page and all before; None when one of them is forgotten."""
        row_ids: list[int] = []
        while token is not None:
            page = self._pages.get(token)
            if page is None:
                return None
            self._pages.move_to_end(token)
            token, ids = page
            row_ids.extend(ids)
        return row_ids
