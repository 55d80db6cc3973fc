"""Which connection a call's statements go to: its open transaction's, or one for the moment.

A transaction belongs to a call stack. Threads of that stack share it, so its connection has a lock.
One that nobody touches for ``IDLE_SECONDS`` is rolled back and its connection is free again; what
the stack does with tables after that fails with "This transaction has expired" until it closes the
transaction. A stack that ends with an open transaction rolls it back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import psycopg

from app_server.errors import AnvilError, StaleSchemaError
from app_server.stack import CallStack
from app_server.tables.errors import (
    TOO_MANY_TRANSACTIONS,
    commit_in_doubt,
    is_crash,
    is_disconnection,
    is_outdated_statement,
    may_be_stale,
    table_error,
    transaction_conflict,
    transaction_expired,
    transaction_lost,
    translate,
)
from app_server.tables.pool import Connection, ConnectionPool
from app_server.tables.schema import Schema

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

IDLE_SECONDS = 10.0
"""As on Anvil's server (``data-table-txn-timeout``)."""

BEGINNINGS = 5
RESOURCE = "tables.transaction"

_ISOLATION = {None: "SERIALIZABLE", "relaxed": "REPEATABLE READ"}
"""``Transaction(relaxed=True)`` and the default, as on Anvil's server."""


_CHANGING = ("INSERT", "UPDATE", "DELETE", "WITH")


class Db:
    """Statements on one connection."""

    def __init__(self, connection: Connection, *, in_transaction: bool = False) -> None:
        self.connection = connection
        self._in_transaction = in_transaction
        self.has_written = False
        """Whether a statement was sent that changes rows."""

    async def rows(
        self, sql: tuple[str, list[Any]], *, binary: bool = False
    ) -> list[tuple[Any, ...]]:
        """``binary``: how the values come, which for bytes is half the size and no work."""
        text, parameters = sql
        self._note(text)
        cursor = await self.connection.execute(text.encode(), parameters, binary=binary)
        return await cursor.fetchall()

    async def run(self, sql: tuple[str, list[Any]]) -> int:
        """Runs a statement without a result; answers how many rows it touched."""
        text, parameters = sql
        self._note(text)
        cursor = await self.connection.execute(text.encode(), parameters)
        return cursor.rowcount

    def _note(self, text: str) -> None:
        if text.startswith(_CHANGING):
            self.has_written = True

    @asynccontextmanager
    async def atomic(self) -> AsyncIterator[None]:
        """All or nothing: a transaction, or a savepoint in the open one (so that app code may catch
        a broken rule and go on)."""
        async with self.connection.transaction():
            yield

    @asynccontextmanager
    async def guarded(self) -> AsyncIterator[None]:
        """A savepoint in an open transaction; nothing for a single statement, which is atomic."""
        if self._in_transaction:
            async with self.atomic():
                yield
        else:
            yield


class Transaction:
    """The open transaction of one call stack."""

    def __init__(self, pool: ConnectionPool, connection: Connection, idle_seconds: float) -> None:
        self._pool = pool
        self._idle_seconds = idle_seconds
        self._connection = connection
        self._lock = asyncio.Lock()
        self._touched = time.monotonic()
        self._watch = asyncio.create_task(self._end_when_idle())
        self.expired = False
        self._ended = False

    @classmethod
    async def begin(cls, pool: ConnectionPool, isolation: str, idle_seconds: float) -> Transaction:
        connection = await pool.acquire(transaction=True, busy=TOO_MANY_TRANSACTIONS)
        try:
            await connection.execute(f"BEGIN ISOLATION LEVEL {isolation}".encode())
        except BaseException:
            await connection.close()
            await pool.release(connection, transaction=True)
            raise
        return cls(pool, connection, idle_seconds)

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Db]:
        async with self._lock:
            if self._ended:
                raise transaction_expired()
            try:
                yield Db(self._connection, in_transaction=True)
            finally:
                self._touched = time.monotonic()

    async def end(self, *, commit: bool) -> None:
        """Commit or roll back, and free the connection. Ending twice does nothing."""
        async with self._lock:
            if self._ended:
                return
            self._ended = True
            self._watch.cancel()
            await self._finish(commit=commit)

    async def _finish(self, *, commit: bool) -> None:
        try:
            cursor = await self._connection.execute(b"COMMIT" if commit else b"ROLLBACK")
        except psycopg.Error as error:
            # With its connection a transaction is rolled back.
            if commit or not is_disconnection(error):
                raise
            return
        finally:
            await self._pool.release(self._connection, transaction=True)
        if commit and cursor.statusmessage != "COMMIT":
            # App code caught the error of a statement that had ended the transaction.
            raise table_error("This transaction was rolled back because of an error in it")

    async def _end_when_idle(self) -> None:
        while True:
            left = self._touched + self._idle_seconds - time.monotonic()
            if left <= 0 and not self._lock.locked():
                break
            await asyncio.sleep(max(left, 0.1))
        async with self._lock:
            if not self._ended:
                self._ended = self.expired = True
                try:
                    await self._finish(commit=False)
                except psycopg.Error as error:
                    logger.warning("An idle transaction was lost with its connection: %s", error)


