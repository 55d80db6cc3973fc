"""The second step of a log-in, and setting it up: an authenticator app, and recovery codes."""

from __future__ import annotations

from typing import Any

import anvil.server
import anvil.users
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_shared import audit, clock
from ..server_shared.callables import LOGGED_IN, PUBLIC, TRUSTED_ONLY, server_callable
from ..server_shared.config import read_business, settings_row
from ..server_shared.errors import ConflictError, DeniedError, NotAuthenticatedError, NotFoundError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool, Email, Text
from . import authority, login_marks, passwords, second_factor, totp
from .rbac import CUSTOMER, STAFF_ROLES, Actor, current_actor, is_factor_required, read_actor
from .users_service import USER_ID, find_colleague

PENDING = "mybizz_pending_login"
PENDING_SECONDS = 600

CODE = Text("The code", max_chars=40, required=True)
PASSWORD = passwords.GivenPassword("Your password")


def begin_second_step(user: Any, *, remember: bool) -> None:
    """Note in the session that this user's password was right, and that a code is owed."""
    anvil.server.session[PENDING] = {
        "user": user.get_id(),
        "version": login_marks.version_of(user),
        "remember": remember,
        "at": clock.now().timestamp(),
    }


@server_callable(needs=PUBLIC, takes={"code": CODE}, audit="user.log_in", atomic=False)
def confirm_second_factor(code: str) -> dict[str, Any]:
    """Finish the log-in of this session, whose password was right, with a code of the authenticator
    app or a recovery code; ``{"role": ...}``.

    Raises :class:`DeniedError` (``log_in_again``, ``locked``, ``disabled``) and
    :class:`InvalidError` (field ``code``).
    """
    from ..server_customers.account_contact import link_on_log_in

    pending = anvil.server.session.get(PENDING) or {}
    again = DeniedError("Please log in with your password again.", code="log_in_again")
    if clock.now().timestamp() - pending.get("at", 0) > PENDING_SECONDS:
        raise again
    row = app_tables.users.get_by_id(pending["user"])
    if row is None or login_marks.version_of(row) != pending["version"]:
        raise again
    if row["enabled"] is False or row["status"] in ("inactive", "suspended"):
        raise DeniedError("This account is switched off.", code="disabled")
    row = second_factor.check(row.get_id(), code)
    anvil.server.session[PENDING] = None
    user = anvil.users.force_login(row, remember=bool(pending["remember"]))
    login_marks.leave(user, remember=bool(pending["remember"]))
    details = {"remember": bool(pending["remember"]), "second_factor": True}
    audit.record("log_in", "user", user["email"], details=details, by=read_actor())
    link_on_log_in(user)
    return {"role": user["role"] or CUSTOMER}


def _own() -> Any:
    row = current_actor().row
    if row is None:
        raise NotAuthenticatedError()
    return row


@server_callable(needs=LOGGED_IN)
def get_second_factor() -> dict[str, Any]:
    """The caller's own: ``is_on``, ``since``, ``recovery_left`` (codes), and ``is_required``."""
    row = _own()
    state = second_factor.state_of(row)
    on = second_factor.is_on(row)
    return {
        "is_on": on,
        "since": state.get("since") if on else None,
        "recovery_left": len(state.get("recovery") or ()) if on else 0,
        "is_required": is_factor_required(row["role"]),
    }


@server_callable(
    needs=LOGGED_IN,
    takes={"password": PASSWORD},
    audit="user.begin_second_factor",
    atomic=False,
)
def begin_second_factor(password: str) -> dict[str, Any]:
    """Make a secret for the caller's authenticator app: ``secret`` and ``picture`` (the address of
    a QR code). It counts from :func:`enable_second_factor` on.

    Raises :class:`InvalidError` (field ``password``) and :class:`ConflictError` (``already_on``).
    """
    row = _own()
    passwords.confirm(row, password)
    secret = totp.make_secret()
    _begin(row.get_id(), secret)
    address = totp.address_of(secret, row["email"], read_business().business_name)
    return {"secret": secret, "picture": totp.picture_of(address)}


@in_transaction
def _begin(user_id: str, secret: str) -> None:
    row = app_tables.users.get_by_id(user_id)
    if second_factor.is_on(row):
        raise ConflictError("Your second factor is on already.", code="already_on")
    row.update(**second_factor.new_columns(secret))
    audit.record("begin_second_factor", "user", row["email"], details={"kind": "totp"})


@server_callable(
    needs=LOGGED_IN, takes={"code": CODE}, audit="user.enable_second_factor", atomic=False
)
def enable_second_factor(code: str) -> dict[str, Any]:
    """Switch the factor on with a first code of the app: ``{"recovery_codes": [...]}``, which are
    shown this once. Every other log-in of the caller ends.

    Raises :class:`InvalidError` (field ``code``), :class:`ConflictError` (``not_begun``).
    """
    row = _own()
    if second_factor.is_on(row) or not row["second_factor_encrypted"]:
        raise ConflictError("Please begin again with your password.", code="not_begun")
    second_factor.check(row.get_id(), code)
    codes = totp.make_recovery_codes()
    user = _enable(row.get_id(), codes)
    login_marks.leave(user)
    return {"recovery_codes": codes}


