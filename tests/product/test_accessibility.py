"""axe-core finds nothing serious on any page, in light and dark, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.product.page_walk import Walkers, all_visits, settle, walkers
from tests.product.screens import DESK, PHONE
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
  return result.violations
    .filter((found) => found.impact !== "minor")
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


@pytest.mark.parametrize("visit", all_visits(), ids=lambda visit: visit.path)
def test_a_page_has_no_violations(people: Walkers, visit: Any) -> None:
    assert faults(people.visit(visit).page) == []


def test_axe_would_find_a_nameless_button_and_pale_text(people: Walkers) -> None:
    screen = people.screen("olga")
    screen.open("/app/me")
    settle(screen.page)
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
