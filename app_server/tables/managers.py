"""Where bytes of table media and CSV files come from when they are downloaded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app_server.media import register_media_manager
from app_server.tables import csv_export
from app_server.tables.errors import NO_DATABASE, table_error
from app_server.tables.media import MANAGER, find_media
from app_server.wire.values import MediaSource

if TYPE_CHECKING:
    from app_server.request import Request
    from app_server.tables.store import TableStore


def _store(request: Request) -> TableStore:
    store: TableStore | None = request.instance.tables
    if store is None:
        raise table_error(NO_DATABASE)
    return store


async def open_table_media(request: Request, media_id: str) -> MediaSource:
    connections = partial(_store(request).transactions.database, request.stack)
    return await find_media(connections, media_id)


async def open_csv(request: Request, media_id: str) -> MediaSource:
    store = _store(request)
    connections = partial(store.transactions.database, request.stack)
    return csv_export.export(connections, store.schema, media_id)


register_media_manager(MANAGER, open_table_media)
register_media_manager(csv_export.MANAGER, open_csv)
