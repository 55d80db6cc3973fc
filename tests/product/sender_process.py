"""The product's own code that sends mails, in processes that a test can kill at any moment.

Run as a script it imports the product once and connects nowhere; for each line on its input, a JSON
list of steps, it forks a child that connects to the instance as a server uplink, takes the steps
and ends. The child writes a line with its pid once it is connected; its parent one when it has
ended.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SMTP_TIMEOUT_SECONDS = 0.5


class Nursery:
    """The process that has imported everything. One child at a time."""

    def __init__(self, process: subprocess.Popen[str]):
        self.process = process
        self._pid = 0
        self._tell()  # ready

    def begin(self, *steps: Any) -> int:
        """Fork a child that takes these steps, ``[name, arguments]`` each; give its pid."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(steps) + "\n")
        self.process.stdin.flush()
        told = self._tell()
        assert "connected" in told, told
        self._pid = int(told["connected"])
        return self._pid

    def kill(self, seconds: float) -> None:
        """Kill the child so long after it is connected, unless it has ended by itself."""
        assert self.process.stdout is not None
        ended, _, _ = select.select([self.process.stdout], [], [], seconds)
        if not ended:
            os.kill(self._pid, signal.SIGKILL)
        self.end()

    def end(self) -> dict[str, Any]:
        """Wait for the child: ``{"status", "answers"}``; below zero, the signal that killed it."""
        return self._tell()

    def run(self, *steps: Any) -> list[Any]:
        """Have a child take these steps to their end; give what each of them gave."""
        self.begin(*steps)
        ended = self.end()
        assert ended["status"] == 0, ended
        answers: list[Any] = ended["answers"]
        return answers

    def _tell(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the nursery has died"
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def open_nursery(uplink_url: str, config_file: Path, log: Path) -> Iterator[Nursery]:
    """A nursery for an instance until the block ends. What its children say goes into ``log``."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.product.sender_process", uplink_url, str(config_file)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield Nursery(process)
        finally:
            process.kill()
            process.wait()


def _import_product(secrets: dict[str, str]) -> None:
    """Its modules, without offering anything of them to the instance: that has its own. Secrets
    are the one thing that a server gives to its own modules only."""
    import anvil.secrets
    import anvil.server

    def leave(*given: Any, **_options: Any) -> Any:
        is_bare = len(given) == 1 and callable(given[0])
        return given[0] if is_bare else lambda function: function

    for name in ("callable", "background_task", "route", "http_endpoint"):
        setattr(anvil.server, name, leave)
    anvil.secrets.get_secret = secrets.get
    from master_template.server_integrations import smtp_client

    import_all()
    smtp_client.TIMEOUT_SECONDS = SMTP_TIMEOUT_SECONDS


def import_all() -> None:
    """Every module of the server, as a worker has them."""
    from tests.product.walking import specs

    specs()


def _take_steps(url: str, key: str, steps: list[Any]) -> list[Any]:
    import anvil.server
    from anvil.tables import query as q

    from master_template.server_customers import prebuilt_segments
    from master_template.server_marketing import ledger, sending

    anvil.server.connect(key, url=url, quiet=True)
    _tell({"connected": os.getpid()})

    def plan(source: str, mail: str, content: dict[str, Any]) -> list[int]:
        counted, after = [0, 0], ledger.planned_through(source, mail)
        everybody = q.all_of(deleted_at=None)
        while True:
            done = ledger.plan(everybody, source, mail, content, after=after)
            counted = [counted[0] + done.count, counted[1] + done.waiting]
            if done.after is None:
                return counted
            after = done.after

    known = {
        "plan": plan,
        "send": sending.send_mails,
        "counts": ledger.counts,
        "tallies": ledger.counts_by_source,
        "prebuilt": lambda name: getattr(prebuilt_segments, name)(),
    }
    return [known[name](*arguments) for name, arguments in steps]


def _tell(values: dict[str, Any]) -> None:
    """In one write, as parent and child share the output."""
    os.write(sys.stdout.fileno(), json.dumps(values).encode() + b"\n")


def _main() -> None:
    url, config_file = sys.argv[1:]
    config = yaml.safe_load(Path(config_file).read_text())
    _import_product(config["secret"])
    _tell({})
    for line in sys.stdin:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            answers = _take_steps(url, config["uplink-key"], json.loads(line))
            os.write(writing, json.dumps(answers).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            text = pipe.read()
        _, status = os.waitpid(pid, 0)
        told = {"status": os.waitstatus_to_exitcode(status), "answers": json.loads(text or "null")}
        _tell(told)


if __name__ == "__main__":
    _main()
