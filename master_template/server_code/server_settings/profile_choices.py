"""What there is to choose from in the business profile: zones, currencies, locales, countries.

Names are English, as the app is; the data are CLDR's (through Babel) and the IANA zone table's
(through tzdata).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.numbers import get_currency_symbol

from ..server_shared import clock
from ..server_shared.callables import server_callable
from ..server_shared.validators import COUNTRIES, CURRENCIES, LOCALES, fold

ENGLISH = Locale("en")


@server_callable(needs="settings.view")
def get_profile_choices() -> dict[str, Any]:
    """``{"time_zones", "currencies", "locales", "countries"}``: each a list of
    ``[value, label, more words to find it by]``, by label."""
    return {
        "time_zones": time_zone_choices(clock.now()),
        "currencies": currency_choices(),
        "locales": locale_choices(),
        "countries": country_choices(),
    }


def time_zone_choices(now: datetime) -> list[list[str]]:
    """Each zone as ``Johannesburg, South Africa (UTC+02:00)``, with the offset that it has now."""
    return _sorted(
        [name, f"{place} ({utc_offset(name, now)})", name.replace("_", " ")]
        for name, place in (*_places(), ("UTC", "Coordinated universal time"))
    )


def utc_offset(zone: str, now: datetime) -> str:
    """``UTC+05:30`` of a zone at a time."""
    offset = now.astimezone(ZoneInfo(zone)).utcoffset()
    minutes = round(offset.total_seconds() / 60) if offset else 0
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


@functools.cache
def _places() -> tuple[tuple[str, str], ...]:
    """(zone, place) of the zone table: each zone of a country with its main city.

    ``zone.tab`` has lines of country code, coordinates and zone, with tabs between them.
    """
    text = files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    places = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            city = zone.rpartition("/")[2].replace("_", " ")
            name = ENGLISH.territories.get(country, "")
            places.append((zone, city if name in ("", city) else f"{city}, {name}"))
    return tuple(places)


@functools.cache
def currency_choices() -> list[list[str]]:
    """Each currency as ``South African Rand (ZAR)``."""
    return _sorted(
        [code, f"{ENGLISH.currencies[code]} ({code})", get_currency_symbol(code, ENGLISH)]
        for code in CURRENCIES
    )


@functools.cache
def locale_choices() -> list[list[str]]:
    """Each locale as ``German (Germany)``, found by its own name too."""
    choices = []
    for tag in LOCALES:
        locale = Locale.parse(tag, sep="-")
        label = ENGLISH.languages.get(locale.language)
        place = ENGLISH.territories.get(locale.territory or "")
        if label and place:
            own = locale.get_display_name(locale) or ""
            choices.append([tag, f"{label} ({place})", f"{own} {tag}"])
    return _sorted(choices)


@functools.cache
def country_choices() -> list[list[str]]:
    """Each country by its name."""
    return _sorted([code, country_name(code), code] for code in COUNTRIES)


def country_name(code: str) -> str:
    """``South Africa`` of ``ZA``."""
    return str(ENGLISH.territories[code])


def _sorted(choices: Any) -> list[list[str]]:
    rows: Sequence[list[str]] = list(choices)
    return sorted(rows, key=lambda row: fold(row[1]))
