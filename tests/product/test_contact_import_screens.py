"""Importing and exporting contacts at a real browser, by mouse and by keyboard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.product.screens import PHONE, Screen, tab
from tests.product.studio import Studio

SHOTS = os.environ.get("MYBIZZ_SHOTS", "")
PEOPLE = (
    "Vorname;Nachname;E-Mail-Adresse;Telefon;Bemerkung;Newsletter\n"
    "Jürgen;Großmann-Featherstonehaugh;juergen.grossmann@example.com;082 555 0101;Kommt gern "
    "dienstags früh;ja\n"
    "Élodie;Moreau;elodie@example.com;082 555 0102;;nein\n"
    "Kaputt;Adresse;kaputt@;;;\n"
)


@pytest.fixture(scope="module")
def olga(chromium: Browser, empty_studio: Studio) -> Iterator[Screen]:
    with tab(chromium, empty_studio, "olga") as screen:
        yield screen


def shoot(screen: Screen, name: str) -> None:
    """Pictures of the page for somebody who wants to look at it, at both widths and schemes."""
    if not SHOTS:
        return
    for width in (1280, 390):
        screen.page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            screen.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            file = Path(SHOTS) / f"{name}-{width}-{scheme}.png"
            screen.page.screenshot(path=str(file), full_page=True)
    screen.page.emulate_media(color_scheme="light")
    screen.page.set_viewport_size({"width": 1280, "height": 850})


def choose(screen: Screen, name: str, content: bytes) -> None:
    """Choose a file by the button."""
    with screen.page.expect_file_chooser() as chooser:
        screen.press("Choose a file")
    chooser.value.set_files([{"name": name, "mimeType": "text/csv", "buffer": content}])


def test_brings_a_file_in_from_the_choice_to_the_contacts(
    olga: Screen, empty_studio: Studio
) -> None:
    olga.open("/app/contacts/import")
    olga.heading("Import contacts")
    expect(olga.page.get_by_role("button", name="Choose a file")).to_be_visible()
    shoot(olga, "1-file")
    choose(olga, "Gäste.csv", PEOPLE.encode("cp1252"))
    olga.sees("6 of 6 used")
    olga.sees("Großmann-Featherstonehaugh")
    agreed = olga.page.get_by_role("radiogroup", name="Have these people agreed?")
    agreed.locator("md-radio").nth(1).click()  # a column says who has
    olga.type("Tags", "fair 2026")
    shoot(olga, "2-columns")
    olga.press("Check the file")
    olga.sees("Please say how and when these people agreed")
    expect(olga.field("Tags")).to_have_value("fair 2026")
    olga.type("How and when they agreed", "Ticked the box on our booking form since 2022")
    olga.press("Check the file")
    olga.sees("Checked: this is what would happen")
    olga.sees("new, to be added")
    shoot(olga, "3-checked")
    with olga.page.expect_download() as download:
        olga.press("Download the 1 refused row")
    assert "E-mail must be" in Path(download.value.path()).read_text(encoding="utf-8-sig")
    olga.press("Import 2 contacts")
    olga.sees("The contacts are in")
    shoot(olga, "4-done")
    olga.press("Show the contacts")
    olga.sees("juergen.grossmann@example.com")
    found = empty_studio.query(
        "SELECT preferences->>'marketing_opt_in', tags FROM app.contacts "
        "WHERE email IN ('juergen.grossmann@example.com', 'elodie@example.com') ORDER BY email"
    )
    assert found == [("false", ["fair 2026"]), ("true", ["fair 2026"])]
    olga.open("/app/contacts/import")
    olga.page.get_by_role("link", name="Gäste.csv").click()
    olga.sees("The contacts are in")


def test_says_at_once_what_is_wrong_with_a_file_and_takes_one_by_drag_and_drop(
    olga: Screen,
) -> None:
    olga.open("/app/contacts/import")
    choose(olga, "photo.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)
    olga.sees("photo.csv: This is no text file")
    shoot(olga, "5-refused")
    transfer = olga.page.evaluate_handle(
        """() => {
            const transfer = new DataTransfer();
            const text = 'Name,E-mail\\nDropped Person,dropped@example.com\\n';
            transfer.items.add(new File([text], 'dropped.csv', {type: 'text/csv'}));
            return transfer;
        }"""
    )
    olga.page.dispatch_event(".mb-drop", "drop", {"dataTransfer": transfer})
    olga.sees("2 of 2 used")
    olga.press("Check the file")
    olga.press("Import 1 contact")
    olga.sees("The contacts are in")


def test_takes_a_list_along_as_a_file(chromium: Browser, empty_studio: Studio) -> None:
    with empty_studio.person("mia") as mia:
        for name in ("Ann", "Bob"):
            email = f"{name.lower()}@export.example"
            mia.call("create_contact", {"first_name": name, "last_name": "Ex", "email": email})
    with tab(chromium, empty_studio, "mia", PHONE) as screen:
        screen.open("/app/contacts?search=export.example")
        screen.sees("2 contacts")
        screen.press("Views, duplicates, import")
        screen.page.get_by_role("menuitem", name="Export these contacts").click()
        screen.sees("2 contacts of the list that you came from.")
        with screen.page.expect_download() as download:
            screen.press("Make the file")
        text = Path(download.value.path()).read_text(encoding="utf-8-sig")
        assert text.count("@export.example") == 2
        screen.sees("2 contacts · until")
        shoot(screen, "6-export")
