"""Rules of countries, languages and currencies."""

from __future__ import annotations

import re
from typing import Any

from babel import Locale as BabelLocale
from babel.localedata import locale_identifiers

from .rules import Choice, Rule

# ISO 4217 codes of the currencies that our payment providers settle in.
_CURRENCY_CODES = (
    "AED ARS AUD BGN BRL BWP CAD CHF CLP CNY COP CZK DKK EGP EUR GBP GHS HKD HUF IDR ILS INR JPY "
    "KES KRW MAD MUR MXN MYR MZN NAD NGN NOK NZD PEN PHP PKR PLN QAR RON RWF SAR SEK SGD THB TRY "
    "TZS UAH UGX USD VND XAF XOF ZAR ZMW"
)
CURRENCIES = tuple(_CURRENCY_CODES.split())

# Languages with a region that CLDR knows how to write for: ``en-ZA``.
LOCALES = tuple(
    sorted(
        name.replace("_", "-")
        for name in locale_identifiers()
        if re.fullmatch(r"[a-z]{2,3}_[A-Z]{2}", name)
    )
)
# ISO 3166 letters: CLDR's territories less those that are no country.
_NO_COUNTRY = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
COUNTRIES = tuple(
    sorted(
        code
        for code in map(str, BabelLocale("en").territories)
        if re.fullmatch("[A-Z]{2}", code) and code not in _NO_COUNTRY
    )
)


class Locale(Rule):
    """A language with region, like ``en-ZA`` (RFC 5646, the two parts that formats need)."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or value.strip() not in LOCALES:
            raise self.refuse("a language and region like en-ZA", value)
        return value.strip()


class Country(Rule):
    """The two letters of a country (ISO 3166-1)."""

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or value.strip() not in COUNTRIES:
            raise self.refuse("the two letters of a country, like ZA", value)
        return value.strip()


def currency(label: str, *, required: bool = False, default: Any = None) -> Choice:
    """An ISO 4217 code."""
    return Choice(label, CURRENCIES, required=required, default=default)
