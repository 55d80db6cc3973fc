"""What the dashboard's cards say: from figures to (value, note, tone, icon of the note)."""

import datetime

from ..shared import formatting

UP, DOWN = "trending_up", "trending_down"


def bookings(figures):
    """How many come today, and who is not confirmed yet."""
    unconfirmed = figures["unconfirmed"]
    if unconfirmed:
        note = (formatting.number(unconfirmed) + " to confirm", "attention", "schedule")
    elif figures["today"]:
        note = ("All confirmed", "good", "check_circle")
    else:
        note = _after_today(figures["days"])
    return (formatting.number(figures["today"]),) + note


def _after_today(days):
    """With an empty day, when the next booking is."""
    ahead = [day for day, count in days[-7:] if count]
    if not ahead:
        return ("None in the next 7 days", "plain", "")
    return ("Next on " + formatting.weekday(_date(ahead[0])), "plain", "")


def revenue(figures):
    """What came in this month, in the business's currency, against last month up to this day."""
    own = figures["currencies"][0]
    value = formatting.money_in_short(own["cents"], own["currency"])
    others = [one for one in figures["currencies"][1:] if one["cents"]]
    if others:
        value += " + " + formatting.money_in_short(others[0]["cents"], others[0]["currency"])
    if len(others) > 1:
        value += " …"
    last = own["last_cents"]
    if last <= 0:
        note = "Nothing by this day last month" if own["cents"] else "Nothing yet this month"
        return (value, note, "plain", "")
    change = (own["cents"] - last) / float(last)
    month = formatting.month_name(_date(figures["last_month"]))
    if abs(change) < 0.005:
        return (value, "As much as by this day of " + month, "plain", "")
    note = "{} {} than by this day of {}".format(
        formatting.percent(abs(change)), "more" if change > 0 else "less", month
    )
    return (value, note, "good" if change > 0 else "plain", UP if change > 0 else DOWN)


def contacts(figures):
    """How many are new in 30 days, against the 30 days before."""
    new, before = figures["new"], figures["new_before"]
    note = "In 30 days; " + formatting.number(before) + " in the 30 before"
    icon = UP if new > before else DOWN if new < before else ""
    return (formatting.number(new), note, "good" if new > before else "plain", icon)


def tasks(figures):
    """What is to be done today, and what should have been done."""
    overdue = figures["overdue"]
    if overdue:
        note = (formatting.number(overdue) + " overdue", "attention", "schedule")
    else:
        note = ("Nothing overdue", "good", "check_circle")
    return (formatting.number(figures["due"]),) + note


def low_stock(figures):
    """How many products run out, and which ones first."""
    low = figures["low"]
    if not low:
        return (formatting.number(0), "Enough of everything", "good", "check_circle")
    note = ", ".join(figures["products"])
    if low > len(figures["products"]):
        note += " …"
    if figures["sold_out"]:
        note = formatting.number(figures["sold_out"]) + " sold out · " + note
    return (formatting.number(low), note, "attention", "warning")


def failed_payments(figures):
    """How many payments failed in 30 days."""
    failed = figures["failed"]
    if not failed:
        return (formatting.number(0), "None in 30 days", "good", "check_circle")
    return (formatting.number(failed), "In the last 30 days", "attention", "warning")


def _date(text):
    year, month, day = text.split("-")
    return datetime.date(int(year), int(month), int(day))


DESCRIBE = {
    "bookings": bookings,
    "revenue": revenue,
    "contacts": contacts,
    "tasks": tasks,
    "low_stock": low_stock,
    "failed_payments": failed_payments,
}
