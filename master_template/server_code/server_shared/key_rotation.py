"""Moving encrypted fields to the newest key while everything goes on.

The schema is the registry: each text column whose name ends in ``_encrypted`` holds tokens of
``encryption.encrypt``. A new column of that name is moved without anybody having to remember it.

A field is read again and written in one transaction, so that neither it nor what someone else
writes meanwhile is lost. There is no state beside the fields themselves: a run that is killed
leaves some of them moved, and the next goes on with the rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import anvil.tables.query as q
from anvil.tables import app_tables

from . import audit
from .callables import TRUSTED_ONLY, server_callable
from .encryption import COLUMN_ENDING, EncryptionError, KeyRing, prefix_of, read_keys
from .table_walk import read_schema
from .transactions import in_transaction

BATCH_FIELDS = 10  # of one transaction: with many, someone's write would undo it too often
RUN_SECONDS = 8.0  # of one call: far from the 30 s after which a server ends it
MAX_NAMED_FIELDS = 20


def encrypted_columns() -> list[tuple[str, str]]:
    """Table and column of every encrypted field, in alphabetical order."""
    return sorted(
        (table, column.name)
        for table, columns in read_schema().items()
        for column in columns
        if column.name.endswith(COLUMN_ENDING) and column.type == "string"
    )


@server_callable(needs=TRUSTED_ONLY)
def get_encryption_status() -> dict[str, Any]:
    """Which keys there are, and how many fields are not encrypted with the newest.

    Gives ``keys`` (ids, newest first), ``left`` and ``columns``: a list of ``{"column", "left"}``
    where ``column`` is ``table.column``.
    """
    keys = read_keys()
    columns = [
        {"column": f"{table}.{column}", "left": len(_find_old(keys, table, column))}
        for table, column in encrypted_columns()
    ]
    return {"keys": keys.ids, "left": sum(each["left"] for each in columns), "columns": columns}


@server_callable(needs=TRUSTED_ONLY, audit="encryption_key.reencrypt", atomic=False)
def reencrypt_fields() -> dict[str, Any]:
    """Move fields to the newest key, for RUN_SECONDS at most. Call it until ``moved`` is 0.

    Gives ``moved``, ``left`` (how many fields are not of the newest key after this) and
    ``unreadable``: those among them that no key of this instance reads, as ``{"column", "row",
    "code"}``, the first MAX_NAMED_FIELDS that were met. They stay as they are.
    """
    keys = read_keys()
    unreadable: list[dict[str, Any]] = []
    moved = 0
    end = time.monotonic() + RUN_SECONDS
    for table, column in encrypted_columns():
        readable = _readable(keys, table, column, unreadable)
        while time.monotonic() < end and (batch := list(islice(readable, BATCH_FIELDS))):
            moved += in_transaction(_move)(keys, table, column, batch)
    if moved:
        audit.record("reencrypt", "encryption_key", keys.newest_id, details={"fields": moved})
    else:
        audit.unchanged()
    left = get_encryption_status()["left"]
    return {"moved": moved, "left": left, "unreadable": unreadable[:MAX_NAMED_FIELDS]}


def _find_old(keys: KeyRing, table: str, column: str) -> Any:
    """The rows whose field is not of the newest key."""
    newest = q.like(prefix_of(keys.newest_id) + "%")
    return app_tables[table].search(**{column: q.all_of(q.not_(None), q.not_(newest))})


def _readable(
    keys: KeyRing, table: str, column: str, unreadable: list[dict[str, Any]]
) -> Iterator[str]:
    """Ids of the rows to move. What cannot be read goes to ``unreadable``, without a transaction,
    so that even many of them hold nothing up."""
    for row in _find_old(keys, table, column):
        try:
            keys.decrypt(row[column])
        except EncryptionError as error:
            place = {"column": f"{table}.{column}", "row": row.get_id(), "code": error.code}
            unreadable.append(place)
        else:
            yield row.get_id()


def _move(keys: KeyRing, table: str, column: str, row_ids: list[str]) -> int:
    """Encrypt fields anew as they are now; how many. Call it in a transaction."""
    moved = 0
    for row_id in row_ids:
        row = app_tables[table].get_by_id(row_id)
        token = None if row is None else row[column]
        if token is None or token.startswith(prefix_of(keys.newest_id)):
            continue  # deleted, emptied or written anew since it was found
        try:
            text = keys.decrypt(token)
        except EncryptionError:
            continue  # of a key that came after ``keys`` was read: the next run finds out
        row[column] = keys.encrypt(text)
        moved += 1
    return moved
