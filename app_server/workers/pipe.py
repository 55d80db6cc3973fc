"""What goes over the pipe to a worker process: each way, and what is too large for it."""

from __future__ import annotations

import logging
from typing import Any

from app_server.errors import AnvilError
from app_server.limits import MAX_MESSAGE_BYTES
from app_server.wire.caller import CallingPeer
from app_server.wire.payload import WireError
from app_server.wire.peer import PeerClosedError, read_message
from app_server.wire.text import write_json_bytes
from app_server.workers.endings import TOO_MUCH_PASSED, TOO_MUCH_RETURNED, UNAVAILABLE
from app_server.workers.frames import pack
from app_server.workers.output import OUTPUT_KEPT_CHARS
from app_server.workers.process import WorkerProcess

logger = logging.getLogger(__name__)


class PipePeer(CallingPeer):
    """Sends messages to a worker process, and gives those that come to ``_take``.

    What the process wrote that breaks the protocol ends in ``_break_off``, the end of the pipe in
    ``_pipe_closed``.
    """

    def __init__(self) -> None:
        super().__init__(_no_frames)
        self.process = WorkerProcess(self._receive, self._pipe_closed)

    async def send(self, message: dict[str, Any]) -> None:
        text = write_json_bytes(message)
        if len(text) >= MAX_MESSAGE_BYTES and message.get("type") != "PROVIDE_APP":
            raise WireError(TOO_MUCH_PASSED)
        await self._write(pack(text))

    async def send_chunk(self, header: dict[str, Any], data: bytes) -> None:
        await self._write(pack(write_json_bytes(header), data))

    def make_closed_error(self) -> Exception:
        return PeerClosedError("The process that ran this server code has ended.", UNAVAILABLE)

    async def _write(self, frame: bytes) -> None:
        try:
            await self.process.write(frame)
        except BrokenPipeError as error:
            raise self.make_closed_error() from error

    def _receive(self, text: bytes, data: bytes | None) -> None:
        try:
            message = read_message(text)
            if len(text) >= MAX_MESSAGE_BYTES:
                self._refuse_oversized(message)
            else:
                self._take(message, data)
        except (AnvilError, LookupError, TypeError, ValueError, AttributeError) as error:
            # Server code has the pipe in its process, and may write anything to it.
            logger.error("%r broke the protocol: %r", self, error)
            self._break_off()

    def _refuse_oversized(self, message: dict[str, Any]) -> None:
        """As Anvil's host does with what is larger than a WebSocket message may be."""
        call_id = str(message.get("id"))
        if message.get("type") == "CALL":
            error = AnvilError(TOO_MUCH_PASSED, "anvil.server.SerializationError")
            self.spawn(self.send({"id": call_id, "error": error.to_json()}))
        elif "output" in message:
            text = str(message["output"])
            cut = f"[OVERSIZED OUTPUT TRUNCATED ({len(text)} chars)]: {text[:OUTPUT_KEPT_CHARS]}"
            self._take({"id": message.get("id"), "output": f"{cut}[...]"}, None)
        else:
            error = AnvilError(TOO_MUCH_RETURNED, "anvil.server.SerializationError")
            self._take({"id": call_id, "error": error.to_json()}, None)

    def _take(self, message: dict[str, Any], data: bytes | None) -> None:
        raise NotImplementedError

    def _break_off(self) -> None:
        raise NotImplementedError

    def _pipe_closed(self) -> None:
        raise NotImplementedError


async def _no_frames(_frame: str | bytes) -> None:
    raise NotImplementedError("A worker's pipe has messages, no frames.")
