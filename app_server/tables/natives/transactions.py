"""Opening and closing the transaction of a call."""

from __future__ import annotations

from app_server.native.registry import NativeCall, native
from app_server.tables.errors import table_error
from app_server.tables.natives.context import store_of


@native("anvil.private.tables.open_transaction")
async def open_transaction(call: NativeCall, isolation: str | None = None) -> None:
    if call.is_client:
        raise table_error(
            "You can only perform table transactions from server modules. You can't use them here."
        )
    await store_of(call).transactions.open(call.stack, isolation)


@native("anvil.private.tables.close_transaction")
async def close_transaction(call: NativeCall, rollback: bool = False) -> None:
    if call.is_client:
        raise table_error("You can only perform table transactions from server modules.")
    await store_of(call).transactions.close(call.stack, rollback=bool(rollback))
