"""Lazy media: references to bytes that stay on the server until somebody asks for them.

A reference names a manager and an id, and carries a key that is good in one session only. Source:
anvil.dispatcher.serialisation.lazy-media.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from app_server.errors import AnvilError
from app_server.limits import MAX_MEDIA_BYTES
from app_server.wire.macs import is_same_text
from app_server.wire.text import write_json
from app_server.wire.values import LazyMedia, Media, MediaSource, PortableValue

if TYPE_CHECKING:
    from app_server.instance import Instance
    from app_server.native.registry import NativeCall
    from app_server.request import Request
    from app_server.sessions import Session

FetchMedia = Callable[["Request", str], Awaitable[Media | MediaSource]]
"""Gets a manager's media: the request on whose behalf, and the id. AnvilError where there are
none."""

_managers: dict[str, FetchMedia] = {}
KEY_DIGITS = 32
MAX_TYPE_CHARS = 200
PIECE_BYTES = 256 * 1024
"""Read at once from media in memory."""
CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(;[ -~]*)?")


def safe_content_type(content_type: str) -> str:
    """A media object's type as it may stand in a header: whoever uploads something names its type.
    ``application/octet-stream`` where it is none (RFC 9110, section 8.3.1)."""
    is_one = len(content_type) <= MAX_TYPE_CHARS and CONTENT_TYPE.fullmatch(content_type)
    return content_type if is_one else "application/octet-stream"


def register_media_manager(name: str, fetch: FetchMedia) -> None:
    if name in _managers:
        raise RuntimeError(f"media manager {name!r} is registered twice")
    _managers[name] = fetch


def sign_media(instance: Instance, session: Session, manager: str, media_id: str) -> str:
    """The key of a reference in this session."""
    key = instance.sessions.derive_media_key(session)
    return hmac.digest(key, write_json([manager, media_id]).encode(), "sha256").hex()[:KEY_DIGITS]


def make_lazy_media(
    instance: Instance,
    session: Session,
    manager: str,
    media_id: str,
    *,
    content_type: str | None = None,
    name: str | None = None,
    length: int | None = None,
) -> LazyMedia:
    spec: dict[str, Any] = {
        "manager": manager,
        "id": media_id,
        "key": sign_media(instance, session, manager, media_id),
        "name": name,
    }
    if content_type is not None:
        spec["mime-type"] = content_type
    if length is not None:
        spec["length"] = length
    return LazyMedia(spec)


async def open_media(request: Request, manager: str, media_id: str, key: str) -> MediaSource:
    """What a reference stands for, to be read piece by piece. AnvilError where its key is not one
    of this session, or the manager has nothing under the id."""
    expected = sign_media(request.instance, request.session, manager, media_id)
    if not is_same_text(key, expected):
        raise AnvilError("Invalid (Lazy) Media object", "anvil.server.InvalidObjectError")
    fetch = _managers.get(manager)
    if fetch is None:
        raise AnvilError(f"Invalid (Lazy) Media type {manager!r}")
    found = await fetch(request, media_id)
    return found if isinstance(found, MediaSource) else source_of(found)


async def fetch_media(request: Request, manager: str, media_id: str, key: str) -> Media:
    """All bytes of a reference, as ``open_media`` finds them."""
    return await read_source(await open_media(request, manager, media_id, key))


def source_of(media: Media) -> MediaSource:
    async def read(start: int, end: int | None) -> AsyncIterator[bytes]:
        view = memoryview(media.data)[start:end]
        for at in range(0, len(view), PIECE_BYTES):
            yield bytes(view[at : at + PIECE_BYTES])

    return MediaSource(media.content_type, media.name, len(media.data), read)


async def read_source(source: MediaSource) -> Media:
    """AnvilError where it is larger than MAX_MEDIA_BYTES."""
    data = bytearray()
    async for piece in source.read(0, None):
        data += piece
        if len(data) > MAX_MEDIA_BYTES:
            limit = MAX_MEDIA_BYTES // 2**20
            raise AnvilError(f"Media larger than {limit} MB cannot be read as a whole.")
    return Media(source.content_type, bytes(data), source.name)


async def open_argument(call: NativeCall, value: Media | LazyMedia) -> MediaSource:
    """A media argument of a native function, wherever its bytes are."""
    if isinstance(value, Media):
        return source_of(value)
    spec = value.spec
    return await open_media(
        call.request, str(spec.get("manager")), str(spec.get("id")), str(spec.get("key") or "")
    )


async def read_media(call: NativeCall, value: Media | LazyMedia) -> Media:
    """All bytes of a media argument of a native function."""
    if isinstance(value, Media):
        return value
    return await read_source(await open_argument(call, value))


def media_address(
    instance: Instance, media: LazyMedia, *, is_download: bool, token: str = ""
) -> str:
    """Where a browser of the same session gets it. ``token``: the query that shows the session."""
    spec = media.spec
    parts = [spec.get("manager"), spec.get("key"), spec.get("id"), spec.get("name") or ""]
    path = "/".join(quote(str(part), safe="") for part in parts)
    query = "&".join(part for part in (token, "" if is_download else "nodl=1") if part)
    return f"{instance.origin}/_/lm/{path}" + (f"?{query}" if query else "")


def resign_media(call: NativeCall | Request, value: Any) -> Any:
    """A copy of ``value`` in which references to lazy media are good in the caller's session. Only
    for values that the server itself kept: whoever can write them can read any media."""
    if isinstance(value, LazyMedia):
        spec = value.spec
        key = sign_media(call.instance, call.session, str(spec["manager"]), str(spec["id"]))
        return LazyMedia({**spec, "key": key})
    if isinstance(value, PortableValue):
        return PortableValue(value.type_name, resign_media(call, value.value))
    if isinstance(value, list):
        return [resign_media(call, item) for item in value]
    if isinstance(value, dict):
        return {name: resign_media(call, item) for name, item in value.items()}
    return value
