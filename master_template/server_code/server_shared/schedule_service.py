"""What people may see and ask of the scheduled work."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from . import audit, clock, schedule
from . import scheduled_runs as runs
from .callables import TRUSTED_ONLY, server_callable
from .errors import NotFoundError
from .validators import Int, Text

JOB = Text("The work", max_chars=40, required=True)
MAX_PAGE = 100


@server_callable(needs="settings.view")
def list_scheduled_jobs() -> dict[str, Any]:
    """Everything that recurs, by title: ``{"jobs": [...], "time_zone"}``.

    A job has ``name``, ``title``, ``about``, ``rhythm`` in words, ``next_at``, and ``last_run``
    (shape of :func:`run_dict`) or None.
    """
    now, zone = clock.now(), runs.business_zone()
    latest = runs.latest_runs()
    jobs = [
        {
            "name": job.name,
            "title": job.title,
            "about": job.about,
            "rhythm": job.rhythm.tell(),
            "next_at": job.rhythm.following(now, zone),
            "last_run": run_dict(latest[job.name]) if job.name in latest else None,
        }
        for job in sorted(schedule.jobs.values(), key=lambda job: job.title)
    ]
    return {"jobs": jobs, "time_zone": zone.key}


@server_callable(
    needs="settings.view",
    takes={
        "job": JOB,
        "offset": Int("Offset", minimum=0, maximum=100_000, default=0),
        "page_size": Int("Page size", minimum=1, maximum=MAX_PAGE, default=25),
    },
)
def list_scheduled_runs(job: str, offset: int = 0, page_size: int = 25) -> dict[str, Any]:
    """The runs of a job, the last one first: ``{"runs": [...], "total"}``."""
    _find(job)
    found = app_tables.scheduled_runs.search(
        tables.order_by("created_at", ascending=False), q.page_size(offset + page_size), job=job
    )
    rows = islice(found, offset, offset + page_size)
    return {"runs": [run_dict(row) for row in rows], "total": len(found)}


@server_callable(
    needs="settings.manage", takes={"job": JOB}, audit="scheduled_work.run", atomic=False
)
def run_scheduled_job(job: str) -> dict[str, Any]:
    """Have a job run now; ``{"run": {...}}``, as it waits. What runs already is not run twice."""
    found = _find(job)
    row = runs.ask_for(found.name)
    audit.record("run", "scheduled_work", found.name, details={"asked": found.title})
    answer = {"run": run_dict(row)}
    runs.launch_schedule()
    return answer


@server_callable(needs=TRUSTED_ONLY, takes={"job": Text("The work", max_chars=40)}, atomic=False)
def run_schedule_now(job: str | None = None) -> dict[str, Any]:
    """Do here and now what is due, or one job in any case, for scripts: ``{"runs": [...]}`` with
    ``job``, ``state``, ``figures`` and ``error`` of each."""
    if job is not None:
        runs.ask_for(_find(job).name)
    done = []
    for run, state in runs.pass_once(job):
        row = app_tables.scheduled_runs.get_by_id(run.row.get_id())
        error = row["error"] if row is not None else None
        done.append(
            {"job": run.job.name, "state": state, "figures": dict(run.figures), "error": error}
        )
    return {"runs": done}


def run_dict(row: Any) -> Mapping[str, Any]:
    """A run as a caller sees it. ``state`` is waiting, running, done or failed; one that waits
    with an ``error`` is tried again at ``next_try_at``."""
    return {
        "job": row["job"],
        "due_at": row["due_at"],
        "state": row["state"],
        "attempts": int(row["attempts"]),
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
        "next_try_at": row["next_try_at"] if row["state"] == runs.WAITING else None,
        "figures": dict(row["figures"] or {}),
        "error": row["error"],
        "is_asked": row["created_by"] is not None,
    }


def _find(name: str) -> schedule.Job:
    job = schedule.jobs.get(name)
    if job is None:
        raise NotFoundError(f"There is no scheduled work called {name}.", field="job")
    return job
