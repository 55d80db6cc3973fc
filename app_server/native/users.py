"""The natives ``anvil.private.users.*``. Rows go out as ``anvil.users._to_user_row`` takes them."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

from app_server.errors import AnvilError
from app_server.native.cookies import (
    SECONDS_PER_DAY,
    CookieError,
    change_values,
    read_values,
)
from app_server.native.registry import NativeCall, native
from app_server.users import links, login, remember, reset, signup
from app_server.users.request import UsersRequest, make_request
from app_server.users.rows import UserRow

logger = logging.getLogger("app_server.users")


class _BrowserCookies:
    """The cookies of the browser that is calling. An uplink, a task or an endpoint has none;
    log-ins work there all the same."""

    def __init__(self, call: NativeCall):
        self._call = call
        self.kind = "local"

    async def get(self, key: str) -> Any:
        try:
            return (await read_values(self._call, self.kind)).get(key, (None, 0))[0]
        except CookieError:
            return None

    async def set(self, values: Mapping[str, Any], days: float) -> bool:
        expires_at = time.time() + days * SECONDS_PER_DAY
        new = {key: (value, expires_at) for key, value in values.items()}
        try:
            await change_values(self._call, self.kind, lambda known: {**known, **new})
        except CookieError as error:
            logger.info("[%s] A log-in is not remembered: %s", self._call.instance.name, error)
            return False
        return True

    async def delete(self, key: str) -> None:
        try:
            if key in await read_values(self._call, self.kind):
                await change_values(
                    self._call,
                    self.kind,
                    lambda known: {k: v for k, v in known.items() if k != key},
                )
        except CookieError:
            return


def read_request(call: NativeCall) -> UsersRequest:
    """What the Users service is told about this call, the browser's cookies included."""
    cookies = _BrowserCookies(call)
    request = make_request(
        call.instance,
        call.session,
        is_client=call.is_client,
        cookies=cookies,
        stack=call.stack,
    )
    cookies.kind = request.config.cookie_kind
    return request


@contextlib.contextmanager
def attempt(call: NativeCall, *, is_free_if_right: bool = False) -> Iterator[None]:
    """Something that is worth trying often to a stranger: passwords, sign-ups, mail to others.
    QuotaExceededError where the visitor's address has tried too often. ``is_free_if_right``: it
    counts only if it fails. Uplinks and tasks have no such limit."""
    ip = _visitor_network(call)
    if ip is None:
        yield
        return
    rates = call.instance.attempt_rates
    if not rates.allows(ip):
        raise AnvilError(
            "Too many attempts. Please wait a minute and try again.",
            "anvil.server.QuotaExceededError",
        )
    yield
    if is_free_if_right:
        rates.give_back(ip)


def _visitor_network(call: NativeCall) -> str | None:
    """The address of the browser or client that the call goes back to; of an IPv6 address the
    part that a provider gives to one customer."""
    client = call.request.root.client
    if client.get("type") not in ("browser", "http", "client_uplink"):
        return None
    try:
        address = ipaddress.ip_address(str(client.get("ip")))
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


async def _to_wire(call: NativeCall, row: UserRow | None, fetch: Any) -> Any:
    if row is None:
        return None
    table = read_request(call).config.user_table
    return await call.instance.tables.row_for_wire(call, table, row.id, fetch)


@native("anvil.private.users.signup_with_email")
async def signup_with_email(
    call: NativeCall,
    email: object,
    password: object,
    *,
    remember: bool = False,
    fetch: Any = None,
    mfa_method: Any = None,
) -> Any:
    """The new user's row. ``fetch`` is a ``q.fetch_only(...)``, here and below."""
    with attempt(call):
        row = await signup.sign_up_with_email(
            read_request(call),
            email,
            password,
            remember_me=bool(remember),
            mfa_method=mfa_method,
        )
    return await _to_wire(call, row, fetch)


