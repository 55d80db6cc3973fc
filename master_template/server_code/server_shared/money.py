"""Money: whole numbers of a currency's smallest unit, here called cents whatever they are.

Amounts are never floats: 10 % of R 1.15 is a decision about half a cent, made here in one place.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import format_currency

from ..shared.currencies import minor_digits
from .formatting import read_locale


def to_major(cents: int, currency: str) -> Decimal:
    """12 345 cents of ZAR as 123.45, of JPY as 12 345."""
    return Decimal(cents).scaleb(-minor_digits(currency))


def percent_of(cents: int, percent: int | Decimal) -> int:
    """A percentage of an amount in whole cents; half a cent is rounded up, as on an invoice."""
    exact = Decimal(cents) * Decimal(percent) / 100
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def format_money(cents: int, currency: str, locale: str) -> str:
    """``R 1 250,00``: an amount as people of a locale (``en-ZA``) write it."""
    amount = to_major(cents, currency)
    # The locale leaves the small change of some currencies out; not where there is some.
    by_locale = amount == int(amount)
    return str(
        format_currency(
            amount if by_locale else round(amount, minor_digits(currency)),
            currency,
            locale=read_locale(locale),
            currency_digits=by_locale,
            decimal_quantization=by_locale,
        )
    )
