"""Who gets a broadcast: what was chosen, as one condition on contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import Actor, display_name, permissions_of_row, scope_of
from ..server_customers import contact_query, segment_members
from ..server_customers.contact_fields import TAG
from ..server_customers.contact_filter_texts import describe_filters
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.errors import NotFoundError
from ..server_shared.validators import Bool, Items, Record

MAX_CHOSEN = 20


class Recipients(Record):
    """Recipients, as they are kept: what a rule makes a day of is text again."""

    def check(self, value: Any) -> dict[str, Any]:
        cleaned = super().check(value)
        if "filters" in cleaned:
            filters = cleaned["filters"]
            cleaned["filters"] = contact_query.as_stored(filters, contact_query.FILTER_RULES)
        return cleaned


# Whoever is in one of the segments or has one of the tags (or everyone), fits all the filters, and
# is in none of the excluded segments and has none of the excluded tags.
RECIPIENTS = Recipients(
    "The recipients",
    {
        "everyone": Bool("Everyone", default=False),
        "segments": Items("Segments", segment_members.SEGMENT_ID, max_items=MAX_CHOSEN, default=[]),
        "tags": Items("Tags", TAG, max_items=MAX_CHOSEN, default=[]),
        "filters": Record("The filters", contact_query.FILTER_RULES, partial=True, default={}),
        "without_segments": Items(
            "Without segments", segment_members.SEGMENT_ID, max_items=MAX_CHOSEN, default=[]
        ),
        "without_tags": Items("Without tags", TAG, max_items=MAX_CHOSEN, default=[]),
    },
    default={},
)


def clean(recipients: Mapping[str, Any] | None) -> dict[str, Any]:
    """Recipients with every gap filled."""
    cleaned: dict[str, Any] = RECIPIENTS.check(dict(recipients or {}))
    return cleaned


def is_chosen(recipients: Mapping[str, Any]) -> bool:
    """Whether anybody was chosen at all."""
    return bool(recipients["everyone"] or recipients["segments"] or recipients["tags"])


def condition(recipients: Mapping[str, Any]) -> Any:
    """The condition on ``contacts``, among those that the caller sees. Raises
    :class:`NotFoundError` where a segment is gone."""
    terms = [contact_query.match(contact_query.FILTERS.check(dict(recipients["filters"] or {})))]
    if not recipients["everyone"]:
        chosen = [_segment(name) for name in recipients["segments"]]
        chosen += [q.all_of(tags=[tag]) for tag in recipients["tags"]]
        terms.append(q.any_of(*chosen) if chosen else segment_members.nobody())
    terms += [_not("segments", _segment(name)) for name in recipients["without_segments"]]
    terms += [_not("tags", q.all_of(tags=[tag])) for tag in recipients["without_tags"]]
    return q.all_of(*terms)


def _not(column: str, condition: Any) -> Any:
    """What a condition on a column is not true of; also where the column has nothing, of which the
    database would say neither."""
    return q.any_of(q.all_of(**{column: None}), q.not_(condition))


def _segment(segment_id: str) -> Any:
    return segment_members.members(segment_members.find_segment(segment_id))


def count(recipients: Mapping[str, Any]) -> dict[str, int]:
    """How many were chosen (``total``), and how many of them may get it (``reachable``), lack an
    address (``no_address``) or have not agreed to marketing (``not_opted_in``). Who is suppressed
    shows only when it is sent."""
    chosen = condition(recipients)
    total = _count(chosen)
    no_address = _count(q.all_of(chosen, email=None))
    reachable = _count(q.all_of(chosen, email=q.not_(None), preferences={"marketing_opt_in": True}))
    return {
        "total": total,
        "reachable": reachable,
        "no_address": no_address,
        "not_opted_in": total - no_address - reachable,
    }


def _count(condition: Any) -> int:
    return len(app_tables.contacts.search(q.fetch_only("number"), q.page_size(1), condition))


@server_callable(needs="marketing.view", takes={"recipients": RECIPIENTS})
def count_recipients(recipients: dict[str, Any]) -> dict[str, Any]:
    """``{"counts": {...}}`` of whom a broadcast would reach now: see :func:`count`."""
    return {"counts": count(clean(recipients))}


@server_callable(needs="marketing.view")
def get_recipient_choices() -> dict[str, Any]:
    """What recipients can be chosen from: ``segments`` (``segment_id``, ``segment_name``,
    ``contact_count``) by name, and ``tags``."""
    segments = sorted(
        (
            {
                "segment_id": row["segment_id"],
                "segment_name": row["segment_name"],
                "contact_count": int(row["contact_count"] or 0),
            }
            for row in app_tables.segments.search(is_active=True, state=q.not_("deleting"))
        ),
        key=lambda segment: segment["segment_name"].lower(),
    )
    tags = sorted((row["name"] for row in app_tables.contact_tags.search()), key=str.lower)
    return {"segments": segments, "tags": tags}


def describe(recipients: Mapping[str, Any]) -> str:
    """Recipients in a line: ``Everyone``, ``VIP guests, tag retreat; only: Status customer; without
    tag staff``."""
    if recipients["everyone"]:
        chosen = ["Everyone"]
    else:
        chosen = [_name(name) for name in recipients["segments"]]
        chosen += [f"tag {tag}" for tag in recipients["tags"]]
    text = ", ".join(chosen) or "Nobody chosen yet"
    narrowed = describe_filters(recipients["filters"] or {}, read_business())
    if narrowed:
        text = f"{text}; only: {narrowed}"
    left_out = [_name(name) for name in recipients["without_segments"]]
    left_out += [f"tag {tag}" for tag in recipients["without_tags"]]
    return f"{text}; without {', '.join(left_out)}" if left_out else text


def _name(segment_id: str) -> str:
    try:
        return str(segment_members.find_segment(segment_id)["segment_name"])
    except NotFoundError:
        return f"{segment_id} (deleted)"


def sender(row: Any) -> Actor:
    """Who sends a broadcast, as an actor: it reaches nobody whom they may not see."""
    person = row["requested_by"]
    if person is None:
        return Actor("system")
    return Actor(
        "user",
        role=person["role"] or "",
        email=person["email"] or "",
        name=display_name(person),
        permissions=permissions_of_row(person),
        row=person,
        scope=scope_of(person),
    )
