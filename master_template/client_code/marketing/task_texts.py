"""The words for tasks: their kinds, when they are due, and what can be done with one."""

import datetime

from ..shared import formatting

TYPE_NAMES = {
    "custom": "To do",
    "call": "Call",
    "email": "E-mail",
    "meeting": "Meeting",
    "arrival_instructions": "Arrival instructions",
    "follow_up": "Follow-up",
    "review_request": "Review request",
    "win_back": "Win back",
}
TYPE_ICONS = {
    "custom": "task_alt",
    "call": "call",
    "email": "mail",
    "meeting": "groups",
    "arrival_instructions": "key",
    "follow_up": "forum",
    "review_request": "star",
    "win_back": "volunteer_activism",
}
OWN_TYPES = ("custom", "call", "email", "meeting")
TYPE_ITEMS = [("Any kind", None)] + [(name, word) for word, name in TYPE_NAMES.items()]
WHOSE_ITEMS = [("Everybody's", None), ("Mine", "mine"), ("Nobody's", "nobody")]
# What a task can be put off to: (text, days from today).
SNOOZES = [("Tomorrow", 1), ("In three days", 3), ("In a week", 7)]


def address(task_id):
    """The address of a task: its id without brackets."""
    return "/app/tasks/" + task_id.strip("[]").replace(",", "-")


def id_of(part):
    """The id of a task from the last part of its address."""
    return "[" + part.replace("-", ",") + "]"


def due(task):
    """When a task is due, or was done: `Today`, `3 days late`, `Thursday, 14 May`."""
    if task["completed"]:
        return "Done " + formatting.ago(task["completed_date"])
    days = task["days_left"]
    if days < 0:
        return formatting.plural(-days, "day late", "days late")
    if days < 2:
        return "Tomorrow" if days else "Today"
    is_near = days < 7
    return (
        formatting.weekday(task["due_date"]) if is_near else formatting.short_day(task["due_date"])
    )


def in_days(day, days):
    """The text of a day so many days after another."""
    return (day + datetime.timedelta(days=days)).isoformat()
