"""Everything works without a mouse, and one sees where one is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.product.page_walk import Visit, Walkers, all_visits, settle, walkers
from tests.product.screens import PHONE, Screen
from tests.product.studio import DOMAIN, PASSWORD, Studio

pytestmark = pytest.mark.usefixtures("m3_assets")

# Functions for the page: `tabStops()` numbers what the Tab key should reach and gives a name for
# each; `whereFocusIs()` gives the number of the element with the focus, and what one sees of it.
WATCH = """() => {
  const inner = (root) => [...root.querySelectorAll("*")].flatMap((element) =>
    element.shadowRoot ? [element, ...inner(element.shadowRoot)] : [element]);
  const host = (element) => element.getRootNode().host;
  const describe = (element) => {
    const texts = [element.ariaLabel, element.labels?.[0]?.textContent, element.textContent,
      host(element)?.ariaLabel, host(element)?.label, host(element)?.textContent];
    const name = texts.map((text) => (text ?? "").trim()).find(Boolean) ?? "";
    return `<${element.localName}> ${name.replace(/\\s+/g, " ").slice(0, 40)}`;
  };
  const isOneOfAGroup = (element) =>
    element.type === "radio" || /^(menuitem|option|radio|tab)$/.test(element.role ?? "");
  const isStop = (element) =>
    element.tabIndex >= 0 && !element.shadowRoot?.delegatesFocus && !element.disabled &&
    element.matches("a[href], button, input, select, textarea, [tabindex]") &&
    !isOneOfAGroup(element) && !element.closest("[inert]") && !host(element)?.closest("[inert]") &&
    element.checkVisibility({ visibilityProperty: true, opacityProperty: false });
  window.tabStops = () => {
    window.stops = inner(document).filter(isStop);
    return window.stops.map(describe);
  };
  const rings = (element) => {
    const style = getComputedStyle(element);
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    const parts = [...element.children, ...(element.shadowRoot?.children ?? [])];
    return ring || parts.some((part) => part.matches("md-focus-ring[visible]")) ||
      /^md-(outlined|filled)-(text-field|select|field)$/.test(element.localName);
  };
  window.whereFocusIs = () => {
    let element = document.activeElement;
    const around = [];
    while (element.shadowRoot?.activeElement) {
      around.push(element);
      element = element.shadowRoot.activeElement;
    }
    if (element === document.body) return null;
    around.push(element, ...(element.parentElement ? [element.parentElement] : []));
    const box = element.getBoundingClientRect();
    const isInView = box.bottom > 0 && box.top < innerHeight && box.right > 0 &&
      box.left < innerWidth;
    return { number: window.stops.indexOf(element), name: describe(element),
      isSeen: isInView && around.some(rings) };
  };
}"""


@pytest.fixture(scope="module")
def people(chromium: Browser, studio: Studio) -> Iterator[Walkers]:
    with walkers(chromium, studio) as found:
        yield found


def walk_by_tab(page: Page) -> list[str]:
    """What is wrong on the way through the page with the Tab key."""
    page.evaluate(WATCH)
    page.evaluate("document.activeElement.blur()")
    names = page.evaluate("tabStops()")
    reached: set[int] = set()
    faults = []
    for _ in range(2 * len(names) + 8):
        page.keyboard.press("Tab")
        stop: dict[str, Any] | None = page.evaluate("whereFocusIs()")
        if stop is None:
            # At its end a page gives the focus to the browser. It may have begun in its middle.
            continue
        if stop["number"] in reached:
            break
        if stop["number"] >= 0:
            reached.add(stop["number"])
        if not stop["isSeen"]:
            faults.append(f"one does not see the focus on {stop['name']}")
    else:
        faults.append("the focus does not come to an end")
    missed = [name for number, name in enumerate(names) if number not in reached]
    return faults + [f"the Tab key does not reach {name}" for name in missed]


@pytest.mark.parametrize("visit", all_visits(), ids=lambda visit: visit.path)
def test_the_tab_key_reaches_everything_and_one_sees_where_one_is(
    people: Walkers, visit: Visit
) -> None:
    assert walk_by_tab(people.visit(visit).page) == []


def test_the_walk_would_find_a_trap_and_an_invisible_focus(people: Walkers) -> None:
    screen = people.visit(Visit("/app/me", "olga"))
    screen.page.evaluate("""() => {
        const main = document.querySelector("main");
        const hidden = main.appendChild(document.createElement("button"));
        hidden.textContent = "No ring";
        hidden.style.outline = "none";
        const last = main.appendChild(document.createElement("button"));
        last.textContent = "Never reached";
        hidden.addEventListener("keydown", (event) => {
            event.preventDefault();
            main.querySelector("button").focus();
        });
    }""")
    found = walk_by_tab(screen.page)
    assert "one does not see the focus on <button> No ring" in found
    assert "the Tab key does not reach <button> Never reached" in found


def test_logs_in_looks_someone_up_and_saves_with_the_keyboard_alone(
    chromium: Browser, studio: Studio
) -> None:
    with walkers(chromium, studio) as nobody:
        screen = nobody.screen(None)
        page, keys = screen.page, screen.page.keyboard
        screen.open("/app/contacts")
        expect(screen.field("E-mail")).to_be_focused()
        keys.type(f"mia@{DOMAIN}")
        keys.press("Enter")
        expect(screen.field("Password")).to_be_focused()
        keys.type(PASSWORD)
        keys.press("Enter")
        screen.heading("Contacts")
        settle(page)
        tab_to(screen, "input", "Search")
        keys.type("venkataraman")
        screen.sees("1 contact")
        tab_to(screen, "a", "Priya Venkataraman")
        keys.press("Enter")
        screen.heading("Priya Venkataraman")
        expect(page.locator("main")).to_be_focused()
        expect(page.locator("#mb-announcer")).to_have_text("Priya Venkataraman")
        tab_to(screen, "button", "Edit")
        keys.press("Enter")
        screen.heading("Edit Priya Venkataraman")
        settle(page)
        tab_to(screen, "input", "City")
        keys.press("Control+a")
        keys.type("Gqeberha")
        keys.press("Enter")
        screen.heading("Priya Venkataraman")
        screen.sees("Gqeberha")


def tab_to(screen: Screen, tag: str, name: str) -> None:
    """Press Tab until the focus is on something of this kind and name."""
    page = screen.page
    page.evaluate(WATCH)
    page.evaluate("tabStops()")
    for _ in range(80):
        page.keyboard.press("Tab")
        stop = page.evaluate("whereFocusIs()")
        if stop and stop["name"].startswith(f"<{tag}>") and name in stop["name"]:
            return
    raise AssertionError(f"80 times Tab did not come to {name}")


def test_menus_choices_and_dialogs_by_key(people: Walkers) -> None:
    screen = people.visit(Visit("/app/contacts", "olga"))
    page, keys = screen.page, screen.page.keyboard
    opener = page.get_by_role("button", name="Menu of Olga Naidoo")
    opener.focus()
    keys.press("Enter")
    expect(page.get_by_role("menuitem", name="Account")).to_be_focused()
    keys.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Light or dark")).to_be_focused()
    keys.press("Escape")
    expect(opener).to_be_focused()

    status = page.get_by_role("combobox", name="Status")
    status.focus()
    keys.press("Enter")
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(page).to_have_url(f"{screen.studio.url}/app/contacts?status=customer")

    screen.open("/app/contacts/C-2")
    settle(page)
    delete = page.get_by_role("button", name="Delete contact")
    delete.focus()
    keys.press("Enter")
    dialog = page.get_by_role("dialog", name="Delete this contact?")
    expect(dialog).to_be_visible()
    for _ in range(6):
        keys.press("Tab")
        assert page.evaluate("!!document.activeElement.closest('dialog') || !document.hasFocus()")
    keys.press("Escape")
    expect(dialog).to_have_count(0)
    expect(delete).to_be_focused()
    screen.is_at("/app/contacts/C-2")


def test_skips_to_the_content_and_opens_the_menu_of_a_phone(people: Walkers) -> None:
    screen = people.visit(Visit("/app/me", "olga"))
    page, keys = screen.page, screen.page.keyboard
    keys.press("Tab")
    expect(page.get_by_role("button", name="Skip to content")).to_be_focused()
    keys.press("Enter")
    expect(page.locator("main")).to_be_focused()
    keys.press("Tab")
    expect(screen.field("Old password")).to_be_focused()

    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    opener = page.get_by_role("button", name="Navigation")
    opener.focus()
    keys.press("Enter")
    expect(page.get_by_role("link", name="Dashboard")).to_be_focused()
    keys.press("Escape")
    expect(opener).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    keys.press("Enter")
    screen.is_at("/app/coming/bookings")
    expect(page.get_by_role("navigation")).not_to_be_in_viewport()
    expect(page.locator("main")).to_be_focused()


def test_destinations_are_links_that_another_tab_can_open(people: Walkers) -> None:
    screen = people.visit(Visit("/app/me", "olga"))
    for name, path in (("Contacts", "/app/contacts"), ("Bookings", "/app/coming/bookings")):
        link = screen.page.get_by_role("navigation").get_by_role("link", name=name, exact=True)
        with screen.page.context.expect_page() as waiting:
            link.click(modifiers=["ControlOrMeta"])
        expect(waiting.value).to_have_url(screen.studio.url + path)
        waiting.value.close()
        screen.is_at("/app/me")
