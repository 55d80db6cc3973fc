"""Everything works without a mouse, and one sees where one is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.product.key_walk import tab_to
from tests.product.page_walk import Visit, Walkers, settle, walkers
from tests.product.screens import PHONE
from tests.product.studio import DOMAIN, PASSWORD, Studio

pytestmark = pytest.mark.usefixtures("m3_assets")


@pytest.fixture(scope="module")
def people(chromium: Browser, studio: Studio) -> Iterator[Walkers]:
    with walkers(chromium, studio) as found:
        yield found


def test_logs_in_looks_someone_up_and_saves_with_the_keyboard_alone(
    chromium: Browser, studio: Studio
) -> None:
    with walkers(chromium, studio) as nobody:
        screen = nobody.screen(None)
        page, keys = screen.page, screen.page.keyboard
        screen.open("/app/contacts")
        expect(screen.field("E-mail")).to_be_focused()
        keys.type(f"mia@{DOMAIN}")
        keys.press("Enter")
        expect(screen.field("Password")).to_be_focused()
        keys.type(PASSWORD)
        keys.press("Enter")
        screen.heading("Contacts")
        settle(page)
        tab_to(screen, "input", "Search")
        keys.type("venkataraman")
        screen.sees("1 contact")
        tab_to(screen, "a", "Priya Venkataraman")
        keys.press("Enter")
        screen.heading("Priya Venkataraman")
        expect(page.locator("main")).to_be_focused()
        expect(page.locator("#mb-announcer")).to_have_text("Priya Venkataraman")
        tab_to(screen, "button", "Edit")
        keys.press("Enter")
        screen.heading("Edit Priya Venkataraman")
        settle(page)
        tab_to(screen, "input", "City")
        keys.press("Control+a")
        keys.type("Gqeberha")
        keys.press("Enter")
        screen.heading("Priya Venkataraman")
        screen.sees("Gqeberha")


def test_menus_choices_and_dialogs_by_key(people: Walkers) -> None:
    screen = people.visit(Visit("/app/contacts", "olga"))
    page, keys = screen.page, screen.page.keyboard
    opener = page.get_by_role("button", name="Menu of Olga Naidoo")
    opener.focus()
    keys.press("Enter")
    expect(page.get_by_role("menuitem", name="Account")).to_be_focused()
    keys.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Light or dark")).to_be_focused()
    keys.press("Escape")
    expect(opener).to_be_focused()

    page.get_by_role("button", name="Filters").focus()
    keys.press("Enter")
    status = page.get_by_role("combobox", name="Status")
    status.focus()
    keys.press("Enter")
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(page).to_have_url(f"{screen.studio.url}/app/contacts?status=customer")

    screen.open("/app/contacts/C-2")
    settle(page)
    delete = page.get_by_role("button", name="Delete contact")
    delete.focus()
    keys.press("Enter")
    dialog = page.get_by_role("dialog", name="Delete this contact?")
    expect(dialog).to_be_visible()
    for _ in range(6):
        keys.press("Tab")
        assert page.evaluate("!!document.activeElement.closest('dialog') || !document.hasFocus()")
    keys.press("Escape")
    expect(dialog).to_have_count(0)
    expect(delete).to_be_focused()
    screen.is_at("/app/contacts/C-2")


def test_skips_to_the_content_and_opens_the_menu_of_a_phone(people: Walkers) -> None:
    screen = people.visit(Visit("/app/me", "olga"))
    page, keys = screen.page, screen.page.keyboard
    keys.press("Tab")
    expect(page.get_by_role("button", name="Skip to content")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("main")).to_be_focused()
    keys.press("Tab")
    expect(screen.field("Old password")).to_be_focused()

    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    opener = page.get_by_role("button", name="Navigation")
    opener.focus()
    keys.press("Enter")
    expect(page.get_by_role("link", name="Dashboard")).to_be_focused()
    keys.press("Escape")
    expect(opener).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    keys.press("Enter")
    screen.is_at("/app/coming/bookings")
    expect(page.get_by_role("navigation")).not_to_be_in_viewport()
    expect(page.locator("main")).to_be_focused()


def test_destinations_are_links_that_another_tab_can_open(people: Walkers) -> None:
    screen = people.visit(Visit("/app/me", "olga"))
    for name, path in (("Contacts", "/app/contacts"), ("Bookings", "/app/coming/bookings")):
        link = screen.page.get_by_role("navigation").get_by_role("link", name=name, exact=True)
        with screen.page.context.expect_page() as waiting:
            link.click(modifiers=["ControlOrMeta"])
        expect(waiting.value).to_have_url(screen.studio.url + path)
        waiting.value.close()
        screen.is_at("/app/me")
