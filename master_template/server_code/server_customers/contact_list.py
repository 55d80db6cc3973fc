"""The list of contacts: searched, filtered, sorted and paged in the database.

Pages are found by key, not by counting rows off: a *cursor* is the sort value and number of a row
at the edge of a page, so page 400 of 10,000 contacts costs what page 1 costs. A request is three
queries whatever its size: the page, how many there are, and how many come before.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared.callables import server_callable
from ..server_shared.errors import InvalidError
from ..server_shared.validators import Bool, Choice, Int, Items, Record, Rule, Text
from .contact_fields import LIST_COLUMNS, TAG, in_main_unit, list_item
from .contact_query import FILTER_RULES, MAX_FILTER_TAGS, count, match

# Name of a sort order -> (column, whether the first page has the smallest). All are never empty.
SORTS = {
    "name": ("sort_name", True),
    "newest": ("date_added", False),
    "last_contact": ("last_contact_date", False),
    "spent": ("total_spent_cents", False),
    "number": ("number", True),
}
MAX_PAGE = 200

# The order of a list.
SORTING: dict[str, Rule] = {
    "sort": Choice("Sort", tuple(SORTS), default="name"),
    "reverse": Bool("Reverse", default=False),
}

CONTACT_QUERY = Record(
    "The query",
    {
        **FILTER_RULES,
        **SORTING,
        "page_size": Int("Page size", minimum=1, maximum=MAX_PAGE, default=25),
        "after": Text("Cursor", max_chars=500),
        "before": Text("Cursor", max_chars=500),
        "last_page": Bool("Last page", default=False),
    },
    default={},
)

MAX_ALL = 1000
ALL_CONTACTS = Record(
    "The filters",
    {
        **FILTER_RULES,
        "tags": Items("Tags", TAG, max_items=MAX_FILTER_TAGS),
        "after": Text("Cursor", max_chars=500),
    },
    default={},
)
_NEWEST_CONTACT_FIRST = {
    "sort": "last_contact",
    "reverse": False,
    "page_size": MAX_ALL,
    "before": None,
    "last_page": False,
}


@server_callable(needs="customers.view", takes={"query": CONTACT_QUERY})
def list_contacts(query: dict[str, Any] | None = None) -> dict[str, Any]:
    """One page of contacts.

    ``query`` has the keys of CONTACT_QUERY, all optional; ``after`` or ``before`` is a cursor of
    an earlier answer, ``last_page`` goes to the end. The answer: ``contacts`` (shape of
    ``contact_fields.list_item``), ``total`` that match, ``offset`` of the first one shown, and
    ``next`` and ``previous``, cursors or None.
    """
    return _read_page(CONTACT_QUERY.check(query or {}))


def _read_page(wanted: dict[str, Any]) -> dict[str, Any]:
    column, ascending = SORTS[wanted["sort"]]
    if wanted["reverse"]:
        ascending = not ascending
    matching = match(wanted)
    size = wanted["page_size"]
    backwards = bool(wanted["before"]) or wanted["last_page"]
    cursor = wanted["before"] or wanted["after"]
    conditions = [matching]
    if cursor:
        conditions.append(_beyond(column, ascending != backwards, _read_cursor(column, cursor)))
    found = app_tables.contacts.search(
        tables.order_by(column, ascending=ascending != backwards),
        tables.order_by("number", ascending=ascending != backwards),
        q.fetch_only(*LIST_COLUMNS),
        q.page_size(size + 1),
        q.all_of(*conditions),
    )
    rows = list(islice(found, size + 1))
    total = count(matching)
    if wanted["last_page"]:
        rows = rows[: (total % size) or size]
        has_beyond = total > len(rows)
    else:
        has_beyond = len(rows) > size
        rows = rows[:size]
    if backwards:
        rows.reverse()
    if not rows:
        offset = 0
    else:
        offset = _count_before(matching, column, ascending, rows[0]) if cursor or backwards else 0
    has_previous = has_beyond if backwards else offset > 0
    has_next = offset + len(rows) < total
    return {
        "contacts": [list_item(row) for row in rows],
        "total": total,
        "offset": offset,
        "next": _cursor(column, rows[-1]) if rows and has_next else None,
        "previous": _cursor(column, rows[0]) if rows and has_previous else None,
    }


@server_callable(needs="customers.view", takes={"filters": ALL_CONTACTS})
def get_all_contacts(filters: dict[str, Any] | None = None) -> dict[str, Any]:
    """The contacts that match filters, newest contact first, MAX_ALL at most: ``contacts``,
    ``total`` that match, and ``next``, which as ``after`` among the filters goes on from there.

    ``filters`` has the keys of FILTER_RULES, and ``tags``: all of which a contact must have. Each
    contact has the keys of ``contact_fields.list_item``, and ``total_spent`` in the currency's main
    unit and ``customer_since``.
    """
    wanted = ALL_CONTACTS.check(filters or {})
    wanted["tags_all"] = [*(wanted["tags_all"] or []), *(wanted.pop("tags") or [])]
    page = _read_page({**wanted, **_NEWEST_CONTACT_FIRST})
    contacts = [
        {**contact, **in_main_unit(contact), "customer_since": contact["date_added"]}
        for contact in page["contacts"]
    ]
    return {"contacts": contacts, "total": page["total"], "next": page["next"]}


def _beyond(column: str, ascending: bool, edge: tuple[Any, int]) -> Any:
    """Rows that come after the edge in this direction."""
    value, number = edge
    further = q.greater_than if ascending else q.less_than
    if column == "number":
        return q.all_of(number=further(number))
    # The first term follows from the others. It is there for the database, which finds the edge in
    # its index by that, and walks up to it by the others alone.
    from_edge = q.greater_than_or_equal_to if ascending else q.less_than_or_equal_to
    return q.all_of(
        q.all_of(**{column: from_edge(value)}),
        q.any_of(
            q.all_of(**{column: further(value)}),
            q.all_of(**{column: value, "number": further(number)}),
        ),
    )


def _count_before(matching: Any, column: str, ascending: bool, row: Any) -> int:
    edge = (row[column], int(row["number"]))
    return count(q.all_of(matching, _beyond(column, not ascending, edge)))


def _cursor(column: str, row: Any) -> str:
    value = row[column]
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat()
    return json.dumps([value, int(row["number"])], ensure_ascii=False)


def _read_cursor(column: str, text: str) -> tuple[Any, int]:
    """The edge that a cursor names. Whatever comes from outside is checked by type."""
    broken = InvalidError("This page's address is damaged. Please start from the first page.")
    try:
        value, number = json.loads(text)
    except (ValueError, TypeError) as error:
        raise broken from error
    if not isinstance(number, int) or isinstance(number, bool):
        raise broken
    if column in ("date_added", "last_contact_date"):
        try:
            value = datetime.fromisoformat(value)
        except (ValueError, TypeError) as error:
            raise broken from error
        if value.tzinfo is None:
            raise broken
    elif column == "sort_name":
        if not isinstance(value, str):
            raise broken
    elif not isinstance(value, int) or isinstance(value, bool):
        raise broken
    return value, number
