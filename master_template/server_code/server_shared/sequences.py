"""Numbers that people see: ``C-453``, ``B-12``, one after the other, without gaps."""

from __future__ import annotations

from anvil.tables import app_tables

CONTACTS = "contacts"
BOOKINGS = "bookings"
PAYMENTS = "payments"
SEGMENTS = "segments"

NAMES = (CONTACTS, BOOKINGS, PAYMENTS, SEGMENTS)


def take_numbers(name: str, count: int = 1) -> range:
    """Take the next ``count`` numbers of a sequence.

    Call it inside the transaction that uses them: the counter's row makes concurrent takers
    conflict and try again, and a transaction that fails gives its numbers back.
    """
    row = app_tables.sequences.get(name=name)
    if row is None:
        row = app_tables.sequences.add_row(name=name, value=0)
    last = int(row["value"])
    row["value"] = last + count
    return range(last + 1, last + count + 1)


def make_sequences() -> None:
    """Make the counters that are missing, at zero. Part of setting an instance up."""
    present = {row["name"] for row in app_tables.sequences.search()}
    app_tables.sequences.add_rows(
        {"name": name, "value": 0} for name in NAMES if name not in present
    )
