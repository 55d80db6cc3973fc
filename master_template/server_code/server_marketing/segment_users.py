"""Tells which campaigns and broadcasts use a segment, so that it is not deleted under them."""

from __future__ import annotations

from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_customers import segment_uses
from . import broadcast_recipients
from .campaign_fields import ARCHIVED, settings_of


@segment_uses.finder
def find_campaigns(segment: Any) -> list[dict[str, str]]:
    """The campaigns that this segment starts or ends."""
    found = app_tables.email_campaigns.search(status=q.not_(ARCHIVED))
    return [
        {"kind": "campaign", "id": row["campaign_id"], "name": row["campaign_name"]}
        for row in found
        if settings_of(row)["segment_id"] == segment["segment_id"]
    ]


@segment_uses.finder
def find_broadcasts(segment: Any) -> list[dict[str, str]]:
    """The broadcasts that are still to go to it, or to all but it."""
    found = app_tables.email_broadcasts.search(status=q.any_of("draft", "scheduled", "planning"))
    uses = []
    for row in found:
        recipients = broadcast_recipients.clean(row["recipients"])
        if segment["segment_id"] in (*recipients["segments"], *recipients["without_segments"]):
            name = row["broadcast_name"]
            uses.append({"kind": "broadcast", "id": row["broadcast_id"], "name": name})
    return uses
