"""Runs what the schedule says, once for each time it is due, and keeps a record of it.

The background task ``run_schedule`` comes every 15 minutes. It writes a row for whatever has become
due, takes one row after the other by a lease, does the work outside of any transaction and closes
the row. Killed anywhere, the lease runs out and the next pass does the work again. After a time of
standstill each job is made up for once. A run that fails is tried again, MAX_ATTEMPTS times in all;
as long as a job's last run has failed the task ends with an error, by which the operator hears.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import anvil.server
import anvil.tables as tables
from anvil.tables import TableError, app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from . import clock, schedule
from .config import business_from_row, settings_row
from .errors import AppError
from .outbox import delivering_afterwards
from .transactions import in_transaction

TASK = "run_schedule"
WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"

MAX_ATTEMPTS = 4
FIRST_PAUSE = timedelta(minutes=15)  # doubled each time
# A job that reports less often than this is taken for dead.
LEASE = timedelta(minutes=30)
MAX_ERROR_CHARS = 500
KEY_CONSTRAINT = "scheduled_runs_key_unique"
WORK_CONSTRAINT = "scheduled_runs_one_at_work"

log = logging.getLogger("mybizz.schedule")


class TakenOverError(AppError):
    """This run reported too late: another process has taken the work over."""

    code = "taken_over"

    def __init__(self) -> None:
        super().__init__("Another process has taken this over.")


class ScheduledWorkError(Exception):
    """Some scheduled work has failed; the message names it. It ends the background task."""


@dataclass
class Run:
    """A run that is going on. ``figures`` are what its job has told so far."""

    row: Any
    job: schedule.Job
    lease: str
    figures: dict[str, int] = field(default_factory=dict)

    def report(self, **figures: int) -> None:
        """Keep figures and hold the lease for another LEASE. Raises :class:`TakenOverError`."""
        self.figures.update(figures)
        _hold(self.row.get_id(), self.lease, dict(self.figures))


@anvil.server.background_task  # type: ignore[untyped-decorator]
def run_schedule() -> dict[str, str]:
    """Do what is due: ``{job: state}`` of the runs that there were.

    Raises :class:`ScheduledWorkError` while the last run of any job has failed.
    """
    states = {run.job.name: state for run, state in pass_once()}
    failures = [f"{title}: {error}" for title, error in standing_failures()]
    if failures:
        raise ScheduledWorkError(" ".join(failures))
    return states


def pass_once(job: str | None = None) -> Iterator[tuple[Run, str]]:
    """Do all that is due, or what waits of one job; each run with how it ended."""
    if settings_row() is None:
        return  # Nobody has set this instance up yet.
    if job is None:
        plan_due()
    while (run := _claim(job)) is not None:
        yield run, _carry_out(run)


def business_zone() -> ZoneInfo:
    """The time zone that the schedule goes by; UTC before the instance is set up."""
    row = settings_row()
    return ZoneInfo(business_from_row(row).time_zone if row is not None else "UTC")


def plan_due() -> None:
    """Write a row for each job that has become due since the last time."""
    try:
        _plan(clock.now(), business_zone())
    except TableError as error:
        if KEY_CONSTRAINT not in str(error):
            raise
        # Somebody else was faster, and has planned the same.


@in_transaction
def _plan(now: datetime, zone: ZoneInfo) -> None:
    due = {name: one.rhythm.latest(now, zone) for name, one in schedule.jobs.items()}
    keys = {f"{name}@{each.key}": name for name, each in due.items()}
    found = app_tables.scheduled_runs.search(q.fetch_only("run_key"), run_key=q.any_of(*keys))
    known = {row["run_key"] for row in found}
    for key, name in keys.items():
        if key not in known:
            _give_up_older(name, now)
            _forget_idle(schedule.jobs[name])
            _add(name, key, due[name].at, now)


def _give_up_older(name: str, now: datetime) -> None:
    """What still waits of a job need not be tried again when it is due anew."""
    for row in app_tables.scheduled_runs.search(job=name, state=WAITING):
        if int(row["attempts"]):
            row.update(state=FAILED, finished_at=now, next_try_at=None)
        else:
            row.delete()


def _forget_idle(job: schedule.Job) -> None:
    """Of what comes several times a day, a run that found nothing to do is not worth keeping."""
    if isinstance(job.rhythm, schedule.Daily):
        return
    last = app_tables.scheduled_runs.search(
        tables.order_by("created_at", ascending=False),
        q.page_size(1),
        job=job.name,
        state=DONE,
        created_by=None,
    )
    row = next(iter(last), None)
    if row is not None and not any((row["figures"] or {}).values()):
        row.delete()


def _add(name: str, key: str, due_at: datetime, now: datetime) -> Any:
    return app_tables.scheduled_runs.add_row(
        job=name,
        run_key=key,
        due_at=due_at,
        state=WAITING,
        attempts=0,
        next_try_at=now,
        figures={},
        created_by=current_actor().row,
        created_at=now,
    )


@in_transaction
def ask_for(name: str) -> Any:
    """Have a job run soon, besides its usual times; give the row. Where it waits or runs already
    that is the run. Call ``launch_schedule`` after the commit, or let the next pass find it."""
    now = clock.now()
    for row in app_tables.scheduled_runs.search(job=name, state=q.any_of(WAITING, RUNNING)):
        if row["state"] == WAITING:
            row["next_try_at"] = now
        return row
    return _add(name, f"{name}@asked-{secrets.token_hex(8)}", now, now)


def launch_schedule() -> None:
    """Start a pass now. Where that fails, the next one comes within 15 minutes."""
    try:
        anvil.server.launch_background_task(TASK)
    except Exception:
        # What was asked for is committed; nobody must hear that it failed.
        log.exception("the schedule could not be started")


def _claim(job: str | None) -> Run | None:
    """Take what waits longest for this process alone. What has failed before comes last, so that a
    job that takes its process down does not hold up the others."""
    while True:
        try:
            taken = _take(clock.now(), secrets.token_hex(8), job)
        except TableError as error:
            if WORK_CONSTRAINT not in str(error):
                raise
            continue  # Somebody else was faster; look again.
        if taken is None or isinstance(taken, Run):
            return taken


@in_transaction
def _take(now: datetime, lease: str, job: str | None) -> Run | str | None:
    """A run that is claimed now, None where nothing is due, or why a row was closed instead."""
    only = {} if job is None else {"job": job}
    open_rows = list(
        app_tables.scheduled_runs.search(
            tables.order_by("attempts"),
            tables.order_by("due_at"),
            state=q.any_of(WAITING, RUNNING),
            **only,
        )
    )
    at_work = {row["job"] for row in open_rows if row["state"] == RUNNING}
    for row in open_rows:
        if row["next_try_at"] > now or (row["state"] == WAITING and row["job"] in at_work):
            continue
        known = schedule.jobs.get(row["job"])
        attempts = int(row["attempts"])
        if known is None or attempts >= MAX_ATTEMPTS:
            error = (
                "This version has no such work."
                if known is None
                else f"It was cut off {attempts} times and did not come to its end."
            )
            row.update(state=FAILED, finished_at=now, next_try_at=None, lease=None, error=error)
            return error
        row.update(
            state=RUNNING,
            attempts=attempts + 1,
            started_at=now,
            lease=lease,
            next_try_at=now + LEASE,
        )
        return Run(row, known, lease)
    return None


@in_transaction
def _hold(row_id: str, lease: str, figures: dict[str, int]) -> None:
    row = _own_row(row_id, lease)
    if row is None:
        raise TakenOverError()
    row.update(figures=figures, next_try_at=clock.now() + LEASE)


def _own_row(row_id: str, lease: str) -> Any:
    row = app_tables.scheduled_runs.get_by_id(row_id)
    return row if row is not None and row["lease"] == lease else None


def _carry_out(run: Run) -> str:
    """Do the work and close its row; give the state it ends in."""
    error = ""
    try:
        with delivering_afterwards():
            run.figures.update(run.job.work(run) or {})
    except AppError as failure:
        error = failure.message
    except Exception as failure:
        # The edge of the task: one job that fails strangely must not hold up the others.
        log.exception("the scheduled work %s failed", run.job.name)
        error = f"It failed unexpectedly ({type(failure).__name__})."
    return _close(run.row.get_id(), run.lease, dict(run.figures), error[:MAX_ERROR_CHARS])


@in_transaction
def _close(row_id: str, lease: str, figures: dict[str, int], error: str) -> str:
    row = _own_row(row_id, lease)
    if row is None:
        return RUNNING  # Somebody else's now.
    now = clock.now()
    attempts = int(row["attempts"])
    if error and attempts < MAX_ATTEMPTS:
        pause = FIRST_PAUSE * 2 ** (attempts - 1)
        row.update(state=WAITING, lease=None, figures=figures, error=error, next_try_at=now + pause)
        return WAITING
    state = FAILED if error else DONE
    row.update(
        state=state,
        finished_at=now,
        lease=None,
        next_try_at=None,
        figures=figures,
        error=error or None,
    )
    return state


def latest_runs() -> dict[str, Any]:
    """The row of each job that began last, or that is to begin, by the job's name."""
    found = {}
    for name in schedule.jobs:
        rows = app_tables.scheduled_runs.search(
            tables.order_by("created_at", ascending=False), q.page_size(1), job=name
        )
        row = next(iter(islice(rows, 1)), None)
        if row is not None:
            found[name] = row
    return found


def standing_failures() -> list[tuple[str, str]]:
    """(title, error) of each job whose last run has failed, or failed and is tried again."""
    suspects = app_tables.scheduled_runs.search(
        q.fetch_only("job"),
        state=q.any_of(WAITING, FAILED),
        error=q.not_(None),
        created_at=q.greater_than(clock.now() - timedelta(days=7)),
    )
    names = {row["job"] for row in suspects}
    failures = []
    for name, row in latest_runs().items() if names else ():
        if name in names and row["error"] and row["state"] in (WAITING, FAILED):
            failures.append((schedule.jobs[name].title, row["error"]))
    return failures
