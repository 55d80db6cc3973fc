"""What is known of background tasks and scheduled jobs, kept in the instance's database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, LiteralString

from app_server.tables import TableStore
from app_server.wire.payload import Payload
from app_server.wire.text import read_json, write_json

MAX_ENDED_TASKS = 1000
"""The newest that ended are kept, as on Anvil's server."""

_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS _mybizz;
CREATE TABLE IF NOT EXISTS _mybizz.background_tasks (
  id text PRIMARY KEY,
  name text NOT NULL,
  session_id text NOT NULL,
  job_id text,
  status text CHECK (status IN ('completed', 'failed', 'missing', 'killed')),
  outcome text,
  error text,
  started_at timestamptz NOT NULL,
  ended_at timestamptz
);
ALTER TABLE _mybizz.background_tasks ADD COLUMN IF NOT EXISTS owner text;
CREATE INDEX IF NOT EXISTS background_tasks_by_end ON _mybizz.background_tasks (ended_at);
CREATE TABLE IF NOT EXISTS _mybizz.scheduled_tasks (
  job_id text PRIMARY KEY,
  task_name text NOT NULL,
  time_spec text NOT NULL,
  next_run_at timestamptz NOT NULL,
  last_task_id text
);
"""

_SAVE_JOB = """
INSERT INTO _mybizz.scheduled_tasks AS known
  (job_id, task_name, time_spec, next_run_at, last_task_id)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (job_id) DO UPDATE SET
  task_name = EXCLUDED.task_name,
  time_spec = EXCLUDED.time_spec,
  next_run_at = CASE WHEN known.time_spec = EXCLUDED.time_spec
    THEN known.next_run_at ELSE EXCLUDED.next_run_at END,
  last_task_id = CASE WHEN known.task_name = EXCLUDED.task_name THEN known.last_task_id END
