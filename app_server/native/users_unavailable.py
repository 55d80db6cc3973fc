"""Log-ins with accounts of other sites, which this server does not have.

Each is refused with the reason: as on Anvil's server where the app's option is off, and else with
what it would need.
"""

from __future__ import annotations

from typing import Any

from app_server.errors import AnvilError
from app_server.native.registry import NativeCall, NativeFunction, native
from app_server.users.config import PROVIDERS, read_users_config
from app_server.users.errors import not_enabled


def _refusal_of(provider: str, option: str) -> NativeFunction:
    async def refuse(call: NativeCall, **_options: Any) -> None:
        config = read_users_config(call.instance.app)
        if option not in config.providers:
            raise not_enabled(provider)
        raise AnvilError(
            f"Log-in with {provider} needs an account and keys at {provider}, which this App "
            "Server has no options for. Let users log in with a password (use_email) or an "
            "e-mailed link (use_token), or run the app on anvil-app-server."
        )

    return refuse


for _option, _provider in PROVIDERS.items():
    for _way in ("login_with", "signup_with"):
        native(f"anvil.private.users.{_way}_{_option}")(_refusal_of(_provider, _option))
