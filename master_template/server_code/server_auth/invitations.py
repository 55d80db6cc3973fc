"""Invitations to work here: by e-mail, for one person, once, and not for ever.

The link carries a random token, of which the database keeps the hash only. Whoever opens it has
read that person's mail, which is what a log-in by password rests on too; so accepting chooses the
password, also where the address has had a customer's account.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

import anvil.server
import anvil.tables as tables
from anvil.tables import TableError, app_tables
from anvil.tables import query as q

from ..server_emails.account_mails import tell_of_new_password
from ..server_shared import audit, clock
from ..server_shared.callables import PUBLIC, server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import ConflictError, DeniedError, NotFoundError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Email, Password, Rule, Text
from . import authority, invitation_mail, login_marks, passwords, seats
from .rbac import (
    OWNER,
    ROLE_LIMITS,
    STAFF_ROLES,
    Actor,
    current_actor,
    display_name,
    permissions_of,
)
from .users_service import OWN_PERMISSIONS, ROLE, own_differences

VALID_DAYS = 7
MAX_OPEN = 50  # Invitations that wait for an answer at one time.
OPEN_CONSTRAINT = "invitations_one_open"


class InvitationId(Rule):
    """The id of an invitation as :func:`list_invitations` gives it."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) != 16 or not value.isalnum():
            raise self.refuse("the id of an invitation", value)
        return value


INVITATION_ID = InvitationId("The invitation", required=True)
TOKEN = Text("The invitation", max_chars=100, required=True)


def hash_token(token: str) -> str:
    """What the database keeps of a link's token."""
    # The token is random and long, so a plain hash keeps it as well as a slow one would.
    return hashlib.sha256(token.encode()).hexdigest()


def _link(token: str) -> str:
    return f"{anvil.server.get_app_origin()}/app/invitation/{token}"


def _open_query() -> dict[str, Any]:
    return {"accepted_at": None, "revoked_at": None}


def invitation_item(row: Any, actor: Actor) -> dict[str, Any]:
    """An invitation as the list shows it."""
    return {
        "invitation_id": row["invitation_id"],
        "email": row["email"],
        "role": row["role"],
        "permissions": sorted(permissions_of(row["role"], row["permissions"])),
        "invited_by": row["inviter_name"],
        "sent_at": row["sent_at"],
        "expires_at": row["expires_at"],
        "is_expired": row["expires_at"] <= clock.now(),
        "may_change": row["role"] in authority.roles_to_give(actor),
    }


@server_callable(needs="users.view")
def list_invitations() -> dict[str, Any]:
    """Invitations that wait for an answer, newest first: ``{"invitations": [...]}``. The owner's
    own link (``owner_link``) is none of them."""
    actor = current_actor()
    found = app_tables.invitations.search(
        tables.order_by("sent_at", ascending=False),
        q.page_size(MAX_OPEN),
        role=q.not_(OWNER),
        **_open_query(),
    )
    return {"invitations": [invitation_item(row, actor) for row in islice(found, MAX_OPEN)]}


@server_callable(
    needs="users.manage",
    takes={
        "email": Email("E-mail", required=True),
        "role": ROLE,
        "permissions": OWN_PERMISSIONS,
    },
    audit="invitation.create",
)
def invite_user(
    email: str, role: str, permissions: dict[str, bool] | None = None
) -> dict[str, Any]:
    """Invite someone by e-mail to work here; ``{"invitation": {...}}``.

    Raises :class:`ConflictError` (``works_here``, ``invited_already``, ``role_full``,
    ``too_many_invitations``) and what ``authority`` refuses.
    """
    try:
        return {"invitation": _invite(email, role, permissions or {})}
    except TableError as error:
        if OPEN_CONSTRAINT in str(error):
            raise _invited_already(email) from error
        raise


def _invited_already(email: str) -> ConflictError:
    return ConflictError(
        f"{email} has been invited already. Send that invitation again instead.",
        code="invited_already",
        field="email",
    )


