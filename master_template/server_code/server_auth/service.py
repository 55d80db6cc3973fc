"""Log in, log out, sign up, and ask for a new password.

Thin wrappers of Anvil's Users service that answer with the envelope, so that a form shows each
message where it belongs. No answer tells whether an address has an account: neither to a log-in,
nor to a sign-up, nor to a request for a new password.
"""

from __future__ import annotations

import contextlib
from typing import Any

import anvil.users
from anvil.tables import app_tables

from ..server_customers.account_contact import link_on_log_in
from ..server_emails.account_mails import tell_of_new_password
from ..server_privacy.agreements import AGREED, record_sign_up
from ..server_shared import audit
from ..server_shared.callables import LOGGED_IN, PUBLIC, server_callable
from ..server_shared.errors import DeniedError, InvalidError
from ..server_shared.validators import Bool, Email, Password, Phone, Text
from ..server_site.admission import is_closed_to_public
from . import login_marks, second_factor
from .passwords import GivenPassword
from .rbac import CUSTOMER, current_actor, read_actor
from .second_factor_service import begin_second_step


@server_callable(
    needs=PUBLIC,
    takes={
        "email": Email("E-mail", required=True),
        "password": GivenPassword("Password"),
        "remember": Bool("Keep me logged in", default=False),
    },
    audit="user.log_in",
    atomic=False,
)
def log_in(email: str, password: str, remember: bool = False) -> dict[str, Any]:
    """Log this session in; give ``{"role": ...}``.

    Raises :class:`DeniedError` with code ``wrong_password``, ``not_confirmed``, ``disabled``,
    ``locked`` (too many wrong passwords), or ``second_factor``: the password was right, and
    :func:`confirm_second_factor` finishes the log-in.
    """
    account = app_tables.users.get(email=email)
    takes_code = account is not None and second_factor.is_on(account)
    try:
        user = anvil.users.login_with_email(email, password, remember=remember and not takes_code)
    except anvil.users.EmailNotConfirmed as error:
        raise DeniedError(
            "Please confirm your e-mail address first: the link is in the message we sent you.",
            code="not_confirmed",
        ) from error
    except anvil.users.TooManyPasswordFailures as error:
        raise DeniedError(
            "Too many wrong passwords. Choose a new one by e-mail to get in again.", code="locked"
        ) from error
    except anvil.users.AccountIsNotEnabled as error:
        raise DeniedError("This account is switched off.", code="disabled") from error
    except anvil.users.MFARequired as error:
        raise DeniedError("This account asks for a second factor.", code="second_factor") from error
    except anvil.users.AuthenticationFailed as error:
        raise DeniedError(
            "E-mail address and password do not belong together.",
            code="wrong_password",
            field="password",
        ) from error
    if user["status"] in ("inactive", "suspended"):
        anvil.users.logout()
        raise DeniedError("This account is switched off.", code="disabled")
    if second_factor.is_on(user):
        anvil.users.logout()
        begin_second_step(user, remember=remember)
        raise DeniedError("Please enter the code of your authenticator app.", code="second_factor")
    login_marks.leave(user)
    audit.record("log_in", "user", user["email"], details={"remember": remember}, by=read_actor())
    link_on_log_in(user)
    return {"role": user["role"] or CUSTOMER}


@server_callable(needs=PUBLIC, audit="user.log_out", atomic=False)
def log_out() -> None:
    """Log this session out, also where it is remembered."""
    actor = current_actor()
    if actor.kind == "user":
        audit.record("log_out", "user", actor.email, details={"role": actor.role})
    else:
        audit.unchanged()
    anvil.users.logout(invalidate_client_objects=True)


