"""Messages on a worker's pipe.

One byte (whether binary data follow), four bytes length, JSON; then, with binary data, four bytes
length and the bytes. Numbers are in the machine's byte order.
Source: ``MessagePipe`` in anvil_downlink_util/pipes.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

HEAD = struct.Struct("=?I")
LENGTH = struct.Struct("=I")
MAX_FRAME_BYTES = 256 * 1024 * 1024
"""One message from a worker. What it may carry is limited elsewhere; this is against a pipe that is
out of step, where any length may come."""


class FrameError(Exception):
    """What comes from a worker's pipe is no message."""


def pack(text: bytes, data: bytes | None = None) -> bytes:
    """A message, with binary data if there are any."""
    if data is None:
        return HEAD.pack(False, len(text)) + text
    return b"".join((HEAD.pack(True, len(text)), text, LENGTH.pack(len(data)), data))


class FrameReader:
    """Takes bytes as they come and gives whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, received: bytes) -> Iterator[tuple[bytes, bytes | None]]:
        """Messages that are complete now, as JSON text and binary data. FrameError where a length
        cannot be right."""
        self._buffer += received
        start = 0
        while (frame := self._read_at(start)) is not None:
            start, text, data = frame
            yield text, data
        del self._buffer[:start]

    def _read_at(self, start: int) -> tuple[int, bytes, bytes | None] | None:
        """The message that begins at ``start`` and where the next one does; None if it is not
        complete."""
        buffer = self._buffer
        if len(buffer) - start < HEAD.size:
            return None
        if buffer[start] > 1:
            raise FrameError("A message begins with neither 0 nor 1.")
        has_data, length = HEAD.unpack_from(buffer, start)
        end = _checked(start + HEAD.size, length)
        if not has_data:
            if len(buffer) < end:
                return None
            return end, bytes(buffer[start + HEAD.size : end]), None
        if len(buffer) < end + LENGTH.size:
            return None
        (data_length,) = LENGTH.unpack_from(buffer, end)
        data_start = end + LENGTH.size
        data_end = _checked(data_start, data_length)
        if len(buffer) < data_end:
            return None
        text = bytes(buffer[start + HEAD.size : end])
        return data_end, text, bytes(buffer[data_start:data_end])


def _checked(start: int, length: int) -> int:
    if length > MAX_FRAME_BYTES:
        raise FrameError(f"A message of {length} bytes is not possible.")
    return start + length
