"""Asks Stripe, through Stripe's own library.

The library is taken rather than our ``http_client`` because it encodes Stripe's nested forms, pages
through lists, checks the signatures of webhooks and pins its API version, and its base address can
be set, which tests need. What it lacks stands here: 429 is tried again, and what goes wrong becomes
:class:`ProviderError`. Every request that changes something has an idempotency key
(https://docs.stripe.com/api/idempotent_requests): the library and the outbox may repeat it.

Objects come back as plain dicts, as https://docs.stripe.com/api has them in API_VERSION.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import stripe

from master_template.server_integrations.integration_service import read_integration
from master_template.server_integrations.provider_addresses import base_url
from master_template.server_shared.errors import AppError, NotFoundError, ProviderError

# The version that this code was written against; an upgrade of the library must not change it.
API_VERSION = "2026-10-28.endive"
USUAL_ADDRESS = "https://api.stripe.com"
TIMEOUT_SECONDS = 8.0  # a browser's call ends after 30
LIBRARY_RETRIES = 2  # of no connection, 409 and 5xx, with pauses of its own
BUSY_RETRIES = 2
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 4.0
PAGE_ROWS = 100
SIGNATURE_TOLERANCE_SECONDS = 300  # https://docs.stripe.com/webhooks#replay-attacks

Parts = Mapping[str, Any]


class _Answer(dict[str, Any]):
    """An object of Stripe's, in which what should be there and is not is Stripe's fault."""

    def __missing__(self, name: str) -> Any:
        raise ProviderError(f"Stripe sent an answer without {name!r}.")


class StripeGateway:
    """One account of Stripe's. ``is_live``: real money moves."""

    def __init__(self, secret_key: str, address: str) -> None:
        self.is_live = "_live_" in secret_key
        self._client = stripe.StripeClient(
            secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": address.rstrip("/")},
            max_network_retries=LIBRARY_RETRIES,
            http_client=stripe.HTTPXClient(timeout=TIMEOUT_SECONDS, allow_sync_methods=True),
        ).v1

    def find_price(self, lookup_key: str) -> dict[str, Any] | None:
        """The active price with this key, which no other one has."""
        params: Any = {"lookup_keys": [lookup_key], "active": True, "limit": 1}
        found = _ask(lambda: self._client.prices.list(params))["data"]
        return found[0] if found else None

    def put_product(self, product_id: str, fields: Parts, key: str) -> None:
        """Have there be a product with our id and these fields."""
        try:
            self._post("products", {"id": product_id, **fields}, key)
        except ProviderError as error:
            if error.code != "resource_already_exists":
                raise
            params: Any = dict(fields)
            _ask(lambda: self._client.products.update(product_id, params, _options(f"{key}-put")))

    def create_price(self, fields: Parts, key: str) -> dict[str, Any]:
        return self._post("prices", fields, key)

    def create_customer(self, fields: Parts, key: str) -> dict[str, Any]:
        return self._post("customers", fields, key)

    def update_customer(self, customer_id: str, fields: Parts, key: str) -> dict[str, Any]:
        params: Any = dict(fields)
        return _ask(lambda: self._client.customers.update(customer_id, params, _options(key)))

    def replace_tax_id(
        self, customer_id: str, kind: str | None, value: str | None, key: str
    ) -> None:
        """Have the customer's only tax id be this one, or none."""
        service = self._client.customers.tax_ids
        kept = _ask(lambda: service.list(customer_id, {"limit": PAGE_ROWS}))["data"]
        for each in kept:
            if (each["type"], each["value"]) == (kind, value):
                kind = None
            else:
                self._delete_tax_id(customer_id, each["id"])
        if kind and value:
            params: Any = {"type": kind, "value": value}
            _ask(lambda: service.create(customer_id, params, _options(key)))

    def _delete_tax_id(self, customer_id: str, tax_id: str) -> None:
        _ask(lambda: self._client.customers.tax_ids.delete(customer_id, tax_id))

    def create_checkout(self, fields: Parts, key: str) -> dict[str, Any]:
        """https://docs.stripe.com/api/checkout/sessions/create: ``url`` is good for a day."""
        params: Any = dict(fields)
        return _ask(lambda: self._client.checkout.sessions.create(params, _options(key)))

    def create_portal(self, customer_id: str, return_url: str, key: str) -> dict[str, Any]:
        """https://docs.stripe.com/api/customer_portal/sessions/create: ``url`` is good for
        minutes."""
        params: Any = {"customer": customer_id, "return_url": return_url}
        return _ask(lambda: self._client.billing_portal.sessions.create(params, _options(key)))

    def read_subscription(self, subscription_id: str) -> dict[str, Any]:
        return _ask(lambda: self._client.subscriptions.retrieve(subscription_id))

    def update_subscription(self, subscription_id: str, fields: Parts, key: str) -> dict[str, Any]:
        params: Any = dict(fields)
        service = self._client.subscriptions
        return _ask(lambda: service.update(subscription_id, params, _options(key)))

    def cancel_subscription(self, subscription_id: str) -> dict[str, Any]:
        """End it now. Repeating this does no harm, and Stripe takes no key with DELETE."""
        return _ask(lambda: self._client.subscriptions.cancel(subscription_id))

    def preview_invoice(self, fields: Parts) -> dict[str, Any]:
        """https://docs.stripe.com/api/invoices/create_preview; it changes nothing."""
        params: Any = dict(fields)
        return _ask(lambda: self._client.invoices.create_preview(params))

    def read_invoice(self, invoice_id: str) -> dict[str, Any]:
        return _ask(lambda: self._client.invoices.retrieve(invoice_id))

    def read_refund(self, refund_id: str) -> dict[str, Any]:
        return _ask(lambda: self._client.refunds.retrieve(refund_id))

    def find_invoice_of(self, payment_intent: str) -> str | None:
        """The id of the invoice that a payment was for."""
        payment: Any = {"type": "payment_intent", "payment_intent": payment_intent}
        params: Any = {"payment": payment, "limit": 1}
        found = _ask(lambda: self._client.invoice_payments.list(params))["data"]
        return str(found[0]["invoice"]) if found else None

    def list_subscriptions(self) -> Iterator[dict[str, Any]]:
        """All of them, the ended ones too."""
        return self._pages(self._client.subscriptions.list, {"status": "all"})

    def list_invoices(self, since: int) -> Iterator[dict[str, Any]]:
        """Those made since a time in Unix seconds."""
        return self._pages(self._client.invoices.list, {"created": {"gte": since}})

    def list_refunds(self, since: int) -> Iterator[dict[str, Any]]:
        return self._pages(self._client.refunds.list, {"created": {"gte": since}})

    def _post(self, service: str, fields: Parts, key: str) -> dict[str, Any]:
        params: Any = dict(fields)
        return _ask(lambda: getattr(self._client, service).create(params, _options(key)))

    def _pages(self, list_page: Callable[[Any], Any], params: Parts) -> Iterator[dict[str, Any]]:
        """Every object of a list, by pages (https://docs.stripe.com/api/pagination)."""
        after: dict[str, str] = {}
        while True:
            asked = {**params, **after, "limit": PAGE_ROWS}
            page = _ask(lambda asked=asked: list_page(asked))
            yield from page["data"]
            if not page["has_more"] or not page["data"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}


