"""Codes of an authenticator app: time-based one-time passwords (RFC 6238).

The secret is shown once, when its owner sets it up. From then on it exists only sealed, inside the
``mfa`` column: ``{"type": "totp", "id", "serial", "secret": sealed, "used": step}``, the shape of
Anvil's server with one addition: the time step of the newest code that was taken (RFC 6238, 5.2: no
code is good twice).
"""

from __future__ import annotations

import hmac
import io
import re
import secrets
from dataclasses import dataclass
from typing import Any

from app_server.keys import InstanceKeys
from app_server.users.sealing import open_sealed, seal
from app_server.wire.values import Media

TYPE = "totp"
STEP_SECONDS = 30
SKEW_STEPS = 1
"""Codes of the step before and after count too, for clocks that differ and slow hands."""

QR_SCALE = 5


@dataclass(frozen=True, slots=True)
class TotpSetup:
    """A new second factor: what its owner is shown, and what is kept."""

    secret: str
    qr_code: Media
    method: dict[str, Any]


def make_totp(keys: InstanceKeys, app_name: str, email: str) -> TotpSetup:
    """``email`` and ``app_name`` are what the authenticator app shows."""
    import pyotp  # both are loaded when somebody first needs them
    import segno

    secret = pyotp.random_base32()
    address = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=app_name)
    picture = io.BytesIO()
    segno.make(address, micro=False).save(picture, kind="png", scale=QR_SCALE)
    method_id = secrets.token_hex(8)
    sealed = seal(keys, TYPE, method_id, secret)
    method = {"type": TYPE, "id": method_id, "serial": 1, "secret": sealed}
    return TotpSetup(secret, Media("image/png", picture.getvalue(), "qr-code.png"), method)


def is_own_method(keys: InstanceKeys, method: object) -> bool:
    """Whether it was made here: what a browser hands in could be anything."""
    return open_sealed(keys, TYPE, method) is not None


def match_code(
    keys: InstanceKeys, method: object, code: object, now: float, *, after: int = -1
) -> int | None:
    """The time step of a code that is right at ``now`` (seconds since 1970); None when it is wrong,
    or of a step not later than ``after``."""
    secret = open_sealed(keys, TYPE, method)
    given = _read_code(code)
    if secret is None or given is None:
        return None
    import pyotp

    totp = pyotp.TOTP(secret)
    current = int(now // STEP_SECONDS)
    found = None
    for step in range(max(0, current - SKEW_STEPS), current + SKEW_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step), given) and step > after:
            found = step
    return found


def _read_code(code: object) -> str | None:
    """Six digits, with or without spaces, as people type them."""
    if isinstance(code, int) and not isinstance(code, bool):
        code = f"{code:06}"
    text = re.sub(r"\s", "", code) if isinstance(code, str) and len(code) < 20 else ""
    return text if re.fullmatch(r"[0-9]{6}", text) else None
