"""Billing details of tenants: who pays, where invoices go, and who pays nothing."""

from __future__ import annotations

from typing import Any

from anvil.tables import app_tables

from master_template.server_shared import audit, clock, outbox
from master_template.server_shared.errors import ConflictError, InvalidError, NotFoundError

from ..server_console.callables import server_callable
from . import accounts, dunning
from .accounts import find_account
from .billing_fields import ACCOUNT, INSTANCE, REASON, VERSION
from .customers import CUSTOMER
from .tax_ids import read_tax_id


@server_callable(
    needs="billing.manage",
    takes={"instance_name": INSTANCE, "account": ACCOUNT},
    audit="billing_account.create",
)
def create_billing_account(instance_name: str, account: dict[str, Any]) -> dict[str, Any]:
    """Give a tenant billing details: ``{"instance_name"}``."""
    if app_tables.fleet_instances.get(name=instance_name) is None:
        raise NotFoundError(f"There is no tenant {instance_name}.")
    if app_tables.billing_accounts.get(instance_name=instance_name) is not None:
        raise ConflictError("This tenant has billing details already.")
    now = clock.now()
    fields = _with_tax_id(account)
    row = app_tables.billing_accounts.add_row(
        instance_name=instance_name,
        **fields,
        access=accounts.RUNNING,
        access_number=0,
        state="none",
        created_at=now,
        updated_at=now,
        version=1,
    )
    accounts.refresh_state(row)
    changes = {name: [None, value] for name, value in fields.items()}
    audit.record("create", "billing_account", instance_name, changes)
    return {"instance_name": instance_name}


@server_callable(
    needs="billing.manage",
    takes={"instance_name": INSTANCE, "account": ACCOUNT, "version": VERSION},
    audit="billing_account.update",
)
def update_billing_account(
    instance_name: str, account: dict[str, Any], version: int
) -> dict[str, Any]:
    """Change a tenant's billing details: ``{"instance_name"}``. Stripe is told afterwards."""
    row = find_account(instance_name)
    fields = _with_tax_id(account)
    changes = {name: [row[name], fields[name]] for name in fields if fields[name] != row[name]}
    if not changes:
        audit.unchanged()
        return {"instance_name": instance_name}
    if int(row["version"]) != version:
        raise ConflictError(
            "Someone else changed these details while you were editing. Nothing has been saved "
            "yet; what you typed is still here.",
            code="edited_meanwhile",
        )
    row.update(**fields, version=version + 1, updated_at=clock.now())
    if row["stripe_customer_id"]:
        outbox.add(CUSTOMER, {"instance_name": instance_name}, reference=instance_name)
    audit.record("update", "billing_account", instance_name, changes)
    dunning.look_at(row)
    return {"instance_name": instance_name}


@server_callable(
    needs="billing.manage",
    takes={"instance_name": INSTANCE, "reason": REASON},
    audit="billing_account.suspend",
)
def suspend_tenant(instance_name: str, reason: str) -> dict[str, Any]:
    """Stop a tenant's instance until somebody resumes it: ``{"access"}``. It is never resumed by
    itself."""
    row = find_account(instance_name)
    if row["access"] == accounts.SUSPENDED:
        raise ConflictError("This tenant is suspended already.")
    accounts.suspend(row, accounts.MANUAL, reason)
    return {"access": row["access"]}


@server_callable(
    needs="billing.manage", takes={"instance_name": INSTANCE}, audit="billing_account.resume"
)
def resume_tenant(instance_name: str) -> dict[str, Any]:
    """Start a suspended tenant's instance again, paid or not: ``{"access"}``.

    An open case of dunning begins anew, so that it does not suspend the tenant again at once.
    """
    row = find_account(instance_name)
    if row["access"] != accounts.SUSPENDED:
        raise ConflictError("This tenant is not suspended.")
    accounts.resume(row)
    dunning.begin_anew(row)
    return {"access": row["access"]}


def _with_tax_id(account: dict[str, Any]) -> dict[str, Any]:
    """The fields with the VAT id in its plain form and its kind."""
    found = read_tax_id(account["tax_id"], account["country"])
    kind, value = found or (None, None)
    if value is not None and len(value) > 40:
        raise InvalidError("The VAT id is too long.", field="tax_id")
    return {**account, "tax_id": value, "tax_id_kind": kind}
