"""Media in columns: bytes in a table of their own, a reference in the row.

A media column holds an id of ``_mybizz.media``. Every value written becomes a new entry there, also
a copy of another row's; triggers delete entries that no row points to any more. What is larger than
``PIECE_BYTES`` stands in pieces in ``_mybizz.media_pieces``, and is written and read piece by
piece: neither an upload nor a download is in memory as a whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from app_server.errors import AnvilError
from app_server.limits import MAX_MEDIA_BYTES
from app_server.media import make_lazy_media, open_argument, sign_media
from app_server.tables.errors import table_error
from app_server.tables.names import META_SCHEMA
from app_server.tables.transactions import Db
from app_server.tables.values import StoredMedia
from app_server.wire.macs import is_same_text
from app_server.wire.streams import SourceStream
from app_server.wire.values import LazyMedia, Media, MediaSource, SpooledMedia

if TYPE_CHECKING:
    from app_server.native.registry import NativeCall

MANAGER = "table-media"
"""The real server's name for media kept in a table."""

PIECE_BYTES = 1024 * 1024
DELETED = "Media object deleted"

Connections = Callable[[], AbstractAsyncContextManager[Db]]
"""Gives a connection for the moment."""


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
    """The rows with their media ready to be stored: bytes, a file, or a checked reference to an
    entry of ours. Done before a connection is taken, since reading media may need one."""
    return [{name: await _resolve(call, value) for name, value in row.items()} for row in rows]


async def _resolve(call: NativeCall, value: Any) -> Any:
    if not isinstance(value, LazyMedia):
        return value
    spec = value.spec
    if spec.get("manager") != MANAGER:
        source = await open_argument(call, value)
        file = await SourceStream(source).spool()
        return SpooledMedia(source.content_type, file, file.tell(), source.name)
    expected = sign_media(call.instance, call.session, MANAGER, str(spec.get("id")))
    if not is_same_text(spec.get("key"), expected):
        raise AnvilError("Invalid (Lazy) Media object", "anvil.server.InvalidObjectError")
    return StoredMedia(int(spec["id"]), "", None, 0)


async def store_media(db: Db, value: Media | SpooledMedia | StoredMedia) -> int:
    """The id of a new entry with these bytes, for use in a transaction."""
    if isinstance(value, StoredMedia):
        return await _copy_media(db, value.id)
    size = value.length if isinstance(value, SpooledMedia) else len(value.data)
    if size > MAX_MEDIA_BYTES:
        limit = MAX_MEDIA_BYTES // 2**20
        raise table_error(f"A media object in a data table may have at most {limit} MiB")
    pieces = _pieces(value)
    whole = b"".join(pieces) if size <= PIECE_BYTES else b""
    [(media_id,)] = await db.rows(
        (
            f"INSERT INTO {META_SCHEMA}.media (content_type, name, length, bytes)"
            " VALUES (%s, %s, %s, %b) RETURNING id",
            [value.content_type, value.name, size, whole],
        )
    )
    for number, piece in enumerate(pieces if size > PIECE_BYTES else ()):
        insert = f"INSERT INTO {META_SCHEMA}.media_pieces (media_id, number, bytes)"
        await db.run((f"{insert} VALUES (%s, %s, %b)", [media_id, number, piece]))
    return int(media_id)


def _pieces(value: Media | SpooledMedia) -> Iterator[bytes]:
    """The bytes in pieces; from the start each time, since a write may be tried again."""
    if isinstance(value, SpooledMedia):
        value.file.seek(0)
        while piece := value.file.read(PIECE_BYTES):
            yield piece
    else:
        for start in range(0, len(value.data), PIECE_BYTES):
            yield value.data[start : start + PIECE_BYTES]


async def _copy_media(db: Db, media_id: int) -> int:
    copied = await db.rows(
        (
            f"INSERT INTO {META_SCHEMA}.media (content_type, name, length, bytes)"
            f" SELECT content_type, name, length, bytes FROM {META_SCHEMA}.media"
            " WHERE id = %s RETURNING id",
            [media_id],
        )
    )
    if not copied:
        raise table_error(DELETED)
    pieces = (
        f"INSERT INTO {META_SCHEMA}.media_pieces (media_id, number, bytes)"
        f" SELECT %s, number, bytes FROM {META_SCHEMA}.media_pieces WHERE media_id = %s"
    )
    await db.run((pieces, [copied[0][0], media_id]))
    return int(copied[0][0])


async def find_media(connections: Connections, media_id: str) -> MediaSource:
    """An entry, whose bytes are read as they are wanted: each piece on a connection of its own, so
    that a slow reader keeps none. TableError when it is gone, also while it is read."""
    query = (
        "SELECT content_type, name, length, octet_length(bytes) = length"
        f" FROM {META_SCHEMA}.media WHERE id = %s"
    )
    found = []
    if media_id.isdecimal() and len(media_id) < 19:
        async with connections() as db:
            found = await db.rows((query, [int(media_id)]))
    if not found:
        raise table_error(DELETED)
    content_type, name, length, is_whole = found[0]
    entry = int(media_id)

    async def read(start: int, end: int | None) -> AsyncIterator[bytes]:
        at, stop = start, length if end is None else min(end, length)
        while at < stop:
            # Up to the end of the piece in which this stands.
            size = min(stop, (at // PIECE_BYTES + 1) * PIECE_BYTES) - at
            offset = at if is_whole else at % PIECE_BYTES
            table, key = ("media", "id") if is_whole else ("media_pieces", "media_id")
            which = "" if is_whole else f" AND number = {at // PIECE_BYTES}"
            query = (
                f"SELECT substr(bytes, %s, %s) FROM {META_SCHEMA}.{table} WHERE {key} = %s{which}"
            )
            async with connections() as db:
                rows = await db.rows((query, [offset + 1, size, entry]), binary=True)
            if not rows:
                raise table_error(DELETED)
            yield rows[0][0]
            at += size

    return MediaSource(content_type, name, length, read, f"media-{entry}")
