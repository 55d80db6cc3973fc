"""Campaigns, broadcasts and their figures in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.product.mailbox import deliver_mail
from tests.product.screens import Screen, tab
from tests.product.studio import Studio
from tests.product.test_campaigns import make_contact

pytestmark = pytest.mark.usefixtures("m3_assets")


def write_mail(screen: Screen, subject: str) -> None:
    """Write a mail of one text into the editor that is open."""
    screen.type("Subject", subject)
    screen.press("One text")
    screen.type("Text", "We are glad that you are here.")


def test_a_campaign_is_made_started_and_filled_by_hand(
    chromium: Browser, empty_studio: Studio
) -> None:
    with empty_studio.person("mia") as mia:
        make_contact(mia, first_name="Nomsa", last_name="Dube", email="nomsa@example.com")
    with tab(chromium, empty_studio, "mia") as screen:
        page = screen.page
        screen.open("/app/campaigns")
        screen.press("New campaign")
        screen.heading("New campaign")
        page.get_by_role("combobox", name="What starts it").click()
        page.get_by_role("option", name="Only by hand").click()
        screen.type("Name", "Welcome, by hand")
        screen.press("Add a mail")
        write_mail(screen, "Welcome, {{ first_name }}")
        screen.press("Save")
        screen.heading("Welcome, by hand")
        screen.press("Add a mail")
        screen.press("Save")
        screen.press("Start")
        page.get_by_role("dialog").get_by_role("button", name="Start").click()
        # The second mail has no subject: it is opened, and says so at the field.
        screen.sees("Mail 2: Subject is required.")
        write_mail(screen, "How is it going?")
        screen.type("Wait", "3")
        screen.sees("3 days later")
        screen.press("Start")
        page.get_by_role("dialog").get_by_role("button", name="Start").click()
        screen.sees("Running")
        page.get_by_role("link", name=re.compile("0 people came in")).click()
        screen.heading("People in Welcome, by hand")
        page.get_by_role("combobox", name="Put someone in").fill("nomsa")
        page.get_by_role("option", name=re.compile("Nomsa Dube")).click()
        screen.press("Put in")
        screen.sees("In it")
        screen.press("Take Nomsa Dube out")
        screen.sees("Taken out")
        page.get_by_role("link", name="‹ Welcome, by hand").click()
        screen.sees("1 person came in, 0 are in it now")
        page.get_by_role("link", name="‹ Campaigns").click()
        row = page.locator("a.mb-row", has_text="Welcome, by hand")
        expect(row).to_contain_text("Running")


def test_a_broadcast_is_written_sent_and_reported_on(
    chromium: Browser, empty_studio: Studio
) -> None:
    with empty_studio.person("mia") as mia:
        make_contact(mia, tags=["retreat"])
        make_contact(mia, tags=["retreat"], preferences={})
    with tab(chromium, empty_studio, "mia") as screen:
        page = screen.page
        screen.open("/app/broadcasts/new")
        screen.type("Name", "Winter retreat")
        page.get_by_role("combobox", name="Tags", exact=True).fill("retr")
        page.get_by_role("option", name="retreat").click()
        screen.sees("1 person gets it")
        screen.sees("1 has not agreed to marketing")
        screen.press("Only some of them")
        for status, count in (("Customer", "0 people get it"), ("Lead", "1 person gets it")):
            page.get_by_role("combobox", name="Status").click()
            page.get_by_role("option", name=status, exact=True).click()
            screen.sees(count)
        screen.press("Only some of them (1)")
        expect(page.get_by_role("combobox", name="Status")).to_be_hidden()
        screen.press("Send now")
        page.get_by_role("dialog").get_by_role("button", name="Send").click()
        screen.sees("Subject is required.")
        write_mail(screen, "Come to the winter retreat")
        page.get_by_role("checkbox", name="Try a second subject first").check()
        screen.type("Second subject", "Come to the winter retreat")
        screen.press("Send now")
        page.get_by_role("dialog").get_by_role("button", name="Send").click()
        screen.sees("Both subjects are the same")
        screen.type("Second subject", "Two places are left")
        page.get_by_role("combobox", name="Wait").click()
        page.get_by_role("option", name="24 hours").click()
        screen.press("Save")
        screen.sees("Saved.")
        page.reload()
        expect(screen.field("Second subject")).to_have_value("Two places are left")
        expect(page.get_by_role("combobox", name="Wait")).to_contain_text("24 hours")
        page.get_by_role("checkbox", name="Try a second subject first").uncheck()
        screen.press("Send now")
        page.get_by_role("dialog").get_by_role("button", name="Send").click()
        screen.sees("Stop")
        deliver_mail(empty_studio)
        page.reload()
        screen.sees("2 people")
        screen.sees("tag retreat; only: Status lead")
        screen.press("Send again to who did not open it")
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_label("New subject")).to_have_value("Come to the winter retreat")
        dialog.get_by_label("New subject").fill("Two places are left")
        dialog.get_by_role("button", name="Make a draft").click()
        screen.sees("Only those who got the earlier broadcast")
        expect(screen.field("Subject")).to_have_value("Two places are left")
        page.go_back()
        page.get_by_role("link", name="Who got it, who did not, and why").click()
        expect(page).to_have_url(re.compile("/app/sends/broadcast:"))
        screen.open("/app/broadcasts")
        rows = page.locator("a.mb-row", has_text="Winter retreat")
        expect(rows).to_have_count(2)
        screen.open("/app/marketing")
        expect(rows.first).to_be_visible()
        screen.press("Report")
        screen.heading("Report on mails")
        screen.sees("By campaign and broadcast")
        for day in ("From", "Until"):
            expect(screen.field(day)).not_to_have_value("")
