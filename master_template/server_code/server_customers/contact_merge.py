"""Two contacts that are one person become one.

One is kept; the other hands over everything that links to it and stays as an empty *tombstone*,
deleted for good, whose ``merged_into`` says who it is now. Links are found in the schema, not in a
list, so that no table is forgotten. What may never be changed (the record of consent) stays with
the tombstone, and is read along with the contact it leads to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import TableError, app_tables
from anvil.tables import query as q

from ..server_privacy import consent_record
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.errors import AppError, ConflictError, InvalidError
from ..server_shared.happenings import tell
from ..server_shared.table_walk import PAGE_ROWS, Column, Schema, read_schema
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Int, Record
from . import contact_changes, duplicate_dismissals, timeline_service
from .contact_fields import (
    CONTACT_ID,
    EDITABLE,
    MAX_TAGS,
    NOBODY,
    contact_rules,
    display_name,
    full_contact,
)
from .contact_service import EMAIL_CONSTRAINT, EditedMeanwhileError, find_row
from .segment_members import STATIC

KEEP, MERGE, BOTH = "keep", "merge", "both"
# What a person chooses of, field by field; where they say nothing the kept contact's own counts,
# and the other one's where it has none.
CHOSEN = tuple(name for name in EDITABLE if name not in ("tags", "preferences"))
MAX_NOTES_CHARS = 10_000
MAX_MOVED = 20_000  # Rows of one table; a transaction has to hold them.
# Rows that stay with the tombstone, or are handed over by themselves; each table with the reason.
STAYING = {
    "consents": "the record is only added to",
    "duplicate_dismissals": "handed over by duplicate_dismissals.hand_over",
    "referral_rewards": "the ledger is only added to",
    "bulk_change_rows": "what was done was done to that contact, and is undone there",
}
# Where a contact may have only one row of a kind: the columns besides the contact that make it the
# same where all are filled. The kept contact's own row counts, and the other stays with the
# tombstone.
ONE_OF_A_KIND: dict[str, tuple[str, ...]] = {
    "contact_campaigns": ("campaign", "trigger_reference"),
    "mail_sends": ("source", "key"),
    "referral_codes": (),
}
NUMBER_COLUMN = "contact_number"  # Beside a link called ``contact``: the same contact's number.
_SUMS = ("total_spent_cents", "total_transactions", "bookings_count", "orders_count")
_LATEST = ("last_contact_date", "last_booking_at", "last_order_at", "last_transaction_at")
_EARLIEST = ("date_added", "next_booking_at")


@server_callable(needs="customers.manage", takes={"keep_id": CONTACT_ID, "merge_id": CONTACT_ID})
def preview_merge(keep_id: str, merge_id: str) -> dict[str, Any]:
    """What merging would give: ``keep`` and ``merge`` (as ``get_contact``), ``fields`` in which
    they differ (``field``, ``label``, and ``choice``: which one counts if nobody says otherwise),
    ``tags`` of the result, ``is_opted_in``, ``moves``: how many rows of which table change hands,
    and ``is_dismissed``: whether somebody has said that they are two people."""
    keep, merge = _find_two(keep_id, merge_id)
    _refuse_impossible(keep, merge)
    result = _merged_columns(keep, merge, {})
    rules = contact_rules()
    return {
        "keep": full_contact(keep),
        "merge": full_contact(merge),
        "fields": [
            {
                "field": name,
                "label": rules[name].label,
                "choice": _default_choice(name, keep, merge),
            }
            for name in CHOSEN
            if _has(keep[name]) and _has(merge[name]) and keep[name] != merge[name]
        ],
        "tags": result["tags"],
        "is_opted_in": consent_record.is_opted_in(result["preferences"]),
        "moves": _count_links(merge),
        "is_dismissed": bool(
            duplicate_dismissals.dismissed_pairs([int(keep["number"]), int(merge["number"])])
        ),
    }


@server_callable(
    needs="customers.manage",
    takes={
        "keep_id": CONTACT_ID,
        "merge_id": CONTACT_ID,
        "choices": Record(
            "The choices",
            {name: Choice(name, (KEEP, MERGE, BOTH)) for name in CHOSEN},
            default={},
            partial=True,
        ),
        "keep_version": Int("The version", minimum=1),
        "merge_version": Int("The version", minimum=1),
    },
    audit="contact.merge",
)
def merge_contacts(
    keep_id: str,
    merge_id: str,
    choices: dict[str, Any] | None = None,
    keep_version: int | None = None,
    merge_version: int | None = None,
) -> dict[str, Any]:
    """Make one contact of two, which cannot be undone; give ``{"contact": {...}}``, the kept one.

    ``choices`` maps fields of CHOSEN to ``keep`` or ``merge``, the contact whose value counts
    (``both`` puts internal notes one after the other). Versions are those that the caller has seen.
    Raises :class:`EditedMeanwhileError`, and :class:`ConflictError`: ``two_accounts``,
    ``two_currencies``, ``duplicate_email``.
    """
    given = {name: choice for name, choice in (choices or {}).items() if choice}
    wrong = [name for name, choice in given.items() if choice == BOTH and name != "internal_notes"]
    if wrong:
        raise InvalidError("Only notes can be kept of both.", fields=dict.fromkeys(wrong, "One."))
    try:
        return {
            "contact": full_contact(_merge(keep_id, merge_id, given, keep_version, merge_version))
        }
    except TableError as error:
        if EMAIL_CONSTRAINT in str(error):
            raise ConflictError(
                "Another contact has taken the e-mail address.", code="duplicate_email"
            ) from error
        raise


@in_transaction
def _merge(
    keep_id: str,
    merge_id: str,
    choices: Mapping[str, str],
    keep_version: int | None,
    merge_version: int | None,
) -> Any:
    keep, merge = _find_two(keep_id, merge_id)
    for row, version in ((keep, keep_version), (merge, merge_version)):
        if version is not None and int(row["version"]) != version:
            raise EditedMeanwhileError(full_contact(row))
    _refuse_impossible(keep, merge)
    name = display_name(merge)
    was_opted_in = dict(keep["preferences"] or {})
    columns = _merged_columns(keep, merge, choices)
    changed = {key: value for key, value in columns.items() if keep[key] != value}
    lists = _hand_picked(merge)
    tell("contacts_merging", contact=keep, merge=merge)
    duplicate_dismissals.hand_over(keep, merge)
    moved = _move_links(keep, merge)
    # The address first becomes free, then the kept contact may take it.
    contact_changes.change_contact(merge, _tombstone(keep, merge))
    before = contact_changes.change_contact(
        keep, {**changed, "updated_at": clock.now(), "version": int(keep["version"]) + 1}
    )
    if lists:
        contact_changes.change_membership([keep], add=lists)
    evidence = f"Merged with {merge_id}"
    consent_record.record_opt_in(keep, was_opted_in, evidence)
    timeline_service.add_event(
        keep, "updated", f"Merged with {name} ({merge_id})", {"merged": merge_id}
    )
    audit.record(
        "merge",
        "contact",
        keep_id,
        {key: [before[key], value] for key, value in changed.items()},
        details={"merged": merge_id, **moved},
    )
    audit.record("merge", "contact", merge_id, details={"into": keep_id})
    return keep


def _find_two(keep_id: str, merge_id: str) -> tuple[Any, Any]:
    if keep_id == merge_id:
        text = "Please choose two different contacts."
        raise InvalidError(text, fields={"merge_id": text})
    return find_row(keep_id), find_row(merge_id)


def _refuse_impossible(keep: Any, merge: Any) -> None:
    if None not in (keep["account"], merge["account"]) and keep["account"] != merge["account"]:
        raise ConflictError(
            "Both have an account of their own to log in with. Take one away first, or keep both.",
            code="two_accounts",
        )
    if keep["currency"] != merge["currency"] and merge["total_spent_cents"]:
        raise ConflictError(
            f"One has paid in {keep['currency']} and the other in {merge['currency']}; the sums "
            "cannot be added up.",
            code="two_currencies",
        )


def _has(value: Any) -> bool:
    """Whether a field says anything; an address may have only empty lines."""
    return any(value.values()) if isinstance(value, Mapping) else bool(value)


def _default_choice(name: str, keep: Any, merge: Any) -> str:
    if name == "internal_notes":
        return BOTH
    if name == "status":
        order = ("customer", "lead", "inactive")
        return MERGE if order.index(merge[name]) < order.index(keep[name]) else KEEP
    return KEEP


def _merged_columns(keep: Any, merge: Any, choices: Mapping[str, str]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in CHOSEN:
        choice = choices.get(name) or _default_choice(name, keep, merge)
        first, second = (merge, keep) if choice == MERGE else (keep, merge)
        columns[name] = first[name] if _has(first[name]) else second[name]
        if choice == BOTH and _has(keep[name]) and _has(merge[name]) and keep[name] != merge[name]:
            columns[name] = f"{keep[name]}\n\n{merge[name]}"[:MAX_NOTES_CHARS]
    tags = list(keep["tags"] or ())
    columns["tags"] = [*tags, *(tag for tag in merge["tags"] or () if tag not in tags)][:MAX_TAGS]
    columns["preferences"] = _merged_preferences(keep, merge, columns["email"])
    columns["account"] = keep["account"] or merge["account"]
    for name in _SUMS:
        columns[name] = int(keep[name] or 0) + int(merge[name] or 0)
    count = columns["total_transactions"]
    columns["average_order_value_cents"] = columns["total_spent_cents"] // count if count else 0
    for name in _LATEST:
        columns[name] = max(_moments(keep, merge, name), default=None)
    for name in _EARLIEST:
        columns[name] = min(_moments(keep, merge, name), default=None)
    return columns


def _moments(keep: Any, merge: Any, name: str) -> list[datetime]:
    return [row[name] for row in (keep, merge) if row[name] is not None]


def _merged_preferences(keep: Any, merge: Any, email: str | None) -> dict[str, Any]:
    """Marketing is allowed where it was for the address that is kept, and neither has ever taken it
    back for good: what either of them said no to stays a no."""
    given = dict(keep["preferences"] or {})
    source = merge if email and email == merge["email"] else keep
    other = keep if source is merge else merge
    is_allowed = consent_record.is_opted_in(source["preferences"]) and not _has_withdrawn(other)
    return {**dict(merge["preferences"] or {}), **given, "marketing_opt_in": is_allowed}


def _has_withdrawn(contact: Any) -> bool:
    said = consent_record.search_of(contact, None, kinds=(consent_record.MARKETING,))
    newest = next(iter(said), None)
    return newest is not None and not newest["is_given"]


def _hand_picked(contact: Any) -> list[Any]:
    """The rows of the hand-picked segments that a contact is in."""
    held = list(contact["segments"] or ())
    if not held:
        return []
    found = app_tables.segments.search(segment_id=q.any_of(*held), segment_type=STATIC)
    return list(found)


def _tombstone(keep: Any, merge: Any) -> dict[str, Any]:
    now = clock.now()
    return {
        **NOBODY,
        "first_name": "Merged",
        "last_name": "contact",
        **dict.fromkeys(_SUMS, 0),
        "average_order_value_cents": 0,
        "merged_into": keep,
        "deleted_at": now,
        "updated_at": now,
        "version": int(merge["version"]) + 1,
    }


def _links(schema: Schema) -> list[tuple[str, Column]]:
    """Every column that leads to a contact and hands its rows over."""
    return [
        (table, column)
        for table, columns in schema.items()
        if table not in STAYING
        for column in columns
        if column.target == "contacts"
    ]


def _count_links(merge: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for table, column in _links(read_schema()):
        found = app_tables[table].search(q.fetch_only(), **_leads_to(column, merge))
        counts[table] = counts.get(table, 0) + len(found)
    return {table: count for table, count in counts.items() if count}


def _leads_to(column: Column, contact: Any) -> dict[str, Any]:
    return {column.name: [contact] if column.is_multiple else contact}


def _move_links(keep: Any, merge: Any) -> dict[str, int]:
    """Hand everything over; give how many rows of each table."""
    schema = read_schema()
    moved: dict[str, int] = {}
    for table, column in _links(schema):
        found = app_tables[table].search(q.page_size(PAGE_ROWS), **_leads_to(column, merge))
        rows = list(islice(found, MAX_MOVED + 1))
        if len(rows) > MAX_MOVED:
            raise AppError(
                f"There is too much in {table} to be moved at once.", code="too_many_rows"
            )
        if table == "contacts":
            if rows:
                contact_changes.change_contacts([(row, {column.name: keep}) for row in rows])
        else:
            has_number = column.name == "contact" and any(
                other.name == NUMBER_COLUMN for other in schema[table]
            )
            rows = _without_doubles(table, column, rows, keep)
            _write_links(rows, column, keep, merge, has_number)
        if rows:
            moved[table] = moved.get(table, 0) + len(rows)
    return moved


def _without_doubles(table: str, column: Column, rows: list[Any], keep: Any) -> list[Any]:
    """The rows that the kept contact may have besides its own."""
    names = ONE_OF_A_KIND.get(table)
    if names is None or not rows:
        return rows

    def kind(row: Any) -> tuple[Any, ...]:
        return tuple(row[name] for name in names)

    own = [kind(row) for row in app_tables[table].search(**_leads_to(column, keep))]
    return [row for row in rows if None in kind(row) or kind(row) not in own]


def _write_links(rows: list[Any], column: Column, keep: Any, merge: Any, has_number: bool) -> None:
    with tables.batch_update:
        for row in rows:
            if column.is_multiple:
                others = [each for each in row[column.name] if each not in (keep, merge)]
                row.update(**{column.name: [*others, keep]})
            elif has_number:
                row.update(**{column.name: keep, NUMBER_COLUMN: int(keep["number"])})
            else:
                row.update(**{column.name: keep})
