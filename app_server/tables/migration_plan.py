"""A plan of changes: what will be done to the tables, what that means for the values in them, and
how a person or a program reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

SHOWN_EXAMPLES = 5
"""Values or rows that are listed of those that stand in the way."""

MAX_EXAMPLE_CHARS = 60


class Kind(Enum):
    """What a change means for values. Only the last two stop a migration."""

    SAFE = "safe"
    CONVERTS = "converts"
    ASIDE = "set aside"
    """The app no longer sees these values. They stay in the database until they are purged."""
    LOSES = "loses values"
    """Some values that the app still asks for become None; ``--allow-data-loss`` accepts it. Even
    then the old ones are set aside."""
    IMPOSSIBLE = "cannot be done"
    """Rows break a rule that is to hold from now on."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A question to the data. ``query`` gives one row: number of rows, of values, of those that
    stand in the way, and examples of these as JSON (``[{"row": id, "value": text}]``).
    ``kind_if_failing``: what the change becomes if there are any. ``fault``: what is wrong with
    them, after their number ("are no numbers")."""

    query: str
    kind_if_failing: Kind = Kind.LOSES
    fault: str = ""
    optional: bool = False
    """Whether the change may be tried though the question cannot be asked."""


@dataclass(frozen=True, slots=True)
class Example:
    row: int
    value: str

    def __str__(self) -> str:
        return f"{self.value} (row {self.row})" if self.value else f"row {self.row}"


@dataclass(slots=True)
class Change:
    """``text`` says what is done; the rest is filled in from the data by ``migration_probes``.

    ``moves`` tells that a server which does not know of the change could read or write wrongly;
    ``locks`` are the quoted SQL names of tables that nobody may use meanwhile, and
    ``locks_writes`` of those that may still be read.
    """

    text: str
    kind: Kind = Kind.SAFE
    table: str | None = None
    column: str | None = None
    probe: Probe | None = None
    note: str = ""
    moves: bool = False
    locks: tuple[str, ...] = ()
    locks_writes: tuple[str, ...] = ()
    rows: int | None = None
    values: int | None = None
    failing: int = 0
    examples: tuple[Example, ...] = ()

    kind_before: Kind = field(init=False)
    """Without what the data say."""

    def __post_init__(self) -> None:
        self.kind_before = self.kind

    @property
    def sets_aside(self) -> bool:
        """Whether values that were visible are no longer so after it."""
        return self.kind in (Kind.ASIDE, Kind.LOSES)

    @property
    def detail(self) -> str:
        """What the data say to it, or nothing."""
        parts = []
        if self.values is not None and self.kind_before is Kind.CONVERTS and self.values:
            parts.append(f"{self.values - self.failing:,} of {self._count} convert")
        elif self.values is not None and not self.failing:
            parts.append(self._count)
        if self.failing:
            shown = ", ".join(map(str, self.examples))
            if shown and self.failing > len(self.examples):
                shown += ", ..."
            fault = self.probe.fault if self.probe else ""
            parts.append(f"{self.failing:,} {fault}{': ' if shown else ''}{shown}")
        if self.note:
            parts.append(self.note)
        return "; ".join(parts)

    @property
    def _count(self) -> str:
        noun = "value" if self.column else "row"
        if not self.values:
            return f"no {noun}s"
        return f"{self.values:,} {noun}{'' if self.values == 1 else 's'}"

    def __str__(self) -> str:
        detail = self.detail
        return f"[{self.kind.value}] {self.text}" + (f": {detail}" if detail else "")

    def to_json(self) -> dict[str, Any]:
        """``{"kind", "change", "table", "column", "rows", "values", "failing", "examples": [{"row",
        "value"}], "note"}``."""
        return {
            "kind": self.kind.value,
            "change": self.text,
            "table": self.table,
            "column": self.column,
            "rows": self.rows,
            "values": self.values,
            "failing": self.failing,
            "examples": [{"row": e.row, "value": e.value} for e in self.examples],
            "note": self.note,
        }


@dataclass(slots=True)
class Plan:
    """``steps``: what to do, in an order that works, each with the change that it is part of.
    ``renames``: package and id of the renames of ``migrations.yaml`` that it takes care of; where
    they change nothing, the plan is empty and they are only noted."""

    changes: list[Change] = field(default_factory=list)
    steps: list[tuple[Change, tuple[str, ...]]] = field(default_factory=list)
    renames: tuple[tuple[str, str], ...] = ()
    notes: list[str] = field(default_factory=list)
    """Statements that only note in the meta schema which renames were looked at."""
    is_first: bool = False
    """Whether there are no tables yet, so that all of them are new."""

    def add(self, text: str, statements: Iterable[str] = (), **options: Any) -> Change:
        change = Change(text, **options)
        self.changes.append(change)
        self.go_on(change, statements)
        return change

    def go_on(self, change: Change, statements: Iterable[str]) -> None:
        """Another step of a change that began before."""
        self.steps.append((change, tuple(statements)))

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        return "\n".join(f"  - {change}" for change in self.changes)

    @property
    def losses(self) -> list[Change]:
        return [change for change in self.changes if change.kind is Kind.LOSES]

    @property
    def obstacles(self) -> list[Change]:
        return [change for change in self.changes if change.kind is Kind.IMPOSSIBLE]

    @property
    def moves(self) -> bool:
        return any(change.moves for change in self.changes)

    def refusal(self, *, allow_data_loss: bool) -> str:
        """Why the plan must not be carried out; empty if it may."""
        if self.obstacles:
            return (
                "The data tables cannot be changed as this app wants; nothing was.\n"
                f"{_list(self.obstacles)}\n"
                "Correct these rows, or the rule, and try again."
            )
        if self.losses and not allow_data_loss:
            return (
                "The data tables were not changed, because values would be lost to the app:\n"
                f"{_list(self.losses)}\n"
                "Correct these values, tell a rename in migrations.yaml, or start with "
                "--allow-data-loss: then they become None, and the old ones are kept aside."
            )
        return ""

    def to_json(self) -> dict[str, Any]:
        """``{"changes": [...], "needs_data_loss": bool, "possible": bool}``."""
        return {
            "changes": [change.to_json() for change in self.changes],
            "needs_data_loss": bool(self.losses),
            "possible": not self.obstacles,
        }

    def dumps(self) -> str:
        return json.dumps(self.to_json(), ensure_ascii=False)


def _list(changes: Iterable[Change]) -> str:
    return "\n".join(f"  - {change}" for change in changes)


def read_examples(raw: Iterable[Mapping[str, Any]] | None) -> tuple[Example, ...]:
    """From the JSON that a probe gives."""
    return tuple(Example(int(item["row"]), str(item.get("value") or "")) for item in raw or ())
