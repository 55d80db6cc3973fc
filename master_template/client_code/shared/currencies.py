"""The smallest units of currencies, for the browser and the server alike; so it imports nothing.

Amounts are kept in these, so that everyone must agree how many make one. Intl does not: browsers
give 0 or 2 digits for the forint, the Colombian peso and some others, by their version.
"""

# ISO 4217, column "minor unit"; all others that we take have 2.
WITHOUT_MINOR_UNIT = (
    "CLP",
    "JPY",
    "KRW",
    "RWF",
    "UGX",
    "VND",
    "XAF",
    "XOF",
)


def minor_digits(currency):
    """How many digits of a currency stand after the point: 2 of ZAR, 0 of JPY."""
    return 0 if currency in WITHOUT_MINOR_UNIT else 2
