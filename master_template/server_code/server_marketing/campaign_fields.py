"""What a campaign consists of: its words, its rules, and how a row becomes a dict."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from anvil.tables import query as q

from ..server_emails.mail_blocks import MailContent
from ..server_shared.errors import ConflictError, InvalidError
from ..server_shared.validators import Bool, Choice, Int, Items, Record, Rule, Text

DRAFT, ACTIVE, PAUSED, ARCHIVED = "draft", "active", "paused", "archived"
STATUSES = (DRAFT, ACTIVE, PAUSED, ARCHIVED)

# What enrols people: name -> how a person reads it. All but ``manual`` and ``date`` are happenings.
TRIGGERS = {
    "manual": "Only by hand",
    "contact_created": "A contact is added",
    "contact_changed": "A contact changes",
    "segment_entered": "A contact comes into a segment",
    "segment_left": "A contact leaves a segment",
    "lead_captured": "Someone fills in a lead form",
    "booking_created": "A booking is made",
    "booking_completed": "A booking is completed",
    "booking_cancelled": "A booking is cancelled",
    "order_placed": "An order is placed",
    "transaction_recorded": "A payment or purchase is recorded",
    "review_submitted": "A review is written",
    "referral_rewarded": "A referral earns a reward",
    "date": "A date of the contact comes",
}
# What ends an enrolment before its last mail. Unsubscribing always does.
EXITS = {
    "bought": "They buy something",
    "booked": "They book something",
    "left_segment": "They leave the segment that enrolled them",
}
# What may be watched for a change, and the dates that may come.
CHANGED_FIELDS = {"status": "Status", "lifecycle_stage": "Lifecycle stage", "tags": "Tags"}
DATE_FIELDS = {
    "birthday": "Birthday",
    "date_added": "Added as a contact",
    "last_contact_date": "Last contact",
    "last_booking_at": "Last booking",
    "next_booking_at": "Next booking",
    "last_order_at": "Last order",
}
NEVER, AFTER_END = "never", "after_end"
REENROLMENTS = {NEVER: "Once and never again", AFTER_END: "Again, once they are through"}

MINUTES, HOURS, DAYS = "minutes", "hours", "days"
UNITS = (MINUTES, HOURS, DAYS)
MAX_STEPS = 30
MAX_DELAY = 1_000
MAX_DATE_OFFSET = 365

CAMPAIGN_ID = Text("The campaign", max_chars=40, required=True)

_STEP: dict[str, Rule] = {
    "step_id": Text("The step", max_chars=20),
    "delay": Int("The delay", minimum=0, maximum=MAX_DELAY, default=0),
    "unit": Choice("The unit of the delay", UNITS, default=DAYS),
    # None: whatever hour it is then. Of the business's day, and never before the delay is over.
    "hour": Int("The hour", minimum=0, maximum=23),
    # Monday is 0; none are all.
    "weekdays": Items("Weekdays", Int("A weekday", minimum=0, maximum=6), max_items=7, default=[]),
    "content": MailContent("Mail", required=True, is_draft=True),
}

SETTINGS = Record(
    "The settings",
    {
        "segment_id": Text("Segment", max_chars=40),
        "form_id": Text("Lead form", max_chars=40),
        "changed_field": Choice("What changes", tuple(CHANGED_FIELDS)),
        "changed_value": Text("What it becomes", max_chars=40),
        "date_field": Choice("Which date", tuple(DATE_FIELDS)),
        "date_offset_days": Int(
            "Days after the date", minimum=-MAX_DATE_OFFSET, maximum=MAX_DATE_OFFSET, default=0
        ),
        "is_yearly": Bool("Every year", default=False),
        "include_imported": Bool("Imported contacts too", default=False),
        "exits": Items("Ends early", Choice("A reason", tuple(EXITS)), max_items=5, default=[]),
        "reenrolment": Choice("Again", tuple(REENROLMENTS), default=NEVER),
        "reenrolment_days": Int("Days in between", minimum=0, maximum=3_650, default=0),
        # How long after a mail of it what someone buys counts as its doing.
        "conversion_days": Int("Days that count", minimum=0, maximum=90, default=7),
    },
    default={},
)


class EditedMeanwhileError(ConflictError):
    """Someone else saved this after the caller had read it."""

    code = "edited_meanwhile"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was changed by someone else while you were editing. Nothing has been saved "
            "yet; what you typed is still here."
        )


class Steps(Rule):
    """The mails of a campaign in their order. Faults are named ``steps.2.content.subject``."""

    def check(self, value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list | tuple):
            raise self.refuse("a list", value)
        if len(value) > MAX_STEPS:
            raise InvalidError(f"A campaign may have at most {MAX_STEPS} mails, not {len(value)}.")
        kept, faults = [], {}
        for place, one in enumerate(value):
            try:
                kept.append(Record("The step", _STEP).check(one))
            except InvalidError as error:
                named = error.fields or {"": error.message}
                faults.update({f"{place}.{key}".rstrip("."): named[key] for key in named})
        if faults:
            raise InvalidError(" ".join(faults.values()), fields=faults)
        return with_ids(kept)


def campaign_rules() -> dict[str, Rule]:
    """A rule for each field that a person edits."""
    return {
        "campaign_name": Text("Name", max_chars=100, required=True),
        "campaign_type": Choice("What starts it", tuple(TRIGGERS), default="manual"),
        "steps": Steps("The mails", default=[]),
        "campaign_settings": SETTINGS,
    }


def with_ids(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Steps that each have an id of their own, by which people who are in it go on."""
    taken: set[str] = set()
    for step in steps:
        if not step["step_id"] or step["step_id"] in taken:
            step["step_id"] = secrets.token_hex(4)
        taken.add(step["step_id"])
    return steps


def contains(text: str) -> Any:
    """The condition that a column has this text in it, whatever LIKE thinks of its characters."""
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    return q.ilike(f"%{escaped}%")


def settings_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a campaign's row, with every gap filled."""
    settings: dict[str, Any] = SETTINGS.check(dict(row["campaign_settings"] or {}))
    return settings


def trigger_text(row: Mapping[str, Any]) -> str:
    """What starts a campaign, in words."""
    return TRIGGERS.get(row["campaign_type"], row["campaign_type"])


def source_of(row: Mapping[str, Any]) -> str:
    """By what the ledger of mails knows a campaign."""
    return f"campaign:{row['campaign_id']}"


def list_item(row: Any) -> dict[str, Any]:
    """What a list shows of a campaign."""
    return {
        "campaign_id": row["campaign_id"],
        "campaign_name": row["campaign_name"],
        "campaign_type": row["campaign_type"],
        "trigger_text": trigger_text(row),
        "status": row["status"],
        "step_count": len(row["steps"] or []),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "activated_at": row["activated_at"],
    }


def full_campaign(row: Any) -> dict[str, Any]:
    """Everything of a campaign."""
    return {
        **list_item(row),
        "steps": [dict(step) for step in row["steps"] or []],
        "campaign_settings": settings_of(row),
        "version": int(row["version"]),
    }
