"""The natives of ``anvil.users.mfa``.

Codes by phone (``twilio``) are refused with the reason.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable
from typing import Any, TypeVar

from app_server.native.registry import NativeCall, native
from app_server.native.users import attempt, read_request
from app_server.users import fido, links, mfa, mfa_setup
from app_server.users.config import read_users_config

T = TypeVar("T")


class _NotRightError(Exception):
    """What was tried is answered with nothing."""


async def _count_unless_right(call: NativeCall, work: Awaitable[T]) -> T:
    """The result of ``work``; one that is empty counts as an attempt that failed."""
    with contextlib.suppress(_NotRightError), attempt(call, is_free_if_right=True):
        result = await work
        if not result:
            raise _NotRightError
    return result


@native("anvil.private.users.get_enabled_mfa_types")
async def get_enabled_mfa_types(call: NativeCall) -> list[str]:
    """The second factors that may be set up."""
    read_users_config(call.instance.app)
    return list(mfa.ENABLED_TYPES)


@native("anvil.private.users.get_available_mfa_types")
async def get_available_mfa_types(call: NativeCall, email: object, password: object) -> list[str]:
    """The types of a user's second factors; none where the password is wrong."""
    return await _count_unless_right(
        call, mfa_setup.available_types(read_request(call), email, password)
    )


@native("anvil.private.users.add_mfa_method")
async def add_mfa_method(
    call: NativeCall, password: object, method: object, clear_existing: object = False
) -> list[dict[str, Any]]:
    """Give a method to who is logged in, or came by a reset link."""
    with attempt(call, is_free_if_right=True):
        return await mfa_setup.add_mfa_method(
            read_request(call), password, method, clear_existing=bool(clear_existing)
        )


@native("anvil.private.users.send_mfa_reset_email")
async def send_mfa_reset_email(call: NativeCall, email: object) -> None:
    """Mail a link to set up another second factor."""
    with attempt(call):
        await links.send_mfa_reset_email(read_request(call), email)


@native("anvil.private.users.totp.generate_secret")
async def generate_totp_secret(call: NativeCall, email: object = None) -> dict[str, Any]:
    """``{"secret": base32, "qr_code": PNG, "mfa_method": dict}``; only the last is kept."""
    setup = await mfa_setup.generate_totp(read_request(call), email)
    return {"secret": setup.secret, "qr_code": setup.qr_code, "mfa_method": setup.method}


@native("anvil.private.users.totp.validate_code")
async def validate_totp_code(call: NativeCall, method: object, code: object) -> bool:
    """Whether a method that is being set up shows this code."""

    async def check() -> bool:
        return mfa_setup.check_setup_code(read_request(call), method, code)

    return await _count_unless_right(call, check())


@native("anvil.private.users.begin_fido_attestation")
async def begin_fido_attestation(call: NativeCall, email: object = None) -> dict[str, Any]:
    """What the browser has to ask a new security key for."""
    return await mfa_setup.begin_fido(read_request(call), email)


@native("anvil.private.users.validate_fido_attestation")
async def validate_fido_attestation(call: NativeCall, result: object) -> dict[str, Any]:
    """The method of a new security key."""
    with attempt(call, is_free_if_right=True):
        return await fido.validate_attestation(read_request(call), result)


@native("anvil.private.users.begin_fido_assertion")
async def begin_fido_assertion(call: NativeCall, email: object, password: object) -> dict[str, Any]:
    """What the browser has to ask one of the user's security keys for."""
    with attempt(call, is_free_if_right=True):
        return await mfa_setup.begin_fido_login(read_request(call), email, password)


async def _refuse_phones(call: NativeCall, *_arguments: Any, **_options: Any) -> None:
    raise mfa.mfa_failed(mfa.NOT_HERE["twilio-verify"])


for _name in ("generate_mfa_method", "send_verification_token", "check_verification_token"):
    native(f"anvil.private.users.twilio.{_name}")(_refuse_phones)
