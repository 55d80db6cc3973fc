"""Ways to log in that this server does not have: second factors, and accounts of other sites.

Each is answered as Anvil's server answers where the way is not set up, so that ``anvil.users`` and
its forms behave: they offer nothing that would fail.
"""

from __future__ import annotations

from typing import Any

from app_server.native.registry import NativeCall, NativeFunction, native
from app_server.users.config import read_users_config
from app_server.users.errors import authentication_failed, not_enabled

PROVIDERS = {
    "google": "Google",
    "facebook": "Facebook",
    "microsoft": "Microsoft",
    "saml": "SAML",
}

SECOND_FACTOR_STEPS = (
    "add_mfa_method",
    "totp.generate_secret",
    "begin_fido_attestation",
    "validate_fido_attestation",
    "begin_fido_assertion",
    "twilio.generate_mfa_method",
    "twilio.send_verification_token",
    "twilio.check_verification_token",
)


@native("anvil.private.users.get_enabled_mfa_types")
async def get_enabled_mfa_types(call: NativeCall) -> list[str]:
    """The second factors that may be set up: none."""
    return []


@native("anvil.private.users.get_available_mfa_types")
async def get_available_mfa_types(call: NativeCall, email: object, password: object) -> list[str]:
    """The second factors that this user has: none."""
    return []


@native("anvil.private.users.send_mfa_reset_email")
async def send_mfa_reset_email(call: NativeCall, email: object) -> None:
    """Refused: there is nothing to reset."""
    raise authentication_failed("Cannot reset two-factor authentication by email.")


@native("anvil.private.users.totp.validate_code")
async def validate_totp_code(call: NativeCall, method: object, code: object) -> bool:
    """No code is right."""
    return False


async def _refuse_factor(call: NativeCall, *_arguments: Any, **_options: Any) -> None:
    raise authentication_failed("MFA method not supported")


for _name in SECOND_FACTOR_STEPS:
    native(f"anvil.private.users.{_name}")(_refuse_factor)


def _refusal_of(provider: str) -> NativeFunction:
    async def refuse(call: NativeCall, **_options: Any) -> None:
        read_users_config(call.instance.app)
        raise not_enabled(provider)

    return refuse


for _name, _provider in PROVIDERS.items():
    native(f"anvil.private.users.login_with_{_name}")(_refusal_of(_provider))
    native(f"anvil.private.users.signup_with_{_name}")(_refusal_of(_provider))
