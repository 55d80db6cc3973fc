"""How someone who left their address on a website becomes a contact, or is found to be one.

What a visitor types is not known to be theirs. So a contact that is there already gets nothing
filled in or changed by it, until the person has confirmed the address by a mail; and even then only
what was empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anvil.tables import TableError, TransactionConflict, app_tables

from ..server_auth.rbac import CUSTOMER, Actor
from ..server_customers import timeline_service
from ..server_customers.contact_changes import add_contact
from ..server_customers.contact_fields import BLANK, MAX_TAGS, SOURCE_TEXTS
from ..server_customers.contact_service import (
    EMAIL_CONSTRAINT,
    apply_changes,
    new_columns,
    remember_tags,
)
from ..server_privacy import consent_record
from ..server_shared import audit
from ..server_shared.config import read_business
from ..server_shared.sequences import CONTACTS, take_numbers

PERSONAL = ("first_name", "last_name", "phone", "company")
VISITOR = "Website visitor"


def visitor(ip: str) -> Actor:
    """Somebody on a website, whoever they say they are."""
    return Actor("nobody", name=VISITOR, ip=ip)


def confirmed_person(email: str, name: str, ip: str) -> Actor:
    """Somebody who has shown that they read the mail of an address: what they say about it is their
    own word."""
    return Actor("user", role=CUSTOMER, email=email, name=name, ip=ip)


def take_in(
    email: str,
    values: Mapping[str, Any],
    *,
    source: str,
    is_confirmed: bool,
    has_consented: bool,
    evidence: str,
    tags: Sequence[str] = (),
) -> tuple[Any, bool]:
    """The live contact with this address, made where there is none: its row, and whether it is new.

    ``values`` has PERSONAL as far as they were given. Call it in a transaction, acting as the
    person.
    """
    row = app_tables.contacts.get(email=email, deleted_at=None)
    if row is None:
        return _make(email, values, source, has_consented, evidence, tags), True
    changed: dict[str, Any] = {}
    if is_confirmed:
        given = {name: values.get(name) for name in PERSONAL if values.get(name)}
        changed |= {name: value for name, value in given.items() if not row[name]}
    held = list(row["tags"] or ())
    more = [tag for tag in tags if tag not in held][: MAX_TAGS - len(held)]
    if more:
        changed["tags"] = held + more
        remember_tags(more)
    preferences = dict(row["preferences"] or {})
    if has_consented and not consent_record.is_opted_in(preferences):
        changed["preferences"] = {**preferences, "marketing_opt_in": True}
    elif has_consented and is_confirmed:
        # Nothing changes by it, but the person has said it once more, and by themselves.
        consent_record.record(row, consent_record.MARKETING, True, evidence=evidence)
    if changed:
        apply_changes(row, changed, evidence=evidence)
    return row, False


def _make(
    email: str,
    values: Mapping[str, Any],
    source: str,
    has_consented: bool,
    evidence: str,
    tags: Sequence[str],
) -> Any:
    (number,) = take_numbers(CONTACTS)
    given = {
        "first_name": values.get("first_name") or "",
        "last_name": values.get("last_name") or "",
        "email": email,
        "phone": values.get("phone"),
        "company": values.get("company"),
        "source": source,
        "tags": list(tags),
        "preferences": {**BLANK["preferences"], "marketing_opt_in": has_consented},
    }
    try:
        row = add_contact(new_columns(given, number, read_business().currency))
    except TableError as error:
        if EMAIL_CONSTRAINT in str(error):
            # Someone was faster, in another tab or at the front desk: look again.
            raise TransactionConflict(str(error)) from error
        raise
    remember_tags(tags)
    consent_record.record_opt_in(row, None, evidence)
    timeline_service.add_event(row, "created", SOURCE_TEXTS[source], {"source": source})
    audit.record(
        "create",
        "contact",
        row["contact_id"],
        {name: [None, value] for name, value in given.items() if value},
    )
    return row
