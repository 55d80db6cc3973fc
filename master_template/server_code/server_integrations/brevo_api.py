"""Requests to Brevo, as https://developers.brevo.com/reference documents them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from ..server_shared.errors import ProviderError
from ..server_shared.http_client import Answer
from .provider_checks import brevo_client

Values = Mapping[str, str]

_NAME_CHARS = 70  # of a person or business
# Name space of the ids by which Brevo knows a mail that it has taken already.
_MAIL_IDS = uuid.UUID("6e0c6f2e-7a53-4d0c-9a43-0d2b5b5f8a11")
# How long Brevo knows such an id: 30 minutes by
# https://developers.brevo.com/docs/heterogenous-versions-batch-emails, 15 by its changelog; and a
# repeated request may be a while on its way.
IDEMPOTENT_SECONDS = 12 * 60

# What we want to hear of; the names of https://developers.brevo.com/reference/create-webhook.
WEBHOOK_EVENTS = (
    "delivered",
    "opened",
    "uniqueOpened",
    "click",
    "hardBounce",
    "softBounce",
    "blocked",
    "spam",
    "invalid",
    "deferred",
    "unsubscribed",
)


class Mail(Protocol):
    """What is read of a mail (``mail_senders.OutgoingMail``)."""

    mail_id: str
    to: str
    to_name: str
    subject: str
    text: str
    html: str
    from_name: str
    reply_to: str
    headers: dict[str, str]
    tags: list[str]


def send_mail(mail: Mail, values: Values) -> str:
    """Send one mail (``POST /v3/smtp/email``); give Brevo's messageId, '' where it has the mail
    already. The same mail is sent once, however often it is handed over within
    IDEMPOTENT_SECONDS. Raises :class:`ProviderError`."""
    answer = brevo_client(values).post(
        "/v3/smtp/email", json=_content(mail, values), is_repeatable=True
    )
    message = answer.find("message")
    if answer.status == 400 and "idempotency" in message.lower():
        return ""  # An earlier attempt of ours came through.
    if answer.is_ok and isinstance(answer.body, dict):
        return answer.find("messageId")
    if answer.is_ok:
        raise ProviderError(
            "Brevo's answer could not be understood, so that the mail may have gone out or not.",
            is_uncertain=True,
        )
    raise _refusal(answer, message, values)


def _content(mail: Mail, values: Values) -> dict[str, Any]:
    recipient = {"email": mail.to}
    if mail.to_name:
        recipient["name"] = mail.to_name[:_NAME_CHARS]
    content: dict[str, Any] = {
        "sender": {"name": mail.from_name[:_NAME_CHARS], "email": values["sender_email"]},
        "to": [recipient],
        "subject": mail.subject,
        "htmlContent": mail.html,
        "textContent": mail.text,
        "headers": {
            **mail.headers,
            "X-Mailin-custom": mail.mail_id,  # comes back with every report
            "idempotencyKey": str(uuid.uuid5(_MAIL_IDS, mail.mail_id)),
        },
    }
    if mail.reply_to:
        content["replyTo"] = {"email": mail.reply_to}
    if mail.tags:
        content["tags"] = list(mail.tags)
    return content


def _refusal(answer: Answer, message: str, values: Values) -> ProviderError:
    """What went wrong, by the codes of https://developers.brevo.com/docs/how-it-works."""
    code = answer.find("code")
    if answer.is_refused:
        # The owner may put a right key in before it is given up.
        return ProviderError(
            "Brevo does not accept the API key, or refuses the address of this server.",
            code="provider_refused",
        )
    if answer.status == 402 or code == "not_enough_credits":
        return ProviderError(
            "Brevo has no e-mail credits left for this account.", code="provider_no_credits"
        )
    if answer.status == 400 and ("sender" in message.lower() or code == "unauthorized"):
        return ProviderError(
            f"Brevo does not accept {values['sender_email']} as the sender: {message}",
            code="provider_refused",
        )
    reason = message or f"status {answer.status}"
    return ProviderError(
        f"Brevo did not take the mail: {reason}",
        permanent=400 <= answer.status < 500 and answer.status != 408,
        is_uncertain=answer.status >= 500 or answer.status == 408,
    )


def ensure_webhook(values: Values, url: str, token: str) -> int:
    """Have Brevo report what becomes of mails to an address, with a token in the
    ``Authorization`` header; give the webhook's id. Safe to repeat: one that is there for this
    address is changed. Raises :class:`ProviderError`."""
    client = brevo_client(values)
    hook = {
        "url": url,
        "description": "Delivery reports for Mybizz",
        "type": "transactional",
        "events": list(WEBHOOK_EVENTS),
        "auth": {"type": "bearer", "token": token},
    }
    listed = client.get("/v3/webhooks", {"type": "transactional"})
    if listed.is_refused:
        raise _refusal(listed, listed.find("message"), values)
    hooks = listed.body.get("webhooks") if isinstance(listed.body, dict) else None
    for each in hooks or []:
        if isinstance(each, dict) and each.get("url") == url:
            hook_id = int(each["id"])
            changed = client.put(f"/v3/webhooks/{hook_id}", json=hook)
            if not changed.is_ok:
                raise _refusal(changed, changed.find("message"), values)
            return hook_id
    made = client.post("/v3/webhooks", json=hook)
    if not made.is_ok or not isinstance(made.body, dict) or "id" not in made.body:
        raise _refusal(made, made.find("message"), values)
    return int(made.body["id"])


def block_contact(values: Values, email: str) -> None:
    """Put an address on Brevo's own block list, so that other tools of the business that send
    through it leave the person alone too (``POST /v3/contacts``, made or changed). Raises
    :class:`ProviderError`."""
    answer = brevo_client(values).post(
        "/v3/contacts",
        json={"email": email, "emailBlacklisted": True, "updateEnabled": True},
        is_repeatable=True,
    )
    if not answer.is_ok:
        raise _refusal(answer, answer.find("message"), values)
