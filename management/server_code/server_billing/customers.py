"""Tenants as Stripe's customers: made when they first pay, and told of each change."""

from __future__ import annotations

from typing import Any

from master_template.server_shared import outbox
from master_template.server_shared.outbox import Entry, Outcome
from master_template.server_shared.transactions import in_transaction

from .accounts import find_account
from .stripe_gateway import StripeGateway, open_gateway

CUSTOMER = "billing_customer"


def ensure_customer(gateway: StripeGateway, account: Any) -> str:
    """The id of the tenant's customer at Stripe, who is made if there is none yet."""
    if account["stripe_customer_id"]:
        return str(account["stripe_customer_id"])
    name = account["instance_name"]
    fields: dict[str, Any] = {**_customer_fields(account), "metadata": {"instance": name}}
    if account["tax_id"]:
        fields["tax_id_data"] = [{"type": account["tax_id_kind"], "value": account["tax_id"]}]
    customer = gateway.create_customer(fields, f"customer-{name}-{account['version']}")
    return _keep_customer(name, customer["id"])


@in_transaction
def _keep_customer(instance_name: str, customer_id: str) -> str:
    """Keep the customer unless another one has been kept meanwhile; give which it is."""
    account = find_account(instance_name)
    if not account["stripe_customer_id"]:
        account["stripe_customer_id"] = customer_id
    return str(account["stripe_customer_id"])


def _customer_fields(account: Any) -> dict[str, Any]:
    address = {
        "line1": account["street"] or "",
        "postal_code": account["postal_code"] or "",
        "city": account["city"] or "",
        "country": account["country"],
    }
    return {
        "name": account["billing_name"],
        "email": account["billing_email"],
        "address": address,
    }


def _deliver(entry: Entry) -> None:
    account = find_account(entry.payload["instance_name"])
    customer_id, gateway = account["stripe_customer_id"], open_gateway()
    key = f"details-{customer_id}-{int(account['version'])}"
    gateway.update_customer(customer_id, _customer_fields(account), key)
    gateway.replace_tax_id(customer_id, account["tax_id_kind"], account["tax_id"], f"tax-{key}")


def _settle(entry: Entry, outcome: Outcome) -> None:
    """Nothing is kept of it: the next change tells Stripe everything again."""


outbox.handlers[CUSTOMER] = outbox.Handler(_deliver, _settle)