@server_callable(
    needs=PUBLIC,
    takes={
        "first_name": Text("First name", max_chars=100, required=True),
        "last_name": Text("Last name", max_chars=100, required=True),
        "email": Email("E-mail", required=True),
        "password": Password("Password"),
        "agreed": AGREED,
        "phone": Phone("Phone", country="US"),
        "marketing": Bool("News and offers by e-mail", default=False),
    },
    audit=("user.create", "user.request_password_reset"),
    atomic=False,
)
def sign_up(
    first_name: str,
    last_name: str,
    email: str,
    password: str,
    agreed: dict[str, str],
    phone: str | None = None,
    marketing: bool = False,
) -> dict[str, Any]:
    """Make a customer's account. It opens once the address is confirmed: ``{"confirm": True}``.

    ``agreed`` has the versions of the terms and the privacy policy (``get_agreement_texts``) that
    the person agrees to; that goes on record at once, and ``marketing`` with it, which counts from
    the first log-in, when the address is known to be theirs.

    Where the address has an account already, the answer is the same, and its owner gets a link to
    choose a new password. Raises :class:`InvalidError` where the password is refused, and
    :class:`DeniedError` (``closed``) where people come by invitation only.
    """
    if is_closed_to_public():
        raise DeniedError("Accounts are made by invitation here.", code="closed")
    try:
        user = anvil.users.signup_with_email(email, password)
    except anvil.users.UserExists:
        request_password_reset(email)
        return {"confirm": True}
    except anvil.users.PasswordNotAcceptable as error:
        raise InvalidError(str(error), field="password") from error
    user.update(
        role=CUSTOMER, status="active", first_name=first_name, last_name=last_name, phone=phone
    )
    record_sign_up(user, agreed, marketing=marketing)
    audit.record("create", "user", email, {"role": [None, CUSTOMER]})
    return {"confirm": anvil.users.get_user() is None}


@server_callable(
    needs=PUBLIC,
    takes={"email": Email("E-mail", required=True)},
    audit="user.request_password_reset",
    atomic=False,
)
def request_password_reset(email: str) -> dict[str, Any]:
    """Send a link to choose a new password, if there is an account; the answer is the same."""
    # An entry whether there is an account or not, so that it takes as long. It names no stranger.
    is_known = app_tables.users.get(email=email) is not None
    whose = email if is_known else ""
    audit.record("request_password_reset", "user", whose, details={"is_known": is_known})
    with contextlib.suppress(anvil.users.AuthenticationFailed):
        anvil.users.send_password_reset_email(email)
    return {}


@server_callable(
    needs=PUBLIC,
    takes={"new_password": Password("New password")},
    audit="user.change_password",
    atomic=False,
)
def choose_password(new_password: str) -> dict[str, Any]:
    """Set the password of whoever opened the link of a reset message in this session."""
    expired = DeniedError(
        "This link has been used or is too old. Please ask for a new one.", code="link_expired"
    )
    if not current_actor().may_choose_password:
        # Of someone who is logged in it would count as a wrong old password.
        raise expired
    try:
        anvil.users.reset_password(None, new_password)
    except anvil.users.AuthenticationFailed as error:
        raise expired from error
    except anvil.users.PasswordNotAcceptable as error:
        raise InvalidError(str(error), field="new_password") from error
    # Whose link it was, the Users service does not tell: the request above names them.
    audit.record("change_password", "user", "", details={"by": "link in a message"})
    return {}


@server_callable(
    needs=LOGGED_IN,
    takes={"old_password": GivenPassword("Old password"), "new_password": Password("New password")},
    audit="user.change_password",
    atomic=False,
)
def change_password(old_password: str, new_password: str) -> dict[str, Any]:
    """Give the logged-in user another password."""
    try:
        anvil.users.reset_password(old_password, new_password)
    except anvil.users.AuthenticationFailed as error:
        raise InvalidError("The old password is not right.", field="old_password") from error
    except anvil.users.PasswordNotAcceptable as error:
        raise InvalidError(str(error), field="new_password") from error
    actor = current_actor()
    audit.record("change_password", "user", actor.email, details={"by": "old password"})
    tell_of_new_password(actor)
    return {}
