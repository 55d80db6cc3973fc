"""``anvil.server.cookies``: values that server code keeps in the user's browser.

They are sealed, so that only this instance can read or change them, and kept all together in one
browser cookie per kind. Source: anvil.dispatcher.native-rpc-handlers.cookies.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from app_server.errors import AnvilError
from app_server.limits import MAX_COOKIE_BYTES
from app_server.native.registry import NativeCall, native
from app_server.wire.codec import decode, encode
from app_server.wire.payload import Payload, WireError, object_type
from app_server.wire.text import read_json, write_json

SECONDS_PER_DAY = 86_400
FETCH_SECONDS = 10.0
"""How long a browser may take to fetch what was changed over its socket."""

Values = dict[str, tuple[Any, float]]
"""By name: the value, and when it expires (seconds since 1970)."""


class CookieError(AnvilError):
    def __init__(self, message: str):
        super().__init__(message, "anvil.server.CookieError")


@native("anvil.private.set_cookie")
async def set_cookie(call: NativeCall, kind: str, timeout_days: float = 30, **values: Any) -> None:
    call.require_server("set cookies")
    expires_at = time.time() + float(timeout_days) * SECONDS_PER_DAY
    # As on Anvil's server, None stands for nothing.
    kept = {name: (value, expires_at) for name, value in values.items() if value is not None}
    await change_values(call, kind, lambda known: {**_without(known, values), **kept})


@native("anvil.private.get_cookie")
async def get_cookie(call: NativeCall, kind: str, name: str) -> Any:
    call.require_server("read cookies")
    values = await read_values(call, kind)
    if name not in values:
        raise AnvilError(name, "KeyError")
    return values[name][0]


@native("anvil.private.del_cookie")
async def delete_cookie(call: NativeCall, kind: str, name: str) -> None:
    call.require_server("delete cookies")
    await change_values(call, kind, lambda known: _without(known, {name}))


@native("anvil.private.clear_cookie")
async def clear_cookie(call: NativeCall, kind: str) -> None:
    call.require_server("clear cookies")
    await change_values(call, kind, lambda _known: {})


def _without(values: Values, names: Iterable[str]) -> Values:
    return {name: value for name, value in values.items() if name not in names}


def _sealer(call: NativeCall, kind: str) -> Fernet:
    key = call.instance.keys.derive(f"anvil cookies {kind}")
    return Fernet(base64.urlsafe_b64encode(key))


def _sealed(call: NativeCall, kind: str) -> str:
    cookies = call.session.cookies
    if cookies is None or kind not in cookies:
        raise CookieError("This connection is not from a web browser - cannot access cookies.")
    return cookies[kind]


async def read_values(call: NativeCall, kind: str) -> Values:
    """Values that have not expired. A cookie that was not sealed here counts as none."""
    return await _unseal(call, kind, _sealed(call, kind))


async def _unseal(call: NativeCall, kind: str, sealed: str) -> Values:
    if not sealed:
        return {}
    try:
        content = read_json(_sealer(call, kind).decrypt(sealed.encode()))
    except (InvalidToken, ValueError):
        return {}
    if "objects" in content:
        payload = Payload({"values": content["values"]}, content["objects"])
        content = (await decode(payload))["values"]
    now = time.time()
    return {name: (value, expires) for name, (value, expires) in content.items() if expires > now}


async def change_values(call: NativeCall, kind: str, change: Callable[[Values], Values]) -> None:
    """Read, change and write. Where another call did so meanwhile, begin anew: neither change may
    be lost."""
    while True:
        before = _sealed(call, kind)
        sealed = _seal(call, kind, change(await _unseal(call, kind, before)))
        if _sealed(call, kind) == before:
            break
    assert call.session.cookies is not None
    call.session.cookies[kind] = sealed
    call.session.unsent_cookies[kind] = time.monotonic() + FETCH_SECONDS
    call.request.root.on_update({"set-cookie": True})


def _seal(call: NativeCall, kind: str, values: Values) -> str:
    """Dates, large numbers and portable objects are kept as they travel between server and browser.
    CookieError for media, and for more than a browser keeps."""
    if not values:
        return ""
    try:
        payload = encode({"values": {name: list(value) for name, value in values.items()}})
    except WireError as error:
        raise CookieError(f"This cannot be kept in a cookie: {error.message}") from error
    if payload.media or any(object_type(entry) == "LazyMedia" for entry in payload.objects):
        raise CookieError("Cannot store Media in cookies.")
    text = write_json({"values": payload.body["values"], "objects": payload.objects})
    sealed = _sealer(call, kind).encrypt(text.encode()).decode()
    if len(sealed) > MAX_COOKIE_BYTES:
        raise CookieError(f"Cookie too big: all values together may have {MAX_COOKIE_BYTES} bytes.")
    return sealed
