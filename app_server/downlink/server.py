"""Serves the process host on loopback and keeps one running."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import secrets
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from app_server.downlink.link import DownlinkLink
from app_server.downlink.process import HostProcess
from app_server.errors import AnvilError
from app_server.limits import MAX_MESSAGE_BYTES
from app_server.wire.payload import WireError
from app_server.wire.peer import PeerClosedError, SendFrame
from app_server.wire.text import read_json, write_json

logger = logging.getLogger(__name__)

PATH = "/_/downlink"
PROTOCOL_VERSION = 2
UNAVAILABLE = "anvil.server.RuntimeUnavailableError"
HOST_ENDED = "The process that ran this server code has ended. Please try again."
CONNECT_TIMEOUT_SECONDS = 20.0
INACTIVITY_SECONDS = 30.0
"""A host that says nothing for so long is gone (``WS-INACTIVITY-TIMEOUT-SECS``)."""


def _frame_sender(connection: ServerConnection) -> SendFrame:
    async def send_frame(frame: str | bytes) -> None:
        try:
            await connection.send(frame)
        except ConnectionClosed as error:
            raise PeerClosedError(HOST_ENDED, UNAVAILABLE) from error

    return send_frame


class DownlinkServer:
    """The socket on which the process host connects, and the host itself.

    One host serves all instances. When it ends, the calls that it was serving fail with
    ``anvil.server.RuntimeUnavailableError`` and another one is started.
    """

    def __init__(self) -> None:
        self._key = secrets.token_urlsafe(32)
        self._link: DownlinkLink | None = None
        self._is_connected = asyncio.Event()
        self._server: Server | None = None
        self._host: HostProcess | None = None

    async def start(self) -> None:
        """Listen and start the process host; it connects in its own time."""
        self._server = await serve(
            self._handle,
            "127.0.0.1",
            0,
            max_size=MAX_MESSAGE_BYTES,
            compression=None,
            ping_interval=None,
        )
        port = next(iter(self._server.sockets)).getsockname()[1]
        self._host = HostProcess(f"ws://127.0.0.1:{port}{PATH}", self._key)
        self._host.start()

    async def stop(self) -> None:
        """End the host and its workers."""
        if self._host is not None:
            await self._host.stop()
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 2)

    @property
    def is_connected(self) -> bool:
        return self._link is not None

    @property
    def host_pid(self) -> int | None:
        return self._host.pid if self._host is not None else None

    async def connected(self) -> DownlinkLink:
        """The connected host. RuntimeUnavailableError where none comes in time."""
        if self._link is None or self._link.is_closed:
            self._is_connected.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_connected.wait(), CONNECT_TIMEOUT_SECONDS)
        if self._link is None:
            raise AnvilError(
                "Server code cannot be run at the moment: its process host does not start.",
                UNAVAILABLE,
            )
        return self._link

    async def _handle(self, connection: ServerConnection) -> None:
        if not await self._is_admitted(connection):
            return
        link = DownlinkLink(_frame_sender(connection))
        self._link = link
        self._is_connected.set()
        try:
            while True:
                frame = await asyncio.wait_for(connection.recv(), INACTIVITY_SECONDS)
                await link.receive_frame(frame)
        except ConnectionClosed:
            logger.info("The process host disconnected.")
        except TimeoutError:
            logger.error("The process host does not answer any more.")
            if self._link is link and self._host is not None:
                self._host.kill()
        except WireError as error:
            logger.error("The process host broke the protocol: %s", error)
        finally:
            if self._link is link:
                self._link = None
                self._is_connected.clear()
            link.close({"type": UNAVAILABLE, "message": HOST_ENDED})

    async def _is_admitted(self, connection: ServerConnection) -> bool:
        try:
            hello: Any = read_json(await asyncio.wait_for(connection.recv(), 10))
        except (ConnectionClosed, TimeoutError, ValueError):
            return False
        key = hello.get("key") if isinstance(hello, dict) else None
        if not isinstance(key, str) or not hmac.compare_digest(key.encode(), self._key.encode()):
            await connection.send(write_json({"error": "Incorrect downlink key"}))
            return False
        if hello.get("v") != PROTOCOL_VERSION:
            await connection.send(write_json({"error": "This downlink has the wrong version."}))
            return False
        await connection.send(write_json({"auth": "OK"}))
        return True
