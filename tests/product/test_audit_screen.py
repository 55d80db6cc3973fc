"""The audit log on the screen: an owner finds out who changed what."""

from __future__ import annotations

import csv

import pytest
from playwright.sync_api import Browser, expect

from tests.product.screens import Screen, tab
from tests.product.studio import Studio

PATH = "/app/settings/audit"


@pytest.fixture(scope="module")
def number(studio: Studio) -> str:
    """A contact with a history, and a log of several pages."""
    with studio.person("mia") as mia:
        person = {"first_name": "Ada", "last_name": "Audit", "company": "=Formula Ltd"}
        made: str = mia.call("create_contact", person)["contact"]["contact_id"]
        mia.call("update_contact", made, {"status": "customer", "company": ""}, 1)
        mia.call("delete_contact", made)
    with studio.person("olga") as olga:
        for count in range(60):
            version = olga.call("get_settings")["settings"]["version"]
            olga.call("update_business_profile", {"tagline": f"Breathe in {count}"}, version)
    return made


def lines(screen: Screen) -> list[str]:
    return screen.page.locator(".mb-audit-summary").all_inner_texts()


def has_lines(screen: Screen, count: int) -> None:
    expect(screen.page.locator(".mb-audit-summary")).to_have_count(count)


def test_finds_what_happened_to_a_contact(chromium: Browser, studio: Studio, number: str) -> None:
    with tab(chromium, studio, "olga") as screen:
        screen.open(PATH)
        has_lines(screen, 25)
        screen.field("Number or address").fill(number)
        has_lines(screen, 3)
        screen.is_at(f"{PATH}?resource_id={number}")
        deleted, changed, created = lines(screen)
        assert "Deleted contact" in deleted and "Created contact" in created
        assert "mia@yogastudio.example" in changed and "Status" in changed
        entry = screen.page.locator(".mb-audit").nth(1)
        entry.locator("summary").focus()
        screen.page.keyboard.press("Enter")
        row = entry.get_by_role("row").filter(has_text="Status")
        expect(row).to_have_text("Status" + "lead" + "customer")
        row = entry.get_by_role("row").filter(has_text="Company")
        expect(row).to_have_text("Company" + "=Formula Ltd" + "—")
        screen.page.reload()
        has_lines(screen, 3)
        screen.page.locator("summary").nth(1).click()
        screen.page.get_by_role("link", name=f"Open {number}").filter(visible=True).click()
        screen.heading("Ada Audit")


def test_turns_pages_back_and_forth(chromium: Browser, studio: Studio, number: str) -> None:
    with tab(chromium, studio, "olga") as screen:
        screen.open(PATH + "?resource_type=settings")
        has_lines(screen, 25)
        screen.page.locator("summary.mb-audit-summary").first.click()
        expect(screen.page.locator(".mb-audit").first).to_contain_text("Breathe in 59")
        screen.press("Older")
        expect(screen.page.locator(".mb-audit-changes").first).to_contain_text("Breathe in 34")
        screen.press("Older")
        expect(screen.page.locator(".mb-audit-changes").first).to_contain_text("Breathe in 9")
        expect(screen.page.get_by_role("button", name="Older")).to_be_disabled()
        screen.press("Newer")
        expect(screen.page.locator(".mb-audit-changes").first).to_contain_text("Breathe in 34")
        screen.press("Newest")
        expect(screen.page.locator(".mb-audit-changes").first).to_contain_text("Breathe in 59")


def test_the_filters_say_what_is_wrong_and_how_to_go_on(
    chromium: Browser, studio: Studio, number: str
) -> None:
    with tab(chromium, studio, "olga") as screen:
        screen.open(PATH + "?person=nobody.at.all")
        screen.sees("No entry fits these filters.")
        screen.page.get_by_role("button", name="Clear filters").last.click()
        has_lines(screen, 25)
        expect(screen.field("Done by")).to_be_focused()
        screen.open(PATH + "?since=2026-03-15&until=2026-03-14")
        screen.sees("This is before the first day.")
        screen.open(PATH + "?since=nonsense&after=nonsense")
        screen.sees("address is damaged")
        screen.problems.clear()


def test_takes_the_log_away_as_a_file(chromium: Browser, studio: Studio, number: str) -> None:
    with tab(chromium, studio, "olga") as screen:
        screen.open(f"{PATH}?resource_id={number}")
        has_lines(screen, 3)
        with screen.page.expect_download() as download:
            screen.press("Download CSV")
        assert download.value.suggested_filename.startswith("audit-log-")
        with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["action"] for row in rows] == ["delete", "update", "create"]
        assert "company: =Formula Ltd → " in rows[1]["changes"]


def test_sam_does_not_get_there(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "sam") as screen:
        screen.open(PATH)
        screen.sees("Your account may not see this.")
