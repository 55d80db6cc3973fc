"""Media on their way through the router, chunk by chunk."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from app_server.errors import AnvilError
from app_server.limits import MAX_MEDIA_BYTES, MEDIA_CHUNK_BYTES, MEDIA_TIMEOUT_SECONDS


class MediaStream:
    """The bytes of one media object, which may still be arriving. It can be read once.

    ``feed`` and ``fail`` are for whoever receives it; ``chunks`` and ``read`` for whoever uses it.
    """

    def __init__(self, content_type: str, name: str | None) -> None:
        self.content_type = content_type
        self.name = name
        self._chunks: deque[tuple[bytes, bool]] = deque()
        self._arrived = asyncio.Event()
        self._size = 0
        self._error: dict[str, Any] | None = None
        self._is_complete = False

    @classmethod
    def from_bytes(cls, content_type: str, data: bytes, name: str | None = None) -> MediaStream:
        stream = cls(content_type, name)
        view = memoryview(data)
        for start in range(0, max(len(data), 1), MEDIA_CHUNK_BYTES):
            end = start + MEDIA_CHUNK_BYTES
            stream._put(bytes(view[start:end]), end >= len(data))
        return stream

    @property
    def is_complete(self) -> bool:
        return self._is_complete

    def feed(self, chunk: bytes, last: bool) -> None:
        if self._is_complete:
            return
        self._size += len(chunk)
        if self._size > MAX_MEDIA_BYTES:
            limit = MAX_MEDIA_BYTES // 1024 // 1024
            self.fail(
                {
                    "type": "anvil.server.SerializationError",
                    "message": f"Media larger than {limit} MB cannot be sent.",
                }
            )
            return
        self._put(chunk, last)

    def fail(self, cause: dict[str, Any]) -> None:
        """End the stream with an error: ``{"type", "message"}``."""
        if not self._is_complete:
            self._chunks.clear()
            self._error = cause
            self._is_complete = True
            self._arrived.set()

    def _put(self, chunk: bytes, last: bool) -> None:
        self._chunks.append((chunk, last))
        self._is_complete = self._is_complete or last
        self._arrived.set()

    async def chunks(self) -> AsyncIterator[tuple[bytes, bool]]:
        """Chunks in order, each with whether it is the last. MediaError where sending failed or
        nothing came for MEDIA_TIMEOUT_SECONDS."""
        while True:
            while self._chunks:
                chunk, last = self._chunks.popleft()
                yield chunk, last
                if last:
                    return
            if self._error is not None:
                raise MediaError(self._error)
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), MEDIA_TIMEOUT_SECONDS)
            except TimeoutError:
                self.fail(
                    {
                        "type": "anvil.server.TimeoutError",
                        "message": "Timeout during media transfer",
                    }
                )

    async def read(self) -> bytes:
        return b"".join([chunk async for chunk, _ in self.chunks()])


class MediaError(AnvilError):
    """Media did not arrive."""

    def __init__(self, cause: dict[str, Any]):
        super().__init__(
            str(cause.get("message") or "Error during media transfer"),
            str(cause.get("type") or "anvil.server.InternalError"),
        )
        self.cause = cause
