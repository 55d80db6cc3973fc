"""Dates, money and names as a person of this business reads them."""

import datetime

import anvil.tz
from anvil.js import window

from . import currencies, session

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=anvil.tz.tzutc())

STATUS_NAMES = {"lead": "Lead", "customer": "Customer", "inactive": "Inactive"}
LIFECYCLE_NAMES = {"new": "New", "active": "Active", "at_risk": "At risk", "lost": "Lost"}
SOURCE_NAMES = {
    "manual": "Added by hand",
    "website": "Website",
    "referral": "Referral",
    "booking": "Booking",
    "order": "Order",
    "import": "Import",
    "lead_capture": "Lead capture",
    "walk_in": "Walk-in",
    "social": "Social media",
    "other": "Other",
}
ROLE_NAMES = {
    "owner": "Owner",
    "manager": "Manager",
    "admin": "Admin",
    "staff": "Staff",
    "customer": "Customer",
}


def milliseconds(moment):
    """A time with zone as JavaScript counts it."""
    return (moment - _EPOCH).total_seconds() * 1000


def _format_date(moment, options):
    business = session.business()
    options = dict(options, timeZone=business["time_zone"])
    return window.Intl.DateTimeFormat(business["locale"], options).format(milliseconds(moment))


def day(moment):
    """`14 Mar 2026`, in the business's time zone."""
    if moment is None:
        return ""
    return _format_date(moment, {"day": "numeric", "month": "short", "year": "numeric"})


def day_and_time(moment):
    """`14 Mar 2026, 09:30`, in the business's time zone."""
    if moment is None:
        return ""
    return _format_date(
        moment,
        {
            "day": "numeric",
            "month": "short",
            "year": "numeric",
            "hour": "2-digit",
            "minute": "2-digit",
        },
    )


def time_of_day(moment):
    """`09:30`, in the business's time zone."""
    return _format_date(moment, {"hour": "2-digit", "minute": "2-digit"})


def weekday_now():
    """`Thursday, 14 May`: the day that it is for the business."""
    business = session.business()
    options = {
        "weekday": "long",
        "day": "numeric",
        "month": "long",
        "timeZone": business["time_zone"],
    }
    return window.Intl.DateTimeFormat(business["locale"], options).format(window.Date.now())


def _format_calendar_day(date, options):
    """A date without a time, which is the same in every zone."""
    midnight = window.Date.UTC(date.year, date.month - 1, date.day)
    options = dict(options, timeZone="UTC")
    return window.Intl.DateTimeFormat(session.business()["locale"], options).format(midnight)


def weekday(date):
    """`Thursday, 14 May` of a date."""
    return _format_calendar_day(date, {"weekday": "long", "day": "numeric", "month": "long"})


def calendar_day(date):
    """`14 Mar 2026` of a date."""
    return _format_calendar_day(date, {"day": "numeric", "month": "short", "year": "numeric"})


def short_day(date):
    """`14 May` of a date."""
    return _format_calendar_day(date, {"day": "numeric", "month": "short"})


def month_name(date):
    """`May` of a date."""
    return _format_calendar_day(date, {"month": "long"})


def ago(moment):
    """`just now`, `5 min ago`, `3 days ago`; a date from a month on."""
    if moment is None:
        return ""
    minutes = int((window.Date.now() - milliseconds(moment)) // 60000)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return "{} min ago".format(minutes)
    hours = minutes // 60
    if hours < 24:
        return "{} h ago".format(hours)
    days = hours // 24
    if days == 1:
        return "yesterday"
    if days < 31:
        return "{} days ago".format(days)
    return day(moment)


def money(cents, currency=None):
    """An amount in the currency's smallest unit as people write it: `R 1 250,00`."""
    currency = currency or session.business()["currency"]
    amount = _in_units(cents, currency)
    options = {}
    if amount != int(amount):
        # Where people leave the small change out there may still be some.
        digits = currencies.minor_digits(currency)
        options = {"minimumFractionDigits": digits, "maximumFractionDigits": digits}
    return _format_money(amount, currency, options)


def money_in_short(cents, currency=None):
    """As `money`, but zero, and from a hundred units on, without the small change: `R 12 500`."""
    currency = currency or session.business()["currency"]
    amount = _in_units(cents, currency)
    if amount and abs(amount) < 100:
        return money(cents, currency)
    return _format_money(amount, currency, {"minimumFractionDigits": 0, "maximumFractionDigits": 0})


def _in_units(cents, currency):
    return (cents or 0) / float(10 ** currencies.minor_digits(currency))


def _format_money(amount, currency, options):
    options = dict(options, style="currency", currency=currency)
    return window.Intl.NumberFormat(session.business()["locale"], options).format(amount)


def percent(share):
    """A share of one as `12 %`."""
    options = {"style": "percent", "maximumFractionDigits": 0}
    return window.Intl.NumberFormat(session.business()["locale"], options).format(share)


def number(value):
    """A whole number with its thousands apart."""
    return window.Intl.NumberFormat(session.business()["locale"]).format(value)


def file_size(size_bytes):
    """`640 kB`, `1.2 MB`, `5 GB`."""
    size, unit = size_bytes / 1000.0, "kilobyte"
    for larger in ("megabyte", "gigabyte"):
        if size >= 1000:
            size, unit = size / 1000.0, larger
    options = {"style": "unit", "unit": unit, "maximumFractionDigits": 1 if size < 100 else 0}
    return window.Intl.NumberFormat(session.business()["locale"], options).format(size)


def initials(name):
    """The first letters of the first and the last word: `AV` of `Anna-Liisa Virtanen`."""
    words = name.split()
    if not words:
        return "?"
    if len(words) == 1:
        return words[0][:1].upper()
    return (words[0][:1] + words[-1][:1]).upper()


def plural(count, one, many):
    """`1 contact`, `25 contacts`."""
    return "{} {}".format(number(count), one if count == 1 else many)
