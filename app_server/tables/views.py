"""Views: which part of a table a capability opens, and what may be done with it.

A view is a table, a permission (``r``, ``rw``, ``rwc`` or none: then the table's own ``client`` and
``server`` levels decide), perhaps fewer columns, and perhaps a condition. Its capability is
``["_", "t", view]``; a row's adds ``{"r": row_id}``, a search's its query, order, fetch and cursor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app_server.errors import AnvilError
from app_server.tables.errors import invalid_capability, table_error
from app_server.tables.schema import READ, WRITE, Column, Schema, Table
from app_server.tables.values import MakeMedia, StoredMedia
from app_server.wire.values import Capability

PERMISSION_LEVELS = {"rwc": WRITE, "rw": WRITE, "r": READ}


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class View:
    """``restrict`` is a condition in JSON (see ``query.py``)."""

    table_id: int
    perm: str | None = None
    cols: tuple[str, ...] | None = None
    restrict: str | None = None

    @property
    def spec(self) -> dict[str, Any]:
        """As it stands in a capability."""
        spec: dict[str, Any] = {"id": self.table_id}
        if self.perm is not None:
            spec["perm"] = self.perm
        if self.cols is not None:
            spec["cols"] = list(self.cols)
        if self.restrict is not None:
            spec["restrict"] = self.restrict
        return spec

    @property
    def key(self) -> str:
        """Under which rows of this view are filed in table data; equal for equal views."""
        return canonical(self.spec)

    @property
    def condition(self) -> Any:
        return json.loads(self.restrict) if self.restrict else None

    def linked(self, table_id: int) -> View:
        """How a table is seen through a link: only cascading views extend to it."""
        return View(table_id, "rwc" if self.perm == "rwc" else None)

    @property
    def capability(self) -> Capability:
        return Capability(["_", "t", self.spec])

    def row_capability(self, row_id: int) -> Capability:
        return Capability(["_", "t", self.spec, {"r": row_id}])


def _as_it_is(media: StoredMedia) -> StoredMedia:
    return media


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks. ``overrides`` are the ``request_overrides`` that Anvil's library sends when server
    code acts for a browser: ``use_client_config`` (the table's client level holds) and
    ``filter_client_hidden`` (hidden columns must not be written)."""

    schema: Schema
    is_client: bool
    overrides: Mapping[str, Any] | None = None
    make_media: MakeMedia = _as_it_is

    def with_overrides(self, raw: Any) -> Access:
        if isinstance(raw, bool):  # what older libraries send
            raw = {"use_client_config": raw}
        return replace(self, overrides=raw if isinstance(raw, Mapping) else None)

    @property
    def as_client(self) -> bool:
        return self.is_client or bool(self.overrides and self.overrides.get("use_client_config"))

    @property
    def hides_columns_on_write(self) -> bool:
        filtering = self.overrides and self.overrides.get("filter_client_hidden")
        return self.is_client or bool(filtering)

    def table(self, table_id: Any) -> Table:
        table = self.schema.tables.get(table_id) if isinstance(table_id, int) else None
        if table is None:
            raise table_error("This table does not exist any more")
        return table

    def ambient_level(self, table: Table) -> int:
        return table.client if self.as_client else table.server

    def visible(self, table: Table) -> dict[str, Column]:
        """The columns of a table that the asker may see at all."""
        if not self.is_client:
            return dict(table.columns)
        return {name: c for name, c in table.columns.items() if not c.client_hidden}

    def columns_of(self, view: View) -> list[str]:
        """The names of a view's visible columns, sorted: the order of its table spec."""
        visible = self.visible(self.table(view.table_id))
        if view.cols is None:
            return sorted(visible)
        return sorted(name for name in view.cols if name in visible)

    def ensure(self, view: View, level: int, *, row: bool = False) -> None:
        """PermissionDenied unless the view or the table itself allows ``level``."""
        table = self.table(view.table_id)
        granted = PERMISSION_LEVELS.get(view.perm or "", 0)
        if granted < level and self.ambient_level(table) < level:
            raise self._denied(table, level, row)

    def _denied(self, table: Table | None, level: int | None, row: bool) -> AnvilError:
        verb = {READ: "read from", WRITE: "write to"}.get(level or 0, "access")
        what = f" table '{table.title}'" if table else " this table"
        side = "client" if self.as_client else "server"
        return AnvilError(
            f"Cannot {verb}{' row from' if row else ''}{what} from {side} code.",
            "anvil.server.PermissionDenied",
        )

    def open_table(self, capability: Any, level: int) -> View:
        """The view of a table capability, if it allows ``level``."""
        if capability is None:
            raise self._denied(None, None, False)
        view = table_view(capability)
        self.ensure(view, level)
        return view

    def open_row(self, capability: Any, level: int) -> tuple[View, int]:
        view, row_id = row_view(capability)
        self.ensure(view, level, row=True)
        return view, row_id


def _scope(capability: Any, lengths: tuple[int, ...]) -> list[Any]:
    """The scope of a capability for tables. One that its holder narrowed is refused: the library
    never does that, and it would open any row or run any query."""
    if not isinstance(capability, Capability):
        raise AnvilError("Invalid capability", "anvil.server.PermissionDenied")
    scope = capability.scope
    if capability.narrow or len(scope) not in lengths or scope[:2] != ["_", "t"]:
        raise invalid_capability()
    return scope


def _view(spec: Any) -> View:
    if not isinstance(spec, Mapping) or not isinstance(spec.get("id"), int):
        raise invalid_capability()
    cols = spec.get("cols")
    return View(
        spec["id"], spec.get("perm"), None if cols is None else tuple(cols), spec.get("restrict")
    )


def table_view(capability: Any) -> View:
    return _view(_scope(capability, (3,))[2])


def row_view(capability: Any) -> tuple[View, int]:
    scope = _scope(capability, (4,))
    row = scope[3]
    if not isinstance(row, Mapping) or set(row) != {"r"} or not isinstance(row["r"], int):
        raise invalid_capability()
    return _view(scope[2]), row["r"]


def search_view(capability: Any) -> tuple[View, Mapping[str, Any], str | None]:
    """View, search specification and cursor of a search's capability."""
    scope = _scope(capability, (4, 5))
    if not isinstance(scope[3], Mapping) or set(scope[3]) != {"search", "fetch", "order", "chunk"}:
        raise invalid_capability()
    return _view(scope[2]), scope[3], scope[4] if len(scope) == 5 else None
