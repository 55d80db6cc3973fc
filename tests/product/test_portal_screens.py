"""A customer at a real browser: their pages, from first look to good-bye."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect

from tests.product.customers import AGREED, CONTACTS, customer, make_customer
from tests.product.screens import PHONE, Screen, tab
from tests.product.studio import PASSWORD, Studio

pytestmark = pytest.mark.usefixtures("m3_assets")


@contextmanager
def logged_in(
    chromium: Browser, studio: Studio, address: str, size: dict[str, int] | None = None
) -> Iterator[Screen]:
    """A customer at their first page."""
    with tab(chromium, studio, size=size) as screen:
        screen.open("/app/login")
        screen.field("E-mail").fill(address)
        screen.field("Password").fill(PASSWORD)
        screen.press("Log in")
        screen.is_at("/app/home")
        screen.sees("What happened lately")
        yield screen


def test_the_first_page_has_everything_and_leads_on(chromium: Browser, studio: Studio) -> None:
    nia = make_customer(studio, "nia")
    with customer(studio, nia) as caller:
        caller.call("update_my_profile", {"phone": "082 555 0101"})
    [(own,)] = studio.query(CONTACTS, nia)
    studio.query(
        "INSERT INTO app.contact_events (contact, contact_number, event_type, event_date, "
        "description, event_data, user_visible) SELECT _id, number, 'payment', "
        "'2026-03-14 22:30+00', 'x', '{\"amount_cents\": 128950, \"currency\": \"ZAR\"}', true "
        "FROM app.contacts WHERE contact_id = %s",
        own,
    )
    with logged_in(chromium, studio, nia) as screen:
        screen.heading("Hello Nia")
        screen.sees("+27 82 555 0101")
        events = screen.page.get_by_role("listitem").filter(has_text="Payment")
        # The business's day: in Johannesburg it is past midnight.
        expect(events).to_contain_text("15 Mar 2026")
        expect(events).to_contain_text("1\u00a0289,50")
        expect(screen.page.get_by_role("heading", name="Recommend us")).to_be_hidden()
        expect(screen.page.get_by_role("link", name="+27 21 555 0100")).to_have_attribute(
            "href", "tel:+27215550100"
        )
        screen.page.get_by_role("link", name="My data").click()
        screen.is_at("/app/account/data")
        screen.page.get_by_role("link", name="Account settings").first.click()
        screen.is_at("/app/account")
        with recommendations(studio):
            passes_a_link_on(screen, own)


@contextmanager
def recommendations(studio: Studio) -> Iterator[None]:
    """A programme that runs for a while."""
    with studio.person("olga") as olga:
        olga.call("update_features", {"referrals": True})
        program = olga.call("get_referral_program")
        values = {**program["program"], "status": "active", "minimum_cents": 20_000}
        version = olga.call("update_referral_program", values, program["version"])["version"]
        yield
        olga.call("update_referral_program", {**values, "status": "off"}, version)
        olga.call("update_features", {"referrals": False})


def passes_a_link_on(screen: Screen, contact_id: str) -> None:
    """Take the own link from the first page, and see what it has brought."""
    screen.open("/app/home")
    screen.sees("Your friend gets 10% off, and you get 10% off, once they have bought something")
    screen.press("Show my link")
    link = screen.page.get_by_label("Your link")
    expect(link).to_be_focused()
    [(code, number)] = screen.studio.query(
        "SELECT r.code, c._id FROM app.referral_codes r JOIN app.contacts c ON r.contact = c._id "
        "WHERE c.contact_id = %s",
        contact_id,
    )
    expect(link).to_have_text(f"{screen.studio.url}/r/{code}")
    screen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    screen.press("Copy")
    assert screen.page.evaluate("navigator.clipboard.readText()") == link.inner_text()
    screen.studio.query(
        "INSERT INTO app.referrals (referral_id, code, referrer, email, status, invited_at) "
        "VALUES ('r' || %s, %s, %s, 'friend@link.example', 'rewarded', now())",
        contact_id,
        code,
        number,
    )
    screen.studio.query(
        "INSERT INTO app.referral_rewards (referral_id, contact, side, entry, reward, recorded_at) "
        "VALUES ('r' || %s, %s, 'referrer', 'granted', '{\"words\": \"A free class\"}', now())",
        contact_id,
        number,
    )
    screen.page.reload()
    rewards = screen.page.get_by_role("list", name="Your rewards")
    expect(rewards).to_contain_text("A free class")
    expect(rewards).to_contain_text("To be used")
    screen.sees("1 friend")
    expect(screen.page.get_by_role("button", name="Show my link")).to_be_hidden()


def test_someone_agrees_to_the_texts(chromium: Browser, studio: Studio) -> None:
    nia = make_customer(studio, "nia")
    with logged_in(chromium, studio, nia, PHONE) as screen:
        banner = screen.page.get_by_role("region", name="To agree to")
        expect(banner.get_by_role("link", name="Terms")).to_have_attribute("href", "/terms")
        banner.get_by_role("button", name="I agree").click()
        screen.sees("We have noted that")
        expect(banner).to_be_hidden()
        screen.page.reload()
        screen.sees("What happened lately")
        expect(banner).to_be_hidden()
    given = "SELECT kind, version FROM app.consents WHERE email = %s"
    assert dict(studio.query(given, nia)) == AGREED


def test_someone_changes_their_details(chromium: Browser, studio: Studio) -> None:
    nia = make_customer(studio, "nia")
    with logged_in(chromium, studio, nia) as screen:
        screen.open("/app/account")
        screen.type("First name", "Nía-Maria")
        screen.type("Phone", "call me")
        screen.press("Save")
        screen.sees("Phone must be a telephone number")
        expect(screen.field("First name")).to_have_value("Nía-Maria")
        # What is not saved is asked about.
        screen.page.get_by_role("navigation").get_by_text("My dashboard").click()
        dialog = screen.page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        screen.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        screen.is_at("/app/account")
        screen.type("Phone", "082 555 0102")
        screen.type("City", "Cape Town")
        screen.press("Save")
        screen.sees("Saved.")
        expect(screen.field("Phone")).to_have_value("+27 82 555 0102")
        screen.page.get_by_role("navigation").get_by_text("My dashboard").click()
        screen.heading("Hello Nía-Maria")
        screen.sees("Cape Town")


def test_someone_decides_about_messages(chromium: Browser, studio: Studio) -> None:
    nia = make_customer(studio, "nia")
    with logged_in(chromium, studio, nia) as screen:
        screen.open("/app/account")
        switch = screen.page.get_by_role("switch", name="News and offers by e-mail")
        expect(switch).not_to_be_checked()
        switch.check()
        screen.sees("Saved.")
        screen.page.get_by_text("What you have agreed to so far").click()
        screen.sees("Agreed · ")
        switch.uncheck()
        screen.sees("Taken back · ")
        measuring = screen.page.get_by_role("switch", name="Measure what I open and click")
        expect(measuring).to_be_checked()
        measuring.uncheck()
        expect(measuring).to_be_enabled()
        screen.page.reload()
        expect(switch).not_to_be_checked()
        expect(measuring).not_to_be_checked()


def test_someone_takes_their_data_along(chromium: Browser, studio: Studio) -> None:
    nia = make_customer(studio, "nia")
    with logged_in(chromium, studio, nia) as screen:
        screen.open("/app/account/data")
        with screen.page.expect_download() as download:
            screen.press("For programs (JSON)")
        document = json.loads(download.value.path().read_text())
        assert document["emails"] == [nia]
        with screen.page.expect_download() as download:
            screen.press("For spreadsheets (CSV)")
        with zipfile.ZipFile(download.value.path()) as archive:
            assert {"contacts.csv", "users.csv"} <= set(archive.namelist())


def test_someone_has_their_account_erased(chromium: Browser, studio: Studio) -> None:
    nia = make_customer(studio, "nia")
    with logged_in(chromium, studio, nia) as screen:
        screen.open("/app/account/data")
        screen.sees("1 set of contact details")
        screen.press("Erase my account")
        screen.sees("Please type your password")
        screen.field("Your password").fill("not mine")
        screen.press("Erase my account")
        dialog = screen.page.get_by_role("dialog")
        dialog.get_by_label("Type erase to go on").fill("erase")
        dialog.get_by_role("button", name="Erase for good").click()
        screen.sees("This is not your password.")
        screen.field("Your password").fill(PASSWORD)
        screen.press("Erase my account")
        dialog.get_by_role("button", name="Erase for good").click()
        screen.sees("Please type erase.")
        dialog.get_by_label("Type erase to go on").fill("Erase")
        dialog.get_by_role("button", name="Erase for good").click()
        screen.heading("Your account is erased")
        screen.is_at("/app/erased")
        screen.open("/app/home")
        expect(screen.field("Password")).to_be_visible()
    assert studio.query("SELECT 1 FROM app.users WHERE email = %s", nia) == []


def test_staff_have_no_customer_pages(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "sam") as screen:
        for path in ("/app/home", "/app/account", "/app/account/data"):
            screen.open(path)
            screen.is_at("/app/dashboard")


def test_what_cannot_be_read_can_be_tried_again(chromium: Browser, studio: Studio) -> None:
    nia = make_customer(studio, "nia")
    with logged_in(chromium, studio, nia) as screen:
        confirmed = "UPDATE app.users SET confirmed_email = %s WHERE email = %s"
        studio.query(confirmed, False, nia)
        screen.open("/app/account")
        screen.sees("Please confirm your e-mail address first.")
        expect(screen.field("First name")).to_be_hidden()
        studio.query(confirmed, True, nia)
        screen.press("Try again")
        expect(screen.field("First name")).to_have_value("Nia")
