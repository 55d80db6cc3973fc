"""Checks of what a business does in the background: tasks, outbox, mails, outside services."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from scripts.operations.observing.database_look import DatabaseLook
from scripts.operations.observing.looking import InstanceLook, Look
from scripts.operations.observing.rules import RULES, Finding
from scripts.operations.observing.wording import shorten, tell_since, tell_time

SCHEDULER_SECONDS = 90
"""It looks every 15 seconds."""

FINAL = ("failed", "missing")


def check_work(look: Look) -> Iterator[Finding]:
    for each in look.instances:
        if each.database is None or not each.database.is_read:
            continue
        yield from _check_scheduler(look, each, each.database)
        yield from _check_tasks(look, each, each.database)
        yield from _check_outbox(look, each, each.database)
        yield from _check_mails(each, each.database)
        yield from _check_integrations(each, each.database)
        yield from _check_payments(look, each, each.database)
        yield from _check_billing(each, each.database)
        yield from _check_locks(look, each, each.database)
    yield from _check_common_outage(look)


def _check_scheduler(look: Look, each: InstanceLook, database: DatabaseLook) -> Iterator[Finding]:
    late = look.at - timedelta(minutes=look.settings.limits.late_job_minutes)
    overdue = [row for row in database.rows("jobs") if row["next_run_at"] < late]
    counters = each.answer.counters if each.answer else None
    age = counters.scheduler_seconds if counters else None
    if overdue:
        first = min(overdue, key=lambda row: row["next_run_at"])
        said = f"{first['task_name']} should have run at {tell_time(first['next_run_at'])}" + (
            f", and {len(overdue) - 1} more" if len(overdue) > 1 else ""
        )
    elif age is not None and age > SCHEDULER_SECONDS:
        said = f"nobody has looked for what is due for {age:.0f} s"
    else:
        return
    yield Finding(
        RULES["scheduler_stopped"],
        f"The scheduler of {each.name} stands still: {said}. Mails, reminders and clean-up wait.",
        "Look for 'Scheduled tasks have to wait' in the server's log. `systemctl reload "
        "mybizz` "
        f"(or touch client_instances/{each.name}/instance.yaml) starts it anew.",
        each.name,
        facts={"overdue": [row["task_name"] for row in overdue]},
    )


def _check_tasks(look: Look, each: InstanceLook, database: DatabaseLook) -> Iterator[Finding]:
    for row in database.rows("jobs"):
        if row["last_status"] in FINAL:
            ended = row["last_ended_at"]
            yield Finding(
                RULES["job_failed"],
                f"{row['task_name']} of {each.name} failed at {tell_time(ended)}: "
                f"{_read_error(row['last_error'], row['last_status'])}",
                f"It runs again at {tell_time(row['next_run_at'])}. The log has the trace: "
                f"'background task {row['task_name']}'.",
                each.name,
                row["job_id"],
            )
    for row in database.rows("long_tasks"):
        yield Finding(
            RULES["job_stuck"],
            f"{row['name']} of {each.name} runs {tell_since(row['started_at'], look.at)} and does "
            "not come to its end" + ("; its next runs are left out." if row["job_id"] else "."),
            f"If it should not take so long, start {each.name} anew: `scripts/mybizz instance stop "
            f"{each.name}`, then `instance start {each.name}`. What it did so far is kept.",
            each.name,
            f"{row['name']}@{row['started_at']:%Y%m%dT%H%M%S}",
        )
    for row in database.rows("failing_tasks"):
        yield Finding(
            RULES["tasks_failing"],
            f"{row['name']} of {each.name} failed {row['failed']} times within an hour: "
            f"{_read_error(row['last_error'], 'failed')}",
            f"The log has the trace: 'background task {row['name']}'.",
            each.name,
            row["name"],
        )


def _check_outbox(look: Look, each: InstanceLook, database: DatabaseLook) -> Iterator[Finding]:
    for row in database.rows("outbox"):
        kind = row["kind"]
        if row["dead"]:
            yield Finding(
                RULES["outbox_dead"],
                f"{row['dead']} entries of kind {kind} of {each.name} could not be delivered and "
                f"were given up: {shorten(row['last_error'])}",
                "Mend what the error names, then have them sent again: in the app under Settings, "
                "E-mail log, 'Send again'.",
                each.name,
                kind,
                {"dead": row["dead"]},
            )
        if row["late"]:
            yield Finding(
                RULES["outbox_late"],
                f"{row['late']} entries of kind {kind} of {each.name} wait to be delivered "
                f"{tell_since(row['late_since'], look.at)}; nobody takes them.",
                "Its task deliver_outbox does not run, or dies: look for it in the server's log. "
                "Nothing is lost meanwhile.",
                each.name,
                kind,
                {"late": row["late"]},
            )


def _find_failing(each: InstanceLook) -> Iterator[Mapping[str, Any]]:
    if each.database is not None:
        yield from (row for row in each.database.rows("outbox") if row["failing"])


def _check_common_outage(look: Look) -> Iterator[Finding]:
    """What fails for several businesses at once is one outage; else it is the business's own."""
    by_kind: defaultdict[str, list[tuple[InstanceLook, Mapping[str, Any]]]] = defaultdict(list)
    for each in look.instances:
        for row in _find_failing(each):
            by_kind[row["kind"]].append((each, row))
    for kind, found in by_kind.items():
        names = [each.name for each, _row in found]
        since: datetime = min(row["failing_since"] for _each, row in found)
        error = shorten(found[0][1]["last_error"])
        is_common = len(found) > 2
        whose = f"{len(names)} businesses ({', '.join(names[:8])})" if is_common else ""
        for name in [None] if is_common else names:
            yield Finding(
                RULES["provider_outage"],
                f"The service that delivers {kind} for {whose or name} fails "
                f"{tell_since(since, look.at)}: {error}",
                "Look at the provider's status page. If it is up, check the credentials under "
                "Settings, Integrations. Everything is tried again by itself for two days.",
                name,
                kind,
                {"instances": names},
            )


