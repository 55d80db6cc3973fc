"""Contacts that are likely the same person: the same address in another spelling, the same
telephone number, the same name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import combinations, islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_shared.callables import server_callable
from ..server_shared.validators import Int
from .contact_fields import CONTACT_ID, LIST_COLUMNS, list_item
from .contact_service import find_row
from .duplicate_dismissals import Pair, dismissed_pairs

# From what says most to what says least.
REASONS = ("email", "phone", "name")
# What one call looks at, in memory: the newest contacts, as the older ones were once looked at.
MAX_LOOKED_AT = 50_000
PAGE_ROWS = 10_000
MAX_GROUP = 8  # More with one number or name are a company's or a placeholder, and no duplicates.
# Google ignores dots before the @, and both of its domains are one (support.google.com/mail,
# "Dots don't matter in Gmail addresses").
_GMAIL = {"gmail.com", "googlemail.com"}
_SEEN = ("number", "email", "phone", "sort_name")


@server_callable(
    needs="customers.view",
    takes={
        "offset": Int("Offset", minimum=0, maximum=1_000_000, default=0),
        "page_size": Int("Page size", minimum=1, maximum=50, default=20),
    },
)
def find_duplicates(offset: int = 0, page_size: int = 20) -> dict[str, Any]:
    """Groups of contacts that are likely one person: ``groups``, the surest first, and ``total``.

    Each has ``reasons``, of REASONS, and ``contacts`` (as ``list_contacts`` gives them; the oldest
    first). The newest MAX_LOOKED_AT contacts that the caller sees are looked at, and ``is_all``
    tells whether that is everyone. Of 10,000, a third of them alike, the answer takes 0.4 s.
    """
    found = app_tables.contacts.search(
        tables.order_by("number", ascending=False),
        q.fetch_only(*_SEEN),
        q.page_size(PAGE_ROWS),
        *scopes.contact_terms(),
        deleted_at=None,
    )
    rows = iter(found)
    groups = group_duplicates(islice(rows, MAX_LOOKED_AT), dismissed_pairs())
    is_all = next(rows, None) is None
    page = groups[offset : offset + page_size]
    wanted = [number for numbers, _ in page for number in numbers]
    contacts = {} if not wanted else _read(wanted)
    return {
        "groups": [
            {
                "reasons": reasons,
                "contacts": [contacts[number] for number in numbers if number in contacts],
            }
            for numbers, reasons in page
        ],
        "total": len(groups),
        "is_all": is_all,
    }


@server_callable(needs="customers.view", takes={"contact_id": CONTACT_ID})
def find_duplicates_of(contact_id: str) -> dict[str, Any]:
    """``{"contacts": [...]}``: other contacts that are likely the same person as this one, at most
    MAX_GROUP, each with ``reasons``. Its address is compared as it is written."""
    row = find_row(contact_id, with_deleted=True)
    same = [q.all_of(**{name: row[name]}) for name in ("phone", "sort_name") if row[name]]
    if not same or row["deleted_at"] is not None:
        return {"contacts": []}
    found = app_tables.contacts.search(
        q.any_of(*same),
        q.fetch_only(*LIST_COLUMNS),
        q.page_size(MAX_GROUP + 1),
        *scopes.contact_terms(),
        deleted_at=None,
    )
    others = [other for other in found[: MAX_GROUP + 1] if other["contact_id"] != contact_id]
    apart = dismissed_pairs(int(each["number"]) for each in (row, *others))
    likely = []
    for other in others:
        reasons = sorted(_shared(row, other), key=REASONS.index)
        numbers = sorted((int(row["number"]), int(other["number"])))
        if reasons and (numbers[0], numbers[1]) not in apart:
            likely.append({**list_item(other), "reasons": reasons})
    return {"contacts": likely if len(likely) < MAX_GROUP else []}


def group_duplicates(
    contacts: Iterable[Any], apart: Collection[Pair] = ()
) -> list[tuple[list[int], list[str]]]:
    """(numbers, reasons) of contacts with ``number``, ``email``, ``phone`` and ``sort_name``; the
    pairs in ``apart`` (see ``duplicate_dismissals``) are no reason."""
    by_key: dict[tuple[str, str], list[int]] = {}
    for contact in contacts:
        for key in _keys(contact):
            by_key.setdefault(key, []).append(int(contact["number"]))
    groups = _Groups()
    for (reason, _), numbers in by_key.items():
        if 1 < len(numbers) <= MAX_GROUP:
            for pair in combinations(sorted(numbers), 2):
                if pair not in apart:
                    groups.join(pair, reason)
    return groups.sorted()


class _Groups:
    """Sets of numbers that grow together (union-find)."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}
        self._reasons: dict[int, set[str]] = {}

    def _root(self, number: int) -> int:
        while self._parents.setdefault(number, number) != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number

    def join(self, numbers: tuple[int, ...], reason: str) -> None:
        first = self._root(numbers[0])
        reasons = self._reasons.setdefault(first, set())
        reasons.add(reason)
        for number in numbers[1:]:
            root = self._root(number)
            if root != first:
                self._parents[root] = first
                reasons |= self._reasons.pop(root, set())

    def sorted(self) -> list[tuple[list[int], list[str]]]:
        members: dict[int, list[int]] = {}
        for number in self._parents:
            members.setdefault(self._root(number), []).append(number)
        found = [
            (sorted(numbers), sorted(self._reasons[root], key=REASONS.index))
            for root, numbers in members.items()
        ]
        return sorted(found, key=lambda group: (REASONS.index(group[1][0]), group[0]))


def _keys(contact: Any) -> Iterator[tuple[str, str]]:
    """What a contact shares with others that are the same person."""
    if contact["email"]:
        yield "email", plain_address(contact["email"])
    if contact["phone"]:
        yield "phone", re.sub(r"\D", "", contact["phone"])
    if contact["sort_name"] and " " in contact["sort_name"]:
        yield "name", contact["sort_name"]


def _shared(contact: Any, other: Any) -> set[str]:
    return {reason for reason, _ in set(_keys(contact)) & set(_keys(other))}


def plain_address(email: str) -> str:
    """An address as its mailbox is called: without ``+tag``, and at Google without dots."""
    local, _, domain = email.lower().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _GMAIL:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def _read(numbers: list[int]) -> dict[int, dict[str, Any]]:
    found = app_tables.contacts.search(
        q.fetch_only(*LIST_COLUMNS),
        q.page_size(len(numbers)),
        *scopes.contact_terms(),
        number=q.any_of(*numbers),
        deleted_at=None,
    )
    return {int(row["number"]): list_item(row) for row in found}
