"""The rules of dunning as they are set, and changing them."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from anvil.tables import app_tables

from master_template.server_shared import audit, clock
from master_template.server_shared.errors import ConflictError, InvalidError
from master_template.server_shared.validators import Int

from ..server_console.callables import server_callable
from .accounts import ENDED
from .billing_fields import DUNNING
from .dunning_steps import CaseFacts, DunningRules, next_step


def read_rules() -> DunningRules:
    """The rules; what nobody has set is as :class:`DunningRules` says."""
    return _from_row(app_tables.billing_settings.get(is_singleton=True))


@server_callable(needs="billing.view")
def get_dunning_rules() -> dict[str, Any]:
    """``{"rules", "version"}``; version 0 until somebody has set them."""
    row = app_tables.billing_settings.get(is_singleton=True)
    return {"rules": _shown(_from_row(row)), "version": int(row["version"]) if row else 0}


@server_callable(
    needs="billing.manage",
    takes={"rules": DUNNING, "version": Int("The version", minimum=0, required=True)},
    audit="billing_settings.update",
)
def update_dunning_rules(rules: dict[str, Any], version: int) -> dict[str, Any]:
    """Change the rules: ``{"rules", "version"}``. Open cases go on by the new ones."""
    rules["reminder_days"] = sorted(rules["reminder_days"] or [])
    wanted = _from(rules)
    problems = wanted.problems()
    if problems:
        raise InvalidError(" ".join(problems.values()), fields=problems)
    row = app_tables.billing_settings.get(is_singleton=True)
    before = _shown(_from_row(row))
    changes = {name: [before[name], rules[name]] for name in rules if rules[name] != before[name]}
    if not changes:
        audit.unchanged()
        return get_dunning_rules()
    if (int(row["version"]) if row else 0) != version:
        raise ConflictError(
            "Someone else changed these settings while you were editing. Nothing has been saved "
            "yet; what you typed is still here.",
            code="edited_meanwhile",
        )
    if row is None:
        row = app_tables.billing_settings.add_row(is_singleton=True, version=0)
    row.update(dunning=_shown(wanted), version=version + 1, updated_at=clock.now())
    audit.record("update", "billing_settings", "dunning", changes)
    _plan_cases_anew(wanted)
    return get_dunning_rules()


def _plan_cases_anew(rules: DunningRules) -> None:
    for case in app_tables.billing_cases.search(closed_at=None):
        plan_next(case, rules, clock.now())


def _from_row(row: Any) -> DunningRules:
    return _from(dict((row["dunning"] if row is not None else None) or {}))


def _from(kept: dict[str, Any]) -> DunningRules:
    known = {field.name for field in fields(DunningRules)}
    given = {name: value for name, value in kept.items() if name in known}
    if "reminder_days" in given:
        given["reminder_days"] = tuple(int(day) for day in given["reminder_days"])
    return DunningRules(**given)


def _shown(rules: DunningRules) -> dict[str, Any]:
    return {**asdict(rules), "reminder_days": list(rules.reminder_days)}


def facts_of(case: Any) -> CaseFacts:
    """What the rules go by."""
    return CaseFacts(
        opened_at=case["opened_at"],
        has_ended=case["reason"] == ENDED,
        last_day=int(case["last_day"]),
        warned_at=case["warned_at"],
        suspended_at=case["suspended_at"],
    )


def plan_next(case: Any, rules: DunningRules, now: datetime) -> None:
    """Write down what comes next in a case."""
    found = next_step(facts_of(case), rules, now)
    case.update(
        next_step=found[0].value if found else None, next_step_at=found[1] if found else None
    )
