"""What a rule is, and the ones that hold of any value: a choice, a number, a list, a record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from ..errors import InvalidError

MAX_NAMED_FAULTS = 20  # Unknown fields that one refusal names.
INT_LIMIT = 2**53  # Beyond this a browser's number is no longer exact.
SPACES = re.compile(r"\s+")


def shown(value: object, max_chars: int = 40) -> str:
    """The value as a message may quote it: short, on one line."""
    if value is None:
        return "nothing"
    if isinstance(value, list | dict | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    text = value if isinstance(value, str) else repr(value)
    text = SPACES.sub(" ", text[: max_chars * 4]).strip()
    return f'"{text[: max_chars - 1]}…"' if len(text) > max_chars else f'"{text}"'


class Rule:
    """One rule. ``label`` is how a message names the field, ``required`` refuses nothing and ''."""

    def __init__(self, label: str, *, required: bool = False, default: Any = None) -> None:
        self.label = label
        self.required = required
        self.default = default

    def clean(self, value: Any) -> Any:
        """The value to keep. Raises :class:`InvalidError`."""
        if value is None or (isinstance(value, str) and not value.strip()):
            if self.required:
                raise InvalidError(f"{self.label} is required.")
            return self.default
        return self.check(value)

    def check(self, value: Any) -> Any:
        raise NotImplementedError

    def refuse(self, expected: str, value: object) -> InvalidError:
        return InvalidError(f"{self.label} must be {expected}, not {shown(value)}.")


class Choice(Rule):
    """One of some words."""

    def __init__(
        self, label: str, options: Sequence[str], *, required: bool = False, default: Any = None
    ) -> None:
        super().__init__(label, required=required, default=default)
        self.options = tuple(options)

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.options:
            raise self.refuse("one of " + ", ".join(self.options), value)
        return value


class Bool(Rule):
    """Yes or no."""

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.refuse("yes or no", value)
        return value


class Int(Rule):
    """A whole number within limits."""

    def __init__(
        self,
        label: str,
        *,
        minimum: int = -INT_LIMIT,
        maximum: int = INT_LIMIT,
        required: bool = False,
        default: Any = None,
    ) -> None:
        super().__init__(label, required=required, default=default)
        self.minimum = minimum
        self.maximum = maximum

    def check(self, value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse("a whole number", value)
        if not self.minimum <= value <= self.maximum:
            raise self.refuse(f"from {self.minimum} to {self.maximum}", value)
        return value


class Percent(Rule):
    """From 0 to 100, with two decimals at most."""

    def check(self, value: Any) -> float | int:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
            raise self.refuse("a percentage from 0 to 100", value)
        if round(value, 2) != value:
            raise self.refuse("a percentage with two decimals at most", value)
        return int(value) if value == int(value) else value


class Items(Rule):
    """A list in which every item follows one rule; doubles are dropped, order is kept."""

    def __init__(self, label: str, item: Rule, *, max_items: int, default: Any = None) -> None:
        super().__init__(label, default=default)
        self.item = item
        self.max_items = max_items

    def check(self, value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise self.refuse("a list", value)
        if len(value) > self.max_items:
            raise InvalidError(
                f"{self.label} may have at most {self.max_items} entries, not {len(value)}."
            )
        kept: list[Any] = []
        for item in value:
            cleaned = self.item.clean(item)
            if cleaned is not None and cleaned not in kept:
                kept.append(cleaned)
        return kept


class Record(Rule):
    """A dict with known keys. Faults of all fields are reported together; unknown keys refused.

    With ``partial`` only the keys that came are cleaned and returned (an update); otherwise every
    key is in the result, with its default where it was left out.
    """

    def __init__(
        self,
        label: str,
        fields: Mapping[str, Rule],
        *,
        partial: bool = False,
        required: bool = False,
        default: Any = None,
    ) -> None:
        super().__init__(label, required=required, default=default)
        self.fields = fields
        self.partial = partial

    def check(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise self.refuse("a set of named fields", value)
        faults: dict[str, str] = {}
        for key in islice((key for key in value if key not in self.fields), MAX_NAMED_FAULTS):
            faults[str(key)[:80]] = f"{self.label} has no field called {shown(str(key))}."
        kept: dict[str, Any] = {}
        for key, rule in self.fields.items():
            if self.partial and key not in value:
                continue
            try:
                kept[key] = rule.clean(value.get(key))
            except InvalidError as error:
                nested = {f"{key}.{name}": text for name, text in error.fields.items()}
                faults.update(nested or {key: error.message})
        if faults:
            raise InvalidError(" ".join(faults.values()), fields=faults)
        return kept
