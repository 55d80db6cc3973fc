"""Where the values of a column come from when its type changes, in SQL.

A column that had the wanted type before, and was set aside then, gives its values back: a value
that nobody changed meanwhile comes back exactly as it was ('007', or a text that was no number),
one that was changed is converted.
"""

from __future__ import annotations

from dataclasses import dataclass

from app_server.tables.migration_convert import find_conversion
from app_server.tables.names import OFFSETS, quote
from app_server.tables.schema import SQL_TYPES


@dataclass(frozen=True, slots=True)
class Source:
    """A column that values are taken from. ``sql_name``: what it is called when that happens.
    ``target``: the quoted SQL name of the table that it links to."""

    id: int
    type: str
    sql_name: str

    @property
    def sql(self) -> str:
        return f"t.{quote(self.sql_name)}"

    @property
    def offset(self) -> str:
        if self.type != "datetime":
            return "0"
        return f"coalesce((t.{OFFSETS} ->> '{self.id}')::int, 0)"


@dataclass(frozen=True, slots=True)
class Fill:
    """SQL over ``t``: the new value, its offset, whether a row has anything to give, whether what
    it has is lost. ``fault`` completes "3 ..."."""

    value: str
    offset: str
    has_value: str
    failing: str
    fault: str


def make_fill(
    source: Source, wanted: str, *, target: str | None, earlier: Source | None
) -> Fill | None:
    """None where neither a conversion nor an earlier column can give values. ``target``: the
    quoted SQL name of the table that both types link to. ``earlier``: the column of the wanted
    type that was set aside."""
    conversion = find_conversion(source.type, wanted, source.sql, source.offset, target)
    present = f"{source.sql} IS NOT NULL"
    null = f"NULL::{SQL_TYPES[wanted]}"
    value = conversion.value if conversion else null
    offset = (conversion.offset if conversion else None) or "NULL::int"
    failing = conversion.failing(source.sql) if conversion else present
    fault = conversion.fault if conversion else f"cannot become {wanted}"
    if earlier is None:
        return Fill(value, offset, present, failing, fault) if conversion else None
    forth = find_conversion(wanted, source.type, earlier.sql, earlier.offset, target)
    was = forth.value if forth else f"NULL::{SQL_TYPES[source.type]}"
    unchanged = f"({earlier.sql} IS NOT NULL AND {source.sql} IS NOT DISTINCT FROM {was})"
    offset_then = f"nullif({earlier.offset}, 0)" if wanted == "datetime" else "NULL::int"
    return Fill(
        f"CASE WHEN {unchanged} THEN {earlier.sql} ELSE {value} END",
        f"CASE WHEN {unchanged} THEN {offset_then} ELSE {offset} END",
        f"({present} OR {earlier.sql} IS NOT NULL)",
        f"(NOT {unchanged} AND {failing})",
        fault,
    )
