"""Values of columns: what a column accepts, how it is stored, and how it comes back.

Between Python and SQL every value travels as text with a cast (``%s::numeric``), so that one
statement serves any number of rows. Rules and error texts are those of Anvil's server
(``tables/v2/table_types.clj``).
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app_server.errors import AnvilError
from app_server.tables.errors import table_error
from app_server.tables.schema import LINK_MULTIPLE, LINK_SINGLE, Column, Schema
from app_server.wire.values import Capability, LazyMedia, Media, PortableValue, SpooledMedia

ROW_REF = "anvil.tables.v2._RowRef"
"""How the library sends a row as an argument: its capability in a portable value."""

MAX_NUMBER = 10**300
"""Integers beyond this are refused: no float, no JavaScript and no JSON reader takes them."""

_NUL_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL in JSON text: an escape whose backslash is not itself escaped."""

MAX_DEPTH = 60
"""Nesting of a simple object."""


@dataclass(frozen=True, slots=True)
class ValueType:
    """The column type that a value would fit, or why none does (``error``)."""

    type: str
    target: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class StoredMedia:
    """A media value as Python inside the server sees it. ``length`` in bytes."""

    id: int
    content_type: str
    name: str | None
    length: int


MakeMedia = Callable[[StoredMedia], Any]
"""What becomes of a media value: a signed LazyMedia for the wire, or itself."""


def row_ref_target(value: Any) -> tuple[int, int] | None:
    """(table id, row id) of a row that came as an argument; None for anything else. The capability
    was checked when it was decoded; one that its holder narrowed says nothing about rows."""
    if not isinstance(value, PortableValue) or value.type_name != ROW_REF:
        return None
    capability = value.value
    if not isinstance(capability, Capability) or capability.narrow:
        return None
    scope = capability.scope
    if len(scope) != 4 or scope[:2] != ["_", "t"] or set(scope[3]) != {"r"}:
        return None
    return int(scope[2]["id"]), int(scope[3]["r"])


def is_simple(value: Any, depth: int = 0) -> bool:
    """Whether a value is a simple object: JSON, finite, with string keys."""
    if value is None or isinstance(value, str | bool | int):
        return True
    if isinstance(value, float):
        return math.isfinite(value)
    if depth > MAX_DEPTH:
        return False
    if isinstance(value, list | tuple):
        return all(is_simple(item, depth + 1) for item in value)
    if isinstance(value, Mapping):
        return all(isinstance(k, str) and is_simple(v, depth + 1) for k, v in value.items())
    return False


def type_of(value: Any) -> ValueType:
    """The column type of a value (``get-type-from-value``)."""
    if value is None:
        return ValueType("unresolved")
    if isinstance(value, bool):
        return ValueType("bool")
    if isinstance(value, str):
        return ValueType("string")
    if isinstance(value, int | float):
        return _type_of_number(value)
    target = row_ref_target(value)
    if target is not None:
        return ValueType(LINK_SINGLE, target[0])
    if isinstance(value, dt.datetime):
        return ValueType("datetime")
    if isinstance(value, dt.date):
        return ValueType("date")
    if isinstance(value, Media | SpooledMedia | LazyMedia | StoredMedia):
        return ValueType("media")
    if isinstance(value, list | tuple):
        return _type_of_list(value)
    if is_simple(value):
        return ValueType("simpleObject")
    return ValueType(
        "unknown",
        error="You can only store strings, numbers, dates, references to other table rows, or "
        "simple objects in a table",
    )


def _type_of_number(value: float) -> ValueType:
    if isinstance(value, float) and math.isnan(value):
        return ValueType("unknown", error="Cannot store NaN in a data table")
    if isinstance(value, float) and math.isinf(value):
        return ValueType("unknown", error="Cannot store Infinity value in a data table")
    if abs(value) > MAX_NUMBER and isinstance(value, int):
        return ValueType("unknown", error="Cannot store a number of more than 300 digits")
    return ValueType("number")


def _type_of_list(value: list[Any] | tuple[Any, ...]) -> ValueType:
    if not value or value[0] is None:
        return ValueType("unresolvedArray")
    first = type_of(value[0])
    if first.error:
        return first
    if first.target is not None:
        if all(type_of(item) == first for item in value[1:]):
            return ValueType(LINK_MULTIPLE, first.target)
        return ValueType(
            "unknown", error="All elements of a table-row list must be rows from the same table"
        )
    if is_simple(value):
        return ValueType("simpleObject")
    return ValueType(
        "unknown",
        error="The only lists you can store in a data table are lists of simple objects or lists "
        "of table rows",
    )


