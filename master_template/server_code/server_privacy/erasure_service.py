"""Erasing a person (GDPR article 17, POPIA section 24), by the rules of ``erasure_rules``."""

from __future__ import annotations

from typing import Any

import anvil.tables as tables

from ..server_customers.contact_fields import CONTACT_ID
from ..server_customers.contact_service import find_row
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.errors import ConflictError
from ..server_shared.happenings import tell
from ..server_shared.table_walk import Schema, read_schema, search
from ..server_shared.transactions import in_transaction
from .erasure_rules import Erasing, has_money, step_of
from .person_rows import ACCOUNTS, AUTHOR_COLUMNS, Person, collect, find_person


@server_callable(needs="customers.manage", takes={"contact_id": CONTACT_ID}, audit="contact.erase")
def erase_contact(contact_id: str) -> dict[str, Any]:
    """Erase the person of a contact for good, with their account as a customer.

    Gives ``contact_id``, ``kept_for_tax`` (whether there was money involved, so that the contact
    stays without a name) and ``tables``: how many rows of each went or lost their person. Raises
    :class:`NotFoundError`, :class:`ConflictError` (``erased``, or ``works_here`` where the address
    is that of someone of the staff), :class:`AppError` (``no_erasure_rule``) and
    :class:`TooManyRowsError`; then nothing has changed.
    """
    return {"contact_id": contact_id, **_erase(contact_id, read_schema())}


@in_transaction
def _erase(contact_id: str, schema: Schema) -> dict[str, Any]:
    contact = find_row(contact_id, with_deleted=True)
    if contact["erased_at"] is not None:
        raise ConflictError("This contact has been erased already.", code="erased")
    result = erase_person(find_person(schema, contact=contact), schema)
    audit.record("erase", "contact", contact_id, {"erased_at": [None, clock.now()]}, result)
    return result


def erase_person(person: Person, schema: Schema) -> dict[str, Any]:
    """Erase all that is about a person, their accounts too; what :func:`erase_contact` gives and
    raises, without the contact. Call it inside a transaction, and record who did it."""
    rows = collect(person, schema)
    with_money = has_money(person, rows)
    erasing = Erasing(person, clock.now())
    changes: list[tuple[Any, dict[str, Any]]] = []
    gone: list[Any] = []
    for table, found in rows.items():
        step = step_of(table, with_money)
        for row in found.values():
            changed = step(row, erasing)
            if changed is None:
                gone.append(row)
            elif changed:
                tell("row_erased", table=table, row=row, columns=changed)
                changes.append((row, changed))
    _forget_author(person, schema)
    with tables.batch_update:
        for row, changed in changes:
            row.update(**changed)
    with tables.batch_delete:
        for row in gone:
            row.delete()
    return {
        "kept_for_tax": with_money,
        "tables": {table: len(found) for table, found in rows.items()},
    }


def _forget_author(person: Person, schema: Schema) -> None:
    """Take an account that goes out of the rows that it wrote."""
    for account in person.accounts:
        for table, columns in schema.items():
            for column in columns:
                if column.target != ACCOUNTS or column.name not in AUTHOR_COLUMNS:
                    continue
                with tables.batch_update:
                    for row in search(table, schema, **{column.name: account}):
                        row[column.name] = None
