"""The agent's side of the jobs: take one, say how far it is, end it.

A job that runs is leased to one agent. It renews the lease while it works; one that is killed
renews nothing, and its job is given out again. Commands complete what a killed one left, so a job
may be run again.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables

from master_template.server_shared import audit, clock
from master_template.server_shared.encryption import encrypt
from master_template.server_shared.transactions import in_transaction
from master_template.server_shared.validators import Bool, Text

from ..server_console.callables import TRUSTED_ONLY, server_callable
from .job_service import (
    DONE,
    FAILED,
    JOB_ID,
    RUNNING,
    WAITING,
    Arguments,
    find_job,
    tell_ended,
)

LEASE_SECONDS = 90
# A command that takes the agent down with it is not run for ever.
MAX_ATTEMPTS = 3
MAX_LOG_CHARS = 20_000
WEARY = "The agent was stopped each time this ran. Look at its log before you ask again."

LEASE = Text("The lease", max_chars=80, min_chars=8, required=True)
LOG = Text("The log", max_chars=MAX_LOG_CHARS, multiline=True, default="")


# No entry in the audit log: it tells of the wish and of the end.
@server_callable(needs=TRUSTED_ONLY, takes={"lease": LEASE})
def take_job(lease: str) -> dict[str, Any]:
    """Take the oldest job that may run: ``{"job": None or {"job_id", "action", "arguments"},
    "lease_seconds"}``. A ``lease`` that has one already gets that again."""
    row = _take(lease)
    job = None if row is None else {name: row[name] for name in ("job_id", "action", "arguments")}
    return {"job": job, "lease_seconds": LEASE_SECONDS}


@in_transaction
def _take(lease: str) -> Any:
    now = clock.now()
    mine = app_tables.operator_jobs.get(lease=lease, state=RUNNING)
    if mine is not None:
        mine.update(lease_ends_at=_lease_end(now))
        return mine
    running = list(app_tables.operator_jobs.search(state=RUNNING))
    lost = [row for row in running if row["lease_ends_at"] <= now]
    # Two commands on one business refuse each other.
    taken = {row["instance"] for row in running if row not in lost and row["instance"]}
    waiting = app_tables.operator_jobs.search(tables.order_by("created_at"), state=WAITING)
    for row in (*lost, *waiting):
        if row["instance"] and row["instance"] in taken:
            continue
        if int(row["attempts"]) >= MAX_ATTEMPTS:
            _close(row, FAILED, error=WEARY)
            continue
        row.update(
            state=RUNNING,
            lease=lease,
            lease_ends_at=_lease_end(now),
            attempts=int(row["attempts"]) + 1,
            started_at=row["started_at"] or now,
        )
        return row
    return None


def _lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=LEASE_SECONDS)


@server_callable(needs=TRUSTED_ONLY, takes={"job_id": JOB_ID, "lease": LEASE, "log_tail": LOG})
def report_job(job_id: str, lease: str, log_tail: str = "") -> dict[str, Any]:
    """Say how far a job is, and keep it: ``{"is_yours": bool}``; another agent may have it."""
    return {"is_yours": _report(job_id, lease, log_tail)}


@in_transaction
def _report(job_id: str, lease: str, log_tail: str) -> bool:
    row = find_job(job_id)
    if row["state"] != RUNNING or row["lease"] != lease:
        return False
    row.update(lease_ends_at=_lease_end(clock.now()), log_tail=log_tail)
    return True


@server_callable(
    needs=TRUSTED_ONLY,
    takes={
        "job_id": JOB_ID,
        "lease": LEASE,
        "is_done": Bool("Whether it is done", required=True),
        "result": Arguments("The result", default={}),
        "secret": Arguments("What is shown once", default={}),
        "error": Text("The error", max_chars=2_000, multiline=True, default=""),
        "log_tail": LOG,
    },
    audit="job.end",
)
def end_job(
    job_id: str,
    lease: str,
    is_done: bool,
    result: dict[str, Any] | None = None,
    secret: dict[str, Any] | None = None,
    error: str = "",
    log_tail: str = "",
) -> dict[str, Any]:
    """Say how a job ended: ``{"is_yours": bool}``. Said twice, it counts once."""
    row = find_job(job_id)
    if row["state"] != RUNNING or row["lease"] != lease:
        audit.unchanged()
        return {"is_yours": False}
    row.update(
        result=result or {},
        secret_encrypted=encrypt(json.dumps(secret)) if secret else None,
        log_tail=log_tail,
    )
    _close(row, DONE if is_done else FAILED, error=error)
    return {"is_yours": True}


def _close(row: Any, state: str, *, error: str) -> None:
    row.update(
        state=state,
        error=error,
        ended_at=clock.now(),
        lease=None,
        lease_ends_at=None,
    )
    details = {"action": row["action"], "instance": row["instance"], "state": state}
    audit.record("end", "job", row["job_id"], details=details)
    tell_ended(row)