"""


class TaskStatus(StrEnum):
    """How a task ended, in the words of ``get_termination_status()``. A task is missing when the
    process it ran in is gone and nobody knows how it ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    MISSING = "missing"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """``status`` is None while it runs. ``outcome`` holds ``response`` and ``taskState`` in wire
    form; ``error`` is ``{"type", "message", "trace"}``. ``owner``: see ``owners``."""

    id: str
    name: str
    started_at: datetime
    status: TaskStatus | None
    outcome: Payload
    error: dict[str, Any] | None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A scheduled task and when it is due. ``last_task_id`` is the background task it made last."""

    job_id: str
    task_name: str
    time_spec: Any
    next_run_at: datetime
    last_task_id: str | None = None


class Records:
    """Reads and writes them, each with a connection of its own."""

    def __init__(self, store: TableStore):
        self._store = store

    async def prepare(self) -> None:
        """Make the tables if they are not there."""
        async with self._store.connection() as db, db.transaction():
            # Two servers that start at once must not both create.
            await db.execute("SELECT pg_advisory_xact_lock(7267245001)")
            await db.execute(_SCHEMA)

    # Background tasks

    async def add(
        self,
        task_id: str,
        name: str,
        session_id: str,
        job_id: str | None,
        started_at: datetime,
        owner: str | None = None,
    ) -> None:
        """Note a new task, and forget the oldest of those that ended."""
        async with self._store.connection() as db, db.transaction():
            await db.execute(
                "INSERT INTO _mybizz.background_tasks "
                "(id, name, session_id, job_id, started_at, owner) VALUES (%s, %s, %s, %s, %s, %s)",
                [task_id, name, session_id, job_id, started_at, owner],
            )
            await db.execute(
                "DELETE FROM _mybizz.background_tasks WHERE ended_at <= (SELECT ended_at FROM "
                "_mybizz.background_tasks WHERE ended_at IS NOT NULL ORDER BY ended_at DESC "
                "OFFSET %s LIMIT 1)",
                [MAX_ENDED_TASKS],
            )

    async def finish(
        self,
        task_id: str,
        status: TaskStatus,
        now: datetime,
        outcome: Payload | None = None,
        error: dict[str, Any] | None = None,
    ) -> bool:
        """Note how a task ended; whether this was the first to be heard of it."""
        kept = outcome and {"body": outcome.body, "objects": outcome.objects}
        async with self._store.connection() as db:
            cursor = await db.execute(
                "UPDATE _mybizz.background_tasks SET status = %s, outcome = %s, error = %s, "
                "ended_at = %s WHERE id = %s AND status IS NULL",
                [
                    status.value,
                    write_json(kept) if kept else None,
                    write_json(error) if error else None,
                    now,
                    task_id,
                ],
            )
            return cursor.rowcount == 1

    async def mark_missing(self, now: datetime, is_alive: Callable[[str | None], bool]) -> int:
        """For the tasks that run, as far as is known, but whose owner is gone; how many they
        were."""
        async with self._store.connection() as db:
            cursor = await db.execute(
                "SELECT id, owner FROM _mybizz.background_tasks WHERE status IS NULL"
            )
            lost = [task_id for task_id, owner in await cursor.fetchall() if not is_alive(owner)]
            cursor = await db.execute(
                "UPDATE _mybizz.background_tasks SET status = 'missing', ended_at = %s "
                "WHERE status IS NULL AND id = ANY(%s)",
                [now, lost],
            )
            return cursor.rowcount

    async def find(self, task_id: str) -> TaskRecord | None:
        """A task's record, None for an unknown one."""
        async with self._store.connection() as db:
            cursor = await db.execute(
                "SELECT id, name, started_at, status, outcome, error, owner "
                "FROM _mybizz.background_tasks WHERE id = %s",
                [task_id],
            )
            row = await cursor.fetchone()
        if row is None:
            return None
        status = TaskStatus(row[3]) if row[3] else None
        kept = read_json(row[4]) if row[4] else {"body": {}, "objects": []}
        error = read_json(row[5]) if row[5] else None
        return TaskRecord(
            row[0], row[1], row[2], status, Payload(kept["body"], kept["objects"]), error, row[6]
        )

    async def list_ids(self) -> list[str]:
        """All tasks that are known, oldest first."""
        async with self._store.connection() as db:
            cursor = await db.execute("SELECT id FROM _mybizz.background_tasks ORDER BY started_at")
            return [row[0] for row in await cursor.fetchall()]

    # Scheduled jobs

    async def load_jobs(self) -> list[Job]:
        """By the time they are due."""
        async with self._store.connection() as db:
            cursor = await db.execute(
                "SELECT job_id, task_name, time_spec, next_run_at, last_task_id "
                "FROM _mybizz.scheduled_tasks ORDER BY next_run_at, job_id"
            )
            rows = await cursor.fetchall()
        return [Job(row[0], row[1], read_json(row[2]), row[3], row[4]) for row in rows]

    async def save_jobs(self, jobs: Iterable[Job]) -> list[Job]:
        """Make these the only ones; what they are now. A job that is known keeps its time while its
        ``time_spec`` stays the same, and its last run while its task does: another server may have
        run it meanwhile."""
        kept = list(jobs)
        async with self._store.connection() as db, db.transaction():
            await db.execute(
                "DELETE FROM _mybizz.scheduled_tasks WHERE NOT job_id = ANY(%s)",
                [[job.job_id for job in kept]],
            )
            for job in kept:
                await db.execute(
                    _SAVE_JOB,
                    [
                        job.job_id,
                        job.task_name,
                        write_json(job.time_spec),
                        job.next_run_at,
                        job.last_task_id,
                    ],
                )
        return await self.load_jobs()

    async def claim_job(self, job: Job, next_run_at: datetime) -> bool:
        """Move a job that is due on to its next time; False where another server has done so."""
        return await self._change_job(job, "next_run_at = %s", [next_run_at])

    async def keep_last_task(self, job: Job) -> None:
        """Keep which task a job made last."""
        await self._change_job(job, "last_task_id = %s", [job.last_task_id])

    async def _change_job(self, job: Job, change: LiteralString, values: list[Any]) -> bool:
        """While it still is due when this server thinks it is."""
        async with self._store.connection() as db:
            cursor = await db.execute(
                "UPDATE _mybizz.scheduled_tasks SET " + change + " "
                "WHERE job_id = %s AND next_run_at = %s",
                [*values, job.job_id, job.next_run_at],
            )
            return cursor.rowcount == 1

    async def find_job(self, job_id: str) -> Job | None:
        return next((job for job in await self.load_jobs() if job.job_id == job_id), None)
