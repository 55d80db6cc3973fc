"""What apps ask of Google, Facebook, Microsoft, SAML and Stripe, which this server does not reach.

The modules ``anvil.google``, ``anvil.facebook``, ``anvil.microsoft``, ``anvil.saml`` and
``anvil.stripe`` can be imported, since the code of many apps begins with them. Asking who is logged
in there gives nobody, as on Anvil's server before a log-in. Whatever would need an account there
raises ``anvil.server.ServiceNotAdded`` with what to do instead.

Source of the names: the handlers of anvil.dispatcher.native-rpc-handlers, and the server wheel.
"""

from __future__ import annotations

from typing import Any

from app_server.errors import AnvilError
from app_server.native.registry import NativeCall, NativeFunction, native

REST = "from server code with anvil.http and a key of your own (anvil.secrets)"
LOG_IN = "Let people log in with e-mail and password (anvil.users)"
ELSEWHERE = "or run the app on anvil-app-server"

INSTEAD = {
    "log-in with Google": f"{LOG_IN}, {ELSEWHERE} with --google-client-id.",
    "log-in with Facebook": f"{LOG_IN}, {ELSEWHERE} with --facebook-app-id.",
    "log-in with Microsoft": f"{LOG_IN}, {ELSEWHERE} with --microsoft-app-id.",
    "log-in by SAML": f"{LOG_IN}, {ELSEWHERE}.",
    "Google Drive": f"Call Google's REST API {REST}, {ELSEWHERE}.",
    "Google Sheets": f"Call Google's REST API {REST}, {ELSEWHERE}.",
    "Gmail": "Send mail with anvil.email and the options smtp-host and smtp-username.",
    "Stripe": f"Call Stripe's REST API, or make a Checkout session, {REST}.",
}
"""What to do without each thing that is lacking."""

NOBODY = (
    "google.auth.get_user_email",
    "google.auth.get_user_scope",
    "facebook.auth.get_user_email",
    "facebook.auth.get_user_id",
    "facebook.auth.get_user_access_token",
    "microsoft.auth.get_user_email",
    "microsoft.auth.get_user_id",
    "microsoft.auth.get_user_access_token",
    "microsoft.auth.get_user_refresh_token",
    "saml.auth.get_user_email",
    "saml.auth.get_user_attributes",
)
"""Asked of somebody who is not logged in there, Anvil's server too answers None."""

LACKING = {
    "log-in with Google": (
        "google.auth.login",
        "google.auth.get_user_access_token",
        "google.auth.get_user_refresh_token",
        "google.auth.refresh_access_token",
    ),
    "log-in with Facebook": ("facebook.auth.login",),
    "log-in with Microsoft": ("microsoft.auth.login", "microsoft.auth.refresh_access_token"),
    "log-in by SAML": ("saml.auth.login",),
    "Google Drive": tuple(
        f"google.drive.{name}"
        for name in (
            *("create_item_multipart", "create_item_simple", "delete", "get_app_file"),
            *("get_content", "get_file_by_id", "get_user_files", "list_file_revisions"),
            *("list_files", "set_content", "trash", "update_metadata"),
        )
    ),
    "Google Sheets": tuple(
        f"google.sheets.v4.{name}"
        for name in (
            *("add_row", "delete_row", "get_sheet", "list_cells"),
            *("list_initial_rows", "list_more_rows", "update_cell"),
        )
    ),
    "Gmail": ("google.mail.send",),
    "Stripe": tuple(
        f"stripe.{name}"
        for name in ("charge", "checkout", "get_customer", "new_customer", "subscribe")
    ),
}
"""Native functions, below ``anvil.private.``, by what they would need."""

GOOGLE = "/runtime/services/google.yml"


@native("anvil.private.google.get_config")
async def get_google_config(call: NativeCall) -> dict[str, Any]:
    """The client's half of the Google service's settings, such as the names of app files."""
    service = call.instance.app.services.get(GOOGLE)
    return dict(service.client_config) if service else {}


async def _nobody(call: NativeCall) -> None:
    return None


def _refusal_of(thing: str) -> NativeFunction:
    message = f"This server has no {thing}. {INSTEAD[thing]}"

    async def refuse(call: NativeCall, *_arguments: Any, **_options: Any) -> None:
        raise AnvilError(message, "anvil.server.ServiceNotAdded")

    return refuse


for _name in NOBODY:
    native(f"anvil.private.{_name}")(_nobody)
for _thing, _names in LACKING.items():
    for _name in _names:
        native(f"anvil.private.{_name}")(_refusal_of(_thing))
