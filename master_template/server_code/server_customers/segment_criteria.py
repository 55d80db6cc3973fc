"""Criteria of a segment as they come in: checked, brought into normal form, and told in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any

from babel.dates import format_date

from ..server_shared.config import Business, read_business
from ..server_shared.errors import InvalidError
from ..server_shared.formatting import read_locale
from ..server_shared.money import format_money
from ..server_shared.validators import Choice, Day, Int, Items, Rule, Text, shown
from ..shared.currencies import minor_digits
from .contact_fields import TAG
from .segment_fields import FIELDS, KINDS, Field, Operator
from .segment_language import Criteria

MATCHES = ("all", "any", "none")
MAX_RULES = 30  # Of one segment, those in groups counted.
MAX_WORDS = 50  # Of one rule that takes several.
MAX_DAYS = 3_650
MAX_AMOUNT = 10**13
_YEARS = range(1900, 2200)
# What the plain form knows; see :func:`_from_plain`.
PLAIN_KEYS = ("status", "lifecycle_stage", "tags", "total_spent_min", "days_since_contact")

Faults = dict[str, str]


class CriteriaRule(Rule):
    """Who belongs to a segment, in the language of ``segment_language``. A fault is named by its
    place: ``rules.0.value``, or ``rules.1.rules.0.field`` in a group.

    The plain form is taken too, a dict with some of PLAIN_KEYS that all have to hold.
    """

    def check(self, value: Any) -> Criteria:
        if not isinstance(value, Mapping):
            raise self.refuse("a group of rules", value)
        given = value
        if "match" not in value and "rules" not in value:
            given = _from_plain(value)
        faults: Faults = {}
        group = _clean_group(given, "", faults, is_outermost=True)
        if not faults and _count(group) > MAX_RULES:
            faults["rules"] = f"A segment may have at most {MAX_RULES} rules, not {_count(group)}."
        if faults:
            raise InvalidError(" ".join(faults.values()), fields=faults)
        return group


CRITERIA = CriteriaRule("Who belongs to it", required=True)


def clean(criteria: Any) -> Criteria:
    """Criteria in normal form. Raises :class:`InvalidError` with a message at each fault."""
    cleaned: Criteria = CRITERIA.clean(criteria)
    return cleaned


def _from_plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """The rules that the plain form stands for; money is in whole units of the currency there."""
    unknown = [str(key) for key in islice((key for key in value if key not in PLAIN_KEYS), 5)]
    if unknown:
        known = ", ".join(PLAIN_KEYS)
        raise InvalidError(
            f"Who belongs to it is told by match and rules, or by {known}; "
            f"not by {shown(', '.join(unknown))}.",
            field="rules",
        )
    rules: list[dict[str, Any]] = []

    def add(field: str, operator: str, wanted: Any) -> None:
        rules.append({"field": field, "operator": operator, "value": wanted})

    for name, operator in (
        ("status", "is_any_of"),
        ("lifecycle_stage", "is_any_of"),
        ("tags", "has_any_of"),
    ):
        wanted = value.get(name)
        if wanted:
            add(name, operator, [wanted] if isinstance(wanted, str) else wanted)
    spent = value.get("total_spent_min")
    if spent:
        add("total_spent", "more_than", _cents(spent))
    if value.get("days_since_contact"):
        add("last_contact_date", "more_than_days_ago", value["days_since_contact"])
    return {"match": "all", "rules": rules}


def _cents(amount: Any) -> Any:
    """Whole units of the currency of the business as its smallest ones; what is no amount stays as
    it came, for the rule to refuse."""
    is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
    if not is_number or not abs(amount) <= MAX_AMOUNT:  # NaN is never within a limit.
        return amount
    return round(amount * 10 ** minor_digits(read_business().currency))


def _clean_group(
    value: Mapping[str, Any], place: str, faults: Faults, *, is_outermost: bool
) -> Criteria:
    match = value.get("match", "all")
    if match not in MATCHES:
        faults[f"{place}match"] = f"Choose one of {', '.join(MATCHES)}, not {shown(match)}."
    given = value.get("rules")
    if not isinstance(given, list | tuple) or not given:
        faults[f"{place}rules"] = "Add at least one rule."
        return {"match": match, "rules": []}
    if len(given) > MAX_RULES:
        faults[f"{place}rules"] = f"A segment may have at most {MAX_RULES} rules, not {len(given)}."
        return {"match": match, "rules": []}
    rules = []
    for number, rule in enumerate(given):
        here = f"{place}rules.{number}."
        if not isinstance(rule, Mapping):
            faults[f"{here}field"] = "Choose what the rule looks at."
        elif "rules" not in rule:
            rules.append(_clean_rule(rule, here, faults))
        elif is_outermost:
            rules.append(_clean_group(rule, here, faults, is_outermost=False))
        else:
            faults[f"{here}field"] = "A group may hold rules, but no further groups."
    return {"match": match, "rules": rules}


def _clean_rule(rule: Mapping[str, Any], place: str, faults: Faults) -> dict[str, Any]:
    name, operator = rule.get("field"), rule.get("operator")
    if not isinstance(name, str) or name not in FIELDS:
        wrong = f", not {shown(name)}" if name else ""
        faults[f"{place}field"] = f"Choose what the rule looks at{wrong}."
        return {}
    operators = KINDS[FIELDS[name].kind]
    if not isinstance(operator, str) or operator not in operators:
        faults[f"{place}operator"] = (
            f"{FIELDS[name].label} is compared by one of {', '.join(operators)}, "
            f"not {shown(operator)}."
        )
        return {}
    kept = {"field": name, "operator": operator}
    wanted = operators[operator].value
    if wanted == "none":
        return kept
    try:
        value = _VALUES[wanted](FIELDS[name], rule.get("value"))
    except InvalidError as error:
        faults[f"{place}value"] = error.message
        return {}
    return {**kept, "value": value}


def _words(field: Field, value: Any) -> list[str]:
    item: Rule = Text(field.label, max_chars=100)
    if field.options:
        item = Choice(field.label, field.options)
    elif field.kind == "tags":
        item = TAG
    words = Items(field.label, item, max_items=MAX_WORDS, default=[]).clean(value)
    if not words:
        raise InvalidError(f"Choose at least one for {field.label}.")
    return list(words)


def _text(field: Field, value: Any) -> str:
    return str(Text(field.label, max_chars=200, required=True).clean(value))


def _amount(field: Field, value: Any) -> int:
    return int(Int(field.label, minimum=0, maximum=MAX_AMOUNT, required=True).clean(value))


def _days(field: Field, value: Any) -> int:
    return int(Int("The number of days", minimum=1, maximum=MAX_DAYS, required=True).clean(value))


def _day(field: Field, value: Any) -> str:
    day: date = Day(field.label, required=True).clean(value)
    if day.year not in _YEARS:
        raise InvalidError(f"{field.label} must be a date from 1900 to 2199, not {shown(value)}.")
    return day.isoformat()


def _pair_of(clean_one: Callable[[Field, Any], Any]) -> Callable[[Field, Any], list[Any]]:
    def clean_pair(field: Field, value: Any) -> list[Any]:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise InvalidError(f"{field.label} needs where it begins and where it ends.")
        first, last = (clean_one(field, each) for each in value)
        if first > last:
            raise InvalidError(f"{field.label} ends before it begins.")
        return [first, last]

    return clean_pair


_VALUES: dict[str, Callable[[Field, Any], Any]] = {
    "words": _words,
    "text": _text,
    "number": _amount,
    "money": _amount,
    "numbers": _pair_of(_amount),
    "amounts": _pair_of(_amount),
    "days": _days,
    "day": _day,
    "period": _pair_of(_day),
}


def _count(group: Criteria) -> int:
    return sum(_count(rule) if "rules" in rule else 1 for rule in group["rules"])


def describe(criteria: Criteria, business: Business) -> str:
    """Criteria as a sentence: ``Status is customer and Total spent is at least R 5 000``."""
    return _join(criteria, business)


def _join(group: Criteria, business: Business) -> str:
    parts = list(_parts(group, business))
    if group["match"] == "none":
        return "none of: " + "; ".join(parts)
    return (" and " if group["match"] == "all" else " or ").join(parts)


def _parts(group: Criteria, business: Business) -> Iterator[str]:
    for rule in group["rules"]:
        if "rules" in rule:
            yield f"({_join(rule, business)})"
            continue
        field = FIELDS[rule["field"]]
        operator = KINDS[field.kind][rule["operator"]]
        yield f"{field.label} {operator.label}{_told(field, operator, rule.get('value'), business)}"


def _told(field: Field, operator: Operator, value: Any, business: Business) -> str:
    if operator.value == "none":
        return ""
    if operator.value == "days":
        ago = " ago" if operator.label.endswith("more than") else ""
        return f" {value} {'day' if value == 1 else 'days'}{ago}"
    if operator.value in ("numbers", "amounts", "period"):
        return f" {_shown(operator, value[0], business)} and {_shown(operator, value[1], business)}"
    if operator.value == "words":
        if field.kind == "birthday":
            value = [word.capitalize() for word in value]
        return " " + " or ".join(str(word).replace("_", " ") for word in value)
    return " " + _shown(operator, value, business)


def _shown(operator: Operator, value: Any, business: Business) -> str:
    if operator.value in ("money", "amounts"):
        return format_money(value, business.currency, business.locale)
    if operator.value in ("day", "period"):
        day = date.fromisoformat(value)
        return str(format_date(day, format="medium", locale=read_locale(business.locale)))
    return str(value)
