"""Media in columns: bytes in a table of their own, a reference in the row.

A media column holds an id of ``_mybizz.media``. Every value written becomes a new entry there, also
a copy of another row's; triggers delete entries that no row points to any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from app_server.errors import AnvilError
from app_server.limits import MAX_MEDIA_BYTES
from app_server.media import make_lazy_media, read_media, sign_media
from app_server.tables.errors import table_error
from app_server.tables.names import META_SCHEMA
from app_server.tables.transactions import Db
from app_server.tables.values import StoredMedia
from app_server.wire.macs import is_same_text
from app_server.wire.values import LazyMedia, Media

if TYPE_CHECKING:
    from app_server.native.registry import NativeCall

MANAGER = "table-media"
"""The real server's name for media kept in a table."""


def lazy_media(call: NativeCall, media: StoredMedia) -> LazyMedia:
    return make_lazy_media(
        call.instance,
        call.session,
        MANAGER,
        str(media.id),
        content_type=media.content_type,
        name=media.name,
        length=media.length,
    )


async def resolve_media(
    call: NativeCall, rows: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The rows with their media ready to be stored: bytes, or a checked reference to an entry of
    ours. Done before a connection is taken, since reading media may need one."""
    return [{name: await _resolve(call, value) for name, value in row.items()} for row in rows]


async def _resolve(call: NativeCall, value: Any) -> Any:
    if not isinstance(value, LazyMedia):
        return value
    spec = value.spec
    if spec.get("manager") != MANAGER:
        return await read_media(call, value)
    expected = sign_media(call.instance, call.session, MANAGER, str(spec.get("id")))
    if not is_same_text(spec.get("key"), expected):
        raise AnvilError("Invalid (Lazy) Media object", "anvil.server.InvalidObjectError")
    return StoredMedia(int(spec["id"]), "", None, 0)


async def store_media(db: Db, value: Media | StoredMedia) -> int:
    """The id of a new entry with these bytes."""
    if isinstance(value, StoredMedia):
        copied = await db.rows(
            (
                f"INSERT INTO {META_SCHEMA}.media (content_type, name, length, bytes)"
                f" SELECT content_type, name, length, bytes FROM {META_SCHEMA}.media"
                " WHERE id = %s RETURNING id",
                [value.id],
            )
        )
        if not copied:
            raise table_error("Media object deleted")
        return int(copied[0][0])
    if len(value.data) > MAX_MEDIA_BYTES:
        limit = MAX_MEDIA_BYTES // 2**20
        raise table_error(f"A media object in a data table may have at most {limit} MiB")
    added = await db.rows(
        (
            f"INSERT INTO {META_SCHEMA}.media (content_type, name, length, bytes)"
            " VALUES (%s, %s, %s, %s) RETURNING id",
            [value.content_type, value.name, len(value.data), value.data],
        )
    )
    return int(added[0][0])


async def load_media(db: Db, media_id: str) -> Media:
    """The bytes of an entry; TableError when it is gone."""
    query = f"SELECT content_type, bytes, name FROM {META_SCHEMA}.media WHERE id = %s"
    found = await db.rows((query, [int(media_id)])) if media_id.isdigit() else []
    if not found:
        raise table_error("Media object deleted")
    content_type, data, name = found[0]
    return Media(content_type, bytes(data), name)
