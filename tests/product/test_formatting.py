"""What the server writes into mails: money, days and numbers, as the browser would write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from master_template.server_shared import formatting, money
from master_template.server_shared.config import Business
from master_template.server_shared.validators import CURRENCIES, LOCALES
from master_template.shared import currencies

SEEN = ("en-ZA", "de-DE", "ja-JP", "fr-FR", "pt-BR")
MOMENT = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)


def business(locale: str, zone: str = "Europe/Berlin") -> Business:
    return Business("Sunrise Yoga", locale=locale, time_zone=zone)


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page()
    yield page
    page.close()


def plain(text: str) -> str:
    """Without spaces, of which versions of the same data have other ones, or none."""
    return re.sub(r"\s", "", text)


def intl(page: Page, kind: str, locale: str, options: dict[str, Any], value: float) -> str:
    script = "([kind, locale, options, value]) => new Intl[kind](locale, options).format(value)"
    return plain(page.evaluate(script, [kind, locale, options, value]))


def test_the_smallest_units_are_those_of_the_standard() -> None:
    """As Babel knows them; neither depends on the version of a browser."""
    assert {code: currencies.minor_digits(code) for code in CURRENCIES} == {
        code: get_currency_precision(code) for code in CURRENCIES
    }


@pytest.mark.parametrize("locale", SEEN)
@pytest.mark.parametrize(
    ("cents", "currency"),
    [(125_000, "ZAR"), (0, "EUR"), (-1_999, "EUR"), (12_345, "JPY")],
)
def test_money_reads_as_in_the_browser(page: Page, locale: str, cents: int, currency: str) -> None:
    amount = float(money.to_major(cents, currency))
    expected = intl(
        page, "NumberFormat", locale, {"style": "currency", "currency": currency}, amount
    )
    assert plain(money.format_money(cents, currency, locale)) == expected


@pytest.mark.parametrize("locale", SEEN)
def test_days_read_as_in_the_browser(page: Page, locale: str) -> None:
    options = {"dateStyle": "long", "timeZone": "Europe/Berlin"}
    expected = intl(page, "DateTimeFormat", locale, options, MOMENT.timestamp() * 1000)
    assert plain(formatting.format_day(MOMENT, business(locale))) == expected


def test_a_moment_is_told_where_the_business_is() -> None:
    german = business("de-DE")
    assert formatting.format_day(MOMENT, german) == "30. März 2026"
    assert plain(formatting.format_day_and_time(MOMENT, german)) == "30.März2026,00:30"
    there = business("en-ZA", "America/New_York")
    assert plain(formatting.format_day_and_time(MOMENT, there)) == "29March2026,18:30"
    assert formatting.format_day(date(2026, 3, 29), german) == "29. März 2026"
    assert formatting.format_number(12_500, german) == "12.500"


def test_every_locale_that_a_business_may_have_can_be_written() -> None:
    for locale in LOCALES:
        assert "2026" in formatting.format_day(MOMENT, business(locale)) or not re.search(
            r"[A-Za-z]", formatting.format_day(MOMENT, business(locale))
        ), locale
        assert money.format_money(100, "EUR", locale)
        assert formatting.format_day_and_time(MOMENT, business(locale))


def test_small_change_is_never_left_out() -> None:
    assert plain(money.format_money(125_050, "HUF", "hu-HU")) == "1250,50Ft"
    assert plain(money.format_money(1_250, "JPY", "ja-JP")) == "￥1,250"
    assert plain(money.format_money(125_005, "ZAR", "en-ZA")) == "R1250,05"


@pytest.mark.parametrize(
    ("cents", "percent", "expected"),
    [(115, 10, 12), (114, 10, 11), (22_000, 3, 660), (0, 3, 0), (999, Decimal("2.5"), 25)],
)
def test_a_percentage_is_rounded_once(cents: int, percent: Decimal, expected: int) -> None:
    assert money.percent_of(cents, percent) == expected


@given(st.integers(0, 10**12), st.integers(0, 100))
def test_a_part_and_the_rest_are_the_whole(cents: int, percent: int) -> None:
    part = money.percent_of(cents, percent)
    assert 0 <= part <= cents
    assert abs(part + money.percent_of(cents, 100 - percent) - cents) <= 1
