"""A small pool of database connections that refuses at once when the database is down.

``psycopg_pool`` keeps a caller waiting for its whole time-out while the database is away, and has
no notion of connections kept back for short work. Here a refused connection is an error at once,
open transactions never take the last connections, and waiting is bounded in number and in time.
"""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from app_server.errors import AnvilError
from app_server.tables.errors import DATABASE_BUSY, database_down, table_error

T = TypeVar("T")
Connection = psycopg.AsyncConnection[TupleRow]

Greet = Callable[[Connection], Awaitable[None]]

MAX_CONNECTIONS = 10
"""Of one instance. Postgres allows 100 by default, which many instances share."""

KEPT_FOR_SHORT_WORK = 2
"""Connections that transactions of app code never take."""

MAX_WAITING = 200
"""Callers that may wait for a connection at the same time; more are refused."""

WAIT_SECONDS = 20.0
"""How long one waits. Below the 30 s of a call, so that the caller still hears why."""

CONNECT_SECONDS = 5
IDLE_SECONDS = 60.0
"""A connection that nobody used for so long is closed, so that quiet instances hold none."""

_NO_FREE_PLACE = ("too many clients", "too many connections", "connection slots")
"""What Postgres says (53300) when ``max_connections`` are open."""

APPLICATION = "mybizz"
"""The name of our connections in the database."""

GATE = 7_264_012
"""Advisory lock that new connections wait for while a migration is about to be committed."""

GREETINGS = 3

STATEMENT_SECONDS = 30
"""One statement, as long as a call may take."""

ANSWER_SECONDS = STATEMENT_SECONDS + 5
"""The database ends a statement itself, unless it hangs."""

