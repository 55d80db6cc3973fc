"""Second factors at the log-in.

As on Anvil's server one is asked for where the app's option ``require_mfa`` is on, at a log-in with
a password. The log-in by an e-mailed link (``use_token``) asks for none there either.
"""

from __future__ import annotations

import hashlib
from typing import Any

from app_server.errors import AnvilError
from app_server.users import fido, totp
from app_server.users.errors import authentication_failed, mfa_required
from app_server.users.request import UsersRequest
from app_server.users.rows import UserRow

ENABLED_TYPES = (totp.TYPE, fido.TYPE)
MILLISECONDS_PER_DAY = 86_400_000
NOT_HERE = {
    "twilio-verify": "Codes by phone need an account at Twilio and its key, which this App Server "
    "has no option for. Use an authenticator app.",
}


def mfa_failed(message: str) -> AnvilError:
    return AnvilError(message, "anvil.users.MFAException")


def methods_of(row: UserRow) -> list[dict[str, Any]]:
    """The user's methods, oldest first."""
    found = row.get("mfa", [])
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def read_method(request: UsersRequest, method: object) -> dict[str, Any]:
    """A method as it is kept in a user's row. MFAException for one that was not made here."""
    kind = method.get("type") if isinstance(method, dict) else None
    if isinstance(kind, str) and kind in NOT_HERE:
        raise mfa_failed(NOT_HERE[kind])
    is_own = totp.is_own_method(request.instance.keys, method) or fido.is_own_method(
        request, method
    )
    if not isinstance(method, dict) or not is_own:
        raise mfa_failed("This is not a second factor that this app made.")
    return {name: method[name] for name in ("type", "id", "serial", "secret")}


async def check_factor(request: UsersRequest, row: UserRow, factor: object) -> UserRow:
    """Return (the row as it is then) if the factor is right, or this browser showed one less than
    ``mfa_timeout_days`` ago. The password has been checked, and the account's lock is held.

    Raises MFARequired where none was given, AuthenticationFailed where it is wrong; the caller
    counts that.
    """
    if factor is None:
        if await _is_remembered_device(request, row):
            return row
        request.remember(partial_id=row.id)
        raise mfa_required()
    kind = factor.get("type") if isinstance(factor, dict) else None
    if not isinstance(factor, dict) or all(one.get("type") != kind for one in methods_of(row)):
        raise authentication_failed("No matching MFA method available")
    if kind == totp.TYPE:
        return await _check_code(request, row, factor.get("code"))
    if kind == fido.TYPE:
        return await _check_key(request, row, factor.get("result"))
    raise mfa_failed(NOT_HERE.get(str(kind), "MFA method not supported"))


async def _check_key(request: UsersRequest, row: UserRow, result: object) -> UserRow:
    methods = methods_of(row)
    position, count = await fido.match_assertion(request, methods, result)
    return await _take_factor(request, row, position, count)


async def _take_factor(request: UsersRequest, row: UserRow, position: int, used: int) -> UserRow:
    """Note that a factor was shown, and how far its codes, or its counter, are used up."""
    methods = methods_of(row)
    methods[position] = {**methods[position], "used": used}
    row = await request.users.update(row, {"mfa": methods})
    await _remember_device(request, row, methods[position])
    return row


async def _check_code(request: UsersRequest, row: UserRow, code: object) -> UserRow:
    methods = methods_of(row)
    for position, method in enumerate(methods):
        step = totp.match_code(
            request.instance.keys,
            method,
            code,
            request.now.timestamp(),
            after=_last_step(request, method),
        )
        if step is None:
            continue
        # In memory as well: a caller's transaction that is rolled back gives no code a second life.
        note_used(request, str(method.get("id")), step)
        return await _take_factor(request, row, position, step)
    raise authentication_failed("Incorrect authentication code")


_used_steps: dict[tuple[str, str], int] = {}
"""By instance and method: the newest time step whose code was taken, for as long as it matters."""


def note_used(request: UsersRequest, method_id: str, step: int) -> None:
    """From now on, codes of this and earlier steps are no good for this method."""
    oldest = int(request.now.timestamp() // totp.STEP_SECONDS) - totp.SKEW_STEPS
    for key in [key for key, known in _used_steps.items() if known < oldest]:
        del _used_steps[key]
    key = (request.instance.name, method_id)
    _used_steps[key] = max(step, _used_steps.get(key, -1))


def _last_step(request: UsersRequest, method: dict[str, Any]) -> int:
    stored = method.get("used")
    known = _used_steps.get((request.instance.name, str(method.get("id"))), -1)
    return max(known, stored if isinstance(stored, int) else -1)


def _device_key(request: UsersRequest, row: UserRow) -> str:
    name = hashlib.sha256(row.email.encode()).hexdigest()[:8]
    return f"user-table-{request.config.user_table}-user-{name}-mfa-validation"


async def _remember_device(request: UsersRequest, row: UserRow, method: dict[str, Any]) -> None:
    """Ask this browser for no factor again for ``mfa_timeout_days``; 0 asks each time."""
    days = request.config.mfa_timeout_days
    if days > 0:
        shown_at = int(request.now.timestamp() * 1000)
        value = f"{method.get('id')}#{method.get('serial')}#{shown_at}"
        await request.cookies.set({_device_key(request, row): value}, days)


async def _is_remembered_device(request: UsersRequest, row: UserRow) -> bool:
    value = await request.cookies.get(_device_key(request, row))
    parts = value.split("#") if isinstance(value, str) else []
    if len(parts) != 3 or not parts[2].isdigit():
        return False
    age = request.now.timestamp() * 1000 - int(parts[2])
    if not 0 <= age < request.config.mfa_timeout_days * MILLISECONDS_PER_DAY:
        return False
    return any([str(m.get("id")), str(m.get("serial"))] == parts[:2] for m in methods_of(row))
