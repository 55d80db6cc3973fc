"""The layouts on a desktop and on a phone: navigation, side sheet, focus."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.m3.conftest import PHONE, OpenGallery


def test_drawer_stands_on_a_desktop(gallery: Page) -> None:
    navigation = gallery.get_by_role("navigation", name="Main")
    expect(navigation.get_by_role("button", name="Components")).to_have_attribute(
        "aria-current", "page"
    )
    expect(gallery.get_by_role("button", name="Navigation")).to_be_hidden()
    expect(navigation.get_by_role("button", name="With a count")).to_contain_text("4")
    navigation.get_by_role("button", name="With a count").click()
    expect(gallery.get_by_label("Log")).to_contain_text("nav_badge click")


def test_drawer_is_modal_on_a_phone(open_gallery: OpenGallery) -> None:
    page = open_gallery(PHONE)
    drawer = page.locator(".m3-drawer")
    opener = page.get_by_role("button", name="Navigation")
    expect(drawer).to_be_hidden()
    expect(opener).to_have_attribute("aria-expanded", "false")
    opener.click()
    expect(drawer).to_be_visible()
    expect(page.get_by_role("button", name="Components")).to_be_focused()
    expect(page.locator("main")).to_have_js_property("inert", True)
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(opener).to_be_focused()
    opener.click()
    page.mouse.click(PHONE["width"] - 5, 400)
    expect(drawer).to_be_hidden()


def test_choosing_a_destination_closes_the_drawer(open_gallery: OpenGallery) -> None:
    page = open_gallery(PHONE)
    page.get_by_role("button", name="Navigation").click()
    page.get_by_role("button", name="With a dot").click()
    expect(page.locator(".m3-drawer")).to_be_hidden()


def test_navigate_to_opens_a_form(open_gallery: OpenGallery) -> None:
    page = open_gallery()
    page.get_by_role("button", name="Rail layout").click()
    expect(page.get_by_role("heading", name="Rail layout")).to_be_visible()
    expect(page.locator(".m3-rail")).to_be_visible()
    page.get_by_role("button", name="Gallery").click()
    expect(page.get_by_role("heading", name="Typography")).to_be_visible()


def test_rail_becomes_a_bottom_bar_or_a_drawer(open_gallery: OpenGallery) -> None:
    page = open_gallery(PHONE)
    page.get_by_role("button", name="Navigation").click()
    page.get_by_role("button", name="Rail layout").click()
    rail = page.locator(".m3-rail")
    expect(rail).to_be_visible()
    box = rail.bounding_box()
    assert box
    assert box["y"] + box["height"] == PHONE["height"]
    assert box["width"] == PHONE["width"]
    page.get_by_role("button", name="Bar or drawer on a phone").click()
    expect(rail).to_be_hidden()
    page.get_by_role("button", name="Navigation").click()
    expect(rail).to_be_visible()


def test_side_sheet_beside_and_over_the_page(open_gallery: OpenGallery) -> None:
    page = open_gallery()
    sheet = page.get_by_role("complementary", name="Details")
    expect(sheet).to_be_hidden()
    page.get_by_role("button", name="Side sheet").click()
    expect(sheet).to_be_visible()
    expect(page.locator("main")).to_have_js_property("inert", False)
    page.get_by_role("button", name="Close").click()
    expect(sheet).to_be_hidden()

    phone = open_gallery(PHONE)
    phone.get_by_role("button", name="Side sheet").click()
    expect(phone.get_by_role("button", name="Close")).to_be_focused()
    phone.keyboard.press("Escape")
    expect(phone.get_by_role("complementary", name="Details")).to_be_hidden()
    # Python knows of it: the same button opens the sheet again.
    phone.get_by_role("button", name="Side sheet").click()
    expect(phone.get_by_role("complementary", name="Details")).to_be_visible()


def test_skip_link_leads_to_the_content(gallery: Page) -> None:
    gallery.keyboard.press("Tab")
    skip = gallery.get_by_role("button", name="Skip to content")
    expect(skip).to_be_focused()
    gallery.keyboard.press("Enter")
    expect(gallery.locator("main")).to_be_focused()
