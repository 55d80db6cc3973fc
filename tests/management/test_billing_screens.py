"""The pages of billing in a browser: walked by axe, and used by the founder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.management.billing_office import STUDIO_PLAN, Office
from tests.product.layout_walk import layout_faults
from tests.product.page_walk import settle
from tests.product.screens import DESK, PHONE, Screen, tab
from tests.product.test_accessibility import COLOURS, violations

pytestmark = pytest.mark.usefixtures("m3_assets")

LONG_NAME = "Stellenbosch Wholefood Kitchen and Conference Centre (Pty) Ltd trading as Sunrise"
PAGES = (
    "/app/billing",
    "/app/billing/plans",
    "/app/billing/invoices",
    "/app/billing/dunning",
    "/app/billing/tenants/stellenbosch-kitchen",  # owes
    "/app/billing/tenants/tulbagh-cheese",  # is suspended
    "/app/billing/tenants/upington-dates",  # has no details
)


@pytest.fixture(scope="module")
def filled(office: Office) -> Office:
    """Tenants in several states, one of them with a long name."""
    names = {each["name"] for each in office.call("list_plans")["plans"]}
    if "Larger" not in names:
        office.call("create_plan", {**STUDIO_PLAN, "name": "Larger", "price_cents": 90_000})
    office.fail(office.subscribe("stellenbosch-kitchen", billing_name=LONG_NAME))
    office.subscribe("tulbagh-cheese")
    office.call("suspend_tenant", "tulbagh-cheese", "They asked for a pause")
    return office


@pytest.fixture(scope="module")
def screen(chromium: Browser, filled: Office) -> Iterator[Screen]:
    with tab(chromium, filled.console) as opened:
        opened.open("/app/login")
        opened.log_in("olga")
        opened.heading("Businesses")
        yield opened


def test_every_page_fits_and_has_no_violations(screen: Screen) -> None:
    page, found = screen.page, []
    for path in PAGES:
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
        screen.open(path)
        settle(page)
        found += [f"{path}: {line}" for line in violations(page) + layout_faults(page)]
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        found += [f"{path}, dark: {line}" for line in violations(page, COLOURS)]
        page.emulate_media(color_scheme="light")
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    assert found == []


def test_a_plan_is_made_and_refused_at_its_fields(screen: Screen) -> None:
    screen.open("/app/billing/plans")
    screen.press("New plan")
    dialog = screen.page.get_by_role("dialog")
    screen.type("Price", "12,345")
    screen.press("Save")
    screen.sees("The name is required.")
    screen.sees('The price must be an amount like 450.00, not "12,345".')
    screen.type("Name", "Estate")
    screen.type("Price", "1 299,50")
    screen.press("Save")
    expect(dialog).to_be_hidden()
    card = screen.page.locator("article", has_text="Estate")
    expect(card).to_contain_text("1 299,50 a month")
    card.get_by_role("button", name="Archive").click()
    dialog.get_by_role("button", name="Archive").click()
    expect(card).to_contain_text("Archived")


def test_a_tenant_is_billed_from_details_to_invoice(screen: Screen, filled: Office) -> None:
    page, office, name = screen.page, filled, "vredefort-dome"
    screen.open(f"/app/billing/tenants/{name}")
    screen.press("Enter billing details")
    screen.type("Name on invoices", "Vredefort Dome Tours")
    screen.type("E-mail for invoices and reminders", f"accounts@{name}.example")
    screen.type("VAT id", "123")
    screen.press("Save")
    screen.sees("The VAT id must be one of ZA, like 4123456789")
    screen.type("VAT id", "4123456789")
    screen.press("Save")
    screen.sees("Send the link to subscribe")
    screen.press("Link to subscribe")
    page.get_by_role("combobox", name="Plan", exact=True).click()
    page.get_by_role("option", name="Studio").click()
    screen.press("Make the link")
    screen.sees("The link works until")
    link = screen.field("Link").input_value()
    screen.press("Close")
    subscription = office.stripe.subscribe(office.session_of(office.open_link(link))["id"])
    office.tell("customer.subscription.created", subscription)
    [invoice] = office.invoices_of(subscription)
    office.tell("invoice.paid", invoice)
    page.reload()
    screen.sees("Next payment")
    expect(page.get_by_role("link", name="PDF of " + invoice["number"])).to_have_attribute(
        "href", invoice["invoice_pdf"]
    )
    screen.press("Change plan")
    page.get_by_role("combobox", name="New plan", exact=True).click()
    page.get_by_role("option", name="Larger").click()
    screen.sees("is charged now.")
    screen.press("Change the plan")
    expect(page.get_by_role("dialog")).to_be_hidden()
    screen.sees("900,00 a month")


def test_the_founder_ends_keeps_and_suspends(screen: Screen, filled: Office) -> None:
    page, name = screen.page, "worcester-vine"
    filled.subscribe(name)
    screen.open(f"/app/billing/tenants/{name}")
    dialog = page.get_by_role("dialog")
    screen.press("End it")
    dialog.get_by_role("button", name="End with the period").click()
    screen.sees("Ends on")
    dialog.wait_for(state="hidden")
    screen.press("Keep it")
    screen.sees("Next payment")
    screen.press("Suspend")
    dialog.get_by_role("button", name="Suspend").click()
    screen.sees("The reason is required.")
    screen.type("Reason", "A holiday")
    dialog.get_by_role("button", name="Suspend").click()
    screen.sees("A holiday. The operator agent has been asked to see to it.")
    screen.press("Resume")
    dialog.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("The operator agent has been asked")).to_be_hidden()


def test_rules_say_what_they_mean_before_they_are_saved(screen: Screen) -> None:
    screen.open("/app/billing/dunning")
    screen.sees("Day 11")
    screen.type("Last warning (days before)", "5")
    screen.sees("Day 9")
    screen.type("Reminders on days", "0, 12")
    screen.press("Save")
    screen.sees("Reminders must come before the warning on day 9, not on day 12.")
    screen.type("Reminders on days", "0, 3, 7")
    screen.type("Last warning (days before)", "3")
    screen.press("Save")
    screen.sees("There was nothing to save.")


def test_who_may_only_look_changes_nothing(chromium: Browser, filled: Office) -> None:
    with tab(chromium, filled.console) as screen:
        screen.open("/app/login")
        screen.log_in("sam")
        screen.heading("Businesses")
        expect(screen.page.get_by_role("link", name="Billing")).to_be_hidden()
        screen.open("/app/billing")
        screen.sees("lacks the permission billing.view")
        expect(screen.page.get_by_role("button", name="Bill a tenant")).to_be_hidden()
