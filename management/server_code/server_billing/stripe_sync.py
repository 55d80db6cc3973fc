"""Keeps our copy of Stripe's subscriptions, invoices and refunds right.

What Stripe tells us is only *that* something changed; *what* it is now is asked, and copied. So the
order and number of its messages do not matter. Two copies at once could overtake each other between
asking and writing: each notes the row's ``sync_number`` before it asks, and writes only if nobody
has written since, else it asks again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_shared import audit, clock
from master_template.server_shared.errors import BusyError, ProviderError
from master_template.server_shared.transactions import in_transaction
from master_template.server_shared.validators import fold

from . import accounts, dunning, stripe_facts
from .accounts import live_subscription
from .stripe_facts import LIVE, InvoiceFacts, RefundFacts, SubscriptionFacts
from .stripe_gateway import StripeGateway

MAX_TRIES = 8

COPIED, UNKNOWN, SKIPPED = "copied", "unknown", "skipped"

_REFUNDED = (
    "succeeded",
    "pending",
    "requires_action",
)  # until it fails, the money is as good as gone


def sync_subscription(gateway: StripeGateway, stripe_id: str) -> str:
    """Copy a subscription: COPIED, or UNKNOWN where it is no tenant's."""

    def copy(number: int) -> str | None:
        facts = stripe_facts.read_subscription(gateway.read_subscription(stripe_id))
        return _copy_subscription(facts, number)

    return _until_alone(app_tables.billing_subscriptions, stripe_id, copy)


def sync_invoice(gateway: StripeGateway, stripe_id: str) -> str:
    """Copy an invoice: COPIED, UNKNOWN, or SKIPPED while it is a draft."""

    def copy(number: int) -> str | None:
        try:
            facts = stripe_facts.read_invoice(gateway.read_invoice(stripe_id))
        except ProviderError as error:
            if error.code == "resource_missing":
                return SKIPPED  # a draft that was deleted
            raise
        return SKIPPED if facts.status == "draft" else _copy_invoice(facts, number)

    return _until_alone(app_tables.billing_invoices, stripe_id, copy)


def sync_refund(gateway: StripeGateway, stripe_id: str) -> str:
    """Copy a refund and note it at its invoice; UNKNOWN where that is none of a tenant's."""

    def copy(number: int) -> str | None:
        facts = stripe_facts.read_refund(gateway.read_refund(stripe_id))
        invoice_id = gateway.find_invoice_of(facts.payment_intent) if facts.payment_intent else None
        if invoice_id is None:
            return UNKNOWN
        if app_tables.billing_invoices.get(stripe_id=invoice_id) is None:
            sync_invoice(gateway, invoice_id)
        return _copy_refund(facts, invoice_id, number)

    return _until_alone(app_tables.billing_refunds, stripe_id, copy)


def _until_alone(table: Any, stripe_id: str, copy: Callable[[int], str | None]) -> str:
    """Ask and copy until nobody else has written in between. Raises :class:`BusyError`."""
    for _ in range(MAX_TRIES):
        row = table.get(q.fetch_only("sync_number"), stripe_id=stripe_id)
        done = copy(_number_of(row))
        if done is not None:
            return done
    raise BusyError("This subscription is changing all the time. Please try again.")


def _number_of(row: Any) -> int:
    return 0 if row is None else int(row["sync_number"])


@in_transaction
def _copy_subscription(facts: SubscriptionFacts, number: int) -> str | None:
    """None where someone else has copied it since ``number``."""
    row = app_tables.billing_subscriptions.get(stripe_id=facts.stripe_id)
    if _number_of(row) != number:
        return None
    account = app_tables.billing_accounts.get(stripe_customer_id=facts.customer_id)
    if account is None:
        return UNKNOWN
    columns = {**_subscription_columns(facts), "sync_number": number + 1}
    if row is None:
        running = live_subscription(account) if facts.is_live else None
        row = app_tables.billing_subscriptions.add_row(
            account=account, stripe_id=facts.stripe_id, is_surplus=running is not None, **columns
        )
        audit.record("create", "billing_subscription", facts.stripe_id, _shown(None, columns))
    else:
        changes = _shown(row, columns)
        row.update(**columns)
        if changes:
            audit.record("update", "billing_subscription", facts.stripe_id, changes)
    _promote_surplus(account)
    accounts.refresh_state(account)
    dunning.look_at(account)
    return COPIED


