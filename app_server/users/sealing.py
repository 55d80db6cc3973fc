"""The sealed part of a second factor: readable here only, and bound to the factor that it is in.

A browser carries a new factor from the function that makes it to the one that keeps it. Under
another id or type, what is inside would count anew, so both are sealed with it.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken

from app_server.keys import InstanceKeys


def seal(keys: InstanceKeys, kind: str, method_id: str, text: str) -> str:
    """For the entry ``secret`` of a method."""
    return _sealer(keys).encrypt(f"{kind} {method_id} {text}".encode()).decode()


def open_sealed(keys: InstanceKeys, kind: str, method: object) -> str | None:
    """What was sealed; None where ``method`` is not of this kind, not made here, or was changed."""
    if not isinstance(method, dict) or method.get("type") != kind or method.get("serial") != 1:
        return None
    sealed = method.get("secret")
    if not isinstance(sealed, str):
        return None
    try:
        content = _sealer(keys).decrypt(sealed.encode()).decode()
    except (InvalidToken, UnicodeError):
        return None
    prefix = f"{kind} {method.get('id')} "
    return content.removeprefix(prefix) if content.startswith(prefix) else None


def _sealer(keys: InstanceKeys) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(keys.derive("second factors")))
