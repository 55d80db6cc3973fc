"""The kinds of tasks that Mybizz makes by itself, and what the owner says of each.

RULES has what there is and its defaults; a row of ``task_rules`` what the owner has changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from anvil.tables import app_tables

from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.config import Business, read_business
from ..server_shared.errors import ConflictError, InvalidError
from ..server_shared.validators import Bool, Choice, Int, Record, Text
from . import task_fields

WORDS = ("name", "date", "service")
MAX_DAYS = 90


@dataclass(frozen=True)
class TaskRule:
    """One kind of automatic task. ``title`` may hold {name}, {date} and {service}; ``on_for`` are
    the features of which one has it switched on from the start."""

    name: str
    label: str
    about: str
    title: str
    days: int
    days_label: str
    on_for: tuple[str, ...]
    is_enabled: bool = False
    assigned_to: Any = None
    version: int = 0

    def fill(self, name: str, date: str = "", service: str = "") -> str:
        """The title of a task for somebody."""
        words = {"name": name, "date": date, "service": service}
        filled = re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], ""), self.title)
        return " ".join(filled.split())[:200]


RULES: Mapping[str, TaskRule] = {
    rule.name: rule
    for rule in (
        TaskRule(
            "arrival_instructions",
            "Arrival instructions",
            "Before a booking begins: how to get there, where the key is, what to bring.",
            "Send arrival instructions to {name} for {date}",
            7,
            "Days before it begins",
            ("hospitality",),
        ),
        TaskRule(
            "follow_up",
            "Follow-up",
            "After a stay or an appointment: how was it, and is anything left to do?",
            "Ask {name} how it was: {service}",
            1,
            "Days after it ends",
            ("hospitality",),
        ),
        TaskRule(
            "review_request",
            "Review request",
            "After a stay or an appointment, at most every 90 days for each customer.",
            "Ask {name} for a review",
            3,
            "Days after it ends",
            ("reviews",),
        ),
        TaskRule(
            "win_back",
            "Lost customers",
            "When somebody who used to come has become lost: a call or an offer may bring them "
            "back.",
            "Win {name} back",
            1,
            "Days until it is due",
            ("bookings", "hospitality", "services", "ecommerce", "memberships"),
        ),
    )
}


def read_rules(business: Business | None = None) -> dict[str, TaskRule]:
    """Every rule as it holds now, by its name."""
    business = business or read_business()
    changed = {row["name"]: row for row in app_tables.task_rules.search()}
    found = {}
    for name, rule in RULES.items():
        row = changed.get(name)
        if row is None:
            is_enabled = any(business.has_feature(feature) for feature in rule.on_for)
            found[name] = replace(rule, is_enabled=is_enabled)
        else:
            found[name] = replace(
                rule,
                is_enabled=bool(row["is_enabled"]),
                days=int(row["days"]),
                title=row["title"] or rule.title,
                assigned_to=row["assigned_to"],
                version=int(row["version"] or 1),
            )
    return found


def rule_dict(rule: TaskRule) -> dict[str, Any]:
    """A rule as a caller sees it."""
    person = rule.assigned_to
    return {
        "name": rule.name,
        "label": rule.label,
        "about": rule.about,
        "title": rule.title,
        "days": rule.days,
        "days_label": rule.days_label,
        "is_enabled": rule.is_enabled,
        "assigned_to": person.get_id() if person else None,
        "version": rule.version,
    }


@server_callable(needs="customers.view")
def list_task_rules() -> dict[str, Any]:
    """``{"rules": [...]}``: the automatic tasks there are, in the order of a customer's way."""
    return {"rules": [rule_dict(rule) for rule in read_rules().values()]}


@server_callable(
    needs="settings.manage",
    takes={
        "name": Choice("The rule", tuple(RULES), required=True),
        "values": Record(
            "The rule",
            {
                "is_enabled": Bool("Switched on", default=False),
                "days": Int("Days", minimum=0, maximum=MAX_DAYS, required=True),
                "title": Text("Title", max_chars=200, required=True),
                "assigned_to": task_fields.ASSIGNEE,
            },
            required=True,
        ),
        "version": Int("The version", minimum=0, required=True),
    },
    audit="task_rule.update",
)
def update_task_rule(name: str, values: dict[str, Any], version: int) -> dict[str, Any]:
    """Change an automatic task that the caller has read as ``version``: ``{"rule": {...}}``.

    Raises :class:`ConflictError` (``edited_meanwhile``), and :class:`InvalidError` for a title with
    words in braces that are not WORDS.
    """
    rule = read_rules()[name]
    if rule.version != version:
        raise ConflictError(
            "Somebody else has changed this meanwhile. Look at it again before you save.",
            code="edited_meanwhile",
        )
    unknown = [word for word in re.findall(r"\{(.*?)\}", values["title"]) if word not in WORDS]
    if unknown:
        raise InvalidError(
            f"In braces there may be {', '.join(WORDS)}, not {unknown[0]}.", field="title"
        )
    columns = {**values, "assigned_to": task_fields.find_assignee(values["assigned_to"])}
    changes = {
        key: [_told(getattr(rule, key)), _told(value)]
        for key, value in columns.items()
        if getattr(rule, key) != value
    }
    if not changes:
        audit.unchanged()
        return {"rule": rule_dict(rule)}
    columns |= {"version": version + 1, "updated_at": clock.now()}
    row = app_tables.task_rules.get(name=name)
    if row is None:
        app_tables.task_rules.add_row(name=name, **columns)
    else:
        row.update(**columns)
    audit.record("update", "task_rule", name, changes)
    return {"rule": rule_dict(read_rules()[name])}


def _told(value: Any) -> Any:
    return value.get_id() if hasattr(value, "get_id") else value
