"""What starts and ends enrolments: what other areas tell, and dates that come.

Listeners run in the transaction of what happened, so that a contact is in a campaign or it did not
happen. Running campaigns are asked for once in a transaction, however many contacts it changes.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import anvil.tables as tables
from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_auth import scopes
from ..server_shared import clock, schedule
from ..server_shared.callables import server_callable
from ..server_shared.config import read_business
from ..server_shared.happenings import listen
from ..server_shared.transactions import in_transaction, once
from ..server_shared.validators import Choice, Email
from . import enrolments
from .campaign_fields import ACTIVE, TRIGGERS, settings_of
from .enrolments import EXITED, UNSUBSCRIBED

BATCH_CONTACTS = 200
FIRST_YEAR = 1900  # of a birthday that is still someone's
DAYS = ("birthday",)  # which have no time
# Types of ``transaction_recorded`` that are a booking, and those that are no purchase at all.
BOOKED = ("booking",)
NOT_BOUGHT = ("refund",)

Test = Callable[[dict[str, Any]], bool]


def running(trigger: str) -> list[Any]:
    """The campaigns that run and are started by this."""
    every = once("running_campaigns", _read_running)
    return [row for row in every if row["campaign_type"] == trigger]


def _read_running() -> list[Any]:
    return list(app_tables.email_campaigns.search(status=ACTIVE))


def fire(
    trigger: str,
    contact: Any,
    trigger_reference: str | None = None,
    *,
    fits: Test | None = None,
    is_new: bool = False,
) -> int:
    """Enrol a contact in each running campaign that this starts; give in how many. ``fits`` looks
    at a campaign's settings."""
    enrolled = 0
    for campaign in running(trigger):
        if fits is None or fits(settings_of(campaign)):
            enrolled += bool(enrolments.enrol(contact, campaign, trigger_reference, is_new=is_new))
    return enrolled


@server_callable(
    needs="marketing.manage",
    takes={
        "contact_email": Email("The contact's e-mail", required=True),
        "trigger_type": Choice("What happened", tuple(TRIGGERS), required=True),
    },
    atomic=False,
)
def check_campaign_triggers(contact_email: str, trigger_type: str) -> dict[str, Any]:
    """Enrol the contact with this address in each running campaign of this kind that takes it:
    ``{"enrolled": how many}``. What happens within Mybizz does so by itself; this is for scripts
    that know of something else. Nobody with that address is no error."""
    return {"enrolled": _check(contact_email, trigger_type)}


@in_transaction
def _check(contact_email: str, trigger_type: str) -> int:
    found = app_tables.contacts.search(
        *scopes.contact_terms(), email=contact_email, deleted_at=None
    )
    contact = next(iter(found), None)
    return 0 if contact is None else fire(trigger_type, contact)


@listen("contact_created")
def _contact_created(contact: Any) -> None:
    imported = contact["source"] == "import"
    fire(
        "contact_created",
        contact,
        fits=lambda settings: settings["include_imported"] or not imported,
        is_new=True,
    )


@listen("contact_changed")
def _contact_changed(contact: Any, before: dict[str, Any]) -> None:
    def fits(settings: dict[str, Any]) -> bool:
        field, wanted = settings["changed_field"], settings["changed_value"]
        if field not in before:
            return False
        if field == "tags":
            return wanted in (contact["tags"] or ()) and wanted not in (before["tags"] or ())
        return contact[field] != before[field] and contact[field] == wanted

    if running("contact_changed"):
        fire("contact_changed", contact, fits=fits)


@listen("segment_entered")
def _segment_entered(contact: Any, segment: Any) -> None:
    segment_id = segment["segment_id"]
    fire("segment_entered", contact, fits=lambda given: given["segment_id"] == segment_id)


@listen("segment_left")
def _segment_left(contact: Any, segment: Any) -> None:
    segment_id = segment["segment_id"]
    if "left_segment" in _exits_in_use():
        for row in _open_with(contact, "left_segment"):
            if settings_of(row["campaign"])["segment_id"] == segment_id:
                enrolments.end(row, EXITED, "left_segment")
    fire("segment_left", contact, fits=lambda given: given["segment_id"] == segment_id)


@listen("lead_captured")
def _lead_captured(contact: Any, form: Any) -> None:
    form_id = form["form_id"]
    fire("lead_captured", contact, fits=lambda given: given["form_id"] in (None, form_id))


@listen("booking_created")
def _booking_created(contact: Any, booking: Any) -> None:
    _leave(contact, "booked", {_key("booking", booking["booking_number"])})
    fire("booking_created", contact, _key("booking", booking["booking_number"]))


@listen("booking_completed")
def _booking_completed(contact: Any, booking: Any) -> None:
    fire("booking_completed", contact, _key("booking", booking["booking_number"]))


@listen("booking_cancelled")
def _booking_cancelled(contact: Any, booking: Any) -> None:
    fire("booking_cancelled", contact, _key("booking", booking["booking_number"]))


@listen("order_placed")
def _order_placed(contact: Any, order: Any) -> None:
    fire("order_placed", contact, _key("order", order.get_id()))


