"""One hosted instance: an app, its data, its sessions and its uplinks."""

from __future__ import annotations

import asyncio
import importlib
import logging
import pkgutil
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from app_server.app_reload import AppReload
from app_server.apps import App, load_app
from app_server.background import BackgroundTasks, Scheduler
from app_server.config import NO_DATABASE, InstanceConfig
from app_server.embedded import EmbeddedDatabase, open_embedded
from app_server.gate import Gate
from app_server.http.bundle import get_bundle
from app_server.http.compiled import find_plan, start_compiling
from app_server.http.problems import refuse_for_now
from app_server.keys import InstanceKeys
from app_server.limits import (
    ATTEMPT_BURST,
    MAX_ATTEMPTS_PER_MINUTE,
    PACED_CALL_BURST,
    PACED_CALLS_PER_SECOND,
    REQUEST_BURST,
)
from app_server.metrics import InstanceMetrics
from app_server.rates import Pace, RateLimits
from app_server.request import Reply
from app_server.session_renewal import Tickets
from app_server.sessions import SessionStore
from app_server.tables import TableStore
from app_server.tables.migration import Options
from app_server.tables.pool import MAX_CONNECTIONS
from app_server.tables.wanted import schema_of
from app_server.uplink.registry import UplinkRegistry
from app_server.users.request import prepare_users
from app_server.wire.macs import MacKey
from app_server.wire.peer import Peer
from app_server.workers.pool import WorkerPool
from app_server.workers.temporary import make_temporary_folder

if TYPE_CHECKING:
    from app_server.workers import Workers

logger = logging.getLogger(__name__)

FIXED = (
    "name",
    "data_dir",
    "database",
    "pool_size",
    "transaction_seconds",
    "auto_migrate",
    "allow_data_loss",
    "ignore_invalid_schema",
)
"""What an instance cannot change while it runs."""

SWEEP_SECONDS = 300.0
FLUSH_SECONDS = 0.05
KEPT_VERSIONS = 4


