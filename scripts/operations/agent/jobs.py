"""A job of the console as a command of ``scripts/mybizz`` that runs beside the agent.

What the command says goes into files in ``<data>/agent/JOB/``. So whoever takes the job again,
after the agent was killed, finds whether the command had come to its end.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.operations.agent.actions import make_words
from scripts.operations.home import ROOT, Home, OperationError
from scripts.operations.serving import end_with_parent, stop_group

MAX_SECONDS = 2 * 3600.0
MAX_RESULT_CHARS = 20_000
LOG_CHARS = 8_000
# Shown to one person, once, and kept nowhere else.
SECRETS = ("owner_link", "founder_link")
# Never told at all.
HIDDEN = ("log_ins",)


@dataclass(frozen=True)
class Outcome:
    """How a command ended: what it answered, without its ``secret`` parts, or its error."""

    is_done: bool
    result: dict[str, Any] = field(default_factory=dict)
    secret: dict[str, Any] = field(default_factory=dict)
    error: str = ""


class RunningJob:
    """One job and its command: ``start`` it, ``look`` until there is an outcome, ``forget`` it."""

    def __init__(self, home: Home, job: dict[str, Any], lease: str, options: list[str]):
        self.job_id = str(job["job_id"])
        self.action = str(job["action"])
        self.arguments = job["arguments"]
        self.lease = lease
        self.options = options
        self.folder = _folder(home, self.job_id)
        self.child: subprocess.Popen[bytes] | None = None
        self.outcome: Outcome | None = None
        self._deadline = 0.0

    def start(self) -> None:
        """Run the command, unless an earlier run of it has come to its end already."""
        self.outcome = self._read_outcome(None)
        if self.outcome is not None:
            return
        try:
            words = make_words(self.action, self.arguments)
        except OperationError as error:
            self.outcome = Outcome(False, error=str(error))
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The words that stand alone are last, behind "--": options go before those.
        command = [
            sys.executable,
            "-m",
            "scripts.commands.mybizz",
            *_before_end(words, self.options),
        ]
        with ExitStack() as stack:
            out = stack.enter_context(open(self.folder / "answer", "wb", opener=_private))
            err = stack.enter_context(open(self.folder / "log", "wb", opener=_private))
            self.child = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, "PYTHONPATH": str(ROOT), "MYBIZZ_PROGRESS": "1"},
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        self._deadline = time.monotonic() + MAX_SECONDS

    def look(self) -> Outcome | None:
        """The outcome, once there is one."""
        if self.outcome is None and self.child is not None:
            code = self.child.poll()
            if code is not None:
                self.outcome = self._read_outcome(code)
            elif time.monotonic() > self._deadline:
                self.stop()
                error = f"It was stopped after {MAX_SECONDS / 3600:g} hours."
                self.outcome = Outcome(False, error=error)
        return self.outcome

    def read_log(self) -> str:
        """The end of what the command told of its progress."""
        try:
            text = (self.folder / "log").read_text(errors="replace")
        except OSError:
            return ""
        return "".join(c for c in text[-LOG_CHARS:] if c.isprintable() or c == "\n").strip()

    def stop(self) -> None:
        """End the command and whatever it has started."""
        if self.child is not None:
            stop_group(self.child)

    def forget(self) -> None:
        """The console knows the outcome."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read_outcome(self, code: int | None) -> Outcome | None:
        """What the answer says. Without an exit code the command may have been killed, and an
        answer that is not whole is none."""
        answer = _read_answer(self.folder / "answer")
        if answer is None:
            if code is None:
                return None
            log = self.read_log().splitlines()
            last = log[-1] if log else "it said nothing"
            return Outcome(False, error=f"The command ended with exit code {code}: {last}"[:2000])
        secret = {name: answer.pop(name) for name in SECRETS if answer.get(name)}
        for name in HIDDEN:
            answer.pop(name, None)
        # A look that finds something is done, too (exit code 3).
        is_done = answer.pop("ok", False) is True or (code == 3 and "error" not in answer)
        error = str(answer.pop("error", ""))[:2000]
        if len(json.dumps(answer, default=str)) > MAX_RESULT_CHARS:
            answer = {"shortened": True, **_short_parts(answer)}
        return Outcome(is_done, answer, secret, error)


def _folder(home: Home, job_id: str) -> Path:
    """Where a job's files are. The id comes from outside: it names no other place."""
    if not job_id.isalnum() or len(job_id) > 40:
        raise OperationError(f"{job_id!r} is no id of a job.")
    return home.data / "agent" / job_id


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _read_answer(path: Path) -> dict[str, Any] | None:
    try:
        answer = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def _before_end(words: list[str], options: list[str]) -> list[str]:
    place = words.index("--") if "--" in words else len(words)
    return [*words[:place], *options, *words[place:]]


def _short_parts(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in answer.items()
        if isinstance(value, str | int | float | bool) and len(str(value)) <= 500
    }
