"""Links for tenants to Stripe's own pages: to enter a card, or to see and change what they have.

Stripe's addresses are good for a day, or for minutes. Ours are good for weeks, and make one of
Stripe's whenever they are opened. They are random; we keep only their hash.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import datetime
from typing import Any

import anvil.server
from anvil.tables import app_tables

from master_template.server_shared import audit, clock
from master_template.server_shared.config import read_business
from master_template.server_shared.errors import AppError
from master_template.server_shared.transactions import in_transaction
from master_template.server_site.public_pages import content_policy, render_message

from .accounts import live_subscription
from .customers import ensure_customer
from .plan_service import ensure_price
from .stripe_gateway import open_gateway

CHECKOUT, PORTAL = "checkout", "portal"
TOKEN_BYTES = 32

log = logging.getLogger("mybizz.billing")


def make_link(account: Any, purpose: str, plan: Any, expires_at: datetime) -> str:
    """A new link, in the transaction that runs now."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    app_tables.billing_links.add_row(
        token_hash=_hash(token),
        account=account,
        purpose=purpose,
        plan=plan,
        created_at=clock.now(),
        expires_at=expires_at,
    )
    return f"{_origin()}/billing/pay/{token}"


@anvil.server.route("/billing/pay/:token", methods=["GET"])
def open_link(token: str, **_query: str) -> Any:
    """Goes on to Stripe."""
    link = app_tables.billing_links.get(token_hash=_hash(token))
    if link is None or link["expires_at"] <= clock.now():
        return _page(
            "This link has expired", "Please ask us for a new one, or open our newest e-mail.", 404
        )
    account = link["account"]
    is_subscribed = live_subscription(account) is not None
    try:
        # Who has subscribed since the link was sent must not do it twice.
        if link["purpose"] == CHECKOUT and not is_subscribed:
            address = _open_checkout(link, account)
        else:
            address = _open_portal(link, account)
    except AppError as error:
        log.error("a billing link of %s: %s", account["instance_name"], error.message)
        return _page(
            "This does not work at the moment",
            "Please try again in some minutes. Nothing has been paid.",
            503,
        )
    _note_opening(link.get_id())
    return anvil.server.HttpResponse(
        status=303,
        headers={
            "Location": address,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )


@anvil.server.route("/billing/done", methods=["GET", "HEAD"])
def show_done(**_query: str) -> Any:
    """Where Stripe sends people back to."""
    return _page("Thank you", "All is done. You can close this page.")


@anvil.server.route("/billing/cancelled", methods=["GET", "HEAD"])
def show_cancelled(**_query: str) -> Any:
    """Where Stripe sends people who have changed their mind."""
    return _page("Nothing has been paid", "You can open the link of our e-mail again at any time.")


def _open_checkout(link: Any, account: Any) -> str:
    """The address of a page where the card is entered. Within an hour it is the same one, so that
    whoever opens the link twice does not pay twice."""
    gateway, plan = open_gateway(), link["plan"]
    price_id = ensure_price(gateway, plan)
    customer_id = ensure_customer(gateway, account)
    name = account["instance_name"]
    subscription: dict[str, Any] = {"metadata": {"instance": name, "plan": plan["code"]}}
    if plan["trial_days"] and account["state"] == "none":
        subscription["trial_period_days"] = int(plan["trial_days"])
    fields = {
        "mode": "subscription",
        "customer": customer_id,
        "client_reference_id": name,
        "line_items": [{"price": price_id, "quantity": 1}],
        "subscription_data": subscription,
        "success_url": f"{_origin()}/billing/done",
        "cancel_url": f"{_origin()}/billing/cancelled",
    }
    hour = clock.now().strftime("%Y%m%d%H")
    key = f"checkout-{link['token_hash'][:24]}-{price_id}-{account['state']}-{hour}"
    return str(gateway.create_checkout(fields, key)["url"])


def _open_portal(link: Any, account: Any) -> str:
    gateway = open_gateway()
    customer_id = ensure_customer(gateway, account)
    # A session is for one visit: each has a key of its own.
    key = f"portal-{secrets.token_hex(8)}"
    return str(gateway.create_portal(customer_id, f"{_origin()}/billing/done", key)["url"])


@in_transaction
def _note_opening(link_id: str) -> None:
    link = app_tables.billing_links.get_by_id(link_id)
    if link is not None and link["opened_at"] is None:
        link["opened_at"] = clock.now()
        name = link["account"]["instance_name"]
        audit.record("open", "billing_link", name, details={"purpose": link["purpose"]})


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _origin() -> str:
    return (anvil.server.get_app_origin() or "").rstrip("/")


def _page(heading: str, text: str, status: int = 200) -> Any:
    """One of our own pages, in the founder's colours."""
    business = read_business()
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": content_policy(business),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    body = render_message(business, heading, text, "/billing/done")
    return anvil.server.HttpResponse(status=status, body=body, headers=headers)
