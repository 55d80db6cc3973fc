"""Starts everything, serves until told to stop, and stops everything."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import logging
import signal
import socket
from collections.abc import Iterator

import uvicorn

from app_server.config import InstanceConfig, ServerConfig
from app_server.errors import StartupError
from app_server.hosting import Hosting
from app_server.http.connections import (
    BoundedHttp,
    BoundedSocket,
    raise_file_limit,
    watch_connections,
)
from app_server.instance import Instance, load_natives
from app_server.instances import InstancesFolder
from app_server.limits import MAX_MESSAGE_BYTES
from app_server.workers import Workers

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 1
"""How long requests that are being served may take when the server is told to stop."""

CLOSE_SECONDS = 1.5
"""How long the instances may take to close."""

BACKLOG = 1024


class QuietServer(uvicorn.Server):
    """uvicorn without its own signal handling: stopping is ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class AppServer:
    """One running server."""

    def __init__(self, config: ServerConfig):
        self.config = config
        self.hosting = Hosting()
        self.workers = Workers()
        self._stop = asyncio.Event()
        self.port = config.port
        self._folder: InstancesFolder | None = None
        self._watching: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve until a signal comes. StartupError where something is missing."""
        self._catch_signals()
        raise_file_limit()
        load_natives()
        listener = listen(self.config.ip, self.config.port)
        self.port = listener.getsockname()[1]
        try:
            self.workers.start()
            if await self._start_unless_stopped():
                await self._serve(listener)
        finally:
            listener.close()
            await self._close()

    def stop(self) -> None:
        self._stop.set()

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._check_folder)

    def _check_folder(self) -> None:
        if self._folder is not None:
            self._folder.check_now()

    async def _start_unless_stopped(self) -> bool:
        """Start the instances; False where the server is told to stop meanwhile."""
        starting = asyncio.create_task(self._start_instances())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
            return False
        await starting
        return True

    async def _start_instances(self) -> None:
        if self.config.instance is not None:
            instance = Instance(self._with_real_port(self.config.instance), self.workers)
            self.hosting.serve_only(instance)
            await instance.start()
            logger.info("%s is at %s", instance.name, instance.origin)
            return
        assert self.config.instances_folder is not None
        self._folder = InstancesFolder(
            self.config.instances_folder, self.port, self.hosting, self.workers
        )
        await self._folder.check()
        self._watching = asyncio.create_task(self._folder.watch())

    def _with_real_port(self, config: InstanceConfig) -> InstanceConfig:
        """With ``--port 0`` the system chose the port; a default origin follows."""
        if not config.origin.endswith(":0"):
            return config
        return dataclasses.replace(config, origin=f"{config.origin[:-1]}{self.port}")

    async def _serve(self, listener: socket.socket) -> None:
        server = QuietServer(
            uvicorn.Config(
                self.hosting,
                loop="none",
                http=BoundedHttp,
                ws=BoundedSocket,
                ws_max_size=MAX_MESSAGE_BYTES,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=True,
                proxy_headers=False,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        guarding = asyncio.create_task(watch_connections(server.server_state.connections))
        stopping = asyncio.create_task(self._stop.wait())
        logger.info("Listening on %s port %d", self.config.ip, self.port)
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        server.should_exit = True
        await serving
        guarding.cancel()

    async def _close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        closing = [asyncio.create_task(instance.stop()) for instance in self.hosting.instances]
        if closing:
            _, late = await asyncio.wait(closing, timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
        await self.workers.stop()


def listen(ip: str, port: int) -> socket.socket:
    """A listening socket. StartupError says why there can be none."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ip, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise StartupError(_explain_bind(ip, port, error)) from error
    listener.setblocking(False)
    return listener


def _explain_bind(ip: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {ip} is taken by another program. Stop that, or give --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{ip} is not an address of this machine. Give another with --ip."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used by this user. Give one above 1023 with --port."
    return f"Cannot listen on {ip} port {port}: {error.strerror}."
