"""Brevo for marketing: sending, its webhook, and its block list.

Brevo reports each event by a POST and repeats what is not answered with 2xx
(https://developers.brevo.com/docs/transactional-webhooks). It signs nothing; it sends the token
that we gave it with the webhook, as ``Authorization: Bearer`` (.../docs/secured-webhooks). The
network addresses that it sends from are published there too; behind a proxy of our own they cannot
be relied on, so the token is what counts.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import anvil.server

from ..server_emails import mail_senders
from ..server_emails.mail_layout import plain_text
from ..server_emails.mail_senders import OutgoingMail
from ..server_integrations import brevo_api
from ..server_integrations.integration_service import is_connected, read_integration
from ..server_shared import audit, clock, outbox
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.config import read_business
from ..server_shared.encryption import keyed_digest
from ..server_shared.errors import AppError, ConflictError
from ..server_shared.happenings import listen
from ..server_shared.outbox import Entry, Outcome
from ..server_shared.validators import Email, Text
from . import mail_events, scanners
from .mail_events import Report

PROVIDER = "brevo"
PATH = "/webhooks/brevo"
BLOCK = "brevo_block"
MAX_BODY_BYTES = 2_000_000
MAX_EVENTS = 1_000  # of a batch (https://developers.brevo.com/docs/batched-webhooks)

# Its names, in the spellings of its API, its webhooks and its marketing webhooks.
_KINDS = {
    "delivered": mail_events.DELIVERED,
    "opened": mail_events.OPENED,
    "open": mail_events.OPENED,
    "unique_opened": mail_events.OPENED,
    "uniqueopened": mail_events.OPENED,
    "proxy_open": mail_events.OPENED,
    "unique_proxy_open": mail_events.OPENED,
    "click": mail_events.CLICKED,
    "hard_bounce": mail_events.HARD_BOUNCE,
    "hardbounce": mail_events.HARD_BOUNCE,
    "soft_bounce": mail_events.SOFT_BOUNCE,
    "softbounce": mail_events.SOFT_BOUNCE,
    "blocked": mail_events.BLOCKED,
    "spam": mail_events.COMPLAINT,
    "complaint": mail_events.COMPLAINT,
    "invalid": mail_events.INVALID,
    "invalid_email": mail_events.INVALID,
    "deferred": mail_events.DEFERRED,
    "unsubscribed": mail_events.UNSUBSCRIBED,
    "unsubscribe": mail_events.UNSUBSCRIBED,
    "error": mail_events.ERROR,
}
_PROXY = ("proxy_open", "unique_proxy_open")

log = logging.getLogger("mybizz.mail")


@server_callable(
    needs=TRUSTED_ONLY,
    takes={
        "to_email": Email("E-mail", required=True),
        "to_name": Text("Name", max_chars=200, default=""),
        "subject": Text("Subject", max_chars=200, required=True),
        "html_content": Text("HTML", max_chars=500_000, multiline=True, required=True),
        "campaign_id": Text("Campaign", max_chars=40),
    },
    audit="mail.send",
    atomic=False,
)
def send_email(
    to_email: str,
    to_name: str,
    subject: str,
    html_content: str,
    campaign_id: str | None = None,
) -> dict[str, Any]:
    """Send one mail through Brevo at once, for scripts: ``{"is_sent", "message_id"}``.

    Raises :class:`ProviderError`, and :class:`NotFoundError` where Brevo is not connected. What
    goes to customers because they agreed to it goes by ``ledger`` and ``sending`` instead, which
    look at that.
    """
    business = read_business()
    mail = OutgoingMail(
        mail_id=hashlib.sha256(f"{clock.now()}{to_email}{subject}".encode()).hexdigest()[:24],
        to=to_email,
        to_name=to_name,
        subject=subject,
        text=plain_text(html_content),
        html=html_content,
        from_name=business.business_name,
        reply_to=business.email,
        tags=[f"campaign_{campaign_id}"] if campaign_id else [],
    )
    message_id = mail_senders.send_by_brevo(mail)
    audit.record("send", "mail", mail.mail_id, details={"provider": PROVIDER})
    return {"is_sent": True, "message_id": message_id}


@server_callable(needs="marketing.manage", audit="integration.webhook", atomic=False)
def connect_brevo_reports() -> dict[str, Any]:
    """Have Brevo tell us what becomes of mails: ``{"webhook_id", "url"}``. Safe to repeat.

    Raises :class:`ConflictError` where Brevo is not connected, and :class:`ProviderError`.
    """
    if not is_connected(PROVIDER):
        raise ConflictError("Connect Brevo first, under Integrations.", code="not_connected")
    url = _webhook_url()
    hook_id = brevo_api.ensure_webhook(read_integration(PROVIDER), url, _token())
    audit.record("webhook", "integration", PROVIDER, details={"webhook_id": hook_id})
    return {"webhook_id": hook_id, "url": url}


@listen("unsubscribed")
def _tell_brevo(contact: Any, email: str) -> None:
    """Whoever ends marketing gets none by Brevo's own campaigns either."""
    if is_connected(PROVIDER):
        outbox.add(BLOCK, {"email": email}, recipient_email=email)


