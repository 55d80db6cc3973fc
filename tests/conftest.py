"""What every test may ask for: a real Postgres, a real Chromium, the bundles built."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Awaitable, Generator, Iterator
from pathlib import Path
from typing import Any

import fasteners
import psycopg
import pytest
from hypothesis import settings
from playwright._impl._sync_base import SyncBase
from playwright.sync_api import Browser, sync_playwright

from app_server import postgres

# A deadline would measure the machine. In CI the examples are the same in each run: a change is
# judged by what it did, and new examples are looked for where somebody can act on them.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Postgres server with superuser rights, shared by all workers of a run."""
    given = os.environ.get("MYBIZZ_TEST_POSTGRES")
    if given:
        yield given
        return
    # Below the system's temporary folder, not pytest's: as root the server runs as another user,
    # who must be able to walk the path.
    with tempfile.TemporaryDirectory(prefix="mybizz-test-pg-") as folder:
        server = postgres.start(Path(folder) / "postgres")
        try:
            yield server.admin_url
        finally:
            server.stop()


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """A fresh, empty database that is dropped after the test."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    parts = psycopg.conninfo.conninfo_to_dict(postgres_url)
    parts["dbname"] = name
    yield psycopg.conninfo.make_conninfo(**parts)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def runtime() -> None:
    """The browser runtime, built. One process builds, the others wait and find it done."""
    build("app_server/browser/build.mjs")


@pytest.fixture(scope="session")
def m3_assets(runtime: None) -> None:
    """The web side of m3, built."""
    build("m3/web/build.mjs")


def build(script: str) -> None:
    node = shutil.which("node")
    assert node, "Node.js 20 is needed"
    with fasteners.InterProcessLock(ROOT / ".build" / "test-build.lock"):
        subprocess.run([node, script], cwd=ROOT, check=True)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests of a worker: Playwright's plain API stands only one at a time."""
    found = (shutil.which(name) for name in CHROMIUM_NAMES)
    path = os.environ.get("MYBIZZ_CHROMIUM") or next(filter(None, found), None)
    assert path, "Chromium is needed; scripts/test installs it"
    with sync_playwright() as playwright, loop_at_hand():
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        loop = asyncio._get_running_loop()
        yield browser
        asyncio._set_running_loop(loop)
        browser.close()


@contextlib.contextmanager
def loop_at_hand() -> Iterator[None]:
    """Each call of Playwright's finds its event loop marked as running, also in the end of a
    fixture behind a test for which it was hidden."""
    real = SyncBase._sync

    def call(self: SyncBase, awaitable: Awaitable[Any]) -> Any:
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self._loop)
        try:
            return real(self, awaitable)
        finally:
            asyncio._set_running_loop(before)

    SyncBase._sync = call  # type: ignore[method-assign]
    try:
        yield
    finally:
        SyncBase._sync = real  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let tests use asyncio though Chromium is open: Playwright's plain API keeps an event loop of
    its own marked as running all the while, and asyncio starts no second one."""
    is_coroutine = inspect.iscoroutinefunction(getattr(item, "obj", None))
    if "chromium" in getattr(item, "fixturenames", ()) and not is_coroutine:
        return (yield)
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return (yield)
    finally:
        asyncio._set_running_loop(None if loop is None or loop.is_closed() else loop)
