"""Where bytes of table media and CSV files come from when they are downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app_server.media import register_media_manager
from app_server.tables import csv_export
from app_server.tables.media import MANAGER, load_media
from app_server.wire.values import Media

if TYPE_CHECKING:
    from app_server.request import Request


async def fetch_table_media(request: Request, media_id: str) -> Media:
    async with request.instance.tables.transactions.database(request.stack) as db:
        return await load_media(db, media_id)


async def fetch_csv(request: Request, media_id: str) -> Media:
    store = request.instance.tables
    async with store.transactions.database(request.stack) as db:
        return await csv_export.export(db, store.schema, media_id)


register_media_manager(MANAGER, fetch_table_media)
register_media_manager(csv_export.MANAGER, fetch_csv)
