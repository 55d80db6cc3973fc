"""Takes the steps of dunning that are due: a task that comes along every hour.

Each step is a transaction of its own with its mail, so that a task killed anywhere has sent each
mail once or not at all.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import anvil.server
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_shared import audit, clock
from master_template.server_shared.errors import AppError
from master_template.server_shared.outbox import delivering_afterwards
from master_template.server_shared.transactions import in_transaction
from master_template.server_shared.validators import Moment

from ..server_console.callables import TRUSTED_ONLY, server_callable
from . import accounts, billing_mails, stripe_sync
from .dunning import open_case, owed_invoices
from .dunning_rules import facts_of, plan_next, read_rules
from .dunning_steps import Step, next_step, reminder_day
from .stripe_gateway import open_gateway

MAX_CASES = 500  # of one run; the rest is taken by the next
ASK_AGAIN = timedelta(hours=1)

log = logging.getLogger("mybizz.billing")


@anvil.server.background_task  # type: ignore[untyped-decorator]
def advance_dunning() -> dict[str, int]:
    """Take every step that is due: how many of each kind."""
    with delivering_afterwards():
        return advance(clock.now())


@server_callable(
    needs=TRUSTED_ONLY,
    takes={"at": Moment("The time", required=True)},
    audit="billing_case.advance",
    atomic=False,
)
def advance_dunning_at(at: datetime) -> dict[str, int]:
    """Take every step that is due at a time, for scripts: how many of each kind."""
    counts = advance(at)
    audit.record("advance", "billing_case", "", details={"at": at, **counts})
    return counts


def advance(now: datetime) -> dict[str, int]:
    """How many of each step were taken, and how many could not be."""
    counts = {step.value: 0 for step in Step} | {"failed": 0}
    due = app_tables.billing_cases.search(
        tables.order_by("next_step_at"),
        q.page_size(MAX_CASES),
        closed_at=None,
        next_step_at=q.less_than_or_equal_to(now),
    )
    for case in islice(due, MAX_CASES):
        try:
            if case["next_step"] == Step.SUSPEND.value and not _is_still_owing(case):
                continue
            step = _take_step(case.get_id(), now)
        except AppError as error:
            # One tenant that cannot be looked at must not hold up the others.
            log.warning("dunning of %s: %s", case["account"]["instance_name"], error.message)
            counts["failed"] += 1
            _postpone(case.get_id(), now)
            continue
        if step is not None:
            counts[step.value] += 1
    return counts


def _is_still_owing(case: Any) -> bool:
    """Ask Stripe once more before somebody's business is stopped: a message may have been lost.
    Where it cannot be asked, nobody is suspended."""
    account, gateway = case["account"], open_gateway()
    for row in owed_invoices(account):
        stripe_sync.sync_invoice(gateway, row["stripe_id"])
    subscription = accounts.newest_subscription(account)
    if subscription is not None:
        stripe_sync.sync_subscription(gateway, subscription["stripe_id"])
    return open_case(account) is not None


@in_transaction
def _take_step(case_id: str, now: datetime) -> Step | None:
    case = app_tables.billing_cases.get_by_id(case_id)
    if case is None or case["closed_at"] is not None:
        return None
    rules, facts = read_rules(), facts_of(case)
    found = next_step(facts, rules, now)
    if found is None or found[1] > now:
        plan_next(case, rules, now)
        return None
    step, account = found[0], case["account"]
    if step is Step.REMIND:
        case.update(last_day=reminder_day(facts, rules, now), reminders=int(case["reminders"]) + 1)
        billing_mails.queue_reminder(account, case, facts, rules, now)
    elif step is Step.WARN:
        case["warned_at"] = now
        billing_mails.queue_warning(account, case, facts, rules, now)
    else:
        case["suspended_at"] = now
        accounts.suspend(account, case["reason"])
        billing_mails.queue_suspended(account, case, now)
    plan_next(case, rules, now)
    audit.record(step.value, "billing_case", account["instance_name"], details={"at": now})
    return step


@in_transaction
def _postpone(case_id: str, now: datetime) -> None:
    case = app_tables.billing_cases.get_by_id(case_id)
    if case is not None and case["closed_at"] is None:
        case["next_step_at"] = now + ASK_AGAIN
