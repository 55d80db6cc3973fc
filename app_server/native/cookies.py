"""``anvil.server.cookies``: values that server code keeps in the user's browser.

They are sealed, so that only this instance can read or change them, and kept all together in one
browser cookie per kind. Source: anvil.dispatcher.native-rpc-handlers.cookies.
"""

from __future__ import annotations

import base64
import time
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from app_server.errors import AnvilError
from app_server.limits import MAX_COOKIE_BYTES
from app_server.native.registry import NativeCall, native
from app_server.wire.text import read_json, write_json

SECONDS_PER_DAY = 86_400

Values = dict[str, tuple[Any, float]]
"""By name: the value, and when it expires (seconds since 1970)."""


class CookieError(AnvilError):
    def __init__(self, message: str):
        super().__init__(message, "anvil.server.CookieError")


@native("anvil.private.set_cookie")
async def set_cookie(call: NativeCall, kind: str, timeout_days: float = 30, **values: Any) -> None:
    call.require_server("set cookies")
    expires_at = time.time() + float(timeout_days) * SECONDS_PER_DAY
    write_values(
        call, kind, {**read_values(call, kind), **{k: (v, expires_at) for k, v in values.items()}}
    )


@native("anvil.private.get_cookie")
async def get_cookie(call: NativeCall, kind: str, name: str) -> Any:
    call.require_server("read cookies")
    values = read_values(call, kind)
    if name not in values:
        raise AnvilError(name, "KeyError")
    return values[name][0]


@native("anvil.private.del_cookie")
async def delete_cookie(call: NativeCall, kind: str, name: str) -> None:
    call.require_server("delete cookies")
    write_values(call, kind, {k: v for k, v in read_values(call, kind).items() if k != name})


@native("anvil.private.clear_cookie")
async def clear_cookie(call: NativeCall, kind: str) -> None:
    call.require_server("clear cookies")
    write_values(call, kind, {})


def _sealer(call: NativeCall, kind: str) -> Fernet:
    key = call.instance.keys.derive(f"anvil cookies {kind}")
    return Fernet(base64.urlsafe_b64encode(key))


def read_values(call: NativeCall, kind: str) -> Values:
    """Values that have not expired. A cookie that was not sealed here counts as none."""
    cookies = call.session.cookies
    if cookies is None or kind not in cookies:
        raise CookieError("This connection is not from a web browser - cannot access cookies.")
    if not cookies[kind]:
        return {}
    try:
        values = read_json(_sealer(call, kind).decrypt(cookies[kind].encode()))
    except (InvalidToken, ValueError):
        return {}
    now = time.time()
    return {name: (value, expires) for name, (value, expires) in values.items() if expires > now}


def write_values(call: NativeCall, kind: str, values: Values) -> None:
    read_values(call, kind)
    try:
        text = write_json(values)
    except TypeError as error:
        raise CookieError(
            "Only strings, numbers, lists and dicts can be kept in cookies."
        ) from error
    sealed = _sealer(call, kind).encrypt(text.encode()).decode() if values else ""
    if len(sealed) > MAX_COOKIE_BYTES:
        raise CookieError(f"Cookie too big: all values together may have {MAX_COOKIE_BYTES} bytes.")
    assert call.session.cookies is not None
    call.session.cookies[kind] = sealed
    call.request.root.on_update({"set-cookie": True})
