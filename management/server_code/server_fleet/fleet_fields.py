"""What an instance is known by in the console: its columns, and how they go out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from master_template.server_shared.validators import Choice, Int, Moment, Record, Rule, Text, fold

DOWN, ILL, UNKNOWN, STOPPED, WELL = "down", "ill", "unknown", "stopped", "well"
# The worst first.
HEALTH_RANKS = {DOWN: 0, ILL: 1, UNKNOWN: 2, STOPPED: 3, WELL: 4}
_VERSION = re.compile(r"v(\d{1,5})\.(\d{1,5})\.(\d{1,5})")
MAX_COUNT = 2**50

COUNTS = (
    "memory_bytes",
    "database_bytes",
    "storage_bytes",
    "latency_ms",
    "requests",
    "requests_failed",
    "contacts",
    "bookings",
    "emails",
    "users",
)
TIMES = ("created_at", "last_seen_at", "backed_up_at")


class InstanceName(Text):
    """The name of an instance, which is a label of its address too (RFC 1035, 2.3.1)."""

    def check(self, value: Any) -> str:
        text = super().check(value)
        if not re.fullmatch(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", text) or not 2 <= len(text) <= 40:
            raise self.refuse(
                "2 to 40 lower-case letters, digits and single hyphens, starting with a letter, "
                "as in sea-view-inn",
                value,
            )
        return text


class Version(Rule):
    """The version of a release."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not _VERSION.fullmatch(value.strip()):
            raise self.refuse("a version like v1.2.0", value)
        return value.strip()


INSTANCE_NAME = InstanceName("The name", max_chars=100, required=True)

# One instance in a report; what it does not know is None.
REPORTED: dict[str, Rule] = {
    "name": INSTANCE_NAME,
    "title": Text("Title", max_chars=200, default=""),
    "release": Text("Release", max_chars=40, default=""),
    "state": Text("State", max_chars=40, required=True),
    "health": Choice("Health", tuple(HEALTH_RANKS), default=UNKNOWN),
    "problem": Text("Problem", max_chars=1_000, default=""),
    "origin": Text("Address", max_chars=300, default=""),
    **{name: Int(name, minimum=0, maximum=MAX_COUNT) for name in COUNTS},
    **{name: Moment(name) for name in TIMES},
}
INSTANCE = Record("An instance", REPORTED)


def release_order(version: str) -> int:
    """A number by which versions are in their order; -1 for what is none."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return -1
    major, minor, patch = (int(part) for part in match.groups())
    return (major * 100_000 + minor) * 100_000 + patch


def columns_of(reported: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a cleaned report."""
    return {
        **reported,
        "release_order": release_order(reported["release"]),
        "health_rank": HEALTH_RANKS[reported["health"]],
        "search_text": fold(f"{reported['name']} {reported['title']} {reported['origin']}"),
        "removed_at": None,
    }


def instance_item(row: Any, now: datetime) -> dict[str, Any]:
    """An instance as lists and pages show it."""
    names = ("name", "title", "release", "state", "health", "problem", "origin", *COUNTS, *TIMES)
    item = {name: row[name] for name in names}
    backed_up_at = row["backed_up_at"]
    item["backup_age_seconds"] = (
        None if backed_up_at is None else max(0, int((now - backed_up_at).total_seconds()))
    )
    item["removed_at"] = row["removed_at"]
    return item
