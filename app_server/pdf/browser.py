"""A Chromium process for one print: found, started, watched, and ended with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil

from app_server.limits import MAX_PDF_MEMORY_BYTES
from app_server.pdf.devtools import BrowserError, DevTools, OnEvent

logger = logging.getLogger(__name__)

NAMES = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "chrome")
USUAL_PATHS = (
    "/usr/bin/chromium",
    "/usr/lib/chromium/chromium",
    "/snap/bin/chromium",
    "/opt/google/chrome/chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
START_SECONDS = 15.0
LOOK_SECONDS = 0.5
NOBODY = "nobody"

FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-quic",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--remote-debugging-pipe",
    "--js-flags=--max-old-space-size=512",
)

_sandbox_works = True
"""Chromium's own sandbox needs user namespaces, which many containers do not give."""


def find_browser(configured: str | None) -> str | None:
    """The program, by ``pdf-browser`` or where it usually is; None where there is none."""
    if configured:
        return shutil.which(configured)
    found = (shutil.which(name) for name in (*NAMES, *USUAL_PATHS))
    return next((path for path in found if path), None)


@contextlib.asynccontextmanager
async def open_browser(
    program: str, flags: list[str], on_event: OnEvent
) -> AsyncIterator[DevTools]:
    """A browser that ends with the block. BrowserError where it does not start."""
    global _sandbox_works
    with tempfile.TemporaryDirectory(prefix="anvil-pdf-", ignore_cleanup_errors=True) as folder:
        for has_sandbox in (True, False) if _sandbox_works else (False,):
            browser = _Browser(program, Path(folder), on_event)
            try:
                await browser.start([*flags, *(() if has_sandbox else ("--no-sandbox",))])
            except BrowserError as error:
                await browser.end()
                if not has_sandbox or "sandbox" not in str(error).lower():
                    raise
                logger.warning(
                    "PDFs are printed without Chromium's sandbox: this system gives it no user "
                    "namespaces."
                )
                _sandbox_works = False
                continue
            except BaseException:
                # Time is up, or whoever wanted it is gone, while it starts.
                await browser.end()
                raise
            try:
                yield browser.tools
            finally:
                await browser.end()
            return


class _Browser:
    def __init__(self, program: str, folder: Path, on_event: OnEvent):
        self._program = program
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._stderr: asyncio.Task[bytes] | None = None
        self.tools = DevTools(on_event)

    async def start(self, flags: list[str]) -> None:
        user = _unprivileged_user()
        if user is not None:
            os.chown(self._folder, user, user)
        chromium_reads, we_write = os.pipe()
        we_read, chromium_writes = os.pipe()
        theirs = (chromium_reads, chromium_writes)
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                str(Path(__file__).with_name("launch.py")),
                *map(str, theirs),
                "" if user is None else str(user),
                self._program,
                *FLAGS,
                f"--user-data-dir={self._folder}",
                *flags,
                "about:blank",
                cwd="/",
                env=self._environment(),
                pass_fds=theirs,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except BaseException as error:
            # A browser that has come up nevertheless ends when its pipe does.
            os.close(we_read)
            os.close(we_write)
            if isinstance(error, OSError):
                raise BrowserError(f"{self._program} cannot be started: {error}") from error
            raise
        finally:
            for end in theirs:
                os.close(end)
        assert self._process.stderr is not None
        self._stderr = asyncio.create_task(_read_end(self._process.stderr))
        await self.tools.open(we_read, we_write)
        try:
            async with asyncio.timeout(START_SECONDS):
                await self.tools.call("Browser.getVersion")
        except (BrowserError, TimeoutError) as error:
            await self._kill()
            said = (await self._stderr).decode(errors="replace").strip()
            raise BrowserError(f"{self._program} did not start: {said[-600:]}") from error
        self._watching = asyncio.create_task(self._watch_memory())

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        own = ("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")
        return {**kept, **dict.fromkeys(own, str(self._folder))}

    async def _watch_memory(self) -> None:
        while self._process is not None and self._process.returncode is None:
            await asyncio.sleep(LOOK_SECONDS)
            used = await asyncio.to_thread(_resident_bytes, self._process.pid)
            if used > MAX_PDF_MEMORY_BYTES:
                logger.warning("A PDF took %d MB of memory and was given up", used // 1024**2)
                await self._kill()

    async def end(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self.tools.close()
        await self._kill()
        if self._stderr is not None:
            self._stderr.cancel()
            await asyncio.gather(self._stderr, return_exceptions=True)

    async def _kill(self) -> None:
        if self._process is None:
            return
        for process in _family(self._process.pid):
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


async def _read_end(stream: asyncio.StreamReader) -> bytes:
    """The last of what a process says; all of it is read, so that it never waits for us."""
    said = b""
    while chunk := await stream.read(65536):
        said = (said + chunk)[-4096:]
    return said


def _family(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return [*process.children(recursive=True), process]
    return []


def _resident_bytes(pid: int) -> int:
    total = 0
    for process in _family(pid):
        with contextlib.suppress(psutil.Error):
            memory = process.memory_info()
            total += memory.rss - getattr(memory, "shared", 0)
    return total


def _unprivileged_user() -> int | None:
    """Whom a browser runs as that root starts; None where we are not root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(NOBODY).pw_uid
    except KeyError:
        return 65534
