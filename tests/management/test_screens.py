"""The console's pages in a browser: walked by axe, and used by its people."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.management.test_fleet import ALERT, instance
from tests.product.layout_walk import layout_faults
from tests.product.page_walk import settle
from tests.product.screens import DESK, PHONE, Screen, tab
from tests.product.studio import ROOT, Caller, Studio
from tests.product.test_accessibility import COLOURS, violations

pytestmark = pytest.mark.usefixtures("m3_assets")

# What stands for a `:name` in an address; a new one has to be added here.
SAMPLES = {":name": "sea-view-inn", ":version": "v1.10.0", ":job_id": "JOB"}


def pages() -> list[str]:
    """The console's own addresses, read without importing them."""
    tree = ast.parse((ROOT / "management/client_code/console_pages.py").read_text())
    value = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PAGES"
    )
    found = [pattern for pattern, _, _ in _literals(value)]
    return [path for path in found if "billing" not in path]  # its own tests walk those


def _literals(value: ast.expr) -> list[Any]:
    assert isinstance(value, ast.List)
    rows = [element for element in value.elts if isinstance(element, ast.Tuple)]
    return [tuple(ast.unparse(part).strip("'") for part in row.elts) for row in rows]


@pytest.fixture(scope="module")
def filled(console: Studio) -> Studio:
    """Businesses, releases, an alert, a command and a job that failed."""
    fleet = [
        instance(
            "sea-view-inn",
            title="Sea View Inn & Conference Centre, Plettenberg Bay (Pty) Ltd",
            health="ill",
            problem="No worker answers.",
        ),
        instance("yogastudio", title="Élan Yoga", release="v1.10.0"),
    ]
    alert = {**ALERT, "key": "worker:sea-view-inn", "instance": "sea-view-inn"}
    command = {
        "command_id": "a",
        "ran_at": ALERT["began_at"],
        "ran_by": "thandi",
        "words": "scripts/run --port 3030",
        "state": "killed",
    }
    releases = [
        {"version": "v1.0.0", "published_at": ALERT["began_at"]},
        {
            "version": "v1.10.0",
            "kind": "critical",
            "notes": "Mend log-ins.",
            "guide": "Nothing to do.",
            "changes": ["Table + plans"],
        },
    ]
    with console.uplink() as agent, console.person("mia") as mia:
        agent.call("report_fleet", agent="machine", instances=fleet)
        agent.call("report_releases", releases=releases)
        agent.call("report_alerts", alerts=[alert])
        agent.call("report_commands", commands=[command])
        mia.call("request_job", "instance.backup", {"name": "sea-view-inn"}, "a backup")
        end_next_job(agent, is_done=False, error="The disk is full.", log_tail="Reading ...")
    return console


def end_next_job(agent: Caller, **facts: Any) -> None:
    """What an agent does, without doing it."""
    taken = agent.call("take_job", lease="lease of a test")["job"]
    agent.call("end_job", job_id=taken["job_id"], lease="lease of a test", **facts)


@contextmanager
def opened(chromium: Browser, console: Studio, who: str) -> Iterator[Screen]:
    with tab(chromium, console) as screen:
        screen.open("/app/login")
        expect(screen.page.get_by_role("link", name="Create an account")).to_be_hidden()
        screen.log_in(who)
        screen.heading("Businesses")
        screen.is_at("/app/fleet")
        yield screen


def test_every_page_fits_and_has_no_violations(chromium: Browser, filled: Studio) -> None:
    with filled.person("mia") as mia:
        job_id = mia.call("list_jobs")["jobs"][0]["job_id"]
    with opened(chromium, filled, "olga") as screen:
        page = screen.page
        found = []
        for pattern in pages():
            path = pattern
            for name, sample in SAMPLES.items():
                path = path.replace(name, job_id if sample == "JOB" else sample)
            page.set_viewport_size(DESK)  # type: ignore[arg-type]
            screen.open(path)
            settle(page)
            found += [f"{pattern}: {line}" for line in violations(page) + layout_faults(page)]
            page.emulate_media(color_scheme="dark")
            page.set_viewport_size(PHONE)  # type: ignore[arg-type]
            found += [f"{pattern}, dark: {line}" for line in violations(page, COLOURS)]
            page.emulate_media(color_scheme="light")
        assert found == []


def test_a_business_is_asked_for_and_its_link_shown_once(chromium: Browser, filled: Studio) -> None:
    with opened(chromium, filled, "mia") as screen, filled.uplink() as agent:
        page = screen.page
        screen.press("New business")
        screen.heading("New business")
        screen.field("Name of the business").fill("Sea View Inn")
        screen.sees("There is a business sea-view-inn already.")
        page.get_by_role("button", name="Take sea-view-inn-2", exact=True).click()
        screen.sees("sea-view-inn-2 is free.")
        screen.press("Make the business")
        screen.sees("Owner's e-mail is required.")
        screen.type("Owner's name", "Zoe Adams")
        screen.type("Owner's e-mail", "zoe@seaview.example")
        screen.press("Make the business")
        screen.heading("Make a business")
        screen.sees("It begins as soon as the operator agent is free.")
        url = "http://sea-view-inn-2.localhost/app/invitation/once"
        secret = {"owner_link": {"email": "zoe@seaview.example", "url": url}}
        end_next_job(agent, is_done=True, secret=secret, result={"release": "v1.10.0"})
        screen.press("Show the link")
        expect(screen.field("Link for the owner")).to_have_value(url)
        page.reload()
        screen.sees("Done")
        expect(page.get_by_role("button", name="Show the link")).to_be_hidden()


def test_an_operator_sees_to_an_alert_and_changes_nothing_else(
    chromium: Browser, filled: Studio
) -> None:
    with opened(chromium, filled, "sam") as screen:
        page = screen.page
        expect(page.get_by_role("button", name="New business")).to_be_hidden()
        page.get_by_role("link", name="Sea View Inn").click()
        screen.sees("The newest backup")
        expect(page.get_by_role("button", name="Back up")).to_be_hidden()
        page.get_by_role("link", name="Alerts", exact=True).click()
        screen.heading("Alerts")
        screen.press("I see to it")
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Note").fill("The disk is being cleared")
        dialog.get_by_role("button", name="I see to it").click()
        screen.sees("The disk is being cleared")
        page.reload()
        screen.sees("All is quiet")


def test_an_upgrade_is_asked_for_from_the_page_of_a_business(
    chromium: Browser, filled: Studio
) -> None:
    with opened(chromium, filled, "mia") as screen:
        page = screen.page
        screen.field("Search").fill("plettenberg")
        expect(page.locator("a.mb-row")).to_have_count(1)
        page.locator("a.mb-row").click()
        screen.sees("Release v1.10.0 is out: Mend log-ins.")
        screen.press("Upgrade")
        page.get_by_role("dialog").get_by_role("button", name="Upgrade").click()
        screen.heading("Upgrade")
        screen.sees("v1.10.0")
        screen.press("Take back")
        screen.sees("It was taken back before it began.")


def test_the_list_follows_what_is_reported(chromium: Browser, filled: Studio) -> None:
    with opened(chromium, filled, "sam") as screen, filled.uplink() as agent:
        page = screen.page
        page.clock.install()
        page.reload()
        expect(page.locator(".mb-chip.mc-ill")).to_have_count(1)
        broken = instance("yogastudio", health="down", problem="It does not answer.")
        agent.call("report_fleet", agent="machine", instances=[broken])
        page.clock.run_for(61_000)
        expect(page.locator(".mb-chip.mc-down")).to_have_count(1)
        expect(page.locator("a.mb-row")).to_have_count(1)
