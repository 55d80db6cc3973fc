"""Compares our copy of everything with Stripe's, every night, and mends ours.

Messages can be lost: a server that was down for three days, an endpoint that was set up late.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import anvil.server
import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_integrations.integration_service import is_connected
from master_template.server_shared import audit, clock
from master_template.server_shared.errors import AppError
from master_template.server_shared.outbox import delivering_afterwards
from master_template.server_shared.transactions import in_transaction

from ..server_console.callables import server_callable
from . import stripe_facts, stripe_sync
from .billing_list import last_check
from .stripe_facts import LIVE
from .stripe_gateway import StripeGateway, open_gateway

LOOK_BACK = timedelta(days=35)  # invoices and refunds: longer than a month's billing takes
KEEP_DAYS = 90  # of events, checks and links that nobody needs any more
MAX_DIFFERENCES = 200
BATCH_ROWS = 500
RUNNING, DONE, FAILED = "running", "done", "failed"

log = logging.getLogger("mybizz.billing")

Difference = dict[str, Any]


@anvil.server.background_task  # type: ignore[untyped-decorator]
def reconcile_billing() -> dict[str, int]:
    """Compare and mend: how many were checked, and how many differed."""
    delete_old()
    if not is_connected("stripe"):
        return {"checked": 0, "differences": 0}
    with delivering_afterwards():
        return reconcile()


@server_callable(needs="billing.manage", audit="billing_check.run", atomic=False)
def run_billing_check() -> dict[str, Any]:
    """Compare and mend now: ``{"check"}`` as of ``billing_list.last_check``."""
    found = reconcile()
    audit.record("run", "billing_check", "", details=found)
    return {"check": last_check()}


def reconcile() -> dict[str, int]:
    """Compare everything; what it found stands in ``billing_checks``, also when it fails."""
    check_id = _begin()
    checked: dict[str, int] = {}
    differences: list[Difference] = []
    try:
        gateway = open_gateway()
        since = int((clock.now() - LOOK_BACK).timestamp())
        listed = gateway.list_subscriptions()
        seen = _compare("subscription", listed, _subscription_differs, gateway, differences)
        checked["subscriptions"] = len(seen)
        _find_missing(seen, differences)
        listed = gateway.list_invoices(since)
        invoices = _compare("invoice", listed, _invoice_differs, gateway, differences)
        checked["invoices"] = len(invoices)
        listed = gateway.list_refunds(since)
        refunds = _compare("refund", listed, _refund_differs, gateway, differences)
        checked["refunds"] = len(refunds)
    except AppError as error:
        _end(check_id, FAILED, checked, differences, error.message)
        raise
    _end(check_id, DONE, checked, differences, "")
    return {"checked": sum(checked.values()), "differences": len(differences)}


def _compare(
    kind: str,
    listed: Iterable[Mapping[str, Any]],
    differs: Callable[[Mapping[str, Any]], Difference | None],
    gateway: StripeGateway,
    differences: list[Difference],
) -> set[str]:
    """Copy each thing of Stripe's that is not as ours; give the ids of all."""
    seen: set[str] = set()
    for given in listed:
        seen.add(given["id"])
        difference = differs(given)
        if difference is None:
            continue
        result = _copy(gateway, kind, given["id"])
        if result == stripe_sync.SKIPPED or (result == stripe_sync.UNKNOWN and kind == "refund"):
            continue  # not of a tenant: the account may sell other things, too
        if result == stripe_sync.UNKNOWN and not difference.get("instance_name"):
            continue
        differences.append({"kind": kind, "id": given["id"], **difference, "result": result})
    return seen


def _copy(gateway: StripeGateway, kind: str, stripe_id: str) -> str:
    copiers = {
        "subscription": stripe_sync.sync_subscription,
        "invoice": stripe_sync.sync_invoice,
        "refund": stripe_sync.sync_refund,
    }
    return copiers[kind](gateway, stripe_id)


