"""A console that is connected to a Stripe of its own, with tenants to bill."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from master_template.server_shared.validators import fold
from tests.management.conftest import open_console
from tests.management.providers.stripe import Stripe, Thing
from tests.product.mailbox import deliver_mail, read_mails
from tests.product.outside_world import connect
from tests.product.providers.server import serve
from tests.product.studio import Studio

_NAMES = """
Élan Yoga|Sea View Inn|Tidy Homes|The Blue Door|Copper Pot|Night Owl Books|Green Leaf|Old Mill
Harbour Physio|Rosebank Dance|Karoo Guesthouse|Table Bay Tours|Silver Needle|Little Bakers
Protea Spa|Umhlanga Surf|Corner Bicycle|Baobab Legal|Quiet Rooms|Highveld Vets|Kalk Bay Books
Lions Head Gym|Mossel Bay Inn|Namaqua Tours|Overberg Yoga|Paarl Pottery|Quince Cafe|Robertson Wine
Stellenbosch Kitchen|Tulbagh Cheese|Upington Dates|Vredefort Dome|Worcester Vine
Xhosa Crafts|Yzerfontein Surf
"""
TENANTS = {fold(name).replace(" ", "-"): name for name in re.split(r"[|\n]", _NAMES.strip())}
STUDIO_PLAN = {
    "name": "Studio",
    "description": "For one place and a handful of people",
    "price_cents": 45_000,
    "currency": "ZAR",
    "interval": "month",
    "trial_days": 0,
    "limits": {"contacts": 5_000, "emails": 10_000, "storage_mb": 2_000},
}


def details(name: str, **fields: Any) -> dict[str, Any]:
    """Billing details of a tenant."""
    return {
        "billing_name": TENANTS[name],
        "billing_email": f"accounts@{name}.example",
        "country": "ZA",
        "street": "12 Long Street",
        "postal_code": "8001",
        "city": "Cape Town",
        "tax_id": None,
        "is_exempt": False,
        **fields,
    }


class Office:
    """The console, its Stripe, and short ways to say what a test needs."""

    def __init__(self, console: Studio, stripe: Stripe) -> None:
        self.console = console
        self.stripe = stripe

    @property
    def webhook(self) -> str:
        return f"{self.console.url}/_/api/billing/stripe"

    def call(self, name: str, /, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Call as a script does, which may everything: a log-in each time would take a while."""
        with self.console.uplink() as script:
            return script.call(name, *args, **kwargs)

    def send(self, kind: str, thing: Thing) -> None:
        """Have Stripe send a message."""
        answer = self.stripe.send(self.webhook, self.stripe.event(kind, thing))
        assert answer.status_code == 200, answer.text

    def tell(self, kind: str, thing: Thing) -> None:
        """Have Stripe send a message, and wait until it has been dealt with."""
        self.send(kind, thing)
        self.settle()

    def settle(self) -> None:
        deliver_mail(self.console)

    def open_link(self, link: str) -> httpx.Response:
        path = link[link.index("/billing/pay/") :]
        return httpx.get(self.console.url + path, timeout=60, follow_redirects=False)

    def subscribe(self, name: str, code: str = "studio", **fields: Any) -> Thing:
        """Give a tenant billing details and a subscription, as it happens in life."""
        self.call("create_billing_account", name, details(name, **fields))
        link = self.call("create_checkout_link", name, code)["link"]
        session = self.session_of(self.open_link(link))
        subscription = self.stripe.subscribe(session["id"])
        self.send("customer.subscription.created", subscription)
        for invoice in self.invoices_of(subscription):
            self.send("invoice.paid", invoice)
        self.settle()
        return subscription

    def subscribe_once(self, name: str) -> Thing:
        """As :meth:`subscribe`, or the subscription that the tenant has."""
        for thing in self.stripe.things.values():
            if thing.get("object") == "subscription" and thing["metadata"].get("instance") == name:
                return thing
        return self.subscribe(name)

    def fail(self, subscription: Thing) -> Thing:
        """A payment of a subscription fails; give the invoice."""
        price = subscription["items"]["data"][0]["price"]["unit_amount"]
        invoice = self.stripe.bill(subscription["id"], price, is_paid=False)
        self.send("invoice.payment_failed", invoice)
        self.tell("customer.subscription.updated", self.stripe.things[subscription["id"]])
        return invoice

    def pay(self, subscription: Thing, invoice: Thing) -> None:
        """An invoice that failed is paid."""
        self.stripe.pay(invoice["id"])
        self.send("invoice.paid", invoice)
        self.tell("customer.subscription.updated", self.stripe.things[subscription["id"]])

    def session_of(self, answer: httpx.Response) -> Thing:
        assert answer.status_code == 303, answer.text
        return self.stripe.things[answer.headers["location"].rsplit("/", 1)[1]]

    def invoices_of(self, subscription: Thing) -> list[Thing]:
        return [
            thing
            for thing in self.stripe.things.values()
            if thing.get("object") == "invoice" and thing["customer"] == subscription["customer"]
        ]

    def account(self, name: str) -> dict[str, Any]:
        return self.call("get_billing_account", name)

    def advance(self, at: datetime) -> dict[str, Any]:
        """Take the steps of dunning that are due at a time."""
        counts = self.call("advance_dunning_at", at.isoformat())
        self.settle()
        return counts

    def jobs(self, name: str) -> list[tuple[str, str]]:
        """Action and state of what the agent was asked to do with a tenant."""
        found = self.console.query(
            "SELECT action, state FROM app.operator_jobs WHERE instance = %s ORDER BY created_at",
            name,
        )
        return [(str(action), str(state)) for action, state in found]

    def subjects(self, name: str) -> list[str]:
        """The subjects of the mails to a tenant, the oldest first."""
        return [
            str(mail["subject"]) for mail in read_mails(self.console, f"accounts@{name}.example")
        ]

    def case_opened_at(self, name: str) -> datetime:
        """When a tenant's case began. Those of other tests are left to rest."""
        self.console.query(
            "UPDATE app.billing_cases SET next_step_at = NULL WHERE closed_at IS NULL AND account "
            "NOT IN (SELECT _id FROM app.billing_accounts WHERE instance_name = %s)",
            name,
        )
        [(opened_at,)] = self.console.query(
            "SELECT c.opened_at FROM app.billing_cases c JOIN app.billing_accounts a "
            "ON a._id = c.account WHERE a.instance_name = %s AND c.closed_at IS NULL",
            name,
        )
        return opened_at.astimezone(UTC)


@contextmanager
def open_office(folder: Path, database_url: str) -> Iterator[Office]:
    """Serve a Stripe and a console with tenants and one plan, until the block ends."""
    stripe = Stripe()
    with serve(stripe):
        secrets = {"provider_addresses": json.dumps({"stripe": stripe.url})}
        with open_console(folder, database_url, secrets=secrets) as console:
            office = Office(console, stripe)
            instances = [
                {
                    "name": name,
                    "title": title,
                    "release": "v1.0.0",
                    "state": "ready",
                    "health": "well",
                    "contacts": 1_240,
                }
                for name, title in TENANTS.items()
            ]
            with console.uplink() as agent:
                agent.call("report_fleet", agent="machine", instances=instances)
            with console.person("olga") as owner:
                fields = {
                    "publishable_key": "pk_test_51Hx9aPublishable",
                    "secret_key": stripe.key,
                    "webhook_secret": stripe.webhook_secret,
                }
                connect(owner, "stripe", fields)
                owner.call("create_plan", STUDIO_PLAN)
            yield office
    assert stripe.faults == []
