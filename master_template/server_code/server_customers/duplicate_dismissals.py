"""Pairs of contacts of which somebody has said that they are two people, whatever they share.

A pair is one row, the older contact first. It goes when either of them is erased, and when the two
are merged after all; where one of them becomes part of a third contact, what was said holds for
that one.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.errors import InvalidError
from ..server_shared.validators import Items
from .contact_fields import CONTACT_ID
from .contact_service import find_row

MAX_CONTACTS = 20  # At once: 190 pairs.
_CONTACT_IDS = Items("The contacts", CONTACT_ID, max_items=MAX_CONTACTS, default=[])

Pair = tuple[int, int]


@server_callable(
    needs="customers.manage", takes={"contact_ids": _CONTACT_IDS}, audit="contact.dismiss_duplicate"
)
def dismiss_duplicates(contact_ids: list[str]) -> dict[str, Any]:
    """Remember that these contacts (two to MAX_CONTACTS) are all different people: they are no
    longer taken for duplicates of each other. Gives ``{"dismissed": pairs that are new}``."""
    rows = _find(contact_ids)
    known = dismissed_pairs(rows)
    new = [pair for pair in combinations(sorted(rows), 2) if pair not in known]
    author, now = current_actor().row, clock.now()
    if new:
        app_tables.duplicate_dismissals.add_rows(
            [_columns(rows[first], rows[second], author, now) for first, second in new]
        )
    _record("dismiss_duplicate", new)
    return {"dismissed": len(new)}


@server_callable(
    needs="customers.manage", takes={"contact_ids": _CONTACT_IDS}, audit="contact.restore_duplicate"
)
def restore_duplicates(contact_ids: list[str]) -> dict[str, Any]:
    """Forget what :func:`dismiss_duplicates` was told of these contacts among each other; give
    ``{"restored": pairs}``."""
    rows = _find(contact_ids)
    restored = []
    for row in list(_search(rows)):
        restored.append(_pair(row))
        row.delete()
    _record("restore_duplicate", restored)
    return {"restored": len(restored)}


def dismissed_pairs(numbers: Iterable[int] | None = None) -> set[Pair]:
    """The pairs, each as (smaller number, greater number): all, or those among ``numbers``."""
    return {_pair(row) for row in _search(numbers)}


def hand_over(keep: Any, merge: Any) -> None:
    """What was said of a contact that is merged holds for the one that is kept; what was said of
    the two falls away."""
    known = {_pair(row) for row in _search_of(keep)}
    for row in _search_of(merge):
        others = [each for each in (row["contact"], row["other"]) if each not in (keep, merge)]
        if others:
            first, second = sorted((keep, others[0]), key=_number)
            if (_number(first), _number(second)) not in known:
                columns = _columns(first, second, row["created_by"], row["created_at"])
                app_tables.duplicate_dismissals.add_row(**columns)
        row.delete()


def _find(contact_ids: list[str]) -> dict[int, Any]:
    """The rows by their numbers."""
    found = {_number(row): row for row in (find_row(each) for each in contact_ids)}
    if len(found) < 2:
        text = "Please choose two different contacts."
        raise InvalidError(text, fields={"contact_ids": text})
    return found


def _search(numbers: Iterable[int] | None) -> Any:
    columns = q.fetch_only("contact_number", "other_number")
    if numbers is None:
        return app_tables.duplicate_dismissals.search(columns)
    wanted = q.any_of(*numbers, -1)
    return app_tables.duplicate_dismissals.search(
        columns, contact_number=wanted, other_number=wanted
    )


def _search_of(contact: Any) -> list[Any]:
    either = q.any_of(q.all_of(contact=contact), q.all_of(other=contact))
    return list(app_tables.duplicate_dismissals.search(either))


def _columns(first: Any, second: Any, author: Any, when: Any) -> dict[str, Any]:
    return {
        "contact": first,
        "contact_number": _number(first),
        "other": second,
        "other_number": _number(second),
        "created_by": author,
        "created_at": when,
    }


def _number(contact: Any) -> int:
    return int(contact["number"])


def _pair(row: Any) -> Pair:
    return int(row["contact_number"]), int(row["other_number"])


def _record(action: str, pairs: list[Pair]) -> None:
    if not pairs:
        audit.unchanged()
    for first, second in pairs:
        audit.record(action, "contact", f"C-{first}", details={"other": f"C-{second}"})
