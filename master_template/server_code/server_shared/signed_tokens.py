"""Tokens for links in mails and pages: they name a thing, and nobody else can make one.

``<text>.<signature>``: the text is readable, so it may hold nothing secret; the signature is an
HMAC-SHA256 under the instance's own key, of which 128 bits are kept (RFC 2104, section 5).
"""

from __future__ import annotations

import hmac
import re

from .encryption import keyed_digest

SIGNATURE_CHARS = 32
_TOKEN = re.compile(rf"([A-Za-z0-9_-]{{1,120}})\.([0-9a-f]{{{SIGNATURE_CHARS}}})")


def sign(purpose: str, text: str) -> str:
    """A token of a text (letters, digits, ``_``, ``-``) that is good for one purpose only."""
    token = f"{text}.{_signature(purpose, text)}"
    if _TOKEN.fullmatch(token) is None:
        raise ValueError(f"A signed text has letters, digits, _ and - only, not {text!r}.")
    return token


def read(purpose: str, token: object) -> str | None:
    """The text of a token of :func:`sign`, or None where it is none for this purpose."""
    found = _TOKEN.fullmatch(token) if isinstance(token, str) else None
    if found is None or not hmac.compare_digest(found[2], _signature(purpose, found[1])):
        return None
    return found[1]


def _signature(purpose: str, text: str) -> str:
    return keyed_digest(f"signed token\0{purpose}\0{text}")[:SIGNATURE_CHARS]
