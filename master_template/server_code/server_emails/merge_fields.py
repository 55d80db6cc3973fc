"""What stands for a person's own data in a mail: ``{{ first_name }}``.

A text after a bar, ``{{ first_name | "there" }}``, is the fall-back, for people of whom it is not
known. There is nothing else: no conditions, no calls, so that whatever passes the check can be
filled in for everybody. Values are text wherever they go, never markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared.config import Business
from ..server_shared.errors import InvalidError
from ..server_shared.formatting import format_day
from ..server_shared.validators import shown

# Quotation marks as keyboards and word processors write them; default("x") as other tools have it.
_QUOTED = r"""["“”„']([^"“”„'{}|]{0,100})["“”„']"""
_FIELD = re.compile(
    r"\{\{\s*([^{}|]{0,60}?)\s*(?:\|\s*(?:default\s*[:(]\s*)?" + _QUOTED + r"\s*\)?\s*)?\}\}"
)
_STRAY = re.compile(r"\{\{|\}\}")


@dataclass(frozen=True)
class MergeField:
    """One field: its name in a mail, what a person calls it, a sample, and where it comes from.

    ``column`` is the contact's column that lacks it where it is empty, None for what is always
    there.
    """

    name: str
    label: str
    sample: str
    read: Callable[[Any, Business], Any]
    column: str | None = None


def _of(column: str) -> Callable[[Any, Business], Any]:
    return lambda contact, _business: contact[column]


def _full_name(contact: Any, _business: Business) -> str:
    return " ".join(part for part in (contact["first_name"], contact["last_name"]) if part)


def _city(contact: Any, _business: Business) -> str:
    return str((contact["address"] or {}).get("city") or "")


def _day(column: str) -> Callable[[Any, Business], str]:
    def read(contact: Any, business: Business) -> str:
        return format_day(contact[column], business) if contact[column] else ""

    return read


_ALL = (
    MergeField("first_name", "First name", "Thandi", _of("first_name"), "first_name"),
    MergeField("last_name", "Last name", "Mokoena", _of("last_name"), "last_name"),
    MergeField("full_name", "Full name", "Thandi Mokoena", _full_name, "first_name"),
    MergeField("company", "Company", "Mokoena Interiors", _of("company"), "company"),
    MergeField("city", "City", "Cape Town", _city, "address"),
    MergeField("email", "E-mail address", "thandi@example.com", _of("email"), "email"),
    MergeField("customer_since", "Customer since", "12 March 2025", _day("date_added")),
    MergeField("business_name", "Name of the business", "", lambda _, b: b.business_name),
    MergeField("business_email", "E-mail of the business", "", lambda _, b: b.email),
    MergeField("business_phone", "Telephone of the business", "", lambda _, b: b.phone),
)
FIELDS: dict[str, MergeField] = {each.name: each for each in _ALL}


@dataclass(frozen=True)
class Use:
    """One place of a mail where a field stands."""

    name: str
    fallback: str


def uses_in(text: str) -> Iterator[Use]:
    """The fields of a text that has been checked, in their order."""
    for found in _FIELD.finditer(text):
        yield Use(found[1], found[2] or "")


def check(label: str, text: str) -> None:
    """Raise :class:`InvalidError` where a text has a field that there is not, or one left open."""
    for found in _FIELD.finditer(text):
        if found[1] not in FIELDS:
            raise InvalidError(
                f"{label}: there is no field called {shown(found[1])}. There are: "
                f"{', '.join(FIELDS)}."
            )
    rest = _FIELD.sub("", text)
    stray = _STRAY.search(rest)
    if stray:
        around = rest[max(0, stray.start() - 5) : stray.end() + 20]
        raise InvalidError(
            f"{label}: a field looks like {{{{ first_name }}}} or "
            f'{{{{ first_name | "there" }}}}, not {shown(around)}.'
        )


def replace(text: str, put: Callable[[Use], str]) -> str:
    """The text with something in the place of each field."""
    return _FIELD.sub(lambda found: put(Use(found[1], found[2] or "")), text)


def values_of(contact: Any, business: Business) -> dict[str, str]:
    """What each field stands for, for one contact; samples where that is None."""
    values: dict[str, str] = {}
    for each in _ALL:
        if contact is None and each.sample:
            values[each.name] = each.sample
            continue
        value = each.read(contact, business)
        # A line break in a subject would begin another header (RFC 5322 section 2.2).
        values[each.name] = " ".join(str(value or "").split())
    return values


def value_of(use: Use, values: Mapping[str, str]) -> str:
    """What stands in one place: the value, or the fall-back where there is none."""
    return values.get(use.name) or use.fallback


def count_missing(uses: list[Use], *conditions: Any) -> list[dict[str, Any]]:
    """How many of the contacts that these conditions choose lack each field, one query a field:
    ``[{"name", "label", "missing", "has_fallback"}]``, only those that somebody lacks."""
    found = []
    for name in dict.fromkeys(use.name for use in uses):
        column = FIELDS[name].column
        if column is None or column == "address":
            continue
        lacking = app_tables.contacts.search(
            *conditions, q.any_of(q.all_of(**{column: None}), q.all_of(**{column: ""}))
        )
        count = len(lacking)
        if count:
            has_fallback = all(use.fallback for use in uses if use.name == name)
            label = FIELDS[name].label
            found.append(
                {"name": name, "label": label, "missing": count, "has_fallback": has_fallback}
            )
    return found
