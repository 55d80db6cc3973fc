"""Mails that the product sends: waiting for them, and reading them."""

from __future__ import annotations

import time
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy

from tests.product.studio import Studio

PATIENCE_SECONDS = 60


def deliver_mail(studio: Studio) -> None:
    """Come back when nothing that is due waits in the outbox, whoever delivers it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    with studio.uplink() as script:
        while True:
            entries = script.call("deliver_outbox_now")["entries"]
            if not entries["due"] and not entries["leased"]:
                return
            assert time.monotonic() < deadline, f"the outbox does not empty: {entries}"


def read_mails(studio: Studio, address: str) -> list[EmailMessage]:
    """The messages to someone, the oldest first."""
    files = sorted((studio.data / "outbox").glob("*.eml"))
    messages = [message_from_bytes(file.read_bytes(), policy=default_policy) for file in files]
    return [message for message in messages if address in (message["to"] or "")]


def body_of(message: EmailMessage, kind: str = "html") -> str:
    """What a message says, as ``html`` or ``plain``."""
    part = message.get_body((kind,))
    assert part is not None, f"there is no {kind} part"
    return str(part.get_content())
