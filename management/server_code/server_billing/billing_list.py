"""What the pages of billing show: figures, the list of tenants, one tenant, invoices."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_integrations.integration_service import is_connected
from master_template.server_settings.profile_choices import country_choices, currency_choices
from master_template.server_shared import clock
from master_template.server_shared.callables import STAFF_ONLY
from master_template.server_shared.config import default_country
from master_template.server_shared.validators import Choice, Text

from ..server_console.callables import server_callable
from ..server_console.paging import PAGE_RULES, read_page, search_words
from . import accounts
from .accounts import STATES, find_account, live_subscription
from .billing_fields import (
    ACCOUNT,
    INSTANCE,
    LIMITS,
    account_item,
    monthly_cents,
    plan_item,
)
from .dunning import open_case
from .stripe_facts import LIVE

MAX_WITHOUT = 200
MAX_INVOICES = 24
ACCOUNT_FIELDS = tuple(ACCOUNT.fields)
INVOICE_STATES = ("open", "paid", "uncollectible", "void", "refunded")

_SORTS = {
    # Its text begins with the name, folded: "Élan" stands beside "Elan".
    "name": (("search_text", True), ("instance_name", True)),
    "price": (("price_cents", False), ("instance_name", True)),
    "period_end": (("period_end", True), ("instance_name", True)),
}


@server_callable(needs="billing.view")
def get_billing_overview() -> dict[str, Any]:
    """The figures above the list.

    ``revenue``: ``[{"currency", "monthly_cents"}]`` of what runs and is paid, the largest first;
    ``states``: how many tenants are in each; ``owed``: ``[{"currency", "owed_cents"}]`` of open
    cases; ``surplus``: names of tenants that pay twice; ``is_connected``: whether Stripe is;
    ``last_event_at``; ``failed_events``; ``check``: the last comparison with Stripe, or None.
    """
    revenue: dict[str, int] = {}
    surplus: list[str] = []
    for row in app_tables.billing_subscriptions.search(status=q.any_of(*LIVE)):
        if row["is_surplus"]:
            surplus.append(row["account"]["instance_name"])
        elif row["status"] in ("active", "past_due"):
            monthly = monthly_cents(int(row["price_cents"]), row["interval"])
            revenue[row["currency"]] = revenue.get(row["currency"], 0) + monthly
    owed: dict[str, int] = {}
    for case in app_tables.billing_cases.search(closed_at=None):
        if case["owed_cents"]:
            owed[case["currency"]] = owed.get(case["currency"], 0) + int(case["owed_cents"])
    newest = app_tables.billing_events.search(
        tables.order_by("received_at", ascending=False), q.page_size(1)
    )
    last = next(iter(newest), None)
    return {
        "revenue": _by_size(revenue, "monthly_cents"),
        "owed": _by_size(owed, "owed_cents"),
        "states": {
            state: len(app_tables.billing_accounts.search(q.page_size(1), state=state))
            for state in STATES
        },
        "surplus": surplus,
        "is_connected": is_connected("stripe"),
        "last_event_at": last["received_at"] if last is not None else None,
        "failed_events": len(app_tables.billing_events.search(q.page_size(1), status="failed")),
        "check": last_check(),
    }


@server_callable(
    needs="billing.view",
    takes={
        "search": Text("Search", max_chars=200, default=""),
        "state": Choice("State", STATES),
        "sort": Choice("Sort", tuple(_SORTS), default="name"),
        **PAGE_RULES,
    },
)
def list_billing_accounts(
    search: str = "",
    state: str | None = None,
    sort: str = "name",
    offset: int = 0,
    page_size: int = 25,
) -> dict[str, Any]:
    """One page of tenants: ``{"accounts", "total"}``, each as ``billing_fields.account_item``."""
    condition: dict[str, Any] = {"state": state} if state else {}
    words = search_words(search)
    if words:
        condition["search_text"] = q.all_of(*words)
    table = app_tables.billing_accounts
    rows, total = read_page(table, _SORTS[sort], condition, offset=offset, page_size=page_size)
    return {"accounts": [account_item(row) for row in rows], "total": total}


@server_callable(needs="billing.manage")
def list_tenants_without_billing() -> dict[str, Any]:
    """``{"tenants": [{"name", "title"}]}``: businesses that run without billing details."""
    known = {row["instance_name"] for row in app_tables.billing_accounts.search()}
    found = app_tables.fleet_instances.search(tables.order_by("name"), removed_at=None)
    left = (
        {"name": row["name"], "title": row["title"] or row["name"]}
        for row in found
        if row["name"] not in known
    )
    return {"tenants": list(islice(left, MAX_WITHOUT))}


@server_callable(needs="billing.view")
def get_billing_choices() -> dict[str, Any]:
    """``{"currencies", "countries"}``, lists of ``[value, label, more words to find it by]``, and
    our own ``country``, which most tenants share."""
    return {
        "currencies": currency_choices(),
        "countries": country_choices(),
        "country": default_country(),
    }


@server_callable(needs=STAFF_ONLY, takes={"instance_name": INSTANCE})
def get_billing_state(instance_name: str) -> dict[str, Any]:
    """``{"billing": None, or its state, plan_name, access and access_reason}``, for the page of an
    instance. No amounts, so that it is for everyone who works here."""
    row = app_tables.billing_accounts.get(instance_name=instance_name)
    if row is None:
        return {"billing": None}
    item = account_item(row)
    shown = {name: item[name] for name in ("state", "plan_name", "access")}
    return {"billing": {**shown, "access_reason": row["access_reason"]}}


@server_callable(needs="billing.view", takes={"instance_name": INSTANCE})
def get_billing_account(instance_name: str) -> dict[str, Any]:
    """All of a tenant's billing.

    ``account`` (fields of ACCOUNT, ``version``, ``state``, ``access*``), ``subscription`` or None,
    ``surplus``: others that run, ``case`` or None, ``usage``: ``[{"name", "used", "limit"}]``, and
    the newest ``invoices``.
    """
    account = find_account(instance_name)
    live = live_subscription(account)
    newest = live or accounts.newest_subscription(account)
    others = app_tables.billing_subscriptions.search(
        account=account, status=q.any_of(*LIVE), is_surplus=True
    )
    invoices = app_tables.billing_invoices.search(
        tables.order_by("issued_at", ascending=False), q.page_size(MAX_INVOICES), account=account
    )
    return {
        "account": _account_detail(account),
        "subscription": _subscription_item(newest) if newest is not None else None,
        "surplus": [_subscription_item(row) for row in others],
        "case": _case_item(open_case(account)),
        "usage": _usage(account),
        "invoices": [invoice_item(row) for row in islice(invoices, MAX_INVOICES)],
        "has_more_invoices": len(invoices) > MAX_INVOICES,
    }


@server_callable(
    needs="billing.view",
    takes={
        "search": Text("Search", max_chars=200, default=""),
        "status": Choice("Status", INVOICE_STATES),
        **PAGE_RULES,
    },
)
def list_billing_invoices(
    search: str = "", status: str | None = None, offset: int = 0, page_size: int = 25
) -> dict[str, Any]:
    """One page of all tenants' invoices, the newest first: ``{"invoices", "total"}``."""
    condition: dict[str, Any] = {"status": status} if status else {}
    if status == "refunded":
        condition = {"refunded_cents": q.greater_than(0)}
    words = search_words(search)
    if words:
        condition["search_text"] = q.all_of(*words)
    table, order = app_tables.billing_invoices, (("issued_at", False), ("stripe_id", True))
    rows, total = read_page(table, order, condition, offset=offset, page_size=page_size)
    return {"invoices": [invoice_item(row) for row in rows], "total": total}


