"""uvicorn in this process, with the server's own protocol classes, around any ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import uvicorn

from app_server.http.connections import BoundedHttp, BoundedSocket, watch_connections
from app_server.limits import MAX_MESSAGE_BYTES
from app_server.server import QuietServer


@dataclass
class Served:
    port: int
    connections: set[Any]

    async def connect(self, *, buffer: int | None = None) -> tuple[Any, Any]:
        """A connection as ``(reader, writer)``. ``buffer``: what it takes without being read."""
        made = socket.socket()
        if buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", self.port))
        return await asyncio.open_connection(sock=made, limit=buffer or 2**16)


@contextlib.asynccontextmanager
async def served(app: Any) -> AsyncIterator[Served]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    server = QuietServer(
        uvicorn.Config(
            app,
            loop="none",
            http=BoundedHttp,
            ws=BoundedSocket,
            ws_max_size=MAX_MESSAGE_BYTES,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    guarding = asyncio.create_task(watch_connections(server.server_state.connections))
    try:
        yield Served(listener.getsockname()[1], server.server_state.connections)
    finally:
        guarding.cancel()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        server.should_exit = True
        await serving
        listener.close()