@in_transaction
def _invite(email: str, role: str, permissions: dict[str, bool]) -> dict[str, Any]:
    actor = authority.fresh_actor()
    authority.refuse_restricted(actor)
    authority.refuse_role(actor, role)
    own = own_differences(role, permissions)
    authority.refuse_gain(actor, (), permissions_of(role, own))
    account = app_tables.users.get(email=email)
    if account is not None and account["role"] in STAFF_ROLES:
        raise ConflictError(
            f"{display_name(account) or email} works here already.",
            code="works_here",
            field="email",
        )
    waiting = list(
        app_tables.invitations.search(q.fetch_only("email", "role", "expires_at"), **_open_query())
    )
    if any(row["email"] == email for row in waiting):
        raise _invited_already(email)
    if len(waiting) >= MAX_OPEN:
        raise ConflictError(
            f"{MAX_OPEN} invitations are waiting for an answer. Withdraw some first.",
            code="too_many_invitations",
        )
    now = clock.now()
    promised = sum(1 for row in waiting if row["role"] == role and row["expires_at"] > now)
    _refuse_without_seat(role, promised)
    token = secrets.token_urlsafe(32)
    row = app_tables.invitations.add_row(
        invitation_id=secrets.token_hex(8),
        email=email,
        role=role,
        permissions=own,
        token_hash=hash_token(token),
        created_by=actor.row,
        inviter_name=actor.author_name,
        created_at=now,
        sent_at=now,
        expires_at=now + timedelta(days=VALID_DAYS),
    )
    audit.record("create", "invitation", email, {"role": [None, role], "permissions": [None, own]})
    invitation_mail.queue(row, _link(token))
    return invitation_item(row, actor)


def _refuse_without_seat(role: str, promised: int) -> None:
    """Raise where those who have the role and those who are invited to it leave no seat."""
    limit = ROLE_LIMITS[role]
    if len(seats.taken_seats(role)) + promised >= limit:
        raise seats.role_full(role)


def _find_open(invitation_id: str) -> Any:
    row = app_tables.invitations.get(invitation_id=invitation_id, **_open_query())
    if row is None:
        raise NotFoundError("This invitation has been answered or withdrawn meanwhile.")
    return row


@server_callable(
    needs="users.manage",
    takes={"invitation_id": INVITATION_ID},
    audit="invitation.resend",
)
def resend_invitation(invitation_id: str) -> dict[str, Any]:
    """Send an invitation again with a new link; the old one stops working."""
    return {"invitation": _resend(invitation_id)}


@in_transaction
def _resend(invitation_id: str) -> dict[str, Any]:
    actor = authority.fresh_actor()
    authority.refuse_restricted(actor)
    row = _find_open(invitation_id)
    authority.refuse_role(actor, row["role"])
    authority.refuse_gain(actor, (), permissions_of(row["role"], row["permissions"]))
    now = clock.now()
    token = secrets.token_urlsafe(32)
    before = row["expires_at"]
    row.update(
        token_hash=hash_token(token),
        sent_at=now,
        expires_at=now + timedelta(days=VALID_DAYS),
        created_by=actor.row,
        inviter_name=actor.author_name,
    )
    audit.record("resend", "invitation", row["email"], {"expires_at": [before, row["expires_at"]]})
    invitation_mail.queue(row, _link(token))
    return invitation_item(row, actor)


@server_callable(
    needs="users.manage",
    takes={"invitation_id": INVITATION_ID},
    audit="invitation.revoke",
)
def revoke_invitation(invitation_id: str) -> dict[str, Any]:
    """Withdraw an invitation: its link stops working."""
    _revoke(invitation_id)
    return {}


@in_transaction
def _revoke(invitation_id: str) -> None:
    actor = authority.fresh_actor()
    authority.refuse_restricted(actor)
    row = _find_open(invitation_id)
    authority.refuse_role(actor, row["role"])
    now = clock.now()
    row["revoked_at"] = now
    audit.record("revoke", "invitation", row["email"], {"revoked_at": [None, now]})


def _refuse_former_owner(invitation: Any, account: Any) -> None:
    """The owner's link leads to the owner's account, and dies when somebody else becomes owner."""
    if invitation["role"] == OWNER and (account is None or account["role"] != OWNER):
        raise _unusable()


