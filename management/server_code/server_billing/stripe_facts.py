"""What we go by in Stripe's objects, typed.

The shapes are those of ``stripe_gateway.API_VERSION``: the period of a subscription stands at its
item, and what an invoice is for at its ``parent``
(https://docs.stripe.com/changelog/basil#2025-03-31.basil). An object without a field that has to be
there raises :class:`ProviderError`, so that a change of theirs is noticed and not guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from master_template.server_shared.errors import ProviderError

# https://docs.stripe.com/api/subscriptions/object#subscription_object-status
LIVE = ("trialing", "active", "past_due", "unpaid", "paused", "incomplete")
ENDED = ("canceled", "incomplete_expired")
STATUSES = LIVE + ENDED
# Stripe has tried to take the money and could not.
OWING = ("past_due", "unpaid")

# https://docs.stripe.com/api/invoices/object#invoice_object-status
INVOICE_STATUSES = ("draft", "open", "paid", "uncollectible", "void")


@dataclass(frozen=True)
class SubscriptionFacts:
    """A subscription as Stripe has it. Of several items the first one is the plan."""

    stripe_id: str
    customer_id: str
    instance_name: str
    status: str
    item_id: str
    price_id: str
    product_id: str
    price_cents: int
    currency: str
    interval: str
    started_at: datetime
    period_start: datetime | None
    period_end: datetime | None
    trial_ends_at: datetime | None
    cancel_at: datetime | None
    ended_at: datetime | None

    @property
    def is_live(self) -> bool:
        return self.status in LIVE


@dataclass(frozen=True)
class InvoiceFacts:
    """An invoice as Stripe has it; amounts in the currency's smallest unit."""

    stripe_id: str
    customer_id: str
    subscription_id: str | None
    number: str | None
    status: str
    currency: str
    subtotal_cents: int
    tax_cents: int
    total_cents: int
    paid_cents: int
    due_cents: int
    attempts: int
    next_attempt_at: datetime | None
    issued_at: datetime
    due_at: datetime | None
    paid_at: datetime | None
    period_start: datetime
    period_end: datetime
    page_url: str | None
    pdf_url: str | None


@dataclass(frozen=True)
class RefundFacts:
    """Money that went back."""

    stripe_id: str
    payment_intent: str | None
    amount_cents: int
    currency: str
    status: str
    reason: str | None
    refunded_at: datetime


def read_subscription(given: Mapping[str, Any]) -> SubscriptionFacts:
    """The facts of a subscription object."""
    try:
        [item, *_] = given["items"]["data"]
        price = item["price"]
        ends_at = given["cancel_at"]
        if given["cancel_at_period_end"]:
            ends_at = ends_at or item["current_period_end"]
        return SubscriptionFacts(
            stripe_id=given["id"],
            customer_id=_id_of(given["customer"]),
            instance_name=str((given["metadata"] or {}).get("instance") or ""),
            status=_known(given["status"], STATUSES),
            item_id=item["id"],
            price_id=price["id"],
            product_id=_id_of(price["product"]),
            price_cents=int(price["unit_amount"] or 0) * int(item.get("quantity") or 1),
            currency=str(price["currency"]).upper(),
            interval=str((price["recurring"] or {}).get("interval") or ""),
            started_at=_at(given["start_date"]),
            period_start=_maybe_at(item["current_period_start"]),
            period_end=_maybe_at(item["current_period_end"]),
            trial_ends_at=_maybe_at(given["trial_end"]),
            cancel_at=_maybe_at(ends_at),
            ended_at=_maybe_at(given["ended_at"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _strange("subscription", error) from error


def read_invoice(given: Mapping[str, Any]) -> InvoiceFacts:
    """The facts of an invoice object."""
    try:
        parent = (given["parent"] or {}).get("subscription_details") or {}
        changes = given["status_transitions"]
        return InvoiceFacts(
            stripe_id=given["id"],
            customer_id=_id_of(given["customer"]),
            subscription_id=_id_of(parent["subscription"]) if parent.get("subscription") else None,
            number=given["number"],
            status=_known(given["status"], INVOICE_STATUSES),
            currency=str(given["currency"]).upper(),
            subtotal_cents=int(given["subtotal"]),
            tax_cents=sum(int(tax["amount"]) for tax in given["total_taxes"] or []),
            total_cents=int(given["total"]),
            paid_cents=int(given["amount_paid"]),
            due_cents=int(given["amount_remaining"]),
            attempts=int(given["attempt_count"]),
            next_attempt_at=_maybe_at(given["next_payment_attempt"]),
            issued_at=_at(changes["finalized_at"] or given["created"]),
            due_at=_maybe_at(given["due_date"]),
            paid_at=_maybe_at(changes["paid_at"]),
            period_start=_at(given["period_start"]),
            period_end=_at(given["period_end"]),
            page_url=given["hosted_invoice_url"],
            pdf_url=given["invoice_pdf"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _strange("invoice", error) from error


def read_refund(given: Mapping[str, Any]) -> RefundFacts:
    """The facts of a refund object."""
    try:
        intent = given["payment_intent"]
        return RefundFacts(
            stripe_id=given["id"],
            payment_intent=_id_of(intent) if intent else None,
            amount_cents=int(given["amount"]),
            currency=str(given["currency"]).upper(),
            status=str(given["status"] or "pending"),
            reason=given["reason"],
            refunded_at=_at(given["created"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _strange("refund", error) from error


def read_preview(given: Mapping[str, Any]) -> dict[str, Any]:
    """``lines`` of ``{"text", "amount_cents"}``, ``total_cents``, ``due_cents`` and ``currency`` of
    an invoice that is only thought of."""
    try:
        lines = [
            {"text": str(line["description"] or ""), "amount_cents": int(line["amount"])}
            for line in given["lines"]["data"]
        ]
        return {
            "lines": lines,
            "total_cents": int(given["total"]),
            "due_cents": int(given["amount_due"]),
            "currency": str(given["currency"]).upper(),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise _strange("preview", error) from error


def _id_of(value: Any) -> str:
    """The id of what may have come as the whole object."""
    found = value["id"] if isinstance(value, Mapping) else value
    if not isinstance(found, str) or not found:
        raise ValueError("an id is missing")
    return found


def _known(value: Any, words: tuple[str, ...]) -> str:
    if value not in words:
        raise ValueError(f"{value!r} is not one of {words}")
    return str(value)


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _maybe_at(seconds: int | None) -> datetime | None:
    return None if seconds is None else _at(seconds)


def _strange(what: str, error: Exception) -> ProviderError:
    return ProviderError(f"Stripe sent a {what} that we do not understand: {error!r}"[:300])
