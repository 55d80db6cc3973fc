"""Keeps apps that answer each other's e-mail from doing so for ever.

What an app sends while it handles a message carries a count of such answers, one higher than that
of the message, and is marked as automatic, so that nobody's holiday notice answers it (RFC 3834).
"""

from __future__ import annotations

from email.message import EmailMessage, Message

HOPS = "email hops"
"""The key in a call stack's resources: the count for what is sent there."""

HOPS_HEADER = "X-Anvil-Automatic-Replies"
MAX_HOPS = 5
MAX_RECEIVED = 50
"""Servers that a message came through (RFC 5321, 6.3, asks for at least 100; the longest honest
ways have some ten)."""


def read_hops(message: Message) -> int:
    """How many automatic answers led to a message."""
    text = str(message.get(HOPS_HEADER) or "")
    return int(text) if text.isdigit() and len(text) < 6 else 0


def mark_automatic(message: EmailMessage, hops: int) -> None:
    """To a message that is sent by an app while it handles another."""
    is_reply = message["In-Reply-To"] is not None
    message["Auto-Submitted"] = "auto-replied" if is_reply else "auto-generated"
    message[HOPS_HEADER] = str(hops)
