"""How values of one column type become values of another, in SQL, and which of them do not.

A conversion is offered only where a value says plainly what it is under the new type. Text between
media and anything else is not: bytes have no one reading.

| from | to | clean |
|---|---|---|
| string | number | decimal or exponent notation, spaces around it, nothing at all (None) |
| string | bool | true/false, yes/no, on/off, t/f, y/n, 1/0, in any case; nothing (None) |
| string | date | ISO 8601: 2024-02-29; nothing (None) |
| string | datetime | ISO 8601 with or without time and zone (UTC without one); nothing (None) |
| string | simpleObject | always: a JSON object or list is read, any other text stays a text |
| number, date, datetime, bool | string | always; bools are True and False, times as ``isoformat`` |
| bool, number | simpleObject | always |
| simpleObject | string | always: a text stays itself, anything else becomes JSON |
| simpleObject | number, bool | where it is one |
| bool | number | always: 1 and 0 |
| number | bool | 1 and 0 |
| date | datetime | always: midnight, UTC |
| datetime | date | at midnight of its own zone |
| link_single | link_multiple | always, to the same table |
| link_multiple | link_single | of at most one row, to the same table |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app_server.tables.names import META_SCHEMA, literal
from app_server.tables.schema import LINK_MULTIPLE, LINK_SINGLE, SQL_TYPES

FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION {META_SCHEMA}.try_jsonb(value text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN value::jsonb;
EXCEPTION WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION {META_SCHEMA}.try_time(value text) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
  moment timestamptz;
BEGIN
  moment := value::timestamptz;
  -- What Python's datetime can hold.
  RETURN CASE WHEN moment >= '0001-01-01' AND moment < '9999-12-31 24:00' THEN moment END;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END $$;
"""
"""A cast that gives NULL where it fails. The session's time zone is UTC."""

# Classes are spelled out: what \d and \s match depends on the database's locale, what a cast
# takes does not.
_BLANK, _D2 = r"[ \t\n\r]*", "[0-9]{2}"
# Of bounded length (a counted repetition of digits is slow): no more than 10^300 comes of it.
_NUMBER = rf"^{_BLANK}[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{{1,2}})?{_BLANK}$"
MAX_NUMBER_CHARS = 200
_DATE = rf"^{_BLANK}[0-9]{{4}}-{_D2}-{_D2}{_BLANK}$"
_TIME = (
    rf"^{_BLANK}[0-9]{{4}}-{_D2}-{_D2}([T ]{_D2}:{_D2}(:{_D2}([.][0-9]{{1,6}})?)?"
    rf" ?([Zz]|[+-]{_D2}:?{_D2})?)?{_BLANK}$"
)
_ZONE = rf"([+-])({_D2}):?({_D2}){_BLANK}$"
_NOTHING = rf"'^{_BLANK}$'"
_TRUE = "('true', 'yes', 'on', 't', 'y', '1')"
_FALSE = "('false', 'no', 'off', 'f', 'n', '0')"


@dataclass(frozen=True, slots=True)
class Conversion:
    """``value``: SQL that turns the source into the new value, NULL where it cannot. ``empty``: SQL
    that tells whether a source which is not NULL stands for None. ``fault`` completes "3 ...".
    ``offset``: SQL of the minutes east of UTC that a new datetime keeps."""

    value: str
    fault: str = ""
    empty: str = "false"
    offset: str | None = None

    def failing(self, source: str) -> str:
        """SQL that tells whether a value of the source is lost."""
        if not self.fault:
            return "false"
        return f"({source} IS NOT NULL AND NOT ({self.empty}) AND ({self.value}) IS NULL)"


Make = Callable[[str, str], Conversion]
"""From the SQL of the source and of its offset in minutes (of a datetime)."""


def find_conversion(
    kind: str, wanted: str, source: str, offset: str = "0", target: str | None = None
) -> Conversion | None:
    """How ``source`` (SQL of a value of type ``kind``) becomes a ``wanted``, or None. ``target`` is
    the quoted SQL name of the table that both links lead to, None where they differ."""
    if kind in (LINK_SINGLE, LINK_MULTIPLE):
        return _convert_link(kind, wanted, source, target)
    make = _CONVERSIONS.get((kind, wanted))
    return make(source, offset) if make else None


def _convert_link(kind: str, wanted: str, source: str, target: str | None) -> Conversion | None:
    if target is None:
        return None
    if (kind, wanted) == (LINK_SINGLE, LINK_MULTIPLE):
        return Conversion(f"CASE WHEN {source} IS NOT NULL THEN ARRAY[{source}] END")
    if (kind, wanted) == (LINK_MULTIPLE, LINK_SINGLE):
        return Conversion(
            f"CASE WHEN cardinality({source}) = 1 THEN"
            f" (SELECT x._id FROM {target} AS x WHERE x._id = ({source})[1]) END",
            fault="link to more than one row",
            empty=f"cardinality({source}) = 0",
        )
    return None


def _from_text(value: str, pattern: str, fault: str) -> Make:
    def make(source: str, _offset: str) -> Conversion:
        sql = value.replace("{}", source)
        return Conversion(
            f"CASE WHEN {source} ~ {literal(pattern)} THEN {sql} END",
            fault,
            empty=f"{source} ~ {_NOTHING}",
        )

    return make


