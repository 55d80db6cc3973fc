"""The notice of a newer version, and the page on which an owner starts the upgrade."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.product.screens import tab
from tests.product.studio import Studio
from tests.product.updates import clear, offer, release

pytestmark = pytest.mark.usefixtures("m3_assets")
PAGE = "/app/settings/updates"


@pytest.fixture(autouse=True)
def nothing_on_offer(empty_studio: Studio) -> Iterator[None]:
    clear(empty_studio)
    yield
    clear(empty_studio)


def test_an_owner_reads_starts_and_sees_it_done(chromium: Browser, empty_studio: Studio) -> None:
    offer(empty_studio, release("v1.1.0", "critical"), release("v2.0.0", "breaking"))
    with tab(chromium, empty_studio, "olga") as olga:
        banner = olga.page.get_by_role("region", name="Update")
        expect(banner).to_contain_text("Version 2.0.0 is an important fix.")
        expect(banner.get_by_role("button", name="Put this notice aside")).to_be_hidden()
        banner.get_by_role("button", name="See what is new").click()
        olga.is_at(PAGE)
        olga.sees("You have version 1.0.0.")
        olga.sees("What to do, and to know")
        expect(banner).to_be_hidden()

        olga.press("Install version 2.0.0")
        olga.press("I have read it")
        olga.press("Tonight")
        olga.sees("Version 2.0.0 will be installed")
        olga.press("Do not install it")
        olga.press("Install version 2.0.0")
        olga.press("I have read it")
        olga.press("Now")
        olga.sees("It begins in a minute or so. Olga Naidoo asked for it.")

        # Shown as it happens, without a touch.
        with empty_studio.uplink() as script:
            taken = script.call("take_upgrade_request")["request"]
            held = {"request_id": taken["request_id"], "lease": taken["lease"]}
            script.call("report_upgrade", **held, step="A backup is made first.")
            olga.sees("Version 2.0.0 is being installed")
            olga.sees("A backup is made first.")
            script.call("finish_upgrade", **held, is_done=True)
        offer(empty_studio, installed="v2.0.0")
        olga.sees("The new version is there.")
        olga.press("Reload")
        olga.sees("There is no newer one.")


def test_a_manager_puts_the_notice_aside_and_cannot_start(
    chromium: Browser, empty_studio: Studio
) -> None:
    offer(empty_studio, release("v1.1.0", "fix"))
    with tab(chromium, empty_studio, "mia") as mia:
        banner = mia.page.get_by_role("region", name="Update")
        expect(banner).to_contain_text("Version 1.1.0 of Mybizz is ready.")
        mia.open(PAGE)
        mia.sees("A newer one is ready.")
        expect(mia.page.get_by_role("button", name="Install version 1.1.0")).to_be_hidden()
        mia.open("/app/contacts")
        banner.get_by_role("button", name="Put this notice aside").click()
        expect(banner).to_be_hidden()
        mia.open("/app/contacts")
        mia.heading("Contacts")
        expect(banner).to_be_hidden()


def test_what_went_wrong_is_told_and_can_be_tried_again(
    chromium: Browser, empty_studio: Studio
) -> None:
    offer(empty_studio, release("v1.1.0"))
    with empty_studio.person("olga") as olga, empty_studio.uplink() as script:
        olga.call("request_upgrade", "v1.1.0", "now")
        taken = script.call("take_upgrade_request")["request"]
        held = {"request_id": taken["request_id"], "lease": taken["lease"]}
        script.call("finish_upgrade", **held, is_done=False, message="No room on the disk.")
    with tab(chromium, empty_studio, "olga") as screen:
        screen.open(PAGE)
        screen.sees("Everything is as it was before, and nothing was lost.")
        screen.page.get_by_text("What happened").click()
        screen.sees("No room on the disk.")
        expect(screen.page.get_by_role("button", name="Install version 1.1.0")).to_be_visible()