@native("anvil.private.users.login_with_email")
async def login_with_email(
    call: NativeCall,
    email: object,
    password: object,
    *,
    remember: bool = False,
    mfa: Any = None,
    fetch: Any = None,
) -> Any:
    """The user's row; see ``users.login`` for what is raised."""
    with attempt(call, is_free_if_right=True):
        row = await login.log_in_with_email(
            read_request(call), email, password, remember_me=bool(remember), factor=mfa
        )
    return await _to_wire(call, row, fetch)


@native("anvil.private.users.get_current_user")
async def get_current_user(
    call: NativeCall, *_ignored: Any, allow_remembered: bool = True, fetch: Any = None
) -> Any:
    """The row of who is logged in, or None."""
    row = await login.get_current_user(read_request(call), allow_remembered=bool(allow_remembered))
    return await _to_wire(call, row, fetch)


@native("anvil.private.users.get_current_user_email")
async def get_current_user_email(
    call: NativeCall, *, allow_remembered: bool = True, **_ignored: Any
) -> str | None:
    """The address of who is logged in, or None."""
    row = await login.get_current_user(read_request(call), allow_remembered=bool(allow_remembered))
    return row.email if row else None


@native("anvil.private.users.get_last_login_email")
async def get_last_login_email(call: NativeCall) -> str | None:
    """The address that was last used to log in with this browser, or None."""
    return await remember.get_last_email(read_request(call))


@native("anvil.private.users.logout")
async def logout(call: NativeCall, *, invalidate_client_objects: bool = False) -> None:
    """End the log-in of this session and the memory of it in this browser."""
    if invalidate_client_objects:
        call.session.invalidate_client_objects()
    await login.log_out(read_request(call))


@native("anvil.private.users.force_login")
async def force_login(
    call: NativeCall, user: Any, *, remember: bool = False, fetch: Any = None
) -> Any:
    """Log a row's user in (None: log out); server code only."""
    request = read_request(call)
    row_id = None
    if user is not None and not call.is_client:
        table, row_id = _read_row(call, user)
        if table != request.config.user_table:
            raise AnvilError("force_login() must be passed a row from the users table")
    row = await login.force_login(request, row_id, remember_me=bool(remember))
    return await _to_wire(call, row, fetch)


def _read_row(call: NativeCall, user: Any) -> tuple[str, int]:
    try:
        table, row_id = call.instance.tables.row_id_from_ref(user)
    except (AnvilError, TypeError, ValueError) as error:
        raise AnvilError("force_login() must be passed a row from the users table") from error
    return str(table), int(row_id)


@native("anvil.private.users.send_password_reset_email")
async def send_password_reset_email(call: NativeCall, email: object) -> bool | None:
    """See ``users.reset``; a browser always gets None."""
    with attempt(call):
        return await reset.send_password_reset_email(read_request(call), email)


@native("anvil.private.users.reset_password")
async def reset_password(call: NativeCall, old_password: object, new_password: object) -> bool:
    """Change the password of who is logged in, or came by a reset link."""
    with attempt(call, is_free_if_right=True):
        return await reset.reset_password(read_request(call), old_password, new_password)


@native("anvil.private.users.cancel_password_reset")
async def cancel_password_reset(call: NativeCall) -> None:
    """Do not ask this browser for a new password any more."""
    reset.cancel_password_reset(read_request(call))


@native("anvil.private.users.send_token_login_email")
async def send_token_login_email(call: NativeCall, email: object) -> None:
    """Mail a link that logs in."""
    with attempt(call):
        await links.send_token_login_email(read_request(call), email)


@native("anvil.private.users.generate_email_link_token")
async def generate_email_link_token(call: NativeCall, email: object, kind: object) -> str:
    """A token for ``/_/login/`` or ``/_/reset_password/``; server code only."""
    return await links.generate_email_link_token(read_request(call), email, kind)


@native("anvil.private.users.login_with_token")
async def login_with_token(call: NativeCall, token: object, *, fetch: Any = None) -> Any:
    """The user's row; True when a new password may be chosen now; None for a bad token."""
    outcome = await links.log_in_with_token(read_request(call), token)
    return await _to_wire(call, outcome, fetch) if isinstance(outcome, UserRow) else outcome
