"""What campaigns and broadcasts are called, and what they can be set to."""

from ..shared import formatting

CAMPAIGN_STATUS = {
    "draft": "Draft",
    "active": "Running",
    "paused": "Paused",
    "archived": "Archived",
}
BROADCAST_STATUS = {
    "draft": "Draft",
    "scheduled": "Scheduled",
    "planning": "Starting",
    "sending": "Going out",
    "paused": "Paused",
    "sent": "Sent",
    "cancelled": "Stopped",
}
ENROLLMENT_STATUS = {
    "active": "In it",
    "paused": "Held",
    "completed": "Through",
    "exited": "Left early",
    "unsubscribed": "Unsubscribed",
    "cancelled": "Taken out",
}
# The look of a chip by what it says.
CHIPS = {
    "active": "active",
    "sent": "active",
    "sending": "active",
    "completed": "active",
    "paused": "at_risk",
    "scheduled": "at_risk",
    "unsubscribed": "at_risk",
}
TRIGGER_ITEMS = [
    ("Only by hand", "manual"),
    ("A contact is added", "contact_created"),
    ("A contact changes", "contact_changed"),
    ("A contact comes into a segment", "segment_entered"),
    ("A contact leaves a segment", "segment_left"),
    ("Someone fills in a lead form", "lead_captured"),
    ("A booking is made", "booking_created"),
    ("A booking is completed", "booking_completed"),
    ("A booking is cancelled", "booking_cancelled"),
    ("An order is placed", "order_placed"),
    ("A payment or purchase is recorded", "transaction_recorded"),
    ("A review is written", "review_submitted"),
    ("A referral earns a reward", "referral_rewarded"),
    ("A date of the contact comes", "date"),
]
CHANGED_ITEMS = [("Status", "status"), ("Lifecycle stage", "lifecycle_stage"), ("Tag", "tags")]
DATE_ITEMS = [
    ("Added as a contact", "date_added"),
    ("Last contact", "last_contact_date"),
    ("Last booking", "last_booking_at"),
    ("Next booking", "next_booking_at"),
    ("Last order", "last_order_at"),
]
AGAIN_ITEMS = [("Once and never again", "never"), ("Again, once they are through", "after_end")]
UNIT_ITEMS = [("minutes", "minutes"), ("hours", "hours"), ("days", "days")]
HOUR_ITEMS = [("Any time of day", None)] + [
    ("At {:02d}:00".format(hour), hour) for hour in range(24)
]
DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
QUARTER_ITEMS = [
    ("{:02d}:{:02d}".format(hour, minute), "{:02d}:{:02d}".format(hour, minute))
    for hour in range(24)
    for minute in (0, 15, 30, 45)
]


def items_of(names, whatever):
    """The items of a menu that filters by a status."""
    return [(whatever, None)] + [(names[word], word) for word in names]


def show_chip(node, status, names):
    """Say a status in a chip."""
    node.textContent = names.get(status, status)
    node.className = "mb-chip " + CHIPS.get(status, "")


def timing(step, place):
    """When a step's mail goes: `At once`, `2 days later, at 09:00, Mon Tue`."""
    delay, unit = step["delay"], step["unit"]
    if delay:
        text = formatting.plural(delay, unit[:-1], unit) + " later"
    else:
        text = "At once" if place == 0 else "Right after"
    if step["hour"] is not None:
        text += ", at {:02d}:00".format(step["hour"])
    if step["weekdays"] and len(step["weekdays"]) < 7:
        text += ", " + " ".join([DAY_NAMES[day] for day in sorted(step["weekdays"])])
    return text


def new_step(is_first):
    """A mail that is still to be written."""
    return {
        "step_id": None,
        "delay": 0 if is_first else 1,
        "unit": "days",
        "hour": None,
        "weekdays": [],
        "content": None,
    }


def rate(share):
    """A share as a percentage, or a dash where there is none."""
    return "–" if share is None else formatting.percent(share)
