"""On every page: axe-core finds nothing serious, in light and dark, on a desk and on a phone;
nothing sticks out or is cut off from 320 pixels on; the Tab key reaches everything, visibly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.product.key_walk import walk_by_tab
from tests.product.layout_walk import layout_faults
from tests.product.page_walk import Visit, Walkers, all_visits, walkers
from tests.product.screens import DESK, PHONE, Screen
from tests.product.studio import ROOT, Studio

pytestmark = pytest.mark.usefixtures("m3_assets")

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
RUN_AXE = """async (rules) => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  // WCAG asks no contrast of disabled controls.
  const result = await axe.run({ exclude: ["[disabled]"] }, {
    runOnly: rules ? { type: "rule", values: rules } : { type: "tag", values: tags },
    resultTypes: ["violations"],
  });
  // The options of Material's select hold their role inside: browsers tell assistive technology of
  // a listbox with its options, and axe sees elements without a role that could have the focus.
  const isSelect = (found) => found.id === "aria-required-children" &&
    found.nodes.every((node) => node.any.every((check) =>
      check.data?.values === "md-select-option[tabindex]"));
  // What an open list of choices covers in part is whole again as soon as the list is closed.
  const isUnderChoices = (found) => found.id === "target-size" &&
    found.nodes.every((node) => node.any.some((check) =>
      check.data?.messageKey === "partiallyObscured" && check.relatedNodes.length &&
      check.relatedNodes.every((other) => other.html.includes('role="option"'))));
  return result.violations
    .filter((found) => found.impact !== "minor" && !isSelect(found) && !isUnderChoices(found))
    .map((found) => [found.impact, found.id, ...found.nodes.map((node) => node.html)].join(" "));
}"""
# What another scheme can break; the rest is the same in both.
COLOURS = ["color-contrast", "link-in-text-block"]


@pytest.fixture(scope="module")
def people(chromium: Browser, studio: Studio) -> Iterator[Walkers]:
    with walkers(chromium, studio) as found:
        yield found


def violations(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe finds, each as impact, rule and elements."""
    if not page.evaluate("!!window.axe"):
        page.evaluate(AXE)
    return list(page.evaluate(RUN_AXE, rules))


def faults(page: Page) -> list[str]:
    """What axe finds in both sizes and schemes."""
    found = []
    for name, size in (("desk", DESK), ("phone", PHONE)):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme="light")
        found += [f"{name}: {line}" for line in violations(page)]
        page.emulate_media(color_scheme="dark")
        found += [f"{name}, dark: {line}" for line in violations(page, COLOURS)]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    return found


@pytest.fixture(scope="module", params=all_visits(), ids=lambda visit: str(visit.path))
def screen(people: Walkers, request: pytest.FixtureRequest) -> Screen:
    """Each page in turn, opened once for all tests that look at it."""
    return people.visit(request.param)


def test_a_page_has_no_violations(screen: Screen) -> None:
    assert faults(screen.page) == []


def test_nothing_sticks_out_or_is_cut_off(screen: Screen) -> None:
    assert layout_faults(screen.page) == []


def test_the_tab_key_reaches_everything_and_one_sees_where_one_is(screen: Screen) -> None:
    assert walk_by_tab(screen.page) == []


def test_dialogs_menus_and_messages_have_no_violations(people: Walkers) -> None:
    screen = people.visit(Visit("/app/contacts/new", "olga"))
    page = screen.page
    screen.type("Company", "Typed")
    screen.press("Save")
    screen.sees("First name is required.")
    assert faults(page) == [], "messages at the fields"
    page.get_by_role("navigation").get_by_role("link", name="Dashboard").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert faults(page) == [], "a question"
    page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    screen.is_at("/app/dashboard")

    page = people.visit(Visit("/app/contacts?search=nobody+has+this+name", "olga")).page
    screen.sees("Nobody matches")
    assert violations(page) == [], "an empty list"
    page.get_by_role("button", name="Filters").click()
    assert violations(page) == [], "the filters"
    page.get_by_role("combobox", name="Status").click()
    expect(page.get_by_role("option", name="Customer")).to_be_visible()
    assert violations(page) == [], "a list of choices"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Menu of Olga Naidoo").click()
    expect(page.get_by_role("menuitem", name="Log out")).to_be_visible()
    assert violations(page) == [], "a menu"
    page.keyboard.press("Escape")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.get_by_role("button", name="Navigation").click()
    expect(page.get_by_role("link", name="Dashboard")).to_be_visible()
    assert violations(page) == [], "the menu of a phone"
    page.keyboard.press("Escape")

    page = people.visit(Visit("/app/contacts/C-99999", "olga")).page
    screen.sees("No such contact")
    assert violations(page) == [], "a page that is not there"


def test_axe_would_find_a_nameless_button_and_pale_text(people: Walkers) -> None:
    screen = people.visit(Visit("/app/me", "olga"))
    screen.page.evaluate("""() => {
        const main = document.querySelector("main");
        main.append(document.createElement("button"));
        const pale = main.appendChild(document.createElement("p"));
        pale.textContent = "Hardly to be read";
        pale.style.color = "color-mix(in srgb, currentColor 30%, transparent)";
    }""")
    found = " ".join(faults(screen.page))
    assert "button-name" in found
    assert "desk, dark: serious color-contrast" in found
    expect(screen.page.locator("main")).to_be_visible()


def test_the_others_would_find_a_trap_an_invisible_focus_and_what_sticks_out(
    people: Walkers,
) -> None:
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
    screen.page.evaluate("""() => {
        const wide = document.querySelector("main").appendChild(document.createElement("p"));
        wide.textContent = "A line that does not break";
        wide.style.cssText = "inline-size: 40px; white-space: nowrap";
    }""")
    assert "A line that does not break" in " ".join(layout_faults(screen.page))


LONG = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh"
ARABIC = "مؤسسة شروق الشمس لليوغا والتأمل"


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_long_names_and_right_to_left_text_fit(
    people: Walkers, studio: Studio, direction: str
) -> None:
    studio.query("UPDATE app.settings SET business_name = %s", f"{ARABIC} {LONG}")
    studio.query(
        "UPDATE app.contacts SET first_name = %s, last_name = %s, company = %s, email = %s, "
        "total_spent_cents = 98765432100 WHERE contact_id = 'C-22'",
        LONG,
        ARABIC,
        f"{LONG} & {LONG}",
        f"{LONG}@{LONG}.example".lower(),
    )
    for path in ("/app/contacts?search=Featherstonehaugh", "/app/contacts/C-22", "/app/dashboard"):
        page = people.visit(Visit(path, "olga")).page
        page.evaluate("(direction) => { document.documentElement.dir = direction; }", direction)
        assert layout_faults(page) == [], path
