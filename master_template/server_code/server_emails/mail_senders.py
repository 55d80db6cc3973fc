"""Who takes a mail to its recipient: one function for each way."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import anvil.email
import anvil.server

from ..server_integrations import brevo_api, smtp_client
from ..server_integrations.integration_service import is_connected, read_integration
from ..server_shared import clock
from ..server_shared.errors import AppError, ProviderError

SERVER, SMTP_SERVER, BREVO = "server", "smtp", "brevo"

# How the embedded server says what became of a mail (app_server/email/delivery.py and message.py);
# what follows in it are the words of the mail server.
_SAID = re.compile(
    r"The mail server \S+ (?P<what>refused the message|refused the log-in[^:]*"
    r"|refused to take mail|could not be reached): (?P<code>[45]\d\d)?"
)
_UNFIT = re.compile(r"Invalid (email|'from') address: |An e-mail may have at most ")
_FOR_ALL = ("provider_refused", "provider_busy", "provider_unreachable", "provider_no_credits")


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
    headers: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    is_marketing: bool = False


# How an attempt went. REFUSED: this mail never goes. LATER: it has surely not gone out. UNKNOWN: it
# may have.
TAKEN, REFUSED, LATER, UNKNOWN = "sent", "refused", "later", "unknown"


@dataclass(frozen=True)
class Attempt:
    """How one attempt at one mail went; ``message`` says it to a person. ``is_for_all``: the next
    mail would meet the same (a wrong key, a limit), so that it is better to wait."""

    state: str
    provider: str
    reference: str = ""
    message: str = ""
    retry_after_seconds: float = 0.0
    code: str = field(default="")
    is_for_all: bool = False


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


def attempt(mail: OutgoingMail) -> Attempt:
    """Send a mail now, and say how it went; raises nothing for a provider's sake."""
    try:
        provider, send = choose_sender()
    except AppError as error:
        return Attempt(LATER, "", message=error.message, code=error.code, is_for_all=True)
    try:
        return Attempt(TAKEN, provider, send(mail))
    except ProviderError as error:
        state = UNKNOWN if error.is_uncertain else REFUSED if error.permanent else LATER
        is_for_all = state == LATER and error.code in _FOR_ALL
        return Attempt(
            state,
            provider,
            message=error.message,
            retry_after_seconds=error.retry_after_seconds,
            code=error.code,
            is_for_all=is_for_all,
        )
    except AppError as error:  # its values cannot be read: a key of the instance is missing
        return Attempt(LATER, provider, message=error.message, code=error.code, is_for_all=True)


def resolves_unknown(provider: str, started_at: datetime) -> bool:
    """Whether another attempt at a mail that may have gone out at ``started_at`` is safe: the
    provider still knows its ``mail_id``, and sends it once only."""
    age = clock.now() - started_at
    return provider == BREVO and age < timedelta(seconds=brevo_api.IDEMPOTENT_SECONDS)


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
            **({"headers": mail.headers} if mail.headers else {}),
        )
    except anvil.email.SendFailure as error:
        raise server_failure(str(error)) from error
    except anvil.server.AnvilWrappedError as error:
        raise ProviderError(
            f"The mail could not be handed over: {error}", is_uncertain=True
        ) from error
    return ""


def server_failure(said: str) -> ProviderError:
    """What the mail server of the instance had against a mail; words that are not known, as those
    of other servers, leave it open whether it has gone out."""
    message = f"The mail server did not take it: {said}"
    if _UNFIT.match(said):
        return ProviderError(message, permanent=True)
    found = _SAID.match(said)
    if found is None:
        return ProviderError(message, is_uncertain=True)
    code = found["code"] or ""
    if found["what"] == "could not be reached":
        return ProviderError(message, code="provider_unreachable")
    if found["what"] == "refused the message" and code != "421":  # which closes the connection
        return ProviderError(message, permanent=code.startswith("5"))
    is_busy = code.startswith("4")
    return ProviderError(message, code="provider_busy" if is_busy else "provider_refused")


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
    for name, value in mail.headers.items():
        message[name] = value
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    smtp_client.send(values, message, recipient, _return_path(values, mail.mail_id))
    return str(message["Message-ID"])


def _return_path(values: Mapping[str, str], mail_id: str) -> str:
    """Where a mail that cannot be delivered goes back to: to the sender, or where the business has
    an address for that, to one that says which mail it was (``mail_bounces`` reads it)."""
    if not values.get("bounce_email"):
        return _ascii_address(values["sender_email"])
    local, _, domain = _ascii_address(values["bounce_email"]).rpartition("@")
    marked = f"{local}+{mail_id}"
    # No mailbox's name is longer (RFC 5321 section 4.5.3.1.1).
    return f"{marked if len(marked) <= 64 else local}@{domain}"


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
    """By Brevo's API, see ``brevo_client.send_mail``."""
    return brevo_api.send_mail(mail, read_integration(BREVO))
