"""What the operator agent tells of the fleet, and the history that is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from anvil.tables import app_tables

from master_template.server_shared import clock
from master_template.server_shared.transactions import in_transaction
from master_template.server_shared.validators import Items, Text

from ..server_console.callables import TRUSTED_ONLY, server_callable
from .fleet_fields import INSTANCE, WELL, columns_of

MAX_INSTANCES = 1_000
SAMPLE_MINUTES = 5
REPORT = "report"


# No entry in the audit log: this mirrors what is elsewhere, once a minute.
@server_callable(
    needs=TRUSTED_ONLY,
    takes={
        "agent": Text("The agent", max_chars=100, required=True),
        "instances": Items("The instances", INSTANCE, max_items=MAX_INSTANCES, default=[]),
        "problem": Text("Problem", max_chars=1_000, default=""),
        "version": Text("Version", max_chars=40, default=""),
    },
)
def report_fleet(
    agent: str, instances: list[dict[str, Any]], problem: str = "", version: str = ""
) -> dict[str, Any]:
    """Take over how all instances are; those that are not among them are there no more. With a
    ``problem`` nothing is known, and all stay as they were. Gives ``{"instances": how many}``."""
    _take_over(agent, instances, problem, version)
    return {"instances": len(instances)}


@in_transaction
def _take_over(agent: str, instances: list[dict[str, Any]], problem: str, version: str) -> None:
    now = clock.now()
    _note_agent(agent, now, problem, version)
    if problem:
        return
    known = {row["name"]: row for row in app_tables.fleet_instances.search()}
    slot = _slot(now)
    sampled = {
        row["instance"] for row in app_tables.fleet_samples.search(period=REPORT, taken_at=slot)
    }
    samples = []
    added = []
    for reported in instances:
        row = known.pop(reported["name"], None)
        columns = columns_of(reported)
        marks = dict((row["facts"] if row is not None else None) or {})
        if reported["name"] not in sampled:
            samples.append(_sample(reported, slot, marks))
            marks = {name: reported[name] for name in ("requests", "requests_failed")}
        columns["facts"] = marks
        if row is None:
            added.append({**columns, "reported_at": now})
        elif any(row[name] != value for name, value in columns.items()):
            row.update(**columns, reported_at=now)
    app_tables.fleet_instances.add_rows(added)
    app_tables.fleet_samples.add_rows(samples)
    for row in known.values():
        if row["removed_at"] is None:
            row.update(removed_at=now)


def _note_agent(agent: str, now: datetime, problem: str, version: str) -> None:
    row = app_tables.operator_agents.get(name=agent)
    columns = {"seen_at": now, "version": version, "problem": problem}
    if not problem:
        columns["reported_at"] = now
    if row is None:
        app_tables.operator_agents.add_row(name=agent, **columns)
    else:
        row.update(**columns)


def _slot(now: datetime) -> datetime:
    """The beginning of the period that a sample stands for."""
    return now.replace(
        minute=now.minute // SAMPLE_MINUTES * SAMPLE_MINUTES, second=0, microsecond=0
    )


def _sample(
    reported: Mapping[str, Any], slot: datetime, marks: Mapping[str, Any]
) -> dict[str, Any]:
    """A row of the history. Counters go on from the last sample; a smaller one began anew with its
    server, and all that it has counted is new."""
    since: dict[str, Any] = {}
    for name in ("requests", "requests_failed"):
        count, before = reported[name], marks.get(name)
        if count is None or before is None:
            since[name] = None
        else:
            since[name] = count - before if count >= before else count
    return {
        "instance": reported["name"],
        "period": REPORT,
        "taken_at": slot,
        "is_well": reported["health"] == WELL,
        **since,
        **{
            name: reported[name]
            for name in ("memory_bytes", "latency_ms", "contacts", "bookings", "database_bytes")
        },
    }
