"""The timeline of a contact: what happened, newest first.

An event is *visible* or *internal*. Visible ones are what the business and the person had to do
with each other; internal ones are bookkeeping (who edited what), shown when asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_auth.rbac import current_actor
from ..server_shared import audit, clock
from ..server_shared.callables import server_callable
from ..server_shared.errors import NotFoundError
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Bool, Choice, Int, Items, Rule, Text
from .contact_changes import change_contact
from .contact_fields import CONTACT_ID, display_name

EVENT_TYPES = (
    "created",
    "imported",
    "note",
    "call",
    "email",
    "booking",
    "order",
    "payment",
    "visit",
    "status_changed",
    "updated",
    "deleted",
    "restored",
    "membership",
    "meeting",
    "refund",
    "task_completed",
    "lifecycle_changed",
    "review",
    "referral",
    "lead_captured",
    "campaign_left",
    "email_sent",
    "unsubscribed",
    "merged",
    "linked",
)
# What a person may log by hand. The rest is written by what happens.
MANUAL_TYPES = {
    "note": "Note",
    "call": "Telephone call",
    "email": "E-mail",
    "visit": "Visit",
    "meeting": "Meeting",
}
VISIBILITIES = ("visible", "internal", "all")
NOTE = Text("The note", max_chars=5_000, multiline=True, required=True)
MAX_PAGE = 100
MAX_DAYS = 366


class EventData(Rule):
    """What else there is to an event: a flat dict of short texts, numbers and yes or no."""

    def check(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or len(value) > 30:
            raise self.refuse("a set of at most 30 named values", value)
        for key, item in value.items():
            plain = item is None or isinstance(item, str | int | float | bool)
            if not isinstance(key, str) or not plain or len(str(item)) > 500:
                raise self.refuse("a set of short named values", value)
        return dict(value)


def add_event(
    contact: Any,
    event_type: str,
    description: str,
    event_data: Mapping[str, Any] | None = None,
    *,
    related_id: str | None = None,
    user_visible: bool = True,
    event_date: datetime | None = None,
) -> Any:
    """Write an event of a contact's row, in the name of who is acting; give its row.

    Call it inside the transaction of whatever happened.
    """
    return app_tables.contact_events.add_row(
        **event_columns(
            contact,
            event_type,
            description,
            event_data,
            related_id=related_id,
            user_visible=user_visible,
            event_date=event_date,
        )
    )


def event_columns(
    contact: Any,
    event_type: str,
    description: str,
    event_data: Mapping[str, Any] | None = None,
    *,
    related_id: str | None = None,
    user_visible: bool = True,
    event_date: datetime | None = None,
) -> dict[str, Any]:
    """The columns of an event to be, for a caller that writes many at once."""
    actor = current_actor()
    return {
        "contact": contact,
        "contact_number": int(contact["number"]),
        "event_type": event_type,
        "event_date": event_date or clock.now(),
        "description": description,
        "event_data": dict(event_data or {}),
        "related_id": related_id,
        "user_visible": user_visible,
        "author_name": actor.author_name,
        "created_by": actor.row,
    }


def event_dict(row: Any) -> dict[str, Any]:
    """An event as a caller sees it."""
    return {
        "event_id": row.get_id(),
        "event_type": row["event_type"],
        "event_date": row["event_date"],
        "description": row["description"],
        "event_data": dict(row["event_data"] or {}),
        "related_id": row["related_id"],
        "user_visible": bool(row["user_visible"]),
        "author_name": row["author_name"],
    }


_COLUMNS = (
    "event_type",
    "event_date",
    "description",
    "event_data",
    "related_id",
    "user_visible",
    "author_name",
)


@server_callable(
    needs="customers.view",
    takes={
        "contact_id": CONTACT_ID,
        "event_types": Items("Event types", Choice("An event type", EVENT_TYPES), max_items=20),
        "visibility": Choice("Visibility", VISIBILITIES, default="visible"),
        "offset": Int("Offset", minimum=0, maximum=100_000, default=0),
        "page_size": Int("Page size", minimum=1, maximum=MAX_PAGE, default=20),
    },
)
def get_contact_timeline(
    contact_id: str,
    event_types: list[str] | None = None,
    visibility: str = "visible",
    offset: int = 0,
    page_size: int = 20,
) -> dict[str, Any]:
    """Events of a contact, newest first: ``timeline`` (a list), ``has_more`` and ``total``."""
    contact = app_tables.contacts.get(contact_id=contact_id)
    if contact is None:
        raise NotFoundError(f"There is no contact {contact_id}.")
    scopes.refuse_outside(contact)
    query: dict[str, Any] = {"contact_number": int(contact["number"])}
    if event_types:
        query["event_type"] = q.any_of(*event_types)
    if visibility != "all":
        query["user_visible"] = visibility == "visible"
    found = app_tables.contact_events.search(
        tables.order_by("event_date", ascending=False),
        q.fetch_only(*_COLUMNS),
        q.page_size(max(page_size, offset + page_size)),
        **query,
    )
    events = [event_dict(row) for row in islice(found, offset, offset + page_size)]
    total = len(found)
    return {"timeline": events, "has_more": offset + len(events) < total, "total": total}


@server_callable(
    needs="customers.manage",
    takes={
        "contact_id": CONTACT_ID,
        "event_type": Choice("Event type", tuple(MANUAL_TYPES), required=True),
        "event_data": EventData("Event data", default={}),
        "related_id": Text("Related id", max_chars=60),
        "user_visible": Bool("Visible", default=True),
        "description": Text("The note", max_chars=5_000, multiline=True),
    },
    audit="contact.log_event",
)
def log_contact_event(
    contact_id: str,
    event_type: str,
    event_data: dict[str, Any] | None = None,
    related_id: str | None = None,
    user_visible: bool = True,
    description: str | None = None,
) -> dict[str, Any]:
    """Log that something happened with a contact; give its ``event_id`` and the whole ``event``.

    Without a ``description`` the event says what its type says.
    """
    text = description or MANUAL_TYPES[event_type]
    event = _log_event(contact_id, event_type, text, event_data, related_id, user_visible)
    return {"event_id": event["event_id"], "event": event}


@in_transaction
def _log_event(
    contact_id: str,
    event_type: str,
    description: str,
    event_data: dict[str, Any] | None,
    related_id: str | None,
    user_visible: bool,
) -> dict[str, Any]:
    contact = app_tables.contacts.get(contact_id=contact_id, deleted_at=None)
    if contact is None:
        raise NotFoundError(f"There is no contact {contact_id}.")
    scopes.refuse_outside(contact)
    event = add_event(
        contact,
        event_type,
        description,
        event_data,
        related_id=related_id,
        user_visible=user_visible,
    )
    change_contact(contact, {"last_contact_date": event["event_date"]})
    audit.record("log_event", "contact", contact_id, {event_type: [None, description]})
    return event_dict(event)


@server_callable(
    needs="customers.view",
    takes={
        "days": Int("Days", minimum=1, maximum=MAX_DAYS, default=7),
        "limit": Int("Limit", minimum=1, maximum=MAX_PAGE, default=50),
    },
)
def get_recent_activity(days: int = 7, limit: int = 50) -> dict[str, Any]:
    """What happened lately with anyone, newest first: ``{"activity": [event and contact]}``.

    Each has the keys of an event, and ``contact_id``, ``contact_name`` and ``contact_email``.
    """
    found = app_tables.contact_events.search(
        tables.order_by("event_date", ascending=False),
        q.fetch_only(
            *_COLUMNS,
            contact=q.fetch_only("contact_id", "first_name", "last_name", "email", "deleted_at"),
        ),
        q.page_size(limit),
        *scopes.linked_terms(),
        event_date=q.greater_than(clock.now() - timedelta(days=days)),
        user_visible=True,
    )
    activity = []
    for row in islice(found, limit):
        contact = row["contact"]
        activity.append(
            {
                **event_dict(row),
                "contact_id": contact["contact_id"] if contact else None,
                "contact_name": display_name(contact) if contact else "",
                "contact_email": contact["email"] if contact else None,
            }
        )
    return {"activity": activity}


@server_callable(needs="customers.view", takes={"contact_id": CONTACT_ID})
def get_contact_campaigns(contact_id: str) -> dict[str, Any]:
    """The campaigns that a contact is in now: ``{"campaigns": [...]}``, the latest first.

    Each has ``campaign_id``, ``campaign_name``, ``campaign_type``, ``sequence_day``,
    ``enrolled_date`` and ``last_email_sent`` (None before the first mail).
    """
    contact = app_tables.contacts.get(contact_id=contact_id)
    if contact is None:
        raise NotFoundError(f"There is no contact {contact_id}.")
    scopes.refuse_outside(contact)
    found = app_tables.contact_campaigns.search(
        tables.order_by("enrolled_at", ascending=False),
        q.fetch_only(
            "sequence_day",
            "enrolled_at",
            "last_email_sent_at",
            campaign=q.fetch_only("campaign_id", "campaign_name", "campaign_type"),
        ),
        q.page_size(MAX_PAGE),
        contact=contact,
        status="active",
    )
    campaigns = []
    for row in islice(found, MAX_PAGE):
        campaign = row["campaign"]
        campaigns.append(
            {
                "campaign_id": campaign["campaign_id"],
                "campaign_name": campaign["campaign_name"],
                "campaign_type": campaign["campaign_type"],
                "sequence_day": int(row["sequence_day"] or 0),
                "enrolled_date": row["enrolled_at"],
                "last_email_sent": row["last_email_sent_at"],
            }
        )
    return {"campaigns": campaigns}
