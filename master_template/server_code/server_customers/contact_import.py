"""Contacts from elsewhere, a batch at a time, for ``scripts/uplink/import_contacts.py``.

Bringing the same file in twice changes nothing the second time: a row is the contact that has its
e-mail address, or, without one, the contact without an address that has the same name, telephone
number and company.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_marketing import suppression
from ..server_privacy.consent_record import is_opted_in, record_opt_ins
from ..server_shared import audit, clock
from ..server_shared.callables import TRUSTED_ONLY, server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import InvalidError
from ..server_shared.sequences import CONTACTS, take_numbers
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Moment, Record, Rule, fold
from . import timeline_service
from .contact_changes import add_contacts, change_contacts
from .contact_fields import contact_rules
from .contact_service import new_columns, remember_tags

MAX_BATCH = 1000
# Filled in where a contact has nothing there yet; what a contact already says is never overwritten
# by an empty cell.
_IMPORTED = (
    "first_name",
    "last_name",
    "phone",
    "company",
    "address",
    "internal_notes",
)

Identity = tuple[str, ...]


class Batch(Rule):
    """A list of at most MAX_BATCH dicts, each with ``row`` (its line in the file) and fields."""

    def check(self, value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
            raise self.refuse("a list of rows", value)
        if len(value) > MAX_BATCH:
            raise InvalidError(f"A batch has at most {MAX_BATCH} rows, not {len(value)}.")
        return [dict(row) for row in value]


@server_callable(
    needs=TRUSTED_ONLY, takes={"rows": Batch("The rows", default=[])}, audit="contact.import"
)
def import_contacts(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Make or update the contacts of a batch, all in one transaction.

    Each row has ``row`` (its line, a whole number) and any fields of a contact, also
    ``date_added``. Gives the counts ``created``, ``updated``, ``unchanged`` and ``refused``: a
    list of ``{"row", "field", "reason"}``, in the order of the file. A refused row stops no other.
    """
    business = read_business()
    rules = Record(
        "The row", {**contact_rules(business.country), "date_added": Moment("Customer since")}
    )
    accepted: list[tuple[int, dict[str, Any]]] = []
    refused: list[dict[str, Any]] = []
    for row in rows:
        line = int(row.pop("row", 0))
        row.setdefault("source", "import")
        try:
            accepted.append((line, rules.check(row)))
        except InvalidError as error:
            field, reason = next(iter(error.fields.items()), ("", error.message))
            refused.append({"row": line, "field": field, "reason": reason})
    result: dict[str, Any] = _import(accepted, business.currency)
    result["refused"] = sorted([*refused, *result["refused"]], key=lambda item: item["row"])
    return result


@in_transaction
def _import(accepted: list[tuple[int, dict[str, Any]]], currency: str) -> dict[str, Any]:
    known = _find_known([values for _, values in accepted])
    seen: dict[Identity, int] = {}
    fresh: list[dict[str, Any]] = []
    changes: list[tuple[Any, dict[str, Any]]] = []
    unchanged = 0
    refused: list[dict[str, Any]] = []
    for line, values in accepted:
        identity = _identity(values)
        row = known.get(identity)
        reason = ""
        if identity in seen:
            reason = f"Line {seen[identity]} of this batch is the same contact."
        elif row is not None and row["deleted_at"] is not None:
            reason = f"{row['contact_id']} has been deleted; restore it to bring it up to date."
        if reason:
            refused.append({"row": line, "field": "email", "reason": reason})
            continue
        seen[identity] = line
        if row is None:
            fresh.append(values)
            continue
        changed = _changes(row, values)
        if changed:
            changes.append((row, changed))
        else:
            unchanged += 1
    _add(fresh, currency)
    _update(changes)
    if fresh or changes:
        counts = {"created": len(fresh), "updated": len(changes)}
        audit.record("import", "contact", "", details=counts)
    else:
        audit.unchanged()
    return {
        "created": len(fresh),
        "updated": len(changes),
        "unchanged": unchanged,
        "refused": refused,
    }


def _identity(values: Any) -> Identity:
    """What makes two rows the same contact."""
    if values["email"]:
        return (values["email"],)
    name = fold(f"{values['last_name'] or ''} {values['first_name'] or ''}")
    return ("", name, values["phone"] or "", fold(values["company"] or ""))


def _find_known(batch: Iterable[Mapping[str, Any]]) -> dict[Identity, Any]:
    """The contacts that the rows of a batch are, by identity; a live one before a deleted one."""
    emails = {values["email"] for values in batch if values["email"]}
    names = {_identity(values)[1] for values in batch if not values["email"]}
    found: list[Any] = []
    page = q.page_size(MAX_BATCH)
    if emails:
        found += app_tables.contacts.search(page, email=q.any_of(*sorted(emails)))
    if names:
        found += app_tables.contacts.search(page, email=None, sort_name=q.any_of(*sorted(names)))
    known: dict[Identity, Any] = {}
    for row in found:
        identity = _identity(row)
        if identity not in known or row["deleted_at"] is None:
            known[identity] = row
    return known


def _changes(row: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a row of the file says that the contact does not say yet."""
    changed = {
        name: values[name]
        for name in _IMPORTED
        if values[name] and not _says(row[name], values[name])
    }
    tags = list(row["tags"] or [])
    more = [tag for tag in values["tags"] if tag not in tags]
    if more:
        changed["tags"] = tags + more
    return changed


def _says(present: Any, imported: Any) -> bool:
    """Whether a column already has the imported value; an address may say more than the file."""
    if isinstance(imported, Mapping):
        given = {name: part for name, part in imported.items() if part}
        return given.items() <= dict(present or {}).items()
    return bool(present == imported)


def _add(fresh: list[dict[str, Any]], currency: str) -> None:
    if not fresh:
        return
    _keep_out(fresh)
    numbers = take_numbers(CONTACTS, len(fresh))
    rows = add_contacts(
        new_columns(values, number, currency) for values, number in zip(fresh, numbers, strict=True)
    )
    app_tables.contact_events.add_rows(
        timeline_service.event_columns(
            row, "imported", f"Imported by {current_actor().author_name}", {"source": "import"}
        )
        for row in rows
    )
    record_opt_ins(rows, "Said by the imported file")
    remember_tags(tag for values in fresh for tag in values["tags"])


def _keep_out(fresh: list[dict[str, Any]]) -> None:
    """Whoever has unsubscribed before is not subscribed by a file."""
    agreed = [values for values in fresh if values["email"] and is_opted_in(values["preferences"])]
    found = suppression.find([values["email"] for values in agreed]) if agreed else {}
    for values in agreed:
        if values["email"] in found:
            values["preferences"] = {**values["preferences"], "marketing_opt_in": False}


def _update(changes: list[tuple[Any, dict[str, Any]]]) -> None:
    """Write all changes in one request, and one internal event for each."""
    if not changes:
        return
    now = clock.now()
    events = []
    for row, changed in changes:
        events.append(
            timeline_service.event_columns(
                row,
                "updated",
                "Brought up to date by an import",
                {"fields": ", ".join(sorted(changed))},
                user_visible=False,
            )
        )
    change_contacts(
        [
            (row, {**changed, "updated_at": now, "version": int(row["version"]) + 1})
            for row, changed in changes
        ]
    )
    app_tables.contact_events.add_rows(events)
    remember_tags(tag for _, changed in changes for tag in changed.get("tags", []))