def _check_mails(each: InstanceLook, database: DatabaseLook) -> Iterator[Finding]:
    for row in database.rows("mails"):
        if row["failed"] >= 1 and row["failed"] > row["sent"]:
            yield Finding(
                RULES["mail_failing"],
                f"{row['failed']} e-mails of {each.name} failed within an hour, {row['sent']} were "
                f"sent: {shorten(row['last_error'])}",
                "Test the mail service under Settings, Integrations; it says what is wrong. Then "
                "send them again from Settings, E-mail log.",
                each.name,
                facts={"failed": row["failed"], "sent": row["sent"]},
            )


def _check_integrations(each: InstanceLook, database: DatabaseLook) -> Iterator[Finding]:
    for row in database.rows("integrations"):
        yield Finding(
            RULES["provider_outage"],
            f"The integration {row['name']} of {each.name} did not pass its test at "
            f"{tell_time(row['tested_at'])}: {shorten(row['message'])}",
            f"Have the owner of {each.name} enter its credentials anew under Settings, "
            "Integrations.",
            each.name,
            f"integration {row['name']}",
        )


def _check_payments(look: Look, each: InstanceLook, database: DatabaseLook) -> Iterator[Finding]:
    for row in database.rows("payments"):
        if row["unanswered"] >= look.settings.limits.silent_payments and not row["answered"]:
            yield Finding(
                RULES["webhook_silent"],
                f"{row['provider']} has not told {each.name} how its last {row['unanswered']} "
                f"payments ended, {tell_since(row['since'], look.at)}.",
                f"In {row['provider']}'s dashboard look whether its webhook reaches "
                f"{each.folder.origin} (deliveries, errors, secret), and send what failed again.",
                each.name,
                row["provider"],
                {"payments": row["unanswered"]},
            )


def _check_billing(each: InstanceLook, database: DatabaseLook) -> Iterator[Finding]:
    """Stripe's messages to the console: changes that only the nightly comparison brought."""
    for row in database.rows("billing"):
        last = row["last_event_at"]
        is_silent = last is None or last < row["ended_at"] - timedelta(days=1)
        if row["differences"] and is_silent:
            since = f"since {tell_time(last)}" if last else "ever"
            yield Finding(
                RULES["webhook_silent"],
                f"Stripe has told {each.name} nothing {since}, though {row['differences']} of its "
                "subscriptions, invoices or refunds changed: dunning goes by old facts.",
                f"In Stripe's dashboard look whether its webhook reaches {each.folder.origin}"
                "/_/api/billing/stripe (deliveries, errors, secret), and send what failed again.",
                each.name,
                "billing",
                {"differences": row["differences"]},
            )


def _check_locks(look: Look, each: InstanceLook, database: DatabaseLook) -> Iterator[Finding]:
    waiting, since = database.blocked.get("waiting"), database.blocked.get("since")
    if waiting and since:
        yield Finding(
            RULES["database_blocked"],
            f"{waiting} queries of {each.name} wait for a lock {tell_since(since, look.at)}.",
            "See who holds it: SELECT pid, state, query FROM pg_stat_activity WHERE datname = "
            f"'mybizz_{each.name.replace('-', '_')}'; end it by SELECT pg_terminate_backend(pid).",
            each.name,
            facts={"waiting": waiting},
        )


def _read_error(text: str | None, status: str) -> str:
    """The message of an error as it is recorded with a task."""
    if not text:
        return "its process ended" if status == "missing" else "no reason was recorded"
    try:
        found = json.loads(text)
    except ValueError:
        return shorten(text)
    return shorten(found.get("message") or found.get("type")) if isinstance(found, dict) else ""
