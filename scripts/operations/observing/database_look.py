"""What an instance's database tells of its work, read by its own role in one short visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from scripts.operations.observing.settings import Limits

CONNECT_SECONDS = 4
STATEMENT_MS = 5000
LOCK_MS = 500
OPTIONS = (
    f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={LOCK_MS} "
    "-c default_transaction_read_only=on"
)
NAME = "mybizz-watch"

_SERVER = """
SELECT clock_timestamp() AS at, pg_is_in_recovery() AS is_copy,
       current_setting('max_connections')::int
         - current_setting('superuser_reserved_connections')::int AS places,
       (SELECT sum(numbackends) FROM pg_stat_database)::int AS used,
       current_setting('archive_mode') AS archive_mode,
       a.failed_count, a.last_failed_wal, a.last_failed_time, a.last_archived_time,
       inet_server_port() AS port
FROM pg_stat_archiver a
"""

_BLOCKED = """
SELECT count(*) AS waiting, min(query_start) AS since,
       (SELECT min(xact_start) FROM pg_stat_activity b WHERE b.datname = current_database()
          AND b.state = 'idle in transaction' AND b.xact_start < %(lock)s) AS idle_since
FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
  AND query_start < %(lock)s
"""

_JOBS = """
SELECT s.job_id, s.task_name, s.next_run_at,
       t.status AS last_status, t.error AS last_error, t.ended_at AS last_ended_at
FROM _mybizz.scheduled_tasks s LEFT JOIN LATERAL (
  SELECT status, error, ended_at FROM _mybizz.background_tasks t
  WHERE t.job_id = s.job_id AND t.status IS NOT NULL ORDER BY t.ended_at DESC LIMIT 1) t ON true
ORDER BY s.job_id
"""

_LONG = """
SELECT name, job_id, started_at FROM _mybizz.background_tasks
WHERE status IS NULL AND started_at < %(long)s ORDER BY started_at LIMIT 20
"""

_FAILING = """
SELECT name, count(*) AS failed, (array_agg(error ORDER BY ended_at DESC))[1] AS last_error
FROM _mybizz.background_tasks
WHERE status IN ('failed', 'missing') AND job_id IS NULL AND ended_at > %(hour)s
GROUP BY name HAVING count(*) >= %(failed_tasks)s
"""

_OUTBOX = """
SELECT kind,
       count(*) FILTER (WHERE status = 'dead') AS dead,
       count(*) FILTER (WHERE status = 'waiting' AND due_at < %(late)s) AS late,
       min(due_at) FILTER (WHERE status = 'waiting' AND due_at < %(late)s) AS late_since,
       count(*) FILTER (WHERE status = 'waiting' AND attempts >= %(attempts)s) AS failing,
       min(created_at) FILTER (WHERE status = 'waiting' AND attempts >= %(attempts)s)
         AS failing_since,
       (array_agg(last_error ORDER BY created_at DESC) FILTER (WHERE last_error IS NOT NULL))[1]
         AS last_error
FROM app.outbox GROUP BY kind
"""

_MAILS = """
SELECT count(*) FILTER (WHERE status = 'failed') AS failed,
       count(*) FILTER (WHERE status = 'sent') AS sent,
       (array_agg(error ORDER BY queued_at DESC) FILTER (WHERE status = 'failed'))[1] AS last_error
FROM app.email_log WHERE queued_at > %(hour)s
"""

_INTEGRATIONS = "SELECT name, message, tested_at FROM app.integrations WHERE is_working = false"

_PAYMENTS = """
SELECT provider, count(*) FILTER (WHERE status = 'requires_action') AS unanswered,
       count(*) FILTER (WHERE status <> 'requires_action') AS answered,
       min(created_at) FILTER (WHERE status = 'requires_action') AS since
FROM (SELECT provider, status, created_at,
             row_number() OVER (PARTITION BY provider ORDER BY created_at DESC) AS place
      FROM app.payments
      WHERE provider <> 'manual' AND created_at > %(day)s AND created_at < %(silent)s) newest
WHERE place <= %(payments)s GROUP BY provider
"""

_FAULTS = """
SELECT period_start, sum(calls)::int AS calls,
       sum(coalesce((failures->>'internal')::int, 0))::int AS internal
