"""What something that costs so much in South African rand would cost elsewhere, roughly."""

from __future__ import annotations

from ...shared.currencies import minor_digits

RAND = ("ZAR", "NAD", "LSL", "SZL")
# Units of a currency for one rand, about 2026. Only sample data is made with it.
FOR_A_RAND = {
    "AUD": 0.085,
    "BRL": 0.3,
    "BWP": 0.76,
    "CAD": 0.077,
    "CHF": 0.048,
    "CZK": 1.2,
    "DKK": 0.37,
    "EUR": 0.05,
    "GBP": 0.043,
    "HUF": 20.0,
    "INR": 4.8,
    "JPY": 8.3,
    "KES": 7.2,
    "MXN": 1.05,
    "NGN": 85.0,
    "NOK": 0.57,
    "NZD": 0.095,
    "PLN": 0.21,
    "SEK": 0.54,
    "USD": 0.056,
}


def local_price(rand_cents: int, currency: str) -> int:
    """The price in the smallest unit of a currency, with two telling digits as prices have."""
    if currency in RAND or not rand_cents:
        return rand_cents
    exact = rand_cents / 100 * FOR_A_RAND.get(currency, 0.056) * 10 ** minor_digits(currency)
    step: int = 10 ** max(0, len(str(int(exact))) - 2)
    return max(step, round(exact / step) * step)
