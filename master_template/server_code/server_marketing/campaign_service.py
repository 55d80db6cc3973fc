"""Campaigns: make, read, change and copy them. Running them is ``campaign_running``."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Mapping
from typing import Any

import anvil.tables as tables
import nh3
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth.rbac import current_actor
from ..server_emails import mail_blocks
from ..server_shared import clock
from ..server_shared.callables import server_callable
from ..server_shared.transactions import in_transaction
from ..server_shared.validators import Choice, Int, Items, Record, Text
from . import broadcast_recipients, ledger, mailings
from .campaign_fields import (
    ACTIVE,
    CAMPAIGN_ID,
    DRAFT,
    PAUSED,
    STATUSES,
    campaign_rules,
    contains,
    full_campaign,
    list_item,
    settings_of,
    source_of,
    with_ids,
)
from .campaign_running import check_ready, find_campaign

MAX_PAGE = 100

# What the older form of a campaign may say in its ``settings``: mails at equal distances.
_OLDER_SETTINGS = Record(
    "The settings",
    {
        "email_sequence": Items(
            "The mails",
            Record(
                "A mail",
                {
                    "subject": Text("Subject", max_chars=150, default=""),
                    "html_content": Text("Text", max_chars=100_000, multiline=True, default=""),
                },
            ),
            max_items=30,
            default=[],
        ),
        "email_delay_days": Int("Days between the mails", minimum=0, maximum=365, default=1),
        "sequence_length": Int("How many mails", minimum=1, maximum=30),
    },
)


@server_callable(
    needs="marketing.view",
    takes={
        "search": Text("Search", max_chars=100, default=""),
        "status": Choice("Status", STATUSES),
        "offset": Int("Offset", minimum=0, maximum=100_000, default=0),
        "page_size": Int("Page size", minimum=1, maximum=MAX_PAGE, default=25),
    },
)
def list_campaigns(
    search: str = "", status: str | None = None, offset: int = 0, page_size: int = 25
) -> dict[str, Any]:
    """``campaigns`` by name, each with ``counts`` of its mails (see ``ledger.counts``), and
    ``total``. Archived ones are only there where they are asked for by ``status``."""
    query: dict[str, Any] = {"status": status or q.any_of(DRAFT, ACTIVE, PAUSED)}
    if search:
        query["campaign_name"] = contains(search)
    by_name = tables.order_by("campaign_name")
    rows, total = mailings.read_page(app_tables.email_campaigns, by_name, query, offset, page_size)
    counts = ledger.counts_by_source([source_of(row) for row in rows])
    items = [{**list_item(row), "counts": counts[source_of(row)]} for row in rows]
    return {"campaigns": items, "total": total}


@server_callable(needs="marketing.view", takes={"campaign_id": CAMPAIGN_ID})
def get_campaign(campaign_id: str) -> dict[str, Any]:
    """``{"campaign": {...}}`` with its steps, settings and ``version``."""
    return {"campaign": full_campaign(find_campaign(campaign_id))}


@server_callable(
    needs="marketing.manage",
    takes={
        "campaign_data": Record(
            "The campaign", {**campaign_rules(), "settings": _OLDER_SETTINGS}, required=True
        )
    },
    audit="campaign.create",
)
def create_campaign(campaign_data: dict[str, Any]) -> dict[str, Any]:
    """Make a campaign, which is a draft until :func:`resume_campaign` starts it: ``campaign_id``
    and ``campaign``. ``settings`` may bring an ``email_sequence`` in place of ``steps``."""
    row = _create(campaign_data)
    return {"campaign_id": row["campaign_id"], "campaign": full_campaign(row)}


@in_transaction
def _create(given: dict[str, Any]) -> Any:
    older = given.get("settings")
    steps = given["steps"] or (_steps_of_older(older) if older else [])
    row = add_campaign(
        given["campaign_name"], given["campaign_type"], steps, given["campaign_settings"]
    )
    return mailings.record_created("campaign", row)


def add_campaign(
    name: str,
    trigger: str,
    steps: list[dict[str, Any]],
    settings: dict[str, Any],
    template_name: str | None = None,
) -> Any:
    """Write a campaign as a draft; give its row. Call it inside a transaction."""
    now = clock.now()
    return app_tables.email_campaigns.add_row(
        campaign_id=secrets.token_hex(6),
        campaign_name=name,
        campaign_type=trigger,
        status=DRAFT,
        steps=with_ids(steps),
        campaign_settings=settings,
        template_name=template_name,
        created_by=current_actor().row,
        created_at=now,
        updated_at=now,
        version=1,
    )


def _steps_of_older(settings: dict[str, Any]) -> list[dict[str, Any]]:
    mails = settings["email_sequence"][: settings["sequence_length"]]
    return [
        {
            "step_id": None,
            "delay": settings["email_delay_days"] if place else 0,
            "unit": "days",
            "hour": None,
            "weekdays": [],
            "content": mail_blocks.from_markdown(mail["subject"], _plain(mail["html_content"])),
        }
        for place, mail in enumerate(mails)
    ]


def _plain(markup: str) -> str:
    """The words of HTML, with its paragraphs."""
    broken = re.sub(r"<br\s*/?>|</(?:p|div|h[1-6]|li|tr)>", "\n\n", markup, flags=re.IGNORECASE)
    return html.unescape(nh3.clean(broken, tags=set())).strip()


@server_callable(
    needs="marketing.manage",
    takes={
        "campaign_id": CAMPAIGN_ID,
        "changes": Record("The changes", campaign_rules(), partial=True, required=True),
        "version": Int("The version", minimum=1, required=True),
    },
    audit="campaign.update",
)
def update_campaign(campaign_id: str, changes: dict[str, Any], version: int) -> dict[str, Any]:
    """Change a campaign that the caller has read as ``version``. People who are in it go on from
    their step; mails that are planned already stay as they were.

    Raises :class:`EditedMeanwhileError`, and :class:`InvalidError` where a campaign that runs would
    not be complete any more.
    """
    return {"campaign": full_campaign(_update(campaign_id, changes, version))}


@in_transaction
def _update(campaign_id: str, changes: dict[str, Any], version: int) -> Any:
    row = find_campaign(campaign_id)

    def check(changed: Mapping[str, Any]) -> None:
        if row["status"] in (ACTIVE, PAUSED):
            check_ready({**full_campaign(row), **changed})

    return mailings.change("campaign", row, changes, version, check=check, shorten=_in_short)


def _in_short(value: Any) -> Any:
    """Steps as the audit log shows them: their subjects."""
    if not isinstance(value, list):
        return value
    return [step["content"].get("subject", "") for step in value]


@server_callable(
    needs="marketing.manage", takes={"campaign_id": CAMPAIGN_ID}, audit="campaign.delete"
)
def delete_campaign(campaign_id: str) -> dict[str, Any]:
    """Delete a draft that never ran. Raises :class:`ConflictError` (``has_history``) for others:
    they are archived, so that what was sent can still be told."""
    _delete(campaign_id)
    return {"campaign_id": campaign_id}


@in_transaction
def _delete(campaign_id: str) -> None:
    row = find_campaign(campaign_id)
    mailings.delete(
        "campaign",
        row,
        has_history=row["activated_at"] is not None,
        refusal="This campaign has run, so it can only be archived.",
    )


@server_callable(
    needs="marketing.manage", takes={"campaign_id": CAMPAIGN_ID}, audit="campaign.create"
)
def duplicate_campaign(campaign_id: str) -> dict[str, Any]:
    """A draft with the same mails and settings: ``campaign_id`` and ``campaign``."""
    row = _duplicate(campaign_id)
    return {"campaign_id": row["campaign_id"], "campaign": full_campaign(row)}


@in_transaction
def _duplicate(campaign_id: str) -> Any:
    row = find_campaign(campaign_id)
    steps = [{**step, "step_id": None} for step in row["steps"] or []]
    name = mailings.copied_name(row["campaign_name"])
    copy = add_campaign(name, row["campaign_type"], steps, settings_of(row))
    return mailings.record_created("campaign", copy)


@server_callable(needs="marketing.view")
def list_campaign_choices() -> dict[str, Any]:
    """``{"campaigns": [{"campaign_id", "campaign_name", "status"}]}``: those that someone may be
    put into, by name."""
    found = app_tables.email_campaigns.search(
        tables.order_by("campaign_name"), status=q.any_of(DRAFT, ACTIVE, PAUSED)
    )
    names = ("campaign_id", "campaign_name", "status")
    return {"campaigns": [{name: row[name] for name in names} for row in found]}


@server_callable(needs="marketing.view")
def get_campaign_choices() -> dict[str, Any]:
    """What a campaign can be started by: ``segments`` and ``tags`` as ``get_recipient_choices``
    gives them, and ``forms``, the lead forms (``form_id``, ``name``) by name."""
    found = app_tables.lead_forms.search(tables.order_by("name"))
    forms = [{"form_id": row["form_id"], "name": row["name"]} for row in found]
    return {**broadcast_recipients.get_recipient_choices(), "forms": forms}
