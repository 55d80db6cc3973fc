"""The mails of the Users service, in the business's own words and by its own way.

The embedded App Server calls ``send_account_mail`` (option ``email_function`` of the Users service)
in place of sending them itself. Anvil's server does not, and sends the words in ``anvil.yaml``.
"""

from __future__ import annotations

import logging
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import Actor, display_name
from ..server_shared import clock
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import AppError
from ..server_shared.formatting import format_day_and_time
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Email, WebAddress
from .mail_service import queue_mail

# Kind of the Users service -> our template, and how many minutes its link works
# (app_server.users.keys; None: the text says nothing of it).
TEMPLATES: dict[str, tuple[str, int | None]] = {
    "confirm_address": ("address_confirmation", None),
    "reset_password": ("password_reset", 60),
    "mfa_reset": ("second_factor_reset", 10),
}

log = logging.getLogger("mybizz.mail")


@server_callable(
    needs=TRUSTED_ONLY,
    takes={
        "kind": Choice("Kind", tuple(TEMPLATES), required=True),
        "email": Email("E-mail", required=True),
        "url": WebAddress("Link", required=True),
    },
)
def send_account_mail(kind: str, email: str, url: str) -> dict[str, Any]:
    """Queue a mail with a link for an account: ``{"mail_id": ...}``."""
    template, minutes = TEMPLATES[kind]
    user = app_tables.users.get(q.fetch_only("first_name", "last_name"), email=email)
    variables = {"link": url, "person_name": display_name(user) if user else ""}
    if minutes is not None:
        variables["valid_minutes"] = str(minutes)
    return {"mail_id": in_transaction(queue_mail)(template, email, variables)}


def tell_of_new_password(actor: Actor) -> None:
    """Tell someone whose password was changed just now, in case it was not by them.

    The password is changed already, so whatever goes wrong here is only logged.
    """
    try:
        changed_at = format_day_and_time(clock.now(), read_business())
        variables = {"changed_at": changed_at, "person_name": actor.name}
        in_transaction(queue_mail)("password_changed", actor.email, variables)
    except AppError as error:
        log.error("nobody was told of a new password: %s", error.message)
