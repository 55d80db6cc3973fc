"""Contacts as a file that somebody takes along: what its columns are, and how it is written.

CSV is as RFC 4180 has it, in UTF-8 with a mark by which Excel knows that, and no cell of it is a
formula. JSON is one list of objects. Both are written row by row.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any
from zoneinfo import ZoneInfo

from ..server_privacy.export_files import defuse
from .contact_import_headings import FIELDS

CSV, JSON = FORMATS = ("csv", "json")
ENDINGS = {CSV: ("csv", "text/csv"), JSON: ("json", "application/json")}


@dataclass(frozen=True)
class Column:
    """A column: its heading, the table's columns that it is made of, and how."""

    title: str
    needs: tuple[str, ...]
    read: Callable[[Any], Any]


def _plain(name: str) -> Callable[[Any], Any]:
    return lambda row: row[name]


def _part(column: str, name: str) -> Callable[[Any], Any]:
    return lambda row: (row[column] or {}).get(name) or None


def _cents(name: str) -> Callable[[Any], Any]:
    """Money as a decimal with two digits, which no program rounds."""
    return lambda row: None if row[name] is None else f"{int(row[name]) / 100:.2f}"


def _whole(name: str) -> Callable[[Any], Any]:
    return lambda row: int(row[name] or 0)


# The headings of what can be imported are those that an import knows again.
COLUMNS: dict[str, Column] = {
    "contact_id": Column("Number", ("contact_id",), _plain("contact_id")),
    **{
        name: Column(FIELDS[name][0], (name,), _plain(name))
        for name in ("first_name", "last_name", "email", "phone", "company", "birthday")
    },
    **{
        name: Column(FIELDS[name][0], ("address",), _part("address", name.partition(".")[2]))
        for name in FIELDS
        if name.startswith("address.")
    },
    "status": Column(FIELDS["status"][0], ("status",), _plain("status")),
    "source": Column(FIELDS["source"][0], ("source",), _plain("source")),
    "tags": Column(FIELDS["tags"][0], ("tags",), lambda row: list(row["tags"] or [])),
    "lifecycle_stage": Column("Lifecycle", ("lifecycle_stage",), _plain("lifecycle_stage")),
    "total_spent": Column("Spent", ("total_spent_cents",), _cents("total_spent_cents")),
    "currency": Column("Currency", ("currency",), _plain("currency")),
    "total_transactions": Column(
        "Transactions", ("total_transactions",), _whole("total_transactions")
    ),
    "marketing_opt_in": Column(
        FIELDS["marketing_opt_in"][0],
        ("preferences",),
        lambda row: bool((row["preferences"] or {}).get("marketing_opt_in")),
    ),
    "language": Column(FIELDS["language"][0], ("preferences",), _part("preferences", "language")),
    "date_added": Column(FIELDS["date_added"][0], ("date_added",), _plain("date_added")),
    "last_contact_date": Column(
        "Last contact", ("last_contact_date",), _plain("last_contact_date")
    ),
    "internal_notes": Column(
        FIELDS["internal_notes"][0], ("internal_notes",), _plain("internal_notes")
    ),
}


def needed_columns(names: Sequence[str]) -> list[str]:
    """The columns of the table that these columns of a file are made of, and the cursor's."""
    return sorted({"number", *(each for name in names for each in COLUMNS[name].needs)})


class Writer:
    """Writes contacts into an open binary file; ``close`` ends the document."""

    def __init__(self, file: IO[bytes], format: str, names: Sequence[str], time_zone: str) -> None:
        self.file = file
        self.format = format
        self.names = names
        self.zone = ZoneInfo(time_zone)
        self.is_empty = True
        if format == CSV:
            file.write(b"\xef\xbb\xbf")
            self._write_line([COLUMNS[name].title for name in names])
        else:
            file.write(b"[")

    def write(self, rows: Iterable[Any]) -> None:
        """Add contacts."""
        for row in rows:
            values = {name: self._local(COLUMNS[name].read(row)) for name in self.names}
            if self.format == CSV:
                self._write_line([_cell(value) for value in values.values()])
                continue
            self.file.write(b"\n" if self.is_empty else b",\n")
            self.file.write(json.dumps(values, ensure_ascii=False).encode())
            self.is_empty = False

    def close(self) -> None:
        """End the document."""
        if self.format == JSON:
            self.file.write(b"\n]\n")

    def _local(self, value: Any) -> Any:
        """A moment as the business's clocks showed it, with its distance from UTC."""
        if isinstance(value, datetime):
            return value.astimezone(self.zone).isoformat(timespec="seconds")
        return value

    def _write_line(self, cells: list[Any]) -> None:
        text = io.StringIO()
        csv.writer(text).writerow([defuse(cell) for cell in cells])
        self.file.write(text.getvalue().encode())


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(value)
    return "" if value is None else value
