"""Who takes a mail to its recipient: one function for each way."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import anvil.email
import anvil.server

from ..server_integrations import smtp_client
from ..server_integrations.integration_service import is_connected, read_integration
from ..server_integrations.provider_checks import brevo_client
from ..server_shared import clock
from ..server_shared.errors import ProviderError

SERVER, SMTP_SERVER, BREVO = "server", "smtp", "brevo"

_NAME_CHARS = 70  # of a person or business, at Brevo
# Name space of the ids by which Brevo knows a mail that it has taken already.
_MAIL_IDS = uuid.UUID("6e0c6f2e-7a53-4d0c-9a43-0d2b5b5f8a11")


@dataclass(frozen=True)
class OutgoingMail:
    """One mail to one person, ready to go. ``mail_id`` is the same for every attempt."""

    mail_id: str
    to: str
    to_name: str
    subject: str
    text: str
    html: str
    from_name: str
    reply_to: str


# Gives what the way calls the mail, or ''. Raises ProviderError.
Sender = Callable[[OutgoingMail], str]


def choose_sender() -> tuple[str, Sender]:
    """The way that mails of this business go now, by name: its own mail server if one is
    connected, else Brevo, else the mail server of the instance."""
    if is_connected(SMTP_SERVER):
        return SMTP_SERVER, send_by_smtp
    if is_connected(BREVO):
        return BREVO, send_by_brevo
    return SERVER, send_by_server


def send_by_server(mail: OutgoingMail) -> str:
    """Through the mail server that the instance's operator has set up."""
    try:
        anvil.email.send(
            to=mail.to,
            from_name=mail.from_name,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            **({"reply_to": mail.reply_to} if mail.reply_to else {}),
        )
    except anvil.email.SendFailure as error:
        raise ProviderError(f"The mail server did not take it: {error}") from error
    except anvil.server.AnvilWrappedError as error:
        raise ProviderError(f"The mail could not be handed over: {error}") from error
    return ""


def send_by_smtp(mail: OutgoingMail) -> str:
    """Through the business's own mail server. The Message-ID is that of every attempt, so that a
    mail server which got it twice can tell."""
    values = read_integration(SMTP_SERVER)
    sender = _ascii_address(values["sender_email"])
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = f"<{mail.mail_id}@{sender.rpartition('@')[2]}>"
    message["Date"] = format_datetime(clock.now())
    message["From"] = Address(mail.from_name, addr_spec=sender)
    recipient = _ascii_address(mail.to)
    message["To"] = Address(mail.to_name, addr_spec=recipient)
    if mail.reply_to:
        message["Reply-To"] = Address(addr_spec=_ascii_address(mail.reply_to))
    message["Subject"] = mail.subject
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notices, please
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    smtp_client.send(values, message, recipient)
    return str(message["Message-ID"])


def _ascii_address(address: str) -> str:
    """An address as every mail server takes it, its domain in the form of RFC 3490."""
    local, _, domain = address.rpartition("@")
    try:
        local.encode("ascii")
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        raise ProviderError(
            f"The mail server takes no address like {address}.", permanent=True
        ) from None


def send_by_brevo(mail: OutgoingMail) -> str:
    """https://developers.brevo.com/reference/sendtransacemail. A mail with the same idempotencyKey
    (https://developers.brevo.com/docs/heterogenous-versions-batch-emails) is sent once."""
    values = read_integration(BREVO)
    recipient = {"email": mail.to}
    if mail.to_name:
        recipient["name"] = mail.to_name[:_NAME_CHARS]
    content = {
        "sender": {"name": mail.from_name[:_NAME_CHARS], "email": values["sender_email"]},
        "to": [recipient],
        "subject": mail.subject,
        "htmlContent": mail.html,
        "textContent": mail.text,
        "headers": {"idempotencyKey": str(uuid.uuid5(_MAIL_IDS, mail.mail_id))},
    }
    if mail.reply_to:
        content["replyTo"] = {"email": mail.reply_to}
    answer = brevo_client(values).post("/v3/smtp/email", json=content, is_repeatable=True)
    if answer.is_refused:
        # The owner may put a right key in before the outbox gives up.
        raise ProviderError("Brevo does not accept the API key.", code="provider_refused")
    if answer.status == 400 and "idempotency" in answer.find("message").lower():
        return ""  # Sent already: an earlier attempt of ours came through.
    if not answer.is_ok:
        reason = answer.find("message") or f"status {answer.status}"
        is_permanent = 400 <= answer.status < 500 and answer.status != 402
        raise ProviderError(f"Brevo did not take the mail: {reason}", permanent=is_permanent)
    return answer.find("messageId")
