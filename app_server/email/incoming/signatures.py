"""Who signed a message: DKIM (RFC 6376)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import dkim
import dns.exception
import dns.resolver

logger = logging.getLogger("app_server.email")

LookUp = Callable[[str, int], "bytes | None"]
"""The TXT record of a name, within so many seconds; None where there is none."""

MAX_SIGNATURES = 5
LOOK_UP_SECONDS = 4
CHECK_SECONDS = 20.0
NOT_SIGNED: dict[str, Any] = {"valid": False, "valid_from_sender": False, "domains": []}


def look_up_txt(name: str, seconds: int = LOOK_UP_SECONDS) -> bytes | None:
    """By the system's name servers. ``dkim.DnsTimeoutError`` where they do not answer."""
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=seconds)
    except dns.resolver.LifetimeTimeout as error:
        raise dkim.DnsTimeoutError(str(error)) from error
    except (dns.exception.DNSException, UnicodeError):
        return None
    return b"".join(next(iter(answer)).strings)


async def check_signatures(content: bytes, sender: str, look_up: LookUp) -> dict[str, Any]:
    """``{"valid", "valid_from_sender", "domains"}``: whether a good signature covers the whole
    message, whether one is of the domain of ``sender`` (the envelope's), and whose there are.

    A signature that covers only the beginning (``l=``) counts as none: anybody could add to it
    (RFC 6376, 8.2).
    """
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            domains = await asyncio.to_thread(_list_signers, content, look_up)
    except TimeoutError:
        logger.warning("The signatures of a message were not checked: the look-up took too long")
        return dict(NOT_SIGNED)
    own = sender.rpartition("@")[2].lower().rstrip(".")
    return {
        "valid": bool(domains),
        "valid_from_sender": bool(own) and own in domains,
        "domains": domains,
    }


def _list_signers(content: bytes, look_up: LookUp) -> list[str]:
    def txt(name: bytes | str, timeout: int = LOOK_UP_SECONDS) -> bytes | None:
        text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        return look_up(text, min(timeout, LOOK_UP_SECONDS))

    try:
        verifier = dkim.DKIM(content, timeout=LOOK_UP_SECONDS)
    except Exception as error:  # noqa: BLE001  what a stranger sent is no message at all
        logger.info("A message cannot be checked for signatures: %s", error)
        return []
    count = sum(name.lower() == b"dkim-signature" for name, _ in verifier.headers)
    signers: list[str] = []
    for index in range(min(count, MAX_SIGNATURES)):
        try:
            is_good = verifier.verify(idx=index, dnsfunc=txt)
        except Exception as error:  # noqa: BLE001  dkimpy raises many kinds; none makes it good
            logger.info("A signature cannot be checked: %s", error)
            continue
        if is_good and b"l" not in verifier.signature_fields:
            signers.append(verifier.domain.decode("ascii", "replace").lower())
    return list(dict.fromkeys(signers))