def _block(entry: Entry) -> None:
    if is_connected(PROVIDER):
        brevo_api.block_contact(read_integration(PROVIDER), entry.payload["email"])


def _settle_block(entry: Entry, outcome: Outcome) -> None:
    if outcome.is_final and not outcome.is_done:
        log.warning("an address was not put on Brevo's block list: %s", outcome.error)


outbox.handlers[BLOCK] = outbox.Handler(_block, _settle_block)


def _webhook_url() -> str:
    return (anvil.server.get_api_origin() or "").rstrip("/") + PATH


def _token() -> str:
    """What Brevo has to show. Made from the instance's key, so that nothing has to be kept."""
    return keyed_digest("brevo webhook")[:48]


@anvil.server.http_endpoint(PATH, methods=["POST"], cross_site_session=False)
def handle_brevo_webhook(**_query: str) -> Any:
    """Brevo's reports: 200 once they are written down, also those that mean nothing to us."""
    request = anvil.server.request
    kind, _, given = str(request.headers.get("authorization") or "").partition(" ")
    try:
        is_known = kind.lower() == "bearer" and hmac.compare_digest(
            given.strip().encode(), _token().encode()
        )
    except AppError as error:
        return _answer(503, error.message)
    if not is_known:
        return _answer(401, "The token is missing or wrong.")
    body = request.body.get_bytes() if request.body is not None else b""
    if len(body) > MAX_BODY_BYTES:
        return _answer(413, "The message is too long.")
    try:
        reports = read_reports(json.loads(body))
    except (ValueError, RecursionError) as error:
        log.warning("a message of Brevo's could not be read: %s", error)
        return _answer(400, "The message is no list of events.")
    new = sum(mail_events.record(report) for report in reports)
    return _answer(200, f"{len(reports)} taken, {new} new.")


def _answer(status: int, text: str) -> Any:
    headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    return anvil.server.HttpResponse(status=status, body=text, headers=headers)


def read_reports(body: Any) -> list[Report]:
    """What a message reports, oldest first; one event or a batch. Events that mean nothing to us
    are left out. Raises ValueError where it is neither."""
    events = body.get("events", [body]) if isinstance(body, Mapping) else body
    if not isinstance(events, list) or len(events) > MAX_EVENTS:
        raise ValueError("expected an event or a list of them")
    if not all(isinstance(event, Mapping) for event in events):
        raise ValueError("expected events with named fields")
    found = [report for report in map(_read_report, events) if report is not None]
    return sorted(found, key=lambda report: report.occurred_at)


def _read_report(event: Mapping[str, Any]) -> Report | None:
    name = str(event.get("event") or "").strip().lower()
    kind = _KINDS.get(name)
    if kind is None:
        return None
    message_id = _text(event, "message-id", "messageId", "message_id")
    link = _text(event, "link", "URL")
    stamp = _stamp(event)
    # The webhook's own number is no event's: what is the same is the same mail, moment and link.
    identity = "\0".join((name, message_id, _text(event, "email"), str(stamp), link))
    key = f"{PROVIDER}:{hashlib.sha256(identity.encode()).hexdigest()[:40]}"
    return Report(
        kind=kind,
        event_key=key,
        provider=PROVIDER,
        occurred_at=_moment(stamp),
        send_key=_text(event, "X-Mailin-custom", "x-mailin-custom")[:60],
        email=_address(_text(event, "email")),
        link=link,
        scanner=_scanner(event, name, kind),
        detail=_text(event, "reason", "error_message"),
    )


def _scanner(event: Mapping[str, Any], name: str, kind: str) -> str:
    if name in _PROXY:
        return scanners.APPLE
    if kind not in (mail_events.OPENED, mail_events.CLICKED):
        return ""
    agent = _text(event, "user_agent")
    if agent == "Mozilla/5.0":
        return scanners.APPLE
    return scanners.find_agent(agent) or scanners.find_network(_text(event, "ip"))


def _text(event: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that is a text, on one line."""
    for name in names:
        value = event.get(name)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())[:2_000]
    return ""


def _address(text: str) -> str:
    return text.lower() if "@" in text and len(text) <= 254 else ""


def _stamp(event: Mapping[str, Any]) -> float:
    """When it happened, in seconds. ``ts_event`` and ``ts`` are seconds, ``ts_epoch`` is
    milliseconds, and by the documentation's own sample seconds; ``date`` has no time zone."""
    for name in ("ts_event", "ts_epoch", "ts"):
        value = event.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return value / 1000 if value > 100_000_000_000 else float(value)
    return 0.0


def _moment(stamp: float) -> datetime:
    try:
        return datetime.fromtimestamp(stamp, UTC) if stamp else clock.now()
    except (OverflowError, ValueError, OSError):
        return clock.now()
