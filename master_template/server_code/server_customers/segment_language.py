"""The language in which a segment says who belongs to it.

Criteria are JSON: a group of rules, of which some may be groups again, once.

    {"match": "all", "rules": [
        {"field": "status", "operator": "is_any_of", "value": ["customer"]},
        {"match": "any", "rules": [
            {"field": "total_spent", "operator": "at_least", "value": 500000},
            {"field": "last_contact_date", "operator": "in_last_days", "value": 30}]}]}

``match`` is all, any or none; ``segment_fields`` has the fields, operators and kinds of value.
Criteria stand for the same set whether the database finds it (:func:`compile`) or one contact is
looked at (:func:`matches`). So that both agree where a column is empty, every comparison here is
true or false, never unknown: an empty column is in no range, has no text, and counts as zero, and
"is not" is true of whatever "is" is not true of.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from anvil.tables import query as q

from . import segment_birthdays
from .segment_fields import FIELDS, KINDS, Field

Criteria = dict[str, Any]
Bound = tuple[str, Any]  # how a value compares to a limit, and the limit

_COMPARED: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], bool]]] = {
    ">": (q.greater_than, operator.gt),
    ">=": (q.greater_than_or_equal_to, operator.ge),
    "<": (q.less_than, operator.lt),
    "<=": (q.less_than_or_equal_to, operator.le),
}
# How an operator on texts stands in a pattern of LIKE.
_PATTERNS = {"is": "{}", "contains": "%{}%", "starts_with": "{}%", "ends_with": "%{}"}
_RANGED = ("number", "money", "date")


def compile(criteria: Criteria, now: datetime) -> Any:
    """The condition on ``contacts`` that criteria in normal form stand for at a moment.

    ``now`` is aware, in the time zone of the business: there its days begin and end.
    """
    combine = {"all": q.all_of, "any": q.any_of, "none": q.none_of}[criteria["match"]]
    return combine(
        *(
            compile(rule, now) if "rules" in rule else _condition(rule, now)
            for rule in criteria["rules"]
        )
    )


def matches(criteria: Criteria, values: Any, now: datetime) -> bool:
    """Whether a contact (its row, or a mapping of its columns) is one of those that
    :func:`compile` finds."""
    found = (
        matches(rule, values, now) if "rules" in rule else _holds(rule, values, now)
        for rule in criteria["rules"]
    )
    if criteria["match"] == "all":
        return all(found)
    return any(found) == (criteria["match"] == "any")


def each_rule(criteria: Criteria) -> Iterator[dict[str, Any]]:
    """The rules of criteria, those in groups too."""
    for rule in criteria["rules"]:
        if "rules" in rule:
            yield from each_rule(rule)
        else:
            yield rule


def depends_on_time(criteria: Criteria) -> bool:
    """Whether someone can come to belong or cease to without having changed."""
    return any(
        KINDS[FIELDS[rule["field"]].kind][rule["operator"]].by_time for rule in each_rule(criteria)
    )


def columns_of(criteria: Criteria) -> set[str]:
    """The columns of a contact that criteria look at."""
    return {FIELDS[rule["field"]].column for rule in each_rule(criteria)}


def _plain(rule: Mapping[str, Any]) -> tuple[Field, str, bool]:
    """The field of a rule, the operator without a "not", and whether there was one."""
    field, name = FIELDS[rule["field"]], rule["operator"]
    negated = KINDS[field.kind][name].negates
    return field, negated or name, bool(negated)


def _condition(rule: Mapping[str, Any], now: datetime) -> Any:
    field, name, is_negated = _plain(rule)
    found = _positive(field, name, rule.get("value"), now)
    return q.not_(found) if is_negated else found


def _positive(field: Field, name: str, value: Any, now: datetime) -> Any:
    column = field.column
    if name == "is_empty":
        empty = (None, "") if field.kind == "text" else (None,)
        return q.all_of(**{column: q.any_of(*empty)})
    if field.kind == "birthday":
        spans = segment_birthdays.spans_of(name, value, now)
        return q.all_of(**{column: segment_birthdays.condition(spans, now)})
    if field.kind in _RANGED:
        bounds = _bounds(name, value, now)
        terms = [_COMPARED[sign][0](limit) for sign, limit in bounds]
        inside = q.all_of(**{column: q.all_of(q.not_(None), *terms)})
        counts_empty = field.kind != "date" and _is_inside(0, bounds)
        return q.any_of(q.all_of(**{column: None}), inside) if counts_empty else inside
    if field.kind == "text":
        return q.all_of(**{column: q.all_of(q.not_(None), q.ilike(pattern(name, value)))})
    if field.kind == "tags":
        combine = q.all_of if name == "has_all_of" else q.any_of
        return combine(*(q.all_of(**{column: [tag]}) for tag in value))
    if field.kind == "yes_no":
        return q.all_of(**{column: {field.key: True} if field.key else q.not_(None)})
    if field.key:
        return q.any_of(*(q.all_of(**{column: {field.key: word}}) for word in value))
    return q.all_of(**{column: q.any_of(*value)})


def pattern(name: str, text: str) -> str:
    """What LIKE compares with for an operator on texts, ``text`` taken literally."""
    return _PATTERNS[name].format(re.sub(r"([\\%_])", r"\\\1", text))


def _holds(rule: Mapping[str, Any], values: Any, now: datetime) -> bool:
    field, name, is_negated = _plain(rule)
    return _holds_positive(field, name, rule.get("value"), values[field.column], now) != is_negated


def _holds_positive(field: Field, name: str, value: Any, held: Any, now: datetime) -> bool:
    if name == "is_empty":
        return held is None or (field.kind == "text" and held == "")
    if field.kind == "birthday":
        return segment_birthdays.holds(held, segment_birthdays.spans_of(name, value, now), now)
    if field.kind in _RANGED:
        if held is None and field.kind != "date":
            held = 0
        return held is not None and _is_inside(held, _bounds(name, value, now))
    if field.kind == "text":
        return held is not None and _is_like(name, str(held).lower(), value.lower())
    if field.kind == "tags":
        present = set(held or ())
        return set(value) <= present if name == "has_all_of" else not present.isdisjoint(value)
    if field.key:
        held = (held or {}).get(field.key)
    if field.kind == "yes_no":
        return held is True if field.key else held is not None
    return held in value


def _is_like(name: str, held: str, wanted: str) -> bool:
    if name == "is":
        return held == wanted
    if name == "contains":
        return wanted in held
    return held.startswith(wanted) if name == "starts_with" else held.endswith(wanted)


def _is_inside(held: Any, bounds: list[Bound]) -> bool:
    return all(_COMPARED[sign][1](held, limit) for sign, limit in bounds)


def _bounds(name: str, value: Any, now: datetime) -> list[Bound]:
    """What an operator on amounts or times asks for."""
    if name in _OF_TIME:
        return _OF_TIME[name](value, now)
    if name == "between" and isinstance(value[0], str):
        return [(">=", _midnight(value[0], now)), ("<", _midnight(value[1], now, days=1))]
    return {
        "at_least": lambda: [(">=", value)],
        "at_most": lambda: [("<=", value)],
        "more_than": lambda: [(">", value)],
        "less_than": lambda: [("<", value)],
        "is": lambda: [(">=", value), ("<=", value)],
        "between": lambda: [(">=", value[0]), ("<=", value[1])],
    }[name]()


_OF_TIME: dict[str, Callable[[Any, datetime], list[Bound]]] = {
    "in_last_days": lambda days, now: [(">=", now - timedelta(days=days)), ("<=", now)],
    "more_than_days_ago": lambda days, now: [("<", now - timedelta(days=days))],
    "in_next_days": lambda days, now: [(">=", now), ("<", now + timedelta(days=days))],
    "on_or_after": lambda day, now: [(">=", _midnight(day, now))],
    "before": lambda day, now: [("<", _midnight(day, now))],
}


def _midnight(day: str, now: datetime, days: int = 0) -> datetime:
    """The beginning of a day, or of one some days later, where ``now`` is told."""
    start = date.fromisoformat(day) + timedelta(days=days)
    return datetime.combine(start, time(), tzinfo=now.tzinfo)
