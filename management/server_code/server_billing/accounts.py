"""The billing account of a tenant: finding it, what state it is in, and its access.

``state`` sums up what the list is filtered by: ``none`` (never subscribed), ``trialing``,
``active``, ``ending`` (cancelled, but still running), ``past_due``, ``suspended``, ``ended`` and
``exempt``. It is worked out anew in every transaction that changes what it depends on.
"""

from __future__ import annotations

from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_shared import audit, clock
from master_template.server_shared.errors import NotFoundError
from master_template.server_shared.validators import fold

from ..server_jobs.job_service import on_job_ended, queue_job
from .stripe_facts import LIVE, OWING

STATES = ("none", "trialing", "active", "ending", "past_due", "suspended", "ended", "exempt")
RUNNING, SUSPENDED = "running", "suspended"
UNPAID, ENDED, MANUAL = "unpaid", "ended", "manual"

_REASON_TEXTS = {
    UNPAID: "The subscription is not paid.",
    ENDED: "The subscription has ended.",
}


def find_account(instance_name: str) -> Any:
    """The row of a tenant's account. Raises :class:`NotFoundError`."""
    row = app_tables.billing_accounts.get(instance_name=instance_name)
    if row is None:
        raise NotFoundError("This tenant has no billing details yet.")
    return row


def live_subscription(account: Any) -> Any:
    """The row of the one subscription that runs, or None."""
    return app_tables.billing_subscriptions.get(
        account=account, status=q.any_of(*LIVE), is_surplus=False
    )


def newest_subscription(account: Any) -> Any:
    """The row of the subscription that runs, else of the one that began last, or None."""
    live = live_subscription(account)
    if live is not None:
        return live
    found = app_tables.billing_subscriptions.search(
        tables.order_by("started_at", ascending=False),
        q.page_size(1),
        account=account,
        is_surplus=False,
    )
    return next(iter(found), None)


def refresh_state(account: Any) -> None:
    """Write into the account what its list shows of its subscription."""
    subscription = newest_subscription(account)
    shown: dict[str, Any] = {"state": _state_of(account, subscription)}
    for column in ("plan", "price_cents", "currency", "interval"):
        shown[column] = subscription[column] if subscription is not None else None
    if subscription is not None:
        shown["period_end"] = subscription["ended_at"] or subscription["period_end"]
    plan = shown["plan"]
    words = (account["billing_name"], account["instance_name"], account["billing_email"])
    shown["search_text"] = fold(" ".join([*words, plan["name"] if plan is not None else ""]))
    account.update(**shown)


def _state_of(account: Any, subscription: Any) -> str:
    if account["access"] == SUSPENDED:
        return "suspended"
    if account["is_exempt"]:
        return "exempt"
    if subscription is None or subscription["status"] in ("incomplete", "incomplete_expired"):
        return "none"
    if subscription["status"] in OWING:
        return "past_due"
    if subscription["status"] not in LIVE:
        return "ended"
    return "ending" if subscription["cancel_at"] else str(subscription["status"])


def suspend(account: Any, reason: str, note: str = "") -> bool:
    """Have the tenant's instance stopped, in the transaction that runs now; give whether it ran."""
    if account["access"] == SUSPENDED:
        return False
    text = note or _REASON_TEXTS[reason]
    _set_access(account, SUSPENDED, reason, text)
    name = account["instance_name"]
    queue_job(
        "instance.stop",
        {"name": name, "reason": text},
        key=f"billing-stop-{name}-{int(account['access_number'])}",
        instance=name,
        by="Billing",
    )
    return True


def resume(account: Any) -> bool:
    """Have the tenant's instance started again; give whether it was suspended."""
    if account["access"] == RUNNING:
        return False
    _set_access(account, RUNNING, None, None)
    name = account["instance_name"]
    queue_job(
        "instance.start",
        {"name": name},
        key=f"billing-start-{name}-{int(account['access_number'])}",
        instance=name,
        by="Billing",
    )
    return True


def _set_access(account: Any, access: str, reason: str | None, note: str | None) -> None:
    before = [account["access"], account["access_reason"], account["access_note"]]
    account.update(
        access=access,
        access_reason=reason,
        access_note=note,
        access_changed_at=clock.now(),
        access_number=int(account["access_number"] or 0) + 1,
        access_job="waiting",
    )
    refresh_state(account)
    changes = {
        "access": [before[0], access],
        "reason": [before[1], reason],
        "note": [before[2], note],
    }
    action = "suspend" if access == SUSPENDED else "resume"
    audit.record(action, "billing_account", account["instance_name"], changes)


def _note_job(job: dict[str, Any]) -> None:
    """Keep how the newest job of an account ended, in the transaction that ends it."""
    account = app_tables.billing_accounts.get(instance_name=job["instance"])
    if account is None:
        return
    verb = "stop" if account["access"] == SUSPENDED else "start"
    key = f"billing-{verb}-{account['instance_name']}-{int(account['access_number'] or 0)}"
    if app_tables.operator_jobs.get(job_id=job["job_id"], key=key) is not None:
        account["access_job"] = job["state"]


on_job_ended("instance.stop", _note_job)
on_job_ended("instance.start", _note_job)
