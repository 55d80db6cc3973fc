"""Rows as files that a person can take away: one JSON file, or a zip with a CSV for each table."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import anvil

from ..server_shared.table_walk import Column

# A cell that starts with one of these is a formula to a spreadsheet, and could call out or run
# (OWASP, "CSV Injection"). An apostrophe in front makes it text.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

Table = list[dict[str, Any]]


def plain_value(value: Any, column: Column) -> Any:
    """A cell as JSON has it: times in ISO 8601, a link as the id of its row, media as their name,
    type and size."""
    if value is None or isinstance(value, bool | str):
        return value
    if column.target:
        if column.is_multiple:
            return [row.get_id() for row in value]
        return value.get_id()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, anvil.Media):
        return {
            "name": value.name,
            "content_type": value.content_type,
            "size_bytes": value.length,
        }
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def defuse(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula. Numbers stay what they are."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value


def to_json(head: Mapping[str, Any], tables: Mapping[str, Table]) -> bytes:
    """``head`` and then ``tables``: each table's rows as dicts."""
    document = {**head, "tables": tables}
    return json.dumps(document, ensure_ascii=False, indent=1, default=_jsonable).encode()


def to_csv(columns: list[str], rows: Table) -> bytes:
    """One table, with a line of headings. In UTF-8 with a mark, by which Excel knows it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([defuse(_cell(row.get(name))) for name in columns])
    return text.getvalue().encode("utf-8-sig")


def to_zip(tables: Mapping[str, Table], columns: Mapping[str, list[str]]) -> bytes:
    """``contacts.csv`` and so on."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in tables.items():
            archive.writestr(f"{name}.csv", to_csv(columns[name], rows))
    return packed.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=_jsonable)
    return value


def _jsonable(value: Any) -> Any:
    """What a simple object holds is a dict or a list that json does not know as one."""
    if isinstance(value, Mapping):
        return dict(value)
    return list(value)
