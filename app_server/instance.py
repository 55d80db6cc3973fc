"""One hosted instance: an app, its data, its sessions and its uplinks."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import pkgutil
import secrets
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app_server.apps import App, load_app
from app_server.apps.loader import stamp_folders
from app_server.config import InstanceConfig
from app_server.errors import StartupError
from app_server.keys import InstanceKeys
from app_server.sessions import SessionStore
from app_server.uplink.registry import UplinkRegistry
from app_server.wire.macs import MacKey
from app_server.wire.peer import Peer

if TYPE_CHECKING:
    from app_server.downlink import DownlinkServer

logger = logging.getLogger(__name__)

RELOAD_CHECK_SECONDS = 1.0
SWEEP_SECONDS = 300.0
KEPT_VERSIONS = 4


class Instance:
    """What belongs to one instance. ``tables`` is its TableStore, ``links`` its open sockets."""

    def __init__(self, config: InstanceConfig, downlink: DownlinkServer):
        self.config = config
        self.name = config.name
        self.downlink = downlink
        self.app: App = load_app(config.app_folder, config.dep_ids)
        self.keys = InstanceKeys.load(config.data_dir)
        self.server_key = MacKey(self.keys.derive("server objects"))
        self.sessions = SessionStore(config.data_dir, self.keys)
        self.sessions.wants_flush = self._want_flush
        self.uplinks = UplinkRegistry()
        self.tables: Any = None
        self.links: set[Peer] = set()
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
        self._tasks = [
            asyncio.create_task(self._watch_app()),
            asyncio.create_task(self._sweep_sessions()),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self.tables is not None:
            await self.tables.close()
        self.sessions.close()

    async def check_health(self) -> dict[str, Any]:
        """``{"ok", "database": {"ok", ...}, "server_code": {"ok"}}``."""
        database = {"ok": True} if self.tables is None else await self.tables.health()
        return {
            "ok": bool(database["ok"]),
            "database": database,
            "server_code": {"ok": self.downlink.is_connected},
        }

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
            self.sessions.sweep()

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
            folders = [package.folder for package in app.packages]
            if app.version != self.app.version:
                self._take(app)

    def _take(self, app: App) -> None:
        logger.info("[%s] The app changed to version %s", self.name, app.version)
        self.app = app
        self._versions[app.version] = app
        if len(self._versions) > KEPT_VERSIONS:
            self._versions.popitem(last=False)


def _stamp(folders: list[Path]) -> Any:
    try:
        return stamp_folders(folders)
    except OSError:
        # A file vanished while we looked: something is changing.
        return secrets.token_hex(4)


def load_natives() -> None:
    """Import every module that declares native functions: those in ``app_server.native``."""
    package = importlib.import_module("app_server.native")
    for module in pkgutil.iter_modules(package.__path__, "app_server.native."):
        importlib.import_module(module.name)