class Transactions:
    """Transactions of the call stacks of one instance.

    ``schema`` is the newest one that is known; it is replaced when a server changes the tables.
    ``compiled_for`` is the one by which the current task makes its next statements;
    ``is_outdated`` is set when the database tells of a newer one.
    """

    def __init__(self, pool: ConnectionPool, schema: Schema = Schema()) -> None:  # noqa: B008
        self._pool = pool
        self.schema = schema
        self.is_outdated = False
        self.idle_seconds: float | None = None
        self.compiled_for: ContextVar[Schema | None] = ContextVar("compiled_for", default=None)

    @property
    def constraint_messages(self) -> Mapping[str, str]:
        return self.schema.constraint_messages

    @asynccontextmanager
    async def database(self, stack: CallStack | None) -> AsyncIterator[Db]:
        """What statements of a call go to. Database errors leave it as AnvilError; StaleSchemaError
        where the tables were changed, and nothing was done."""
        transaction = stack.resources.get(RESOURCE) if stack else None
        db: Db | None = None
        compiled_for = self.compiled_for.get() or self.schema
        try:
            if transaction is not None:
                async with transaction.use() as db:
                    yield db
            else:
                async with self._pool.connection() as connection:
                    if self.is_outdated:
                        await self._pool.look_again(connection)
                    if compiled_for is not self.schema:
                        raise StaleSchemaError
                    db = Db(connection)
                    yield db
        except psycopg.Error as error:
            if await self._is_stale(error, compiled_for):
                raise (StaleSchemaError() if transaction is None else transaction_conflict()) from (
                    error
                )
            if transaction is not None and is_disconnection(error):
                raise transaction_lost() from error
            if db is not None and db.has_written and is_crash(error):
                raise commit_in_doubt() from error
            raise translate(error, self.constraint_messages) from error
        finally:
            self.compiled_for.set(None)

    async def _is_stale(self, error: psycopg.Error, compiled_for: Schema) -> bool:
        """Whether a statement failed because the tables were changed."""
        if not may_be_stale(error):
            return False
        if is_outdated_statement(error):
            return True

        async def look() -> bool:
            async with self._pool.connection() as connection:
                await self._pool.look_again(connection)
                return compiled_for is not self.schema

        try:
            return await self._try_anew(look)
        except (AnvilError, psycopg.Error):
            # The database is down; that is what the caller is told then.
            return False

    async def open(self, stack: CallStack, isolation: str | None) -> None:
        """AnvilError when the stack has one already or there are too many."""
        if RESOURCE in stack.resources:
            raise table_error("You already have a transaction open here")
        level = _ISOLATION.get(isolation, _ISOLATION[None])
        # Noted before the first await, so that two threads of a stack cannot both open one.
        stack.resources[RESOURCE] = None
        try:
            transaction = await self._begin(level)
        except psycopg.Error as error:
            stack.resources.pop(RESOURCE, None)
            raise translate(error, {}) from error
        except BaseException:
            stack.resources.pop(RESOURCE, None)
            raise
        if stack.is_closed:
            # The call has timed out meanwhile, so nobody else would end it.
            await transaction.end(commit=False)
            raise transaction_expired()
        stack.resources[RESOURCE] = transaction

        async def roll_back(_ok: bool) -> None:
            await transaction.end(commit=False)

        stack.on_close(roll_back)

    async def _begin(self, level: str) -> Transaction:
        idle_seconds = self.idle_seconds or IDLE_SECONDS
        return await self._try_anew(lambda: Transaction.begin(self._pool, level, idle_seconds))

    async def _try_anew(self, begin: Callable[[], Awaitable[Result]]) -> Result:
        """Do what begins something. A migration closes one connection after the other, so the next
        one, too, may be hung up on at this very moment; then it takes another."""
        for attempts_left in reversed(range(BEGINNINGS)):
            try:
                return await begin()
            except psycopg.OperationalError as error:
                if not attempts_left or not is_disconnection(error):
                    raise
                await self._pool.close_idle()
        raise AssertionError("unreachable")

    async def close(self, stack: CallStack, *, rollback: bool) -> None:
        transaction = stack.resources.pop(RESOURCE, None)
        if transaction is None:
            raise AnvilError("No transaction currently running")
        if transaction.expired:
            if not rollback:
                raise transaction_expired()
            return
        schema = self.schema
        try:
            await transaction.end(commit=not rollback)
        except psycopg.Error as error:
            if await self._is_stale(error, schema):
                raise transaction_conflict() from error
            if is_crash(error):
                raise commit_in_doubt() from error
            raise translate(error, self.constraint_messages) from error
