"""Hands one message for one recipient to the app, and says what its sender is told."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from email.message import Message
from typing import Any

from app_server.dispatch import dispatch_outermost
from app_server.email.incoming.parse import parse_message, to_anvil
from app_server.email.incoming.signatures import LookUp, check_signatures
from app_server.email.loops import HOPS, MAX_HOPS, MAX_RECEIVED, read_hops
from app_server.instance import Instance
from app_server.limits import CALL_TIMEOUT_SECONDS
from app_server.request import Origin, Request
from app_server.stack import CallStack
from app_server.wire.codec import encode

logger = logging.getLogger("app_server.email")

COMMAND = "email:handle_message"
NO_FUNCTION = "anvil.server.NoServerFunctionError"
BUSY_TYPES = ("anvil.server.QuotaExceededError", "RateLimitExceeded")
REFUSALS = ("anvil.email.DeliveryFailure", "DeliveryFailure")
DELIVERY_SECONDS = CALL_TIMEOUT_SECONDS + 15
"""As on Anvil's server: what takes longer is answered as a failure of the moment."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An SMTP reply."""

    code: int
    text: str

    @property
    def is_delivered(self) -> bool:
        return self.code < 400

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


DELIVERED = Outcome(250, "2.0.0 Delivered")
TRY_AGAIN = Outcome(451, "4.3.0 An internal error has occurred. Check the app logs for details.")
TOO_LATE = Outcome(
    451,
    "4.4.7 The server timed out while attempting to deliver your message. Please try again.",
)
TOO_BUSY = Outcome(451, "4.7.1 Rate limit exceeded. Please try again later.")
NO_HANDLER = Outcome(551, "5.7.1 This application cannot handle incoming email")
LOOP = Outcome(554, "5.4.6 This message has been passed on too often: there is a mail loop.")


async def deliver(
    instance: Instance,
    content: bytes,
    *,
    sender: str,
    recipient: str,
    ip: str | None,
    look_up: LookUp,
) -> Outcome:
    """Call the app's handler with a message. Never raises."""
    try:
        async with asyncio.timeout(DELIVERY_SECONDS):
            return await _deliver(instance, content, sender, recipient, ip, look_up)
    except TimeoutError:
        logger.error("[%s] An e-mail was not delivered in time", instance.name)
        return TOO_LATE
    except Exception:
        # The edge of the SMTP server: told to the operator; the sender tries again.
        logger.exception("[%s] An e-mail could not be delivered", instance.name)
        return TRY_AGAIN


async def _deliver(
    instance: Instance, content: bytes, sender: str, recipient: str, ip: str | None, look_up: LookUp
) -> Outcome:
    message = await asyncio.to_thread(parse_message, content)
    hops = read_hops(message)
    if hops >= MAX_HOPS or len(message.get_all("Received") or ()) > MAX_RECEIVED:
        logger.warning("[%s] An e-mail that goes in circles was refused", instance.name)
        return LOOP
    dkim = await check_signatures(content, sender, look_up)
    request = await asyncio.to_thread(_make_request, instance, message, sender, recipient, ip, dkim)
    request.stack.resources[HOPS] = hops + 1
    reply = await dispatch_outermost(request)
    return DELIVERED if reply.error is None else read_refusal(instance, reply.error)


def _make_request(
    instance: Instance,
    message: Message,
    sender: str,
    recipient: str,
    ip: str | None,
    dkim: dict[str, Any],
) -> Request:
    argument = to_anvil(message, sender=sender, recipient=recipient, dkim=dkim)
    return Request(
        instance=instance,
        session=instance.sessions.create(),
        stack=CallStack(),
        command=COMMAND,
        payload=encode({"args": [argument], "kwargs": {}}),
        origin=Origin.HTTP,
        frames=({"type": "email_server"},),
        client={"type": "email", "ip": ip, "location": None},
    )


def read_refusal(instance: Instance, error: dict[str, Any]) -> Outcome:
    """What the sender's server is told of an error of the handler. A ``DeliveryFailure`` is told as
    it is: ``message``, or ``code: message``; of others only that there was one."""
    kind, message = str(error.get("type")), str(error.get("message") or "")
    if kind in REFUSALS:
        match = re.fullmatch(r"([45]\d\d): (.*)", message, re.DOTALL)
        code, text = (int(match[1]), match[2]) if match else (554, message)
        return Outcome(code, _one_line(text) or "The message was refused")
    if kind == NO_FUNCTION and COMMAND in message:
        logger.error(
            "[%s] No server function has been decorated @anvil.email.handle_message, so an "
            "incoming e-mail could not be delivered",
            instance.name,
        )
        return NO_HANDLER
    return TOO_BUSY if kind in BUSY_TYPES else TRY_AGAIN


def _one_line(text: str) -> str:
    """As an SMTP reply may have it (RFC 5321, 4.2)."""
    return re.sub(r"[^ -~]+", " ", text).strip()[:400]
