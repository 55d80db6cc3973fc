"""Nothing that was typed is lost without a question: each way out of a page asks."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, expect

from tests.product.page_walk import all_visits, walkers
from tests.product.screens import Screen, tab
from tests.product.studio import Studio

pytestmark = pytest.mark.usefixtures("m3_assets")

QUESTION = "Save your changes?"
EDITOR = "/app/contacts/C-7/edit"


@pytest.fixture(scope="module")
def mia(chromium: Browser, studio: Studio) -> Iterator[Screen]:
    with tab(chromium, studio, "mia") as screen:
        yield screen


@pytest.fixture
def editor(mia: Screen, studio: Studio) -> Screen:
    """A contact being edited, with a word typed in a field that still has the focus."""
    studio.query("UPDATE app.contacts SET company = 'Before' WHERE contact_id = 'C-7'")
    mia.page.evaluate("sessionStorage.clear()")
    mia.open(EDITOR)
    mia.field("Company").fill("Half typed")
    return mia


def asks(screen: Screen) -> None:
    expect(screen.page.get_by_role("dialog", name=QUESTION)).to_be_visible()


def answer(screen: Screen, button: str) -> None:
    asks(screen)
    screen.page.get_by_role("dialog").get_by_role("button", name=button, exact=True).click()


def keep_editing(screen: Screen) -> None:
    answer(screen, "Keep editing")
    expect(screen.page.get_by_role("dialog")).to_have_count(0)
    screen.is_at(EDITOR)
    expect(screen.field("Company")).to_have_value("Half typed")


def test_each_way_out_asks_and_staying_loses_nothing(editor: Screen) -> None:
    page = editor.page
    menu = page.get_by_role("navigation")
    menu.get_by_text("Dashboard", exact=True).click()
    keep_editing(editor)
    menu.get_by_text("Bookings", exact=True).click()
    keep_editing(editor)
    page.get_by_role("link", name="‹ C-7").click()
    keep_editing(editor)
    editor.press("Cancel")
    keep_editing(editor)
    page.get_by_role("button", name="Menu of Mia").click()
    page.get_by_role("menuitem", name="Log out").click()
    keep_editing(editor)
    menu.get_by_text("Dashboard", exact=True).click()
    asks(editor)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    editor.is_at(EDITOR)


def test_the_answer_is_done(editor: Screen, studio: Studio) -> None:
    editor.page.get_by_role("navigation").get_by_text("Dashboard", exact=True).click()
    answer(editor, "Save")
    editor.is_at("/app/dashboard")
    assert studio.query("SELECT company FROM app.contacts WHERE contact_id = 'C-7'") == [
        ("Half typed",)
    ]
    editor.open(EDITOR)
    editor.field("Company").fill("Never mind")
    editor.page.get_by_role("navigation").get_by_text("Dashboard", exact=True).click()
    answer(editor, "Discard")
    editor.is_at("/app/dashboard")
    editor.open(EDITOR)
    expect(editor.field("Company")).to_have_value("Half typed")
    editor.page.get_by_role("navigation").get_by_text("Dashboard", exact=True).click()
    editor.is_at("/app/dashboard")


def test_a_refused_save_stays_and_says_where(editor: Screen) -> None:
    editor.field("Last name").fill("")
    editor.page.get_by_role("navigation").get_by_text("Dashboard", exact=True).click()
    answer(editor, "Save")
    editor.sees("Last name is required.")
    editor.is_at(EDITOR)
    expect(editor.field("Company")).to_have_value("Half typed")
    editor.page.get_by_role("navigation").get_by_text("Dashboard", exact=True).click()
    answer(editor, "Discard")
    editor.is_at("/app/dashboard")


def test_back_and_forward_ask_and_the_address_stays_right(mia: Screen) -> None:
    mia.open("/app/dashboard")
    mia.heading("Hello Mia")
    mia.page.get_by_role("navigation").get_by_text("Contacts", exact=True).click()
    mia.heading("Contacts")
    mia.press("New contact")
    mia.field("First name").press_sequentially("Half")
    # The field still has the focus: what it holds has not been handed over yet.
    mia.page.go_back()
    asks(mia)
    mia.is_at("/app/contacts/new")
    # Pressing Back again while the question stands changes nothing.
    mia.page.go_back()
    mia.is_at("/app/contacts/new")
    answer(mia, "Keep editing")
    expect(mia.field("First name")).to_have_value("Half")
    mia.page.go_back()
    answer(mia, "Discard")
    mia.is_at("/app/contacts")
    mia.heading("Contacts")
    mia.page.go_back()
    mia.is_at("/app/dashboard")
    mia.page.go_forward()
    mia.page.go_forward()
    mia.is_at("/app/contacts/new")
    expect(mia.field("First name")).to_have_value("")


def test_the_browser_asks_before_the_page_is_closed_or_left_for_another_site(
    editor: Screen,
) -> None:
    # A browser asks only where the person has done something on the page.
    editor.field("Company").press("End")
    for way_out in ("location.reload()", "location.assign('/')"):
        with editor.page.expect_event("dialog") as waiting:
            editor.page.evaluate(f"setTimeout(() => {way_out})")
        assert waiting.value.type == "beforeunload"
        waiting.value.dismiss()
        expect(editor.field("Company")).to_have_value("Half typed")
    editor.press("Save")
    editor.is_at("/app/contacts/C-7")
    asked: list[str] = []

    def note(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    editor.page.on("dialog", note)
    editor.page.reload()
    editor.sees("Half typed")
    editor.page.remove_listener("dialog", note)
    assert asked == []


def test_what_was_typed_survives_a_reload(editor: Screen) -> None:
    editor.page.reload()
    editor.sees("so we kept what you typed")
    expect(editor.field("Company")).to_have_value("Half typed")
    editor.press("Start afresh")
    expect(editor.field("Company")).to_have_value("Before")


def test_every_page_that_saves_asks(chromium: Browser, studio: Studio) -> None:
    asked = set()
    with walkers(chromium, studio) as people:
        for visit in all_visits():
            if not visit.who:
                continue
            page = people.visit(visit).page
            main = page.get_by_role("main")
            if not main.get_by_role("button", name="Save", exact=True).count():
                continue
            kinds = "input:is([type=text], [type=number], [type=email], :not([type])), textarea"
            typed = main.locator(kinds).filter(visible=True)
            if typed.count():
                typed.first.fill("7")
            else:
                main.get_by_role("switch").first.click()
            home = "Dashboard" if visit.who == "olga" else "My dashboard"
            page.get_by_role("navigation").get_by_role("link", name=home, exact=True).click()
            dialog = page.get_by_role("dialog")
            expect(dialog, f"{visit.path} does not ask").to_be_visible()
            dialog.get_by_role("button", name="Discard").click()
            expect(page).to_have_url(re.compile("/app/(dashboard|home)$"))
            asked.add(visit.path)
    assert {"/app/contacts/new", "/app/settings/profile", "/app/account"} <= asked
