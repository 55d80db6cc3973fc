"""Who takes a mail to its recipient: one function for each way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import anvil.email
import anvil.server

from ..server_shared.errors import ProviderError

SERVER = "server"


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


def choose_sender() -> tuple[str, Sender]:
    """The way that mails of this business go now, by name."""
    return SERVER, send_by_server
