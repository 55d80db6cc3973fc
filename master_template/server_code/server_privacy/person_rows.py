"""Everything that is kept about a person: found by the links between tables, not by a list.

A row is about a person if it *is* one of their contacts or their account; if it links to one;
if a column called ``email`` or ``..._email`` holds their address; if it names their contact by the
id that people see; or if it links to a row that is theirs alone (a line of their order).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_shared.errors import AppError, DeniedError, NotAuthenticatedError
from ..server_shared.table_walk import Column, Schema, search

CONTACTS, ACCOUNTS = "contacts", "users"
ROOTS = (CONTACTS, ACCOUNTS)

# Links that say who wrote a row or works on it, which does not make the row one about them.
AUTHOR_COLUMNS = frozenset({"assigned_to", "created_by", "requested_by", "updated_by"})
# Tables about the business itself; the address in its settings is no person's.
NOT_ABOUT_PEOPLE = frozenset(
    {"settings", "sequences", "contact_tags", "integrations", "mail_templates"}
)
# Text columns that name a person's contact (C-12) or account (its e-mail address), with what else
# has to be true of the row.
REFERENCES: dict[str, tuple[tuple[str, str, dict[str, Any]], ...]] = {
    "audit_log": (
        (CONTACTS, "resource_id", {"resource_type": "contact"}),
        (ACCOUNTS, "resource_id", {"resource_type": "user"}),
    ),
}

MAX_ROWS = 20_000  # Of one person; the memory of one call has to hold them.
_ANY_OF_ROWS = 200  # Rows that one search asks for at once.

Rows = dict[str, dict[str, Any]]  # by table, then by the row's id


class TooManyRowsError(AppError):
    """There is more about this person than one call can handle."""

    code = "too_many_rows"


@dataclass(frozen=True)
class Person:
    """Who it is about: their rows of ``contacts`` and ``users``, and their e-mail addresses."""

    contacts: tuple[Any, ...]
    accounts: tuple[Any, ...]
    emails: tuple[str, ...]

    @property
    def contact_ids(self) -> tuple[str, ...]:
        """C-12 and so on."""
        return tuple(row["contact_id"] for row in self.contacts)

    def roots(self, table: str) -> tuple[Any, ...]:
        """Their rows of one of ROOTS."""
        return self.contacts if table == CONTACTS else self.accounts


def find_person(schema: Schema, *, contact: Any = None, account: Any = None) -> Person:
    """The person of a contact's or an account's row, with everything that is theirs by the link
    between the two, and under their addresses as far as these are nobody else's.

    Whoever asks by their own account is known by its address alone: what someone typed into their
    contact may be another person's.
    """
    if account is None:
        account = contact["account"] or _account_with(contact["email"], schema)
        addresses = {contact["email"], account["email"] if account else None}
    else:
        addresses = {account["email"]}
    own = account.get_id() if account else None
    emails = tuple(
        sorted(
            spelling
            for address in addresses - {None, ""}
            if not _belongs_to_another(address, own, schema)
            for spelling in {address, address.lower()}
        )
    )
    contacts = {} if contact is None else {contact.get_id(): contact}
    if account is not None:
        for row in search(CONTACTS, schema, account=account):
            contacts.setdefault(row.get_id(), row)
    for row in search(CONTACTS, schema, email=q.any_of(*emails)) if emails else ():
        if row["account"] is None or row["account"].get_id() == own:
            contacts.setdefault(row.get_id(), row)
    _add_merged(contacts, schema)
    return Person(tuple(contacts.values()), (account,) if account else (), emails)


def _add_merged(contacts: dict[str, Any], schema: Schema) -> None:
    """Add what has become part of these contacts: some of it may never be moved."""
    fresh = list(contacts.values())
    while fresh:
        found = list(search(CONTACTS, schema, merged_into=q.any_of(*fresh)))
        fresh = [row for row in found if row.get_id() not in contacts]
        contacts.update({row.get_id(): row for row in fresh})


def _account_with(email: str | None, schema: Schema) -> Any:
    """The account with this address, or None."""
    if not email:
        return None
    spellings = q.any_of(*{email, email.lower()})
    return next(iter(search(ACCOUNTS, schema, email=spellings)), None)


def _belongs_to_another(address: str, own: str | None, schema: Schema) -> bool:
    """Whether an account that is not the own one has this address."""
    holder = _account_with(address, schema)
    return holder is not None and holder.get_id() != own


def own_account() -> Any:
    """The account of whoever is calling, whose address is known to be theirs.

    Raises :class:`NotAuthenticatedError` where a script calls, and :class:`DeniedError`
    (``not_confirmed``): an address opens what is kept under it.
    """
    account = current_actor().row
    if account is None:
        raise NotAuthenticatedError()
    if account["confirmed_email"] is not True:
        raise DeniedError("Please confirm your e-mail address first.", code="not_confirmed")
    return account


def is_about(column: Column) -> bool:
    """Whether a link says of a row that it is about whom it leads to."""
    return bool(column.target) and column.name not in AUTHOR_COLUMNS


def holds_email(column: Column) -> bool:
    """Whether a column is one for e-mail addresses."""
    return column.type == "string" and (column.name == "email" or column.name.endswith("_email"))


def collect(person: Person, schema: Schema, max_rows: int = MAX_ROWS) -> Rows:
    """All rows about a person. Raises :class:`TooManyRowsError`."""
    return _Collector(person, schema, max_rows).run()


class _Collector:
    def __init__(self, person: Person, schema: Schema, max_rows: int) -> None:
        self.person = person
        self.schema = schema
        self.left = max_rows
        self.rows: Rows = {}
        # Tables and rows of which the children are still to be looked for.
        self.waiting: list[tuple[str, list[Any]]] = []

    def run(self) -> Rows:
        for table in ROOTS:
            self._keep(table, self.person.roots(table))
        for table, columns in self.schema.items():
            if table in ROOTS or table in NOT_ABOUT_PEOPLE:
                continue
            for column in columns:
                self._follow_column(table, column)
            self._follow_reference(table)
        while self.waiting:
            self._follow_children(*self.waiting.pop())
        return {table: rows for table, rows in self.rows.items() if rows}

    def _follow_column(self, table: str, column: Column) -> None:
        if column.target in ROOTS and is_about(column):
            for root in self.person.roots(column.target):
                value = [root] if column.is_multiple else root
                found = self._keep(table, search(table, self.schema, **{column.name: value}))
                # A row with several people is not theirs alone, so neither is what hangs on it.
                if found and not column.is_multiple:
                    self.waiting.append((table, found))
        elif holds_email(column) and self.person.emails:
            query = {column.name: q.any_of(*self.person.emails)}
            named = search(table, self.schema, **query)
            # Of a row that names its person the address is only a copy, and may have been
            # someone else's at the time.
            is_copy = column.name == "email"
            self._keep(table, self._unclaimed(table, named) if is_copy else named)

    def _follow_reference(self, table: str) -> None:
        for root, column, more in REFERENCES.get(table, ()):
            values = self.person.contact_ids if root == CONTACTS else self.person.emails
            if values:
                query = {column: q.any_of(*values), **more}
                self._keep(table, search(table, self.schema, **query))

    def _follow_children(self, parent: str, parents: Sequence[Any]) -> None:
        for table, columns in self.schema.items():
            if table in ROOTS or table in NOT_ABOUT_PEOPLE:
                continue
            for column in columns:
                if column.target != parent or not is_about(column):
                    continue
                for found in self._search_children(table, column, parents):
                    fresh = self._keep(table, self._unclaimed(table, found))
                    if fresh:
                        self.waiting.append((table, fresh))

    def _unclaimed(self, table: str, found: Iterable[Any]) -> Iterable[Any]:
        """The rows that name no person by a link: one that does is found by that, or is someone
        else's."""
        links = [
            column.name
            for column in self.schema[table]
            if column.target in ROOTS and is_about(column)
        ]
        return (row for row in found if not any(row[name] for name in links))

    def _search_children(
        self, table: str, column: Column, parents: Sequence[Any]
    ) -> Iterable[Iterable[Any]]:
        values = [[parent] for parent in parents] if column.is_multiple else list(parents)
        for start in range(0, len(values), _ANY_OF_ROWS):
            chunk = q.any_of(*values[start : start + _ANY_OF_ROWS])
            yield search(table, self.schema, **{column.name: chunk})

    def _keep(self, table: str, found: Iterable[Any]) -> list[Any]:
        """Add rows; give those that were not there yet."""
        kept = self.rows.setdefault(table, {})
        fresh = []
        for row in found:
            if row.get_id() in kept:
                continue
            kept[row.get_id()] = row
            fresh.append(row)
            self.left -= 1
            if self.left < 0:
                raise TooManyRowsError(
                    "There is more about this person than can be handled in one go. "
                    "Please ask who runs this instance for help."
                )
        return fresh
