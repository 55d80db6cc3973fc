"""Logging in and out, and who is logged in.

Unlike Anvil's server, a stranger learns nothing of an account without its password: whether it is
switched on and confirmed is looked at last, and an address without an account locks as one with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from app_server.errors import AnvilError
from app_server.users import mfa, remember, strangers
from app_server.users.errors import (
    account_not_enabled,
    authentication_failed,
    email_not_confirmed,
    mfa_required,
    not_enabled,
    password_reset_requested,
    too_many_failures,
)
from app_server.users.passwords import is_password_right
from app_server.users.request import UsersRequest
from app_server.users.rows import UserRow

WRONG = "Incorrect email address or password"
LAST_LOGIN_STEP = timedelta(seconds=5)
"""A log-in so soon after another does not write ``last_login`` again."""


async def log_in_with_email(
    request: UsersRequest,
    email: object,
    password: object,
    *,
    remember_me: bool = False,
    factor: object = None,
) -> UserRow:
    """The user's row, once address and password are right and the account may be used.

    ``factor`` is a second one: ``{"type": "totp", "code": "123456"}``. Raises AuthenticationFailed
    or one of its kinds; MFARequired where a second factor is owed. After ``max_password_failures``
    wrong passwords or codes (10 unless set) the account is locked until a password reset by e-mail.
    """
    if not request.config.use_email:
        raise not_enabled("Email/password")
    address = email.strip() if isinstance(email, str) else ""
    request.remember(partial_id=None)
    async with request.account_lock(address):
        row = await find_by_password(request, address, password)
        if request.config.confirm_email and not row.get("confirmed_email"):
            raise email_not_confirmed()
        if request.config.require_mfa:
            row = await _check_factor(request, row, factor)
    return await log_in(request, row, remember_me=remember_me)


async def _check_factor(request: UsersRequest, row: UserRow, factor: object) -> UserRow:
    try:
        return await mfa.check_factor(request, row, factor)
    except AnvilError as error:
        if error.type_name == mfa_required().type_name:
            raise
        await _count_failure(request, row, error)
        raise


async def find_by_password(
    request: UsersRequest, address: str, password: object, *, complaint: str = WRONG
) -> UserRow:
    """The user with this address and password. AuthenticationFailed or one of its kinds, and
    AccountIsNotEnabled if it may not be used. To be called with the account's lock held."""
    row = await request.users.find(address)
    await check_password(request, row, password, complaint=complaint, address=address)
    assert row is not None  # nobody's password is never right
    if not row.is_enabled:
        raise account_not_enabled()
    return row


async def find_enabled_user(request: UsersRequest, email: str) -> UserRow | None:
    """The user with this address, None if there is none; AccountIsNotEnabled if it may not be
    used."""
    row = await request.users.find(email.strip())
    if row is not None and not row.is_enabled:
        raise account_not_enabled()
    return row


async def check_password(
    request: UsersRequest,
    row: UserRow | None,
    password: object,
    *,
    complaint: str = WRONG,
    address: str = "",
) -> None:
    """Return if it is the user's password; count the failure and raise if not. ``address`` is what
    was given where there may be no user with it.

    To be called with the account's lock held.
    """
    limit = request.config.max_password_failures
    known = strangers.failures(request, address) if row is None else row.password_failures
    if known >= limit:
        raise too_many_failures()
    if await is_password_right(password, row.get("password_hash") if row else None):
        if row is not None:
            return
        raise authentication_failed(complaint)
    failure = authentication_failed(complaint)
    if row is None:
        if address and strangers.count_failure(request, address) >= limit:
            raise too_many_failures() from failure
        raise failure
    await _count_failure(request, row, failure)
    raise failure


async def _count_failure(request: UsersRequest, row: UserRow, failure: AnvilError) -> None:
    """Count it; TooManyPasswordFailures ``from`` it where it was one too many."""
    # Outside of the caller's transaction: it is rolled back when our exception leaves it.
    users = request.users.detached()
    fresh = await users.get(row.id) or row
    failures = fresh.password_failures + 1
    await users.update(fresh, {"n_password_failures": failures})
    if failures >= request.config.max_password_failures:
        raise too_many_failures() from failure


async def log_in(request: UsersRequest, row: UserRow, *, remember_me: bool = False) -> UserRow:
    """Make this user the session's; the row as it is then."""
    changes: dict[str, Any] = {}
    if _is_login_old(row.get("last_login"), request.now):
        changes["last_login"] = request.now
    if row.password_failures:
        changes["n_password_failures"] = 0
    if remember_me and request.config.allow_remember_me:
        changes |= await remember.remember_login(request, row)
    else:
        await remember.drop_token(request)
    await remember.set_last_email(request, row.email)
    updated = await request.users.update(row, changes)
    request.remember(logged_in_id=row.id, partial_id=None)
    return updated


def _is_login_old(last_login: object, now: datetime) -> bool:
    return not isinstance(last_login, datetime) or last_login < now - LAST_LOGIN_STEP


async def log_out(request: UsersRequest) -> None:
    """End the log-in here, and this browser's memory of it."""
    request.remember(logged_in_id=None, partial_id=None)
    await remember.forget_login(request)


async def force_login(
    request: UsersRequest, row_id: int | None, *, remember_me: bool = False
) -> UserRow | None:
    """Log this user in without asking for anything; None logs out. Only server code may."""
    if request.is_client:
        raise AnvilError(
            "Cannot call force_login() from client code", "anvil.server.PermissionDenied"
        )
    if row_id is None:
        await log_out(request)
        return None
    row = await request.users.get(row_id)
    if row is None:
        raise AnvilError("This row has been deleted", "anvil.tables.RowDeleted")
    return await log_in(request, row, remember_me=remember_me)


async def get_current_user(
    request: UsersRequest, *, allow_remembered: bool = True
) -> UserRow | None:
    """Who is logged in, in this session or (if allowed) by a remembered log-in.

    Raises PasswordResetRequested to a browser that came by a reset link: its form then asks for a
    new password.
    """
    if request.is_client and request.config.use_email and request.state.get("reset_user_id"):
        raise password_reset_requested()
    row = await request.users.get(request.logged_in_id)
    owes_factor = request.config.require_mfa and request.state.get("mfa_reset_user_id")
    if row is None and request.is_client and owes_factor:
        raise mfa_required()
    if row is None and allow_remembered:
        row = await remember.find_remembered_user(request)
    return row
