"""Loading, empty, gone wrong: each page says so, and what was typed stays when a save fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, TimeoutError, expect

from tests.product.page_walk import Visit, Walkers, all_visits, settle, walkers
from tests.product.screens import Screen
from tests.product.studio import Studio
from tests.product.wire import Wire

pytestmark = pytest.mark.usefixtures("m3_assets")

# Pages that ask the server for nothing before they are there.
AT_ONCE = {
    "/app/contacts/new",
    "/app/coming/bookings",
    "/app/my/bookings",
}
VISITS = [visit for visit in all_visits() if visit.who]


@pytest.fixture(scope="module")
def wires() -> dict[str, Wire]:
    return {}


@pytest.fixture(scope="module")
def people(chromium: Browser, studio: Studio) -> Iterator[Walkers]:
    with walkers(chromium, studio) as found:
        yield found


def wired(people: Walkers, wires: dict[str, Wire], who: str) -> tuple[Screen, Wire]:
    """Someone at a browser whose connection the test has in its hand."""
    screen = people.screen(who)
    if who not in wires:
        wires[who] = Wire(screen.page)
    wires[who].start_afresh()
    return screen, wires[who]


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.path)
def test_a_page_shows_that_it_loads_and_that_it_failed_and_tries_again(
    people: Walkers, wires: dict[str, Wire], visit: Visit
) -> None:
    assert visit.who
    screen, wire = wired(people, wires, visit.who)
    page = screen.page
    wire.hold()
    screen.open(visit.path)
    if visit.path in AT_ONCE:
        wire.let_go()
        settle(page)
        assert wire.asked == [], "the page asks the server and does not say that it loads"
        return
    expect(page.locator("h1").first).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Loading").first).to_be_attached()
    expect(page.locator(".mb-bones:visible, p[role=status]:visible").first).to_be_visible()
    assert not page.get_by_role("button", name="Try again").filter(visible=True).count()
    wire.cut()
    again = page.get_by_role("button", name="Try again")
    expect(again.first).to_be_visible()
    wire.let_go()
    wire.mend()
    while again.filter(visible=True).count():
        with suppress(TimeoutError):  # One list's button may have loaded another's too.
            again.filter(visible=True).first.click(timeout=3000)
    settle(page)
    expect(page.locator(".mb-state:visible").filter(has_text="did not load")).to_have_count(0)


def test_a_list_that_is_empty_says_what_to_do(chromium: Browser, empty_studio: Studio) -> None:
    with walkers(chromium, empty_studio) as people:
        screen = people.visit(Visit("/app/contacts", "olga"))
        screen.sees("No contacts yet")
        screen.page.locator(".mb-state").get_by_role("button", name="New contact").click()
        screen.type("First name", "First")
        screen.type("Last name", "Person")
        screen.press("Save")
        screen.heading("First Person")


def refuse(studio: Studio, table: str) -> str:
    """Have the database refuse each change of a table; gives the statement that ends it."""
    studio.query(
        "CREATE OR REPLACE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'refused by the test'; END $$"
    )
    studio.query(
        f"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON app.{table} "
        "FOR EACH ROW EXECUTE FUNCTION app.refuse()"
    )
    return f"DROP TRIGGER refuse ON app.{table}"


def test_an_editor_keeps_what_was_typed_whatever_goes_wrong(
    people: Walkers, wires: dict[str, Wire], studio: Studio
) -> None:
    screen, wire = wired(people, wires, "olga")
    page = screen.page
    screen.open("/app/contacts/C-9/edit")
    settle(page)
    typed = {"First name": "Zoë", "Company": "O'Brien & Söhne", "City": "إسطنبول"}
    for label, text in typed.items():
        screen.type(label, text)
    screen.type("E-mail", "no address")
    screen.press("Save")
    screen.sees("must be an e-mail address")
    screen.type("E-mail", "zoe@example.com")

    def all_is_there() -> None:
        for label, text in typed.items():
            expect(screen.field(label)).to_have_value(text)

    all_is_there()
    wire.cut()
    screen.press("Save")
    expect(page.get_by_role("alert").filter(has_text="You are offline")).to_be_visible()
    all_is_there()
    wire.mend()
    wire.is_flooded = True
    screen.press("Save")
    expect(page.get_by_role("alert").filter(has_text="very busy")).to_be_visible()
    all_is_there()
    wire.is_flooded = False
    end = refuse(studio, "contacts")
    screen.press("Save")
    expect(page.get_by_role("alert").filter(has_text="Something went wrong")).to_be_visible()
    all_is_there()
    studio.query(end)
    screen.press("Save")
    screen.is_at("/app/contacts/C-9")
    screen.sees("O'Brien & Söhne")


def test_a_note_and_a_password_stay_when_the_connection_breaks(
    people: Walkers, wires: dict[str, Wire]
) -> None:
    screen, wire = wired(people, wires, "olga")
    screen.open("/app/contacts/C-9")
    settle(screen.page)
    screen.type("Add a note", "Wants the early class")
    wire.hold()
    screen.press("Add note")
    while "add_note_to_contact" not in wire.asked:
        screen.page.evaluate("new Promise(requestAnimationFrame)")
    wire.cut()
    screen.sees("The connection was lost before the server answered.")
    expect(screen.field("Add a note")).to_have_value("Wants the early class")
    wire.let_go()
    screen.open("/app/me")
    settle(screen.page)
    screen.type("Old password", "one that is long")
    screen.type("New password", "another that is long")
    screen.press("Save the new password")
    screen.sees("You are offline")
    expect(screen.field("New password")).to_have_value("another that is long")
    wire.mend()


@pytest.mark.parametrize(
    ("locale", "currency", "zone", "spent", "since", "event_time"),
    [
        (
            "en-ZA",
            "ZAR",
            "Africa/Johannesburg",
            "R 12 345,67",
            "15 Mar 2026",
            "15 Mar 2026, 00:30",
        ),
        (
            "de-DE",
            "EUR",
            "Europe/Berlin",
            "12.345,67 €",
            "14. März 2026",
            "14. März 2026, 23:30",
        ),
        (
            "ja-JP",
            "JPY",
            "Asia/Tokyo",
            "￥1,234,567",
            "2026年3月15日",
            "2026年3月15日 07:30",
        ),
    ],
    ids=["en-ZA", "de-DE", "ja-JP"],
)
def test_money_and_times_are_written_as_the_business_does(
    people: Walkers,
    studio: Studio,
    locale: str,
    currency: str,
    zone: str,
    spent: str,
    since: str,
    event_time: str,
) -> None:
    before = studio.query("SELECT locale, currency, time_zone FROM app.settings")
    moment = "2026-03-14 22:30:00+00"
    studio.query(
        "UPDATE app.settings SET locale = %s, currency = %s, time_zone = %s", locale, currency, zone
    )
    studio.query(
        "UPDATE app.contacts SET total_spent_cents = 1234567, currency = %s, date_added = %s "
        "WHERE contact_id = 'C-11'",
        currency,
        moment,
    )
    studio.query(
        "UPDATE app.contact_events SET event_date = %s WHERE contact = "
        "(SELECT _id FROM app.contacts WHERE contact_id = 'C-11')",
        moment,
    )
    page = people.visit(Visit("/app/contacts/C-11", "olga")).page
    figure = page.locator(".mb-figure").filter(has_text="Spent").locator("strong")
    assert plain(figure.inner_text()) == spent
    expect(page.locator(".mb-facts dd").filter(has_text=since).first).to_be_visible()
    when = page.locator(".mb-event [title]").first
    assert plain(when.get_attribute("title") or "") == event_time
    page = people.visit(Visit("/app/dashboard", "olga")).page
    revenue = page.locator(".mb-metric").filter(has_text="Revenue")
    sign = {"ZAR": "R", "EUR": "€", "JPY": "￥"}[currency]
    expect(revenue).to_contain_text(sign)
    studio.query("UPDATE app.settings SET locale = %s, currency = %s, time_zone = %s", *before[0])


def plain(text: str) -> str:
    """With ordinary spaces: locales use several that do not break."""
    return " ".join(text.split())
