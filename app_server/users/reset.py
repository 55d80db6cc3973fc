"""Choosing a new password: with the old one, or by a link in an e-mail."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from app_server.users.errors import authentication_failed, not_enabled
from app_server.users.keys import KeyState, Purpose, check_key, issue_key, spend_key, void_keys
from app_server.users.login import check_password, find_enabled_user
from app_server.users.mail import send_later, send_users_email
from app_server.users.passwords import check_acceptable, hash_password
from app_server.users.remember import current_token_hash, find_remembered_user, keep_logins
from app_server.users.request import UsersRequest
from app_server.users.rows import UserRow

logger = logging.getLogger("app_server.users")


async def send_password_reset_email(request: UsersRequest, email: object) -> bool | None:
    """Mail a link to the password page. True once it is on its way.

    A browser gets None, as soon and in the same words, whether or not there is such an account;
    server code gets AuthenticationFailed when there is none (Anvil's server leaves that to its
    option ``dont-confirm-emails-during-auth``).
    """
    if not request.config.use_email:
        raise not_enabled("Email/password")
    address = email.strip() if isinstance(email, str) else ""
    if not address:
        raise authentication_failed("Please provide an email address.")
    if request.is_client:
        send_later(request, "A password reset link", lambda own: _mail_link_if_known(own, address))
        return None
    row = await find_enabled_user(request, address)
    if row is None:
        raise authentication_failed("This username does not exist or is disabled.")
    await _mail_reset_link(request, row)
    return True


async def _mail_link_if_known(request: UsersRequest, email: str) -> None:
    row = await find_enabled_user(request, email)
    if row is not None:
        await _mail_reset_link(request, row)


async def _mail_reset_link(request: UsersRequest, row: UserRow) -> None:
    async with request.account_lock(row.email):
        fresh = await request.users.get(row.id) or row
        issued = issue_key(fresh.get("email_confirmation_key"), Purpose.RESET, request.now)
        if issued is None:
            logger.warning("A password reset link was not sent: too many are still good")
            return
        key, column = issued
        await request.users.update(fresh, {"email_confirmation_key": column})
    address = quote(row.email, safe="")
    url = f"{request.instance.origin}/_/email-pw-reset/{address}/{quote(key)}"
    await send_users_email(request, "reset_password", row.email, "reset", url)


async def check_reset_key(request: UsersRequest, email: str, key: str) -> KeyState:
    """How good a mailed key is, without using it."""
    row = await request.users.find(email) if request.config.use_email else None
    column = row.get("email_confirmation_key") if row else None
    return check_key(column, Purpose.RESET, key, request.now)


async def reset_password_by_key(
    request: UsersRequest, email: str, key: str, password: object
) -> KeyState:
    """Set the password if the key is good; how good it was. PasswordNotAcceptable leaves the key
    good for another try."""
    async with request.account_lock(email):
        state = await check_reset_key(request, email, key)
        if state is not KeyState.VALID:
            return state
        row = await request.users.find(email)
        assert row is not None  # a good key is somebody's
        await _set_password(request, row, password, used_key=key)
    return state


async def reset_password(request: UsersRequest, old: object, new: object) -> bool:
    """Change the password of who is logged in (also by a remembered log-in, which Anvil's server
    does not take here), or came by a reset link (then without the old).

    Raises AuthenticationFailed (wrong old password, nobody logged in), PasswordNotAcceptable.
    """
    by_link = request.state.get("reset_user_id")
    row = await request.users.get(by_link or request.logged_in_id)
    row = row or await find_remembered_user(request)
    if row is None:
        raise authentication_failed("You are not logged in.")
    async with request.account_lock(row.email):
        row = await request.users.get(row.id) or row
        if not by_link:
            await check_password(request, row, old, complaint="Incorrect password")
        await _set_password(request, row, new, is_by_link=bool(by_link))
    request.remember(reset_user_id=None)
    return True


def cancel_password_reset(request: UsersRequest) -> None:
    """The browser's form was closed: do not ask for a new password any more."""
    request.remember(reset_user_id=None)


async def _set_password(
    request: UsersRequest,
    row: UserRow,
    password: object,
    *,
    used_key: str | None = None,
    is_by_link: bool = False,
) -> None:
    """Set it, and log the user out wherever else: other sessions, remembered browsers, links."""
    strict = request.config.require_secure_passwords
    chosen = await check_acceptable(password, is_strict=strict, email=row.email)
    column = row.get("email_confirmation_key")
    if used_key is not None:
        column = spend_key(column, Purpose.RESET, used_key)
    here = await current_token_hash(request)
    changes: dict[str, Any] = {
        "password_hash": await hash_password(chosen),
        "n_password_failures": 0,
        "email_confirmation_key": void_keys(column, set(Purpose) - {Purpose.CONFIRM}),
        **keep_logins(row, lambda entry: here is not None and entry == here),
    }
    if request.config.confirm_email and (used_key is not None or is_by_link):
        changes["confirmed_email"] = True
    await request.users.update(row, changes)
    await log_out_elsewhere(request, row.id)


async def log_out_elsewhere(request: UsersRequest, row_id: int) -> None:
    """End this user's log-in in every session but the one at hand."""
    store = request.instance.sessions
    for session_id in await store.list_ids(row_id):
        session = store.find_by_id(session_id) if session_id != request.session.id else None
        if session is not None and session.logged_in_id == row_id:
            del session.state["users"]
