"""Plans: what a tenant can subscribe to.

A price of Stripe's never changes. Another price in a plan therefore makes a new one there, when it
is first needed; who has subscribed keeps the price that they agreed to until they are moved.
"""

from __future__ import annotations

import re
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables

from master_template.server_shared import audit, clock, outbox
from master_template.server_shared.errors import ConflictError, NotFoundError
from master_template.server_shared.outbox import Entry, Outcome
from master_template.server_shared.transactions import in_transaction
from master_template.server_shared.validators import Choice, fold

from ..server_console.callables import server_callable
from .billing_fields import PLAN, PLAN_CODE, PLAN_STATUSES, VERSION, plan_item
from .stripe_gateway import StripeGateway, open_gateway

PRODUCT = "billing_product"
MAX_PLANS = 100
_OF_PRICE = ("price_cents", "currency", "interval")


@server_callable(needs="billing.view")
def list_plans() -> dict[str, Any]:
    """``{"plans": [...]}`` as ``billing_fields.plan_item`` says, the cheapest first, archived ones
    last; each with ``subscribers``."""
    counts: dict[str, int] = {}
    for account in app_tables.billing_accounts.search():
        plan = account["plan"]
        if plan is not None and account["state"] not in ("none", "ended"):
            counts[plan["code"]] = counts.get(plan["code"], 0) + 1
    rows = list(app_tables.billing_plans.search(tables.order_by("price_cents")))
    rows.sort(key=lambda row: row["status"] != "active")
    return {
        "plans": [{**plan_item(row), "subscribers": counts.get(row["code"], 0)} for row in rows]
    }


@server_callable(needs="billing.manage", takes={"plan": PLAN}, audit="billing_plan.create")
def create_plan(plan: dict[str, Any]) -> dict[str, Any]:
    """``{"plan": ...}``. Its code, which never changes, is made of its name."""
    _refuse_taken(plan["name"])
    if len(app_tables.billing_plans.search()) >= MAX_PLANS:
        raise ConflictError(f"There are {MAX_PLANS} plans already, the archived ones counted.")
    now = clock.now()
    row = app_tables.billing_plans.add_row(
        **plan,
        code=_free_code(plan["name"]),
        status="active",
        price_number=1,
        created_at=now,
        updated_at=now,
        version=1,
    )
    changes = {name: [None, value] for name, value in plan.items()}
    audit.record("create", "billing_plan", row["code"], changes)
    return {"plan": plan_item(row)}


@server_callable(
    needs="billing.manage",
    takes={"code": PLAN_CODE, "plan": PLAN, "version": VERSION},
    audit="billing_plan.update",
)
def update_plan(code: str, plan: dict[str, Any], version: int) -> dict[str, Any]:
    """``{"plan": ...}``. Another price counts for whoever subscribes from now on."""
    row = find_plan(code)
    before = {name: row[name] for name in plan}
    changes = {name: [before[name], plan[name]] for name in plan if plan[name] != before[name]}
    if not changes:
        audit.unchanged()
        return {"plan": plan_item(row)}
    _refuse_stale(row, version)
    if fold(plan["name"]) != fold(before["name"]):
        _refuse_taken(plan["name"])
    row.update(**plan, version=version + 1, updated_at=clock.now())
    if set(changes) & set(_OF_PRICE):
        row.update(stripe_price_id=None, price_number=int(row["price_number"]) + 1)
    if row["stripe_product_id"]:
        outbox.add(PRODUCT, {"code": code}, reference=code)
    audit.record("update", "billing_plan", code, changes)
    return {"plan": plan_item(row)}


@server_callable(
    needs="billing.manage",
    takes={
        "code": PLAN_CODE,
        "status": Choice("The status", PLAN_STATUSES, required=True),
        "version": VERSION,
    },
    audit="billing_plan.update",
)
def set_plan_status(code: str, status: str, version: int) -> dict[str, Any]:
    """Archive a plan, which nobody can subscribe to then, or bring it back: ``{"plan": ...}``."""
    row = find_plan(code)
    if row["status"] == status:
        audit.unchanged()
        return {"plan": plan_item(row)}
    _refuse_stale(row, version)
    if status == "active":
        _refuse_taken(row["name"])
    before = row["status"]
    row.update(status=status, version=version + 1, updated_at=clock.now())
    audit.record("update", "billing_plan", code, {"status": [before, status]})
    return {"plan": plan_item(row)}


def find_plan(code: str) -> Any:
    """The row of a plan. Raises :class:`NotFoundError`."""
    row = app_tables.billing_plans.get(code=code)
    if row is None:
        raise NotFoundError(f"There is no plan {code}.")
    return row


def ensure_price(gateway: StripeGateway, row: Any) -> str:
    """The id of the plan's price at Stripe, which is made if it is not there yet.

    Killed between Stripe and us, the next one finds the product by our id and the price by its
    lookup key.
    """
    if row["stripe_price_id"]:
        return str(row["stripe_price_id"])
    number = int(row["price_number"])
    product_id = f"mybizz_{row['code']}"
    lookup_key = f"{product_id}_{number}"
    gateway.put_product(product_id, _product_fields(row), f"product-{product_id}-{row['version']}")
    price = gateway.find_price(lookup_key)
    if price is None:
        fields = {
            "product": product_id,
            "lookup_key": lookup_key,
            "unit_amount": int(row["price_cents"]),
            "currency": row["currency"].lower(),
            "recurring": {"interval": row["interval"]},
            "metadata": {"plan": row["code"]},
        }
        price = gateway.create_price(fields, f"price-{lookup_key}")
    _keep_price(row["code"], number, product_id, price["id"])
    return str(price["id"])


@in_transaction
def _keep_price(code: str, number: int, product_id: str, price_id: str) -> None:
    row = find_plan(code)
    if int(row["price_number"]) == number:
        row.update(stripe_product_id=product_id, stripe_price_id=price_id)


def _product_fields(row: Any) -> dict[str, Any]:
    fields = {"name": row["name"], "metadata": {"plan": row["code"]}}
    # Stripe takes no empty description.
    return {**fields, "description": row["description"]} if row["description"] else fields


def _refuse_taken(name: str) -> None:
    for row in app_tables.billing_plans.search(status="active"):
        if fold(row["name"]) == fold(name):
            raise ConflictError("Another plan has this name.", field="name")


def _refuse_stale(row: Any, version: int) -> None:
    if int(row["version"]) != version:
        raise ConflictError(
            "Someone else changed this plan while you were editing. Nothing has been saved yet; "
            "what you typed is still here.",
            code="edited_meanwhile",
        )


def _free_code(name: str) -> str:
    stem = re.sub(r"[^a-z0-9]+", "_", fold(name)).strip("_")[:30] or "plan"
    taken = {row["code"] for row in app_tables.billing_plans.search()}
    numbered = (f"{stem}_{number}" for number in range(2, MAX_PLANS + 2))
    return stem if stem not in taken else next(code for code in numbered if code not in taken)


def _deliver(entry: Entry) -> None:
    row = find_plan(entry.payload["code"])
    product_id = row["stripe_product_id"]
    open_gateway().put_product(
        product_id, _product_fields(row), f"name-{row['version']}-{product_id}"
    )


def _settle(entry: Entry, outcome: Outcome) -> None:
    """Nothing is kept of it: what Stripe calls a plan shows at Stripe."""


outbox.handlers[PRODUCT] = outbox.Handler(_deliver, _settle)
