"""Runs Anvil's process host and starts it again when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys

import psutil

from app_server.limits import CALL_TIMEOUT_SECONDS, WORKER_IDLE_SECONDS

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
STOP_SECONDS = 2.0
# What the host and its workers need of our environment; secrets of ours stay out.
PASSED_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "SSL_CERT_FILE")


class HostProcess:
    """``python -m anvil_downlink_host.run``, restarted with growing pauses when it ends."""

    def __init__(self, url: str, key: str):
        self._url = url
        self._key = key
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._copiers: list[asyncio.Task[None]] = []
        self._is_stopping = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_running())

    async def stop(self) -> None:
        """End the host and all its workers."""
        self._is_stopping = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._end_process()

    def kill(self) -> None:
        """End a host that does not answer any more; another one is started."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _keep_running(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._is_stopping:
            started = asyncio.get_running_loop().time()
            try:
                process = await self._launch()
            except OSError as error:
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                logger.error(
                    "The process host cannot be started (again in %.1f s): %s", pause, error
                )
                await asyncio.sleep(pause)
                continue
            await process.wait()
            # Its workers would go on with calls that nobody waits for any more.
            end_session(process.pid)
            ran = asyncio.get_running_loop().time() - started
            pause = FIRST_PAUSE_SECONDS if ran > 10 else min(pause * 2, LONGEST_PAUSE_SECONDS)
            logger.warning(
                "The process host ended (exit code %s); starting it again in %.1f s.",
                process.returncode,
                pause,
            )
            await asyncio.sleep(pause)

    async def _launch(self) -> asyncio.subprocess.Process:
        environment = {k: os.environ[k] for k in PASSED_VARIABLES if k in os.environ}
        environment |= {
            "DOWNLINK_SERVER": self._url,
            "DOWNLINK_KEY": self._key,
            "DOWNLINK_CAN_PERSIST": "1",
            "DOWNLINK_WORKER_TIMEOUT": str(int(CALL_TIMEOUT_SECONDS)),
            "DOWNLINK_PRIMARY_PERSIST_TIMEOUT": str(WORKER_IDLE_SECONDS),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "anvil_downlink_host.run",
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout is not None and process.stderr is not None
        self._copiers = [
            asyncio.create_task(_copy_output(process.stdout, logging.DEBUG)),
            asyncio.create_task(_copy_output(process.stderr, logging.INFO)),
        ]
        return process

    async def _end_process(self) -> None:
        process = self._process
        # What the workers say about losing their host is of no use to anybody.
        for copier in self._copiers:
            copier.cancel()
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        end_session(process.pid)


async def _copy_output(stream: asyncio.StreamReader, level: int) -> None:
    """Into our log: the host's own remarks at a level that is normally silent, and what goes to
    standard error, which is also the workers'."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            continue  # a line longer than the reader's buffer, which it has dropped
        if not line:
            return
        logger.log(level, "host: %s", line.decode(errors="replace").rstrip())


def end_session(leader: int) -> None:
    """Kill what is left of a session that we started. Every worker is in a process group of its
    own, but in the session of its host."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if process.pid != leader and os.getsid(process.pid) == leader:
                process.kill()
