"""What an app's Users service is set to do, read from its anvil.yaml."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app_server.apps import App
from app_server.errors import AnvilError

SERVICE = "/runtime/services/anvil/users.yml"

PROVIDERS = {
    "google": "Google",
    "facebook": "Facebook",
    "microsoft": "Microsoft",
    "saml": "a SAML provider",
}
"""Other sites with whose accounts people may log in, by the names in their options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersConfig:
    """Options under Anvil's own names (``AgentUsersService`` in Anvil's published types).

    ``email_content`` maps ``confirm_address``, ``reset_password``, ``token_login`` and
    ``mfa_reset`` to ``{"subject": ..., "html": ...}``, either of which may be missing.
    ``providers`` are those of ``PROVIDERS`` whose option ``use_...`` is on. ``email_function`` is
    ours: the name of a server function that sends these mails in the app's own way.
    """

    user_table: str = "users"
    allow_signup: bool = False
    enable_automatically: bool = False
    confirm_email: bool = False
    use_email: bool = False
    use_token: bool = False
    require_mfa: bool = False
    mfa_timeout_days: float = 0
    allow_mfa_email_reset: bool = False
    require_secure_passwords: bool = False
    allow_remember_me: bool = False
    remember_me_days: float = 30
    share_login_status: bool = False
    max_password_failures: int = 10
    email_from_address: str | None = None
    providers: frozenset[str] = frozenset()
    email_content: dict[str, dict[str, str]] = field(default_factory=dict)
    email_function: str | None = None

    @property
    def cookie_kind(self) -> str:
        return "shared" if self.share_login_status else "local"


def read_users_config(app: App) -> UsersConfig:
    """The app's settings. Raises ``anvil.server.ServiceNotAdded`` when it has no Users service."""
    service = app.services.get(SERVICE)
    if service is None:
        raise AnvilError(
            "Add the Users service to your app before calling this function",
            "anvil.server.ServiceNotAdded",
        )
    options = {**service.client_config, **service.server_config}

    def is_on(name: str) -> bool:
        return bool(options.get(name))

    return UsersConfig(
        user_table=_table_name(app, options.get("user_table")),
        allow_signup=is_on("allow_signup"),
        enable_automatically=is_on("enable_automatically"),
        confirm_email=is_on("confirm_email"),
        use_email=is_on("use_email"),
        use_token=is_on("use_token"),
        require_mfa=is_on("require_mfa"),
        mfa_timeout_days=_number(options.get("mfa_timeout_days"), 0),
        allow_mfa_email_reset=is_on("allow_mfa_email_reset"),
        require_secure_passwords=is_on("require_secure_passwords"),
        allow_remember_me=is_on("allow_remember_me"),
        remember_me_days=_number(options.get("remember_me_days"), 30),
        share_login_status=is_on("share_login_status"),
        max_password_failures=int(_number(options.get("max_password_failures"), 10)),
        email_from_address=options.get("email_from_address") or None,
        providers=frozenset(name for name in PROVIDERS if is_on(f"use_{name}")),
        email_content=dict(options.get("email_content") or {}),
        email_function=options.get("email_function") or None,
    )


def _number(value: Any, default: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else default


def _table_name(app: App, given: str | int | None) -> str:
    """The Python name of the user table; older apps name it by the id it has in db_schema."""
    if given is None or isinstance(given, str):
        return given or "users"
    for table in app.db_schema if isinstance(app.db_schema, list) else []:
        if table.get("id") == given:
            return str((table.get("access") or {}).get("python_name") or given)
    raise AnvilError(
        f"Users service is configured with user table id '{given}', but no such table was found.",
    )
