"""Consent: say that someone agrees to marketing or no longer does, and read what they said when."""

from __future__ import annotations

from itertools import islice
from typing import Any

from ..server_customers.account_contact import customer_account, ensure_contact
from ..server_customers.contact_fields import CONTACT_ID
from ..server_customers.contact_service import apply_changes, find_row
from ..server_marketing import suppression
from ..server_shared import audit
from ..server_shared.callables import LOGGED_IN, server_callable
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool, Int, Text
from .consent_record import consent_dict, is_opted_in, search_of

MAX_HISTORY = 200
OPTED = "The person's own choice"


@server_callable(
    needs="customers.manage",
    takes={
        "contact_id": CONTACT_ID,
        "is_given": Bool("The consent", required=True),
        "evidence": Text("How you know", max_chars=500, required=True),
    },
    audit="contact.update",
)
def set_marketing_consent(contact_id: str, is_given: bool, evidence: str) -> dict[str, Any]:
    """Note that a contact agrees to marketing by e-mail, or no longer does: ``{"is_given"}``.

    ``evidence`` says how the business knows ("ticked the box on the paper form"). Saying what is
    so already adds nothing to the record. Raises :class:`NotFoundError`, and :class:`InvalidError`
    (``by_person``) where the person has ended marketing, which they alone take back.
    """
    _note_marketing(contact_id, is_given, evidence)
    return {"is_given": is_given}


@server_callable(
    needs=LOGGED_IN,
    takes={"is_given": Bool("The consent", required=True)},
    audit="contact.update",
)
def set_my_marketing_consent(is_given: bool) -> dict[str, Any]:
    """The same by the person, for the contact of their account."""
    _set_own(is_given)
    return {"is_given": is_given}


@in_transaction
def _set_own(is_given: bool) -> None:
    _set_marketing(ensure_contact(customer_account())["contact_id"], is_given, OPTED)


@in_transaction
def _note_marketing(contact_id: str, is_given: bool, evidence: str) -> None:
    if is_given:
        suppression.refuse_agreeing(find_row(contact_id)["email"])
    _set_marketing(contact_id, is_given, evidence)


@in_transaction
def _set_marketing(contact_id: str, is_given: bool, evidence: str) -> None:
    row = find_row(contact_id)
    preferences = dict(row["preferences"] or {})
    if is_opted_in(preferences) == is_given:
        audit.unchanged()
        return
    changed = {"preferences": {**preferences, "marketing_opt_in": is_given}}
    apply_changes(row, changed, evidence=evidence)


@server_callable(
    needs="customers.view",
    takes={
        "contact_id": CONTACT_ID,
        "limit": Int("Limit", minimum=1, maximum=MAX_HISTORY, default=50),
    },
)
def get_consent_history(contact_id: str, limit: int = 50) -> dict[str, Any]:
    """``{"consents": [...]}``, newest first: ``kind``, ``is_given``, ``version``, ``evidence``,
    ``email``, ``given_by`` (``person`` or ``business``), ``author_name``, ``ip_address`` and
    ``recorded_at`` of each."""
    contact = find_row(contact_id, with_deleted=True)
    found = search_of(contact, contact["account"])
    return {"consents": [consent_dict(row) for row in islice(found, limit)]}
