"""The errors that callers of Data Tables see, and how a database error becomes one of them.

Texts and type names are those of Anvil's server (``anvil/runtime/tables/v2``), so that code which
looks at them works on either server.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import psycopg
from psycopg import errors as pg

from app_server.errors import AnvilError

logger = logging.getLogger(__name__)

TABLE_ERROR = "anvil.tables.TableError"
NO_SUCH_COLUMN = "anvil.tables.NoSuchColumnError"

DATABASE_DOWN = (
    "The database of this app cannot be reached right now. Nothing was changed; please try again "
    "in a moment."
)
TRANSACTION_LOST = (
    "The database of this app has ended this transaction. Nothing was changed; please try again."
)
COMMIT_IN_DOUBT = (
    "The database of this app went away while this was being saved. It may have been saved or not: "
    "please look before you try again."
)
NO_DATABASE = "This app runs without a database (--database none), so it has no Data Tables."
DATABASE_BUSY = (
    "The database of this app is busy: too many calls are waiting for it. Please try again."
)
DATABASE_FULL = (
    "The disk of this app's database is full. Nothing was changed; whoever runs the server has to "
    "make room."
)
TOO_MANY_TRANSACTIONS = "Failed to connect to database: Too many transactions already in progress."


def table_error(message: str, type_name: str = TABLE_ERROR) -> AnvilError:
    return AnvilError(message, type_name)


def row_deleted(message: str = "This row has been deleted") -> AnvilError:
    return AnvilError(message, "anvil.tables.RowDeleted")


def no_such_column(name: str, where: str = "") -> AnvilError:
    return AnvilError(f"No such column '{name}'{where}", NO_SUCH_COLUMN)


def transaction_conflict() -> AnvilError:
    return AnvilError(
        "Another transaction has changed this data; aborting", "anvil.tables.TransactionConflict"
    )


def transaction_lost() -> AnvilError:
    """Its connection has ended, and it with it. Begun anew it may well succeed, so it counts as a
    conflict, which ``in_transaction`` repeats; where the database is away, beginning tells so."""
    return AnvilError(TRANSACTION_LOST, "anvil.tables.TransactionConflict")


def commit_in_doubt() -> AnvilError:
    """Nobody was there to say whether it succeeded; repeating it could do it twice."""
    return AnvilError(COMMIT_IN_DOUBT, "anvil.server.RuntimeUnavailableError")


def transaction_expired() -> AnvilError:
    return AnvilError("This transaction has expired", "anvil.tables.TransactionError")


def database_down() -> AnvilError:
    return AnvilError(DATABASE_DOWN, "anvil.server.RuntimeUnavailableError")


def invalid_capability() -> AnvilError:
    return AnvilError("Invalid capability scope.", "anvil.server.PermissionDenied")


def is_disconnection(error: psycopg.Error) -> bool:
    """Whether the server went away (or is starting or stopping), as opposed to refusing a query."""
    if isinstance(error, pg.AdminShutdown | pg.CrashShutdown | pg.CannotConnectNow):
        return True
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def is_crash(error: psycopg.Error) -> bool:
    """Whether the server went away without a word, so that nobody knows what it had done: one that
    hangs up says so before it does anything, and after that nothing."""
    hung_up = pg.AdminShutdown | pg.CannotConnectNow
    return is_disconnection(error) and not isinstance(error, hung_up)


def may_be_stale(error: psycopg.Error) -> bool:
    """Whether a statement for an older schema could fail like this."""
    return is_disconnection(error) or isinstance(
        error,
        pg.UndefinedColumn
        | pg.UndefinedTable
        | pg.UndefinedFunction
        | pg.UndefinedObject
        | pg.DatatypeMismatch
        | pg.CannotCoerce
        | pg.InvalidTextRepresentation
        | pg.FeatureNotSupported,
    )


def is_outdated_statement(error: psycopg.Error) -> bool:
    """A prepared statement whose result has another type by now; a new connection knows none."""
    return isinstance(error, pg.FeatureNotSupported) and "cached plan" in str(error)


def translate(error: psycopg.Error, constraint_messages: Mapping[str, str]) -> AnvilError:
    """What a caller is told about a database error. ``constraint_messages``: by constraint name."""
    if isinstance(error, pg.SerializationFailure | pg.DeadlockDetected):
        return transaction_conflict()
    if is_disconnection(error):
        return database_down()
    if _is_full(error):
        logger.error("The database cannot write: %s", error.diag.message_primary or error)
        return AnvilError(DATABASE_FULL, "anvil.server.RuntimeUnavailableError")
    if isinstance(error, pg.IntegrityError):
        return _integrity_error(error, constraint_messages)
    if isinstance(error, pg.InFailedSqlTransaction):
        return table_error("This transaction has ended because of an error before")
    if isinstance(error, pg.QueryCanceled):
        return table_error("This table operation took too long and was stopped.")
    if isinstance(error, pg.IdleInTransactionSessionTimeout):
        return transaction_expired()
    if isinstance(error, pg.LockNotAvailable):
        return table_error("Another operation holds this data for too long; please try again.")
    if isinstance(error, pg.ProgramLimitExceeded) and "index row" in str(error):
        return table_error("This value is too long for an indexed column.")
    if "tsquery" in str(error):
        return table_error("Invalid query: the 'full_text_match' text is not a valid raw query.")
    return table_error(f"Internal database error: {error.diag.message_primary or error}")


def _is_full(error: psycopg.Error) -> bool:
    # Where a quota, not the disk, is used up, Postgres gives no code of its own.
    quotas = ("File too large", "Disk quota exceeded")
    return isinstance(error, pg.DiskFull) or any(quota in str(error) for quota in quotas)


def _integrity_error(error: psycopg.Error, messages: Mapping[str, str]) -> AnvilError:
    name = error.diag.constraint_name or ""
    if name in messages:
        return table_error(messages[name])
    if isinstance(error, pg.ForeignKeyViolation):
        return row_deleted("A row that this row links to has been deleted")
    detail = error.diag.message_detail or error.diag.message_primary or ""
    return table_error(f"This would break the rule '{name}' of the database. {detail}".strip())
