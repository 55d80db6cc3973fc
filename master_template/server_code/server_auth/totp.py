"""Codes of an authenticator app: time-based one-time passwords (RFC 6238, SHA-1, 6 digits, 30 s),
and the recovery codes for who has lost it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import struct
from urllib.parse import quote, urlencode

import segno

STEP_SECONDS = 30
DIGITS = 6
SKEW_STEPS = 1  # Before and after, for clocks that differ and slow hands (RFC 6238 section 5.2).
SECRET_BYTES = 20  # RFC 4226 section 4, R6.
RECOVERY_CODES = 10
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # Nothing that is taken for something else.


def make_secret() -> str:
    """A new secret, in base32 as authenticator apps take it."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def code_at(secret: str, step: int) -> str:
    """The code of a time step."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 15
    (number,) = struct.unpack(">I", digest[offset : offset + 4])
    return f"{(number & 0x7FFFFFFF) % 10**DIGITS:0{DIGITS}}"


def match(secret: str, code: str, now: float, *, after: int = -1) -> int | None:
    """The time step of a code that is right at ``now`` (seconds since 1970) and belongs to a step
    later than ``after``, so that none is good twice; None where there is none."""
    digits = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    current = int(now // STEP_SECONDS)
    found = None
    for step in range(max(0, current - SKEW_STEPS), current + SKEW_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step), digits) and step > after:
            found = step
    return found


def address_of(secret: str, account: str, issuer: str) -> str:
    """What the QR code says (https://github.com/google/google-authenticator/wiki/Key-Uri-Format)."""
    label = quote(f"{issuer.replace(':', ' ')}:{account}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer})}"


def picture_of(address: str) -> str:
    """A QR code as the address of an SVG picture, black on white whatever the page is."""
    picture: str = segno.make(address, micro=False).svg_data_uri(
        scale=4, border=3, dark="#000", light="#fff"
    )
    return picture


def make_recovery_codes() -> list[str]:
    """Codes like ``k3m9t-w7q2x``, each good once."""
    letters = ["".join(secrets.choice(_ALPHABET) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    return [f"{code[:5]}-{code[5:]}" for code in letters]


def hash_recovery(code: str, factor_id: str) -> str:
    """What is kept of a recovery code; capitals, spaces and dashes do not matter."""
    plain = re.sub(r"[\s-]", "", code.lower())
    return hashlib.sha256(f"{factor_id} {plain}".encode()).hexdigest()
