"""Who gets a broadcast by the filters of the contact list, and in which words that is said."""

from __future__ import annotations

from typing import Any

import pytest

from master_template.server_customers.contact_filter_texts import describe_filters
from master_template.server_shared.config import Business

BUSINESS = Business("Sunrise Yoga", locale="en-ZA", currency="ZAR", time_zone="Africa/Johannesburg")


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({}, ""),
        ({"status": "customer", "deleted": False}, "Status customer"),
        ({"lifecycle_stage": "at_risk", "source": "walk_in"}, "Lifecycle at risk, source walk-in"),
        ({"tags_none": ["staff", "vip"]}, "None of these tags staff/vip"),
        ({"spent_min_cents": 50000}, "Spent at least R500,00"),
        ({"added_from": "2026-03-01"}, "Customer since, from 01 March 2026"),
        ({"opted_in": False}, "Agreed to marketing (not)"),
        ({"opted_in": True, "search": "ana"}, "Search ana, agreed to marketing"),
    ],
)
def test_filters_are_told_in_words(filters: dict[str, Any], words: str) -> None:
    assert describe_filters(filters, BUSINESS) == words
