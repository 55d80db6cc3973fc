"""What the operator agent tells the console: the fleet, alerts, releases, commands."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app_server.errors import StartupError
from scripts.operations.command_log import read_log
from scripts.operations.databases import DatabaseServer
from scripts.operations.fleet.status import InstanceStatus, read_fleet
from scripts.operations.home import Home, OperationError
from scripts.operations.observing.store import read_alerts
from scripts.operations.release_diff import compare
from scripts.operations.releases import Release, find_changed_files, list_releases

Call = Callable[..., Any]

HEALTH_WORDS = {"well", "ill", "down", "stopped"}
COUNTS = (
    *("memory_bytes", "database_bytes", "storage_bytes", "latency_ms", "requests"),
    *("requests_failed", "contacts", "bookings", "emails", "users"),
)
COMMANDS = 200
MAX_CHANGES = 200
MAX_NOTES_CHARS = 20_000


def report_fleet(home: Home, server: DatabaseServer | None, call: Call, agent: str) -> int:
    """Tell how every instance is; how many there are. Where they cannot be looked at, tell why."""
    try:
        found, problem = read_fleet(home, server), ""
    except (OperationError, StartupError, OSError) as error:
        found, problem = [], str(error)[:1000]
    instances = [describe_instance(each) for each in found]
    call("report_fleet", agent=agent, instances=instances, problem=problem)
    return len(instances)


def describe_instance(status: InstanceStatus) -> dict[str, Any]:
    """An instance as the console wants it."""
    counts: dict[str, int | None] = {}
    for name in COUNTS:
        value = getattr(status, name)
        counts[name] = None if value is None else round(value)
    return {
        "name": status.name,
        "title": status.title[:200],
        "release": status.release,
        "state": status.state,
        "health": status.health if status.health in HEALTH_WORDS else "unknown",
        "problem": (status.problem or "")[:1000],
        "origin": status.origin,
        **{
            name: _moment(getattr(status, name))
            for name in ("created_at", "last_seen_at", "backed_up_at")
        },
        **counts,
    }


def report_alerts(home: Home, call: Call) -> int:
    """Tell which alerts are open; how many."""
    found = [describe_alert(each) for each in read_alerts(home)["alerts"] if not each["ended_at"]]
    call("report_alerts", alerts=found)
    return len(found)


def describe_alert(alert: Mapping[str, Any]) -> dict[str, Any]:
    """An alert as the console wants it."""
    title, text = str(alert.get("title") or ""), str(alert["text"])
    return {
        "key": alert["id"],
        "rule": alert["rule"],
        "instance": alert["instance"] or "",
        "severity": alert["severity"],
        "text": text if text.startswith(title) else f"{title}. {text}"[:1000],
        "next_step": str(alert.get("next_step") or "")[:1000],
        "runbook": str(alert.get("runbook") or "")[:200],
        "began_at": _moment(alert["began_at"]),
    }


def report_releases(home: Home, call: Call) -> int:
    """Tell which releases there are, and whether their files are as they were published."""
    found: list[dict[str, Any]] = []
    former: Release | None = None
    for release in list_releases(home):
        found.append(describe_release(release, former))
        former = release
    call("report_releases", releases=found)
    return len(found)


def describe_release(release: Release, former: Release | None) -> dict[str, Any]:
    """A release as the console wants it; ``changes`` are those against the one before."""
    manifest = release.read_manifest()
    return {
        "version": release.version,
        "kind": manifest.get("kind") or "feature",
        "published_at": _moment(manifest.get("published_at")),
        "published_by": str(manifest.get("by") or "")[:200],
        "notes": release.read_notes()[:MAX_NOTES_CHARS],
        "guide": _read_guide(release)[:MAX_NOTES_CHARS],
        "changes": _describe_changes(former, release) if former else [],
        "changed_files": len(find_changed_files(release)),
    }


def _read_guide(release: Release) -> str:
    """How a tenant goes along with a breaking release; '' where it needs no telling."""
    path = release.folder / "MIGRATION.md"
    return path.read_text() if path.exists() else ""


def _describe_changes(old: Release, new: Release) -> list[str]:
    difference = compare(old, new)
    parts = (
        ("Table", difference.schema),
        ("Service", difference.services),
        ("Task", difference.tasks),
    )
    lines = [f"{word} {change}" for word, changes in parts for change in changes]
    return [line[:500] for line in lines[:MAX_CHANGES]]


def report_commands(home: Home, call: Call) -> int:
    """Tell the newest commands of this machine; how many."""
    found = [describe_command(entry) for entry in read_log(home, COMMANDS)]
    call("report_commands", commands=found)
    return len(found)


def describe_command(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the log of commands as the console wants it."""
    words = shlex.join(entry["command"])
    known_by = f"{entry['at']}\0{entry['by']}\0{words}"
    return {
        "command_id": hashlib.sha256(known_by.encode()).hexdigest()[:32],
        "ran_at": _moment(entry["at"]),
        "ran_by": str(entry["by"])[:200],
        "words": words[:2000],
        "state": entry["state"],
        "error": str(entry.get("error") or "")[:2000],
    }


def _moment(value: datetime | str | None) -> str | None:
    """A time as text, with its zone."""
    if not value:
        return None
    return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).isoformat()
