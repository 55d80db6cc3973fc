"""One hosted instance: an app, its data, its sessions and its uplinks."""

from __future__ import annotations

import asyncio
import importlib
import logging
import pkgutil
import secrets
import sqlite3
from collections import OrderedDict
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app_server.apps import App, load_app
from app_server.apps.folder import read_yaml
from app_server.apps.loader import stamp_folders
from app_server.background import BackgroundTasks, Scheduler
from app_server.config import NO_DATABASE, InstanceConfig
from app_server.embedded import EmbeddedDatabase, open_embedded
from app_server.errors import StartupError
from app_server.http.bundle import get_bundle
from app_server.http.compiled import start_compiling
from app_server.keys import InstanceKeys
from app_server.limits import (
    ATTEMPT_BURST,
    MAX_ATTEMPTS_PER_MINUTE,
    REQUEST_BURST,
)
from app_server.rates import RateLimits
from app_server.request import Reply
from app_server.session_renewal import Tickets
from app_server.sessions import SessionStore
from app_server.tables import TableStore
from app_server.uplink.registry import UplinkRegistry
from app_server.users.request import prepare_users
from app_server.users.schema import complete_schema
from app_server.wire.macs import MacKey
from app_server.wire.peer import Peer
from app_server.workers.pool import WorkerPool

if TYPE_CHECKING:
    from app_server.workers import Workers

logger = logging.getLogger(__name__)

RELOAD_CHECK_SECONDS = 1.0
SWEEP_SECONDS = 300.0
KEPT_VERSIONS = 4
CONSTRAINTS_FILE = "constraints.yaml"


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
        self.uplinks = UplinkRegistry()
        self.workers = WorkerPool(self, workers)
        self.tables: Any = None
        self.background: Any = None
        self.scheduler: Scheduler | None = None
        self.links: set[Peer] = set()
        self.calls: set[asyncio.Task[Reply]] = set()
        self.request_rates = RateLimits(config.requests_per_second, REQUEST_BURST)
        self.attempt_rates = RateLimits(MAX_ATTEMPTS_PER_MINUTE / 60, ATTEMPT_BURST)
        self._embedded: EmbeddedDatabase | None = None
        self._versions: OrderedDict[str, App] = OrderedDict({self.app.version: self.app})
        self._tasks: list[asyncio.Task[None]] = []
        self._is_flush_due = False

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
            asyncio.create_task(self._watch_app()),
            asyncio.create_task(self._sweep_sessions()),
            asyncio.create_task(self._prepare_pages(self.app)),
        ]

    async def _prepare_pages(self, app: App) -> None:
        """Have the browser's code ready before the first visitor asks, and bad templates told to
        the operator at once instead of to that visitor."""
        try:
            future = start_compiling(app)
            await get_bundle(app)
            if future is not None:
                await asyncio.wrap_future(future)
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
            complete_schema(self.app),
            data_dir=self.config.data_dir,
            auto_migrate=self.config.auto_migrate,
            ignore_invalid_schema=self.config.ignore_invalid_schema,
            constraints=read_constraints(self.app),
        )

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

    def run_call(self, work: Coroutine[Any, Any, Reply]) -> asyncio.Task[Reply]:
        """Serve a call beside whoever asked for it; it ends at the latest with the instance."""
        task = asyncio.create_task(work)
        self.calls.add(task)
        task.add_done_callback(self.calls.discard)
        return task

    def find_version(self, version: str) -> App:
        """The app as it was in this version, if that was a short while ago; else as it is now."""
        return self._versions.get(version, self.app)

    def _want_flush(self) -> None:
        """Write sessions soon, once for all changes of this turn."""
        if not self._is_flush_due:
            self._is_flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

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

    async def _watch_app(self) -> None:
        """Load the app again when one of its files changes. While it is broken, the version before
        goes on."""
        folders = [package.folder for package in self.app.packages]
        stamp = await asyncio.to_thread(_stamp, folders)
        while True:
            await asyncio.sleep(RELOAD_CHECK_SECONDS)
            now = await asyncio.to_thread(_stamp, folders)
            if now == stamp:
                continue
            stamp = now
            try:
                app = await asyncio.to_thread(load_app, self.config.app_folder, self.config.dep_ids)
            except (StartupError, OSError) as error:
                logger.error("[%s] The changed app cannot be loaded: %s", self.name, error)
                continue
            except Exception:
                # Files may be half written; the next change is looked at all the same.
                logger.exception("[%s] The changed app cannot be loaded", self.name)
                continue
            folders = [package.folder for package in app.packages]
            if app.version != self.app.version:
                self._take(app)

    def _take(self, app: App) -> None:
        logger.info("[%s] The app changed to version %s", self.name, app.version)
        self.app = app
        self._versions[app.version] = app
        self._tasks.append(asyncio.create_task(self._prepare_pages(app)))
        if len(self._versions) > KEPT_VERSIONS:
            self._versions.popitem(last=False)


def _stamp(folders: list[Path]) -> Any:
    try:
        return stamp_folders(folders)
    except OSError:
        # A file vanished while we looked: something is changing.
        return secrets.token_hex(4)


def read_constraints(app: App) -> Any:
    """The rules in ``constraints.yaml`` of the app and of its dependencies, by table; the app's own
    come last."""
    merged: dict[str, dict[str, Any]] = {}
    for package in app.packages:
        path = package.folder / CONSTRAINTS_FILE
        if not path.is_file():
            continue
        content = read_yaml(path) or {}
        if not isinstance(content, dict):
            raise StartupError(f"{path} has to be a mapping of tables to their rules.")
        for table, rules in content.items():
            _merge_rules(merged.setdefault(str(table), {}), rules, path)
    return merged or None


def _merge_rules(into: dict[str, Any], rules: Any, path: Path) -> None:
    if not isinstance(rules, dict):
        raise StartupError(f"{path}: the rules of a table have to be a mapping.")
    for kind, entries in rules.items():
        present = into.get(kind)
        if isinstance(entries, list) and isinstance(present, list):
            into[kind] = [*present, *entries]
        elif isinstance(entries, dict) and isinstance(present, dict):
            into[kind] = {**present, **entries}
        else:
            into[kind] = entries


def load_natives() -> None:
    """Import every module that declares native functions: those in ``app_server.native``."""
    package = importlib.import_module("app_server.native")
    for module in pkgutil.iter_modules(package.__path__, "app_server.native."):
        importlib.import_module(module.name)