FROM app.callable_metrics WHERE period IN ('part', 'hour') AND period_start > %(hours)s
GROUP BY period_start
"""

# Of the console: what the nightly comparison with Stripe had to mend, and when Stripe last spoke.
_BILLING = """
SELECT c.ended_at, jsonb_array_length(c.differences) AS differences,
       (SELECT max(received_at) FROM app.billing_events) AS last_event_at
FROM app.billing_checks c WHERE c.status = 'done' ORDER BY c.started_at DESC LIMIT 1
"""

# What each needs; an older release or another app has no such table, and no such work.
_PARTS: Mapping[str, tuple[str, str]] = {
    "jobs": ("_mybizz.scheduled_tasks", _JOBS),
    "long_tasks": ("_mybizz.background_tasks", _LONG),
    "failing_tasks": ("_mybizz.background_tasks", _FAILING),
    "outbox": ("app.outbox", _OUTBOX),
    "mails": ("app.email_log", _MAILS),
    "integrations": ("app.integrations", _INTEGRATIONS),
    "payments": ("app.payments", _PAYMENTS),
    "faults": ("app.callable_metrics", _FAULTS),
    "billing": ("app.billing_checks", _BILLING),
}

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class DatabaseLook:
    """``problem`` is why it could not be read ('' where it was); the rows are as in the statements
    above. ``measured_at`` is our own clock when ``server['at']`` was read; ``is_whole``: no
    part was held by somebody else."""

    host: str
    port: int
    problem: str = ""
    is_crowded: bool = False
    measured_at: float = 0.0
    server: Mapping[str, Any] = field(default_factory=dict)
    blocked: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Rows] = field(default_factory=dict)
    is_whole: bool = True

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def is_read(self) -> bool:
        return not self.problem

    def rows(self, part: str) -> Rows:
        return self.parts.get(part, ())


def look_into(url: str, now: datetime, limits: Limits, clock: Any) -> DatabaseLook:
    """Visit a database. ``clock()`` is this machine's, in seconds. Never raises for one that is
    away."""
    address = psycopg.conninfo.conninfo_to_dict(url)
    host, port = str(address.get("host") or "127.0.0.1"), int(address.get("port") or 5432)
    try:
        with psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name=NAME,
            options=OPTIONS,
            row_factory=dict_row,
        ) as database:
            return _read(database, host, port, now, limits, clock)
    except psycopg.Error as error:
        text = " ".join(str(error).split())
        # By what it says: libpq gives no code for a log-in that was refused.
        is_crowded = "too many" in text or "connection slots" in text
        return DatabaseLook(host, port, problem=text or repr(error), is_crowded=is_crowded)


def _read(
    database: psycopg.Connection[dict[str, Any]],
    host: str,
    port: int,
    now: datetime,
    limits: Limits,
    clock: Any,
) -> DatabaseLook:
    server = database.execute(_SERVER).fetchone() or {}
    measured_at = float(clock())
    values = {
        "lock": now - timedelta(minutes=limits.lock_minutes),
        "long": now - timedelta(minutes=limits.long_task_minutes),
        "late": now - timedelta(minutes=limits.outbox_late_minutes),
        "silent": now - timedelta(minutes=limits.silent_minutes),
        "hour": now - timedelta(hours=1),
        "hours": now - timedelta(hours=2),
        "day": now - timedelta(days=1),
        "failed_tasks": limits.failed_tasks,
        "attempts": limits.provider_attempts,
        "payments": limits.silent_payments,
    }
    blocked = database.execute(_BLOCKED, values).fetchone() or {}
    parts: dict[str, Rows] = {}
    is_whole = True
    for name, (table, statement) in _PARTS.items():
        found = database.execute("SELECT to_regclass(%s) AS oid", [table]).fetchone()
        if found and found["oid"] is not None:
            rows = _read_part(database, statement, values)
            parts[name], is_whole = rows or (), is_whole and rows is not None
    return DatabaseLook(
        host,
        port,
        measured_at=measured_at,
        server=server,
        blocked=blocked,
        parts=parts,
        is_whole=is_whole,
    )


def _read_part(
    database: psycopg.Connection[dict[str, Any]], statement: str, values: Mapping[str, Any]
) -> Rows | None:
    """None where somebody holds the table: that is found on its own."""
    try:
        return database.execute(statement, values).fetchall()
    except psycopg.errors.SyntaxErrorOrAccessRuleViolation:
        # Another app's table of this name.
        return ()
    except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable):
        return None
