"""What a browser holds to show which session is its own."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from app_server.keys import InstanceKeys


@dataclass(frozen=True, slots=True)
class SessionClaim:
    """A cookie that was made here: for this session, when it had this version."""

    session_id: str
    version: int


class CookieSigner:
    """Makes and reads the values of session cookies: ``id~version~mac``, or ``id~mac`` for a
    session that was never renewed."""

    def __init__(self, keys: InstanceKeys):
        self._key = keys.derive("session cookies")

    def make(self, session_id: str, version: int) -> str:
        if version == 0:
            return f"{session_id}~{self._sign(session_id)}"
        claim = f"{session_id}~{version}"
        return f"{claim}~{self._sign(claim)}"

    def read(self, cookie: str | None) -> SessionClaim | None:
        """None for one that is forged, foreign or none at all."""
        claim, _, mac = (cookie or "").rpartition("~")
        if not claim or not hmac.compare_digest(mac.encode(), self._sign(claim).encode()):
            return None
        session_id, _, version = claim.partition("~")
        return SessionClaim(session_id, int(version or 0))

    def _sign(self, claim: str) -> str:
        return hmac.digest(self._key, claim.encode(), "sha256").hex()
