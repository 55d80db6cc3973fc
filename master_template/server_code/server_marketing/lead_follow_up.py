"""Where a lead form takes people: into a segment that is filled by hand, and into a campaign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_customers import segment_uses
from ..server_customers.contact_changes import change_membership
from ..server_customers.segment_members import is_kept
from ..server_shared.callables import server_callable
from ..server_shared.errors import InvalidError
from ..server_shared.happenings import listen
from . import enrolments
from .campaign_fields import ARCHIVED


@server_callable(needs="marketing.view")
def get_lead_form_choices() -> dict[str, Any]:
    """What a form can take people into, by name: ``segments`` (``segment_id``, ``segment_name``,
    ``is_active``) that are filled by hand, and ``campaigns`` (``campaign_id``, ``campaign_name``,
    ``status``) that are not archived."""
    segments = app_tables.segments.search(
        tables.order_by("segment_name"), segment_type="static", state=is_kept()
    )
    campaigns = app_tables.email_campaigns.search(
        tables.order_by("campaign_name"), status=q.not_(ARCHIVED)
    )
    return {
        "segments": [
            {
                "segment_id": row["segment_id"],
                "segment_name": row["segment_name"],
                "is_active": bool(row["is_active"]),
            }
            for row in segments
        ],
        "campaigns": [
            {name: row[name] for name in ("campaign_id", "campaign_name", "status")}
            for row in campaigns
        ],
    }


def check(chosen: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Raise :class:`InvalidError`, by field, where a form is to take people into what is not there.
    What it had ``before`` may stay, so that the rest of it can still be changed."""
    faults: dict[str, str] = {}
    segment_id, campaign_id = chosen["segment_id"], chosen["campaign_id"]
    if segment_id and segment_id != before.get("segment_id") and _segment(segment_id) is None:
        faults["segment_id"] = "Segment must be one that is filled by hand."
    if campaign_id and campaign_id != before.get("campaign_id") and _campaign(campaign_id) is None:
        faults["campaign_id"] = "Campaign must be one that is there and not archived."
    if faults:
        raise InvalidError(" ".join(faults.values()), fields=faults)


def _segment(segment_id: str) -> Any:
    return app_tables.segments.get(segment_id=segment_id, segment_type="static", state=is_kept())


def _campaign(campaign_id: str) -> Any:
    return app_tables.email_campaigns.get(campaign_id=campaign_id, status=q.not_(ARCHIVED))


@listen("lead_captured")
def _take_along(contact: Any, form: Any) -> None:
    """What was deleted or archived since takes nobody; a campaign neither while it is paused."""
    segment = form["segment_id"] and _segment(form["segment_id"])
    if segment:
        change_membership([contact], add=[segment])
    campaign = form["campaign_id"] and _campaign(form["campaign_id"])
    if campaign:
        enrolments.enrol(contact, campaign)


@segment_uses.finder
def _find_forms(segment: Any) -> list[dict[str, str]]:
    """The forms that put people into this segment."""
    found = app_tables.lead_forms.search(segment_id=segment["segment_id"], deleted_at=None)
    return [{"kind": "lead_form", "id": row["form_id"], "name": row["name"]} for row in found]
