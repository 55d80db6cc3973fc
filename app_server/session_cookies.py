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

    def make_url_token(self, session_id: str) -> str:
        """What shows a session in an address, for a page that its browser gives no cookies."""
        return f"{session_id}~{self._sign(f'url {session_id}')}"

    def read_url_token(self, token: str) -> str | None:
        """The session's id; None for a token that is forged or foreign."""
        session_id, _, mac = token.partition("~")
        is_right = hmac.compare_digest(mac.encode(), self._sign(f"url {session_id}").encode())
        return session_id if is_right else None

    def _sign(self, claim: str) -> str:
        return hmac.digest(self._key, claim.encode(), "sha256").hex()
