"""Tasks: what somebody of the business has to do by a day, mostly for a contact.

Whoever sees customers sees the tasks about them and may finish or put off their own; making,
changing and deleting tasks, and finishing other people's, needs ``customers.manage``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_auth.rbac import STAFF_ROLES, current_actor
from ..server_customers import timeline_service
from ..server_customers.contact_service import find_row
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.errors import ConflictError, DeniedError, InvalidError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Int, Items, Record
from . import task_fields
from .task_fields import (
    ASSIGNEE,
    COLUMNS,
    COMPLETED,
    DISMISSED,
    DUE_DATE,
    PENDING,
    TASK_ID,
    find_assignee,
    find_task,
    task_dict,
    task_rules,
)

BULK_ACTIONS = ("complete", "reopen", "delete", "snooze", "assign")
MAX_BULK = 200
MAX_SNOOZE_DAYS = 366


class TaskChangedError(ConflictError):
    """Somebody else saved this task after the caller had read it."""

    code = "edited_meanwhile"


@server_callable(
    needs="customers.manage",
    takes={"task_data": Record("The task", task_rules(), required=True)},
    audit="task.create",
)
def create_task(task_data: dict[str, Any]) -> dict[str, Any]:
    """Make a task; give its ``task_id`` and the whole ``task`` (shape of ``task_dict``).

    A task of nobody's that is about no contact belongs to whoever makes it, where these see only a
    part of the business: they would not find it again.
    """
    columns = _columns(task_data)
    actor = current_actor()
    if columns["contact"] is None and columns["assigned_to"] is None and scopes.current_scope():
        columns["assigned_to"] = actor.row
    row = add_task(columns)
    return {"task_id": row.get_id(), "task": task_dict(row, task_fields.today())}


@in_transaction
def add_task(columns: Mapping[str, Any]) -> Any:
    """Write a task with these columns (``title`` and ``due_date`` at least); give its row."""
    now = clock.now()
    row = app_tables.tasks.add_row(
        **{
            "task_type": "custom",
            "contact": None,
            "booking": None,
            "assigned_to": None,
            "notes": "",
            "is_auto_generated": False,
            "automation_key": None,
            **columns,
        },
        status=PENDING,
        completed_at=None,
        created_by=current_actor().row,
        created_at=now,
        updated_at=now,
        version=1,
    )
    _record("create", row, {"title": [None, row["title"]], "due_date": [None, row["due_date"]]})
    return row


def _columns(given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that some fields of a caller stand for, with rows in place of ids."""
    columns = {COLUMNS[name]: value for name, value in given.items()}
    if "contact_id" in given:
        columns["contact"] = find_row(given["contact_id"]) if given["contact_id"] else None
    if "assigned_to" in given:
        columns["assigned_to"] = find_assignee(given["assigned_to"])
    return columns


def _record(action: str, row: Any, changes: Mapping[str, Any]) -> None:
    audit.record(action, "task", row.get_id(), dict(changes))


@server_callable(needs="customers.view", takes={"task_id": TASK_ID})
def get_task(task_id: str) -> dict[str, Any]:
    """``{"task": {...}, "version"}``."""
    task = task_dict(find_task(task_id), task_fields.today())
    return {"task": task, "version": task["version"]}


@server_callable(
    needs="customers.manage",
    takes={
        "task_id": TASK_ID,
        "updates": Record("The changes", task_rules(), partial=True, required=True),
        "version": Int("The version", minimum=1),
    },
    audit="task.update",
)
def update_task(
    task_id: str, updates: dict[str, Any], version: int | None = None
) -> dict[str, Any]:
    """Change fields of a task that the caller has read as ``version``; give it as
    :func:`get_task`. Raises :class:`TaskChangedError` if it has a newer version by now."""
    row = find_task(task_id)
    if version is not None and int(row["version"] or 1) != version:
        raise TaskChangedError(
            "Somebody else has changed this task while you were editing. Nothing has been saved "
            "yet; what you typed is still here."
        )
    columns = _columns(updates)
    changed = {name: value for name, value in columns.items() if row[name] != value}
    if not changed:
        audit.unchanged()
    else:
        before = {name: row[name] for name in changed}
        _write(row, changed)
        _record(
            "update",
            row,
            {name: [_told(before[name]), _told(value)] for name, value in changed.items()},
        )
    task = task_dict(row, task_fields.today())
    return {"task": task, "version": task["version"]}


def _told(value: Any) -> Any:
    """What the audit log says of a column: of a linked row which it is."""
    return value.get_id() if hasattr(value, "get_id") else value


def _write(row: Any, changed: Mapping[str, Any]) -> None:
    row.update(**changed, updated_at=clock.now(), version=int(row["version"] or 1) + 1)


@server_callable(needs="customers.view", takes={"task_id": TASK_ID}, audit="task.complete")
def complete_task(task_id: str) -> dict[str, Any]:
    """Say that a task is done, which its contact's timeline tells. ``{"task": {...}}``."""
    return _act(task_id, _complete)


@server_callable(needs="customers.view", takes={"task_id": TASK_ID}, audit="task.reopen")
def reopen_task(task_id: str) -> dict[str, Any]:
    """Take back that a task is done. ``{"task": {...}}``."""
    return _act(task_id, _reopen)


