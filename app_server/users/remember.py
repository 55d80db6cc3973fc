"""Staying logged in between sessions, and the address somebody logged in with last.

The browser keeps a random token in a signed cookie; the user's row keeps its hash and the time in
``remembered_logins``, in the shape that Anvil's server reads too.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app_server.users.request import UsersRequest
from app_server.users.rows import UserRow

LAST_EMAIL_DAYS = 30
MAX_REMEMBERED = 50
"""Browsers per user; the oldest is forgotten. It bounds the size of a row."""


def _token_key(request: UsersRequest) -> str:
    return f"user-table-{request.config.user_table}-remember-me"


def _email_key(request: UsersRequest) -> str:
    return f"user-table-{request.config.user_table}-last-email"


async def remember_login(request: UsersRequest, row: UserRow) -> dict[str, Any]:
    """Give this browser a token; the changes to make to the user's row (none without cookies)."""
    token = secrets.token_urlsafe(32)
    days = request.config.remember_me_days
    if not await request.cookies.set({_token_key(request): token}, days):
        return {}
    entry = {"login_time": request.now.isoformat(), "token_hash": _hash(request, token)}
    still_good = [old for old in row.remembered_logins if _is_in_date(request, old)]
    return {"remembered_logins": [entry, *still_good][:MAX_REMEMBERED]}


async def find_remembered_user(request: UsersRequest) -> UserRow | None:
    """The enabled user whose token this browser has; a token that is no good is thrown away."""
    if not request.config.allow_remember_me:
        return None
    token_hash = await current_token_hash(request)
    if token_hash is None:
        return None
    row = await request.users.find_remembered(token_hash)
    if row is not None and row.is_enabled:
        for entry in row.remembered_logins:
            if entry.get("token_hash") == token_hash and _is_in_date(request, entry):
                return row
    await request.cookies.delete(_token_key(request))
    return None


async def forget_login(request: UsersRequest) -> None:
    """Take this browser's token away from it and from the user's row."""
    token_hash = await current_token_hash(request)
    if token_hash is None:
        return
    await request.cookies.delete(_token_key(request))
    row = await request.users.find_remembered(token_hash)
    if row is not None:
        await request.users.update(row, keep_logins(row, lambda entry: entry != token_hash))


async def drop_token(request: UsersRequest) -> None:
    """Take the token away from this browser only: it logged in without asking to stay."""
    if await request.cookies.get(_token_key(request)) is not None:
        await request.cookies.delete(_token_key(request))


def keep_logins(row: UserRow, is_kept: Any) -> Mapping[str, Any]:
    """The change that keeps the remembered logins whose token hash ``is_kept`` accepts."""
    return {
        "remembered_logins": [
            entry for entry in row.remembered_logins if is_kept(entry.get("token_hash"))
        ]
    }


async def current_token_hash(request: UsersRequest) -> str | None:
    """The hash of this browser's token, None if it has none."""
    token = await request.cookies.get(_token_key(request))
    return _hash(request, token) if isinstance(token, str) else None


async def set_last_email(request: UsersRequest, email: str) -> None:
    """Keep the address for the next log-in form."""
    await request.cookies.set({_email_key(request): email}, LAST_EMAIL_DAYS)


async def get_last_email(request: UsersRequest) -> str | None:
    """The address that ``set_last_email`` kept in this browser."""
    email = await request.cookies.get(_email_key(request))
    return email if isinstance(email, str) else None


def _hash(request: UsersRequest, token: str) -> str:
    return hashlib.sha256(f"{token}#{request.config.user_table}".encode()).hexdigest()


def _is_in_date(request: UsersRequest, entry: Mapping[str, Any]) -> bool:
    try:
        made = datetime.fromisoformat(str(entry.get("login_time")))
    except ValueError:
        return False
    if made.tzinfo is None:
        return False
    return request.now < made + timedelta(days=request.config.remember_me_days)
