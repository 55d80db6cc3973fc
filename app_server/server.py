"""Starts everything, serves until told to stop, and stops everything.

SIGTERM and SIGINT stop it (a second one at once), SIGHUP reads the configuration and the apps anew,
SIGUSR2 starts the whole program anew in the same process without letting go of its socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import enum
import logging
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

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
from app_server.limits import KEEP_ALIVE_SECONDS, MAX_MESSAGE_BYTES
from app_server.listening import listen
from app_server.replacement import change_instance
from app_server.restart import is_fit_to_start
from app_server.shell import run_shell
from app_server.tls import RedirectServer, load_certificate, make_tls_context
from app_server.workers import Workers

if TYPE_CHECKING:
    from app_server.email.incoming import MailServer

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 6.0
"""How long calls and requests that are being served may take when the server is told to stop."""

INTERRUPT_SECONDS = 2.0
"""The same when somebody at the terminal waits for it (SIGINT)."""

RESTART_SECONDS = 10.0
"""The same before a restart: visitors wait meanwhile, and for the start."""

FAREWELL_SECONDS = 1.0
"""Before a restart, for how long each answer closes its connection at the least: one that is used
is then not cut under a request."""

CLOSE_SECONDS = 1.5
"""How long the instances may take to close..."""

CLOSE_BEFORE_RESTART_SECONDS = 15.0
"""...and before a restart: an embedded Postgres has to be down before it is started again."""


class Ending(enum.Enum):
    """Why the server ends, with how long what runs may go on."""

    STOP = DRAIN_SECONDS
    INTERRUPT = INTERRUPT_SECONDS
    RESTART = RESTART_SECONDS


class QuietServer(uvicorn.Server):
    """uvicorn without its own signal handling: stopping is ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class AppServer:
    """One running server. ``read_config`` reads its configuration anew (SIGHUP)."""

    def __init__(self, config: ServerConfig, read_config: Callable[[], ServerConfig] | None = None):
        self.config = config
        self.hosting = Hosting()
        self.workers = Workers()
        self.port = config.port
        self._mail: MailServer | None = None
        self.listener: socket.socket | None = None
        self._read_config = read_config or (lambda: config)
        self._ending: Ending | None = None
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._folder: InstancesFolder | None = None
        self._tls: ssl.SSLContext | None = None
        self._mail_tls: ssl.SSLContext | None = None
        self._redirect: RedirectServer | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_to_restart(self) -> bool:
        return self._ending is Ending.RESTART

    async def run(self) -> None:
        """Serve until a signal comes. StartupError where something is missing. With a restart to
        come, the listening socket stays open."""
        self._catch_signals()
        raise_file_limit()
        load_natives()
        if self.config.tls is not None:
            self._tls = make_tls_context(self.config.tls, "http/1.1")
            self._mail_tls = make_tls_context(self.config.tls)
        self.listener = listen(self.config.ip, self.config.port)
        self.port = self.listener.getsockname()[1]
        try:
            await self._start_redirect()
            self.workers.start()
            if await self._start_unless_stopped():
                if self.config.smtp_server_port is not None:
                    await self._receive_mail(self.config.smtp_server_port)
                await self._serve(self.listener)
        finally:
            if not self.is_to_restart:
                self.listener.close()
            await self._close()

    async def _receive_mail(self, port: int) -> None:
        # Loaded only where it is wanted: that takes a tenth of a second.
        from app_server.email.incoming import MailServer

        self._mail = MailServer(self.hosting)
        await self._mail.start(self.config.ip, port, self._mail_tls)

    def stop(self, ending: Ending = Ending.STOP) -> None:
        if self._ending is not None:
            self._hurry.set()
        self._ending = self._ending or ending
        self._stop.set()

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop)
        loop.add_signal_handler(signal.SIGINT, self.stop, Ending.INTERRUPT)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._spawn(self._reload()))
        loop.add_signal_handler(signal.SIGUSR2, lambda: self._spawn(self._restart()))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _restart(self) -> None:
        """Restart, unless that would end in nothing: a configuration or code that is broken."""
        try:
            self._read_config()
            await is_fit_to_start()
        except StartupError as error:
            logger.error("No restart, this server goes on: %s", error)
            return
        logger.info("Starting anew")
        self.stop(Ending.RESTART)

    async def _reload(self) -> None:
        """Take over a changed configuration and changed apps, while everything goes on."""
        logger.info("Reading the configuration and the apps anew")
        try:
            config = self._read_config()
            for context in (self._tls, self._mail_tls):
                if context is not None and config.tls is not None:
                    load_certificate(context, config.tls)
        except StartupError as error:
            logger.error("What was before goes on: %s", error)
            return
        if (config.ip, config.port) != (self.config.ip, self.config.port):
            logger.warning("Another address to listen on takes a restart")
        self.config = dataclasses.replace(config, ip=self.config.ip, port=self.config.port)
        if self._folder is not None:
            await self._folder.reload(config.shared)
        elif config.instance is not None:
            await self._change_only(self._with_real_port(config.instance))

    async def _change_only(self, config: InstanceConfig) -> None:
        instance = self.hosting.instances[0]
        if self.config.has_shell:
            config = dataclasses.replace(config, uplink_key=instance.config.uplink_key)
        try:
            await change_instance(instance, config, self.workers, self.hosting.serve_only)
        except StartupError as error:
            logger.error("[%s] What was before goes on: %s", instance.name, error)

    async def _start_redirect(self) -> None:
        if self.config.redirect_port is None:
            return
        self._redirect = RedirectServer(
            self.config.ip, self.config.redirect_port, self.port, self.hosting.answers_to
        )
        await self._redirect.start()
        logger.info("Plain HTTP on port %d leads to the address by https", self._redirect.port)

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
            self.config.instances_folder,
            self.port,
            self.hosting,
            self.workers,
            self.config.shared,
        )
        await self._folder.check()
        self.hosting.state.has_started = True
        self._spawn(self._folder.watch())

    def _with_real_port(self, config: InstanceConfig) -> InstanceConfig:
        """With ``--port 0`` the system chose the port; a default origin follows."""
        if not config.origin.endswith(":0"):
            return config
        return dataclasses.replace(config, origin=f"{config.origin[:-1]}{self.port}")

    async def _serve(self, listener: socket.socket) -> None:
        config = uvicorn.Config(
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
            timeout_keep_alive=int(KEEP_ALIVE_SECONDS),
            timeout_graceful_shutdown=1,
        )
        config.load()
        config.ssl = self._tls
        server = QuietServer(config)
        serving = asyncio.create_task(server.serve(sockets=[listener.dup()]))
        guarding = asyncio.create_task(watch_connections(server.server_state.connections))
        stopping = asyncio.create_task(self._stop.wait())
        logger.info("Listening on %s port %d", self.config.ip, self.port)
        if self.config.has_shell:
            self._spawn(self._run_shell())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        await self._drain(server, listener)
        server.should_exit = True
        await serving
        guarding.cancel()

    async def _run_shell(self) -> None:
        """Until somebody leaves the shell; then everything ends, as on Anvil's server."""
        # Ctrl-C is for the shell now.
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: None)
        await run_shell(self.hosting.instances[0].config, self.config, self.port)
        self.stop()

    async def _drain(self, server: uvicorn.Server, listener: socket.socket) -> None:
        """Take no new connections, and let end what runs, for as long as may be."""
        self.hosting.state.is_leaving = True
        for accepting in getattr(server, "servers", ()):
            accepting.close()
        if not self.is_to_restart:
            listener.close()
        ending = self._ending or Ending.STOP
        instances = self.hosting.instances
        for instance in instances:
            instance.leave()
        work: list[Awaitable[None]] = [instance.wait_until_idle() for instance in instances]
        if self.is_to_restart:
            work.append(asyncio.sleep(FAREWELL_SECONDS))
        if not work:
            return
        hurrying: asyncio.Future[Any] = asyncio.ensure_future(self._hurry.wait())
        waiting: asyncio.Future[Any] = asyncio.gather(*work)
        await asyncio.wait(
            {waiting, hurrying},
            timeout=ending.value,
            return_when=asyncio.FIRST_COMPLETED,
        )
        hurrying.cancel()
        if not waiting.done():
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting
            logger.warning("What takes longer than %g s is cut off", ending.value)

    async def _close(self) -> None:
        if self._mail is not None:
            await self._mail.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._redirect is not None:
            await self._redirect.stop()
        closing = [asyncio.create_task(instance.stop()) for instance in self.hosting.instances]
        if closing:
            seconds = CLOSE_BEFORE_RESTART_SECONDS if self.is_to_restart else CLOSE_SECONDS
            _, late = await asyncio.wait(closing, timeout=seconds)
            for task in late:
                task.cancel()
        await self.workers.stop()
