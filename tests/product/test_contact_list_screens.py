"""The list of contacts in a browser: views, order, and what is done to many."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.product.screens import PHONE, Screen, tab
from tests.product.studio import Studio

pytestmark = pytest.mark.usefixtures("m3_assets")


def names(screen: Screen) -> list[str]:
    return [name.strip() for name in screen.page.locator(".mb-row .mb-name").all_inner_texts()]


def open_filters(screen: Screen) -> None:
    button = screen.page.get_by_role("button", name=re.compile("^Filters"))
    if button.get_attribute("aria-expanded") == "false":
        button.click()


def test_sorts_by_the_columns_headings(chromium: Browser, studio: Studio) -> None:
    expected = "SELECT first_name || ' ' || last_name FROM app.contacts WHERE deleted_at IS NULL "
    with tab(chromium, studio, "mia") as screen:
        screen.open("/app/contacts")
        heading = screen.page.get_by_role("columnheader", name=re.compile("^Spent"))
        by_name = screen.page.get_by_role("columnheader", name=re.compile("^Name"))
        expect(by_name).to_have_attribute("aria-sort", "ascending")
        heading.get_by_role("button").press("Enter")
        expect(heading).to_have_attribute("aria-sort", "descending")
        expect(by_name).not_to_have_attribute("aria-sort", re.compile("."))
        screen.is_at("/app/contacts?sort=spent")
        order = "ORDER BY total_spent_cents DESC, number DESC LIMIT 25"
        assert names(screen) == [row[0] for row in studio.query(expected + order)]
        heading.get_by_role("button").click()
        expect(heading).to_have_attribute("aria-sort", "ascending")
        screen.is_at("/app/contacts?reverse=1&sort=spent")
        order = "ORDER BY total_spent_cents, number LIMIT 25"
        assert names(screen) == [row[0] for row in studio.query(expected + order)]


def test_a_view_keeps_filters_and_opens_the_list(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "mia") as screen:
        screen.open("/app/contacts")
        screen.sees("60 contacts")
        open_filters(screen)
        tag = screen.field("None of these tags")
        tag.fill("vip")
        tag.press("Enter")
        expect(screen.page.get_by_role("button", name="Remove vip")).to_be_visible()
        screen.type("Spent at least, ZAR", "1000")
        expect(screen.page).to_have_url(re.compile("spent_min_cents"))
        screen.page.get_by_role("button", name="Filters (2)").wait_for()
        ((count,),) = studio.query(
            "SELECT count(*) FROM app.contacts WHERE NOT tags ? 'vip' "
            "AND total_spent_cents >= 100000 AND deleted_at IS NULL"
        )
        screen.sees(f"{count} contacts")
        screen.press("Views, duplicates, import")
        screen.page.get_by_role("menuitem", name="Save as a new view").click()
        screen.press("Save")
        screen.sees("Name is required.")
        screen.type("Name", "Good customers")
        screen.page.get_by_role("checkbox", name="Open the list with it").check()
        screen.press("Save")
        screen.sees("The view Good customers is saved.")
        screen.open("/app/contacts")
        screen.sees(f"{count} contacts")
        expect(screen.field("Spent at least, ZAR")).to_have_value("1000")
        screen.page.get_by_role("button", name="Remove vip").click()
        changed = screen.page.locator("span").filter(has_text=re.compile("^Changed$"))
        expect(changed).to_be_visible()
        screen.press("Views, duplicates, import")
        screen.page.get_by_role("menuitem", name="Delete this view").click()
        screen.press("Delete")
        expect(changed).to_be_hidden()
        assert studio.query("SELECT count(*) FROM app.saved_views") == [(0,)]


def test_tags_some_and_all_that_match_and_takes_it_back(chromium: Browser, studio: Studio) -> None:
    tagged = "SELECT count(*) FROM app.contacts WHERE tags ? 'autumn 2027'"
    with tab(chromium, studio, "mia") as screen:
        screen.open("/app/contacts")
        boxes = screen.page.get_by_role("checkbox", name=re.compile("^Choose "))
        boxes.nth(1).check()
        boxes.nth(3).check()
        screen.sees("2 chosen")
        screen.press("Next page")
        screen.sees("26 – 50 of 60")
        screen.sees("2 chosen")
        screen.press("Previous page")
        expect(boxes.nth(3)).to_be_checked()
        screen.press("Choose all 60 that match")
        screen.sees("60 chosen")
        boxes.nth(3).uncheck()
        screen.sees("59 chosen")
        screen.press("Tag")
        screen.press("Add")
        screen.sees("Please type a tag.")
        screen.field("Tags").fill("autumn 2027")
        screen.press("Add")
        screen.sees("59 contacts were tagged.")
        assert studio.query(tagged) == [(59,)]
        screen.press("Undo")
        screen.sees("Undone for 59 contacts.")
        assert studio.query(tagged) == [(0,)]
        # An older one, from the page of all of them.
        boxes.nth(1).check()
        screen.press("Untag")
        screen.field("Tags").fill("autumn 2027")
        screen.press("Take away")
        screen.sees("0 contacts have lost the tags.")
        boxes.nth(1).check()
        screen.press("Tag")
        screen.field("Tags").fill("autumn 2027")
        screen.press("Add")
        screen.sees("1 contact was tagged.")
        screen.press("Views, duplicates, import")
        screen.page.get_by_role("menuitem", name="Bulk changes").click()
        screen.heading("Bulk changes")
        rows = screen.page.locator(".mb-bulk-change")
        expect(rows).to_have_count(3)
        expect(rows.nth(0)).to_contain_text("Add tags: autumn 2027")
        expect(rows.nth(0)).to_contain_text("1 contact was tagged.")
        expect(rows.nth(1).get_by_role("button").locator("visible=true")).to_have_count(0)
        expect(rows.nth(2)).to_contain_text("Undone for 59 contacts.")
        rows.nth(0).get_by_role("button", name="Undo").click()
        screen.page.get_by_role("dialog").get_by_role("button", name="Undo").click()
        expect(rows.nth(0)).to_contain_text("Undone for 1 contact.")
        assert studio.query(tagged) == [(0,)]


def test_deletes_a_page_and_brings_it_back_on_a_phone(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "mia", PHONE) as screen:
        screen.open("/app/contacts?search=example.com")
        screen.page.locator(".mb-row").first.wait_for()
        screen.page.get_by_role("checkbox", name=re.compile("^Choose ")).locator("visible=true")
        first = names(screen)[0]
        screen.page.get_by_role("checkbox", name=f"Choose {first}").check()
        screen.sees("1 chosen")
        screen.press("Delete")
        screen.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        screen.sees("1 contact was deleted.")
        newest = screen.page.locator(".mb-row .mb-name").first
        expect(newest).not_to_have_text(first)
        screen.press("Undo")
        screen.sees("Undone for 1 contact.")
        expect(newest).to_have_text(first)


def test_who_may_only_look_chooses_nobody(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "sam") as screen:
        screen.open("/app/contacts")
        screen.page.locator(".mb-row").first.wait_for()
        boxes = screen.page.get_by_role("checkbox", name=re.compile("^Choose "))
        expect(boxes.locator("visible=true")).to_have_count(0)


def test_two_that_are_one_are_compared_and_merged(chromium: Browser, studio: Studio) -> None:
    with studio.person("mia") as mia:
        pair = [
            mia.call("create_contact", {"first_name": "Wilhelmina", "last_name": "Xu", **more})
            for more in (
                {"company": "Xu Ltd", "phone": "082 555 9191"},
                {"company": "Xu & Daughters", "email": "w.xu@example.com", "tags": ["twin"]},
            )
        ]
    keep, other = pair_ids = [each["contact_id"] for each in pair]
    with tab(chromium, studio, "mia") as screen:
        screen.open(f"/app/contacts/{keep}")
        likely = screen.page.get_by_text(f"This may be the same person as Wilhelmina Xu ({other}).")
        expect(likely).to_be_visible()
        screen.press("Not the same")
        expect(likely).to_be_hidden()
        with studio.person("mia") as mia:
            mia.call("restore_duplicates", pair_ids)
        screen.open("/app/contacts/duplicates")
        compare = screen.page.get_by_role("link", name=f"Compare with {keep}")
        group = screen.page.locator(".mb-duplicates").filter(has=compare)
        group.get_by_role("button", name="Not duplicates").click()
        screen.sees("They are different people: this is not asked again.")
        expect(compare).to_be_hidden()
        screen.press("Undo")
        compare.click()
        screen.is_at(f"/app/contacts/{keep}/merge/{other}")
        screen.press("Not the same person")
        screen.is_at("/app/contacts/duplicates")
        screen.sees("No duplicates")
        screen.open(f"/app/contacts/{keep}/merge/{other}")
        screen.sees("Somebody has said that these are two people.")
        screen.page.reload()
        screen.sees("1 event")
        screen.page.get_by_role("radio", name="Xu & Daughters").check()
        screen.press("Merge")
        screen.page.get_by_role("dialog").get_by_role("button", name="Merge").click()
        screen.is_at(f"/app/contacts/{keep}")
        screen.sees("w.xu@example.com")
        screen.sees("Xu & Daughters")
        screen.open(f"/app/contacts/{other}")
        screen.is_at(f"/app/contacts/{keep}")
