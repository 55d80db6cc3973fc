"""A worker process and the pipe to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

from app_server.app_log import shown
from app_server.workers.frames import FrameError, FrameReader

logger = logging.getLogger(__name__)

LAUNCH = Path(__file__).resolve().parent / "launch.py"
# What a worker needs of our environment; secrets of ours stay out.
PASSED_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "SSL_CERT_FILE")
LINE_CHARS = 2000
LAST_WORDS_SECONDS = 0.5
"""How long what an ended process wrote last may take to arrive."""
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

OnFrame = Callable[[bytes, bytes | None], None]


class WorkerProcess(asyncio.Protocol):
    """One process, in a session of its own, so that what it starts ends with it.

    ``on_frame`` gets its messages as JSON text and binary data, ``on_end`` is called once when its
    pipe has closed.
    """

    def __init__(self, on_frame: OnFrame, on_end: Callable[[], None]):
        self._on_frame = on_frame
        self._on_end = on_end
        self._reader = FrameReader()
        self._transport: asyncio.WriteTransport | None = None
        self._may_write = asyncio.Event()
        self._is_over = False
        self._first = b""
        self._process: asyncio.subprocess.Process | None = None
        self._copier: asyncio.Task[None] | None = None
        self._exit_watch: asyncio.Task[None] | None = None
        self.name = ""
        """What its lines in the log are marked with: the instance that it works for."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """OSError where the system does not let us. What is written meanwhile waits."""
        ours, theirs = socket.socketpair()
        # A pipe of our own: asyncio's would have the process count as running while anybody,
        # such as a child that it left behind, holds the other end.
        errors, error_sink = os.pipe()
        try:
            ours.setblocking(False)
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-u",
                str(LAUNCH),
                env=_environment(),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=error_sink,
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            os.close(errors)
            raise
        finally:
            theirs.close()
            os.close(error_sink)
        loop = asyncio.get_running_loop()
        self._copier = asyncio.create_task(self._copy_errors(errors))
        self._exit_watch = asyncio.create_task(self._close_at_exit(self._process))
        await loop.create_unix_connection(lambda: self, sock=ours)

    def write_first(self, frame: bytes) -> None:
        """Before all that ``write`` writes, whether or not the process is there yet. Nobody waits
        for it, so it cannot be given up half way."""
        if self._transport is None:
            self._first = frame
        else:
            self._transport.write(frame)

    async def write(self, frame: bytes) -> None:
        """BrokenPipeError where the process has gone."""
        while not self._may_write.is_set():
            await self._may_write.wait()
        if self._is_over or self._transport is None or self._transport.is_closing():
            raise BrokenPipeError("The worker process has ended.")
        self._transport.write(frame)

    def kill(self) -> None:
        """End it and what it started, now."""
        self._is_over = True
        self._may_write.set()
        if self._process is not None and self._process.returncode is None:
            # Its session's leader and group have its number.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        if self._transport is not None:
            self._transport.close()

    async def wait(self) -> int | None:
        """Its exit code, or the negative number of the signal that ended it; None where it was
        never started."""
        if self._process is None:
            return None
        code = await self._process.wait()
        if self._exit_watch is not None:
            self._exit_watch.cancel()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._copier is not None:
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                # What it said last is told; a child that kept the pipe is not waited for.
                await asyncio.wait_for(self._copier, 1)
        return code

    async def _close_at_exit(self, process: asyncio.subprocess.Process) -> None:
        """A child that server code left behind may keep the pipe open."""
        await process.wait()
        await asyncio.sleep(LAST_WORDS_SECONDS)
        self.kill()

    def resident_bytes(self) -> int:
        """The memory that it holds; 0 where the system does not tell."""
        try:
            with open(f"/proc/{self.pid}/statm") as file:
                return int(file.read().split()[1]) * PAGE_BYTES
        except (OSError, ValueError, IndexError):
            return 0

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)
        if self._first:
            self._transport.write(self._first)
        if self._is_over:
            transport.close()
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        try:
            for text, binary in self._reader.feed(data):
                self._on_frame(text, binary)
        except FrameError as error:
            logger.error("[%s] A worker's pipe is broken: %s", self.name, error)
            self.kill()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def connection_lost(self, _error: Exception | None) -> None:
        self._is_over = True
        self._may_write.set()
        self._on_end()

    async def _copy_errors(self, descriptor: int) -> None:
        """Into our log: what goes to standard error beside Python, which is not a call's output."""
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb", 0)
        )
        try:
            await self._copy_lines(stream)
        finally:
            transport.close()

    async def _copy_lines(self, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await stream.readline()
            except ValueError:
                continue  # a line longer than the reader's buffer, which it has dropped
            if not line:
                return
            logger.info(
                "[%s] worker: %s",
                self.name,
                shown(line.decode(errors="replace").rstrip(), LINE_CHARS),
            )


def _environment() -> dict[str, str]:
    passed = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
    # Server code runs in UTC, as on Anvil's server.
    return {**passed, "TZ": "UTC", "PYTHONDONTWRITEBYTECODE": "1"}
