"""Media on their way through the router, chunk by chunk."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from app_server.errors import AnvilError
from app_server.limits import (
    CHUNK_OVERHEAD_BYTES,
    MAX_ALL_UPLOADS_BYTES,
    MAX_MEDIA_BYTES,
    MEDIA_CHUNK_BYTES,
    MEDIA_TIMEOUT_SECONDS,
)
from app_server.wire.values import MediaSource

SPOOL_BYTES = 1024 * 1024
"""Larger uploads wait on disk, where their reader asks for that."""


class MediaBudget:
    """How many bytes one sender may have here that nobody has read yet. ``shared`` is the budget
    that it has together with others."""

    def __init__(self, limit: int, shared: MediaBudget | None = None):
        self.limit = limit
        self.used = 0
        self.shared = shared

    def takes(self, size: int) -> bool:
        return self.used + size <= self.limit

    def add(self, size: int) -> None:
        """``size`` more bytes are here; fewer where it is negative."""
        self.used += size
        if self.shared is not None:
            self.shared.add(size)


VISITORS = MediaBudget(MAX_ALL_UPLOADS_BYTES)
"""What browsers, client uplinks and HTTP requests have sent and nobody has read yet."""

TOO_MANY_UPLOADS = "The server has too many uploads at the moment. Please try again shortly."


class MediaStream:
    """The bytes of one media object, which may still be arriving. It can be read once.

    ``feed`` and ``fail`` are for whoever receives it; ``chunks`` and ``read`` for whoever uses it.
    """

    def __init__(
        self, content_type: str, name: str | None, budget: MediaBudget | None = None
    ) -> None:
        self.content_type = content_type
        self.name = name
        self._budget = budget
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
            self._refuse(f"Media larger than {_megabytes(MAX_MEDIA_BYTES)} cannot be sent.")
        elif self._budget is not None and not self._budget.takes(_cost(chunk)):
            limit = _megabytes(self._budget.limit)
            self._refuse(f"More than {limit} of media at once cannot be sent.")
        elif not self._fits_shared(_cost(chunk)):
            self._refuse(TOO_MANY_UPLOADS, "anvil.server.QuotaExceededError")
        else:
            self._put(chunk, last)

    def _fits_shared(self, size: int) -> bool:
        shared = self._budget.shared if self._budget is not None else None
        return shared is None or shared.takes(size)

    def _refuse(self, message: str, type_name: str = "anvil.server.SerializationError") -> None:
        self.fail({"type": type_name, "message": message})

    def __del__(self) -> None:
        """Its call has been forgotten, read or not."""
        self._drop_chunks()

    def fail(self, cause: dict[str, Any]) -> None:
        """End the stream with an error: ``{"type", "message"}``."""
        if not self._is_complete:
            self._drop_chunks()
            self._error = cause
            self._is_complete = True
            self._arrived.set()

    def discard(self, cause: dict[str, Any]) -> None:
        """Nobody will read it (any more): forget what arrived, and end it if it has no end yet."""
        self.fail(cause)
        self._drop_chunks()

    def _drop_chunks(self) -> None:
        while self._chunks:
            self._take()

    def _put(self, chunk: bytes, last: bool) -> None:
        if self._budget is not None:
            self._budget.add(_cost(chunk))
        self._chunks.append((chunk, last))
        self._is_complete = self._is_complete or last
        self._arrived.set()

    def _take(self) -> tuple[bytes, bool]:
        chunk, last = self._chunks.popleft()
        if self._budget is not None:
            self._budget.add(-_cost(chunk))
        return chunk, last

    async def chunks(self) -> AsyncIterator[tuple[bytes, bool]]:
        """Chunks in order, each with whether it is the last. MediaError where sending failed or
        nothing came for MEDIA_TIMEOUT_SECONDS."""
        while True:
            while self._chunks:
                chunk, last = self._take()
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

    async def spool(self) -> IO[bytes]:
        """The bytes in a temporary file that goes with its object; it stands at the end. A small
        one stays in memory. MediaError where the disk is full."""
        file = SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  lives with its value
        try:
            async for chunk, _ in self.chunks():
                file.write(chunk)
        except OSError as error:
            file.close()
            raise MediaError(
                {
                    "type": "anvil.server.RuntimeUnavailableError",
                    "message": f"The server cannot keep this upload: {error.strerror or error}.",
                }
            ) from error
        except BaseException:
            file.close()
            raise
        return file


class SourceStream(MediaStream):
    """Sends a source: its bytes are read as they are sent."""

    def __init__(self, source: MediaSource) -> None:
        super().__init__(source.content_type, source.name)
        self._source = source
        self._is_complete = True

    async def chunks(self) -> AsyncIterator[tuple[bytes, bool]]:
        waiting = b""
        try:
            async for piece in self._source.read(0, None):
                view = memoryview(piece)
                for start in range(0, len(piece), MEDIA_CHUNK_BYTES):
                    if waiting:
                        yield waiting, False
                    waiting = bytes(view[start : start + MEDIA_CHUNK_BYTES])
        except MediaError:
            raise
        except AnvilError as error:
            raise MediaError({"type": error.type_name, "message": error.message}) from error
        yield waiting, True


def _cost(chunk: bytes) -> int:
    return len(chunk) + CHUNK_OVERHEAD_BYTES


def _megabytes(size: int) -> str:
    return f"{size // 1024 // 1024} MB"


class MediaError(AnvilError):
    """Media did not arrive."""

    def __init__(self, cause: dict[str, Any]):
        super().__init__(
            str(cause.get("message") or "Error during media transfer"),
            str(cause.get("type") or "anvil.server.InternalError"),
        )
        self.cause = cause
