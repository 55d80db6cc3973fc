"""What every function of the Users service is told: for which app and session it works."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

import psycopg

from app_server.errors import AnvilError
from app_server.tables.schema import WantedColumn
from app_server.users.config import SERVICE, UsersConfig, read_users_config
from app_server.users.rows import UserTable
from app_server.users.schema import ADDED_BESIDE, COLUMN_TYPES

if TYPE_CHECKING:
    from app_server.instance import Instance
    from app_server.sessions import Session
    from app_server.stack import CallStack

logger = logging.getLogger("app_server.users")

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class CookieJar(Protocol):
    """Anvil's signed cookies of this browser. Where there is no browser, ``get`` answers None and
    the others do nothing; ``set`` tells whether the cookie was kept."""

    async def get(self, key: str) -> Any: ...
    async def set(self, values: Mapping[str, Any], days: float) -> bool: ...
    async def delete(self, key: str) -> None: ...


class NoCookies:
    """The jar of a caller that is no browser."""

    async def get(self, key: str) -> Any:
        return None

    async def set(self, values: Mapping[str, Any], days: float) -> bool:
        return False

    async def delete(self, key: str) -> None:
        return None


@dataclass(slots=True)
class UsersRequest:
    """``is_client`` is true for browsers and client uplinks, which are told less."""

    instance: Instance
    session: Session
    config: UsersConfig
    users: UserTable
    cookies: CookieJar
    is_client: bool
    clock: Clock = utc_now

    @property
    def now(self) -> datetime:
        return self.clock()

    @property
    def state(self) -> dict[str, Any]:
        """A copy of what the session knows about its user; see ``remember``."""
        return dict(self.session.state.get("users") or {})

    def remember(self, **entries: Any) -> None:
        """Set entries of the session's state, or drop those that are None.

        ``logged_in_id`` and ``reset_user_id`` (who may choose a new password without the old one)
        are row ids of the user table; ``partial_id`` is who still owes the second factor.
        """
        merged = {**self.state, **entries}
        self.session.state["users"] = {
            key: value for key, value in merged.items() if value is not None
        }

    @property
    def logged_in_id(self) -> int | None:
        return self.state.get("logged_in_id")

    def account_lock(self, email: str) -> asyncio.Lock:
        """Held while one account's password or keys are tried or changed, so that guesses sent
        at the same time are counted one after the other."""
        return _account_locks.setdefault((self.instance.name, email.lower()), asyncio.Lock())


async def prepare_users(instance: Instance) -> None:
    """Make what the user table lacks, when an instance opens. Later it could have to wait for the
    transaction of the very call that needs it."""
    if SERVICE not in instance.app.services:
        return
    try:
        table = read_users_config(instance.app).user_table
        present = instance.tables.table(table).columns
        lacking = [
            WantedColumn(name, COLUMN_TYPES[name], client_hidden=True)
            for name in ADDED_BESIDE - set(present)
        ]
        if lacking:
            await instance.tables.add_columns(table, lacking)
        await instance.tables.ensure_columns(table, COLUMN_TYPES)
    except psycopg.Error as error:
        logger.error("[%s] The Users service cannot be used: %s", instance.name, error)
    except AnvilError as error:
        # As on Anvil's server, the app runs, and only what needs users fails.
        logger.error("[%s] The Users service cannot be used: %s", instance.name, error.message)


_account_locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()


def make_request(
    instance: Instance,
    session: Session,
    *,
    is_client: bool,
    cookies: CookieJar | None = None,
    stack: CallStack | None = None,
    clock: Clock = utc_now,
) -> UsersRequest:
    """AnvilError when the app has no Users service, or no database."""
    config = read_users_config(instance.app)
    if instance.tables is None:
        raise AnvilError("This app has no users: it runs without a database (database: none).")
    users = UserTable(instance.tables, config.user_table, stack)
    return UsersRequest(instance, session, config, users, cookies or NoCookies(), is_client, clock)
