"""Lazy media that a server function makes: the manager ``py`` of ``mk_LazyMedia``.

Source: anvil.dispatcher.user-lazy-media.
"""

from __future__ import annotations

from app_server.dispatch import dispatch
from app_server.errors import AnvilError
from app_server.media import open_media, register_media_manager
from app_server.request import Origin, Request
from app_server.wire.codec import decode, encode
from app_server.wire.text import read_json
from app_server.wire.values import LazyMedia, Media, MediaSource


async def fetch(request: Request, media_id: str) -> Media | MediaSource:
    """Call the function that the id names. AnvilError where it fails or gives no media."""
    function, args, kwargs = read_json(media_id)
    reply = await dispatch(
        Request(
            instance=request.instance,
            session=request.session,
            stack=request.stack,
            command=function,
            payload=encode({"args": args, "kwargs": kwargs}),
            origin=Origin.SERVER,
            frames=({"type": "lazy_media_server"}, *request.frames),
            client=request.client,
            parent=request,
        )
    )
    if reply.error is not None:
        message = reply.error.get("message") or f"Server function {function!r} raised an error"
        raise AnvilError(str(message), str(reply.error.get("type")))
    made = (await decode(reply.payload)).get("response")
    if isinstance(made, LazyMedia) and made.spec.get("manager") != "py":
        spec = made.spec
        return await open_media(request, spec["manager"], spec["id"], str(spec.get("key")))
    if not isinstance(made, Media):
        raise AnvilError(
            f"Server function {function!r} did not return a Media object; cannot download",
            "anvil.server.InvalidResponseError",
        )
    return made


register_media_manager("py", fetch)
