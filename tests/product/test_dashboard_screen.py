"""The dashboard as people see it, in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.product.screens import DESK, PHONE, Screen, tab
from tests.product.studio import Studio


def card(screen: Screen, label: str) -> Locator:
    labels = screen.page.locator(".mb-metric-label").get_by_text(label, exact=True)
    return screen.page.locator(".mb-metric").filter(has=labels)


def value(screen: Screen, label: str) -> Locator:
    return card(screen, label).locator(".mb-metric-value")


def read(screen: Screen, label: str) -> str:
    """What a card shows, once it does."""
    expect(value(screen, label)).to_have_text(re.compile(r"\d"))
    return value(screen, label).inner_text()


def show_shop(studio: Studio) -> None:
    studio.query(
        "UPDATE app.settings SET features_enabled = features_enabled || '{\"ecommerce\": true}'"
    )


def test_shows_an_owner_the_numbers_of_the_day(chromium: Browser, studio: Studio) -> None:
    show_shop(studio)
    [(low,)] = studio.query("SELECT count(*) FROM app.products WHERE is_low_stock")
    [(overdue,)] = studio.query(
        "SELECT count(*) FROM app.tasks WHERE status = 'pending' AND due_date < "
        "(now() AT TIME ZONE 'Africa/Johannesburg')::date"
    )
    with tab(chromium, studio, "olga", DESK) as screen:
        expect(value(screen, "Low stock")).to_have_text(str(low))
        expect(card(screen, "Tasks due today")).to_contain_text(f"{overdue} overdue")
        expect(value(screen, "Revenue this month")).to_contain_text("R")
        for label in ("Bookings today", "New contacts", "Failed payments"):
            expect(value(screen, label)).to_have_text(re.compile(r"\d+"))
        expect(screen.page.get_by_role("meter", name="Contacts")).to_have_attribute(
            "aria-valuetext", re.compile("^60 of ")
        )
        card(screen, "New contacts").click()
        screen.is_at("/app/contacts?sort=newest")


def test_staff_see_what_they_work_with(chromium: Browser, studio: Studio) -> None:
    show_shop(studio)
    with tab(chromium, studio, "sam", DESK) as screen:
        expect(value(screen, "Bookings today")).to_be_visible()
        expect(screen.page.get_by_role("heading", name="Bookings", exact=True)).to_be_visible()
        for label in ("Revenue this month", "Failed payments"):
            expect(card(screen, label)).to_be_hidden()
        expect(screen.page.get_by_role("heading", name="Storage")).to_be_hidden()
        # Four cards stand beside each other, with none below.
        names = ("Bookings today", "New contacts", "Tasks due today", "Low stock")
        boxes = [card(screen, name).bounding_box() for name in names]
        assert len({box["y"] for box in boxes if box}) == 1
        # One chart leaves nothing to choose.
        expect(screen.page.get_by_role("group", name="What the chart shows")).to_be_hidden()


def test_the_chart_is_a_table_too(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga", DESK) as screen:
        page = screen.page
        expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
        page.get_by_text("Show as a table").click()
        table = page.get_by_role("table")
        expect(table.get_by_role("row")).not_to_have_count(0)
        expect(table.get_by_role("columnheader").first).to_have_text("Day")
        expect(table.get_by_role("rowheader").first).to_have_text("1")
        choice = page.get_by_role("group", name="What the chart shows")
        expect(choice.get_by_role("button", name="Revenue")).to_have_attribute(
            "aria-pressed", "true"
        )
        choice.get_by_role("button", name="Bookings").focus()
        page.keyboard.press("Enter")
        expect(choice.get_by_role("button", name="Bookings")).to_have_attribute(
            "aria-pressed", "true"
        )
        expect(table.get_by_role("row")).to_have_count(15)  # two weeks and the head
        expect(page.locator(".js-plotly-plot .bars")).to_have_count(1)


def test_the_drawing_follows_light_and_dark(chromium: Browser, studio: Studio) -> None:
    color = "document.querySelector('.js-plotly-plot').data.at(-1).marker.color"
    with tab(chromium, studio, "olga", DESK) as screen:
        page = screen.page
        expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
        page.evaluate("window.m3Theme.setMode('light')")
        page.wait_for_function(
            f"{color} === getComputedStyle(document.querySelector('.mb-text-link')).color"
        )
        light = page.evaluate(color)
        page.evaluate("window.m3Theme.setMode('dark')")
        page.wait_for_function(f"{color} !== '{light}'")


def test_a_refresh_shows_what_is_new(chromium: Browser, studio: Studio) -> None:
    studio.query("DELETE FROM app.dashboard_cache")
    with tab(chromium, studio, "olga", DESK) as screen:
        before = int(read(screen, "Failed payments"))
        studio.query(
            "UPDATE app.payments SET status = 'failed', failed_at = now(), captured_at = NULL "
            "WHERE number = (SELECT max(number) FROM app.payments WHERE status = 'captured')"
        )
        studio.query("UPDATE app.dashboard_cache SET computed_at = now() - interval '50 minutes'")
        screen.page.reload()
        expect(value(screen, "Failed payments")).to_have_text(str(before))
        screen.press("Refresh the figures")
        expect(value(screen, "Failed payments")).to_have_text(str(before + 1))


def test_says_when_a_figure_cannot_be_worked_out(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga", DESK) as screen:
        shown = read(screen, "Revenue this month")
        studio.query("UPDATE app.dashboard_cache SET computed_at = now() - interval '2 hours'")
        studio.query("ALTER TABLE app.payments RENAME COLUMN refunded_cents TO gone")
        try:
            screen.page.reload()
            screen.sees("Some figures could not be worked out anew.")
            expect(value(screen, "Revenue this month")).to_have_text(shown)
            studio.query("DELETE FROM app.dashboard_cache")
            screen.page.reload()
            expect(card(screen, "Revenue this month")).to_contain_text("Not to be had right now")
            expect(value(screen, "New contacts")).to_have_text(re.compile(r"\d+"))
        finally:
            studio.query("ALTER TABLE app.payments RENAME COLUMN gone TO refunded_cents")
        screen.press("Refresh the figures")
        expect(value(screen, "Revenue this month")).to_have_text(shown)


def test_the_feed_shows_more_when_asked(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga", DESK) as screen:
        events = screen.page.locator(".mb-event")
        expect(events).to_have_count(10)
        screen.press("Show more")
        expect(events).to_have_count(100)
        expect(screen.page.get_by_role("button", name="Show more")).to_be_hidden()


@pytest.mark.parametrize("size", [DESK, PHONE, {"width": 320, "height": 700}])
def test_nothing_sticks_out(chromium: Browser, studio: Studio, size: dict[str, int]) -> None:
    studio.query(
        "UPDATE app.products SET name = 'Handgewebtes Baumwollmeditationskissenersatzbezugsset' "
        "WHERE slug = 'cork-block'"
    )
    show_shop(studio)
    studio.query("UPDATE app.payments SET amount_cents = amount_cents + 100000000")
    studio.query("DELETE FROM app.dashboard_cache")
    with tab(chromium, studio, "olga", size) as screen:
        expect(screen.page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
        screen.page.get_by_text("Show as a table").click()
        panel = screen.page.locator(".mb-chart").bounding_box()
        assert panel and panel["x"] + panel["width"] <= size["width"]
        width = screen.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"]


def test_a_new_business_sees_that_there_is_nothing_yet(
    chromium: Browser, empty_studio: Studio
) -> None:
    with tab(chromium, empty_studio, "olga", DESK) as screen:
        expect(card(screen, "Bookings today")).to_contain_text("None in the next 7 days")
        expect(card(screen, "Revenue this month")).to_contain_text("Nothing yet this month")
        screen.sees("Nothing has come in this month or last.")
        screen.sees("Nothing in the last 30 days.")
        screen.press("Bookings")
        screen.sees("No bookings in these two weeks.")
