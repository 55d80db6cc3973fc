"""Every rule of the monitor: what it is called, how bad it is, what has to be seen to judge it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

RUNBOOK = "docs/alerts.md"
EVERYTHING = "-"
"""Stands for the instance in the id of an alert about the whole installation."""


class Severity(StrEnum):
    """Critical: a business is away, or its data are in danger. Warning: it will be."""

    CRITICAL = "critical"
    WARNING = "warning"


class Source(StrEnum):
    """Where a rule looks. While that cannot be seen, its alerts stay as they are."""

    FOLDER = "folder"
    SERVER = "server"
    DATABASE = "database"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Rule:
    """``rounds``: how often in a row it has to be found before anybody is told."""

    name: str
    severity: Severity
    title: str
    source: Source
    rounds: int = 1

    @property
    def runbook(self) -> str:
        return f"{RUNBOOK}#{self.name.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong now. ``instance`` is None where it is about the whole installation;
    ``part`` tells several of one rule apart: a job, a disk, an integration."""

    rule: Rule
    text: str
    next_step: str
    instance: str | None = None
    part: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        end = f":{self.part}" if self.part else ""
        return f"{self.rule.name}:{self.instance or EVERYTHING}{end}"

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "rule": self.rule.name,
            "severity": self.rule.severity.value,
            "instance": self.instance,
            "part": self.part,
            "title": self.rule.title,
            "text": self.text,
            "next_step": self.next_step,
            "runbook": self.rule.runbook,
            "facts": dict(self.facts),
        }


_CRITICAL, _WARNING = Severity.CRITICAL, Severity.WARNING
_FOLDER, _SERVER = Source.FOLDER, Source.SERVER
_DATABASE, _MACHINE = Source.DATABASE, Source.MACHINE

_ALL = (
    # What visitors notice. A restart takes seconds: two looks in a row.
    Rule("server_down", _CRITICAL, "The server does not answer", _SERVER, 2),
    Rule("server_crash_loop", _CRITICAL, "The server starts again and again", _SERVER),
    Rule("instance_down", _CRITICAL, "A business is not served", _SERVER, 2),
    Rule("instance_restarts", _WARNING, "A business starts again and again", _SERVER),
    Rule("server_code_down", _CRITICAL, "Server code cannot be run", _SERVER, 2),
    Rule("worker_crash_loop", _CRITICAL, "Server code crashes again and again", _SERVER),
    Rule("memory_hog", _WARNING, "Server code uses too much memory", _SERVER),
    Rule("endless_calls", _WARNING, "Server code takes too long and is cut off", _SERVER),
    Rule("error_rate", _CRITICAL, "Many requests fail", _SERVER),
    Rule("latency", _WARNING, "A business is slow", _SERVER),
    Rule("certificate_expires", _WARNING, "A certificate is about to expire", _SERVER),
    # Databases.
    Rule("database_down", _CRITICAL, "A database cannot be reached", _SERVER, 2),
    Rule("connections_exhausted", _CRITICAL, "Database connections run out", _MACHINE, 2),
    Rule("database_blocked", _WARNING, "A database waits for a lock", _DATABASE),
    Rule("wal_archive_failing", _CRITICAL, "Changes are not archived", _MACHINE),
    # Work in the background.
    Rule("scheduler_stopped", _CRITICAL, "Scheduled tasks are not started", _DATABASE, 2),
    Rule("job_failed", _WARNING, "A scheduled task failed", _DATABASE),
    Rule("job_stuck", _WARNING, "A task does not come to its end", _DATABASE),
    Rule("tasks_failing", _WARNING, "Background tasks fail", _DATABASE),
    Rule("outbox_dead", _WARNING, "Something was given up", _DATABASE),
    Rule("outbox_late", _WARNING, "What has to be sent waits", _DATABASE),
    Rule("provider_outage", _WARNING, "An outside service fails", _DATABASE),
    Rule("mail_failing", _CRITICAL, "E-mails are not sent", _DATABASE),
    Rule("webhook_silent", _CRITICAL, "A payment provider is silent", _DATABASE),
    # Backups.
    Rule("backup_missing", _CRITICAL, "There is no backup", _FOLDER),
    Rule("backup_old", _CRITICAL, "The newest backup is old", _FOLDER),
    Rule("backup_damaged", _CRITICAL, "The newest backup cannot be restored", _FOLDER),
    Rule("backup_key_missing", _CRITICAL, "The key of the backups is missing", _MACHINE),
    Rule("drill_failed", _CRITICAL, "A restore drill proved nothing", _FOLDER),
    Rule("drill_old", _WARNING, "No restore drill for a long time", _FOLDER),
    Rule("promise_missed", _WARNING, "A restore would take or lose too much", _FOLDER),
    # What was begun or changed.
    Rule("creation_unfinished", _WARNING, "A business was not made to its end", _FOLDER),
    Rule("destruction_unfinished", _WARNING, "A business is half destroyed", _FOLDER),
    Rule("upgrade_unfinished", _CRITICAL, "An upgrade stopped in the middle", _FOLDER, 2),
    Rule("upgrade_failed", _WARNING, "An upgrade failed and was taken back", _FOLDER),
    Rule("release_changed", _CRITICAL, "Files of a release were changed", _MACHINE),
    Rule("release_missing", _CRITICAL, "A release is missing", _FOLDER),
    Rule("config_broken", _CRITICAL, "A configuration cannot be read", _FOLDER),
    Rule("secrets_exposed", _CRITICAL, "Others may read secrets", _FOLDER),
    # The machine.
    Rule("disk_full", _CRITICAL, "A disk is almost full", _MACHINE),
    Rule("disk_readonly", _CRITICAL, "Nothing can be written", _MACHINE),
    Rule("memory_low", _WARNING, "The machine is short of memory", _MACHINE, 2),
    Rule("clock_skew", _WARNING, "A clock is wrong", _MACHINE),
    Rule("monitor_dead", _CRITICAL, "The monitor does not run", _MACHINE),
    Rule("alerts_unsent", _WARNING, "Alerts cannot be sent", _MACHINE),
)

RULES: Mapping[str, Rule] = {rule.name: rule for rule in _ALL}
