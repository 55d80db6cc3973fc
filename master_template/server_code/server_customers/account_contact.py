"""Which contact is a customer's own: the link between an account and a contact.

An account gets its contact once, by its confirmed address: the live contact that has this address
and belongs to no other account, or else a new one. From then on only the link counts, so that a
changed address on either side moves nobody's data to somebody else.
"""

from __future__ import annotations

import logging
from typing import Any

from anvil.tables import TableError, TransactionConflict, app_tables
from anvil.tables import query as q

from ..server_auth.rbac import CUSTOMER, acting_as, current_actor, read_actor
from ..server_privacy import consent_record
from ..server_privacy.person_rows import own_account
from ..server_shared import audit, clock
from ..server_shared.config import read_business
from ..server_shared.errors import ConflictError, DeniedError
from ..server_shared.sequences import CONTACTS, take_numbers
from ..server_shared.transactions import in_transaction
from . import timeline_service
from .contact_changes import add_contact, change_contact
from .contact_fields import SOURCE_TEXTS
from .contact_service import EMAIL_CONSTRAINT, apply_changes, new_columns

# The database's own guard against two live contacts of one account (constraints.yaml).
ACCOUNT_CONSTRAINT = "contacts_account_unique"
AGREED_AT_SIGN_UP = "Ticked when signing up; the address is confirmed"

log = logging.getLogger("mybizz.account_contact")


def customer_account() -> Any:
    """The account of the customer who is calling, whose address is known to be theirs.

    Raises :class:`NotAuthenticatedError` where a script calls, and :class:`DeniedError`:
    ``not_a_customer`` for people who work here, ``not_confirmed`` as long as the address is not.
    """
    actor = current_actor()
    if actor.row is not None and actor.role != CUSTOMER:
        raise DeniedError("These pages are for customers.", code="not_a_customer")
    return own_account()


def find_contact(account: Any) -> Any:
    """The live contact of an account, or None. Changes nothing: one that is not linked yet is
    found by the address, where that is confirmed."""
    linked = app_tables.contacts.get(account=account, deleted_at=None)
    if linked is not None or account["confirmed_email"] is not True:
        return linked
    return _unclaimed(account)


def _unclaimed(account: Any) -> Any:
    return app_tables.contacts.get(email=account["email"].lower(), account=None, deleted_at=None)


def link_on_log_in(account: Any) -> None:
    """Give a customer who has just logged in their contact. A log-in does not fail by this: what
    did not work now is made up for when the customer first changes something."""
    if account["role"] != CUSTOMER or account["confirmed_email"] is not True:
        return
    try:
        with acting_as(read_actor()):
            ensure_contact(account)
    except (TransactionConflict, ConflictError):
        log.warning("a customer got no contact at log-in; it is made later", exc_info=True)


@in_transaction
def ensure_contact(account: Any) -> Any:
    """The live contact of an account with a confirmed address, linked or made where it was not.

    Raises :class:`ConflictError` (``contact_taken``) where another account has the contact with
    this address, which only the business can put right.
    """
    linked = app_tables.contacts.get(account=account, deleted_at=None)
    if linked is not None:
        return linked
    try:
        return _link(account)
    except TableError as error:
        if EMAIL_CONSTRAINT in str(error) or ACCOUNT_CONSTRAINT in str(error):
            # Someone was faster, in another log-in or at the front desk: look again.
            raise TransactionConflict(str(error)) from error
        raise


def _link(account: Any) -> Any:
    is_first = next(iter(app_tables.contacts.search(account=account)), None) is None
    contact = _unclaimed(account)
    if contact is None:
        contact = _make(account, read_business().currency)
    else:
        version = int(contact["version"]) + 1
        change_contact(contact, {"account": account, "updated_at": clock.now(), "version": version})
        timeline_service.add_event(contact, "linked", "Made an account", user_visible=False)
        audit.record(
            "link", "contact", contact["contact_id"], {"account": [None, account["email"]]}
        )
    if is_first:
        _take_over_choice(account, contact)
    return contact


def _make(account: Any, currency: str) -> Any:
    email = account["email"].lower()
    if app_tables.contacts.get(q.fetch_only("contact_id"), email=email, deleted_at=None):
        raise ConflictError(
            "Your e-mail address belongs to another customer's record. Please ask us to put "
            "that right.",
            code="contact_taken",
        )
    (number,) = take_numbers(CONTACTS)
    values = {
        "first_name": account["first_name"] or "",
        "last_name": account["last_name"] or "",
        "email": email,
        "phone": account["phone"],
        "source": "website",
        "account": account,
    }
    contact = add_contact(new_columns(values, number, currency))
    timeline_service.add_event(contact, "created", SOURCE_TEXTS["website"], {"source": "website"})
    audit.record("create", "contact", contact["contact_id"], {"email": [None, email]})
    return contact


def _take_over_choice(account: Any, contact: Any) -> None:
    """What was ticked about marketing at sign-up counts now that the address is known to be theirs,
    unless something else has been said since."""
    said = consent_record.search_of(contact, account, kinds=(consent_record.MARKETING,))
    newest = next(iter(said), None)
    preferences = dict(contact["preferences"] or {})
    if newest is None or newest["contact"] is not None or consent_record.is_opted_in(preferences):
        return
    changed = {"preferences": {**preferences, "marketing_opt_in": True}}
    apply_changes(contact, changed, evidence=AGREED_AT_SIGN_UP)