@server_callable(
    needs="customers.view", takes={"task_id": TASK_ID, "due_date": DUE_DATE}, audit="task.snooze"
)
def snooze_task(task_id: str, due_date: date) -> dict[str, Any]:
    """Put a task off to another day, from today on. ``{"task": {...}}``."""
    return _act(task_id, lambda row: _snooze(row, due_date))


@server_callable(needs="customers.manage", takes={"task_id": TASK_ID}, audit="task.delete")
def delete_task(task_id: str) -> dict[str, Any]:
    """Delete a task for good."""
    _delete(find_task(task_id))
    return {"task_id": task_id}


@server_callable(
    needs="customers.view",
    takes={
        "task_ids": Items("Tasks", TASK_ID, max_items=MAX_BULK),
        "action": Choice("Action", BULK_ACTIONS, required=True),
        "days": Int("Days", minimum=1, maximum=MAX_SNOOZE_DAYS, default=1),
        "assigned_to": ASSIGNEE,
    },
    audit=("task.complete", "task.reopen", "task.delete", "task.snooze", "task.assign"),
)
def change_tasks(
    task_ids: list[str], action: str, days: int = 1, assigned_to: str | None = None
) -> dict[str, Any]:
    """Do the same with several tasks, all or none of them: ``{"changed": how many}``.

    ``snooze`` puts them off to ``days`` after today; ``assign`` gives them to ``assigned_to``,
    or to nobody. A task that is gone meanwhile is left out.
    """
    if action in ("delete", "assign") and not current_actor().may("customers.manage"):
        raise DeniedError("Your account may not do this: it lacks the permission customers.manage.")
    person = find_assignee(assigned_to)
    until = task_fields.today() + timedelta(days=days)
    steps = {
        "complete": _complete,
        "reopen": _reopen,
        "delete": _delete,
        "snooze": lambda row: _snooze(row, until),
        "assign": lambda row: _assign(row, person),
    }
    rows = [app_tables.tasks.get_by_id(task_id) for task_id in task_ids]
    found = [
        row
        for row in rows
        if row is not None and row["status"] != DISMISSED and task_fields.is_inside(row)
    ]
    changed = 0
    for row in found:
        _refuse_others(row)
        changed += bool(steps[action](row))
    if not changed:
        audit.unchanged()
    return {"changed": changed}


def _act(task_id: str, step: Any) -> dict[str, Any]:
    row = find_task(task_id)
    _refuse_others(row)
    if not step(row):
        audit.unchanged()
    return {"task": task_dict(row, task_fields.today())}


def _refuse_others(row: Any) -> None:
    """Raise unless the caller may finish this task: their own, or any with ``customers.manage``."""
    actor = current_actor()
    if not actor.may("customers.manage") and row["assigned_to"] != actor.row:
        raise DeniedError("This task is somebody else's. Only they, or a manager, may change it.")


def _complete(row: Any) -> bool:
    if row["status"] == COMPLETED:
        return False
    now = clock.now()
    name = current_actor().author_name
    _write(row, {"status": COMPLETED, "completed_at": now, "completed_by_name": name})
    _record("complete", row, {"completed_at": [None, now]})
    contact = row["contact"]
    if contact is not None and contact["erased_at"] is None:
        timeline_service.add_event(
            contact,
            "task_completed",
            f"Done: {row['title']}",
            {"task_title": row["title"], "task_type": row["task_type"]},
            related_id=row.get_id(),
            event_date=now,
        )
    return True


def _reopen(row: Any) -> bool:
    if row["status"] == PENDING:
        return False
    before = row["completed_at"]
    _write(row, {"status": PENDING, "completed_at": None, "completed_by_name": None})
    _record("reopen", row, {"completed_at": [before, None]})
    told = app_tables.contact_events.search(
        event_type="task_completed", related_id=row.get_id(), event_date=before
    )
    for event in list(told):
        event.delete()  # It was a slip, so the contact's timeline need not tell it.
    return True


def _snooze(row: Any, due_date: date) -> bool:
    if row["status"] == COMPLETED:
        raise InvalidError("This task is done. Open it again to put it off.", field="due_date")
    if due_date < task_fields.today():
        raise InvalidError("Choose today or a day to come.", field="due_date")
    before = row["due_date"]
    if before == due_date:
        return False
    _write(row, {"due_date": due_date, "snoozed_from": row["snoozed_from"] or before})
    _record("snooze", row, {"due_date": [before, due_date]})
    return True


def _assign(row: Any, person: Any) -> bool:
    before = row["assigned_to"]
    if before == person:
        return False
    _write(row, {"assigned_to": person})
    _record("assign", row, {"assigned_to": [_told(before), _told(person)]})
    return True


def _delete(row: Any) -> bool:
    _record("delete", row, {"title": [row["title"], None]})
    if row["automation_key"]:
        _write(row, {"status": DISMISSED, "completed_at": row["completed_at"] or clock.now()})
    else:
        row.delete()
    return True


@server_callable(needs="customers.view")
def list_task_people() -> dict[str, Any]:
    """Whom a task can be given to: ``{"people": [{"user_id", "name"}]}``, by name."""
    found = app_tables.users.search(
        q.fetch_only("first_name", "last_name", "email", "status"), role=q.any_of(*STAFF_ROLES)
    )
    people = [
        {"user_id": row.get_id(), "name": task_fields.person_name(row)}
        for row in found
        if (row["status"] or "active") == "active"
    ]
    return {"people": sorted(people, key=lambda person: person["name"].lower())}
