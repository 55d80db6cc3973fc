"""Exporting and erasing from the page of a contact."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.product.screens import tab
from tests.product.studio import Studio


def test_exports_from_the_page_of_a_contact(
    chromium: Browser, studio: Studio, tmp_path: Path
) -> None:
    with tab(chromium, studio, "mia") as screen:
        screen.open("/app/contacts/C-2")
        screen.press("Export data")
        with screen.page.expect_download() as waiting:
            screen.press("For programs (JSON)")
        assert waiting.value.suggested_filename == "C-2-data.json"
        waiting.value.save_as(tmp_path / "data.json")
        screen.press("Export data")
        with screen.page.expect_download() as waiting:
            screen.press("Spreadsheets")
        assert waiting.value.suggested_filename == "C-2-data.zip"
    found = json.loads((tmp_path / "data.json").read_text())
    assert [row["contact_id"] for row in found["tables"]["contacts"]] == ["C-2"]


def test_erases_after_a_question(chromium: Browser, studio: Studio) -> None:
    [(paid, name)] = studio.query(
        "SELECT contact_id, first_name || ' ' || last_name FROM app.contacts "
        "WHERE total_transactions > 0 ORDER BY number LIMIT 1"
    )
    with tab(chromium, studio, "mia") as screen:
        screen.open(f"/app/contacts/{paid}")
        screen.heading(name)
        screen.press("Erase")
        screen.press("Keep")
        screen.heading(name)
        screen.press("Erase")
        screen.press("Erase for good")
        screen.heading("Erased contact")
        screen.sees("Only the sums stay, for the books.")
        for gone in ("Restore", "Edit", "Export data", "Erase"):
            expect(screen.page.get_by_role("button", name=gone, exact=True)).to_be_hidden()


def test_sam_may_neither_export_nor_erase(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "sam") as screen:
        screen.open("/app/contacts/C-3")
        screen.sees("Timeline")
        for hidden in ("Export data", "Erase"):
            expect(screen.page.get_by_role("button", name=hidden, exact=True)).to_be_hidden()
