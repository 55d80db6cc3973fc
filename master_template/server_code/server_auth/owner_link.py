"""The owner's one-time link: how an owner gets in for the first time, or again without a password.

The operator asks for it over the uplink and hands it on. It is an invitation (``invitations``) to
an account that is there already: it works once, not for ever, and the database keeps its hash only.
Each new link ends the one before.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from anvil.tables import app_tables

from ..server_shared import audit, clock
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.errors import NotFoundError
from ..server_shared.transactions import in_transaction
from .invitations import VALID_DAYS, hash_token
from .rbac import OWNER

INVITER = "Mybizz"


@server_callable(needs=TRUSTED_ONLY, audit="invitation.create")
def create_owner_link() -> dict[str, Any]:
    """A new link for the owner: ``{"token", "email", "expires_at"}``; the token is told here only.

    Raises :class:`NotFoundError` where the instance has no owner yet.
    """
    return _create()


@in_transaction
def _create() -> dict[str, Any]:
    owner = app_tables.users.get(role=OWNER)
    if owner is None:
        raise NotFoundError("This instance has no owner yet: its set-up is not complete.")
    now = clock.now()
    email = owner["email"]
    for row in app_tables.invitations.search(accepted_at=None, revoked_at=None):
        if row["role"] == OWNER or row["email"].lower() == email.lower():
            row["revoked_at"] = now
    token = secrets.token_urlsafe(32)
    expires_at = now + timedelta(days=VALID_DAYS)
    app_tables.invitations.add_row(
        invitation_id=secrets.token_hex(8),
        email=email,
        role=OWNER,
        permissions={},
        token_hash=hash_token(token),
        created_by=None,
        inviter_name=INVITER,
        created_at=now,
        sent_at=now,
        expires_at=expires_at,
    )
    audit.record("create", "invitation", email, {"role": [None, OWNER]})
    return {"token": token, "email": email, "expires_at": expires_at}
