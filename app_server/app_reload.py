"""Loads an app again when its files change, as Anvil's server does.

Everything counts at once for what comes next: server code (new worker processes; calls that run go
on with the old code), forms and client code, theme and services at the next page load. Pages that
are open are told nothing and keep the client code that they have. While the changed app is broken,
the version before goes on.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app_server.app_watch import shared_watch
from app_server.apps import App, load_app
from app_server.apps.loader import stamp_folders
from app_server.errors import StartupError

if TYPE_CHECKING:
    from app_server.instance import Instance

logger = logging.getLogger(__name__)

CHECKED_FILES = 5000


class AppReload:
    """Of one instance. ``problem`` says what is wrong with the files as they are now, where they
    cannot be loaded."""

    def __init__(self, instance: Instance):
        self._instance = instance
        self._folders: list[Path] = []
        self._stamp: Any = None
        self._wake = asyncio.Event()
        self._lock = asyncio.Lock()
        self.problem: str | None = None

    async def watch(self) -> None:
        """Follow the app's folders, until cancelled."""
        self._folders = [package.folder for package in self._instance.app.packages]
        # What it was loaded from is not known to the moment: the first look compares the content.
        tell_syntax_errors(self._instance.name, self._instance.app)
        self._follow()
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self.check()
        finally:
            shared_watch().forget(self)

    def _follow(self) -> None:
        # A file of a dependency that was missing comes into a folder that was not there.
        shared_watch().follow(self, self._folders, self._wake.set)

    async def check(self, *, is_forced: bool = False) -> None:
        """Load the app if its files have changed, or anyhow."""
        async with self._lock:
            stamp = await asyncio.to_thread(_stamp, self._folders)
            if stamp == self._stamp and not is_forced:
                return
            self._stamp = stamp
            app = await self._load()
            if app is None:
                return
            self.problem = None
            self._folders = [package.folder for package in app.packages]
            self._follow()
            if app.version != self._instance.app.version:
                await asyncio.to_thread(tell_syntax_errors, self._instance.name, app)
                if await self._migrate(app):
                    await self._instance.take(app)

    async def _migrate(self, app: App) -> bool:
        """Have the tables follow. Where they cannot, the version that fits them goes on."""
        try:
            await self._instance.migrate_tables(app)
        except StartupError as error:
            self.problem = str(error)
            logger.error("[%s] The version before goes on. %s", self._instance.name, error)
            return False
        return True

    async def _load(self) -> App | None:
        config, name = self._instance.config, self._instance.name
        try:
            return await asyncio.to_thread(load_app, config.app_folder, config.dep_ids)
        except (StartupError, OSError) as error:
            self.problem = str(error)
            logger.error("[%s] The changed app cannot be loaded: %s", name, error)
        except Exception as error:
            # Files may be half written; the next change is looked at all the same.
            self.problem = repr(error)
            logger.exception("[%s] The changed app cannot be loaded", name)
        return None


def _stamp(folders: list[Path]) -> Any:
    try:
        return stamp_folders(folders)
    except OSError:
        # A file vanished while we looked: something is changing.
        return secrets.token_hex(4)


def tell_syntax_errors(instance_name: str, app: App) -> None:
    """Log what Python cannot read, before somebody runs into it."""
    for message in find_syntax_errors(app):
        logger.error("[%s] %s", instance_name, message)


def find_syntax_errors(app: App) -> Iterator[str]:
    """``path, line n: reason`` for each file of Python that is none."""
    for package in app.packages:
        for part in (package.forms, package.modules, package.server_modules):
            for module in part:
                problem = _find_syntax_error(str(module.path), module.code)
                if problem is not None:
                    yield problem


@lru_cache(CHECKED_FILES)
def _find_syntax_error(path: str, code: str) -> str | None:
    try:
        compile(code, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"{path}, line {error.lineno}: {error.msg}"
    except ValueError as error:
        return f"{path}: {error}"
    return None
