"""Segments in the browser: built by choosing, counted while one chooses."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.product.screens import PHONE, Screen, tab
from tests.product.studio import Studio


@pytest.fixture(scope="module")
def mia(chromium: Browser, studio: Studio) -> Iterator[Screen]:
    with tab(chromium, studio, "mia") as screen:
        yield screen


def rule(screen: Screen, number: int) -> Locator:
    return screen.page.get_by_role("group", name="Rule", exact=True).nth(number)


def choose_field(box: Locator, name: str) -> None:
    picker = box.get_by_role("combobox", name="What it looks at")
    picker.fill(name)
    picker.press("Enter")


def choose(box: Locator, label: str, option: str) -> None:
    """Of a drop-down menu."""
    box.get_by_label(label, exact=True).first.click()
    box.page.get_by_role("option", name=option, exact=True).filter(visible=True).first.click()


def count_shown(screen: Screen) -> Locator:
    return screen.page.locator(".mb-segment-number")


def test_a_segment_is_made_by_choosing(studio: Studio, mia: Screen) -> None:
    mia.open("/app/segments")
    mia.press("New segment")
    mia.heading("New segment")
    mia.field("Name").fill("Customers worth a call")
    choose_field(rule(mia, 0), "Status")
    picker = rule(mia, 0).get_by_role("combobox", name="Status")
    picker.fill("Customer")
    picker.press("Enter")
    [(customers,)] = studio.query(
        "SELECT count(*) FROM app.contacts WHERE status = 'customer' AND deleted_at IS NULL"
    )
    expect(count_shown(mia)).to_have_text(str(customers))
    mia.press("Add a rule")
    choose_field(rule(mia, 1), "Total spent")
    rule(mia, 1).get_by_label("Amount", exact=True).fill("1000.50")
    [(fewer,)] = studio.query(
        "SELECT count(*) FROM app.contacts WHERE status = 'customer' AND deleted_at IS NULL "
        "AND total_spent_cents >= 100050"
    )
    assert 0 < fewer < customers
    expect(count_shown(mia)).to_have_text(str(fewer))
    mia.press("Create")
    mia.heading("Customers worth a call")
    expect(mia.page).to_have_url(re.compile(r"/app/segments/S-\d+$"))
    [(criteria, held)] = studio.query(
        "SELECT filter_criteria, (SELECT count(*) FROM app.contacts c WHERE "
        "c.segments @> jsonb_build_array(s.segment_id)) FROM app.segments s "
        "WHERE segment_name = 'Customers worth a call'"
    )
    assert criteria == {
        "match": "all",
        "rules": [
            {"field": "status", "operator": "is_any_of", "value": ["customer"]},
            {"field": "total_spent", "operator": "at_least", "value": 100_050},
        ],
    }
    assert held == fewer
    mia.page.get_by_text("‹ Segments").click()
    row = mia.page.locator("a.mb-row", has_text="Customers worth a call")
    expect(row).to_contain_text(f"{fewer} people")
    row.click()
    mia.heading("Customers worth a call")
    expect(rule(mia, 1).get_by_label("Amount", exact=True)).to_have_value("1000.5")


def test_what_is_missing_is_told_at_the_rule(mia: Screen) -> None:
    mia.open("/app/segments/new")
    mia.field("Name").fill("Half made")
    mia.sees("Finish the rules to see who is in.")
    choose_field(rule(mia, 0), "Company")
    mia.press("Create")
    expect(rule(mia, 0)).to_contain_text("Company is required.")
    expect(mia.field("Name")).to_have_value("Half made")
    rule(mia, 0).get_by_label("Text", exact=True).fill("Ltd")
    mia.press("Add a group")
    mia.press("Create")
    expect(rule(mia, 1)).to_contain_text("Choose what the rule looks at.")
    mia.page.get_by_role("button", name="Take this group out", exact=True).filter(
        visible=True
    ).click()
    mia.field("Name").fill("")
    mia.press("Create")
    mia.sees("Name is required.")
    mia.field("Name").fill("Now whole")
    mia.press("Create")
    mia.heading("Now whole")


def test_a_group_of_rules(studio: Studio, mia: Screen) -> None:
    mia.open("/app/segments/new")
    mia.field("Name").fill("Reachable or regular")
    choose_field(rule(mia, 0), "Marketing")
    mia.press("Add a group")
    choose_field(rule(mia, 1), "Date added")
    rule(mia, 1).get_by_label("Days", exact=True).fill("100")
    [(expected,)] = studio.query(
        "SELECT count(*) FROM app.contacts WHERE deleted_at IS NULL "
        """AND preferences @> '{"marketing_opt_in": true}' """
        "AND date_added >= now() - interval '100 days'"
    )
    expect(count_shown(mia)).to_have_text(str(expected))
    mia.press("Create")
    mia.heading("Reachable or regular")
    [(criteria,)] = studio.query(
        "SELECT filter_criteria FROM app.segments WHERE segment_name = 'Reachable or regular'"
    )
    assert criteria["rules"][1] == {
        "match": "any",
        "rules": [{"field": "date_added", "operator": "in_last_days", "value": 100}],
    }


def test_a_pre_built_one_is_copied_and_switched(mia: Screen) -> None:
    mia.open("/app/segments/S-1")
    mia.heading("Newsletter readers")
    expect(mia.field("Name")).to_be_disabled()
    mia.press("Switch off")
    mia.sees("Switched off.")
    mia.press("Switch on")
    mia.sees("Switched on.")
    mia.press("Copy")
    mia.heading("New segment")
    expect(mia.field("Name")).to_have_value("Newsletter readers (copy)")
    mia.press("Create")
    mia.heading("Newsletter readers (copy)")
    mia.press("Delete")
    mia.page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    mia.is_at("/app/segments")


def test_a_list_by_hand_on_a_phone(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "mia", PHONE) as phone:
        phone.open("/app/segments/new")
        phone.field("Name").fill("Invited to the opening")
        choose(phone.page.locator("main"), "Who is in it", "Filled by hand")
        phone.sees("Choose people in the list of contacts")
        phone.press("Create")
        phone.heading("Invited to the opening")
        wide = phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert wide


def test_birthdays_are_found_by_month_and_days_to_come_are_shown(
    studio: Studio, mia: Screen
) -> None:
    studio.query("UPDATE app.contacts SET birthday = '1990-03-31' WHERE number IN (4, 5)")
    studio.query(
        "UPDATE app.contacts SET next_booking_at = now() + interval '1 day' WHERE number = 4"
    )
    studio.query(
        "UPDATE app.contacts SET next_booking_at = now() - interval '1 day' WHERE number = 5"
    )
    mia.open("/app/segments/new")
    choose_field(rule(mia, 0), "Birthday")
    picker = rule(mia, 0).get_by_role("combobox", name="Birthday")
    picker.fill("March")
    picker.press("Enter")
    expect(count_shown(mia)).to_have_text("2")
    choose(rule(mia, 0), "How", "is filled in")
    expect(count_shown(mia)).to_have_text("2")
    for number, is_shown in ((4, True), (5, False)):
        mia.open(f"/app/contacts/C-{number}")
        mia.sees("31 Mar 1990")
        expect(mia.page.get_by_text("Next booking", exact=True)).to_be_visible(visible=is_shown)
