"""Lead capture, reviews and recommendations as someone who works here sees them."""

from __future__ import annotations

import time

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.product.outside_website import sign
from tests.product.screens import Screen, tab
from tests.product.studio import Studio

PATIENCE = {"timeout": 60}


@pytest.fixture(scope="module")
def desk(chromium: Browser, empty_studio: Studio):  # type: ignore[no-untyped-def]
    """Olga at her desk, with all three switched on."""
    with empty_studio.person("olga") as olga:
        olga.call("update_features", {"reviews": True, "referrals": True})
        contact = {"first_name": "Rosa", "last_name": "Lima", "email": "rosa@screens.example"}
        olga.call("create_contact", contact)
        olga.call("create_segment", {"segment_name": "Readers", "segment_type": "static"})
        olga.call("create_campaign", {"campaign_name": "Welcome mails"})
    with tab(chromium, empty_studio, "olga") as screen:
        yield screen


def pick(screen: Screen, label: str, text: str) -> None:
    screen.field(label).click()
    screen.page.get_by_role("option", name=text, exact=True).click()


def choose(screen: Screen, label: str, text: str) -> None:
    screen.page.get_by_role("combobox", name=label).click()
    screen.page.get_by_role("option", name=text, exact=True).click()


def test_a_form_is_made_switched_on_and_deleted(desk: Screen) -> None:
    desk.open("/app/lead-capture")
    desk.sees("No forms yet")
    desk.press("New form")
    desk.type("Heading", "Ten minutes of calm")
    desk.press("Save")
    desk.sees("Name is required.")
    expect(desk.field("Heading")).to_have_value("Ten minutes of calm")  # what was typed stays
    desk.type("Name", "Newsletter")
    desk.type("Websites", "not a website!")
    desk.press("Save")
    desk.sees("must be a website like https://www.example.com")
    desk.type("Websites", "blog.example/start")
    pick(desk, "Segment", "Readers")
    pick(desk, "Campaign", "Welcome mails (draft)")
    desk.sees("This campaign is a draft")
    desk.press("Save")
    desk.sees("Put it on a website")
    expect(desk.field("Websites")).to_have_value("https://blog.example")
    preview = desk.page.frame_locator("iframe[title='How the form will look']")
    expect(preview.get_by_role("heading", name="Ten minutes of calm")).to_be_visible()
    names = (
        "SELECT segment_name, campaign_name FROM app.lead_forms LEFT JOIN app.segments USING "
        "(segment_id) LEFT JOIN app.email_campaigns USING (campaign_id)"
    )
    assert desk.studio.query(names) == [("Readers", "Welcome mails")]
    # What was deleted meanwhile is said, and can be taken out.
    desk.studio.query("UPDATE app.email_campaigns SET status = 'archived'")
    desk.press("Switch on")
    expect(desk.page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    desk.page.reload()
    desk.sees("This campaign was archived or deleted")
    expect(desk.field("Segment")).to_have_value("Readers")
    pick(desk, "Campaign", "None")
    expect(desk.page.get_by_text("archived or deleted")).to_be_hidden()
    desk.press("Save")
    desk.sees("Saved.")
    assert desk.studio.query(names) == [("Readers", None)]
    snippet = desk.page.get_by_label("Lines for the website").inner_text()
    form_id = snippet.split('data-form="')[1].split('"')[0]
    found = httpx.get(f"{desk.studio.url}/lead/{form_id}", **PATIENCE)
    assert found.json()["texts"]["heading"] == "Ten minutes of calm"
    desk.page.get_by_role("link", name="‹ Lead capture").click()
    desk.sees("1 form")
    desk.page.get_by_role("link", name="Newsletter").click()
    desk.press("Delete")
    dialog = desk.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    desk.sees("No forms yet")


def test_many_forms_are_paged(desk: Screen) -> None:
    desk.studio.query(
        "INSERT INTO app.lead_forms (form_id, name, kind, status, consent_number, version, "
        "created_at) SELECT 'fmany' || n, 'Form ' || n, 'popup', 'draft', 1, 1, "
        "now() - n * interval '1 hour' FROM generate_series(1, 27) n"
    )
    desk.open("/app/lead-capture")
    desk.sees("1 – 25 of 27")
    expect(desk.page.get_by_role("button", name="Previous page")).to_be_disabled()
    desk.press("Next page")
    desk.sees("26 – 27 of 27")
    desk.sees("Form 27")
    desk.is_at("/app/lead-capture?offset=25")
    expect(desk.page.get_by_role("button", name="Next page")).to_be_disabled()
    desk.press("Previous page")
    desk.sees("1 – 25 of 27")
    desk.studio.query("DELETE FROM app.lead_forms")


def test_someone_is_asked_and_the_review_is_published(desk: Screen) -> None:
    desk.open("/app/reviews")
    desk.sees("No reviews yet")
    desk.press("Ask for reviews")
    desk.press("Ask someone")
    desk.type("Who", "nobody-at-all")
    desk.type("What it is about, like “your retreat in June”", "your retreat")
    desk.press("Send")
    desk.sees("Nobody is found by that.")
    desk.type("Who", "rosa@screens.example")
    desk.press("Send")
    desk.sees("your retreat")
    desk.sees("Asked")
    [(request_id,)] = desk.studio.query("SELECT request_id FROM app.review_requests")
    link = f"{desk.studio.url}/review/{sign('review', request_id)}"
    given = {"rating": "5", "text": "So calm.", "author_name": "Rosa L."}
    assert "Thank you" in httpx.post(link, data=given, **PATIENCE).text
    desk.open("/app/reviews")
    desk.sees("So calm.")
    desk.press("Publish")
    desk.sees("1 published review")
    desk.press("Answer")
    desk.type("Your answer", "Come again!")
    desk.press("Save")
    desk.sees("Come again!")
    public = httpx.get(desk.studio.url + "/reviews", **PATIENCE).text
    assert "So calm." in public and "Come again!" in public


def test_requests_are_switched_on(desk: Screen) -> None:
    desk.open("/app/reviews/requests")
    desk.page.get_by_role("switch", name="Ask customers by itself").click()
    desk.type("Days after it", "90")
    desk.press("Save")
    desk.sees("from 0 to 60")
    desk.type("Days after it", "3")
    desk.press("Save")
    desk.sees("Saved.")
    kept = desk.studio.query("SELECT is_automatic, delay_days FROM app.review_settings")
    assert [(on, int(days)) for on, days in kept] == [(True, 3)]


def test_the_programme_is_set_and_a_link_made(desk: Screen) -> None:
    desk.open("/app/referrals")
    desk.sees("No recommendations yet")
    desk.page.get_by_role("switch", name="The programme runs").click()
    choose(desk, "For who recommends", "An amount off")
    desk.press("Save")
    desk.sees("Please say how much, or what.")
    desk.type("Their amount", "49.50")
    desk.press("Save")
    desk.sees("Saved.")
    [(reward,)] = desk.studio.query("SELECT referrer_reward FROM app.referral_programs")
    assert reward["amount_cents"] == 4950
    desk.press("Someone’s link")
    desk.type("Who", "Rosa")
    desk.press("Show the link")
    desk.sees("The link of Rosa Lima")
    [(code,)] = desk.studio.query("SELECT code FROM app.referral_codes")
    desk.sees(f"{desk.studio.url}/r/{code}")
    desk.press("Done")
    given = {"email": "fern@screens.example", "first_name": "Fern"}
    given["opened"] = sign("referral", f"{code}_{int(time.time()) - 60}")
    httpx.post(f"{desk.studio.url}/r/{code}", data=given, **PATIENCE)
    desk.open("/app/referrals")
    desk.sees("fern@screens.example")
    desk.sees("To be confirmed")
    [(referral_id,)] = desk.studio.query("SELECT referral_id FROM app.referrals")
    link = f"{desk.studio.url}/r/confirm/{sign('referral confirm', referral_id)}"
    assert "Welcome" in httpx.post(link, **PATIENCE).text
    desk.page.reload()
    desk.press("Reward now")
    desk.press("Take the friend’s back")
    dialog = desk.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Fern no longer has “10% off”.")
    desk.page.keyboard.press("Escape")
    desk.sees("Friend: 10% off (open)")
    desk.press("Take the friend’s back")
    dialog.get_by_role("button", name="Take back", exact=True).click()
    desk.sees("Friend: 10% off (taken back)")
    expect(desk.page.get_by_role("button", name="Take the friend’s back")).to_be_hidden()
    audited = "SELECT changes FROM app.audit_log WHERE resource_type = 'referral_reward'"
    assert desk.studio.query(audited) == [({"friend": ["granted", "revoked"]},)]