def invoice_item(row: Any) -> dict[str, Any]:
    """An invoice as the pages show it; addresses only of https."""
    item = {
        name: row[name]
        for name in ("number", "status", "currency", "issued_at", "paid_at", "next_attempt_at")
    }
    for name in ("total_cents", "tax_cents", "paid_cents", "due_cents", "refunded_cents"):
        item[name] = int(row[name] or 0)
    for name in ("page_url", "pdf_url"):
        address = row[name] or ""
        item[name] = address if address.startswith("https://") else ""
    item["instance_name"] = row["account"]["instance_name"]
    item["billing_name"] = row["account"]["billing_name"]
    item["is_overdue"] = bool(
        row["status"] == "open"
        and row["due_at"]
        and row["due_at"] < clock.now() - timedelta(days=1)
    )
    return item


def last_check() -> dict[str, Any] | None:
    """The last comparison with Stripe: ``status``, ``started_at``, ``checked``, ``differences``."""
    found = app_tables.billing_checks.search(
        tables.order_by("started_at", ascending=False), q.page_size(1)
    )
    row = next(iter(found), None)
    if row is None:
        return None
    shown = {name: row[name] for name in ("status", "started_at", "ended_at", "note")}
    return {**shown, "checked": row["checked"] or {}, "differences": row["differences"] or []}


def _by_size(amounts: dict[str, int], name: str) -> list[dict[str, Any]]:
    ordered = sorted(amounts.items(), key=lambda pair: -pair[1])
    return [{"currency": currency, name: cents} for currency, cents in ordered]


def _account_detail(row: Any) -> dict[str, Any]:
    detail = {name: row[name] for name in ACCOUNT_FIELDS}
    for name in ("access", "access_reason", "access_note", "access_changed_at", "access_job"):
        detail[name] = row[name]
    return {
        **detail,
        "is_exempt": bool(row["is_exempt"]),
        "instance_name": row["instance_name"],
        "state": row["state"],
        "is_at_stripe": bool(row["stripe_customer_id"]),
        "version": int(row["version"]),
    }


def _subscription_item(row: Any) -> dict[str, Any]:
    shown = ("stripe_id", "status", "currency", "interval", "started_at", "period_end")
    return {
        **{name: row[name] for name in (*shown, "trial_ends_at", "cancel_at", "ended_at")},
        "price_cents": int(row["price_cents"]),
        "plan": plan_item(row["plan"]) if row["plan"] is not None else None,
        "is_live": row["status"] in LIVE,
    }


def _case_item(case: Any) -> dict[str, Any] | None:
    if case is None:
        return None
    names = ("reason", "currency", "opened_at", "warned_at", "suspended_at")
    return {
        **{name: case[name] for name in (*names, "next_step", "next_step_at")},
        "owed_cents": int(case["owed_cents"]),
        "reminders": int(case["reminders"]),
    }


def _usage(account: Any) -> list[dict[str, Any]]:
    """What the tenant uses of what the plan allows; nothing where neither is known."""
    plan = account["plan"]
    instance = app_tables.fleet_instances.get(name=account["instance_name"])
    if instance is None:
        return []
    limits = dict((plan["limits"] if plan is not None else None) or {})
    stored = instance["storage_bytes"]
    used = {
        "contacts": instance["contacts"],
        "emails": instance["emails"],
        "storage_mb": None if stored is None else int(stored) // 1_000_000,
    }
    return [
        {"name": name, "used": int(used[name]), "limit": limits.get(name)}
        for name in LIMITS
        if used[name] is not None
    ]
