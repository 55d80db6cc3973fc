"""MACs over capabilities and live objects: proof that this server handed them out.

Each receiver has its own key: one for the trusted code of an instance, one for each session's
browser. So nothing that one session or instance was given opens anything for another.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import orjson

from app_server.errors import AnvilError

TABLE_SCOPE = ["_", "t"]
"""Begins capabilities of Data Tables, which nobody may narrow: what follows the table in one (a
row, a search) is only to be trusted when this server put it there. Anvil's library never narrows
them."""

# A capability whose scope starts with this belongs to the server itself.
RESERVED_SCOPE = "_"


def is_same_text(given: object, expected: str) -> bool:
    """Whether a key or MAC that somebody gave is the right one; the time that it takes does not
    tell. What is no text, or text that has no UTF-8 form, is wrong."""
    if not isinstance(given, str):
        return False
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


class InvalidObjectError(AnvilError):
    """A capability or live object that this server did not give to who sends it."""

    def __init__(self, kind: str):
        super().__init__(
            f"This {kind} is not valid in this session. It may come from a session that has ended.",
            "anvil.server.InvalidObjectError",
        )


class MacKey:
    """Makes and checks the MACs of one receiver: keyed BLAKE2b (RFC 7693) of 128 bits, the quickest
    that the standard library has, since an answer may carry thousands."""

    def __init__(self, key: bytes):
        self._empty = hashlib.blake2b(key=key, digest_size=16)

    def sign_capability(self, scope: list[Any]) -> str:
        # Those of tables, of which an answer has a thousand, hold no floats that could change.
        is_of_tables = scope[:2] == TABLE_SCOPE
        return self._sign("capability", scope if is_of_tables else _normal(scope))

    def sign_live_object(self, spec: dict[str, Any]) -> str:
        parts = [spec.get(key) for key in ("backend", "id", "permissions")]
        return self._sign("live object", _normal(parts))

    def check_capability(self, spec: dict[str, Any], *, is_trusted: bool) -> None:
        """Trusted code may also make up capabilities of its own, outside the reserved scope; those
        have no MAC."""
        scope, mac = spec.get("scope"), spec.get("mac")
        if not isinstance(scope, list) or not scope:
            raise InvalidObjectError("capability")
        if mac is None and is_trusted and scope[0] != RESERVED_SCOPE:
            return
        if not is_same_text(mac, self.sign_capability(scope)):
            raise InvalidObjectError("capability")

    def check_live_object(self, spec: dict[str, Any]) -> None:
        if not is_same_text(spec.get("mac"), self.sign_live_object(spec)):
            raise InvalidObjectError("live object")

    def _sign(self, kind: str, content: list[Any]) -> str:
        mac = self._empty.copy()
        mac.update(_canonical([kind, content]))
        return mac.hexdigest()


def _canonical(content: list[Any]) -> bytes:
    """The same text for what is the same."""
    try:
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except (TypeError, orjson.JSONEncodeError):  # lone surrogates, integers beyond 64 bits
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _normal(value: Any) -> Any:
    """JSON through a browser turns 1.0 into 1: write both the same way."""
    kind = type(value)
    if kind is str or kind is int:
        return value
    if kind is float:
        return int(value) if value.is_integer() else value
    if kind is list:
        return [_normal(item) for item in value]
    if kind is dict:
        return {key: _normal(item) for key, item in value.items()}
    return value
