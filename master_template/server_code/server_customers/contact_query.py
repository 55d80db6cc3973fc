"""Which contacts are meant: what a list, a selection or a saved view asks for, as one condition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_analytics.periods import day_start
from ..server_auth import scopes
from ..server_shared.config import read_business
from ..server_shared.errors import InvalidError
from ..server_shared.validators import Bool, Choice, Day, Int, Items, Record, Rule, Text, fold
from .contact_fields import CONTACT_ID, LIFECYCLE_STAGES, SOURCES, STATUSES, TAG
from .segment_members import find_segment, members

MAX_WORDS = 8
MAX_SELECTED = 2_000  # Contacts that a selection names one by one.
MAX_FILTER_TAGS = 20
_PHONE_LIKE = re.compile(r"[+\d][\d\s().\-/]{3,}")
_MAX_CENTS = 10**13
# Filter -> (column, whether the day itself is the lower edge).
_DAYS = {
    "added_from": ("date_added", True),
    "added_to": ("date_added", False),
    "contacted_from": ("last_contact_date", True),
    "contacted_to": ("last_contact_date", False),
}

# What narrows the list down. Each is optional, and all that are given have to be true at once.
FILTER_RULES: dict[str, Rule] = {
    "search": Text("Search", max_chars=200, default=""),
    "status": Choice("Status", STATUSES),
    "lifecycle_stage": Choice("Lifecycle", LIFECYCLE_STAGES),
    "source": Choice("Source", SOURCES),
    "tag": TAG,
    "tags_any": Items("Any of these tags", TAG, max_items=MAX_FILTER_TAGS),
    "tags_all": Items("All of these tags", TAG, max_items=MAX_FILTER_TAGS),
    "tags_none": Items("None of these tags", TAG, max_items=MAX_FILTER_TAGS),
    "segment": Text("Segment", max_chars=60),
    "added_from": Day("Customer since, from"),
    "added_to": Day("Customer since, to"),
    "contacted_from": Day("Last contact, from"),
    "contacted_to": Day("Last contact, to"),
    "spent_min_cents": Int("Spent at least", minimum=0, maximum=_MAX_CENTS),
    "spent_max_cents": Int("Spent at most", minimum=0, maximum=_MAX_CENTS),
    "opted_in": Bool("Agreed to marketing"),
    "deleted": Bool("Deleted", default=False),
}
FILTERS = Record("The filters", FILTER_RULES, default={})

# The end of a range -> its beginning, with what a person calls it.
_RANGES = {
    "added_to": ("added_from", "Customer since"),
    "contacted_to": ("contacted_from", "Last contact"),
    "spent_max_cents": ("spent_min_cents", "Spent"),
}


class Selection(Rule):
    """Some contacts by their numbers, ``{"contact_ids": [...]}``, or all that match filters,
    ``{"query": {...}}``, but for those in ``but``."""

    def check(self, value: Any) -> dict[str, Any]:
        kinds = {"contact_ids": {"contact_ids"}, "query": {"query", "but"}}
        kind = next((name for name in kinds if isinstance(value, Mapping) and name in value), "")
        if not kind or set(value) - kinds[kind]:
            raise self.refuse("contacts by number, or the filters that they match", value)
        ids = Items(self.label, CONTACT_ID, max_items=MAX_SELECTED)
        if kind == "query":
            filters = FILTERS.check(value["query"] or {})
            return {
                "query": as_stored(filters, FILTER_RULES),
                "but": ids.check(value.get("but") or []),
            }
        chosen = ids.check(value["contact_ids"])
        if not chosen:
            raise InvalidError("Please choose at least one contact.")
        return {"contact_ids": chosen}


SELECTION = Selection("The contacts", required=True)


def selection_condition(selection: Mapping[str, Any]) -> Any:
    """The condition of a selection, among the contacts that the caller sees."""
    if "contact_ids" in selection:
        numbers = _numbers(selection["contact_ids"])
        return q.all_of(*scopes.contact_terms(), number=q.any_of(*numbers), deleted_at=None)
    matching = match(FILTERS.check(selection["query"]))
    left_out = _numbers(selection["but"])
    if not left_out:
        return matching
    return q.all_of(matching, q.none_of(q.all_of(number=q.any_of(*left_out))))


def match(wanted: Mapping[str, Any]) -> Any:
    """The condition that cleaned filters stand for, among the contacts that the caller sees."""
    _refuse_empty_ranges(wanted)
    columns: dict[str, Any] = {"deleted_at": q.not_(None) if wanted["deleted"] else None}
    if wanted["deleted"]:
        columns["merged_into"] = None  # What is another contact now cannot come back.
    for name in ("status", "lifecycle_stage", "source"):
        if wanted[name]:
            columns[name] = wanted[name]
    words = search_words(wanted["search"])
    if words:
        columns["search_text"] = q.all_of(*(q.ilike(f"%{escape_like(word)}%") for word in words))
    terms = [*scopes.contact_terms(), *_tag_terms(wanted), *_range_terms(wanted)]
    if wanted["segment"]:
        terms.append(members(find_segment(wanted["segment"])))
    if wanted["opted_in"] is not None:
        has_agreed = q.all_of(preferences={"marketing_opt_in": True})
        has_not = _none_of("preferences", [has_agreed])
        terms.append(has_agreed if wanted["opted_in"] else has_not)
    return q.all_of(*terms, **columns)


def count(condition: Any) -> int:
    """How many contacts match."""
    return len(app_tables.contacts.search(q.fetch_only("number"), q.page_size(1), condition))


def search_words(text: str) -> list[str]:
    """What has to occur in a contact's search text, each word anywhere.

    Something that looks like a telephone number is one word, without its punctuation.
    """
    text = text.strip()
    if _PHONE_LIKE.fullmatch(text):
        digits = re.sub(r"\D", "", text)
        return [digits[2:] if text.startswith("00") else digits]
    return fold(text).split()[:MAX_WORDS]


def escape_like(word: str) -> str:
    """The word with what LIKE gives a meaning to taken literally."""
    return re.sub(r"([\\%_])", r"\\\1", word)


def _tag_terms(wanted: Mapping[str, Any]) -> list[Any]:
    has = {name: [_has_tag(tag) for tag in wanted[name] or ()] for name in _TAG_FILTERS}
    terms = [_has_tag(wanted["tag"])] if wanted["tag"] else []
    terms += has["tags_all"]
    if has["tags_any"]:
        terms.append(q.any_of(*has["tags_any"]))
    if has["tags_none"]:
        terms.append(_none_of("tags", has["tags_none"]))
    return terms


_TAG_FILTERS = ("tags_all", "tags_any", "tags_none")


def _has_tag(tag: str) -> Any:
    return q.all_of(tags=[tag])


def _none_of(column: str, terms: list[Any]) -> Any:
    """None of them is true; of an empty column none ever is."""
    return q.any_of(q.all_of(**{column: None}), q.none_of(*terms))


def _range_terms(wanted: Mapping[str, Any]) -> list[Any]:
    terms = []
    if any(wanted[name] for name in _DAYS):
        zone = ZoneInfo(read_business().time_zone)
        for name, (column, is_lower) in _DAYS.items():
            day: date | None = wanted[name]
            if day is not None and is_lower:
                edge = q.greater_than_or_equal_to(day_start(day, zone))
                terms.append(q.all_of(**{column: edge}))
            elif day is not None:
                edge = q.less_than(day_start(day + timedelta(days=1), zone))
                terms.append(q.all_of(**{column: edge}))
    if wanted["spent_min_cents"] is not None:
        edge = q.greater_than_or_equal_to(wanted["spent_min_cents"])
        terms.append(q.all_of(total_spent_cents=edge))
    if wanted["spent_max_cents"] is not None:
        edge = q.less_than_or_equal_to(wanted["spent_max_cents"])
        terms.append(q.all_of(total_spent_cents=edge))
    return terms


def _refuse_empty_ranges(wanted: Mapping[str, Any]) -> None:
    """Raise :class:`InvalidError` at the end of a range that lies before its beginning."""
    for name, (other, label) in _RANGES.items():
        first, last = wanted[other], wanted[name]
        if first is not None and last is not None and last < first:
            text = f"{label}: the end of the range ({last}) lies before its beginning ({first})."
            raise InvalidError(text, fields={name: text})


def as_stored(query: Mapping[str, Any], rules: Mapping[str, Rule]) -> dict[str, Any]:
    """What a cleaned query asks for, as JSON: without what is as always, days as text."""
    return {
        name: _plain(value)
        for name, value in query.items()
        if value != rules[name].default and value != []
    }


def _numbers(contact_ids: list[str]) -> list[int]:
    return [int(contact_id.removeprefix("C-")) for contact_id in contact_ids]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
