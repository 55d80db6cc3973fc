"""A small Stripe: customers, prices, Checkout, subscriptions, invoices, refunds, and its messages.

Objects have the fields of https://docs.stripe.com/api that a request or a copy of ours looks at.
``pay``, ``fail``, ``refund`` and the like stand for what happens at Stripe by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import stripe.params
import stripe.params.billing_portal
import stripe.params.checkout

from tests.management.providers.stripe_contract import (
    API_VERSION,
    Contract,
    Refusal,
    read_form,
    refuse_unknown,
)
from tests.product.providers.server import Provider, Reply, Request

Thing = dict[str, Any]
DAY = 86_400
MONTH = 30 * DAY


class Stripe(Provider):
    """https://docs.stripe.com/api, version API_VERSION."""

    name = "stripe"
    key = "sk_test_51Hx9aKeyOfTheFounder0001"
    webhook_secret = "whsec_FoundersWebhookSecret0001"

    def __init__(self) -> None:
        super().__init__()
        self.contract = Contract(self.key)
        self.things: dict[str, Thing] = {}
        self.of_payment: dict[str, str] = {}
        self.declines = False
        self.events: list[Thing] = []
        self._numbers = itertools.count(1001)

    def answer(self, request: Request) -> Reply:
        try:
            self.contract.check(request)
            replayed = self.contract.replay(request)
            if replayed is not None:
                return replayed
            body = self._route(request)
        except Refusal as refusal:
            return refusal.reply
        reply = Reply(200, body)
        self.contract.keep(request, reply)
        return reply

    def _route(self, request: Request) -> Thing:
        for method, pattern, params, handle in self._routes():
            found = re.fullmatch(pattern, request.path)
            if request.method == method and found:
                text = request.body.decode() if method == "POST" else ""
                query = "&".join(f"{name}={value}" for name, value in request.query.items())
                form = read_form(text or query)
                if params is not None:
                    refuse_unknown(form, params)
                return handle(*found.groups(), form)
        raise Refusal(404, f"Unrecognized request URL ({request.method}: {request.path}).")

    def _routes(self) -> list[tuple[str, str, type | None, Callable[..., Thing]]]:
        of, an_id = stripe.params, r"(\w+)"
        return [
            ("GET", "/v1/balance", None, lambda form: {"object": "balance", "livemode": False}),
            ("POST", "/v1/products", of.ProductCreateParams, self._create_product),
            ("POST", f"/v1/products/{an_id}", of.ProductModifyParams, self._update),
            ("GET", "/v1/prices", of.PriceListParams, self._list_prices),
            ("POST", "/v1/prices", of.PriceCreateParams, self._create_price),
            ("POST", "/v1/customers", of.CustomerCreateParams, self._create_customer),
            ("POST", f"/v1/customers/{an_id}", of.CustomerModifyParams, self._update),
            ("GET", f"/v1/customers/{an_id}/tax_ids", None, self._list_tax_ids),
            ("POST", f"/v1/customers/{an_id}/tax_ids", None, self._create_tax_id),
            ("DELETE", f"/v1/customers/{an_id}/tax_ids/{an_id}", None, self._delete_tax_id),
            (
                "POST",
                "/v1/checkout/sessions",
                of.checkout.SessionCreateParams,
                self._create_session,
            ),
            (
                "POST",
                "/v1/billing_portal/sessions",
                of.billing_portal.SessionCreateParams,
                self._create_portal,
            ),
            ("GET", "/v1/subscriptions", of.SubscriptionListParams, self._list("sub_")),
            ("GET", f"/v1/subscriptions/{an_id}", None, self._read),
            ("POST", f"/v1/subscriptions/{an_id}", of.SubscriptionModifyParams, self._change),
            ("DELETE", f"/v1/subscriptions/{an_id}", None, self._cancel),
            ("POST", "/v1/invoices/create_preview", of.InvoiceCreatePreviewParams, self._preview),
            ("GET", "/v1/invoices", of.InvoiceListParams, self._list("in_")),
            ("GET", f"/v1/invoices/{an_id}", None, self._read),
            ("GET", "/v1/refunds", of.RefundListParams, self._list("re_")),
            ("GET", f"/v1/refunds/{an_id}", None, self._read),
            ("GET", "/v1/invoice_payments", of.InvoicePaymentListParams, self._list_payments),
        ]

    # What is asked of it

    def _add(self, prefix: str, **fields: Any) -> Thing:
        made_id = fields.pop("id", None) or f"{prefix}{next(self._numbers)}Test"
        thing = {"id": made_id, "created": int(time.time()), "livemode": False, **fields}
        self.things[made_id] = thing
        return thing

    def _read(self, thing_id: str, form: Thing) -> Thing:
        if thing_id not in self.things:
            raise Refusal(404, f"No such object: '{thing_id}'", code="resource_missing")
        return self.things[thing_id]

    def _update(self, thing_id: str, form: Thing) -> Thing:
        self._read(thing_id, {}).update(form)
        return self.things[thing_id]

    def _list(self, prefix: str) -> Callable[[Thing], Thing]:
        def answer(form: Thing) -> Thing:
            since = int(form.get("created", {}).get("gte", 0))
            found = [
                thing
                for thing_id, thing in reversed(self.things.items())
                if thing_id.startswith(prefix) and thing["created"] >= since
            ]
            ids = [thing["id"] for thing in found]
            start = ids.index(form["starting_after"]) + 1 if "starting_after" in form else 0
            # Small pages, so that one who does not turn them is found out.
            page = found[start : start + min(int(form["limit"]), 2)]
            return _list_of(page, has_more=start + len(page) < len(found))

        return answer

    def _create_product(self, form: Thing) -> Thing:
        if form["id"] in self.things:
            raise Refusal(400, "Product already exists.", code="resource_already_exists")
        return self._add("prod_", object="product", active=True, **form)

    def _list_prices(self, form: Thing) -> Thing:
        keys = form["lookup_keys"]
        found = [each for each in self.things.values() if each.get("lookup_key") in keys]
        return _list_of(found)

    def _create_price(self, form: Thing) -> Thing:
        assert form["product"] in self.things and form["currency"].islower()
        if self._list_prices({"lookup_keys": [form["lookup_key"]]})["data"]:
            raise Refusal(400, "A price already uses that lookup key.")
        fields = {**form, "unit_amount": int(form["unit_amount"])}
        return self._add("price_", object="price", active=True, **fields)

    def _create_customer(self, form: Thing) -> Thing:
        given = form.pop("tax_id_data", [])
        customer = self._add("cus_", object="customer", tax_ids=[], **form)
        for tax_id in given:
            self._create_tax_id(customer["id"], tax_id)
        return customer

    def _list_tax_ids(self, customer_id: str, form: Thing) -> Thing:
        return _list_of(self._read(customer_id, {})["tax_ids"])

    def _create_tax_id(self, customer_id: str, form: Thing) -> Thing:
        tax_id = self._add("txi_", object="tax_id", **form)
        self._read(customer_id, {})["tax_ids"].append(tax_id)
        return tax_id

    def _delete_tax_id(self, customer_id: str, tax_id: str, form: Thing) -> Thing:
        customer = self._read(customer_id, {})
        customer["tax_ids"] = [each for each in customer["tax_ids"] if each["id"] != tax_id]
        return {"id": tax_id, "object": "tax_id", "deleted": True}

    def _create_session(self, form: Thing) -> Thing:
        assert form["mode"] == "subscription" and form["line_items"][0]["price"] in self.things
        self._read(form["customer"], {})
        session = self._add("cs_test_", object="checkout.session", status="open", **form)
        session["url"] = f"https://checkout.stripe.example/c/pay/{session['id']}"
        return session

    def _create_portal(self, form: Thing) -> Thing:
        self._read(form["customer"], {})
        session = self._add("bps_", object="billing_portal.session", **form)
        session["url"] = f"https://billing.stripe.example/p/session/{session['id']}"
        return session

    def _preview(self, form: Thing) -> Thing:
        subscription = self._read(form["subscription"], {})
        item, wanted = subscription["items"]["data"][0], form["subscription_details"]
        [change] = wanted["items"]
        assert change["id"] == item["id"]
        lines = self._proration(item, change["price"], int(wanted["proration_date"]))
        total = sum(line["amount"] for line in lines)
        return {
            "object": "invoice",
            "lines": _list_of(lines),
            "total": total,
            "amount_due": max(total, 0),
            "currency": item["price"]["currency"],
        }

    def _proration(self, item: Thing, price_id: str, at: int) -> list[Thing]:
        """https://docs.stripe.com/billing/subscriptions/prorations: to the second."""
        if not item["current_period_start"] <= at <= item["current_period_end"]:
            raise Refusal(400, "The proration date must be in the current period.")
        left = item["current_period_end"] - at
        whole = item["current_period_end"] - item["current_period_start"]
        before, after = item["price"]["unit_amount"], self.things[price_id]["unit_amount"]
        return [
            {"description": "Unused time on the old plan", "amount": -round(before * left / whole)},
            {
                "description": "Remaining time on the new plan",
                "amount": round(after * left / whole),
            },
        ]

    def _change(self, subscription_id: str, form: Thing) -> Thing:
        subscription = self._read(subscription_id, {})
        item = subscription["items"]["data"][0]
        if "items" in form:
            price_id = form["items"][0]["price"]
            lines = self._proration(item, price_id, int(form["proration_date"]))
            if form["proration_behavior"] == "always_invoice":
                if self.declines:
                    assert form["payment_behavior"] == "error_if_incomplete"
                    raise Refusal(
                        402, "Your card was declined.", code="card_declined", kind="card_error"
                    )
                self.bill(subscription_id, sum(line["amount"] for line in lines), is_paid=True)
            item["price"] = self.things[price_id]
        if "cancel_at_period_end" in form:
            ends = form["cancel_at_period_end"] == "true"
            subscription["cancel_at_period_end"] = ends
            subscription["cancel_at"] = item["current_period_end"] if ends else None
        subscription["metadata"].update(form.get("metadata", {}))
        return subscription

    def _cancel(self, subscription_id: str, form: Thing) -> Thing:
        self._read(subscription_id, {}).update(status="canceled", ended_at=int(time.time()))
        return self.things[subscription_id]

    def _list_payments(self, form: Thing) -> Thing:
        assert form["payment"]["type"] == "payment_intent"
        invoice = self.of_payment.get(form["payment"]["payment_intent"])
        found = [{"object": "invoice_payment", "invoice": invoice}] if invoice else []
        return _list_of(found)

    # What happens by itself

    def subscribe(self, session_id: str) -> Thing:
        """Someone enters a card on the page of Checkout."""
        session = self.things[session_id]
        given = session["subscription_data"]
        return self.begin(
            session["customer"],
            session["line_items"][0]["price"],
            metadata=given["metadata"],
            trial_days=int(given.get("trial_period_days", 0)),
        )

    def begin(
        self, customer: str, price_id: str, *, metadata: Thing | None = None, trial_days: int = 0
    ) -> Thing:
        now = int(time.time())
        trial_end = now + trial_days * DAY if trial_days else None
        item = {
            "id": f"si_{next(self._numbers)}Test",
            "price": self.things[price_id],
            "quantity": 1,
            "current_period_start": now,
            "current_period_end": trial_end or now + MONTH,
        }
        subscription = self._add(
            "sub_",
            object="subscription",
            customer=customer,
            status="trialing" if trial_days else "active",
            items=_list_of([item]),
            metadata=dict(metadata or {}),
            start_date=now,
            trial_end=trial_end,
            cancel_at=None,
            cancel_at_period_end=False,
            ended_at=None,
        )
        if not trial_days:
            self.bill(subscription["id"], self.things[price_id]["unit_amount"], is_paid=True)
        return subscription

    def bill(self, subscription_id: str, total: int, *, is_paid: bool) -> Thing:
        """An invoice, paid at once or with a first payment that failed."""
        now, number = int(time.time()), next(self._numbers)
        page = f"https://invoice.stripe.example/i/{number}"
        invoice = self._add(
            "in_",
            object="invoice",
            customer=self.things[subscription_id]["customer"],
            parent={"subscription_details": {"subscription": subscription_id}},
            number=f"MYB-{number}",
            status="open",
            currency=self.things[subscription_id]["items"]["data"][0]["price"]["currency"],
            subtotal=total,
            total=total,
            total_taxes=[],
            amount_paid=0,
            amount_remaining=max(total, 0),
            attempt_count=1,
            next_payment_attempt=None if is_paid else now + 3 * DAY,
            due_date=None,
            period_start=now,
            period_end=now,
            hosted_invoice_url=page,
            invoice_pdf=f"{page}/pdf",
            status_transitions={"finalized_at": now, "paid_at": None},
        )
        if is_paid:
            self.pay(invoice["id"])
        else:
            self.things[subscription_id]["status"] = "past_due"
        return invoice

    def pay(self, invoice_id: str) -> Thing:
        """The invoice is paid, and its subscription runs again."""
        invoice = self.things[invoice_id]
        invoice.update(
            status="paid",
            amount_paid=max(invoice["total"], 0),
            amount_remaining=0,
            next_payment_attempt=None,
            status_transitions={**invoice["status_transitions"], "paid_at": int(time.time())},
        )
        self.of_payment[f"pi_{invoice_id}"] = invoice_id
        subscription = self.things[invoice["parent"]["subscription_details"]["subscription"]]
        if subscription["status"] in ("past_due", "unpaid"):
            subscription["status"] = "active"
        return invoice

    def refund(self, invoice_id: str, amount: int) -> Thing:
        return self._add(
            "re_",
            object="refund",
            amount=amount,
            currency=self.things[invoice_id]["currency"],
            payment_intent=f"pi_{invoice_id}",
            status="succeeded",
            reason="requested_by_customer",
        )

    # What it tells

    def event(self, kind: str, thing: Thing) -> Thing:
        """A message about a thing as it is now."""
        event = self._add(
            "evt_",
            object="event",
            type=kind,
            api_version=API_VERSION,
            data={"object": json.loads(json.dumps(thing))},
        )
        self.events.append(event)
        return event

    def sign(self, body: str, at: int | None = None, secret: str = "") -> str:
        """https://docs.stripe.com/webhooks#verify-manually"""
        moment = int(time.time()) if at is None else at
        key = (secret or self.webhook_secret).encode()
        digest = hmac.new(key, f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
        return f"t={moment},v1={digest}"

    def send(self, url: str, event: Thing, signature: str | None = None) -> httpx.Response:
        """Post a message to an endpoint."""
        body = json.dumps(event)
        headers = {"content-type": "application/json; charset=utf-8"}
        headers["stripe-signature"] = self.sign(body) if signature is None else signature
        return httpx.post(url, content=body, headers=headers, timeout=60)


def _list_of(data: list[Thing], *, has_more: bool = False) -> Thing:
    return {"object": "list", "data": data, "has_more": has_more, "url": "/v1/list"}