@in_transaction
def _enable(user_id: str, codes: list[str]) -> Any:
    row = app_tables.users.get_by_id(user_id)
    state = dict(second_factor.state_of(row))
    if state.get("is_on") or not state:
        raise ConflictError("Please begin again with your password.", code="not_begun")
    state.update(
        is_on=True,
        since=clock.now().isoformat(),
        recovery=[totp.hash_recovery(code, state["id"]) for code in codes],
    )
    row.update(second_factor=state, **login_marks.end_all(row))
    audit.record("enable_second_factor", "user", row["email"], {"second_factor": [False, True]})
    return row


@server_callable(
    needs=LOGGED_IN,
    takes={"password": PASSWORD, "code": CODE},
    audit="user.disable_second_factor",
    atomic=False,
)
def disable_second_factor(password: str, code: str) -> dict[str, Any]:
    """Switch the caller's second factor off. Raises :class:`InvalidError` (``password``, ``code``)
    and :class:`DeniedError` (``required``) where the business wants one."""
    row = _own()
    if is_factor_required(row["role"]):
        raise DeniedError("This business wants a second factor of everyone.", code="required")
    passwords.confirm(row, password)
    second_factor.check(row.get_id(), code)
    _clear(row.get_id(), "disable_second_factor")
    return {}


@server_callable(
    needs=LOGGED_IN,
    takes={"password": PASSWORD},
    audit="user.renew_recovery_codes",
    atomic=False,
)
def renew_recovery_codes(password: str) -> dict[str, Any]:
    """New recovery codes in the place of all former ones: ``{"recovery_codes": [...]}``."""
    row = _own()
    passwords.confirm(row, password)
    codes = totp.make_recovery_codes()
    _renew(row.get_id(), codes)
    return {"recovery_codes": codes}


@in_transaction
def _renew(user_id: str, codes: list[str]) -> None:
    row = app_tables.users.get_by_id(user_id)
    if not second_factor.is_on(row):
        raise ConflictError("Your second factor is off.", code="not_begun")
    state = dict(second_factor.state_of(row))
    left = len(state.get("recovery") or ())
    state["recovery"] = [totp.hash_recovery(code, state["id"]) for code in codes]
    row["second_factor"] = state
    audit.record("renew_recovery_codes", "user", row["email"], {"left": [left, len(codes)]})


@in_transaction
def _clear(user_id: str, action: str) -> None:
    row = app_tables.users.get_by_id(user_id)
    before = second_factor.is_on(row)
    row.update(**second_factor.OFF)
    audit.record(action, "user", row["email"], {"second_factor": [before, False]})


@server_callable(needs="users.manage", takes={"user_id": USER_ID}, audit="user.clear_second_factor")
def clear_second_factor(user_id: str) -> dict[str, Any]:
    """Switch off the second factor of someone below the caller who has lost it."""
    _clear_below(user_id)
    return {}


@in_transaction
def _clear_below(user_id: str) -> None:
    actor: Actor = authority.fresh_actor()
    row = find_colleague(user_id)
    authority.refuse_unless_above(actor, row)
    authority.refuse_restricted(actor)
    _clear(user_id, "clear_second_factor")


@server_callable(
    needs=TRUSTED_ONLY,
    takes={"email": Email("E-mail", required=True)},
    audit="user.clear_second_factor",
)
def clear_lost_second_factor(email: str) -> dict[str, Any]:
    """For the operator: switch off the factor of somebody who has no one above them to ask."""
    row = app_tables.users.get(email=email)
    if row is None:
        raise NotFoundError(f"There is no account {email}.")
    _clear(row.get_id(), "clear_second_factor")
    return {}


@server_callable(
    needs="settings.manage",
    takes={"is_required": Bool("Required", required=True)},
    audit="settings.require_second_factor",
)
def require_second_factor(is_required: bool) -> dict[str, Any]:
    """Want a second factor of everyone who works here, or no longer. Who has none gets to nothing
    but setting one up. Raises :class:`ConflictError` (``own_first``) where the caller has none."""
    _require(is_required)
    return {"is_required": is_required}


@in_transaction
def _require(is_required: bool) -> None:
    row = settings_row()
    if row is None:
        raise NotFoundError("This instance has not been set up yet.", code="not_set_up")
    actor = current_actor()
    if is_required and actor.row is not None and not second_factor.is_on(actor.row):
        raise ConflictError("Please switch on your own second factor first.", code="own_first")
    before = bool(row["require_second_factor"])
    if before == is_required:
        audit.unchanged()
        return
    row["require_second_factor"] = is_required
    audit.record(
        "require_second_factor", "settings", "", {"require_second_factor": [before, is_required]}
    )


@server_callable(needs="users.view")
def get_second_factor_policy() -> dict[str, Any]:
    """``is_required``: whether everyone who works here needs a second factor; ``without``: how many
    of them have none."""
    found = app_tables.users.search(role_seat=q.not_(None), status="active")
    rows = [row for row in found if row["role"] in STAFF_ROLES]
    return {
        "is_required": is_factor_required(STAFF_ROLES[0]),
        "without": sum(1 for row in rows if not second_factor.is_on(row)),
    }