def _unusable() -> DeniedError:
    return DeniedError(
        "This invitation cannot be used: it has been answered, withdrawn or sent again. "
        "Please look for a newer message, or ask whoever invited you.",
        code="invitation_unusable",
    )


def _find_by_token(token: str) -> Any:
    """The open invitation of a link. Raises :class:`DeniedError` (``invitation_unusable``), in the
    same words for one that never was and one that was used, withdrawn or sent anew."""
    row = app_tables.invitations.get(token_hash=hash_token(token))
    if row is None or row["accepted_at"] is not None or row["revoked_at"] is not None:
        raise _unusable()
    if row["expires_at"] <= clock.now():
        raise DeniedError(
            f"This invitation was good for {VALID_DAYS} days and is too old now. Please ask "
            "whoever invited you to send it again.",
            code="invitation_expired",
        )
    return row


@server_callable(needs=PUBLIC, takes={"token": TOKEN})
def get_invitation(token: str) -> dict[str, Any]:
    """What the page of an invitation shows: ``email``, ``role``, ``inviter_name``,
    ``business_name``, ``expires_at``, and ``first_name``, ``last_name`` of an account that the
    address has already. Raises :class:`DeniedError`."""
    row = _find_by_token(token)
    account = app_tables.users.get(email=row["email"])
    _refuse_former_owner(row, account)
    return {
        "email": row["email"],
        "role": row["role"],
        "inviter_name": row["inviter_name"],
        "business_name": read_business().business_name,
        "expires_at": row["expires_at"],
        "first_name": (account["first_name"] if account else None) or "",
        "last_name": (account["last_name"] if account else None) or "",
    }


@server_callable(
    needs=PUBLIC,
    takes={
        "token": TOKEN,
        "first_name": Text("First name", max_chars=100, required=True),
        "last_name": Text("Last name", max_chars=100, required=True),
        "password": Password("Password"),
    },
    audit="invitation.accept",
    atomic=False,
)
def accept_invitation(token: str, first_name: str, last_name: str, password: str) -> dict[str, Any]:
    """Open the account that an invitation promised; ``{"email": ...}``, to log in with.

    Raises :class:`DeniedError` (``invitation_unusable``, ``invitation_expired``) and
    :class:`ConflictError` (``role_full``, ``works_here``). Not one transaction with the guard's:
    the hash takes long.
    """
    invitation = _find_by_token(token)
    hashed = passwords.make_hash(password)
    try:
        accepted = _accept(token, first_name, last_name, hashed)
    except TableError as error:
        raise seats.named(error, invitation["role"]) from error
    if accepted.had_password:
        tell_of_new_password(accepted.user)
    return {"email": accepted.user.email}


@dataclass(frozen=True)
class _Accepted:
    user: Actor
    had_password: bool  # Of someone who works here: the owner, by a link instead of it.


@in_transaction
def _accept(token: str, first_name: str, last_name: str, hashed: str) -> _Accepted:
    invitation = _find_by_token(token)
    email, role = invitation["email"], invitation["role"]
    account = app_tables.users.get(email=email)
    _refuse_former_owner(invitation, account)
    if role != OWNER and account is not None and account["role"] in STAFF_ROLES:
        raise ConflictError("This address has an account to work here already.", code="works_here")
    now = clock.now()
    columns: dict[str, Any] = {
        **seats.sit_down(account, role),
        "permissions": dict(invitation["permissions"] or {}),
        "status": seats.ACTIVE,
        "enabled": True,
        "confirmed_email": True,
        "password_hash": hashed,
        "n_password_failures": 0,
        "first_name": first_name,
        "last_name": last_name,
    }
    before = account["role"] if account is not None else None
    had_password = role == OWNER and bool(account["password_hash"])
    if account is None:
        account = app_tables.users.add_row(email=email, signed_up=now, **columns)
    else:
        account.update(**columns, email_confirmation_key=None, **login_marks.end_all(account))
    invitation.update(accepted_at=now, accepted_by=account)
    new_user = Actor("user", role=role, email=email, ip=current_actor().ip, row=account)
    audit.record("accept", "invitation", email, {"role": [before, role]}, by=new_user)
    return _Accepted(new_user, had_password)
