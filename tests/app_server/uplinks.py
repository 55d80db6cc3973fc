"""The real ``anvil-uplink`` client in a process of its own, for tests."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from queue import Empty, Queue
from typing import Any

PREAMBLE = """
import sys, json, threading, time
import anvil, anvil.server
def tell(*values):
    sys.stdout.write(json.dumps(values) + "\\n")
    sys.stdout.flush()
def connect(**options):
    anvil.server.connect(KEY, url=URL, **options)
"""


class Uplink:
    """A running script. What it passes to ``tell`` comes out of ``hear``."""

    def __init__(self, process: subprocess.Popen[str]):
        self.process = process
        self.errors: list[str] = []
        self._heard: Queue[list[Any]] = Queue()
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                self._heard.put(json.loads(line))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)

    def hear(self, seconds: float = 20) -> list[Any]:
        try:
            return self._heard.get(timeout=seconds)
        except Empty:
            raise AssertionError("The uplink said nothing. " + "".join(self.errors)) from None

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def run_uplink(port: int, key: str, script: str) -> Iterator[Uplink]:
    """Run a script that may use ``connect()``, ``tell(...)`` and ``anvil.server``."""
    start = f"KEY = {key!r}\nURL = 'ws://127.0.0.1:{port}/_/uplink'\n"
    process = subprocess.Popen(
        [sys.executable, "-c", start + PREAMBLE + script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    uplink = Uplink(process)
    try:
        yield uplink
    finally:
        uplink.stop()
