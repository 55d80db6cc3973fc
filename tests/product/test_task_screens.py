"""Tasks and scheduled work in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.product.screens import PHONE, Screen, tab
from tests.product.studio import Studio
from tests.product.test_tasks import in_days

pytestmark = pytest.mark.usefixtures("m3_assets")


def row(screen: Screen, title: str) -> Locator:
    return screen.page.locator(".mb-task").filter(has_text=title)


def chooses(screen: Screen, label: str, option: str) -> None:
    screen.page.get_by_label(label, exact=True).click()
    screen.page.get_by_role("option", name=option, exact=True).click()


def test_a_task_from_thought_to_done(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga") as screen:
        page = screen.page
        screen.open("/app/tasks")
        screen.heading("Tasks")
        screen.press("New task")
        screen.heading("New task")
        screen.press("Save")
        screen.sees("There was nothing to save.")
        screen.type("What is to be done", "Count the mats")
        screen.press("Save")
        screen.sees("Due date is required.")
        expect(screen.field("What is to be done")).to_have_value("Count the mats")
        screen.type("Due date", in_days(-1))
        contact = page.get_by_role("combobox", name="Contact")
        contact.click()
        contact.fill("thabo")
        page.get_by_role("option", name="Thabo Mokoena").click()
        screen.press("Save")
        screen.heading("Count the mats")
        screen.sees("1 day late")
        page.reload()
        expect(page.get_by_role("combobox", name="Contact")).to_have_value("Thabo Mokoena")

        screen.open("/app/tasks")
        page.get_by_role("button", name="Overdue").click()
        expect(row(screen, "Order cork blocks")).to_have_count(0)  # it is due today
        expect(row(screen, "Count the mats")).to_contain_text("1 day late")
        row(screen, "Count the mats").get_by_role("button", name="What to do with").click()
        page.get_by_role("menuitem", name="Put off to tomorrow").click()
        expect(row(screen, "Count the mats")).to_have_count(0)
        screen.open("/app/tasks?search=mats&view=week")
        expect(row(screen, "Count the mats")).to_contain_text("Tomorrow")
        row(screen, "Count the mats").get_by_role("link", name="Thabo Mokoena").click()

        screen.heading("Thabo Mokoena")
        page.get_by_role("button", name="Done: Count the mats").click()
        screen.sees("Done: Count the mats")
        expect(page.locator(".mb-task-panel .mb-task")).to_have_count(0)
        screen.open("/app/tasks?view=done&search=mats")
        page.get_by_role("button", name="Open again: Count the mats").click()
        expect(row(screen, "Count the mats")).to_have_count(0)


def test_several_tasks_on_a_phone(chromium: Browser, studio: Studio) -> None:
    with studio.person("olga") as olga:
        for number in range(3):
            given = {"task_title": f"Fold towel {number}", "due_date": in_days(2)}
            olga.call("create_task", given)
    with tab(chromium, studio, "olga", PHONE) as screen:
        page = screen.page
        screen.open("/app/tasks?search=towel")
        page.get_by_label("All on this page").click()
        screen.sees("3 tasks are chosen")
        page.get_by_label("Choose Fold towel 0").click()
        screen.sees("2 tasks are chosen")
        screen.press("Done")
        screen.sees("2 tasks: Done.")
        expect(row(screen, "Fold towel")).to_have_count(1)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        page.get_by_label("Choose Fold towel 0").click()
        screen.press("Delete")
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        screen.sees("Nothing matches")


def test_rules_are_switched_and_worded(chromium: Browser, studio: Studio) -> None:
    with tab(chromium, studio, "olga") as screen:
        page = screen.page
        screen.open("/app/tasks/rules")
        card = page.locator(".mb-task-card").filter(has_text="Arrival instructions")
        title = card.get_by_label("Title of the task")
        title.fill("Key for {nick}")
        title.press("Tab")
        card.get_by_role("button", name="Save").click()
        screen.sees("In braces there may be name, date, service, not nick.")
        title.fill("Key for {name}")
        title.press("Tab")
        card.get_by_role("switch", name="Arrival instructions").click()
        screen.sees("Saved.")
        page.reload()
        expect(card.get_by_label("Title of the task")).to_have_value("Key for {name}")
        expect(card.get_by_role("switch", name="Arrival instructions")).to_be_checked()


def test_scheduled_work_is_shown_and_run(chromium: Browser, studio: Studio) -> None:
    with studio.uplink() as script:
        script.call("run_schedule_now", job="lifecycle")
    with tab(chromium, studio, "olga") as screen:
        page = screen.page
        screen.open("/app/settings/scheduled")
        card = page.locator(".mb-job").filter(has_text="Lifecycle stages")
        expect(card).to_contain_text("Every day at 02:00")
        expect(card.locator(".mb-chip")).to_have_text("Done")
        card.get_by_text("Earlier runs").click()
        expect(card.locator("tbody tr")).to_have_count(1)
        card.get_by_role("button", name="Run now").click()
        screen.sees("It begins now.")
    with tab(chromium, studio, "mia") as screen:
        screen.open("/app/settings/scheduled")
        screen.sees("Lifecycle stages")
        expect(screen.page.get_by_role("button", name="Run now")).to_have_count(0)