def open_gateway() -> StripeGateway:
    """Stripe with the keys of the settings. Raises :class:`NotFoundError` (``stripe_missing``)."""
    try:
        keys = read_integration("stripe")
    except NotFoundError as error:
        raise _missing() from error
    return StripeGateway(keys["secret_key"], base_url("stripe", USUAL_ADDRESS))


def read_webhook(body: bytes, signature: str | None) -> dict[str, Any]:
    """The event that Stripe sent, once its signature is right and it is no replay.

    Raises :class:`AppError` (``bad_signature``), and :class:`NotFoundError` where no secret is set.
    """
    try:
        keys = read_integration("stripe")
    except NotFoundError as error:
        raise _missing() from error
    secret = keys.get("webhook_secret")
    if not secret:
        raise NotFoundError("The webhook secret of Stripe is not set.", code="stripe_missing")
    try:
        text = body.decode()
        event = stripe.Webhook.construct_event(
            text, signature, secret, SIGNATURE_TOLERANCE_SECONDS
        ).to_dict()
    except (UnicodeDecodeError, ValueError, stripe.SignatureVerificationError) as error:
        raise AppError(
            "The signature is not Stripe's, or too old.", code="bad_signature"
        ) from error
    if bool(event.get("livemode")) != ("_live_" in keys["secret_key"]):
        raise AppError("The event is of the other mode, test or live.", code="wrong_mode")
    return dict(event)


def _missing() -> NotFoundError:
    return NotFoundError(
        "Stripe is not connected. Connect it in the settings, under Integrations.",
        code="stripe_missing",
    )


def _options(key: str) -> Any:
    return {"idempotency_key": f"mybizz-{key}"}


def _ask(request: Callable[[], Any]) -> dict[str, Any]:
    """What Stripe answers, as a dict. Raises :class:`ProviderError`, whose code is Stripe's where
    it refuses (https://docs.stripe.com/error-codes)."""
    for number in range(BUSY_RETRIES + 1):
        try:
            answer = request()
            return _Answer(answer.to_dict())
        except stripe.RateLimitError as error:
            if number == BUSY_RETRIES:
                raise ProviderError(
                    "Stripe is busy. Please try again in a while.", code="provider_busy"
                ) from error
            time.sleep(_pause(number, error.headers))
        except stripe.APIConnectionError as error:
            raise ProviderError(
                "Stripe could not be reached. Please try again in a while.",
                code="provider_unreachable",
            ) from error
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            raise ProviderError(
                "Stripe does not accept the secret key, or it may not do this. Look at it in the "
                "settings, under Integrations.",
                code="provider_refused",
            ) from error
        except (stripe.CardError, stripe.InvalidRequestError, stripe.IdempotencyError) as error:
            said = " ".join(str(error.user_message or error).split())[:300]
            raise ProviderError(
                f"Stripe refused: {said}", permanent=True, code=error.code or "provider_failed"
            ) from error
        except stripe.StripeError as error:
            raise ProviderError(
                f"Stripe answered unexpectedly (status {error.http_status or 'none'})."
            ) from error
    raise AssertionError("every last try returns or raises")


def _pause(number: int, headers: Any) -> float:
    """How long to wait: what Stripe asks for, or doubled each time; never long."""
    asked = str((headers or {}).get("retry-after") or "")
    wait = float(asked) if asked.isdigit() else 0.0
    usual = FIRST_PAUSE_SECONDS * float(2**number) * random.uniform(0.8, 1.2)
    return min(max(wait, usual), LONGEST_PAUSE_SECONDS)
