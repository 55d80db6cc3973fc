"""Campaigns that a business begins with, by what it does: drafts, to be changed and started."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from anvil.tables import app_tables
from anvil.tables import query as q

from ..server_emails import mail_blocks
from ..server_shared import audit
from ..server_shared.callables import server_callable
from ..server_shared.config import Business, read_business
from ..server_shared.transactions import in_transaction
from .campaign_fields import SETTINGS
from .campaign_service import add_campaign

MORNING = 9  # The hour of the day at which people read.


@dataclass(frozen=True)
class Mail:
    """One mail, so many days after the one before; at once where that is 0."""

    days: int
    subject: str
    text: str

    def to_step(self) -> dict[str, Any]:
        """The step of a campaign."""
        return {
            "step_id": None,
            "delay": self.days,
            "unit": "days",
            "hour": MORNING if self.days else None,
            "weekdays": [],
            "content": mail_blocks.from_markdown(self.subject, self.text),
        }


@dataclass(frozen=True)
class ReadyMade:
    """``feature`` is what has to be switched on for a business to get it, '' for every one."""

    name: str
    trigger: str
    mails: tuple[Mail, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    feature: str = ""


_HELLO = 'Hello {{ first_name | "there" }},\n\n'
_BYE = "\n\nWarm regards,\n{{ business_name }}"


def _mail(days: int, subject: str, text: str) -> Mail:
    return Mail(days, subject, _HELLO + text + _BYE)


READY_MADE: dict[str, ReadyMade] = {
    "welcome": ReadyMade(
        "Welcome to new contacts",
        "contact_created",
        (
            _mail(
                0,
                "Welcome to {{ business_name }}",
                "thank you for your interest. From now on you hear from us when there is something "
                "worth telling, and only then.\n\nIf you have a question, simply answer this mail.",
            ),
            _mail(
                3,
                "How we can help you",
                "many who are new ask us the same thing: where do I begin? Tell us what you are "
                "looking for, and we will suggest what suits you.",
            ),
        ),
    ),
    "lead_follow_up": ReadyMade(
        "Follow up a lead",
        "lead_captured",
        (
            _mail(
                0,
                "Good to hear from you",
                "thank you for leaving your address. Here is what you asked for, and if anything "
                "is missing, an answer to this mail reaches us.",
            ),
            _mail(
                4,
                "Do you still have questions?",
                "a few days ago you were interested in what we do. Is there something that we can "
                "answer?",
            ),
        ),
        {"exits": ["bought", "booked"]},
    ),
    "win_back": ReadyMade(
        "Win back lost customers",
        "contact_changed",
        (
            _mail(
                0,
                "We have not seen you for a while",
                "it has been some time. A lot has happened here since, and we would like to see "
                "you again.",
            ),
            _mail(
                14,
                "Is there something we could do better?",
                "if we have disappointed you, we would like to know. One sentence is enough, and "
                "it is read by a person.",
            ),
        ),
        {
            "changed_field": "lifecycle_stage",
            "changed_value": "lost",
            "exits": ["bought", "booked"],
            "reenrolment": "after_end",
            "reenrolment_days": 365,
        },
    ),
    "anniversary": ReadyMade(
        "A year together",
        "date",
        (
            _mail(
                0,
                "A year with you",
                "today it is a year, or more, since we met. Thank you for your trust.",
            ),
        ),
        {"date_field": "date_added", "is_yearly": True, "reenrolment": "after_end"},
    ),
    "after_booking": ReadyMade(
        "Thank you after a visit",
        "booking_completed",
        (
            _mail(
                1,
                "Thank you for your visit",
                "it was good to have you here. How was it? Your answer goes straight to us.",
            ),
            _mail(
                21,
                "See you again?",
                "your last visit was three weeks ago. There are free places in the days to come.",
            ),
        ),
        {"exits": ["booked"], "reenrolment": "after_end", "reenrolment_days": 60},
        feature="bookings",
    ),
    "after_stay": ReadyMade(
        "Stay in touch after a stay",
        "booking_completed",
        (
            _mail(
                2,
                "Thank you for staying with us",
                "we hope that you are well home. If you left something behind, be it an umbrella "
                "or an idea, tell us.",
            ),
            _mail(
                180,
                "The season comes round again",
                "half a year ago you were our guest. The next season fills up; if you know your "
                "dates, we gladly keep a room for you.",
            ),
        ),
        {"exits": ["booked"], "reenrolment": "after_end", "reenrolment_days": 180},
        feature="hospitality",
    ),
    "after_order": ReadyMade(
        "After an order",
        "order_placed",
        (
            _mail(
                14,
                "Are you happy with your order?",
                "two weeks ago you ordered from us. Is everything as it should be?",
            ),
            _mail(
                45,
                "Time for more?",
                "perhaps something is used up by now, or you are looking for a present. Here is "
                "what is new.",
            ),
        ),
        {"exits": ["bought"], "reenrolment": "after_end", "reenrolment_days": 60},
        feature="ecommerce",
    ),
    "referral_thanks": ReadyMade(
        "Thank you for a recommendation",
        "referral_rewarded",
        (
            _mail(
                0,
                "Thank you for recommending us",
                "someone came to us because of you. There is no nicer compliment, and your reward "
                "is noted.",
            ),
        ),
        {"reenrolment": "after_end"},
        feature="referrals",
    ),
}


def fitting(business: Business) -> list[str]:
    """The names of those that suit what a business has switched on."""
    return [
        name
        for name, each in READY_MADE.items()
        if not each.feature or business.has_feature(each.feature)
    ]


def make_ready_made() -> int:
    """Make those that suit the business and are not there yet, as drafts; give how many. Call it
    inside a transaction."""
    names = fitting(read_business())
    present = {
        row["template_name"]
        for row in app_tables.email_campaigns.search(template_name=q.not_(None))
    }
    missing = [name for name in names if name not in present]
    for name in missing:
        each = READY_MADE[name]
        steps = [mail.to_step() for mail in each.mails]
        add_campaign(each.name, each.trigger, steps, SETTINGS.check(each.settings), name)
    if missing:
        audit.record("make_ready_made", "campaign", "", details={"campaigns": missing})
    return len(missing)


@server_callable(needs="marketing.manage", audit="campaign.make_ready_made")
def add_ready_made_campaigns() -> dict[str, Any]:
    """Add the campaigns that suit this business and are not there, as drafts: ``{"added"}``."""
    return {"added": _add()}


@in_transaction
def _add() -> int:
    added = make_ready_made()
    if not added:
        audit.unchanged()
    return added