_KEEP_ALIVE: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""Seconds (and milliseconds) after which a machine that is silent is taken for gone."""

_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "TimeZone=UTC",
        "DateStyle=ISO",
        f"statement_timeout={STATEMENT_SECONDS * 1000}",
        # Our own clock ends an idle transaction first; this one serves when we are gone.
        "idle_in_transaction_session_timeout=30000",
        # A plan for any values misses trigram indexes, and one made while a table was small, which
        # reads it whole, would be kept until the next ANALYZE. Planning takes 0.05 to 0.2 ms.
        "plan_cache_mode=force_custom_plan",
        "jit=off",
        # The default is for spinning disks; linked rows are better read by their key.
        "random_page_cost=1.1",
    )
)


async def connect(url: str, answer_seconds: float | None = None) -> Connection:
    """A new connection in autocommit mode. psycopg.OperationalError when the database is down.
    ``answer_seconds``: how long it may say nothing while it is waited for."""
    connection = await BoundedConnection.connect(
        url,
        autocommit=True,
        options=_OPTIONS,
        connect_timeout=CONNECT_SECONDS,
        application_name=APPLICATION,
        **_KEEP_ALIVE,
    )
    connection.answer_seconds = answer_seconds
    return connection


class BoundedConnection(psycopg.AsyncConnection[TupleRow]):
    """Does not wait for ever for a database that hangs, or whose machine has gone without a word:
    such a wait is an OperationalError, and the connection is closed."""

    answer_seconds: float | None = None

    async def wait(self, gen: PQGen[T], *args: Any, **options: Any) -> T:
        try:
            async with asyncio.timeout(self.answer_seconds):
                return await super().wait(gen, *args, **options)
        except TimeoutError as error:
            self.pgconn.finish()
            raise psycopg.OperationalError(
                f"The database did not answer for {self.answer_seconds} seconds."
            ) from error


class ConnectionPool:
    """At most ``size`` connections to one database, made when first needed. ``greet`` is called
    with each new one before anybody gets it."""

    def __init__(self, url: str, size: int = MAX_CONNECTIONS, greet: Greet | None = None) -> None:
        self.url = url
        self.greet = greet
        self._size = size
        self._idle: list[tuple[Connection, float]] = []
        self._slots = asyncio.Semaphore(size)
        self._transaction_slots = asyncio.Semaphore(max(1, size - KEPT_FOR_SHORT_WORK))
        self._waiting = 0
        self._in_use = 0
        self._closed = False
        self._reaping: asyncio.Task[None] | None = None

    @property
    def statistics(self) -> dict[str, int]:
        return {
            "size": self._size,
            "in_use": self._in_use,
            "idle": len(self._idle),
            "waiting": self._waiting,
        }

    async def look_again(self, connection: Connection) -> None:
        """Greet a connection once more: whoever greets may have missed something."""
        if self.greet is not None:
            await self.greet(connection)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for short work. AnvilError when the database is down or too busy."""
        connection = await self.acquire()
        try:
            yield connection
        finally:
            await self.release(connection)

    async def acquire(self, *, transaction: bool = False, busy: str = DATABASE_BUSY) -> Connection:
        """A connection that must be given back by ``release`` with the same ``transaction``."""
        if transaction:
            await self._wait_for(self._transaction_slots, busy)
        try:
            await self._wait_for(self._slots, busy)
            try:
                connection = await self._take()
            except BaseException:
                self._slots.release()
                raise
        except BaseException:
            if transaction:
                self._transaction_slots.release()
            raise
        self._in_use += 1
        return connection

    async def release(self, connection: Connection, *, transaction: bool = False) -> None:
        self._in_use -= 1
        try:
            clean = (
                not connection.closed
                and connection.info.transaction_status is TransactionStatus.IDLE
                and not self._closed
            )
            if clean:
                self._idle.append((connection, time.monotonic()))
                if self._reaping is None:
                    self._reaping = asyncio.create_task(self._reap())
            else:
                await connection.close()
        finally:
            self._slots.release()
            if transaction:
                self._transaction_slots.release()

    async def close(self) -> None:
        """Close what is idle; what is in use is closed when it comes back."""
        self._closed = True
        if self._reaping is not None:
            self._reaping.cancel()
            await asyncio.wait([self._reaping])
        await self.close_idle()

    async def close_idle(self) -> None:
        """As where somebody hangs up on one connection after the other."""
        while self._idle:
            await self._idle.pop()[0].close()

    async def _wait_for(self, slots: asyncio.Semaphore, busy: str) -> None:
        if not slots.locked():
            await slots.acquire()
            return
        if self._waiting >= MAX_WAITING:
            raise table_error(busy)
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await slots.acquire()
        except TimeoutError:
            raise table_error(busy) from None
        finally:
            self._waiting -= 1

    async def _take(self) -> Connection:
        if self._closed:
            raise AnvilError("This app has been stopped.", "anvil.server.RuntimeUnavailableError")
        while self._idle:
            connection, _ = self._idle.pop()
            if not _is_stale(connection):
                return connection
            await connection.close()
        try:
            return await self._connect()
        except psycopg.OperationalError as error:
            if any(words in str(error) for words in _NO_FREE_PLACE):
                raise table_error(DATABASE_BUSY) from error
            raise database_down() from error

    async def _connect(self) -> Connection:
        """A migration closes connections that are a moment too old; then it takes another."""
        for attempts_left in reversed(range(GREETINGS)):
            try:
                connection = await connect(self.url, ANSWER_SECONDS)
            except psycopg.OperationalError as error:
                if attempts_left and "terminating connection" in str(error):
                    continue
                raise
            try:
                if self.greet is not None:
                    await self.greet(connection)
                return connection
            except psycopg.OperationalError:
                await connection.close()
                if not attempts_left:
                    raise
            except BaseException:
                await connection.close()
                raise
        raise AssertionError("unreachable")

    async def _reap(self) -> None:
        """Close connections as they have been idle long enough, until there is none."""
        try:
            while self._idle:
                left = self._idle[0][1] + IDLE_SECONDS - time.monotonic()
                if left > 0:
                    await asyncio.sleep(left)
                else:
                    await self._idle.pop(0)[0].close()
        finally:
            self._reaping = None


def _is_stale(connection: Connection) -> bool:
    """Whether the server hung up while the connection was idle: an idle connection has nothing to
    read, so bytes (or the end) on its socket are the server's good-bye. Costs no round trip."""
    if connection.closed:
        return True
    poller: Any = select.poll()
    poller.register(connection.pgconn.socket, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poller.poll(0))
