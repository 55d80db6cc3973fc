"""New accounts, and the confirmation of their e-mail addresses."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from app_server.errors import AnvilError
from app_server.users import mfa
from app_server.users.errors import authentication_failed, mfa_required, not_enabled, user_exists
from app_server.users.keys import KeyState, Purpose, check_key, issue_key, spend_key
from app_server.users.login import log_in
from app_server.users.mail import send_users_email
from app_server.users.passwords import check_acceptable, hash_password
from app_server.users.request import UsersRequest
from app_server.users.rows import UserRow

MAX_EMAIL_LENGTH = 254
"""RFC 5321, 4.5.3.1.3, less the angle brackets."""


async def sign_up_with_email(
    request: UsersRequest,
    email: object,
    password: object,
    *,
    remember_me: bool = False,
    mfa_method: object = None,
) -> UserRow:
    """The new user's row. It is logged in when accounts are enabled automatically and need no
    confirmed address; otherwise a link goes out, or an administrator has to enable it.

    Raises UserExists, PasswordNotAcceptable, AuthenticationFailed (no address), MFARequired (the
    app wants a second factor and no ``mfa_method`` that it made is given).
    """
    config = request.config
    if request.is_client and not config.allow_signup:
        raise AnvilError("Signups from client code are not enabled.")
    if not config.use_email:
        raise not_enabled("Email/password")
    address = read_email(email)
    chosen = await check_acceptable(
        password, is_strict=config.require_secure_passwords, email=address
    )
    extra: dict[str, Any] = {}
    if config.require_mfa:
        if mfa_method is None:
            raise mfa_required()
        extra["mfa"] = [mfa.read_method(request, mfa_method)]
    extra["password_hash"] = await hash_password(chosen)
    async with request.account_lock(address):
        if await request.users.find(address) is not None:
            raise user_exists()
        row, key = await _add_user(request, address, extra)
    if key is not None:
        try:
            await send_confirmation(request, address, key)
        except AnvilError:
            # Without the link nobody could use the account, nor sign up with this address again.
            await request.users.remove(row)
            raise
    if config.enable_automatically and not config.confirm_email:
        return await log_in(request, row, remember_me=remember_me)
    return row


def read_email(value: object) -> str:
    """The address in lower case without spaces around; AuthenticationFailed if it is none."""
    address = value.strip().lower() if isinstance(value, str) else ""
    if not address:
        raise authentication_failed("Please provide an email address.")
    if len(address) > MAX_EMAIL_LENGTH or not re.fullmatch(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+", address):
        raise authentication_failed("Please provide a valid email address.")
    return address


async def _add_user(
    request: UsersRequest, email: str, extra: dict[str, Any]
) -> tuple[UserRow, str | None]:
    values = {
        **extra,
        "email": email,
        "enabled": request.config.enable_automatically,
        "signed_up": request.now,
        "last_login": None,
    }
    key = None
    if request.config.confirm_email:
        issued = issue_key(None, Purpose.CONFIRM, request.now)
        assert issued is not None  # there are no others yet
        key, column = issued
        values |= {"confirmed_email": False, "email_confirmation_key": column}
    return await request.users.add(values), key


async def send_confirmation(request: UsersRequest, email: str, key: str) -> None:
    """Mail the link that confirms the address."""
    url = f"{request.instance.origin}/_/email-confirm/{quote(email, safe='')}/{quote(key)}"
    await send_users_email(request, "confirm_address", email, "confirm", url)


async def confirm_email(request: UsersRequest, email: str, key: str) -> KeyState:
    """Confirm the address if the key is good; how good it was."""
    async with request.account_lock(email):
        row = await request.users.find(email)
        column = row.get("email_confirmation_key") if row else None
        state = check_key(column, Purpose.CONFIRM, key, request.now)
        if row is not None and state is KeyState.VALID:
            await request.users.update(
                row,
                {
                    "confirmed_email": True,
                    "email_confirmation_key": spend_key(column, Purpose.CONFIRM, key),
                },
            )
    return state
