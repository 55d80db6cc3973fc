"""Saved views of a list: filters and order under a name, for oneself or for all who work here.

Everyone may have one view as their default: the list opens with it.
"""

from __future__ import annotations

import secrets
from typing import Any

import anvil.tables as tables
from anvil.tables import TableError, app_tables
from anvil.tables import query as q

from ..server_auth.rbac import OWNER, Actor, current_actor
from ..server_auth.rbac import display_name as user_name
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.errors import ConflictError, DeniedError, NotFoundError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool, Record, Text
from .contact_list import SORTING
from .contact_query import FILTER_RULES, as_stored

CONTACTS = "contacts"
# What a view of a list may hold.
LISTS = {CONTACTS: Record("The view", {**FILTER_RULES, **SORTING}, required=True)}
MAX_VIEWS = 100  # Own ones and shared ones together.
NAME_CONSTRAINT = "saved_views_name_unique"
VIEW_ID = Text("The view", max_chars=32, required=True)
_COLUMNS = ("view_id", "view_name", "query", "is_shared", "default_for")


@server_callable(needs="customers.view")
def list_saved_views() -> dict[str, Any]:
    """``{"views": [...]}`` of the list of contacts, own and shared, in alphabetical order.

    Each has ``view_id``, ``view_name``, ``query`` (keys of ``list_contacts``), ``is_shared``,
    ``is_mine``, ``is_default`` (the list opens with it) and ``owner_name``.
    """
    actor = current_actor()
    found = app_tables.saved_views.search(
        tables.order_by("view_name"),
        q.any_of(q.all_of(created_by=actor.row), q.all_of(is_shared=True)),
        q.fetch_only(*_COLUMNS, created_by=q.fetch_only("first_name", "last_name", "email")),
        q.page_size(MAX_VIEWS),
        list_name=CONTACTS,
    )
    views = [_view_dict(row, actor) for row in found]
    return {"views": sorted(views, key=lambda view: view["view_name"].lower())}


@server_callable(
    needs="customers.view",
    takes={
        "view_name": Text("Name", max_chars=60, required=True),
        "query": LISTS[CONTACTS],
        "is_shared": Bool("Shared", default=False),
        "is_default": Bool("Default", default=False),
        "view_id": Text("The view", max_chars=32),
    },
    audit=("saved_view.create", "saved_view.update"),
)
def save_view(
    view_name: str,
    query: dict[str, Any],
    is_shared: bool = False,
    is_default: bool = False,
    view_id: str | None = None,
) -> dict[str, Any]:
    """Make a view, or change the one with ``view_id``; give ``{"view": {...}}``.

    Raises :class:`ConflictError` (``duplicate_name``) where the caller has one of this name, and
    :class:`DeniedError` where it is someone else's, or shared by someone who may not manage.
    """
    kept = as_stored(query, LISTS[CONTACTS].fields)
    try:
        row = _save(view_name, kept, is_shared, is_default, view_id)
    except TableError as error:
        if NAME_CONSTRAINT in str(error):
            raise _taken(view_name) from error
        raise
    return {"view": _view_dict(row, current_actor())}


@in_transaction
def _save(
    view_name: str, query: dict[str, Any], is_shared: bool, is_default: bool, view_id: str | None
) -> Any:
    actor = current_actor()
    row = _own_view(view_id, actor) if view_id else None
    if is_shared and not actor.may("customers.manage"):
        raise DeniedError("Only people who may manage contacts share a view with everybody.")
    mine = app_tables.saved_views.search(created_by=actor.row, list_name=CONTACTS)
    others = [other for other in mine if row is None or other != row]
    if any(other["view_name"].lower() == view_name.lower() for other in others):
        raise _taken(view_name)
    if row is None and len(others) >= MAX_VIEWS // 2:
        raise ConflictError(f"You have {len(others)} views, and more are not possible.")
    now = clock.now()
    values = {"view_name": view_name, "query": query, "is_shared": is_shared, "updated_at": now}
    if row is None:
        row = app_tables.saved_views.add_row(
            **values,
            view_id=secrets.token_hex(8),
            list_name=CONTACTS,
            default_for=[],
            created_by=actor.row,
            created_at=now,
        )
        audit.record("create", "saved_view", row["view_id"], {"view_name": [None, view_name]})
    else:
        before = {name: row[name] for name in ("view_name", "query", "is_shared")}
        row.update(**values)
        audit.record(
            "update",
            "saved_view",
            row["view_id"],
            {name: [before[name], values[name]] for name in before},
        )
    if is_default != _is_default(row, actor):
        _choose_default(row if is_default else None, actor)
    return row


@server_callable(
    needs="customers.view",
    takes={"view_id": Text("The view", max_chars=32)},
    audit="saved_view.set_default",
)
def set_default_view(view_id: str | None = None) -> dict[str, Any]:
    """Have the list open with this view for the caller, or with none."""
    actor = current_actor()
    _choose_default(_seen_view(view_id, actor) if view_id else None, actor)
    audit.record("set_default", "saved_view", view_id or "", details={"list": CONTACTS})
    return {"view_id": view_id}


@server_callable(needs="customers.view", takes={"view_id": VIEW_ID}, audit="saved_view.delete")
def delete_saved_view(view_id: str) -> dict[str, Any]:
    """Delete a view of one's own; an owner may delete anybody's that is shared."""
    actor = current_actor()
    row = _own_view(view_id, actor)
    audit.record("delete", "saved_view", view_id, {"view_name": [row["view_name"], None]})
    row.delete()
    return {"view_id": view_id}


def _seen_view(view_id: str, actor: Actor) -> Any:
    """The row of a view that the actor sees. Raises :class:`NotFoundError`."""
    row = app_tables.saved_views.get(view_id=view_id, list_name=CONTACTS)
    if row is None or not (row["is_shared"] or row["created_by"] == actor.row):
        raise NotFoundError("There is no such view any more.", code="not_found")
    return row


def _own_view(view_id: str, actor: Actor) -> Any:
    """The row of a view that the actor may change. Raises :class:`DeniedError` too."""
    row = _seen_view(view_id, actor)
    if row["created_by"] != actor.row and actor.role != OWNER and actor.kind != "system":
        raise DeniedError("This view is someone else's. Save it under a name of your own.")
    return row


def _choose_default(row: Any, actor: Actor) -> None:
    """Make this the actor's only default view, or have them without one."""
    me = _key(actor)
    for other in app_tables.saved_views.search(list_name=CONTACTS, default_for=[me]):
        if row is None or other != row:
            other["default_for"] = [key for key in other["default_for"] if key != me]
    if row is not None and not _is_default(row, actor):
        row["default_for"] = [*(row["default_for"] or []), me]


def _is_default(row: Any, actor: Actor) -> bool:
    return _key(actor) in (row["default_for"] or [])


def _key(actor: Actor) -> str:
    return str(actor.row.get_id()) if actor.row is not None else actor.kind


def _taken(view_name: str) -> ConflictError:
    return ConflictError(
        f"You have a view called {view_name} already.", code="duplicate_name", field="view_name"
    )


def _view_dict(row: Any, actor: Actor) -> dict[str, Any]:
    maker = row["created_by"]
    return {
        "view_id": row["view_id"],
        "view_name": row["view_name"],
        "query": dict(row["query"] or {}),
        "is_shared": bool(row["is_shared"]),
        "is_mine": maker == actor.row,
        "is_default": _is_default(row, actor),
        "owner_name": user_name(maker) if maker is not None else "",
    }
