"""axe-core finds nothing serious, and every control is large enough for a finger."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.m3.conftest import DESKTOP, PHONE, ROOT, OpenGallery

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# WCAG 2.5.5 (AAA) and the product's own rule; Material's touch target is 48.
TARGET_PX = 44


RUN_AXE = """async () => {
  // WCAG asks no contrast of disabled controls, and the gallery's headings are samples.
  const result = await axe.run({ exclude: ["[disabled]"] }, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    rules: { "heading-order": { enabled: false } },
  });
  return result.violations
    .filter((found) => found.impact !== "minor")
    .map((found) => [found.impact, found.id, ...found.nodes.map((node) => node.html)].join(" "));
}"""


def violations(page: Page) -> list[str]:
    """What axe finds, each as impact, rule and elements."""
    page.add_script_tag(path=AXE)
    return list(page.evaluate(RUN_AXE))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_gallery_has_no_violations(
    open_gallery: OpenGallery, viewport: dict[str, int], scheme: str
) -> None:
    page = open_gallery(viewport, color_scheme=scheme)
    assert violations(page) == []


def test_open_menu_and_drawer_have_no_violations(open_gallery: OpenGallery) -> None:
    page = open_gallery()
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Edit").wait_for()
    assert violations(page) == []
    phone = open_gallery(PHONE)
    phone.get_by_role("button", name="Navigation").click()
    phone.get_by_role("button", name="With a count").wait_for()
    assert violations(phone) == []


def test_axe_would_find_a_nameless_button(gallery: Page) -> None:
    gallery.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert any("button-name" in line for line in violations(gallery))


# A control's target: the larger of its box and its touch area inside the shadow root.
SMALL_TARGETS = """(least) => {
  const boxes = (element) => {
    const parts = ".touch, .touch-target, .button, input, button";
    const inner = element.shadowRoot?.querySelectorAll(parts) ?? [];
    return [element, ...inner].map((one) => one.getBoundingClientRect());
  };
  const controls = document.querySelectorAll(
    "m3-button > *, m3-icon-button > *, .m3-avatar-button, .m3-nav-link, .m3-menu-button, " +
    "m3-action-card, m3-text-field > *, m3-select > *, m3-date-field > *, .m3-choice"
  );
  return [...controls]
    .filter((control) => control.checkVisibility() && control.getBoundingClientRect().width > 0)
    .filter((control) => {
      const all = boxes(control);
      const largest = (side) => Math.max(...all.map((box) => box[side]));
      return largest("width") < least || largest("height") < least;
    })
    .map((control) => control.outerHTML.slice(0, 120));
}"""


def test_targets_fit_a_finger(open_gallery: OpenGallery) -> None:
    page = open_gallery(PHONE)
    assert page.evaluate(SMALL_TARGETS, TARGET_PX) == []
