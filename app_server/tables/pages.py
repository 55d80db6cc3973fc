"""What searches with an order have given and have still to give, so that changes between their
pages do no harm.

A page after another could begin behind the last row's values. That loses a row whose value moved
before that point meanwhile, and doubles one that moved behind it: a loop that changes what it sorts
by might never end. So when the second page is asked for, the ids of the rows that follow are read
at once, in their order, and each page then reads its rows by their ids. Ids are read in batches of
``BATCH``; across batches a row is not doubled, but one that moves forward may be missed. A search
without an order needs none of this: row ids do not change.
"""

from __future__ import annotations

import json
import secrets
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

BATCH = 20_000
"""Row ids that are read at once."""

MAX_IDS = 500_000
"""Row ids remembered for one instance (8 bytes each). Beyond that the searches that nobody went on
with for longest are forgotten; one that goes on nevertheless relies on the values alone."""

After = list[str | None]
"""A row's values in the columns of an order as text, and its id."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page begins: behind ``after`` (None where the values are not for everyone),
    or at ``offset`` among the ids to come of the search ``token``. ``newest``: the highest row id
    when the search began; rows added since come only where the order puts them behind ``after``."""

    after: After | None
    token: str | None = None
    offset: int = 0
    newest: int = 0

    def to_text(self) -> str:
        return json.dumps([self.after, self.token, self.offset, self.newest])

    @classmethod
    def from_text(cls, text: str) -> Cursor:
        after, token, offset, newest = json.loads(text)
        return cls(after, token, offset, newest)


@dataclass(slots=True)
class OpenSearch:
    """``given``: the ids of all rows given before those in ``rest``, as far as known. ``after``: of
    the last of them. ``is_first``: they are the first page, and nothing else was given. ``rest``:
    ids to come, in order; None until somebody asks. ``is_cut``: others follow them."""

    given: list[array[int]]
    after: After
    is_first: bool = False
    rest: array[int] | None = None
    is_cut: bool = False

    @property
    def size(self) -> int:
        return sum(map(len, self.given)) + len(self.rest or ())

    def were_given(self) -> set[int]:
        return {row_id for ids in self.given for row_id in ids}


@dataclass(slots=True)
class OpenSearches:
    """The searches of one instance that have more pages, by token."""

    _searches: OrderedDict[str, OpenSearch] = field(default_factory=OrderedDict)
    _size: int = 0

    def begin(self, row_ids: Sequence[int], after: After, *, is_first: bool) -> str:
        """Remember a page; answers the token that stands for its search."""
        return self._add(OpenSearch([array("q", row_ids)], after, is_first))

    def go_on(self, before: OpenSearch, after: After) -> str:
        """A new search for what follows the rest of another."""
        return self._add(OpenSearch([*before.given, before.rest or array("q")], after))

    def _add(self, search: OpenSearch) -> str:
        token = secrets.token_hex(8)
        self._searches[token] = search
        self._grow(search.size)
        return token

    def fill(self, search: OpenSearch, rest: Sequence[int], *, is_cut: bool) -> None:
        search.rest, search.is_cut = array("q", rest), is_cut
        self._grow(len(rest))

    def find(self, token: str | None) -> OpenSearch | None:
        """None when it is forgotten."""
        search = self._searches.get(token) if token else None
        if search is not None and token:
            self._searches.move_to_end(token)
        return search

    def _grow(self, size: int) -> None:
        self._size += size
        while self._size > MAX_IDS and self._searches:
            self._size -= self._searches.popitem(last=False)[1].size
