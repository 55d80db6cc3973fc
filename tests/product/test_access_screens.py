"""The people of the business in a browser: invited, changed, suspended, and handed the business."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, Locator, expect

from master_template.server_auth import totp
from tests.product.mailbox import deliver_mail
from tests.product.screens import PHONE, Screen, tab
from tests.product.studio import DOMAIN, PASSWORD, Studio
from tests.product.test_accessibility import violations

pytestmark = pytest.mark.usefixtures("m3_assets")

NEW_PASSWORD = "a fine new password"


def row(screen: Screen, name: str) -> Locator:
    """The line of someone in the list."""
    return screen.page.locator(".mb-people-row").filter(has_text=name)


def choose(screen: Screen, name: str, action: str) -> None:
    """Something from the menu of someone's line."""
    row(screen, name).get_by_role("button", name="What to do with").click()
    screen.page.get_by_role("menuitem", name=action).click()


def test_someone_is_invited_and_comes_in(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga") as screen:
        screen.open("/app/settings/users")
        screen.heading("People")
        screen.press("Invite someone")
        dialog = screen.page.get_by_role("dialog")
        dialog.get_by_label("E-mail").fill(f"sam@{DOMAIN}")
        dialog.get_by_role("button", name="Send the invitation").click()
        screen.sees("works here already")
        dialog.get_by_label("E-mail").fill("nia@example.com")
        dialog.get_by_label("Website: see").click()
        screen.sees("Differs from what the role staff usually has.")
        dialog.get_by_role("button", name="Send the invitation").click()
        expect(dialog).to_be_hidden()
        expect(row(screen, "nia@example.com")).to_contain_text("Invited by Olga")
    deliver_mail(studio)
    link = studio.link_in_mail("nia@example.com")
    with tab(chromium, studio) as screen:
        screen.page.goto(link)
        screen.sees("invites you to work with Sunrise Yoga as staff")
        screen.type("First name", "Nia")
        screen.type("Last name", "Achieng")
        screen.type("Password", "short")
        screen.press("Accept the invitation")
        screen.sees("Password needs at least 10 characters.")
        expect(screen.field("First name")).to_have_value("Nia")
        screen.type("Password", NEW_PASSWORD)
        screen.press("Accept the invitation")
        screen.is_at("/app/dashboard")
    with tab(chromium, studio) as screen:
        screen.page.goto(link)
        screen.sees("This link does not work")


def test_access_is_changed(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga") as screen:
        screen.open("/app/settings/users")
        choose(screen, f"sam@{DOMAIN}", "Change access")
        dialog = screen.page.get_by_role("dialog")
        expect(dialog.get_by_label("Customers: see")).to_be_checked()
        dialog.get_by_label("Customers: change").click()
        dialog.get_by_label("Bookings: see").click()
        expect(dialog.get_by_label("Bookings: change")).not_to_be_checked()
        dialog.get_by_role("button", name="Save").click()
        expect(dialog).to_be_hidden()
    [(own,)] = studio.query("SELECT permissions FROM app.users WHERE email = %s", f"sam@{DOMAIN}")
    assert own == {
        "customers.manage": True,
        "bookings.view": False,
        "bookings.manage": False,
    }


def test_a_suspended_person_is_out_at_once_wherever_a_tab_is_open(
    chromium: Browser, studio: Studio
) -> None:
    with tab(chromium, studio, "sam") as sam, tab(chromium, studio, "olga") as olga:
        sam.open("/app/contacts")
        sam.heading("Contacts")
        olga.open("/app/settings/users")
        choose(olga, f"sam@{DOMAIN}", "Suspend")
        olga.page.get_by_role("dialog").get_by_role("button", name="Suspend").click()
        expect(row(olga, f"sam@{DOMAIN}").get_by_text("Suspended")).to_be_visible()
        # Without a click of sam's.
        sam.heading("Log in")
        choose(olga, f"sam@{DOMAIN}", "Bring back")
        expect(row(olga, f"sam@{DOMAIN}").get_by_text("Suspended")).to_be_hidden()


def test_a_phone_shows_the_same(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "mia", PHONE) as screen:
        screen.open("/app/settings/users")
        expect(row(screen, f"olga@{DOMAIN}")).to_be_visible()
        # Nobody above, and not oneself.
        for name in ("olga", "mia"):
            menu = row(screen, f"{name}@{DOMAIN}").get_by_role("button", name="What to do with")
            expect(menu).to_be_hidden()
        choose(screen, f"sam@{DOMAIN}", "Change access")
        dialog = screen.page.get_by_role("dialog")
        expect(dialog.get_by_label("Settings: change")).to_be_disabled()
        width = screen.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"]
        dialog.get_by_role("button", name="Cancel").click()


def test_whom_someone_sees_is_chosen(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga") as screen:
        screen.open("/app/settings/users")
        choose(screen, f"sam@{DOMAIN}", "Choose whom they see")
        dialog = screen.page.get_by_role("dialog")
        dialog.get_by_label("Those in their care").click()
        dialog.get_by_label("Customers", exact=True).fill("C-1, C-99999")
        dialog.get_by_role("button", name="Save").click()
        screen.sees("There is no contact C-99999")
        expect(dialog.get_by_label("Customers", exact=True)).to_have_value("C-1, C-99999")
        dialog.get_by_label("Customers", exact=True).fill("C-1, C-2")
        dialog.get_by_role("button", name="Save").click()
        expect(row(screen, f"sam@{DOMAIN}").get_by_text("Sees a part")).to_be_visible()
    with tab(chromium, studio, "sam") as screen:
        screen.open("/app/contacts")
        screen.sees("2 contacts")
    studio.query("UPDATE app.users SET scope = NULL")


def code_of(secret: str, step: int = 0) -> str:
    """What an authenticator app shows, ``step`` half minutes from now."""
    return totp.code_at(secret, int(time.time() // totp.STEP_SECONDS) + step)


def test_a_second_factor_is_switched_on_and_asked_for(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "sam") as screen:
        screen.open("/app/me")
        screen.sees("Second factor")
        screen.press("Switch on")
        dialog = screen.page.get_by_role("dialog")
        dialog.get_by_label("Your password").fill(PASSWORD)
        dialog.get_by_role("button", name="Go on").click()
        picture = dialog.get_by_role("img", name="QR code for your authenticator app")
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.naturalWidth") > 100, "the browser shows it"
        secret = str(dialog.locator("code").text_content()).replace(" ", "")
        dialog.get_by_label("Code").fill("000000")
        dialog.get_by_role("button", name="Switch on").click()
        screen.sees("This code is not right.")
        dialog.get_by_label("Code").fill(code_of(secret, -1))
        dialog.get_by_role("button", name="Switch on").click()
        expect(dialog.get_by_role("listitem")).to_have_count(totp.RECOVERY_CODES)
        codes = dialog.get_by_role("listitem").all_text_contents()
        dialog.get_by_role("button", name="I have kept them").click()
        screen.sees("You have 10 recovery codes left.")
    with tab(chromium, studio) as screen:
        screen.open("/app/contacts")
        screen.log_in("sam")
        screen.heading("Enter your code")
        screen.field("Code").fill("123456")
        screen.page.get_by_role("button", name="Log in").filter(visible=True).click()
        screen.sees("This code is not right.")
        screen.field("Code").fill(code_of(secret))
        screen.field("Code").press("Enter")
        screen.heading("Contacts")
        screen.open("/app/me")
        screen.press("Switch off")
        dialog = screen.page.get_by_role("dialog")
        dialog.get_by_label("Your password").fill(PASSWORD)
        dialog.get_by_label("Code").fill(codes[0])
        dialog.get_by_role("button", name="Switch off").click()
        expect(screen.page.get_by_role("button", name="Switch on")).to_be_visible()


def test_who_has_to_have_one_gets_to_nothing_else(chromium: Browser, studio: Studio) -> None:
    studio.query("UPDATE app.settings SET require_second_factor = true")
    try:
        with tab(chromium, studio) as screen:
            screen.open("/app/contacts")
            screen.log_in("mia")
            screen.heading("Secure your account")
            screen.open("/app/settings")
            screen.heading("Secure your account")
            screen.press("Switch on")
            dialog = screen.page.get_by_role("dialog")
            dialog.get_by_label("Your password").fill(PASSWORD)
            dialog.get_by_role("button", name="Go on").click()
            expect(dialog.locator("code")).to_be_visible()
            secret = str(dialog.locator("code").text_content()).replace(" ", "")
            dialog.get_by_label("Code").fill(code_of(secret))
            dialog.get_by_role("button", name="Switch on").click()
            dialog.get_by_role("button", name="I have kept them").click()
            screen.is_at("/app/dashboard")
    finally:
        studio.query("UPDATE app.settings SET require_second_factor = false")
        studio.query("UPDATE app.users SET second_factor = NULL, second_factor_encrypted = NULL")


def test_dialogs_can_be_used_by_everyone(chromium: Browser, studio: Studio) -> None:
    """axe finds nothing in them, on a phone in the dark, and the keyboard leaves them."""
    found: dict[str, list[str]] = {}
    with tab(chromium, studio, "olga", PHONE) as screen:
        screen.page.emulate_media(color_scheme="dark")
        dialog = screen.page.get_by_role("dialog")
        screen.open("/app/settings/users")
        screen.press("Invite someone")
        dialog.get_by_role("button", name="Send the invitation").click()
        screen.sees("E-mail is required.")
        found["invite"] = violations(screen.page)
        screen.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        choose(screen, f"sam@{DOMAIN}", "Choose whom they see")
        dialog.get_by_label("Those in their care").click()
        found["scope"] = violations(screen.page)
        screen.page.keyboard.press("Escape")
        choose(screen, f"sam@{DOMAIN}", "Make owner")
        found["owner"] = violations(screen.page)
        screen.page.keyboard.press("Escape")
        screen.open("/app/me")
        screen.press("Switch on")
        dialog.get_by_label("Your password").fill(PASSWORD)
        dialog.get_by_role("button", name="Go on").click()
        expect(dialog.locator("code")).to_be_visible()
        found["picture"] = violations(screen.page)
    assert found == {name: [] for name in ("invite", "scope", "owner", "picture")}


def test_the_business_is_handed_over(chromium: Browser, studio: Studio) -> None:
    """Last, for olga does not own it any more afterwards."""
    with tab(chromium, studio, "olga") as screen:
        screen.open("/app/settings/users")
        choose(screen, f"mia@{DOMAIN}", "Make owner")
        dialog = screen.page.get_by_role("dialog")
        dialog.get_by_label("Your password").fill("not this one")
        dialog.get_by_role("button", name="Hand the business over").click()
        screen.sees("This is not your password.")
        dialog.get_by_label("Your password").fill(PASSWORD)
        dialog.get_by_role("button", name="Hand the business over").click()
        expect(row(screen, f"mia@{DOMAIN}")).to_contain_text("Owner")
        expect(row(screen, f"olga@{DOMAIN}")).to_contain_text("Manager")
