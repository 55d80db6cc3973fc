"""The app's screens in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from tests.product.screens import DESK, PHONE, Screen, tab
from tests.product.studio import Studio

pytestmark = pytest.mark.usefixtures("m3_assets")


def rows(screen: Screen) -> list[str]:
    return [name.strip() for name in screen.page.locator(".mb-row .mb-name").all_inner_texts()]


def test_a_deep_link_asks_for_the_log_in_and_then_goes_there(
    chromium: Browser, studio: Studio
) -> None:
    with tab(chromium, studio) as screen:
        screen.open("/app/contacts/C-3")
        screen.log_in("mia")
        screen.heading("Élodie Moreau")
        screen.is_at("/app/contacts/C-3")
        screen.page.reload()
        screen.heading("Élodie Moreau")


def test_a_wrong_password_is_said_at_the_field_and_nothing_typed_is_lost(
    chromium: Browser, studio: Studio
) -> None:
    with tab(chromium, studio) as screen:
        screen.open("/app/login")
        screen.log_in("mia", "not the password")
        screen.sees("E-mail address and password do not belong together.")
        expect(screen.field("E-mail")).to_have_value("mia@yogastudio.example")
        screen.field("Password").fill("correct horse battery")
        screen.field("Password").press("Enter")
        screen.is_at("/app/dashboard")


def test_address_bar_back_and_forward_follow_the_pages(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "mia") as screen:
        screen.page.get_by_text("Contacts", exact=True).first.click()
        screen.is_at("/app/contacts")
        screen.heading("Contacts")
        screen.page.locator(".mb-row").first.click()
        expect(screen.page).to_have_url(re.compile("/app/contacts/C-"))
        # The address comes first, then the page, then what is on it.
        expect(screen.page.locator(".mb-title:visible")).not_to_have_text(
            re.compile("^(Contacts)?$")
        )
        name = screen.page.get_by_role("heading", level=1).inner_text()
        expect(screen.page).to_have_title(f"{name} – Sunrise Yoga")
        screen.page.go_back()
        screen.heading("Contacts")
        screen.is_at("/app/contacts")
        screen.page.go_back()
        screen.is_at("/app/dashboard")
        screen.heading("Hello Mia")
        screen.page.go_forward()
        screen.heading("Contacts")


def test_a_page_that_was_left_while_it_loaded_does_not_take_the_address_back(
    chromium: Browser, studio: Studio
) -> None:
    with tab(chromium, studio, "mia") as screen:
        # The answer to the list is held back until its page has been left.
        held: list[tuple[WebSocketRoute, str | bytes]] = []

        def hold(socket: WebSocketRoute) -> None:
            def pass_on(message: str | bytes) -> None:
                if '"previous"' in str(message):
                    held.append((socket, message))
                else:
                    socket.send(message)

            socket.connect_to_server().on_message(pass_on)

        screen.page.route_web_socket(re.compile("/_/ws"), hold)
        screen.open("/app/dashboard")
        screen.heading("Hello Mia")
        screen.page.get_by_text("Contacts", exact=True).first.click()
        screen.is_at("/app/contacts")
        screen.page.go_back()
        screen.heading("Hello Mia")
        while not held:
            screen.page.evaluate("new Promise(requestAnimationFrame)")
        for socket, message in held:
            socket.send(message)
        expect(screen.page.locator(".mb-event").first).to_be_visible()
        screen.is_at("/app/dashboard")


def test_search_filters_and_pages(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "mia") as screen:
        screen.open("/app/contacts")
        screen.sees("60 contacts")
        assert len(rows(screen)) == 25
        screen.press("Last page")
        screen.sees("51 – 60 of 60")
        assert len(rows(screen)) == 10
        screen.page.reload()
        screen.sees("51 – 60 of 60")
        screen.press("Previous page")
        screen.sees("26 – 50 of 60")
        screen.field("Search").press_sequentially("khumalo")
        screen.sees("1 contact")
        assert rows(screen) == ["Siyabonga Khumalo"]
        screen.is_at("/app/contacts?search=khumalo")
        screen.page.reload()
        expect(screen.field("Search")).to_have_value("khumalo")
        screen.sees("1 contact")
        screen.field("Search").fill("nobody has this name")
        screen.sees("Nobody matches")
        screen.press("Show all contacts")
        screen.sees("60 contacts")


def test_makes_changes_and_deletes_a_contact(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "mia") as screen:
        screen.open("/app/contacts")
        screen.press("New contact")
        screen.is_at("/app/contacts/new")
        screen.type("First name", "Wren")
        screen.type("E-mail", "nomvula.dlamini@example.com")
        screen.press("Save")
        screen.sees("Last name is required.")
        screen.type("Last name", "Okafor-Lindström")
        screen.press("Save")
        screen.sees("Nomvula Dlamini (C-1) already has the e-mail address")
        expect(screen.field("First name")).to_have_value("Wren")
        screen.type("E-mail", "wren@example.com")
        screen.type("Tags", "vip, new here")
        screen.press("Save")
        screen.heading("Wren Okafor-Lindström")
        screen.sees("new here")
        found = studio.query(
            "SELECT first_name, last_name, tags FROM app.contacts WHERE email = 'wren@example.com'"
        )
        assert found == [("Wren", "Okafor-Lindström", ["vip", "new here"])]

        screen.press("Edit")
        screen.type("Company", "Wren & Co")
        screen.press("Save")
        screen.heading("Wren Okafor-Lindström")
        screen.sees("Wren & Co")

        screen.field("Add a note").fill("Called about the retreat")
        screen.press("Add note")
        expect(screen.page.locator(".mb-event").first).to_contain_text("Called about the retreat")

        screen.press("Delete contact")
        screen.press("Delete")
        screen.is_at("/app/contacts")
        screen.page.go_back()
        screen.sees("This contact has been deleted")
        screen.press("Restore")
        expect(screen.page.get_by_role("button", name="Edit", exact=True)).to_be_visible()


def test_two_editors_do_not_overwrite_each_other(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "mia") as screen:
        screen.open("/app/contacts/C-20/edit")
        screen.type("City", "Mia's city")
        with studio.person("olga") as olga:
            version = olga.call("get_contact", "C-20")["contact"]["version"]
            olga.call("update_contact", "C-20", {"company": "Olga's company"}, version)
        screen.press("Save")
        screen.sees("was changed by someone else while you were editing")
        expect(screen.field("City")).to_have_value("Mia's city")
        screen.press("Save mine anyway")
        screen.is_at("/app/contacts/C-20")
        screen.sees("Olga's company")
        screen.sees("Mia's city")


def test_switching_a_feature_changes_the_menu(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga") as screen:
        screen.open("/app/settings/features")
        menu = screen.page.get_by_role("navigation")
        expect(menu.get_by_text("Rooms", exact=True)).to_be_hidden()
        screen.page.get_by_role("switch", name="Hospitality").click()
        expect(menu.get_by_text("Rooms", exact=True)).to_be_visible()
        menu.get_by_text("Rooms", exact=True).click()
        screen.sees("This version of Mybizz does not have it yet")
        screen.is_at("/app/coming/rooms")
        screen.open("/app/settings/features")
        screen.page.get_by_role("switch", name="Hospitality").click()
        expect(menu.get_by_text("Rooms", exact=True)).to_be_hidden()


def test_the_business_profile_is_saved_and_checked(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga") as screen:
        screen.open("/app/settings")
        screen.type("E-mail", "nobody")
        screen.press("Save")
        screen.sees('E-mail must be an e-mail address like name@example.com, not "nobody".')
        screen.type("E-mail", "hello@yogastudio.example")
        screen.type("Tagline", "Stretch your day")
        screen.press("Save")
        screen.sees("Saved.")
        screen.open("/")
        screen.sees("Stretch your day")


@pytest.mark.parametrize(
    ("who", "shown", "hidden"),
    [
        (
            "sam",
            {"Dashboard", "Bookings", "Contacts"},
            {"Settings", "Invoices", "Campaigns", "Pages"},
        ),
        ("mia", {"Dashboard", "Contacts", "Settings", "Invoices", "Campaigns"}, {"Rooms", "Blog"}),
    ],
)
def test_the_menu_has_what_a_person_may_open(
    chromium: Browser, studio: Studio, who: str, shown: set[str], hidden: set[str]
) -> None:
    with tab(chromium, studio, who) as screen:
        menu = screen.page.get_by_role("navigation")
        for name in shown:
            expect(menu.get_by_text(name, exact=True)).to_be_visible()
        for name in hidden:
            expect(menu.get_by_text(name, exact=True)).to_be_hidden()


def test_a_customer_has_pages_of_their_own_and_no_others(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "carl") as screen:
        screen.heading("Hello Carl")
        screen.open("/app/contacts")
        screen.heading("Hello Carl")
        expect(screen.page.get_by_text("New contact")).to_have_count(0)
        screen.page.get_by_text("Account settings", exact=True).first.click()
        screen.is_at("/app/account")
        screen.type("Old password", "wrong")
        screen.type("New password", "another long one")
        screen.press("Save the new password")
        screen.sees("The old password is not right.")


def test_sam_can_look_and_not_touch(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "sam") as screen:
        screen.open("/app/contacts/C-1")
        screen.heading("Nomvula Dlamini")
        for name in ("Edit", "Delete contact", "Add note"):
            expect(screen.page.get_by_role("button", name=name, exact=True)).to_be_hidden()


def test_sam_is_told_that_the_settings_are_not_for_him(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "sam") as screen:
        screen.open("/app/settings")
        screen.heading("Not for your account")
        screen.page.get_by_role("link", name="To the start page").click()
        screen.is_at("/")


def test_logging_out_closes_the_app(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "sam") as screen:
        screen.page.get_by_role("button", name="Menu of Sam Petersen").click()
        screen.page.get_by_role("menuitem", name="Log out").click()
        screen.is_at("/app/login")
        screen.open("/app/contacts")
        expect(screen.field("Password")).to_be_visible()


def test_an_unknown_contact_says_so(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "sam") as screen:
        screen.open("/app/contacts/C-99999")
        screen.sees("There is no contact C-99999.")
        screen.press("To all contacts")
        screen.heading("Contacts")


PATHS = [
    "/app/dashboard",
    "/app/contacts",
    "/app/contacts/C-10",
    "/app/contacts/C-10/edit",
    "/app/settings",
    "/app/coming/bookings",
    "/app/me",
]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_no_screen_scrolls_sideways_and_targets_are_large_enough(
    chromium: Browser, studio: Studio, size: dict[str, int]
) -> None:
    with tab(chromium, studio, "olga", size) as screen:
        for path in PATHS:
            screen.open(path)
            expect(screen.page.locator("h1:visible, h2:visible").first).to_be_visible()
            expect(screen.page.locator(".mb-bones:visible")).to_have_count(0)
            width = screen.page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{path} is {width} px wide"


def test_on_a_phone_the_menu_is_a_drawer(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "mia", PHONE) as screen:
        link = screen.page.get_by_role("navigation").get_by_text("Contacts", exact=True)
        expect(link).not_to_be_in_viewport()
        screen.page.get_by_role("button", name="Navigation").click()
        expect(link).to_be_in_viewport()
        link.click()
        screen.heading("Contacts")
        expect(link).not_to_be_in_viewport()
