"""What a task consists of: its words, its rules, and how a row becomes a dict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_analytics.periods import day_of
from ..server_auth import scopes
from ..server_auth.rbac import STAFF_ROLES, current_actor
from ..server_auth.users_service import UserId
from ..server_customers.contact_fields import ContactId, display_name
from ..server_shared import clock
from ..server_shared.errors import InvalidError, NotFoundError
from ..server_shared.scheduled_runs import business_zone
from ..server_shared.validators import Bool, Choice, Rule, Text
from ..server_shared.validators.times import Day

# Dismissed: an automatic task that was deleted. It stays until retention takes it, in no list, so
# that the same reason makes no other.
PENDING, COMPLETED, DISMISSED = "pending", "completed", "dismissed"
# What a person chooses from, and what Mybizz itself thinks of (automatic_tasks.py).
OWN_TYPES = ("custom", "call", "email", "meeting")
AUTOMATIC_TYPES = ("arrival_instructions", "follow_up", "review_request", "win_back")
TYPES = (*OWN_TYPES, *AUTOMATIC_TYPES)


class TaskId(Rule):
    """The id of a task as :func:`task_dict` gives it."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"\[\d{1,18},\d{1,18}\]", value):
            raise self.refuse("the id of a task", value)
        return value


TASK_ID = TaskId("The task", required=True)
DUE_DATE = Day("Due date", required=True)
ASSIGNEE = UserId("Assigned to")


def task_rules() -> Mapping[str, Rule]:
    """A rule for each field that a person may set."""
    return {
        "task_title": Text("Title", max_chars=200, required=True),
        "task_type": Choice("Kind", TYPES, default="custom"),
        "due_date": DUE_DATE,
        "notes": Text("Notes", max_chars=5_000, multiline=True, default=""),
        "contact_id": ContactId("Contact", required=False),
        "assigned_to": ASSIGNEE,
        "auto_generated": Bool("Made automatically", default=False),
    }


# The fields of a caller -> the columns; ``contact_id`` and ``assigned_to`` are links.
COLUMNS = {
    "task_title": "title",
    "task_type": "task_type",
    "due_date": "due_date",
    "notes": "notes",
    "contact_id": "contact",
    "assigned_to": "assigned_to",
    "auto_generated": "is_auto_generated",
}

# What a list reads of a task, and of what it links to.
CONTACT_COLUMNS = (
    "contact_id",
    "number",
    "first_name",
    "last_name",
    "email",
    "tags",
    "address",
    "created_by",
    "deleted_at",
)
FETCHED = (
    "title",
    "task_type",
    "due_date",
    "status",
    "completed_at",
    "completed_by_name",
    "notes",
    "is_auto_generated",
    "snoozed_from",
    "created_at",
    "version",
)


def fetch_whole() -> Any:
    """What a search has to fetch for :func:`task_dict`, so that no row asks for more."""
    return q.fetch_only(
        *FETCHED,
        contact=q.fetch_only(*CONTACT_COLUMNS),
        booking=q.fetch_only("booking_number"),
        assigned_to=q.fetch_only("first_name", "last_name", "email"),
    )


def today() -> date:
    """The day that it is where the business is."""
    return day_of(clock.now(), business_zone())


def task_dict(row: Any, day: date) -> dict[str, Any]:
    """A task as a caller sees it on a day of the business."""
    contact, booking, person = row["contact"], row["booking"], row["assigned_to"]
    is_done = row["status"] == COMPLETED
    actor = current_actor()
    is_mine = person is not None and person == actor.row
    return {
        "task_id": row.get_id(),
        "task_title": row["title"],
        "task_type": row["task_type"],
        "due_date": row["due_date"],
        "days_left": (row["due_date"] - day).days,
        "is_overdue": not is_done and row["due_date"] < day,
        "completed": is_done,
        "completed_date": row["completed_at"],
        "completed_by": row["completed_by_name"],
        "notes": row["notes"] or "",
        "auto_generated": bool(row["is_auto_generated"]),
        "snoozed_from": row["snoozed_from"],
        "contact_id": contact["contact_id"] if contact else None,
        "contact_name": display_name(contact) if contact else "",
        "contact_email": contact["email"] if contact else None,
        "booking_number": booking["booking_number"] if booking else None,
        "assigned_to": person.get_id() if person else None,
        "assigned_name": person_name(person) if person else "",
        "is_mine": is_mine,
        "may_finish": is_mine or actor.may("customers.manage"),
        "created_at": row["created_at"],
        "version": int(row["version"] or 1),
    }


def person_name(row: Any) -> str:
    """How a list names a colleague."""
    name = " ".join(part for part in (row["first_name"], row["last_name"]) if part)
    return name or str(row["email"])


def find_task(task_id: str) -> Any:
    """The row of a task. Raises :class:`NotFoundError`, also where the caller may not know it."""
    row = app_tables.tasks.get_by_id(task_id)
    if row is None or row["status"] == DISMISSED or not is_inside(row):
        raise NotFoundError("This task is not there any more.", code="not_found")
    return row


def is_inside(row: Any) -> bool:
    """Whether a task concerns the caller: by its contact or by whom it is assigned to."""
    scope = scopes.current_scope()
    if scope is None or row["assigned_to"] in (scope.row, *scope.staff):
        return True
    return row["contact"] is not None and scope.covers(row["contact"])


def find_assignee(user_id: str | None) -> Any:
    """The row of somebody who works here and is active; None for nobody."""
    if user_id is None:
        return None
    row = app_tables.users.get_by_id(user_id)
    if row is None or row["role"] not in STAFF_ROLES or (row["status"] or "active") != "active":
        raise InvalidError("Assigned to must be somebody who works here.", field="assigned_to")
    return row
