"""Alerts: what is wrong with the installation or with one business, until it is not any more."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from master_template.server_auth.rbac import current_actor
from master_template.server_shared import audit, clock
from master_template.server_shared.errors import ConflictError, NotFoundError
from master_template.server_shared.transactions import in_transaction
from master_template.server_shared.validators import Choice, Items, Moment, Record, Text

from ..server_console.callables import TRUSTED_ONLY, server_callable
from ..server_console.paging import PAGE_RULES, read_page
from ..server_jobs.job_service import queue_job

SEVERITIES = ("critical", "warning", "info")
OPEN, ACKNOWLEDGED, ENDED = "open", "acknowledged", "ended"
# Of the list: each is what has not ended and nobody has seen to, what somebody sees to, the rest.
STATES = (OPEN, ACKNOWLEDGED, ENDED)
MAX_ALERTS = 500

REPORTED = Record(
    "An alert",
    {
        "key": Text("Key", max_chars=200, required=True),
        "rule": Text("Rule", max_chars=80, required=True),
        "instance": Text("Business", max_chars=40, default=""),
        "severity": Choice("Severity", SEVERITIES, required=True),
        "text": Text("Text", max_chars=1_000, multiline=True, required=True),
        "next_step": Text("Next step", max_chars=1_000, multiline=True, default=""),
        "runbook": Text("Runbook", max_chars=200, default=""),
        "began_at": Moment("Beginning", required=True),
    },
)
ALERT_ID = Text("The alert", max_chars=40, required=True)


# No entry in the audit log: this mirrors what is elsewhere.
@server_callable(
    needs=TRUSTED_ONLY,
    takes={"alerts": Items("The alerts", REPORTED, max_items=MAX_ALERTS, default=[])},
)
def report_alerts(alerts: list[dict[str, Any]]) -> dict[str, Any]:
    """Take over which alerts are open; those that are not among them have ended. Gives
    ``{"open": how many}``."""
    _take_over({alert["key"]: alert for alert in alerts})
    return {"open": len(alerts)}


@in_transaction
def _take_over(reported: dict[str, dict[str, Any]]) -> None:
    now = clock.now()
    for row in app_tables.alerts.search(ended_at=None):
        alert = reported.pop(row["key"], None)
        if alert is None:
            row.update(ended_at=max(now, row["began_at"]))
        elif any(row[name] != value for name, value in alert.items() if name != "began_at"):
            row.update(**{name: value for name, value in alert.items() if name != "began_at"})
    app_tables.alerts.add_rows(
        [
            {**alert, "began_at": min(alert["began_at"], now), "alert_id": secrets.token_hex(8)}
            for alert in reported.values()
        ]
    )


def alert_item(row: Any) -> dict[str, Any]:
    """An alert as the list shows it."""
    names = ("alert_id", "rule", "instance", "severity", "text", "next_step", "runbook", "note")
    times = ("began_at", "ended_at", "acknowledged_at", "acknowledged_by")
    state = OPEN if row["acknowledged_at"] is None else ACKNOWLEDGED
    return {
        **{name: row[name] for name in (*names, *times)},
        "state": state if row["ended_at"] is None else ENDED,
    }


@server_callable(
    needs="alerts.view",
    takes={
        "state": Choice("State", STATES, default=OPEN),
        "instance": Text("Business", max_chars=100),
        "severity": Choice("Severity", SEVERITIES),
        **PAGE_RULES,
    },
)
def list_alerts(
    state: str = OPEN,
    instance: str | None = None,
    severity: str | None = None,
    offset: int = 0,
    page_size: int = 25,
) -> dict[str, Any]:
    """One page of the alerts in a state: ``alerts`` (see ``alert_item``), ``total``, ``offset``,
    and ``open``: how many of each severity nobody has seen to."""
    condition: dict[str, Any] = {"ended_at": q.not_(None) if state == ENDED else None}
    if state != ENDED:
        condition["acknowledged_at"] = None if state == OPEN else q.not_(None)
    if instance:
        condition["instance"] = instance
    if severity:
        condition["severity"] = severity
    newest = "ended_at" if state == ENDED else "began_at"
    rows, total = read_page(
        app_tables.alerts, [(newest, False)], condition, offset=offset, page_size=page_size
    )
    alerts = [alert_item(row) for row in rows]
    return {"alerts": alerts, "total": total, "offset": offset, "open": count_open()}


def count_open() -> dict[str, int]:
    """How many alerts of each severity are open and not acknowledged."""
    rows = app_tables.alerts.search(
        q.fetch_only("severity"), q.page_size(MAX_ALERTS), ended_at=None, acknowledged_at=None
    )
    return dict(Counter(row["severity"] for row in rows))


@server_callable(
    needs="alerts.manage",
    takes={
        "alert_id": ALERT_ID,
        "note": Text("Note", max_chars=500, multiline=True, default=""),
    },
    audit="alert.acknowledge",
)
def acknowledge_alert(alert_id: str, note: str = "") -> dict[str, Any]:
    """Say that one sees to an alert: ``{"alert": ...}``; the monitor is told, too, and sends no
    more messages about it. Raises :class:`ConflictError` (``alert_over``) where it has ended."""
    row = app_tables.alerts.get(alert_id=alert_id)
    if row is None:
        raise NotFoundError("This alert is not there.")
    if row["ended_at"] is not None:
        raise ConflictError("This alert has ended already.", code="alert_over")
    if row["acknowledged_at"] is None:
        actor = current_actor()
        row.update(acknowledged_at=clock.now(), acknowledged_by=actor.author_name, note=note)
        wanted = {"id": row["key"], "note": note or f"by {actor.author_name}"}
        queue_job("alert.acknowledge", wanted, key=f"alert-{alert_id}", instance=row["instance"])
        audit.record("acknowledge", "alert", alert_id, details={"key": row["key"], "note": note})
    else:
        audit.unchanged()
    return {"alert": alert_item(row)}


def newest_of(instance: str, limit: int) -> list[dict[str, Any]]:
    """The alerts of one business that have not ended, newest first."""
    rows = app_tables.alerts.search(
        tables.order_by("began_at", ascending=False),
        q.page_size(limit),
        instance=instance,
        ended_at=None,
    )
    return [alert_item(row) for _, row in zip(range(limit), rows, strict=False)]
