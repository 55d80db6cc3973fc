"""What becomes of a mail, and what may keep it from going out, in words."""

STATE_NAMES = {
    "waiting": "Waiting",
    "sent": "Sent",
    "skipped": "Not sent",
    "failed": "Failed",
    "unknown": "Nobody knows",
}
# The look of a state's chip.
STATE_CHIPS = {"sent": "active", "failed": "lost", "unknown": "at_risk", "waiting": "lead"}
# The sums in this order: planned is what the others add up to.
SUMS = [
    ("planned", "Planned"),
    ("sent", "Sent"),
    ("waiting", "Waiting"),
    ("skipped", "Not sent"),
    ("failed", "Failed"),
    ("unknown", "Nobody knows"),
]
OUTCOME_ITEMS = [
    ("Everybody", None),
    ("Sent", "sent"),
    ("Waiting", "waiting"),
    ("Not sent", "skipped"),
    ("Failed", "failed"),
    ("Nobody knows", "unknown"),
    ("Delivered", "delivered"),
    ("Opened", "opened"),
    ("Clicked", "clicked"),
    ("Not opened", "not_opened"),
    ("Bounced", "bounced"),
    ("Reported as spam", "complained"),
    ("Unsubscribed by it", "unsubscribed"),
]
# What came of a mail that was sent, the most telling last: (time of the send, words).
HAPPENED = [
    ("delivered_at", "Delivered"),
    ("opened_at", "Opened"),
    ("clicked_at", "Clicked"),
    ("bounced_at", "Bounced"),
    ("unsubscribed_at", "Unsubscribed"),
    ("complained_at", "Reported as spam"),
]
KIND_NAMES = {
    "unsubscribed": "Unsubscribed",
    "complained": "Reported as spam",
    "bounced": "Address does not work",
    "manual": "Added by hand",
}


def hours_left(waiting, hourly_limit):
    """How long so many mails take, in words."""
    if hourly_limit <= 0:
        return "none goes out, as the limit is 0"
    hours = -(-waiting // hourly_limit)
    if hours <= 1:
        return "less than an hour"
    if hours < 48:
        return "about {} hours".format(hours)
    return "about {} days".format(-(-hours // 24))
