"""Starts an instance's scheduled tasks when they are due."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import replace
from datetime import datetime

import psycopg

from app_server.background.records import Job
from app_server.background.schedule import TimeSpec, read_time_spec
from app_server.background.tasks import BackgroundTasks
from app_server.errors import AnvilError

logger = logging.getLogger("app_server.background")

LOOK_SECONDS = 15.0
"""How often it looks at least, to notice a changed app or clock."""

TURN_SECONDS = 1.0
"""How soon it looks again when others' tasks run, and it has to wait its turn."""


class Scheduler:
    """Runs the jobs of ``scheduled_tasks`` in anvil.yaml, one run of a job at a time. Runs that
    were missed while the server stood still, or the clock was put forward, are made up for by one.
    Of several servers on one database, one runs a job: who claims it first.

    The jobs are kept in memory too: with many instances, looking into each database every few
    seconds would keep a connection to each of them open.
    """

    def __init__(self, tasks: BackgroundTasks):
        self._tasks = tasks
        self._records = tasks.records
        self._specs: dict[str, TimeSpec] = {}
        self._jobs: dict[str, Job] = {}
        self._version: str | None = None
        self._loop: asyncio.Task[None] | None = None
        self._looked_at = time.monotonic()

    @property
    def age_seconds(self) -> float:
        """Since it last looked for what is due, and nothing was in its way."""
        return time.monotonic() - self._looked_at

    def start(self) -> None:
        """Run until ``stop``."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Launch nothing more. What runs goes on."""
        if self._loop is not None:
            self._loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop

    async def _run(self) -> None:
        while True:
            try:
                pause = await self.run_due()
                self._looked_at = time.monotonic()
            except (AnvilError, psycopg.Error, OSError) as error:
                name = self._tasks.instance.name
                logger.error("[%s] Scheduled tasks have to wait: %s", name, error)
                pause = LOOK_SECONDS
            except Exception:
                # The edge of a task: a fault in one look must not be the end of all of them.
                logger.exception("[%s] Scheduled tasks have to wait", self._tasks.instance.name)
                pause = LOOK_SECONDS
            await asyncio.sleep(pause)

    async def run_due(self) -> float:
        """Launch what is due; the seconds until something may be due next."""
        now = self._tasks.clock()
        await self._read_app(now)
        soonest = LOOK_SECONDS
        for job in sorted(self._jobs.values(), key=lambda job: job.next_run_at):
            if job.next_run_at <= now:
                if not self._tasks.turns.is_free:
                    return TURN_SECONDS
                await self._run_job(job, now)
            elif self._specs[job.job_id].is_too_far(job.next_run_at, now):
                await self._claim(job, self._specs[job.job_id].next_run(None, now))
            due = self._jobs[job.job_id].next_run_at
            soonest = min(soonest, (due - now).total_seconds())
        return soonest if soonest > 0 else LOOK_SECONDS

    async def _read_app(self, now: datetime) -> None:
        """Take over the jobs of the app when it has changed. A job keeps its time while its
        ``time_spec`` stays the same, and its last run while its task does."""
        app = self._tasks.instance.app
        if app.version == self._version:
            return
        known = {job.job_id: job for job in await self._records.load_jobs()}
        jobs: dict[str, Job] = {}
        specs: dict[str, TimeSpec] = {}
        for entry in app.scheduled_tasks:
            job_id, name = str(entry.get("job_id") or ""), entry.get("task_name")
            if not name:
                continue
            try:
                if not job_id or job_id in jobs:
                    raise AnvilError("`job_id` has to be there, and different for each")
                spec = read_time_spec(entry.get("time_spec"), job_id, self._tasks.instance.name)
            except AnvilError as error:
                logger.error(
                    "[%s] The scheduled task %s never runs: %s",
                    self._tasks.instance.name,
                    name,
                    error.message,
                )
                continue
            specs[job_id] = spec
            jobs[job_id] = _merge(entry, job_id, known.get(job_id), spec, now)
        if jobs or known:
            jobs = {job.job_id: job for job in await self._records.save_jobs(jobs.values())}
        self._jobs = {job_id: job for job_id, job in jobs.items() if job_id in specs}
        self._specs, self._version = specs, app.version

    async def _run_job(self, job: Job, now: datetime) -> None:
        """Launch a job that is due, unless its last run goes on, or another server does so."""
        due, name = job.next_run_at, self._tasks.instance.name
        # First of all, so that a run that takes the server down is not repeated for ever.
        claimed = await self._claim(job, self._specs[job.job_id].next_run(due, now))
        if claimed is None:
            return
        if job.last_task_id and await self._tasks.is_running_somewhere(job.last_task_id):
            logger.warning(
                "[%s] %s is still running: the run at %s is left out", name, job.task_name, due
            )
            return
        try:
            task_id = await self._tasks.launch(job.task_name, job_id=job.job_id)
        except AnvilError as error:
            logger.error(
                "[%s] %s could not be started and is tried again: %s",
                name,
                job.task_name,
                error.message,
            )
            await self._claim(claimed, due)
        else:
            self._jobs[job.job_id] = replace(claimed, last_task_id=task_id)
            await self._records.keep_last_task(self._jobs[job.job_id])

    async def _claim(self, job: Job, next_run_at: datetime) -> Job | None:
        """Move a job to another time; None where another server was first: then what it made of
        the job is taken over."""
        if await self._records.claim_job(job, next_run_at):
            self._jobs[job.job_id] = moved = replace(job, next_run_at=next_run_at)
            return moved
        found = await self._records.find_job(job.job_id)
        # One that is gone has no run to come: the other server has another version of the app.
        self._jobs[job.job_id] = found or replace(job, next_run_at=next_run_at)
        return None


def _merge(
    entry: dict[str, object], job_id: str, known: Job | None, spec: TimeSpec, now: datetime
) -> Job:
    name = str(entry["task_name"])
    is_same_time = known is not None and known.time_spec == entry.get("time_spec")
    is_same_task = known is not None and known.task_name == name
    return Job(
        job_id,
        name,
        entry.get("time_spec"),
        known.next_run_at if known and is_same_time else spec.next_run(None, now),
        known.last_task_id if known and is_same_task else None,
    )
