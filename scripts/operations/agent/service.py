"""The operator agent: tells the console how the fleet is, and does what is asked for there.

It calls the console and is never called, so the machine of the businesses opens no port for it. It
may be killed anywhere: the console gives a job out again whose agent is silent.
"""

from __future__ import annotations

import logging
import secrets
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from scripts.operations.agent import reports as agent_reports
from scripts.operations.agent.jobs import RunningJob
from scripts.operations.databases import DatabaseServer
from scripts.operations.home import Home, OperationError

Call = Callable[..., Any]

log = logging.getLogger("mybizz.agent")

MAX_JOBS = 2
REPORT_SECONDS = 60.0
SLOW_REPORT_SECONDS = 600.0
RENEW_SECONDS = 10.0
RETRY_SECONDS = 5.0


class ConsoleError(Exception):
    """The console refused, or could not be asked."""


def unwrapped(call: Call) -> Call:
    """``call`` that raises :class:`ConsoleError` for a refusal, and for whatever went wrong on the
    way: the console may be restarted at any moment."""

    def ask(name: str, **arguments: Any) -> Any:
        try:
            answer = call(name, **arguments)
        except Exception as error:  # the uplink client raises what it likes
            raise ConsoleError(f"{type(error).__name__}: {error}") from error
        if not answer.get("success"):
            raise ConsoleError(f"{answer.get('error')} ({answer.get('code')})")
        return answer

    return ask


class Agent:
    """``round`` does what is due; call it every few seconds. ``options`` are those that every
    command of ``scripts/mybizz`` needs to find this installation."""

    def __init__(
        self,
        home: Home,
        server: DatabaseServer | None,
        call: Call,
        options: list[str],
        clock: Callable[[], float] = time.monotonic,
    ):
        self.home = home
        self.server = server
        self.call = unwrapped(call)
        self.options = options
        self.clock = clock
        self.name = socket.gethostname()[:100] or "machine"
        self.jobs: dict[str, RunningJob] = {}
        self._due: dict[str, float] = {}

    def round(self) -> None:
        """Look after the jobs, take new ones, report what is due. Nothing that fails stops the
        rest; it is tried again in the next round."""
        for job in list(self.jobs.values()):
            self._try(f"job {job.job_id}", partial(self._look_after, job))
        self._try("the jobs", self._take_jobs)
        for name, seconds, report in self._reports():
            if self.clock() >= self._due.get(name, 0.0):
                is_told = self._try(name, report)
                self._due[name] = self.clock() + (seconds if is_told else RETRY_SECONDS)

    def stop(self) -> None:
        """End all commands. Their jobs are given out again."""
        for job in self.jobs.values():
            job.stop()

    def _reports(self) -> list[tuple[str, float, Callable[[], object]]]:
        home, call = self.home, self.call
        return [
            (
                "the fleet",
                REPORT_SECONDS,
                lambda: agent_reports.report_fleet(home, self.server, call, self.name),
            ),
            ("the alerts", REPORT_SECONDS, lambda: agent_reports.report_alerts(home, call)),
            ("the commands", REPORT_SECONDS, lambda: agent_reports.report_commands(home, call)),
            (
                "the releases",
                SLOW_REPORT_SECONDS,
                lambda: agent_reports.report_releases(home, call),
            ),
        ]

    def _try(self, what: str, work: Callable[[], object]) -> bool:
        """Whether it could be done."""
        try:
            work()
            return True
        except ConsoleError as error:
            log.warning("The console could not be told of %s: %s", what, error)
        except Exception:
            # The edge of the process: one report that fails must not end the others.
            log.exception("Something went wrong with %s", what)
        return False

    def _take_jobs(self) -> None:
        while len(self.jobs) < MAX_JOBS:
            lease = secrets.token_hex(16)
            given = self.call("take_job", lease=lease)["job"]
            if given is None:
                return
            self._begin(dict(given), lease)

    def _begin(self, given: dict[str, Any], lease: str) -> None:
        known = self.jobs.get(str(given["job_id"]))
        if known is not None:
            # Its lease ran out while the console could not be reached; the command still runs.
            known.lease = lease
            return
        try:
            job = RunningJob(self.home, given, lease, self.options)
        except OperationError as error:
            self.call(
                "end_job", job_id=given["job_id"], lease=lease, is_done=False, error=str(error)
            )
            return
        # No more of it: the rest may be about a person.
        log.info("Job %s: %s of %s", job.job_id, job.action, dict(job.arguments).get("name", "all"))
        job.start()
        self.jobs[job.job_id] = job
        self._due[job.job_id] = self.clock() + RENEW_SECONDS
        if job.outcome is not None:
            self._look_after(job)

    def _look_after(self, job: RunningJob) -> None:
        outcome = job.look()
        if outcome is None:
            if self.clock() >= self._due[job.job_id]:
                self._due[job.job_id] = self.clock() + RENEW_SECONDS
                self.call("report_job", job_id=job.job_id, lease=job.lease, log_tail=job.read_log())
            return
        answer = self.call(
            "end_job",
            job_id=job.job_id,
            lease=job.lease,
            is_done=outcome.is_done,
            result=outcome.result,
            secret=outcome.secret,
            error=outcome.error,
            log_tail=job.read_log(),
        )
        del self.jobs[job.job_id]
        if answer["is_yours"]:
            log.info("Job %s: %s", job.job_id, "done" if outcome.is_done else outcome.error)
            job.forget()
            # What it changed is seen at once.
            self._due["the fleet"] = self._due["the commands"] = 0.0
        else:
            # Its files stay: whoever takes the job again finds the outcome there.
            log.warning("Job %s was given to another agent meanwhile.", job.job_id)
