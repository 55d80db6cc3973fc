"""A Chromium process for one print: found, started, watched, and ended with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import shutil
import signal
import stat
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

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
TRY_SECONDS = 7.0
"""The same where it is not known yet whether it can come up at all: there is another way."""
LOOK_SECONDS = 0.5
NOBODY = "nobody"
PUBLIC_FOLDERS = ("/tmp", "/var/tmp")
LAUNCHER = Path(__file__).with_name("launch.py")
REFUSALS = ("sandbox", "namespace", LAUNCHER.name)
"""What is said by a browser, or by what starts it, that may not start as it was told to."""

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


class _Manner(NamedTuple):
    """How a browser is started: as whom (None: as ourselves), and whether in Chromium's sandbox."""

    user: int | None
    has_sandbox: bool

    def __str__(self) -> str:
        sandbox = "in" if self.has_sandbox else "without"
        user = "its own user" if self.user is None else f"user {self.user}"
        return f"as {user}, {sandbox} Chromium's sandbox"


_proven: set[_Manner] = set()
"""Those in which a page has been shown on this system."""
_slow: Counter[_Manner] = Counter()
"""How often one that is not proven took too long: once may be a busy system's fault."""
_impossible: set[_Manner] = set()
"""What this system does not allow: the sandbox needs user namespaces, which many containers do not
give, and another user needs rights that some take from root."""


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
    folder, manners = _find_manners(program)
    with tempfile.TemporaryDirectory(
        prefix="anvil-pdf-", dir=folder, ignore_cleanup_errors=True
    ) as name:
        for manner, following in zip_longest(manners, manners[1:]):
            browser = _Browser(program, Path(name), on_event)
            try:
                await browser.start(manner, flags, is_last=following is None)
            except BrowserError:
                await browser.end()
                if following is None or (browser.is_slow and manner in _proven):
                    raise
                _slow[manner] += browser.is_slow
                if browser.is_refused or _slow[manner] > 1:
                    _impossible.add(manner)
                    logger.warning(
                        "No PDF can be printed %s on this system. From now on: %s.",
                        manner,
                        following,
                    )
                continue
            except BaseException:
                # Time is up, or whoever wanted it is gone, while it starts.
                await browser.end()
                raise
            _proven.add(manner)
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
        self._on_event = on_event
        self.tools = DevTools(self._take_event)
        self._is_up = False
        self.is_slow = False
        self.is_refused = False

    async def start(self, manner: _Manner, flags: list[str], *, is_last: bool) -> None:
        if manner.user is not None:
            try:
                _give(self._folder, manner.user)
            except OSError as error:
                self.is_refused = True
                raise BrowserError(f"{self._program} cannot be given a folder: {error}") from error
        chromium_reads, we_write = os.pipe()
        we_read, chromium_writes = os.pipe()
        theirs = (chromium_reads, chromium_writes)
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                str(LAUNCHER),
                *map(str, theirs),
                "" if manner.user is None else str(manner.user),
                self._program,
                *FLAGS,
                f"--user-data-dir={self._folder}",
                *flags,
                *(() if manner.has_sandbox else ("--no-sandbox",)),
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
            is_only_way = is_last or manner in _proven
            async with asyncio.timeout(START_SECONDS if is_only_way else TRY_SECONDS):
                await self.tools.call("Browser.getVersion")
                if manner not in _proven:
                    await self._show_page()
        except (BrowserError, TimeoutError) as error:
            await self._kill()
            said = (await self._stderr).decode(errors="replace").strip()
            self.is_slow = isinstance(error, TimeoutError)
            self.is_refused = any(word in said.lower() for word in REFUSALS)
            raise BrowserError(f"{self._program} did not start: {said[-600:]}") from error
        self._watching = asyncio.create_task(self._watch_memory())
        self._is_up = True

    def _take_event(self, name: str, parameters: dict[str, Any]) -> None:
        # The end of one that does not come up is no loss of a page: there may be another one.
        if self._is_up:
            self._on_event(name, parameters)

    async def _show_page(self) -> None:
        """A system may let the browser itself run, and none of the processes that show pages."""
        target = await self.tools.call("Target.createTarget", url="about:blank")
        attached = await self.tools.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self.tools.session_id = attached["sessionId"]
        await self.tools.evaluate("1")
        self.tools.session_id = None
        await self.tools.call("Target.closeTarget", targetId=target["targetId"])

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


def _find_manners(program: str) -> tuple[str, list[_Manner]]:
    """Where a browser's own files go, and the manners to try, safest first."""
    folder = tempfile.gettempdir()
    if os.geteuid() != 0:
        manners = [_Manner(None, True), _Manner(None, False)]
    else:
        manners = [_Manner(None, False)]  # Chromium has no sandbox for root
        user = _unprivileged_user()
        public = next((f for f in (folder, *PUBLIC_FOLDERS) if _is_open_to_all(f)), None)
        if user is not None and public is not None and _is_open_to_all(os.path.realpath(program)):
            folder = public
            manners = [_Manner(user, True), _Manner(user, False), *manners]
    return folder, [manner for manner in manners if manner not in _impossible]


def _is_open_to_all(path: str) -> bool:
    """Whether any user may enter a folder or start a program, through all folders above it."""
    return all(
        os.path.exists(part) and os.stat(part).st_mode & stat.S_IXOTH
        for part in (path, *map(str, Path(path).parents))
    )


def _unprivileged_user() -> int | None:
    """Whom a browser runs as that root starts; None where there is no such user, as in a user
    namespace that knows only root."""
    try:
        user = pwd.getpwnam(NOBODY).pw_uid
    except KeyError:
        user = 65534
    return user if _has_id("uid", user) and _has_id("gid", user) else None


def _has_id(kind: str, number: int) -> bool:
    try:
        lines = Path(f"/proc/self/{kind}_map").read_text().splitlines()
    except OSError:
        return True  # no Linux, or none that tells
    ranges = [line.split() for line in lines]
    return any(int(first) <= number < int(first) + int(count) for first, _, count in ranges)


def _give(folder: Path, user: int) -> None:
    """Also what an earlier attempt left in it, which may be another user's."""
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            os.chown(path, user, user, follow_symlinks=False)
