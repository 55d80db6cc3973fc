"""Takes Stripe's messages: the signature is checked, the message noted once, and the rest left to
the outbox.

What a message says beyond its object's id is not kept: ``stripe_sync`` asks for the object. So one
that comes twice, late or out of order does no harm. Stripe repeats what we do not answer with 200
for three days (https://docs.stripe.com/webhooks#retries), which is what we ask for when we cannot
note it.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import anvil.server
from anvil.tables import TableError, app_tables

from master_template.server_shared import clock, outbox
from master_template.server_shared.errors import AppError, NotFoundError
from master_template.server_shared.outbox import Entry, Outcome, delivering_afterwards
from master_template.server_shared.transactions import in_transaction

from . import stripe_sync
from .stripe_gateway import StripeGateway, open_gateway, read_webhook

EVENT = "billing_event"
MAX_BODY_BYTES = 512_000  # https://docs.stripe.com/event-destinations: at most 256 kB
WAITING, DONE, IGNORED, FAILED = "waiting", "done", "ignored", "failed"

log = logging.getLogger("mybizz.billing")


@anvil.server.http_endpoint("/billing/stripe", methods=["POST"], cross_site_session=False)
def take_stripe_event(**_query: str) -> Any:
    """A message of Stripe's: 200 once it is noted."""
    request = anvil.server.request
    body = request.body.get_bytes() if request.body is not None else b""
    if len(body) > MAX_BODY_BYTES:
        return _answer(413, "The message is too long.")
    try:
        event = read_webhook(body, request.headers.get("stripe-signature"))
    except NotFoundError as error:
        log.error("a message of Stripe's cannot be checked: %s", error.message)
        return _answer(503, error.message)
    except AppError as error:
        log.warning("a message was refused: %s", error.message)
        return _answer(400, error.message)
    kind, found = _object_of(event)
    with delivering_afterwards():
        _note(event, kind, found)
    return _answer(200, "Taken.")


def _answer(status: int, text: str) -> Any:
    headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    return anvil.server.HttpResponse(status=status, body=text, headers=headers)


def _object_of(event: dict[str, Any]) -> tuple[str | None, str | None]:
    """What kind of thing a message is about (None: nothing that we keep), and its id."""
    name = str(event.get("type") or "")
    given = dict((event.get("data") or {}).get("object") or {})
    found = given.get("id")
    if name.startswith("customer.subscription."):
        return "subscription", found
    if name.startswith("invoice.") and given.get("object") == "invoice":
        return ("invoice" if found else None), found  # one that is only upcoming has no id
    if name.startswith("refund."):
        return "refund", found
    if name == "checkout.session.completed":
        return ("subscription" if given.get("subscription") else None), given.get("subscription")
    return None, found


def _note(event: dict[str, Any], kind: str | None, found: str | None) -> None:
    """Note a message, unless it has been noted."""
    try:
        _add(event, kind, found)
    except TableError as error:
        # Two of the same at the same time: the database took one.
        if "billing_events_event_unique" not in str(error):
            raise


@in_transaction
def _add(event: dict[str, Any], kind: str | None, found: str | None) -> None:
    event_id = str(event["id"])[:100]
    if app_tables.billing_events.get(event_id=event_id) is not None:
        return
    now = clock.now()
    app_tables.billing_events.add_row(
        event_id=event_id,
        kind=str(event.get("type") or "")[:100],
        object_id=str(found or "")[:100],
        status=WAITING if kind else IGNORED,
        happened_at=datetime.fromtimestamp(int(event.get("created") or 0), UTC),
        received_at=now,
        settled_at=None if kind else now,
    )
    if kind:
        payload = {"event_id": event_id, "kind": kind, "object_id": found}
        outbox.add(EVENT, payload, reference=event_id)


def _deliver(entry: Entry) -> str:
    return copy_object(open_gateway(), entry.payload["kind"], entry.payload["object_id"])


def copy_object(gateway: StripeGateway, kind: str, object_id: str) -> str:
    """Copy what a message is about; see ``stripe_sync``."""
    if kind == "subscription":
        return stripe_sync.sync_subscription(gateway, object_id)
    if kind == "invoice":
        return stripe_sync.sync_invoice(gateway, object_id)
    return stripe_sync.sync_refund(gateway, object_id)


def _settle(entry: Entry, outcome: Outcome) -> None:
    row = app_tables.billing_events.get(event_id=entry.payload["event_id"])
    if row is None:
        return
    if outcome.is_done:
        known = outcome.result == stripe_sync.COPIED
        note = "" if known else f"This {entry.payload['kind']} is {outcome.result}."
        row.update(status=DONE if known else IGNORED, note=note, settled_at=outcome.at)
    else:
        row["note"] = outcome.error
        if outcome.is_final:
            row.update(status=FAILED, settled_at=outcome.at)
            log.error("the event %s could not be taken: %s", row["event_id"], outcome.error)


outbox.handlers[EVENT] = outbox.Handler(_deliver, _settle)
