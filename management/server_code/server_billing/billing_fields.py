"""The fields of plans, accounts and dunning: their rules, and their shape for a browser."""

from __future__ import annotations

from typing import Any

from master_template.server_shared.validators import (
    Bool,
    Choice,
    Country,
    Email,
    Int,
    Items,
    Record,
    Text,
    currency,
)

INTERVALS = ("month", "year")
PLAN_STATUSES = ("active", "archived")
LIMITS = ("contacts", "emails", "storage_mb")  # e-mails a month; None: without limit

MAX_PRICE_CENTS = (
    99_999_999  # https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
)
MAX_TRIAL_DAYS = 730  # https://docs.stripe.com/billing/subscriptions/trials
MAX_DAYS = 365

INSTANCE = Text("The tenant", max_chars=60, required=True)
PLAN_CODE = Text("The plan", max_chars=40, required=True)
VERSION = Int("The version", minimum=1, required=True)
REASON = Text("The reason", max_chars=200, required=True)


class Amount(Int):
    """Money in the currency's smallest unit. A text is what somebody typed that is no amount."""

    def check(self, value: Any) -> int:
        if isinstance(value, str):
            raise self.refuse("an amount like 450.00", value)
        return super().check(value)


PLAN = Record(
    "The plan",
    {
        "name": Text("The name", max_chars=60, required=True),
        "description": Text("The description", max_chars=300, default=""),
        "price_cents": Amount("The price", minimum=0, maximum=MAX_PRICE_CENTS, required=True),
        "currency": currency("The currency", required=True),
        "interval": Choice("The interval", INTERVALS, required=True),
        "trial_days": Int("The trial", minimum=0, maximum=MAX_TRIAL_DAYS, default=0),
        "limits": Record(
            "The limits",
            {
                "contacts": Int("Contacts", minimum=1, maximum=10_000_000),
                "emails": Int("E-mails a month", minimum=1, maximum=100_000_000),
                "storage_mb": Int("Storage", minimum=1, maximum=100_000_000),
            },
            default={},
        ),
    },
    required=True,
)

ACCOUNT = Record(
    "The billing details",
    {
        "billing_name": Text("The name on invoices", max_chars=150, required=True),
        "billing_email": Email("The billing e-mail", required=True),
        "country": Country("The country", required=True),
        "street": Text("The street", max_chars=200, default=""),
        "postal_code": Text("The postal code", max_chars=20, default=""),
        "city": Text("The city", max_chars=100, default=""),
        "tax_id": Text("The VAT id", max_chars=40),
        "is_exempt": Bool("Free of charge", default=False),
    },
    required=True,
)

DUNNING = Record(
    "The settings",
    {
        "reminder_days": Items(
            "Reminders", Int("A reminder's day", minimum=0, maximum=MAX_DAYS), max_items=10
        ),
        "suspend_days": Int("Suspension", minimum=1, maximum=MAX_DAYS, required=True),
        "warn_days": Int("The last warning", minimum=1, maximum=60, required=True),
        "ended_days": Int("After the end", minimum=1, maximum=MAX_DAYS, required=True),
        "is_suspending": Bool("Suspend by itself", default=False),
    },
    required=True,
)


def plan_item(row: Any) -> dict[str, Any]:
    """A plan as the pages show it."""
    return {
        "code": row["code"],
        "name": row["name"],
        "description": row["description"] or "",
        "price_cents": int(row["price_cents"]),
        "currency": row["currency"],
        "interval": row["interval"],
        "trial_days": int(row["trial_days"] or 0),
        "limits": {name: (row["limits"] or {}).get(name) for name in LIMITS},
        "status": row["status"],
        "version": int(row["version"]),
        "is_at_stripe": bool(row["stripe_price_id"]),
    }


def account_item(row: Any) -> dict[str, Any]:
    """An account as the list shows it. ``plan`` has to be fetched with it."""
    plan = row["plan"]
    return {
        "instance_name": row["instance_name"],
        "billing_name": row["billing_name"],
        "billing_email": row["billing_email"],
        "state": row["state"],
        "plan_name": plan["name"] if plan is not None else "",
        "price_cents": None if row["price_cents"] is None else int(row["price_cents"]),
        "currency": row["currency"],
        "interval": row["interval"],
        "period_end": row["period_end"],
        "access": row["access"],
    }


def monthly_cents(price_cents: int, interval: str) -> int:
    """A price as it counts in the revenue of a month; a year's twelfth, rounded down."""
    return price_cents if interval == "month" else price_cents // 12
