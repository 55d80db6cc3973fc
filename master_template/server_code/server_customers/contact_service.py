"""Contacts: make, read, change, delete and bring back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from anvil.tables import TableError, app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_auth.rbac import current_actor
from ..server_marketing import suppression
from ..server_privacy import consent_record
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import ConflictError, NotFoundError
from ..server_shared.sequences import CONTACTS, take_numbers
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Int, Record
from . import timeline_service
from .contact_changes import add_contact, change_contact
from .contact_fields import (
    BLANK,
    CONTACT_ID,
    SOURCE_TEXTS,
    contact_rules,
    derived_columns,
    display_name,
    full_contact,
    in_main_unit,
)

# The database's own guard against two live contacts with one address (constraints.yaml).
EMAIL_CONSTRAINT = "contacts_email_unique"


# Of a contact that is named in a message, with what decides whether the reader may know of it.
NAMING_COLUMNS = (
    "contact_id",
    "number",
    "first_name",
    "last_name",
    "email",
    "tags",
    "address",
    "created_by",
)


class EditedMeanwhileError(ConflictError):
    """Someone else saved this contact after the caller had read it.

    The answer carries ``current``, the contact as it is now, so that the caller can choose.
    """

    code = "edited_meanwhile"

    def __init__(self, current: dict[str, Any]) -> None:
        super().__init__(
            f"{current['full_name']} was changed by someone else while you were editing. "
            "Nothing has been saved yet; what you typed is still here."
        )
        self.current = current

    def to_answer(self) -> dict[str, object]:
        return {**super().to_answer(), "current": self.current}


def duplicate_email(email: str, other: Any = None) -> ConflictError:
    """The refusal of an address that another contact has."""
    is_known = other is not None and scopes.is_inside(other)
    whose = f"{display_name(other)} ({other['contact_id']})" if is_known else "Another contact"
    return ConflictError(
        f"{whose} already has the e-mail address {email}.", code="duplicate_email", field="email"
    )


def find_row(contact_id: str, *, with_deleted: bool = False) -> Any:
    """The row of ``C-12``. Raises :class:`NotFoundError`."""
    row = app_tables.contacts.get(contact_id=contact_id)
    if row is None or (row["deleted_at"] is not None and not with_deleted):
        raise NotFoundError(f"There is no contact {contact_id}.", code="not_found")
    scopes.refuse_outside(row)
    return row


def refuse_taken_email(email: str | None, *, but: str = "") -> None:
    """Raise :class:`ConflictError` if a live contact other than ``but`` has this address."""
    if not email:
        return
    others = app_tables.contacts.search(
        q.fetch_only(*NAMING_COLUMNS),
        email=email,
        deleted_at=None,
    )
    for other in others:
        if other["contact_id"] != but:
            raise duplicate_email(email, other)


def remember_tags(tags: Iterable[str]) -> None:
    """Add new tags to the list that filters offer. Call it inside a transaction."""
    wanted = set(tags)
    if not wanted:
        return
    known = {row["name"] for row in app_tables.contact_tags.search(name=q.any_of(*wanted))}
    now = clock.now()
    missing = sorted(wanted - known)
    if missing:
        app_tables.contact_tags.add_rows({"name": name, "created_at": now} for name in missing)


def new_columns(values: Mapping[str, Any], number: int, currency: str) -> dict[str, Any]:
    """All columns of a contact to be: what was entered, and what every new one starts with."""
    now = clock.now()
    columns = {
        **BLANK,
        **values,
        "contact_id": f"C-{number}",
        "number": number,
        "total_spent_cents": 0,
        "currency": currency,
        "total_transactions": 0,
        "average_order_value_cents": 0,
        "lifecycle_stage": "new",
        "date_added": values.get("date_added") or now,
        "last_contact_date": now,
        "created_by": current_actor().row,
        "created_at": now,
        "updated_at": now,
        "deleted_at": None,
        "version": 1,
    }
    return {**columns, **derived_columns(columns)}


@server_callable(
    needs="customers.manage",
    takes={
        "contact_data": Record(
            "The contact",
            {**contact_rules(), "notes": contact_rules()["internal_notes"]},
            required=True,
        )
    },
    audit="contact.create",
)
def create_contact(contact_data: dict[str, Any]) -> dict[str, Any]:
    """Make a contact; give ``contact_id`` and ``contact`` as :func:`get_contact` does. ``notes`` is
    another name for ``internal_notes``.

    Raises :class:`ConflictError` (``duplicate_email``) where a live contact has the address, and
    :class:`InvalidError` (``by_person``) where it is to get marketing that its owner has ended.
    """
    contact = dict(contact_data)
    contact["internal_notes"] = contact["internal_notes"] or contact["notes"]
    del contact["notes"]
    currency = read_business().currency
    try:
        row = _create(contact, currency)
    except TableError as error:
        raise _named(error, contact.get("email")) from error
    return {"contact_id": row["contact_id"], "contact": full_contact(row)}


@in_transaction
def _create(contact: dict[str, Any], currency: str) -> Any:
    refuse_taken_email(contact["email"])
    if consent_record.is_opted_in(contact["preferences"]):
        suppression.refuse_agreeing(contact["email"])
    (number,) = take_numbers(CONTACTS)
    row = add_contact(new_columns(contact, number, currency))
    remember_tags(contact["tags"])
    consent_record.record_opt_in(row, None, "Entered with the contact")
    timeline_service.add_event(
        row, "created", SOURCE_TEXTS[contact["source"]], {"source": contact["source"]}
    )
    audit.record(
        "create",
        "contact",
        row["contact_id"],
        {name: [None, value] for name, value in contact.items() if value},
    )
    return row


def _named(error: Exception, email: str | None) -> Exception:
    """The refusal that a broken constraint stands for, or the error itself."""
    if EMAIL_CONSTRAINT in str(error) and email:
        return duplicate_email(email)
    return error


@server_callable(needs="customers.view", takes={"contact_id": CONTACT_ID})
def get_contact(contact_id: str) -> dict[str, Any]:
    """``{"contact": {...}}`` with every field; deleted ones too, with ``deleted_at`` set.
    ``marketing_end`` says in words that they have ended marketing by themselves, or ''."""
    row = find_row(contact_id, with_deleted=True)
    return {
        "contact": full_contact(row),
        "marketing_end": suppression.ended_by_person(row["email"]),
    }


@server_callable(needs="customers.view", takes={"contact_id": CONTACT_ID})
def get_contact_by_id(contact_id: str) -> dict[str, Any]:
    """``{"contact": {...}}`` as :func:`get_contact`, with the amounts also in the currency's main
    unit (``total_spent``, ``average_order_value``) and its newest visible events (``timeline``)."""
    contact = full_contact(find_row(contact_id, with_deleted=True))
    events = timeline_service.get_contact_timeline(contact_id, page_size=timeline_service.MAX_PAGE)
    return {"contact": {**contact, **in_main_unit(contact), "timeline": events["timeline"]}}


@server_callable(
    needs="customers.manage",
    takes={
        "contact_id": CONTACT_ID,
        "updates": Record("The changes", contact_rules(), partial=True, required=True),
        "version": Int("The version", minimum=1),
    },
    audit="contact.update",
)
def update_contact(
    contact_id: str, updates: dict[str, Any], version: int | None = None
) -> dict[str, Any]:
    """Change fields of a contact that the caller has read as ``version``, or, without one,
    whatever it says now.

    Raises :class:`EditedMeanwhileError` if it has a newer version by now, and
    :class:`ConflictError` (``duplicate_email``) if another contact has the address. Marketing that
    the person has ended they alone allow again: :class:`InvalidError` (``by_person``).
    """
    try:
        row = _update(contact_id, updates, version)
    except TableError as error:
        raise _named(error, updates.get("email")) from error
    return {"contact": full_contact(row)}


@in_transaction
def _update(contact_id: str, changes: dict[str, Any], version: int | None) -> Any:
    row = find_row(contact_id)
    if version is not None and int(row["version"]) != version:
        raise EditedMeanwhileError(full_contact(row))
    changed = {name: value for name, value in changes.items() if row[name] != value}
    if not changed:
        audit.unchanged()
        return row
    if "email" in changed:
        refuse_taken_email(changed["email"], but=contact_id)
    has_agreed = consent_record.is_opted_in(changed.get("preferences"))
    if has_agreed and not consent_record.is_opted_in(row["preferences"]):
        suppression.refuse_agreeing(changed.get("email", row["email"]))
    apply_changes(row, changed)
    remember_tags(changed.get("tags") or [])
    return row


def apply_changes(
    row: Any, changed: Mapping[str, Any], evidence: str = "Entered with the contact"
) -> None:
    """Write changed fields of a contact with all that follows. Call it inside a transaction.

    ``evidence`` is how the business knows of a changed consent.
    """
    before = change_contact(
        row, {**changed, "updated_at": clock.now(), "version": int(row["version"]) + 1}
    )
    if "preferences" in changed:
        consent_record.record_opt_in(row, before["preferences"], evidence)
    if "status" in changed:
        timeline_service.add_event(
            row,
            "status_changed",
            f"Status changed from {before['status']} to {changed['status']}",
            {"from": before["status"], "to": changed["status"]},
        )
    others = sorted(set(changed) - {"status"})
    if others:
        timeline_service.add_event(
            row,
            "updated",
            "Changed " + ", ".join(name.replace("_", " ") for name in others),
            {"fields": others},
            user_visible=False,
        )
    audit.record(
        "update",
        "contact",
        row["contact_id"],
        {name: [before[name], value] for name, value in changed.items()},
    )


@server_callable(needs="customers.manage", takes={"contact_id": CONTACT_ID}, audit="contact.delete")
def delete_contact(contact_id: str) -> dict[str, Any]:
    """Take a contact out of every list; it stays in the table and can be restored."""
    _set_deleted(contact_id, deleted=True)
    return {"contact_id": contact_id}


@server_callable(
    needs="customers.manage", takes={"contact_id": CONTACT_ID}, audit="contact.restore"
)
def restore_contact(contact_id: str) -> dict[str, Any]:
    """Bring a deleted contact back.

    Raises :class:`ConflictError`: ``duplicate_email`` if its address has been taken meanwhile,
    ``erased`` if there is no person left to bring back, ``merged`` if they are another contact now.
    """
    try:
        row = _set_deleted(contact_id, deleted=False)
    except TableError as error:
        raise _named(error, "of this contact") from error
    return {"contact": full_contact(row)}


@in_transaction
def _set_deleted(contact_id: str, *, deleted: bool) -> Any:
    row = find_row(contact_id, with_deleted=True)
    before = row["deleted_at"]
    if (before is not None) == deleted:
        audit.unchanged()
        return row
    if not deleted and row["erased_at"] is not None:
        raise ConflictError("This contact has been erased for good.", code="erased")
    if not deleted and row["merged_into"] is not None:
        whom = row["merged_into"]["contact_id"]
        raise ConflictError(f"This contact has become part of {whom}.", code="merged")
    if not deleted:
        refuse_taken_email(row["email"], but=contact_id)
    now = clock.now()
    after = now if deleted else None
    changed = {"deleted_at": after, "updated_at": now, "version": int(row["version"]) + 1}
    if not deleted and row["account"] is not None and _has_other(row):
        changed["account"] = None  # its customer has got another contact meanwhile
    change_contact(row, changed)
    verb, done = ("delete", "deleted") if deleted else ("restore", "restored")
    timeline_service.add_event(row, done, f"Contact {done}", user_visible=False)
    audit.record(verb, "contact", contact_id, {"deleted_at": [before, after]})
    return row


def _has_other(row: Any) -> bool:
    """Whether the account of a contact has another live one."""
    found = app_tables.contacts.search(
        q.fetch_only("contact_id"), account=row["account"], deleted_at=None
    )
    return any(other["contact_id"] != row["contact_id"] for other in found)


@server_callable(
    needs="customers.manage",
    takes={"contact_id": CONTACT_ID, "note_text": timeline_service.NOTE},
    audit="contact.add_note",
)
def add_note_to_contact(contact_id: str, note_text: str) -> dict[str, Any]:
    """Put a note on a contact's timeline; give its ``event_id`` and the whole ``event``."""
    event = _add_note(contact_id, note_text)
    return {"event_id": event["event_id"], "event": event}


@in_transaction
def _add_note(contact_id: str, note: str) -> dict[str, Any]:
    row = find_row(contact_id)
    event = timeline_service.add_event(row, "note", note)
    change_contact(row, {"last_contact_date": event["event_date"]})
    audit.record("add_note", "contact", contact_id, {"note": [None, note]})
    return timeline_service.event_dict(event)


@server_callable(needs="customers.view")
def list_contact_tags() -> dict[str, Any]:
    """``{"tags": [...]}``: every tag in use, in alphabetical order."""
    return {
        "tags": sorted((row["name"] for row in app_tables.contact_tags.search()), key=str.lower)
    }
