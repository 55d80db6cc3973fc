"""What a segment is used for: campaigns, broadcasts and others say so themselves.

    @segment_uses.finder
    def find_uses(segment): return [{"kind": "campaign", "id": "K-1", "name": "Welcome"}]

A segment that is in use is neither deleted nor switched off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Use = dict[str, str]  # ``kind`` (campaign, broadcast, ...), ``id`` and ``name``
Finder = Callable[[Any], Sequence[Use]]

# Filled while modules are imported, constant afterwards.
_finders: list[Finder] = []


def finder(function: Finder) -> Finder:
    """Register a function that gives what uses a segment's row, the first fifty will do."""
    _finders.append(function)
    return function


def uses_of(segment: Any) -> list[Use]:
    """Everything that uses a segment now."""
    return [use for find in _finders for use in find(segment)]
