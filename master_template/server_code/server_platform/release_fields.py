"""Versions, and what a release is said to be."""

from __future__ import annotations

import re
from typing import Any

from ..server_shared.validators import Choice, Items, Moment, Record, Rule, Text

# As `mybizz release publish --kind` has them; the order is how much they matter.
CRITICAL, BREAKING, FEATURE, FIX = "critical", "breaking", "feature", "fix"
KINDS = (CRITICAL, BREAKING, FEATURE, FIX)
MAX_RELEASES = 50
MAX_NOTES_CHARS = 40_000
_VERSION = re.compile(r"v(\d{1,5})\.(\d{1,5})\.(\d{1,5})")


class Version(Rule):
    """A release's name, such as ``v1.2.0``."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not _VERSION.fullmatch(value):
            raise self.refuse("a version such as v1.2.0", value)
        return value


def order_of(version: str) -> int:
    """A number that is larger for a newer version."""
    found = _VERSION.fullmatch(version)
    assert found, version
    major, minor, patch = map(int, found.groups())
    return (major * 100_000 + minor) * 100_000 + patch


def has_guide(row: Any) -> bool:
    return bool(row["guide"])


VERSION = Version("The version", required=True)
RELEASE = Record(
    "A release",
    {
        "version": VERSION,
        "kind": Choice("Kind", KINDS, required=True),
        "notes": Text("Release notes", max_chars=MAX_NOTES_CHARS, multiline=True, default=""),
        "guide": Text("Migration guide", max_chars=MAX_NOTES_CHARS, multiline=True, default=""),
        "changes": Items(
            "Changes of what is kept", Text("A change", max_chars=300), max_items=200, default=[]
        ),
        "published_at": Moment("Published", required=True),
    },
    required=True,
)
RELEASES = Items("The releases", RELEASE, max_items=MAX_RELEASES, default=[])
