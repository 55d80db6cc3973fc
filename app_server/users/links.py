"""Links that log somebody in, or let them choose a new password, without asking for the old one.

A token names its user and purpose and carries a single-use key (see ``keys``):
``<base64url of the address>.<purpose>.<key>``.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from app_server.errors import AnvilError
from app_server.users.errors import authentication_failed
from app_server.users.keys import KeyState, Purpose, check_key, issue_key, spend_key
from app_server.users.login import find_enabled_user
from app_server.users.mail import send_later, send_users_email
from app_server.users.mfa import methods_of
from app_server.users.request import UsersRequest
from app_server.users.rows import UserRow

TOKEN_PURPOSES = {Purpose.LOGIN, Purpose.MFA_RESET, Purpose.PW_RESET}


@dataclass(frozen=True, slots=True)
class LinkToken:
    """A token's parts; as a string, the token."""

    email: str
    purpose: Purpose
    key: str

    def __str__(self) -> str:
        name = base64.urlsafe_b64encode(self.email.encode()).decode().rstrip("=")
        return f"{name}.{self.purpose}.{self.key}"


def read_token(text: object) -> LinkToken | None:
    """The token's parts; None when it is none."""
    parts = text.split(".") if isinstance(text, str) else []
    if len(parts) != 3 or parts[1] not in {str(purpose) for purpose in TOKEN_PURPOSES}:
        return None
    padded = parts[0] + "=" * (-len(parts[0]) % 4)
    try:
        email = base64.urlsafe_b64decode(padded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return LinkToken(email, Purpose(parts[1]), parts[2])


async def generate_email_link_token(request: UsersRequest, email: object, kind: object) -> str:
    """A token for this user; ``kind`` is ``login``, ``pw-reset`` or ``mfa-reset``.

    Only server code may ask for one: whoever has it is that user.
    """
    if request.is_client:
        raise AnvilError(
            "Cannot make log-in tokens from client code", "anvil.server.PermissionDenied"
        )
    if kind not in {str(purpose) for purpose in TOKEN_PURPOSES}:
        raise AnvilError(f"There is no kind of e-mail link named {kind!r}.")
    row = await find_enabled_user(request, email) if isinstance(email, str) else None
    if row is None:
        raise authentication_failed("User disabled, or not found.")
    return str(await _issue(request, row, Purpose(str(kind))))


async def _issue(request: UsersRequest, row: UserRow, purpose: Purpose) -> LinkToken:
    async with request.account_lock(row.email):
        fresh = await request.users.get(row.id) or row
        issued = issue_key(fresh.get("email_confirmation_key"), purpose, request.now)
        if issued is None:
            raise authentication_failed(
                "Too many links were asked for. Use one that was mailed already, or wait."
            )
        key, column = issued
        await request.users.update(fresh, {"email_confirmation_key": column})
    return LinkToken(row.email, purpose, key)


async def send_token_login_email(request: UsersRequest, email: object) -> None:
    """Mail a link that logs in. A browser is told nothing about whether there is such an account;
    server code gets AuthenticationFailed where there is none, as everybody does on Anvil's."""
    if not request.config.use_token:
        raise authentication_failed("Token login is not enabled.")
    address = _read_address(email)
    if request.is_client:
        send_later(request, "A log-in link", lambda own: _mail_login_link(own, address))
    else:
        await _mail_login_link(request, address)


async def send_mfa_reset_email(request: UsersRequest, email: object) -> None:
    """Mail a link by which a user sets up another second factor (the password is asked for, too).

    Only where the app's option ``allow_mfa_email_reset`` is on, or the app requires a factor and
    the user has none. A browser is not told which users there are; see above.
    """
    if not (request.config.allow_mfa_email_reset or request.config.require_mfa):
        raise _no_mfa_reset()
    address = _read_address(email)
    if request.is_client:
        send_later(request, "A link to reset a factor", lambda own: _mail_mfa_link(own, address))
    else:
        await _mail_mfa_link(request, address)


def _read_address(email: object) -> str:
    if not isinstance(email, str) or not email.strip():
        raise authentication_failed("Please provide an email address.")
    return email


def _no_mfa_reset() -> AnvilError:
    return authentication_failed("Cannot reset two-factor authentication by email.")


async def _find_user(request: UsersRequest, email: str) -> UserRow:
    row = await find_enabled_user(request, email)
    if row is None:
        raise authentication_failed("User disabled, or not found.")
    return row


async def _mail_login_link(request: UsersRequest, email: str) -> None:
    await _mail(request, await _find_user(request, email), Purpose.LOGIN, "token_login")


async def _mail_mfa_link(request: UsersRequest, email: str) -> None:
    row = await _find_user(request, email)
    if not request.config.allow_mfa_email_reset and methods_of(row):
        raise _no_mfa_reset()
    await _mail(request, row, Purpose.MFA_RESET, "mfa_reset")


async def _mail(request: UsersRequest, row: UserRow, purpose: Purpose, kind: str) -> None:
    token = await _issue(request, row, purpose)
    url = f"{request.instance.origin}/_/login/{token}"
    await send_users_email(request, kind, row.email, "login", url)


async def check_token(request: UsersRequest, text: str) -> tuple[LinkToken | None, KeyState]:
    """The token's parts and how good it is, without using it."""
    token = read_token(text)
    if token is None or (token.purpose is Purpose.LOGIN and not request.config.use_token):
        return None, KeyState.UNKNOWN
    row = await request.users.find(token.email)
    column = row.get("email_confirmation_key") if row else None
    return token, check_key(column, token.purpose, token.key, request.now)


async def log_in_with_token(request: UsersRequest, text: object) -> UserRow | bool | None:
    """Use a token: the user's row when it logged somebody in; True when it lets them choose a new
    password (or second factor) in this session; None when it is no good."""
    token = read_token(text)
    if token is None:
        return None
    async with request.account_lock(token.email):
        _, state = await check_token(request, str(token))
        row = await find_enabled_user(request, token.email)
        if row is None or state is not KeyState.VALID:
            return None
        spent = spend_key(row.get("email_confirmation_key"), token.purpose, token.key)
        row = await request.users.update(row, {"email_confirmation_key": spent})
    if token.purpose is Purpose.LOGIN:
        request.remember(logged_in_id=row.id, partial_id=None)
        return row
    name = "mfa_reset_user_id" if token.purpose is Purpose.MFA_RESET else "reset_user_id"
    request.remember(**{name: row.id})
    return True
