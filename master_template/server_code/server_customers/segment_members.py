"""Who is in which segment. A contact holds the ids of its segments in ``contacts.segments``.

That list is kept by whatever changes a contact, in the same write (``contact_changes``), and by
``segment_filling`` where a segment itself changes or time goes on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared import clock
from ..server_shared.config import read_business
from ..server_shared.errors import InvalidError, NotFoundError
from ..server_shared.validators import Rule, shown
from . import segment_language

CUSTOM, PREBUILT, STATIC = "custom", "prebuilt", "static"
TYPES = (CUSTOM, PREBUILT, STATIC)
READY, FILLING, DELETING = "ready", "filling", "deleting"


class SegmentId(Rule):
    """The id that people see, ``S-3``."""

    def clean(self, value: Any) -> str:
        text = value.strip().upper() if isinstance(value, str) else ""
        if not re.fullmatch(r"S-[1-9][0-9]{0,14}", text):
            raise InvalidError(f"{self.label} must be like S-3, not {shown(value)}.")
        return text


SEGMENT_ID = SegmentId("The segment's number")


def business_now() -> datetime:
    """This moment in the time zone of the business, whose days count in criteria."""
    return clock.now().astimezone(ZoneInfo(read_business().time_zone))


def find_segment(segment_id: str) -> Any:
    """The row of ``S-3``. Raises :class:`NotFoundError`."""
    row = app_tables.segments.get(segment_id=segment_id)
    if row is None or row["state"] == DELETING:
        raise NotFoundError(f"There is no segment {segment_id}.", code="not_found")
    return row


def is_kept() -> Any:
    """What ``state`` of a segment has to be for it to be seen and to go by."""
    return q.any_of(READY, FILLING)


def nobody() -> Any:
    """A condition on contacts that is true of none."""
    return q.all_of(q.all_of(number=None), q.not_(q.all_of(number=None)))


def members(segment: Any) -> Any:
    """The condition on ``contacts`` that is true of the live contacts in a segment, also while it
    is still being filled. Of one that is switched off nobody is."""
    if not segment["is_active"]:
        return nobody()
    if segment["state"] == FILLING:
        wanted = segment_language.compile(segment["filter_criteria"], business_now())
    else:
        wanted = q.all_of(segments=[segment["segment_id"]])
    return q.all_of(wanted, deleted_at=None)


def contains(segment: Any, contact: Any) -> bool:
    """Whether a contact's row is in a segment."""
    if not segment["is_active"] or contact["deleted_at"] is not None:
        return False
    if segment["state"] == FILLING:
        return segment_language.matches(segment["filter_criteria"], contact, business_now())
    return segment["segment_id"] in (contact["segments"] or ())


@dataclass(frozen=True)
class Moves:
    """Which segments a contact has from now on, and the rows of those it came into and left, as
    far as anybody is to be told."""

    segments: list[str]
    entered: tuple[Any, ...]
    left: tuple[Any, ...]


class Judge:
    """Knows every segment as it is now, and says where a contact belongs. Make one inside the
    transaction of the change: a segment that someone changes meanwhile has one of both repeated."""

    def __init__(self) -> None:
        rows = list(app_tables.segments.search(q.page_size(500), state=is_kept()))
        self._by_id = {row["segment_id"]: row for row in rows}
        self._ruled = [
            (row["segment_id"], row["filter_criteria"])
            for row in rows
            if row["is_active"] and row["segment_type"] != STATIC
        ]
        self._now = business_now() if self._ruled else clock.now()

    def judge(self, values: Mapping[str, Any], held: Sequence[str] | None) -> Moves:
        """Where a contact with these columns belongs that has been in ``held``. What was chosen by
        hand stays; nobody is told of who moves because a segment is being filled."""
        before = list(held or ())
        kept = [name for name in before if self._is_static(name)]
        ruled = [] if values["deleted_at"] is not None else self._ruled
        found = [
            segment_id
            for segment_id, criteria in ruled
            if segment_language.matches(criteria, values, self._now)
        ]
        after = kept + found
        return Moves(
            after,
            self._told(name for name in found if name not in before),
            self._told(name for name in before if name not in after),
        )

    def _is_static(self, segment_id: str) -> bool:
        row = self._by_id.get(segment_id)
        return row is not None and row["segment_type"] == STATIC

    def _told(self, segment_ids: Any) -> tuple[Any, ...]:
        rows = (self._by_id.get(segment_id) for segment_id in segment_ids)
        return tuple(
            row for row in rows if row is not None and row["is_active"] and row["state"] == READY
        )
