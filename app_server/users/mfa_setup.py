"""Setting up second factors: by who is logged in, or came by a link for that."""

from __future__ import annotations

from typing import Any

from app_server.errors import AnvilError
from app_server.users import fido, totp
from app_server.users.errors import account_not_enabled, authentication_failed
from app_server.users.login import check_password, find_by_password
from app_server.users.mfa import methods_of, mfa_failed, note_used, read_method
from app_server.users.remember import find_remembered_user
from app_server.users.request import UsersRequest
from app_server.users.rows import UserRow

MAX_METHODS = 10
"""Of one user. It bounds the size of a row."""


async def find_subject(request: UsersRequest) -> UserRow | None:
    """Whose factors may be set up: who is logged in, or came by a link for that."""
    state = request.state
    row = await request.users.get(state.get("logged_in_id") or state.get("mfa_reset_user_id"))
    return row or await find_remembered_user(request)


async def generate_totp(request: UsersRequest, email: object) -> totp.TotpSetup:
    """A new authenticator secret; without ``email``, for who is logged in or came by a link."""
    address = await _whose(request, email)
    return totp.make_totp(request.instance.keys, str(request.instance.app.name), address)


async def _whose(request: UsersRequest, email: object) -> str:
    if email is None:
        row = await find_subject(request)
        email = row.email if row else None
    if not isinstance(email, str) or not email.strip():
        raise authentication_failed("Email address not provided and could not be inferred")
    return email.strip()


async def begin_fido(request: UsersRequest, email: object) -> dict[str, Any]:
    """What a browser has to ask a new security key for."""
    return fido.begin_attestation(request, await _whose(request, email))


async def begin_fido_login(
    request: UsersRequest, email: object, password: object
) -> dict[str, Any]:
    """What a browser has to ask one of the user's keys for. AuthenticationFailed where the password
    is wrong, which counts as a failed log-in."""
    if not password:
        raise authentication_failed("No password provided")
    address = email.strip() if isinstance(email, str) else ""
    async with request.account_lock(address):
        row = await find_by_password(request, address, password, complaint="Incorrect password")
    return fido.begin_assertion(request, methods_of(row))


def check_setup_code(request: UsersRequest, method: object, code: object) -> bool:
    """Whether an authenticator app shows the right code for a method that is being set up. The code
    counts as used: it cannot log in once the method is there."""
    step = totp.match_code(request.instance.keys, method, code, request.now.timestamp())
    if step is None or not isinstance(method, dict):
        return False
    note_used(request, str(method.get("id")), step)
    return True


async def add_mfa_method(
    request: UsersRequest, password: object, method: object, *, clear_existing: bool = False
) -> list[dict[str, Any]]:
    """Give a method to who is logged in; ``{"type", "id"}`` of all that they then have. (Anvil's
    server answers with their sealed secrets too.)

    After a reset by e-mail the new one takes the place of all others: whoever lost a phone expects
    that it opens nothing any more. (Anvil's server keeps them.) Raises AuthenticationFailed for a
    wrong password, MFAException for a method that cannot be taken.
    """
    if not password:
        raise authentication_failed("No password provided")
    subject = await find_subject(request)
    if subject is None:
        raise authentication_failed("You are not logged in.")
    async with request.account_lock(subject.email):
        row = await request.users.get(subject.id) or subject
        await check_password(request, row, password, complaint="Incorrect password")
        is_reset = request.state.get("mfa_reset_user_id") == row.id
        present = [] if clear_existing or is_reset else methods_of(row)
        if len(present) >= MAX_METHODS:
            raise mfa_failed(f"A user may have at most {MAX_METHODS} second factors.")
        new = read_method(request, method)
        if any(known.get("id") == new["id"] for known in present):
            raise mfa_failed("This second factor is set up already.")
        kept = [*present, new]
        await request.users.update(row, {"mfa": kept})
    request.remember(mfa_reset_user_id=None)
    return [{"type": one.get("type"), "id": one.get("id")} for one in kept]


async def available_types(request: UsersRequest, email: object, password: object) -> list[str]:
    """The types of a user's factors, each once; none where the password is wrong, which counts as a
    failed log-in. Raises AccountIsNotEnabled."""
    address = email.strip() if isinstance(email, str) else ""
    async with request.account_lock(address):
        try:
            row = await find_by_password(request, address, password)
        except AnvilError as error:
            if error.type_name == account_not_enabled().type_name:
                raise
            return []
    return list(dict.fromkeys(str(one.get("type")) for one in methods_of(row)))
