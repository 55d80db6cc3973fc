"""Writes what an import has decided, a batch in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from anvil.tables import app_tables

from ..server_privacy import consent_record
from ..server_shared import clock
from ..server_shared.sequences import CONTACTS, take_numbers
from . import contact_changes, timeline_service
from .contact_import_matching import CREATED, KEPT_OUT, UNCHANGED, UPDATED, Decision
from .contact_service import new_columns, remember_tags

_NOT_COLUMNS = {"opt_in"}


def count(decisions: Sequence[Decision]) -> dict[str, int]:
    """How many rows came out how, by the words of ``OUTCOMES`` and KEPT_OUT."""
    counts = Counter(decision.outcome for decision in decisions)
    counts[KEPT_OUT] += sum(decision.is_kept_out for decision in decisions)
    return {name: number for name, number in counts.items() if number}


def write(
    decisions: Sequence[Decision], source: Mapping[str, Any], segment: Any, currency: str
) -> None:
    """Make and change the contacts. ``source`` has ``import_id``, ``file_name`` and ``evidence``
    (of consent); ``segment`` is the row of a hand-picked one, or None. Call it in a transaction."""
    fresh = [each for each in decisions if each.outcome == CREATED]
    changed = [each for each in decisions if each.contact is not None and each.changed]
    rows = _add(fresh, source, currency) if fresh else []
    if changed:
        _change(changed, source)
    if segment is not None:
        meant = [each for each in decisions if each.outcome in (UPDATED, UNCHANGED)]
        contacts = [*rows, *(each.contact for each in meant)]
        contact_changes.change_membership(contacts, add=[segment])
    remember_tags(
        tag
        for each in decisions
        if each.outcome in (CREATED, UPDATED, UNCHANGED)
        for tag in each.values["tags"]
    )


def _add(fresh: Sequence[Decision], source: Mapping[str, Any], currency: str) -> list[Any]:
    numbers = take_numbers(CONTACTS, len(fresh))
    columns = [
        new_columns(
            {name: value for name, value in each.values.items() if name not in _NOT_COLUMNS},
            number,
            currency,
        )
        for each, number in zip(fresh, numbers, strict=True)
    ]
    rows = contact_changes.add_contacts(columns)
    app_tables.contact_events.add_rows(
        timeline_service.event_columns(
            row,
            "imported",
            f"Imported from {source['file_name']}",
            {"source": "import", "import": source["import_id"], "line": each.line},
        )
        for row, each in zip(rows, fresh, strict=True)
    )
    consent_record.record_opt_ins(rows, source["evidence"])
    return rows


def _change(changed: Sequence[Decision], source: Mapping[str, Any]) -> None:
    now = clock.now()
    before = contact_changes.change_contacts(
        [
            (
                each.contact,
                {
                    **each.changed,
                    "updated_at": now,
                    "version": int(each.contact["version"] or 1) + 1,
                },
            )
            for each in changed
        ]
    )
    app_tables.contact_events.add_rows(
        timeline_service.event_columns(
            each.contact,
            "updated",
            f"Brought up to date by {source['file_name']}",
            {"fields": ", ".join(sorted(each.changed)), "import": source["import_id"]},
            user_visible=False,
        )
        for each in changed
    )
    moved = [
        each.contact
        for each, former in zip(changed, before, strict=True)
        if "preferences" in each.changed
        and consent_record.is_opted_in(former["preferences"])
        != consent_record.is_opted_in(each.contact["preferences"])
    ]
    app_tables.consents.add_rows(
        consent_record.consent_columns(
            contact,
            consent_record.MARKETING,
            consent_record.is_opted_in(contact["preferences"]),
            evidence=source["evidence"],
        )
        for contact in moved
    )
