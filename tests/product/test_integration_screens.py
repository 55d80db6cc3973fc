"""Connecting services and changing the words of mails, at a real browser."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.product.conftest import fresh_database
from tests.product.key_walk import walk_by_tab
from tests.product.layout_walk import layout_faults
from tests.product.mailbox import read_mails
from tests.product.outside_world import World, open_world
from tests.product.screens import PHONE, Screen, tab
from tests.product.test_accessibility import faults

pytestmark = pytest.mark.usefixtures("m3_assets")
SHOTS = os.environ.get("MYBIZZ_SHOTS")  # a folder to look at what the tests see


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with fresh_database(postgres_url) as database_url, open_world(folder, database_url) as running:
        yield running


def look(screen: Screen, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        screen.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def card(screen: Screen, title: str):
    cards = screen.page.locator(".mb-integration")
    heading = screen.page.get_by_role("heading", name=title, exact=True)
    return cards.filter(has=heading)


def test_an_owner_connects_stripe(chromium: Browser, world: World) -> None:
    fields = world.right_fields()["stripe"]
    with tab(chromium, world.studio, "olga") as screen:
        screen.open("/app/settings/integrations")
        stripe = card(screen, "Stripe")
        expect(stripe).to_contain_text("Not connected")
        look(screen, "integrations")
        stripe.get_by_role("button", name="Connect Stripe").click()
        stripe.get_by_label("Publishable key").fill("pk_live_51Hx9aPublishable")
        stripe.get_by_label("Secret key").fill(fields["secret_key"])
        stripe.get_by_role("button", name="Save and test").click()
        expect(stripe).to_contain_text("they must be of one kind")
        expect(stripe.get_by_label("Publishable key")).to_have_value("pk_live_51Hx9aPublishable")
        expect(stripe.get_by_label("Secret key")).to_have_attribute("type", "password")
        look(screen, "integration_fault")
        stripe.get_by_label("Publishable key").fill(fields["publishable_key"])
        stripe.get_by_role("button", name="Save and test").click()
        expect(stripe).to_contain_text("Stripe accepts the key. It is for tests")
        expect(stripe).to_contain_text("by Olga Naidoo")
        look(screen, "integration_works")
        stripe.get_by_role("button", name="Change Stripe").click()
        expect(stripe).to_contain_text("ends in " + fields["secret_key"][-4:])
        expect(stripe.get_by_label("Secret key")).to_have_value("")
        assert fields["secret_key"] not in screen.page.content()
        look(screen, "integration_change")


def test_a_service_that_refuses_is_shown_and_can_be_disconnected(
    chromium: Browser, world: World
) -> None:
    with tab(chromium, world.studio, "olga", PHONE) as screen:
        screen.open("/app/settings/integrations")
        easyship = card(screen, "Easyship")
        easyship.get_by_role("button", name="Connect Easyship").click()
        easyship.get_by_label("Access token").fill("sand_this-one-is-wrong")
        easyship.get_by_role("button", name="Save and test").click()
        expect(easyship).to_contain_text("Easyship does not accept the access token.")
        expect(easyship).to_contain_text("Does not work")
        look(screen, "integrations_phone")
        easyship.get_by_role("button", name="Change Easyship").click()
        easyship.get_by_role("button", name="Disconnect").click()
        screen.page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
        expect(easyship).to_contain_text("Not connected")


def test_leaving_with_a_typed_key_asks(chromium: Browser, world: World) -> None:
    with tab(chromium, world.studio, "olga") as screen:
        screen.open("/app/settings/integrations")
        paystack = card(screen, "Paystack")
        paystack.get_by_role("button", name="Connect Paystack").click()
        paystack.get_by_label("Public key").fill("pk_test_typed")
        screen.page.get_by_role("link", name=re.compile("^Features")).click()
        screen.sees("Save your changes?")
        screen.press("Keep editing")
        expect(paystack.get_by_label("Public key")).to_have_value("pk_test_typed")


def test_who_may_only_look_finds_no_buttons(chromium: Browser, world: World) -> None:
    with tab(chromium, world.studio, "mia") as screen:
        screen.open("/app/settings/integrations")
        expect(card(screen, "PayPal")).to_contain_text("Not connected")
        expect(screen.page.get_by_role("button", name=re.compile("Connect"))).to_have_count(0)
        screen.open("/app/settings/notifications")
        screen.page.get_by_role("button", name="View: Test mail").click()
        expect(screen.field("Subject")).to_be_disabled()
        expect(screen.page.get_by_role("button", name="Save")).to_have_count(0)


def test_an_owner_changes_the_words_of_a_mail(chromium: Browser, world: World) -> None:
    with tab(chromium, world.studio, "olga") as screen:
        screen.open("/app/settings/notifications")
        screen.sees("No e-mails yet")
        look(screen, "notifications")
        screen.page.get_by_role("button", name="Edit: Invitation to work here").click()
        screen.heading("Invitation to work here")
        preview = screen.page.frame_locator(".mb-mail-frame")
        expect(preview.get_by_role("link", name="Accept the invitation")).to_be_visible()
        look(screen, "mail_editor")
        screen.field("Text").fill("Welcome, {{ nobody }}\n\n[Come in]({{ link }})")
        screen.sees("there is no variable called “nobody” here")
        screen.press("Save")
        expect(screen.page.locator(".mb-mail-words")).to_contain_text("no variable called")
        look(screen, "mail_editor_fault")
        screen.field("Text").fill("Welcome, ")
        screen.page.get_by_role("button", name="Name of the person who gets the mail").click()
        expect(screen.field("Text")).to_have_value("Welcome, {{ person_name }}")
        screen.field("Text").press_sequentially("!\n\n[Come in]({{ link }})")
        expect(preview.get_by_text("Welcome, Thandi Mokoena!")).to_be_visible()
        expect(preview.get_by_role("link", name="Come in")).to_be_visible()
        screen.press("Send me a test")
        screen.sees("Sent to olga@yogastudio.example")
        screen.press("Save")
        screen.sees("Saved.")
        screen.press("All e-mails")
        screen.sees("Changed")
        screen.page.get_by_role("button", name="Edit: Invitation to work here").click()
        screen.press("Original words")
        screen.press("Take the original")
        expect(screen.field("Text")).to_have_value(re.compile("Accept the invitation"))
    [message] = read_mails(world.studio, "olga@yogastudio.example")
    assert "Olga Naidoo invites you" in message["subject"]


def test_the_log_shows_what_went_out(chromium: Browser, world: World) -> None:
    world.studio.query(
        "INSERT INTO app.email_log (mail_id, recipient_email, subject, template, status, error, "
        "attempts, queued_at, sent_at) SELECT 'm' || n, 'someone.with.a.very.long.name' || n || "
        "'@a-rather-long-domain.example.com', 'Olga Naidoo invites you to Sunrise Yoga ' || n, "
        "'invitation', CASE n WHEN 1 THEN 'failed' WHEN 2 THEN 'queued' ELSE 'sent' END, "
        "CASE n WHEN 1 THEN 'The mail server refused the recipient: 550 no such mailbox' END, "
        "1, now() - n * interval '1 hour', CASE WHEN n > 2 THEN now() END "
        "FROM generate_series(1, 23) n"
    )
    for size, name in ((None, "mail_log"), (PHONE, "mail_log_phone")):
        with tab(chromium, world.studio, "olga", size) as screen:
            screen.open("/app/settings/notifications")
            screen.sees("1 – 20 of 23")
            screen.sees("no such mailbox")
            look(screen, name)
            screen.page.get_by_role("button", name="Older e-mails").click()
            screen.sees("21 – 23 of 23")
            screen.field("Search recipient or subject").fill("name1@")
            expect(screen.page.locator(".mb-mail-row")).to_have_count(1)
            screen.page.get_by_role("button", name=re.compile("^Try again")).click()
            screen.sees("The text of this mail is no longer kept.")


def test_what_opens_in_a_section_is_accessible(chromium: Browser, world: World) -> None:
    """The walk over all pages sees sections as they open; these stand inside of them."""
    with tab(chromium, world.studio, "olga") as screen:
        screen.open("/app/settings/integrations")
        mail_server = card(screen, "Own mail server")
        mail_server.get_by_role("button", name="Connect Own mail server").click()
        mail_server.get_by_role("button", name="Save and test").click()
        server = mail_server.get_by_role("textbox", name="Server", exact=True)
        expect(server).to_have_attribute("aria-invalid", "true")
        assert faults(screen.page) == []
        assert walk_by_tab(screen.page) == []
        mail_server.get_by_role("button", name="Cancel").click()
        screen.open("/app/settings/notifications")
        screen.page.get_by_role("button", name="Edit: Choose a new password").click()
        preview = screen.page.frame_locator(".mb-mail-frame")
        expect(preview.get_by_role("link", name="Choose a new password")).to_be_visible()
        assert faults(screen.page) == []
        assert layout_faults(screen.page) == []