def _subscription_columns(facts: SubscriptionFacts) -> dict[str, Any]:
    return {
        "plan": _plan_of(facts),
        "item_id": facts.item_id,
        "price_id": facts.price_id,
        "status": facts.status,
        "price_cents": facts.price_cents,
        "currency": facts.currency,
        "interval": facts.interval,
        "started_at": facts.started_at,
        "period_start": facts.period_start,
        "period_end": facts.period_end,
        "trial_ends_at": facts.trial_ends_at,
        "cancel_at": facts.cancel_at,
        "ended_at": facts.ended_at,
        "synced_at": clock.now(),
    }


def _plan_of(facts: SubscriptionFacts) -> Any:
    """The plan that a price of Stripe's belongs to, also one that it had before."""
    return app_tables.billing_plans.get(
        stripe_price_id=facts.price_id
    ) or app_tables.billing_plans.get(stripe_product_id=facts.product_id)


def _shown(row: Any, columns: dict[str, Any]) -> dict[str, list[Any]]:
    """What of the columns an audit entry says: [before, after] of what changes."""
    quiet = ("synced_at", "sync_number", "plan", "item_id")
    before = {name: None if row is None else row[name] for name in columns}
    return {
        name: [before[name], columns[name]]
        for name in columns
        if name not in quiet and before[name] != columns[name]
    }


def _promote_surplus(account: Any) -> None:
    """Once the subscription that counted has ended, a second one takes its place."""
    if live_subscription(account) is None:
        for row in app_tables.billing_subscriptions.search(
            account=account, status=q.any_of(*LIVE), is_surplus=True
        ):
            row["is_surplus"] = False
            return


@in_transaction
def _copy_invoice(facts: InvoiceFacts, number: int) -> str | None:
    row = app_tables.billing_invoices.get(stripe_id=facts.stripe_id)
    if _number_of(row) != number:
        return None
    account = app_tables.billing_accounts.get(stripe_customer_id=facts.customer_id)
    if account is None:
        return UNKNOWN
    columns = _invoice_columns(account, facts)
    columns["sync_number"] = number + 1
    if row is None:
        app_tables.billing_invoices.add_row(
            account=account, stripe_id=facts.stripe_id, refunded_cents=0, **columns
        )
        changes = {
            "status": [None, facts.status],
            "total_cents": [None, facts.total_cents],
            "number": [None, facts.number],
        }
        audit.record("create", "billing_invoice", facts.stripe_id, changes)
    else:
        changes = {
            name: [row[name], columns[name]]
            for name in ("status", "total_cents", "paid_cents", "due_cents", "attempts")
            if row[name] != columns[name]
        }
        row.update(**columns)
        if changes:
            audit.record("update", "billing_invoice", facts.stripe_id, changes)
    dunning.look_at(account)
    return COPIED


def _invoice_columns(account: Any, facts: InvoiceFacts) -> dict[str, Any]:
    words = (facts.number or "", account["billing_name"], account["instance_name"])
    return {
        "subscription_id": facts.subscription_id,
        "number": facts.number,
        "status": facts.status,
        "currency": facts.currency,
        "subtotal_cents": facts.subtotal_cents,
        "tax_cents": facts.tax_cents,
        "total_cents": facts.total_cents,
        "paid_cents": facts.paid_cents,
        "due_cents": facts.due_cents,
        "attempts": facts.attempts,
        "next_attempt_at": facts.next_attempt_at,
        "issued_at": facts.issued_at,
        "due_at": facts.due_at,
        "paid_at": facts.paid_at,
        "period_start": facts.period_start,
        "period_end": facts.period_end,
        "page_url": facts.page_url,
        "pdf_url": facts.pdf_url,
        "search_text": fold(" ".join(words)),
        "synced_at": clock.now(),
    }


@in_transaction
def _copy_refund(facts: RefundFacts, invoice_id: str, number: int) -> str | None:
    row = app_tables.billing_refunds.get(stripe_id=facts.stripe_id)
    if _number_of(row) != number:
        return None
    invoice = app_tables.billing_invoices.get(stripe_id=invoice_id)
    if invoice is None:
        return UNKNOWN
    columns = {
        "amount_cents": facts.amount_cents,
        "currency": facts.currency,
        "status": facts.status,
        "reason": facts.reason,
        "refunded_at": facts.refunded_at,
        "sync_number": number + 1,
    }
    if row is None:
        app_tables.billing_refunds.add_row(
            account=invoice["account"], invoice=invoice, stripe_id=facts.stripe_id, **columns
        )
    else:
        row.update(**columns)
    refunds = app_tables.billing_refunds.search(invoice=invoice)
    total = sum(int(each["amount_cents"]) for each in refunds if each["status"] in _REFUNDED)
    before = int(invoice["refunded_cents"])
    if total != before:
        invoice["refunded_cents"] = total
        changes = {"refunded_cents": [before, total]}
        audit.record("refund", "billing_invoice", invoice_id, changes)
    return COPIED