@listen("transaction_recorded")
def _transaction_recorded(
    contact: Any, transaction_type: str, transaction_id: str, amount_cents: int
) -> None:
    if transaction_type in NOT_BOUGHT or amount_cents < 0:
        return
    key = _key(transaction_type, transaction_id)
    _leave(contact, "bought", {key})
    if transaction_type in BOOKED:
        _leave(contact, "booked", {key})
    fire("transaction_recorded", contact, key)


@listen("review_submitted")
def _review_submitted(contact: Any, review: Any) -> None:
    fire("review_submitted", contact, _key("review", review.get_id()))


@listen("referral_rewarded")
def _referral_rewarded(contact: Any, referral: Any) -> None:
    fire("referral_rewarded", contact, _key("referral", referral.get_id()))


@listen("unsubscribed")
def _unsubscribed(contact: Any, email: str) -> None:
    if contact is not None:
        for row in enrolments.open_of(contact):
            enrolments.end(row, UNSUBSCRIBED, "unsubscribed")


def _key(kind: str, number: Any) -> str:
    return f"{kind}:{number}"[:120]


def _exits_in_use() -> set[str]:
    """The exits of all campaigns in which someone may be."""
    return once("campaign_exits", _read_exits)


def _read_exits() -> set[str]:
    rows = app_tables.email_campaigns.search(status=q.any_of(ACTIVE, "paused"))
    return {reason for row in rows for reason in settings_of(row)["exits"]}


def _open_with(contact: Any, reason: str) -> list[Any]:
    """The open enrolments of a contact in campaigns that this reason ends."""
    found = enrolments.open_of(contact)
    return [row for row in found if reason in settings_of(row["campaign"])["exits"]]


@listen("contacts_merging")
def end_doubles(contact: Any, merge: Any) -> None:
    """Where the one that stays is in a campaign already, or was and is not taken again, the other
    one's place in it ends: nobody goes through it twice at once."""
    for row in enrolments.open_of(merge):
        if enrolments.earlier_refusal(contact, row["campaign"], row["trigger_reference"]):
            enrolments.end(row, EXITED, "merged")


def _leave(contact: Any, reason: str, but: set[str]) -> None:
    """End what this reason ends; but not what the same purchase has begun."""
    if reason in _exits_in_use():
        for row in _open_with(contact, reason):
            if row["trigger_reference"] not in but:
                enrolments.end(row, EXITED, reason)


@schedule.job(
    "campaign_dates",
    "Campaigns by date",
    schedule.Daily(6),
    "Starts campaigns for those whose birthday or other date has come",
)
def run_date_triggers(run: Any = None) -> dict[str, int]:
    """Enrol everybody whose date has come today, where the business is; ``{"enrolled"}``. Whoever
    the same day enrolled already stays as they are."""
    zone = ZoneInfo(read_business().time_zone)
    today = clock.now().astimezone(zone).date()
    enrolled = 0
    for campaign in app_tables.email_campaigns.search(campaign_type="date", status=ACTIVE):
        after: int | None = 0
        while after is not None:
            count, after = _enrol_by_date(campaign, today, zone, after)
            enrolled += count
    return {"enrolled": enrolled}


@in_transaction
def _enrol_by_date(
    campaign: Any, today: date, zone: ZoneInfo, after: int
) -> tuple[int, int | None]:
    """One batch; how many were enrolled, and after which number to go on."""
    settings = settings_of(campaign)
    field = settings["date_field"]
    if field is None:
        return 0, None
    days = matching_days(today, settings["date_offset_days"], settings["is_yearly"])
    if field in DAYS:
        moments = q.any_of(*days)
    else:
        moments = q.any_of(*(q.between(*_bounds(day, zone)) for day in days))
    found = app_tables.contacts.search(
        tables.order_by("number"),
        q.page_size(BATCH_CONTACTS),
        number=q.greater_than(after),
        deleted_at=None,
        **{field: moments},
    )
    contacts = list(islice(found, BATCH_CONTACTS))
    key = f"date:{field}:{today.isoformat()}"
    enrolled = sum(bool(enrolments.enrol(contact, campaign, key)) for contact in contacts)
    more = len(contacts) == BATCH_CONTACTS
    return enrolled, int(contacts[-1]["number"]) if more else None


def matching_days(today: date, offset_days: int, is_yearly: bool) -> list[date]:
    """The dates that lie so many days before today; with ``is_yearly`` those of earlier years too,
    and not the one of this year: an anniversary is at least a year after. The 29th of February
    comes on the 28th where a year has none."""
    day = today - timedelta(days=offset_days)
    if not is_yearly:
        return [day]
    wanted = [(day.month, day.day)]
    if wanted == [(2, 28)] and not calendar.isleap(day.year):
        wanted.append((2, 29))
    return [
        date(year, month, number)
        for year in range(FIRST_YEAR, day.year)
        for month, number in wanted
        if number <= calendar.monthrange(year, month)[1]
    ]


def _bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    begin = datetime.combine(day, time(0), tzinfo=zone)
    return begin, datetime.combine(day + timedelta(days=1), time(0), tzinfo=zone)
