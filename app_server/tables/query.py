"""Queries: from the arguments of ``search`` and ``get`` to a condition, and from that to SQL.

A condition is JSON, so that it can stand in a capability:

    {"op": "and" | "or", "terms": [condition, ...]}
    {"op": "not", "term": condition}
    {"op": "eq", "col": id, "value": text or None}
    {"op": "like" | "ilike" | "full_text" | "full_text_raw", "col": id, "value": text}
    {"op": ">" | ">=" | "<" | "<=", "col": id, "value": text, "as": column type of the value}

Values are text for a cast, as everywhere (``values.py``); columns stand by id. None is no
condition. As on Anvil's server, equality is true or false also for None, while the other operators
are neither for None: ``q.not_(q.like('a%'))`` does not find rows where the column is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app_server.tables.errors import no_such_column, table_error
from app_server.tables.schema import LINK_MULTIPLE, Column, Table
from app_server.tables.values import (
    ROW_REF,
    check_text,
    encode,
    fits,
    type_name,
    type_of,
)
from app_server.tables.views import Access
from app_server.wire.values import PortableValue

Condition = dict[str, Any]
Sql = tuple[str, list[Any]]

QUERY = "anvil.tables.query."
MAX_NESTING = 50
MAX_TERMS = 20_000
"""Postgres takes 65,535 parameters in a statement."""

_INEQUALITIES = {
    "greater_than": ">",
    "greater_than_or_equal_to": ">=",
    "less_than": "<",
    "less_than_or_equal_to": "<=",
}
_COMBINATIONS = {"all_of": "and", "any_of": "or", "none_of": "none"}


def both(first: Condition | None, second: Condition | None) -> Condition | None:
    if first is None or second is None:
        return second if first is None else first
    return {"op": "and", "terms": [first, second]}


def is_plain_value(value: Any) -> bool:
    """Whether a keyword argument fixes its column to a value, rather than being a query."""
    return not isinstance(value, PortableValue) or value.type_name == ROW_REF


class Parser:
    """Checks a query against the columns that its asker may name. TableError says what is wrong."""

    def __init__(self, access: Access, table: Table, allowed: set[str]) -> None:
        self._schema = access.schema
        self._table = table
        self._columns = {
            name: column for name, column in access.visible(table).items() if name in allowed
        }
        self._terms = 0

    def parse(self, args: list[Any], kwargs: Mapping[str, Any]) -> Condition | None:
        """The condition of ``search(*args, **kwargs)``, where ``args`` are only queries."""
        return self._combine("and", self._operands(args, kwargs, 0))

    def _operands(self, args: Any, kwargs: Mapping[str, Any], depth: int) -> list[Condition | None]:
        terms = [self._row_query(arg, depth + 1) for arg in args or []]
        for name, value in (kwargs or {}).items():
            if name not in self._columns:
                raise no_such_column(name)
            terms.append(self._column_query(self._columns[name], value, depth + 1))
        return terms

    def _combine(self, op: str, terms: list[Condition | None]) -> Condition | None:
        """Like the server: no terms are true for "and", false for "or", no condition for "none"."""
        if op == "none":
            if not terms:
                return None
            return {"op": "not", "term": self._combine("or", terms) or _TRUE}
        if len(terms) == 1:
            return terms[0]
        if op == "and" and not terms:
            return None
        return {"op": op, "terms": [term or _TRUE for term in terms]}

    def _count(self, depth: int) -> None:
        self._terms += 1
        if depth > MAX_NESTING:
            raise table_error(f"Invalid query: nested more than {MAX_NESTING} levels deep")
        if self._terms > MAX_TERMS:
            raise table_error(f"Invalid query: more than {MAX_TERMS} terms")

    def _row_query(self, query: Any, depth: int) -> Condition | None:
        self._count(depth)
        name = _query_name(query)
        if name not in _COMBINATIONS:
            raise table_error(f"Invalid query operator: {name or _describe(query)}")
        content = query.value
        operands = self._operands(content.get("args"), content.get("kwargs") or {}, depth)
        return self._combine(_COMBINATIONS[name], operands)

    def _column_query(self, column: Column, value: Any, depth: int) -> Condition | None:
        self._count(depth)
        if is_plain_value(value):
            return self._equality(column, value)
        name, content = _query_name(value), value.value
        if name in _COMBINATIONS:
            if content.get("kwargs"):
                given = ", ".join(f"'{key}'" for key in content["kwargs"])
                label = "not_() or none_of" if name == "none_of" else name
                raise table_error(
                    "Cannot specify keyword arguments when limiting column values with "
                    f"{label}(): {given}"
                )
            terms = [
                self._column_query(column, arg, depth + 1) for arg in content.get("args") or []
            ]
            if name == "none_of" and not terms:
                return {"op": "not", "term": {"op": "or", "terms": []}}
            return self._combine(_COMBINATIONS[name], terms)
        if name in _INEQUALITIES:
            return self._inequality(column, _INEQUALITIES[name], content.get("value"))
        if name in ("like", "ilike"):
            pattern = self._text_argument(column, name, content.get("pattern"))
            if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
                # Postgres says so only when it meets text that matches as far as that.
                raise table_error("Invalid query: a pattern must not end with a single backslash.")
            return {"op": name, "col": column.id, "value": pattern}
        if name == "full_text_match":
            raw = content.get("raw")
            if not isinstance(raw, bool):
                raise table_error(
                    "Invalid query: 'raw' argument to the 'full_text_match' operator must be "
                    "True or False."
                )
            query = self._text_argument(column, name, content.get("query"))
            return {"op": "full_text_raw" if raw else "full_text", "col": column.id, "value": query}
        raise table_error(f"Invalid query object: {_describe(value)}")

    def _text_argument(self, column: Column, operator: str, value: Any) -> str:
        if not isinstance(value, str):
            raise table_error(
                f"Invalid query: Argument to the '{operator}' operator must be a string."
            )
        if column.type != "string":
            kind = type_name(self._schema, column.type, column.target)
            raise table_error(
                f"Invalid query: Cannot use '{operator}' operator on column '{column.name}', "
                f"which is a {kind}."
            )
        return check_text(column, value)

    def _equality(self, column: Column, value: Any) -> Condition:
        if column.type == "media" and value is not None:
            raise table_error("Media columns can only be searched for None")
        if not fits(value, column):
            found = type_of(value)
            wanted = type_name(self._schema, column.type, column.target)
            got = "" if found.error else type_name(self._schema, found.type, found.target)
            raise table_error(
                f"Column '{column.name}' can only be searched with a {wanted}"
                + (f" (not a {got})" if got else "")
                + f" in table '{self._table.title}'"
            )
        return {"op": "eq", "col": column.id, "value": encode(column, value)}

    def _inequality(self, column: Column, op: str, value: Any) -> Condition:
        found = type_of(value)
        if column.type not in ("string", "number", "date", "datetime"):
            raise table_error(
                f"Invalid query: Cannot use inequality operators to query column '{column.name}' "
                f"of type {column.type}"
            )
        kinds = ("date", "datetime") if column.type in ("date", "datetime") else (column.type,)
        if found.type not in kinds:
            raise table_error(
                f"Invalid query: Cannot query {column.type} column '{column.name}' with a value of "
                f"type {found.type}"
            )
        if found.type == "date":
            text: str | None = value.isoformat()
        elif found.type == "datetime":
            text = encode(_as_datetime(column), value)
        else:
            text = encode(column, value)
        return {"op": op, "col": column.id, "value": text, "as": found.type}


_TRUE: Condition = {"op": "and", "terms": []}


def _as_datetime(column: Column) -> Column:
    return Column(column.id, column.name, column.sql_name, "datetime", None, False, 0)


def _query_name(query: Any) -> str | None:
    if isinstance(query, PortableValue) and query.type_name.startswith(QUERY):
        return query.type_name[len(QUERY) :]
    return None


def _describe(query: Any) -> str:
    return query.type_name if isinstance(query, PortableValue) else type(query).__name__


def compile_condition(condition: Condition | None, table: Table, alias: str = "t") -> Sql:
    """SQL with ``%s`` placeholders, and their values, for rows of ``table`` named ``alias``."""
    if condition is None:
        return "TRUE", []
    op = condition["op"]
    if op in ("and", "or"):
        return _compile_terms(op, condition["terms"], table, alias)
    if op == "not":
        text, parameters = compile_condition(condition["term"], table, alias)
        return f"NOT ({text})", parameters
    column = table.by_id.get(condition["col"])
    if column is None:
        raise table_error("This search names a column that does not exist any more")
    name, value = f"{alias}.{column.sql}", condition["value"]
    if op == "eq":
        return _compile_equality(column, name, value)
    if op in ("like", "ilike"):
        return f"{name} {op.upper()} %s", [value]
    if op in ("full_text", "full_text_raw"):
        function = "plainto_tsquery" if op == "full_text" else "to_tsquery"
        return f"to_tsvector('english', {name}) @@ {function}('english', %s)", [value]
    return _compile_inequality(column, name, op, value, condition["as"])


def _compile_equality(column: Column, name: str, value: str | None) -> Sql:
    if value is None:
        return f"{name} IS NULL", []
    operator = "@>" if column.type in ("simpleObject", LINK_MULTIPLE) else "="
    return f"({name} IS NOT NULL AND {name} {operator} %s::{column.cast})", [value]


def _compile_inequality(column: Column, name: str, op: str, value: str, kind: str) -> Sql:
    if op not in _INEQUALITIES.values():
        raise table_error(f"Could not generate SQL for query operator {op!r}")
    if kind == column.type:
        return f"{name} {op} %s::{column.cast}", [value]
    if kind == "date":  # a date stands for its midnight in UTC
        return f"{name} {op} (%s::date)::timestamp AT TIME ZONE 'UTC'", [value]
    return f"({name}::timestamp AT TIME ZONE 'UTC') {op} %s::timestamptz", [value]


def _compile_terms(op: str, terms: list[Condition], table: Table, alias: str) -> Sql:
    if not terms:
        return ("TRUE" if op == "and" else "FALSE"), []
    if op == "or" and len(terms) > 1 and (merged := _merge_equalities(terms, table, alias)):
        return merged
    texts, parameters = [], []
    for term in terms:
        text, values = compile_condition(term, table, alias)
        texts.append(text)
        parameters += values
    return f"({f' {op.upper()} '.join(texts)})", parameters


def _merge_equalities(terms: list[Condition], table: Table, alias: str) -> Sql | None:
    """``any_of`` many values of one column as one array, so that its size does not matter."""
    first = terms[0]
    column = table.by_id.get(first.get("col", 0))
    if column is None or column.type in ("simpleObject", LINK_MULTIPLE, "media"):
        return None
    for term in terms:
        if term["op"] != "eq" or term["col"] != column.id or term["value"] is None:
            return None
    name = f"{alias}.{column.sql}"
    text = f"({name} IS NOT NULL AND {name} = ANY (%s::text[]::{column.cast}[]))"
    return text, [[term["value"] for term in terms]]


def fixed_values(condition: Condition | None) -> dict[int, str | None]:
    """What a view's condition says that a new row must hold: text by column id
    (``infer-values-from-query``)."""
    if condition is None:
        return {}
    if condition["op"] == "eq":
        return {condition["col"]: condition["value"]}
    if condition["op"] == "and":
        found: dict[int, str | None] = {}
        for term in condition["terms"]:
            found.update(fixed_values(term))
        return found
    return {}