def _subscription_differs(given: Mapping[str, Any]) -> Difference | None:
    facts = stripe_facts.read_subscription(given)
    row = app_tables.billing_subscriptions.get(stripe_id=facts.stripe_id)
    theirs = {
        "status": facts.status,
        "price_id": facts.price_id,
        "period_end": facts.period_end,
        "cancel_at": facts.cancel_at,
    }
    return _first_difference(row, theirs, facts.instance_name)


def _invoice_differs(given: Mapping[str, Any]) -> Difference | None:
    facts = stripe_facts.read_invoice(given)
    if facts.status == "draft":
        return None
    row = app_tables.billing_invoices.get(stripe_id=facts.stripe_id)
    theirs = {
        "status": facts.status,
        "total_cents": facts.total_cents,
        "paid_cents": facts.paid_cents,
        "due_cents": facts.due_cents,
        "attempts": facts.attempts,
    }
    account = app_tables.billing_accounts.get(stripe_customer_id=facts.customer_id)
    return _first_difference(row, theirs, account["instance_name"] if account is not None else "")


def _refund_differs(given: Mapping[str, Any]) -> Difference | None:
    facts = stripe_facts.read_refund(given)
    row = app_tables.billing_refunds.get(stripe_id=facts.stripe_id)
    return _first_difference(row, {"status": facts.status, "amount_cents": facts.amount_cents}, "")


def _first_difference(row: Any, theirs: dict[str, Any], instance_name: str) -> Difference | None:
    """What of it is not as ours, or None. A row that we have not is a difference, too."""
    if row is None:
        return {"instance_name": instance_name, "field": "", "ours": None, "theirs": None}
    for name, value in theirs.items():
        if row[name] != value:
            name_of_tenant = row["account"]["instance_name"]
            shown = [
                str(each) if isinstance(each, datetime) else each for each in (row[name], value)
            ]
            return {
                "instance_name": name_of_tenant,
                "field": name,
                "ours": shown[0],
                "theirs": shown[1],
            }
    return None


def _find_missing(seen: set[str], differences: list[Difference]) -> None:
    """Subscriptions that run for us and that Stripe does not know: of other keys, most likely."""
    for row in app_tables.billing_subscriptions.search(status=q.any_of(*LIVE)):
        if row["stripe_id"] not in seen:
            differences.append(
                {
                    "kind": "subscription",
                    "id": row["stripe_id"],
                    "instance_name": row["account"]["instance_name"],
                    "field": "",
                    "ours": row["status"],
                    "theirs": None,
                    "result": "missing",
                }
            )


@in_transaction
def _begin() -> str:
    """A check that begins; those that were killed are ended."""
    now = clock.now()
    for row in app_tables.billing_checks.search(status=RUNNING):
        row.update(status=FAILED, ended_at=now, note="It was stopped before it had ended.")
    return str(app_tables.billing_checks.add_row(status=RUNNING, started_at=now).get_id())


@in_transaction
def _end(
    check_id: str,
    status: str,
    checked: dict[str, int],
    differences: list[Difference],
    note: str,
) -> None:
    row = app_tables.billing_checks.get_by_id(check_id)
    if row is not None:
        row.update(
            status=status,
            checked=checked,
            differences=differences[:MAX_DIFFERENCES],
            note=note,
            ended_at=clock.now(),
        )
    if differences:
        log.warning("%d differences between Stripe and us", len(differences))


def delete_old() -> int:
    """Delete what nobody needs any more; give how many rows."""
    before = clock.now() - timedelta(days=KEEP_DAYS)
    old = (("billing_events", "received_at"), ("billing_links", "expires_at"))
    return sum(_delete(*each, before) for each in (*old, ("billing_checks", "started_at")))


@in_transaction
def _delete(table: str, column: str, before: datetime) -> int:
    found = app_tables[table].search(
        tables.order_by(column), q.page_size(BATCH_ROWS), **{column: q.less_than(before)}
    )
    rows = list(islice(found, BATCH_ROWS))
    with tables.batch_delete:
        for row in rows:
            row.delete()
    if rows:
        audit.record(
            "retention", table, "", details={"deleted": len(rows), "before": before.date()}
        )
    return len(rows)