def fits(value: Any, column: Column) -> bool:
    """Whether a column takes a value (``is-type?``). None fits every column."""
    if value is None:
        return True
    if isinstance(value, list | tuple) and not value:
        return column.type in (LINK_MULTIPLE, "simpleObject")
    if column.type == "simpleObject":
        return is_simple(value)
    found = type_of(value)
    return found.error is None and (found.type, found.target) == (column.type, column.target)


def type_name(schema: Schema, kind: str, target: int | None) -> str:
    """A type in the words of an error message."""
    table = schema.tables.get(target) if target is not None else None
    title = table.title if table else "unknown"
    return {
        LINK_SINGLE: f"Row from '{title}' table",
        LINK_MULTIPLE: f"List of rows from '{title}' table",
        "unresolved": "Unresolved (None)",
        "unresolvedArray": "Unresolved (empty list)",
    }.get(kind, kind)


def check(schema: Schema, column: Column, value: Any) -> None:
    """TableError when ``column`` cannot hold ``value``."""
    if not fits(value, column):
        found = type_of(value)
        wanted = type_name(schema, column.type, column.target)
        got = f"cannot set it to a {type_name(schema, found.type, found.target)}"
        raise table_error(f"Column '{column.name}' is a {wanted} - {found.error or got}")


def encode(column: Column, value: Any) -> str | None:
    """The text that ``column.cast`` turns into the value, for every type but media. TableError for
    text that the database cannot hold."""
    if value is None:
        return None
    if column.type == "number":
        return encode_number(value)
    if column.type == "bool":
        return "true" if value else "false"
    if column.type == "date":
        return str(value.isoformat())
    if column.type == "datetime":
        return encode_datetime(value)
    if column.type == LINK_SINGLE:
        return str(_linked_id(value))
    if column.type == LINK_MULTIPLE:
        return "{" + ",".join(str(_linked_id(item)) for item in value) + "}"
    if column.type == "simpleObject":
        return check_text(column, json.dumps(value, ensure_ascii=False))
    return check_text(column, str(value))


def check_text(column: Column, text: str) -> str:
    if "\x00" in text or (column.type == "simpleObject" and _NUL_ESCAPE.search(text)):
        raise table_error(f"Column '{column.name}' cannot hold text with a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise table_error(f"Column '{column.name}' cannot hold half a surrogate pair") from None
    return text


def encode_number(value: float) -> str:
    """Exact decimal text; a float always has a fraction, by which it comes back as a float."""
    if isinstance(value, int):
        return str(value)
    text = format(Decimal(repr(value)), "f")
    return text if "." in text else f"{text}.0"


def encode_datetime(value: dt.datetime) -> str:
    """UTC where there is no zone: the server's time zone."""
    return (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).isoformat()


def offset_minutes(value: Any) -> int | None:
    """Minutes east of UTC of a datetime; None for UTC, which needs no note."""
    if not isinstance(value, dt.datetime):
        return None
    offset = value.utcoffset()
    return round(offset.total_seconds() / 60) or None if offset else None


def _linked_id(value: Any) -> int:
    target = row_ref_target(value)
    if target is None:
        raise AnvilError("Invalid capability for link target", "anvil.tables.TableError")
    return target[1]


def decode(column: Column, raw: Any, offsets: Mapping[str, int], make_media: MakeMedia) -> Any:
    """A value from the JSON that a query made of it. Links are row ids. ``offsets`` is the row's
    hidden column of time zones."""
    if raw is None:
        return None
    if column.type == "datetime":
        return decode_datetime(raw, offsets.get(str(column.id), 0))
    if column.type == "date":
        return dt.date.fromisoformat(raw)
    if column.type == "media":
        return make_media(StoredMedia(raw["id"], raw["type"], raw["name"], raw["length"]))
    return raw


def decode_datetime(raw: str, minutes: int) -> dt.datetime:
    moment = dt.datetime.fromisoformat(raw)
    if not minutes:
        return moment
    try:
        return moment.astimezone(dt.timezone(dt.timedelta(minutes=minutes)))
    except OverflowError:
        return moment


def value_text(column: Column, raw: Any) -> str | None:
    """The text of a value for comparing with its column, from the JSON that a query made of it."""
    if raw is None or isinstance(raw, str) and column.type != "simpleObject":
        return raw
    if column.type == "media":
        return str(raw["id"])
    if column.type == "number":
        return encode_number(raw)
    if column.type == LINK_MULTIPLE:
        return "{" + ",".join(map(str, raw)) + "}"
    return json.dumps(raw, ensure_ascii=False)
