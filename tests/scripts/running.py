"""A running `scripts/run`, for tests: what it said, what it serves, what it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil

from scripts.operations.home import Home

ROOT = Path(__file__).resolve().parents[2]


class Run:
    """A running `scripts/run` after its set-up of the machine; ``lines`` is what it said."""

    def __init__(self, base: Path, port: int, *options: str, env: dict[str, str] | None = None):
        self.home = Home.at(base)
        self.port = port
        self.child = subprocess.Popen(
            [
                *(sys.executable, "-m", "scripts.commands.run"),
                *("--data-dir", str(base), "--port", str(port), *options),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        self.lines: list[str] = []

    def wait_until_ready(self) -> Run:
        assert self.child.stdout
        for line in self.child.stdout:
            self.lines.append(line.rstrip())
            if line.startswith("Ctrl-C stops it"):
                return self
        raise AssertionError("it ended instead of serving:\n" + "\n".join(self.lines))

    def finish(self) -> int:
        """Its exit code, once it ends by itself."""
        out, _ = self.child.communicate(timeout=120)
        self.lines += out.splitlines()
        return self.child.returncode

    def stop(self, how: signal.Signals = signal.SIGTERM) -> list[psutil.Process]:
        """Send a signal and wait for the end; gives all the processes that it had started."""
        family = psutil.Process(self.child.pid).children(recursive=True)
        family += postmasters(self.home)
        self.child.send_signal(how)
        self.finish()
        return family

    def get(self, path: str) -> tuple[int, str]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            headers={"Host": f"yogastudio.localhost:{self.port}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()

    @property
    def said(self) -> str:
        return "\n".join(self.lines)


def postmasters(home: Home) -> list[psutil.Process]:
    file = home.postgres / "data" / "postmaster.pid"
    return [psutil.Process(int(file.read_text().split()[0]))] if file.exists() else []