def _text_to_time(source: str, _offset: str) -> Conversion:
    zone = f"regexp_match({source}, {literal(_ZONE)})"
    minutes = f"({zone})[2]::int * 60 + ({zone})[3]::int"
    signed = f"CASE WHEN ({zone})[1] = '-' THEN -({minutes}) ELSE {minutes} END"
    # A date's own "-02-29" at the end is no zone.
    return Conversion(
        f"CASE WHEN {source} ~ {literal(_TIME)} THEN {META_SCHEMA}.try_time({source}) END",
        "are no times as in 2024-02-29T18:30:00Z",
        empty=f"{source} ~ {_NOTHING}",
        offset=f"CASE WHEN {source} ~ ':' THEN nullif({signed}, 0) END",
    )


def _text_to_bool(source: str, _offset: str) -> Conversion:
    word = f"lower(btrim({source}, E' \\t\\n\\r'))"
    return Conversion(
        f"CASE WHEN {word} IN {_TRUE} THEN true WHEN {word} IN {_FALSE} THEN false END",
        "are neither true nor false",
        empty=f"{source} ~ {_NOTHING}",
    )


def _text_to_object(source: str, _offset: str) -> Conversion:
    parsed = f"{META_SCHEMA}.try_jsonb({source})"
    return Conversion(
        f"CASE WHEN {source} ~ '^[ \\t\\n\\r]*[\\[{{]' THEN coalesce({parsed}, to_jsonb({source}))"
        f" ELSE to_jsonb({source}) END"
    )


def _object_to(kind: str) -> Make:
    sql_type = SQL_TYPES["number" if kind == "number" else "bool"]
    name = "number" if kind == "number" else "boolean"

    def make(source: str, _offset: str) -> Conversion:
        return Conversion(
            f"CASE WHEN jsonb_typeof({source}) = '{name}' THEN ({source})::{sql_type} END",
            f"are no {name}s",
            empty=f"jsonb_typeof({source}) = 'null'",
        )

    return make


def _time_to_date(source: str, offset: str) -> Conversion:
    local = f"(({source}) AT TIME ZONE 'UTC' + ({offset}) * interval '1 minute')"
    return Conversion(
        f"CASE WHEN {local} = date_trunc('day', {local}) THEN {local}::date END",
        "have a time of day",
    )


def _time_to_text(source: str, offset: str) -> Conversion:
    local = f"(({source}) AT TIME ZONE 'UTC' + ({offset}) * interval '1 minute')"
    zone = (
        f"CASE WHEN ({offset}) < 0 THEN '-' ELSE '+' END"
        f" || to_char(abs({offset}) / 60, 'FM00') || ':' || to_char(abs({offset}) % 60, 'FM00')"
    )
    micros = f"CASE WHEN extract(microseconds FROM {local})::bigint % 1000000 = 0 THEN ''"
    return Conversion(
        f"to_char({local}, 'YYYY-MM-DD\"T\"HH24:MI:SS') ||"
        f" {micros} ELSE to_char({local}, '.US') END || {zone}"
    )


def _always(value: str) -> Make:
    return lambda source, _offset: Conversion(value.replace("{}", source))


_CONVERSIONS: dict[tuple[str, str], Make] = {
    ("string", "number"): _from_text(
        f"CASE WHEN length({{}}) <= {MAX_NUMBER_CHARS} THEN"
        " btrim({}, E' \\t\\n\\r')::numeric END",
        _NUMBER,
        "are no numbers",
    ),
    ("string", "bool"): _text_to_bool,
    ("string", "date"): _from_text(
        f"{META_SCHEMA}.try_time({{}})::date", _DATE, "are no dates as in 2024-02-29"
    ),
    ("string", "datetime"): _text_to_time,
    ("string", "simpleObject"): _text_to_object,
    ("number", "string"): _always("({})::text"),
    ("date", "string"): _always("to_char({}, 'YYYY-MM-DD')"),
    ("datetime", "string"): _time_to_text,
    ("bool", "string"): _always("CASE {} WHEN true THEN 'True' WHEN false THEN 'False' END"),
    ("bool", "simpleObject"): _always("to_jsonb({})"),
    ("number", "simpleObject"): _always("to_jsonb({})"),
    ("simpleObject", "string"): _always(
        "CASE jsonb_typeof({}) WHEN 'null' THEN NULL WHEN 'string' THEN {} #>> array[]::text[]"
        " ELSE ({})::text END"
    ),
    ("simpleObject", "number"): _object_to("number"),
    ("simpleObject", "bool"): _object_to("bool"),
    ("bool", "number"): _always("({})::int::numeric"),
    ("number", "bool"): lambda source, _offset: Conversion(
        f"CASE {source} WHEN 1 THEN true WHEN 0 THEN false END", "are neither 1 nor 0"
    ),
    ("date", "datetime"): _always("({})::timestamp AT TIME ZONE 'UTC'"),
    ("datetime", "date"): _time_to_date,
}
