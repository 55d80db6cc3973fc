"""One end of a WebSocket that speaks Anvil's protocol: browser, uplink or worker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from app_server.errors import AnvilError
from app_server.limits import MAX_MEDIA_PER_CALL, MAX_MESSAGE_BYTES
from app_server.request import Reply
from app_server.wire.macs import MacKey
from app_server.wire.payload import OpenStream, Payload, WireError, give_objects
from app_server.wire.streams import MediaBudget, MediaError, MediaStream
from app_server.wire.text import read_json, write_json

logger = logging.getLogger(__name__)

SendFrame = Callable[[str | bytes], Awaitable[None]]
TOO_BIG = "Data payload too big - please use Media objects to transfer large amounts of data."


async def _do_nothing() -> None:
    pass


def read_message(text: str | bytes) -> dict[str, Any]:
    """WireError where it is not a JSON object."""
    try:
        message = read_json(text)
    except ValueError as error:
        raise WireError("A message is not JSON.") from error
    if not isinstance(message, dict):
        raise WireError("A message has to be a JSON object.")
    return message


class PeerClosedError(AnvilError):
    """The other end is gone."""

    def __init__(self, message: str, type_name: str):
        super().__init__(message, type_name)


class Peer:
    """Sends and receives messages with their media.

    Subclasses say in ``receive`` what a message means. ``send_frame`` raises PeerClosedError when
    the socket is closed. ``shut_down`` closes the socket from our side.
    """

    def __init__(self, send_frame: SendFrame):
        self._send_frame = send_frame
        self._lock = asyncio.Lock()
        self._streams: dict[tuple[str, str], MediaStream] = {}
        self._budget: MediaBudget | None = None
        self._header: dict[str, Any] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_closed = False
        self.shut_down: Callable[[], Awaitable[None]] = _do_nothing

    # Receiving

    async def receive(self, message: dict[str, Any]) -> None:
        """Act on a message. It must not wait for long: the next one comes only afterwards."""
        raise NotImplementedError

    async def receive_frame(self, frame: str | bytes) -> None:
        """Take one WebSocket frame. WireError where it is none of the protocol's."""
        if isinstance(frame, bytes):
            self._receive_chunk(frame)
            return
        message = read_message(frame)
        kind = message.get("type")
        if kind == "CHUNK_HEADER":
            self._header = message
        elif kind == "MEDIA_ERROR":
            self.receive_media_error(message)
        else:
            await self.receive(message)

    def _receive_chunk(self, data: bytes) -> None:
        header, self._header = self._header, None
        if header is None:
            raise WireError("Binary data came without a header.")
        self.receive_chunk(header, data)

    def receive_chunk(self, header: dict[str, Any], data: bytes) -> None:
        """One piece of a media object. What is not wanted (any more) is dropped."""
        key = (str(header.get("requestId")), str(header.get("mediaId")))
        stream = self._streams.get(key)
        if stream is not None:
            stream.feed(data, bool(header.get("lastChunk")))
            if stream.is_complete:
                self._streams.pop(key, None)

    def receive_media_error(self, message: dict[str, Any]) -> None:
        """The other end cannot send the rest of some media."""
        for media_id in message.get("mediaIds") or ():
            self._fail_stream(message.get("requestId"), media_id, message.get("cause") or {})

    def is_receiving(self, message_id: str) -> bool:
        """Whether media of the message with this id are still to come."""
        return any(key[0] == message_id for key in self._streams)

    def _fail_stream(self, request_id: Any, media_id: Any, cause: dict[str, Any]) -> None:
        stream = self._streams.pop((str(request_id), str(media_id)), None)
        if stream is not None:
            stream.fail(cause)

    def stream_opener(self, message_id: str) -> OpenStream:
        """For ``take_payload``: media of the message with this id will be collected."""
        opened = 0

        def open_stream(entry: dict[str, Any]) -> MediaStream:
            nonlocal opened
            opened += 1
            if opened > MAX_MEDIA_PER_CALL:
                raise WireError(f"A call can carry at most {MAX_MEDIA_PER_CALL} media objects.")
            name = entry.get("name")
            stream = MediaStream(
                str(entry.get("mime-type") or "application/octet-stream"),
                None if name is None else str(name),
                self._budget,
            )
            self._streams[message_id, entry["id"]] = stream
            return stream

        return open_stream

    def discard_media(self, message_id: str, payload: Payload | None) -> None:
        """The message has been dealt with: what came, or is still to come, of its media is not
        wanted any more. ``payload`` is what was taken from it, None where it was refused."""
        cause = {"type": "anvil.server.InternalError", "message": "The call has ended."}
        for stream in payload.media.values() if payload is not None else ():
            stream.discard(cause)
        for key in [key for key in self._streams if key[0] == message_id]:
            self._streams.pop(key).discard(cause)

    # Sending

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message without media. WireError where it is too large."""
        text = write_json(message)
        if len(text) >= MAX_MESSAGE_BYTES:
            raise WireError(TOO_BIG)
        async with self._lock:
            await self._send_frame(text)

    async def send_chunk(self, header: dict[str, Any], data: bytes) -> None:
        """Send one piece of a media object."""
        async with self._lock:
            await self._send_frame(write_json(header))
            await self._send_frame(data)

    async def send_payload(self, message: dict[str, Any], payload: Payload, key: MacKey) -> None:
        """Send a message with values; their media follow on their own."""
        await self.send({**message, **payload.body, "objects": give_objects(payload, key)})
        for media_id, stream in payload.media.items():
            self.spawn(self._send_media(message["id"], media_id, stream))

    async def send_reply(self, call_id: str, reply: Reply, key: MacKey) -> None:
        """Answer a call. What cannot be sent becomes an error for the caller."""
        try:
            if reply.error is not None:
                await self.send({"id": call_id, "error": reply.error})
            else:
                body = {"id": call_id, "response": None}
                await self.send_payload(body, reply.payload, key)
        except WireError as error:
            await self.send({"id": call_id, "error": error.to_json()})

    async def _send_media(self, request_id: str, media_id: str, stream: MediaStream) -> None:
        index = 0
        try:
            async for data, last in stream.chunks():
                header = {
                    "type": "CHUNK_HEADER",
                    "requestId": request_id,
                    "mediaId": media_id,
                    "chunkIndex": index,
                    "lastChunk": last,
                }
                await self.send_chunk(header, data)
                index += 1
        except MediaError as error:
            await self.send(
                {
                    "type": "MEDIA_ERROR",
                    "requestId": request_id,
                    "mediaIds": [media_id],
                    "cause": error.cause,
                }
            )

    # Life

    def spawn(self, work: Awaitable[None]) -> None:
        """Run something beside the receiving; it is cancelled when the peer closes."""

        async def run() -> None:
            try:
                await work
            except asyncio.CancelledError:
                raise
            except PeerClosedError:
                self.is_closed = True
            except Exception as error:  # noqa: BLE001  the edge of a task: logged
                if not self.is_closed:
                    logger.warning("A socket's task failed: %r", error)

        task = asyncio.ensure_future(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def leave(self) -> None:
        """This server is about to go: say so where the protocol has a word for it."""

    async def wait_until_idle(self) -> None:
        """Until the calls that came here are answered."""

    def close(self, cause: dict[str, Any]) -> None:
        """The socket is gone: whoever waits for its media gets ``cause``."""
        self.is_closed = True
        for stream in self._streams.values():
            stream.fail(cause)
        self._streams.clear()
        for task in list(self._tasks):
            task.cancel()
