"""Every input rule, in one place.

A *rule* turns what came in into what is kept, or raises :class:`InvalidError` with one sentence
that says what was expected and what came. Rules nest: a :class:`Record` of rules checks a whole
form and reports all its faults at once, by field.
"""

from .places import COUNTRIES, CURRENCIES, LOCALES, Country, Locale, currency
from .rules import Bool, Choice, Int, Items, Percent, Record, Rule, shown
from .texts import EMAIL_MAX_CHARS, Colour, Email, Password, Phone, Text, WebAddress, fold
from .times import Day, Moment, TimeZone

__all__ = [
    "COUNTRIES",
    "CURRENCIES",
    "EMAIL_MAX_CHARS",
    "LOCALES",
    "Bool",
    "Choice",
    "Colour",
    "Country",
    "Day",
    "Email",
    "Int",
    "Items",
    "Locale",
    "Moment",
    "Password",
    "Percent",
    "Phone",
    "Record",
    "Rule",
    "Text",
    "TimeZone",
    "WebAddress",
    "currency",
    "fold",
    "shown",
]
