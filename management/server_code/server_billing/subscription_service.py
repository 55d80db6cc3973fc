"""What is done with a tenant's subscription: the link to begin it, another plan, the end.

Stripe is asked first and copied afterwards; our rows are never changed on a guess of what it will
do.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from master_template.server_shared import audit, clock
from master_template.server_shared.errors import ConflictError, NotFoundError
from master_template.server_shared.transactions import in_transaction
from master_template.server_shared.validators import Bool, Choice, Int

from ..server_console.callables import server_callable
from . import billing_links, billing_mails, stripe_facts, stripe_sync
from .accounts import find_account, live_subscription
from .billing_fields import INSTANCE, PLAN_CODE
from .plan_service import ensure_price, find_plan
from .stripe_gateway import StripeGateway, open_gateway

NOW, NEXT_INVOICE = "now", "next_invoice"
# How long what a preview said can be confirmed: https://docs.stripe.com/billing/subscriptions/prorations
PREVIEW_SECONDS = 3_600

PLAN_CHANGE = {
    "instance_name": INSTANCE,
    "code": PLAN_CODE,
    "charge": Choice("When the difference is charged", (NOW, NEXT_INVOICE), required=True),
}


@server_callable(
    needs="billing.manage",
    takes={
        "instance_name": INSTANCE,
        "code": PLAN_CODE,
        "is_mailed": Bool("Send it by e-mail", default=False),
    },
    audit="billing_link.create",
)
def create_checkout_link(instance_name: str, code: str, is_mailed: bool = False) -> dict[str, Any]:
    """A link where the tenant enters a card for a plan: ``{"link", "expires_at"}``."""
    account, plan = find_account(instance_name), find_plan(code)
    if plan["status"] != "active":
        raise ConflictError("This plan is archived; choose another one.", field="code")
    if live_subscription(account) is not None:
        raise ConflictError("This tenant has a subscription already. Change its plan instead.")
    expires_at = clock.now() + timedelta(days=billing_mails.CARD_LINK_DAYS)
    link = billing_links.make_link(account, billing_links.CHECKOUT, plan, expires_at)
    if is_mailed:
        billing_mails.queue_subscribe(account, plan, link, expires_at)
    details = {"purpose": "checkout", "plan": code, "mailed": is_mailed}
    audit.record("create", "billing_link", instance_name, details=details)
    return {"link": link, "expires_at": expires_at}


@server_callable(
    needs="billing.manage", takes={"instance_name": INSTANCE}, audit="billing_link.create"
)
def create_portal_link(instance_name: str) -> dict[str, Any]:
    """A link to the card and the invoices, for the tenant: ``{"link", "expires_at"}``."""
    account = find_account(instance_name)
    expires_at = clock.now() + timedelta(days=billing_mails.CARD_LINK_DAYS)
    link = billing_links.make_link(account, billing_links.PORTAL, None, expires_at)
    audit.record("create", "billing_link", instance_name, details={"purpose": "portal"})
    return {"link": link, "expires_at": expires_at}


@server_callable(needs="billing.manage", takes=PLAN_CHANGE)
def preview_plan_change(instance_name: str, code: str, charge: str) -> dict[str, Any]:
    """What another plan would cost from now on.

    ``lines`` of ``{"text", "amount_cents"}``; ``total_cents`` of that invoice, ``due_cents`` after
    what the tenant has to their credit, ``currency``; ``at``, Unix seconds, to be handed to
    :func:`change_plan` so that it counts by the same second.
    """
    subscription, plan, gateway = _for_change(instance_name, code)
    at = int(clock.now().timestamp())
    details = {
        "items": [{"id": subscription["item_id"], "price": ensure_price(gateway, plan)}],
        "proration_behavior": _behaviour(charge),
        "proration_date": at,
    }
    fields = {"subscription": subscription["stripe_id"], "subscription_details": details}
    return {**stripe_facts.read_preview(gateway.preview_invoice(fields)), "at": at}


@server_callable(
    needs="billing.manage",
    takes={**PLAN_CHANGE, "at": Int("The time", minimum=0, required=True)},
    audit="billing_subscription.change_plan",
    atomic=False,
)
def change_plan(instance_name: str, code: str, charge: str, at: int) -> dict[str, Any]:
    """Move a tenant to another plan by what a preview said: ``{"status"}``.

    Where the difference is charged now and the card refuses, nothing changes.
    """
    if not 0 <= clock.now().timestamp() - at <= PREVIEW_SECONDS:
        raise ConflictError("This preview is too old. Please look at the amounts again.")
    subscription, plan, gateway = _for_change(instance_name, code)
    price_id = ensure_price(gateway, plan)
    fields: dict[str, Any] = {
        "items": [{"id": subscription["item_id"], "price": price_id}],
        "proration_behavior": _behaviour(charge),
        "proration_date": at,
        "metadata": {"instance": instance_name, "plan": code},
    }
    if charge == NOW:
        fields["payment_behavior"] = "error_if_incomplete"
    key = f"plan-{subscription['stripe_id']}-{price_id}-{charge}-{at}"
    gateway.update_subscription(subscription["stripe_id"], fields, key)
    before = subscription["plan"]["code"] if subscription["plan"] is not None else None
    changes = {"plan": [before, code], "charge": [None, charge]}
    return _copy(gateway, instance_name, subscription["stripe_id"], "change_plan", changes)


@server_callable(
    needs="billing.manage",
    takes={
        "instance_name": INSTANCE,
        "when": Choice("When", ("period_end", "now"), required=True),
    },
    audit="billing_subscription.cancel",
    atomic=False,
)
def cancel_subscription(instance_name: str, when: str) -> dict[str, Any]:
    """End a subscription with what is paid for, or at once: ``{"status"}``. Nothing is refunded."""
    subscription, gateway = _live(instance_name), open_gateway()
    stripe_id = subscription["stripe_id"]
    if when == "now":
        gateway.cancel_subscription(stripe_id)
    else:
        key = f"cancel-{stripe_id}-{int(subscription['sync_number'])}"
        gateway.update_subscription(stripe_id, {"cancel_at_period_end": True}, key)
    return _copy(gateway, instance_name, stripe_id, "cancel", {"when": [None, when]})


@server_callable(
    needs="billing.manage",
    takes={"instance_name": INSTANCE},
    audit="billing_subscription.keep",
    atomic=False,
)
def keep_subscription(instance_name: str) -> dict[str, Any]:
    """Take back that a subscription ends with its period: ``{"status"}``."""
    subscription, gateway = _live(instance_name), open_gateway()
    if subscription["cancel_at"] is None:
        raise ConflictError("This subscription does not end.")
    stripe_id = subscription["stripe_id"]
    key = f"keep-{stripe_id}-{int(subscription['sync_number'])}"
    gateway.update_subscription(stripe_id, {"cancel_at_period_end": False}, key)
    ends_at = subscription["cancel_at"]
    return _copy(gateway, instance_name, stripe_id, "keep", {"cancel_at": [ends_at, None]})


def _for_change(instance_name: str, code: str) -> tuple[Any, Any, StripeGateway]:
    """The subscription, the plan it shall have, and Stripe; refused where they do not match."""
    subscription, plan = _live(instance_name), find_plan(code)
    if plan["status"] != "active":
        raise ConflictError("This plan is archived; choose another one.", field="code")
    if plan["currency"] != subscription["currency"]:
        raise ConflictError(
            f"A subscription in {subscription['currency']} cannot go on in {plan['currency']}. "
            "End it, and send a link to subscribe to the other plan.",
            field="code",
        )
    if plan["stripe_price_id"] and plan["stripe_price_id"] == subscription["price_id"]:
        raise ConflictError("The tenant has this plan at this price already.", field="code")
    return subscription, plan, open_gateway()


def _live(instance_name: str) -> Any:
    subscription = live_subscription(find_account(instance_name))
    if subscription is None:
        raise NotFoundError("This tenant has no subscription.")
    return subscription


def _behaviour(charge: str) -> str:
    """https://docs.stripe.com/api/subscriptions/update#update_subscription-proration_behavior"""
    return "always_invoice" if charge == NOW else "create_prorations"


def _copy(
    gateway: StripeGateway,
    instance_name: str,
    stripe_id: str,
    action: str,
    changes: dict[str, list[Any]],
) -> dict[str, Any]:
    """Take over what Stripe has done, and record who asked for it."""

    @in_transaction
    def record() -> None:
        audit.record(action, "billing_subscription", instance_name, changes)

    record()
    stripe_sync.sync_subscription(gateway, stripe_id)
    live = live_subscription(find_account(instance_name))
    return {"status": live["status"] if live is not None else "canceled"}
