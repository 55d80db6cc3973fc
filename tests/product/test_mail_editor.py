"""Writing a marketing mail at a real browser: blocks, preview, hints, a test; and its settings."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.product.conftest import fresh_database
from tests.product.layout_walk import layout_faults
from tests.product.mailbox import body_of, read_mails
from tests.product.screens import PHONE, Screen, tab
from tests.product.studio import Studio, open_studio
from tests.product.test_accessibility import faults

pytestmark = pytest.mark.usefixtures("m3_assets")
SHOTS = os.environ.get("MYBIZZ_SHOTS")  # a folder to look at what the tests see


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("mail_editor")
    with fresh_database(postgres_url) as database_url, open_studio(folder, database_url) as running:
        with running.person("olga") as olga:
            person = {"first_name": "Nomvula", "last_name": "Sithole", "email": "nom@example.com"}
            olga.call("create_contact", person)
        yield running


def look(screen: Screen, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        screen.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def editor(page: Page):
    return page.locator(".mb-mail-editor")


def preview(page: Page) -> FrameLocator:
    return page.frame_locator("iframe.mb-mail-frame")


def add(page: Page, kind: str) -> None:
    group = page.get_by_role("group", name="Add to the mail")
    group.get_by_role("button", name=f"Add {kind}", exact=True).click()


def test_a_mail_is_written_in_blocks_and_tested(
    chromium: Browser, studio: Studio, tmp_path: Path
) -> None:
    with tab(chromium, studio, "olga") as screen:
        page = screen.page
        screen.open("/app/broadcasts/new")
        page.get_by_label("Subject", exact=True).fill("Hello ")
        page.get_by_role("button", name="First name", exact=True).click()
        expect(page.get_by_label("Subject", exact=True)).to_have_value(
            'Hello {{ first_name | "there" }}'
        )
        add(page, "heading")
        page.keyboard.type("Autumn at Sunrise")  # a new block has the keyboard
        add(page, "text")
        page.keyboard.type("Our **classes** begin. See the [timetable](/timetable).")
        expect(preview(page).get_by_role("heading", name="Autumn at Sunrise")).to_be_visible()
        expect(preview(page).get_by_role("link", name="timetable")).to_be_visible()
        add(page, "button")
        page.get_by_label("Words on the button").fill("Book a place")
        expect(editor(page)).to_contain_text("Link is required.")
        page.get_by_label("Link", exact=True).fill("javascript:alert(1)")
        expect(editor(page).locator(".mb-block").nth(2)).to_contain_text("must be a link like")
        page.get_by_label("Link", exact=True).fill("yogastudio.example/book")
        expect(preview(page).get_by_role("link", name="Book a place")).to_be_visible()

        file = tmp_path / "Mats.png"
        Image.new("RGB", (640, 320), "#2f6f5e").save(file)
        add(page, "picture")
        page.locator(".mb-image-picker input[type=file]").set_input_files(file)
        expect(preview(page).locator("img[src*='/mail-images/']")).to_be_visible()
        expect(editor(page)).to_contain_text("A picture without a description")
        page.get_by_label("Description", exact=True).fill("Mats on the floor")
        expect(editor(page)).not_to_contain_text("A picture without a description")

        page.get_by_role("button", name="Move up: picture 4").click()
        expect(page.get_by_role("button", name="Move up: picture 3")).to_be_focused()
        page.get_by_role("button", name="Take out: picture 3").click()
        expect(page.locator(".mb-block")).to_have_count(3)
        page.get_by_role("button", name="Undo", exact=True).click()
        expect(page.locator(".mb-block")).to_have_count(4)
        look(screen, "written")

        page.get_by_label("See it as (name or e-mail)").fill("nomvula")
        page.get_by_role("button", name="Nomvula Sithole").click()
        expect(page.locator(".mb-mail-inbox")).to_contain_text("Hello Nomvula")
        page.get_by_role("button", name="Plain text", exact=True).click()
        expect(page.locator(".mb-mail-plain")).to_contain_text("Book a place:\nhttps://yogastudio")
        page.get_by_role("button", name="Send me a test", exact=True).click()
        expect(editor(page)).to_contain_text("Sent to olga@yogastudio.example")
        [mail] = read_mails(studio, "olga@yogastudio.example")
        assert mail["subject"] == "[Test] Hello Nomvula"
        assert re.search(r'alt="Mats on the floor"', body_of(mail))
        assert faults(page) == []
        screen.problems.clear()


def test_it_is_written_on_a_phone_too(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga", PHONE) as screen:
        page = screen.page
        page.emulate_media(color_scheme="dark")
        screen.open("/app/broadcasts/new")
        page.get_by_role("button", name="One text", exact=True).click()
        page.get_by_label("Text", exact=True).fill("# Hello\n\n[Book](https://x.example)")
        expect(page.locator(".mb-mail-side")).to_be_hidden()
        look(screen, "phone_write")
        page.get_by_role("button", name="Preview", exact=True).click()
        expect(page.locator(".mb-mail-write")).to_be_hidden()
        expect(preview(page).get_by_role("link", name="Book")).to_be_visible()
        page.get_by_role("button", name="Dark", exact=True).click()
        expect(preview(page).locator(".card").first).to_have_css(
            "background-color", "rgb(29, 35, 32)"
        )
        look(screen, "phone_look")
        page.locator(".mb-mail-hint").get_by_role("button", name="Subject is required.").click()
        expect(page.get_by_label("Subject", exact=True)).to_be_focused()
        assert layout_faults(page) == []
        assert faults(page) == []
        screen.problems.clear()


def test_the_owner_chooses_what_is_measured(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga") as screen:
        screen.open("/app/settings/marketing-mails")
        options = screen.page.get_by_role("radiogroup", name="What you measure").locator("md-radio")
        look(screen, "settings")
        expect(options.nth(0)).to_have_js_property("checked", True)
        options.nth(2).click()
        screen.sees("Saved.")
        screen.page.reload()
        expect(options.nth(2)).to_have_js_property("checked", True)
