"""Giving people what is kept about them (GDPR articles 15 and 20, POPIA section 23)."""

from __future__ import annotations

from typing import Any

import anvil

from ..server_customers.contact_fields import CONTACT_ID
from ..server_customers.contact_service import find_row
from ..server_shared import clock
from ..server_shared.audit import Reads, add_details
from ..server_shared.callables import LOGGED_IN, server_callable
from ..server_shared.table_walk import Schema, read_schema
from ..server_shared.validators import Choice
from .export_files import Table, plain_value, to_json, to_zip
from .person_rows import Person, Rows, collect, find_person, own_account

FORMATS = ("json", "csv")
_FORMAT = Choice("The format", FORMATS, default="json")


@server_callable(
    needs="customers.manage",
    takes={"contact_id": CONTACT_ID, "format": _FORMAT},
    audit=Reads("contact.export", of="contact_id", noting=("format",)),
)
def export_contact_data(contact_id: str, format: str = "json") -> dict[str, Any]:
    """``{"file": media, "tables": {name: rows}}``: everything about the person of a contact.

    The file is JSON, or with ``csv`` a zip with one CSV for each table. Raises
    :class:`NotFoundError` and :class:`TooManyRowsError`. The reading is audited.
    """
    schema = read_schema()
    person = find_person(schema, contact=find_row(contact_id, with_deleted=True))
    return _export(person, schema, format)


@server_callable(
    needs=LOGGED_IN, takes={"format": _FORMAT}, audit=Reads("user.export", noting=("format",))
)
def export_my_data(format: str = "json") -> dict[str, Any]:
    """The same of whoever is logged in, under the address of their account."""
    schema = read_schema()
    person = find_person(schema, account=own_account())
    return _export(person, schema, format)


def _export(person: Person, schema: Schema, format: str) -> dict[str, Any]:
    rows = collect(person, schema)
    tables = _plain_tables(person, rows, schema)
    counts = {name: len(table) for name, table in tables.items()}
    add_details(tables=counts)
    head = {
        "exported_at": clock.now().isoformat(timespec="seconds"),
        "contacts": list(person.contact_ids),
        "emails": sorted({email.lower() for email in person.emails}),
    }
    name = (person.contact_ids or ("my",))[0] + "-data"
    if format == "csv":
        content = to_zip(tables, {table: _headings(schema, table) for table in tables})
        file = anvil.BlobMedia("application/zip", content, name=name + ".zip")
    else:
        content = to_json(head, tables)
        file = anvil.BlobMedia("application/json", content, name=name + ".json")
    return {"file": file, "tables": counts}


def _headings(schema: Schema, table: str) -> list[str]:
    return ["row_id", *(column.name for column in schema[table] if not column.is_hidden)]


def _plain_tables(person: Person, rows: Rows, schema: Schema) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    for table, found in rows.items():
        shown = [column for column in schema[table] if not column.is_hidden]
        tables[table] = [
            {
                "row_id": row_id,
                **{column.name: plain_value(row[column.name], column) for column in shown},
            }
            for row_id, row in found.items()
        ]
    for entry in tables.get("audit_log", ()):
        _leave_out_others(entry, person)
    return tables


def _leave_out_others(entry: dict[str, Any], person: Person) -> None:
    """Of the audit log: who of the staff changed this person's data, and what this person
    changed of other people's, is about someone else (GDPR article 15(4))."""
    if entry["user_email"] not in person.emails:
        entry["user_email"] = entry["ip_address"] = None
    if entry["resource_id"] not in (*person.contact_ids, *person.emails):
        entry["changes"] = None