class Instance:
    """What belongs to one instance.

    ``tables`` is its TableStore (None with ``database: none``), ``background`` its BackgroundTasks,
    ``links`` are its open sockets, ``calls`` what is being done for browsers.
    """

    def __init__(self, config: InstanceConfig, workers: Workers):
        self.config = config
        self.name = config.name
        self.app: App = load_app(config.app_folder, config.dep_ids)
        self.keys = InstanceKeys.load(config.data_dir)
        self.server_key = MacKey(self.keys.derive("server objects"))
        self.sessions = SessionStore(config.data_dir, self.keys)
        self.sessions.wants_flush = self._want_flush
        self.tickets = Tickets()
        self.temporary_folder = make_temporary_folder(config.data_dir)
        self.uplinks = UplinkRegistry()
        self.workers = WorkerPool(self, workers)
        self.tables: Any = None
        self.background: Any = None
        self.scheduler: Scheduler | None = None
        self.links: set[Peer] = set()
        self.calls: set[asyncio.Task[Reply]] = set()
        self.request_rates = RateLimits(config.requests_per_second, REQUEST_BURST)
        self.pace = Pace(PACED_CALLS_PER_SECOND, PACED_CALL_BURST)
        self.attempt_rates = RateLimits(MAX_ATTEMPTS_PER_MINUTE / 60, ATTEMPT_BURST)
        self._embedded: EmbeddedDatabase | None = None
        self._versions: OrderedDict[str, App] = OrderedDict({self.app.version: self.app})
        self._tasks: list[asyncio.Task[None]] = []
        self._is_flush_due = False
        self.reload = AppReload(self)
        self.gate = Gate()
        self.entrance: ASGIApp = refuse_for_now
        self.metrics = InstanceMetrics()
        self.started_at = time.time()

    @property
    def origin(self) -> str:
        return self.config.origin

    @property
    def app_info(self) -> dict[str, Any]:
        """``anvil.app``: id, branch and environment."""
        return {
            "id": self.name,
            "branch": None,
            "environment": {"description": self.name, "tags": []},
        }

    async def start(self) -> None:
        """Open what the instance needs. StartupError where that is not there."""
        try:
            await self._open_tables()
            if self.tables is not None:
                await prepare_users(self)
                self.background = BackgroundTasks(self)
                await self.background.start()
                self.scheduler = Scheduler(self.background)
                self.scheduler.start()
        except BaseException:
            await self.stop()
            raise
        self._tasks = [
            asyncio.create_task(self.reload.watch()),
            asyncio.create_task(self._sweep_sessions()),
            asyncio.create_task(self._prepare_pages(self.app)),
        ]

    async def _prepare_pages(self, app: App) -> None:
        """Have the browser's code ready before the first visitor asks, and bad templates told to
        the operator at once instead of to that visitor."""
        try:
            future = start_compiling(app)
            if future is not None:
                await asyncio.wrap_future(future)
            await get_bundle(app, find_plan(app))
        except Exception:
            # Nobody waits for this; a page that needs it tries again and tells its visitor.
            logger.exception("[%s] The browser's code cannot be made ready", self.name)

    async def _open_tables(self) -> None:
        if self.config.database == NO_DATABASE:
            return
        database = self.config.database
        if database is None:
            self._embedded = await asyncio.to_thread(open_embedded, self.config.data_dir)
            database = self._embedded.url
        self.tables = await TableStore.open(
            database,
            **schema_of(self.app),
            data_dir=self.config.data_dir,
            auto_migrate=self.config.auto_migrate,
            ignore_invalid_schema=self.config.ignore_invalid_schema,
            allow_data_loss=self.config.allow_data_loss,
            pool_size=self.config.pool_size or MAX_CONNECTIONS,
            transaction_seconds=self.config.transaction_seconds,
        )

    async def migrate_tables(self, app: App) -> None:
        """Change the tables for a changed app while it is served. StartupError where the options or
        the values forbid it; then nothing is changed."""
        wanted, known = schema_of(app), schema_of(self.app)
        wanted_version, _ = wanted.pop("app_version"), known.pop("app_version")
        if self.tables is None or wanted == known:
            return
        options = Options(
            auto_migrate=self.config.auto_migrate,
            ignore_invalid_schema=self.config.ignore_invalid_schema,
            allow_data_loss=self.config.allow_data_loss,
        )
        await self.tables.migrate(**wanted, app_version=wanted_version, options=options)

    async def stop(self) -> None:
        """Close everything, in the reverse order. Safe to call after a start that failed."""
        for step in (
            self._stop_tasks,
            self._stop_background,
            self._stop_calls,
            self.workers.stop,
            self._close_tables,
            self._close_sessions,
            self._stop_embedded,
        ):
            try:
                await step()
            except Exception:
                # A database that is gone must not keep the sessions from the disk.
                logger.exception("[%s] Stopping was not clean", self.name)

    async def _stop_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stop_background(self) -> None:
        if self.scheduler is not None:
            await self.scheduler.stop()
        if self.background is not None:
            await self.background.stop()

    async def _stop_calls(self) -> None:
        for link in list(self.links):
            await link.shut_down()
        calls = list(self.calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def _close_tables(self) -> None:
        if self.tables is not None:
            await self.tables.close()

    async def _close_sessions(self) -> None:
        self.sessions.close()

    async def _stop_embedded(self) -> None:
        if self._embedded is not None:
            await asyncio.to_thread(self._embedded.stop)

    async def check_health(self) -> dict[str, Any]:
        """``{"ok", "message", "database": {"ok", ...}, "server_code": {"ok"}}``."""
        database = {"ok": True} if self.tables is None else await self.tables.health()
        is_well = bool(database["ok"])
        return {
            "ok": is_well,
            "message": "All is well." if is_well else "The database cannot be reached.",
            "database": database,
            "server_code": {"ok": self.workers.is_well},
        }

    def judge_readiness(self, health: dict[str, Any]) -> tuple[bool, list[str]]:
        """Whether to send visitors here, and what speaks against it, by ``check_health``."""
        against = {
            "The server is being stopped.": self.gate.is_leaving,
            "The database cannot be reached.": not health["database"]["ok"],
            "Server code cannot be run.": not health["server_code"]["ok"],
        }
        reasons = [reason for reason, is_so in against.items() if is_so]
        return not reasons, reasons

    def run_call(self, work: Coroutine[Any, Any, Reply]) -> asyncio.Task[Reply]:
        """Serve a call beside whoever asked for it; it ends at the latest with the instance."""
        task = asyncio.create_task(work)
        self.calls.add(task)
        task.add_done_callback(self.calls.discard)
        return task

    def leave(self) -> None:
        """Take leave of whoever is connected: what runs may end, and browsers connect anew."""
        self.gate.is_leaving = True
        for link in list(self.links):
            link.leave()

    async def wait_until_idle(self) -> None:
        """Until nothing is done for anybody."""
        await self.gate.wait_until_empty()
        while self.calls:
            await asyncio.wait(self.calls)
        for link in list(self.links):
            await link.wait_until_idle()

    def take_config(self, config: InstanceConfig) -> bool:
        """Go on with another configuration. False where that takes another instance."""
        if any(getattr(config, name) != getattr(self.config, name) for name in FIXED):
            return False
        before, self.config = self.config, config
        self.request_rates = RateLimits(config.requests_per_second, REQUEST_BURST)
        keys = (config.uplink_key, config.client_uplink_key)
        if keys != (before.uplink_key, before.client_uplink_key):
            # Whoever has the key comes back; who has the old one does not.
            for uplink in self.uplinks.links:
                uplink.spawn(uplink.shut_down())
        return True

    def find_version(self, version: str) -> App:
        """The app as it was in this version, if that was a short while ago; else as it is now."""
        return self._versions.get(version, self.app)

    def recent_versions(self) -> list[App]:
        """The app as it is now, and as it was for pages that were opened a short while ago."""
        return [self.app, *(app for app in self._versions.values() if app is not self.app)]

    def _want_flush(self) -> None:
        """Write sessions soon, once for all that change meanwhile: each write is a transaction."""
        if not self._is_flush_due:
            self._is_flush_due = True
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._flush)

    def _flush(self) -> None:
        self._is_flush_due = False
        self.sessions.flush()

    async def _sweep_sessions(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                self.sessions.sweep()
            except sqlite3.Error as error:
                logger.error("[%s] Expired sessions were not removed: %s", self.name, error)

    async def take(self, app: App) -> None:
        """Go on with a new version of the app."""
        logger.info("[%s] The app changed to version %s", self.name, app.version)
        self.app = app
        self._versions[app.version] = app
        self._tasks.append(asyncio.create_task(self._prepare_pages(app)))
        if len(self._versions) > KEPT_VERSIONS:
            self._versions.popitem(last=False)


def load_natives() -> None:
    """Import every module that declares native functions: those in ``app_server.native``."""
    package = importlib.import_module("app_server.native")
    for module in pkgutil.iter_modules(package.__path__, "app_server.native."):
        importlib.import_module(module.name)
