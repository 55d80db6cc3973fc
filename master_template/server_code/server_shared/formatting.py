"""Dates, times and numbers as people of the business's locale write them, in its time zone.

What the server writes into mails and files; pages are formatted by the browser's Intl, which knows
the same data (CLDR).
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_datetime_format
from babel.numbers import format_decimal

from .config import Business


def read_locale(tag: str) -> Locale:
    """The locale of a tag like ``en-ZA``."""
    return Locale.parse(tag, sep="-")


def format_day(day: date | datetime, business: Business) -> str:
    """``28 November 2026``. Of a moment it is the day that it is where the business is."""
    if isinstance(day, datetime):
        day = day.astimezone(ZoneInfo(business.time_zone)).date()
    return str(format_date(day, "long", locale=read_locale(business.locale)))


def format_day_and_time(moment: datetime, business: Business) -> str:
    """``28 November 2026 10:15``, where the business is."""
    locale = read_locale(business.locale)
    local = moment.astimezone(ZoneInfo(business.time_zone))
    time = format_time(local, "short", tzinfo=local.tzinfo, locale=locale)
    pattern: str = str(get_datetime_format("long", locale=locale))
    return pattern.replace("'", "").format(time, format_day(moment, business))


def format_number(value: int, business: Business) -> str:
    """A whole number with its thousands apart: ``12 500``."""
    return str(format_decimal(value, locale=read_locale(business.locale)))
