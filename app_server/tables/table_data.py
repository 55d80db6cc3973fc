"""Rows in the form that the library takes, written straight from what the database gave:

    {view key: {"spec": {"cols": [{name, type, ...}], "cache": [0 | 1, ...]},
                "rows": {row id: [value, ..., capability] or {"3": value, ..., "c": capability}}}}

A list holds the values of the columns that ``cache`` marks, a dict any others by position.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app_server.tables.fetch import Fetch, FetchPlan, RawRow, table_spec
from app_server.tables.schema import LINK_MULTIPLE, LINK_SINGLE, Column
from app_server.tables.values import StoredMedia, decode_datetime
from app_server.tables.views import View
from app_server.wire.codec import MAX_PLAIN_INT, format_datetime
from app_server.wire.values import WireValue

# Shared by all descriptions: whoever gets one does not change it.
_CAPABILITY = ["Capability"]
_DATE = ["Date"]
_DATETIME = ["DateTime"]
_LONG = ["Long"]
_LAZY_MEDIA = ["LazyMedia"]

_UTC_CHARS = len("2026-01-31T09:30:00+00:00")

Objects = list[dict[str, Any]]
Path = list[str | int]
Found = list[tuple[Fetch, RawRow]]
"""All that was read of one row."""


class TableData(WireValue):
    """``rows``: those of each fetch of ``plan``. They are used up when this is written."""

    __slots__ = ("_filed", "_missing", "_rows", "plan")

    def __init__(self, plan: FetchPlan, rows: list[list[RawRow]]) -> None:
        self.plan = plan
        self._rows = rows
        self._filed: dict[View, dict[int, Found]] = {}
        self._missing: dict[View, dict[int, None]] = {}

    def to_wire(self, objects: Objects, path: Path) -> dict[str, Any]:
        for fetch, rows in zip(self.plan.fetches, self._rows, strict=True):
            filed = self._filed.setdefault(fetch.view, {}) if rows else {}
            for row in rows:
                filed.setdefault(row[0], []).append((fetch, row))
        data: dict[str, Any] = {}
        for view in self.plan.views:
            spec = table_spec(self.plan.access, view, self.plan.cached(view))
            data[view.key] = {"spec": spec}
            if view in self._filed:
                writer = _ViewWriter(self, view, spec, objects, [*path, view.key, "rows"])
                data[view.key]["rows"] = writer.write(self._filed[view])
        for view, row_ids in self._missing.items():
            rows_by_id = data[view.key].setdefault("rows", {})
            for row_id in row_ids:
                rows_by_id[str(row_id)] = {"c": None}
                place: Path = [*path, view.key, "rows", str(row_id), "c"]
                objects.append(describe_row(view.spec, row_id, place))
        return data

    def link(self, view: View, row_id: int) -> None:
        """Every linked row needs an entry, also one that is not fetched: its capability alone."""
        if view in self.plan.views and row_id not in self._filed.get(view, ()):
            self._missing.setdefault(view, {})[row_id] = None


def describe_row(view_spec: dict[str, Any], row_id: int, path: Path) -> dict[str, Any]:
    """The wire form of ``View.row_capability``."""
    return {"type": _CAPABILITY, "scope": ["_", "t", view_spec, {"r": row_id}], "path": path}


class _ViewWriter:
    """Writes the rows of one view. ``path`` leads to them."""

    def __init__(
        self, data: TableData, view: View, spec: dict[str, Any], objects: Objects, path: Path
    ) -> None:
        self._data = data
        self._view = view
        self._view_spec = view.spec
        self._objects = objects
        self._path = path
        columns, cached = spec["cols"], spec["cache"]
        self._compact = [c["name"] for c, held in zip(columns, cached, strict=True) if held]
        self._positions = {column["name"]: str(i) for i, column in enumerate(columns)}
        self._zones: dict[str, int] = {}
        # What becomes of the values of each type that is not always plain JSON.
        self._writers: dict[str, Callable[[Column, Any, Path], Any]] = {
            "number": self._number,
            "simpleObject": self._simple,
            "date": self._date,
            "datetime": self._datetime,
            "media": self._media,
            LINK_SINGLE: self._link,
            LINK_MULTIPLE: self._links,
        }
        self._kinds: dict[int, tuple[bool, list[tuple[int, Column, Any]]]] = {}

    def write(self, filed: dict[int, Found]) -> dict[str, Any]:
        return {str(row_id): self._write_row(row_id, found) for row_id, found in filed.items()}

    def _write_row(self, row_id: int, found: Found) -> Any:
        path: Path = [*self._path, str(row_id)]
        widest = found[0] if len(found) == 1 else _widest(found)
        if widest is None:
            return self._as_dict(found, path)
        fetch, row = widest
        is_compact, special = self._kinds.get(fetch.number) or self._look_at(fetch)
        if not is_compact:
            return self._as_dict(found, path)
        values, self._zones = fetch.values(row), row[1] or {}
        for index, column, write in special:
            if values[index] is not None:
                values[index] = write(column, values[index], [*path, index])
        self._objects.append(describe_row(self._view_spec, row_id, [*path, len(values)]))
        values.append(None)
        return values

    def _look_at(self, fetch: Fetch) -> tuple[bool, list[tuple[int, Column, Any]]]:
        """Whether rows of a fetch are compact, and where their values are not always plain."""
        special = [
            (index, column, self._writers[column.type])
            for index, column in enumerate(fetch.columns)
            if column.type in self._writers
        ]
        is_compact = [column.name for column in fetch.columns] == self._compact
        self._kinds[fetch.number] = is_compact, special
        return is_compact, special

    def _as_dict(self, found: Found, path: Path) -> dict[str, Any]:
        """All that any fetch read of a row: the values are of the same moment."""
        values: dict[str, Any] = {}
        for fetch, row in found:
            self._zones = row[1] or self._zones
            for column, value in zip(fetch.columns, fetch.values(row), strict=True):
                position, write = self._positions[column.name], self._writers.get(column.type)
                if position in values:
                    continue
                if value is not None and write is not None:
                    value = write(column, value, [*path, position])
                values[position] = value
        self._objects.append(describe_row(self._view_spec, found[0][1][0], [*path, "c"]))
        values["c"] = None
        return values

    def _number(self, _column: Column, value: Any, path: Path) -> Any:
        if isinstance(value, float) or -MAX_PLAIN_INT <= value <= MAX_PLAIN_INT:
            return value
        self._objects.append({"type": _LONG, "value": str(value), "path": path})
        return None

    def _simple(self, column: Column, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: self._simple(column, item, [*path, key]) for key, item in value.items()}
        if isinstance(value, list):
            return [self._simple(column, item, [*path, i]) for i, item in enumerate(value)]
        if isinstance(value, int) and not isinstance(value, bool):
            return self._number(column, value, path)
        return value

    def _date(self, _column: Column, value: Any, path: Path) -> None:
        self._objects.append({"type": _DATE, "value": value, "path": path})

    def _datetime(self, column: Column, value: Any, path: Path) -> None:
        minutes = self._zones.get(str(column.id), 0)
        if minutes or len(value) != _UTC_CHARS:
            text = format_datetime(decode_datetime(value, minutes))
        else:
            text = f"{value[:10]} {value[11:19]}.000000+0000"
        self._objects.append({"type": _DATETIME, "value": text, "path": path})

    def _media(self, _column: Column, value: Any, path: Path) -> None:
        stored = StoredMedia(value["id"], value["type"], value["name"], value["length"])
        spec = self._data.plan.access.make_media(stored).spec
        self._objects.append({**spec, "type": _LAZY_MEDIA, "path": path})

    def _link(self, column: Column, value: Any, path: Path) -> Any:
        self._links(column, [value], path)
        return value

    def _links(self, column: Column, value: Any, path: Path) -> Any:
        if column.target is not None:
            view = self._view.linked(column.target)
            for row_id in value:
                self._data.link(view, row_id)
        return value


def _widest(found: Found) -> tuple[Fetch, RawRow] | None:
    """Of several readings of a row the one that has all that any of them has, if there is one."""
    widest = max(found, key=lambda each: len(each[0].columns))
    names = {column.name for column in widest[0].columns}
    has_all = all(names.issuperset(c.name for c in fetch.columns) for fetch, _ in found)
    return widest if has_all else None
