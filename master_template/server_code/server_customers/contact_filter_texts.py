"""Filters of contacts in words, as under a broadcast: ``Status customer, spent at least R 500``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from ..server_shared.config import Business
from ..server_shared.errors import NotFoundError
from ..server_shared.formatting import format_day
from ..server_shared.money import format_money
from .contact_query import FILTER_RULES
from .segment_members import find_segment

_WORDS = {"at_risk": "at risk", "lead_capture": "lead capture", "walk_in": "walk-in"}


def describe_filters(filters: Mapping[str, Any], business: Business) -> str:
    """Filters that are set, as they are kept, in a line; '' where there are none."""
    told = []
    for name, rule in FILTER_RULES.items():
        value = filters.get(name)
        if value is None or value == [] or value == "" or value is False and name == "deleted":
            continue
        told.append(f"{rule.label.lower()} {_told(name, value, business)}".strip())
    text = ", ".join(told)
    return text[:1].upper() + text[1:]


def _told(name: str, value: Any, business: Business) -> str:
    if name == "segment":
        return _segment_name(value)
    if name.endswith("_cents"):
        return format_money(int(value), business.currency, business.locale)
    if name.endswith(("_from", "_to")):
        return format_day(date.fromisoformat(str(value)), business)
    if isinstance(value, bool):
        return "" if value else "(not)"
    if isinstance(value, list):
        return "/".join(value)
    return _WORDS.get(value, str(value))


def _segment_name(segment_id: str) -> str:
    try:
        return str(find_segment(segment_id)["segment_name"])
    except NotFoundError:
        return f"{segment_id} (deleted)"
