"""The list of tasks: by when they are due, whose they are and whom they are about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_auth.rbac import current_actor
from ..server_customers.contact_fields import CONTACT_ID, ContactId
from ..server_customers.contact_query import escape_like
from ..server_customers.contact_service import find_row
from ..server_shared.callables import server_callable
from ..server_shared.validators import Bool, Choice, Int, Record, Text
from . import task_fields
from .task_fields import COMPLETED, PENDING, TYPES, task_dict

VIEWS = ("open", "overdue", "today", "week", "done", "all")
WHOSE = ("mine", "nobody", "all")
MAX_PAGE = 200

FILTERS = {
    "completed": Bool("Completed"),
    "overdue": Bool("Overdue"),
    "view": Choice("Show", VIEWS),
    "whose": Choice("Whose", WHOSE, default="all"),
    "task_type": Choice("Kind", TYPES),
    "search": Text("Search", max_chars=200, default=""),
    "contact_id": ContactId("Contact", required=False),
}


@server_callable(needs="customers.view", takes={"filters": Record("Filters", FILTERS, default={})})
def get_all_tasks(filters: dict[str, Any] | None = None) -> dict[str, Any]:
    """Tasks by the day they are due: ``{"tasks": [...]}`` (at most MAX_PAGE) and ``total``.

    ``filters``: ``completed`` and ``overdue`` (true or false), and those of :func:`list_tasks`.
    """
    return _page(Record("Filters", FILTERS, default={}).check(filters or {}), 0, MAX_PAGE)


@server_callable(
    needs="customers.view",
    takes={
        "view": Choice("Show", VIEWS, default="open"),
        "whose": Choice("Whose", WHOSE, default="all"),
        "task_type": Choice("Kind", TYPES),
        "search": Text("Search", max_chars=200, default=""),
        "contact_id": ContactId("Contact", required=False),
        "offset": Int("Offset", minimum=0, maximum=100_000, default=0),
        "page_size": Int("Page size", minimum=1, maximum=MAX_PAGE, default=25),
    },
)
def list_tasks(
    view: str = "open",
    whose: str = "all",
    task_type: str | None = None,
    search: str = "",
    contact_id: str | None = None,
    offset: int = 0,
    page_size: int = 25,
) -> dict[str, Any]:
    """One page of tasks, the most urgent first, done ones by when they were done.

    ``view`` is open, overdue, today, week (the seven days from today), done or all. The answer:
    ``tasks`` (shape of ``task_fields.task_dict``), ``total`` that match, and ``counts`` of the
    views open, overdue, today, week and done with the other filters.
    """
    filters = {
        "view": view,
        "whose": whose,
        "task_type": task_type,
        "search": search,
        "contact_id": contact_id,
    }
    answer = _page(filters, offset, page_size)
    others = _conditions({**filters, "view": "all"})
    counts = {name: _count([*others, *_view_terms(name)]) for name in VIEWS[:5]}
    return {**answer, "counts": counts}


@server_callable(needs="customers.view", takes={"contact_id": CONTACT_ID})
def get_contact_tasks(contact_id: str) -> dict[str, Any]:
    """What is to be done for a contact, the most urgent first: ``{"tasks": [...]}``."""
    return _page({"contact_id": contact_id, "view": "open"}, 0, MAX_PAGE)


def _page(filters: Mapping[str, Any], offset: int, size: int) -> dict[str, Any]:
    conditions = _conditions(filters)
    order = (
        tables.order_by("completed_at", ascending=False)
        if filters.get("view") == "done" or filters.get("completed")
        else tables.order_by("due_date")
    )
    found = app_tables.tasks.search(
        order,
        tables.order_by("created_at"),
        task_fields.fetch_whole(),
        q.page_size(offset + size),
        *conditions,
    )
    day = task_fields.today()
    tasks = [task_dict(row, day) for row in islice(found, offset, offset + size)]
    return {"tasks": tasks, "total": _count(conditions)}


def _count(conditions: list[Any]) -> int:
    return len(app_tables.tasks.search(q.fetch_only("status"), q.page_size(1), *conditions))


def _conditions(filters: Mapping[str, Any]) -> list[Any]:
    """What is true of the tasks that a caller with these filters sees."""
    terms = [*scopes.linked_terms(assigned=True), *_view_terms(filters.get("view"))]
    if filters.get("completed") is not None:
        terms.append(q.all_of(status=COMPLETED if filters["completed"] else PENDING))
    if filters.get("overdue"):
        terms += _view_terms("overdue")
    if filters.get("whose") == "mine":
        terms.append(q.all_of(assigned_to=current_actor().row))
    elif filters.get("whose") == "nobody":
        terms.append(q.all_of(assigned_to=None))
    if filters.get("task_type"):
        terms.append(q.all_of(task_type=filters["task_type"]))
    for word in (filters.get("search") or "").split()[:8]:
        terms.append(q.all_of(title=q.ilike(f"%{escape_like(word)}%")))
    if filters.get("contact_id"):
        contact = find_row(filters["contact_id"], with_deleted=True)
        terms.append(q.all_of(contact=contact))
    return terms


def _view_terms(view: str | None) -> list[Any]:
    today = task_fields.today()
    days = {
        "overdue": q.less_than(today),
        "today": today,
        "week": q.between(today, today + timedelta(days=7), max_inclusive=False),
    }
    if view in days:
        return [q.all_of(status=PENDING, due_date=days[view])]
    if view == "open":
        return [q.all_of(status=PENDING)]
    return (
        [q.all_of(status=COMPLETED)]
        if view == "done"
        else [q.all_of(status=q.any_of(PENDING, COMPLETED))]
    )
