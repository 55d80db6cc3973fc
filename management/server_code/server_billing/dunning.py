"""Dunning: a case of each tenant that does not pay, or has no subscription any more.

A case is opened and closed by :func:`look_at`, in the transaction of whatever changed; its steps
are taken by ``dunning_task``.
"""

from __future__ import annotations

from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_shared import audit, clock

from . import accounts, billing_mails
from .accounts import ENDED, UNPAID
from .dunning_rules import plan_next, read_rules
from .dunning_steps import NOTHING_DONE
from .stripe_facts import OWING


def look_at(account: Any) -> None:
    """Open or close the account's case, as it stands now. Call it in a transaction."""
    case = open_case(account)
    reason, owed_cents, currency = _what_is_wrong(account)
    if reason is None:
        if case is not None:
            _close(account, case)
        elif account["access_reason"] in (UNPAID, ENDED):
            accounts.resume(account)
    elif case is None:
        _open(account, reason, owed_cents, currency)
    elif int(case["owed_cents"]) != owed_cents:
        case.update(owed_cents=owed_cents, currency=currency)
    accounts.refresh_state(account)


def open_case(account: Any) -> Any:
    """The row of the account's open case, or None."""
    return app_tables.billing_cases.get(account=account, closed_at=None)


def owed_invoices(account: Any) -> list[Any]:
    """The invoices that the tenant should have paid, the oldest first."""
    now = clock.now()
    found = app_tables.billing_invoices.search(
        tables.order_by("issued_at"),
        account=account,
        status="open",
        due_cents=q.greater_than(0),
    )
    return [row for row in found if row["attempts"] or (row["due_at"] and row["due_at"] < now)]


def _what_is_wrong(account: Any) -> tuple[str | None, int, str | None]:
    """The reason of a case, or None; what is owed; and its currency."""
    if account["is_exempt"]:
        return None, 0, None
    owed = owed_invoices(account)
    total = sum(int(row["due_cents"]) for row in owed)
    subscription = accounts.newest_subscription(account)
    if owed:
        return UNPAID, total, owed[0]["currency"]
    if subscription is None:
        return None, 0, None
    if subscription["status"] in OWING:
        return UNPAID, 0, subscription["currency"]
    ended = subscription["status"] == "canceled"
    return (ENDED if ended else None), 0, subscription["currency"]


def _open(account: Any, reason: str, owed_cents: int, currency: str | None) -> None:
    case = app_tables.billing_cases.add_row(
        account=account,
        reason=reason,
        owed_cents=owed_cents,
        currency=currency,
        opened_at=clock.now(),
        last_day=NOTHING_DONE,
        reminders=0,
    )
    plan_next(case, read_rules(), clock.now())
    changes = {"reason": [None, reason], "owed_cents": [None, owed_cents]}
    audit.record("open", "billing_case", account["instance_name"], changes)


def _close(account: Any, case: Any) -> None:
    outcome = "exempt" if account["is_exempt"] else "paid"
    case.update(closed_at=clock.now(), outcome=outcome, next_step=None, next_step_at=None)
    audit.record("close", "billing_case", account["instance_name"], {"outcome": [None, outcome]})
    if account["access_reason"] in (UNPAID, ENDED) and accounts.resume(account):
        billing_mails.queue_resumed(account)


def begin_anew(account: Any) -> None:
    """Start the account's open case again from today."""
    case = open_case(account)
    if case is None:
        return
    now = clock.now()
    before = case["opened_at"]
    case.update(opened_at=now, last_day=NOTHING_DONE, warned_at=None, suspended_at=None)
    plan_next(case, read_rules(), now)
    audit.record("restart", "billing_case", account["instance_name"], {"opened_at": [before, now]})
