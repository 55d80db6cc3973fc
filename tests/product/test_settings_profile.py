"""The settings: their shell, the business profile and what there is to choose from in it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest
from playwright.sync_api import Browser, expect

from master_template.server_settings import profile_choices
from master_template.server_shared.validators import COUNTRIES, CURRENCIES, Country, Locale
from tests.product.screens import PHONE, tab
from tests.product.studio import Refused, Studio

pytestmark = pytest.mark.usefixtures("m3_assets")
WINTER, SUMMER = datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC)


def test_a_zone_is_named_by_city_country_and_its_offset_now() -> None:
    def labels(now: datetime) -> dict[str, str]:
        return {zone: label for zone, label, _ in profile_choices.time_zone_choices(now)}

    winter, summer = labels(WINTER), labels(SUMMER)
    assert winter["Africa/Johannesburg"] == "Johannesburg, South Africa (UTC+02:00)"
    assert winter["Europe/Berlin"] == "Berlin, Germany (UTC+01:00)"
    assert summer["Europe/Berlin"] == "Berlin, Germany (UTC+02:00)"
    assert winter["Asia/Kolkata"].endswith("(UTC+05:30)")
    assert winter["Pacific/Marquesas"].endswith("(UTC-09:30)")
    assert set(winter) <= available_timezones()
    assert len(winter) > 400


def test_every_choice_is_one_that_the_profile_takes() -> None:
    for tag, label, _ in profile_choices.locale_choices():
        assert Locale("x").clean(tag) == tag
        assert re.fullmatch(r".+ \(.+\)", label)
    assert {row[0] for row in profile_choices.currency_choices()} == set(CURRENCIES)
    assert {row[0] for row in profile_choices.country_choices()} == set(COUNTRIES)
    assert Country("x").clean("ZA") == "ZA"


@pytest.mark.parametrize("field", ["country", "locale", "time_zone", "currency"])
def test_what_is_no_choice_is_refused_at_its_field(studio: Studio, field: str) -> None:
    with studio.person("olga") as olga:
        version = olga.call("get_settings")["settings"]["version"]
        for value in ("ZZ", "xx-YY", "Nowhere/City", "", 7):
            with pytest.raises(Refused) as refused:
                olga.call("update_business_profile", {field: value}, version)
            assert set(refused.value.fields) == {field}


def test_the_country_of_the_address_is_the_one_that_was_picked(empty_studio: Studio) -> None:
    with empty_studio.person("olga") as olga:
        version = olga.call("get_settings")["settings"]["version"]
        profile = {"address": {"city": "Berlin"}, "country": "DE"}
        saved = olga.call("update_business_profile", profile, version)["settings"]
        assert (saved["address"]["country"], saved["country"]) == ("Germany", "DE")
        moved = olga.call("update_business_profile", {"country": "NA"}, saved["version"])
        assert moved["settings"]["address"]["city"] == "Berlin"
        assert moved["settings"]["address"]["country"] == "Namibia"


def test_the_time_zone_is_found_by_typing_and_taken_by_the_keyboard(
    chromium: Browser, empty_studio: Studio
) -> None:
    with tab(chromium, empty_studio, "olga") as screen:
        screen.open("/app/settings")
        screen.is_at("/app/settings/profile")
        zone = screen.field("Time zone")
        expect(zone).to_have_value("Johannesburg, South Africa (UTC+02:00)")
        zone.click()
        screen.page.keyboard.type("tokyo")
        expect(screen.page.get_by_role("option")).to_have_text(["Tokyo, Japan (UTC+09:00)"])
        expect(zone).to_have_attribute("aria-expanded", "true")
        screen.page.keyboard.press("Escape")
        expect(zone).to_have_value("Johannesburg, South Africa (UTC+02:00)")
        screen.page.keyboard.press("ArrowDown")
        screen.page.keyboard.type("japan")
        screen.page.keyboard.press("Enter")
        expect(zone).to_have_value("Tokyo, Japan (UTC+09:00)")
        # What is no choice does not stay.
        zone.fill("nowhere")
        screen.page.keyboard.press("Tab")
        expect(zone).to_have_value("Tokyo, Japan (UTC+09:00)")
        # What can mean only one thing does.
        screen.type("Currency", "rand")
        expect(screen.field("Currency")).to_have_value("South African Rand (ZAR)")
        screen.type("Currency", "forint")
        expect(screen.field("Currency")).to_have_value("Hungarian Forint (HUF)")
        screen.press("Save")
        screen.sees("Saved.")
    found = empty_studio.query("SELECT time_zone, currency FROM app.settings")
    assert found == [("Asia/Tokyo", "HUF")]


def test_someone_elses_edit_is_shown_and_both_stay(chromium: Browser, empty_studio: Studio) -> None:
    with tab(chromium, empty_studio, "olga") as screen:
        screen.open("/app/settings/profile")
        screen.type("Tagline", "Mine")
        with empty_studio.person("olga") as other:
            version = other.call("get_settings")["settings"]["version"]
            other.call("update_business_profile", {"phone": "+27 82 555 0101"}, version)
        screen.press("Save")
        screen.sees("Someone else changed the settings while you were editing.")
        expect(screen.field("Tagline")).to_have_value("Mine")
        screen.press("Save mine")
        screen.sees("Saved.")
        expect(screen.field("Phone")).to_have_value("+27 82 555 0101")
    found = empty_studio.query("SELECT tagline, phone FROM app.settings")
    assert found == [("Mine", "+27 82 555 0101")]


def test_a_phone_shows_the_list_and_then_one_section(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "mia", PHONE) as screen:
        screen.open("/app/settings")
        screen.heading("Settings")
        screen.page.get_by_role("link", name="Features").click()
        screen.is_at("/app/settings/features")
        expect(screen.page.get_by_role("switch", name="Bookings")).to_be_disabled()
        expect(screen.page.get_by_role("link", name="Business profile")).to_be_hidden()
        screen.page.get_by_role("link", name="‹ Settings").click()
        screen.heading("Settings")


def test_an_unknown_section_is_a_page_that_is_not_there(studio: Studio) -> None:
    answer = studio.server.client.get("/app/settings/nothing")
    assert answer.status_code == 404
