"""The user table as the Users service sees it.

Rows are found and changed with the rights of the server, inside the caller's open transaction if
there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app_server.users.schema import COLUMN_TYPES

if TYPE_CHECKING:
    from app_server.stack import CallStack
    from app_server.tables.store import TableStore


@dataclass(frozen=True, slots=True)
class UserRow:
    """A row of the user table; ``values`` by column name, links and media left out."""

    id: int
    values: Mapping[str, Any]

    def get(self, column: str, default: Any = None) -> Any:
        value = self.values.get(column)
        return default if value is None else value

    @property
    def email(self) -> str:
        return str(self.get("email", ""))

    @property
    def is_enabled(self) -> bool:
        return self.get("enabled") is True

    @property
    def password_failures(self) -> int:
        count = self.get("n_password_failures", 0)
        return int(count) if isinstance(count, int | float) else 0

    @property
    def remembered_logins(self) -> list[dict[str, str]]:
        """Newest first: ``{"login_time": ISO time, "token_hash": hex}``."""
        entries = self.get("remembered_logins", [])
        return [entry for entry in entries if isinstance(entry, dict)]


@dataclass(frozen=True, slots=True)
class UserTable:
    """``name`` is the table's Python name; ``stack`` that of the call being served, if any."""

    store: TableStore
    name: str
    stack: CallStack | None = None

    def detached(self) -> UserTable:
        """The same table, outside of any call's transaction."""
        return replace(self, stack=None)

    async def find(self, email: str) -> UserRow | None:
        """The user with this address: in lower case first, as sign-up stores it, else as given."""
        for candidate in dict.fromkeys((email.lower(), email)):
            if candidate and (row := await self._find(email=candidate)):
                return row
        return None

    async def get(self, row_id: object) -> UserRow | None:
        if not isinstance(row_id, int):
            return None
        async with self.store.transactions.database(self.stack) as db:
            return _to_user(await self.store.get_row(self.name, row_id, connection=db))

    async def find_remembered(self, token_hash: str) -> UserRow | None:
        """The user with this hash among the remembered log-ins."""
        return await self._find(remembered_logins=[{"token_hash": token_hash}])

    async def add(self, values: Mapping[str, Any]) -> UserRow:
        """Insert a user."""
        await self._ensure(values)
        async with self.store.transactions.database(self.stack) as db:
            row_id = await self.store.insert_row(self.name, dict(values), connection=db)
        return UserRow(row_id, dict(values))

    async def update(self, row: UserRow, values: Mapping[str, Any]) -> UserRow:
        """The row as it is afterwards."""
        if values:
            await self._ensure(values)
            async with self.store.transactions.database(self.stack) as db:
                await self.store.update_row(self.name, row.id, dict(values), connection=db)
        return UserRow(row.id, {**row.values, **values})

    async def remove(self, row: UserRow) -> None:
        """Delete the user."""
        async with self.store.transactions.database(self.stack) as db:
            await self.store.delete_row(self.name, row.id, connection=db)

    async def _find(self, **wanted: Any) -> UserRow | None:
        await self._ensure(wanted)
        async with self.store.transactions.database(self.stack) as db:
            return _to_user(await self.store.find_row(self.name, connection=db, **wanted))

    async def _ensure(self, columns: Iterable[str]) -> None:
        await self.store.ensure_columns(self.name, {name: COLUMN_TYPES[name] for name in columns})


def _to_user(row: Mapping[str, Any] | None) -> UserRow | None:
    return UserRow(row["_id"], row) if row is not None else None
